"""What about an order wants attention: its systems contradict each other, keep silent too long, or report trouble."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from domain.events import Resolved
from domain.ledger import DiscrepancyKind, discrepancies, told
from domain.line_status import LineState
from domain.model import Lifecycle, ShipmentMode, ShipmentStatus, WarehouseOrder
from domain.order_status import CARRIER_MEMORY, OrderFacts, OrderState
from domain.parcels import WITHOUT_CARRIER, is_confirmed, is_voided
from domain.shipment_status import ShipmentState
from domain.values import Code, Moment


class Severity(StrEnum):
    """CRITICAL: goods or promises are at stake; WARNING: somebody should look; INFO: good to know."""

    CRITICAL = "CRITICAL"
    WARNING = "WARNING"
    INFO = "INFO"


class ExceptionKind(StrEnum):
    """What can be wrong."""

    LOST = "LOST"
    RETURNING_TO_SENDER = "RETURNING_TO_SENDER"
    SHIPPED_AFTER_CANCELLATION = "SHIPPED_AFTER_CANCELLATION"
    VOIDED_IN_TRANSIT = "VOIDED_IN_TRANSIT"
    SHIPPED_PENDING_CARRIER = "SHIPPED_PENDING_CARRIER"
    NO_MANIFEST = "NO_MANIFEST"
    NO_CARRIER_SCAN = "NO_CARRIER_SCAN"
    DELIVERY_EXCEPTION = "DELIVERY_EXCEPTION"
    BACKORDERED_PAST_PROMISE = "BACKORDERED_PAST_PROMISE"
    QUANTITY_MISMATCH = "QUANTITY_MISMATCH"
    DELIVERY_DELAYED = "DELIVERY_DELAYED"
    PACKAGE_WITHOUT_TRACKING = "PACKAGE_WITHOUT_TRACKING"
    UNKNOWN_CODE = "UNKNOWN_CODE"


PUBLIC: Mapping[ExceptionKind, tuple[Severity, str]] = {
    ExceptionKind.LOST: (Severity.CRITICAL, "The carrier reports this shipment lost."),
    ExceptionKind.RETURNING_TO_SENDER: (Severity.CRITICAL, "The carrier takes this shipment back to the sender."),
    ExceptionKind.SHIPPED_AFTER_CANCELLATION: (Severity.CRITICAL, "Goods left although the order is cancelled."),
    ExceptionKind.VOIDED_IN_TRANSIT: (Severity.WARNING, "This shipment was withdrawn, but the carrier has it."),
    ExceptionKind.SHIPPED_PENDING_CARRIER: (Severity.WARNING, "Reported as shipped, but no carrier has it yet."),
    ExceptionKind.NO_MANIFEST: (Severity.WARNING, "Confirmed by the warehouse, but not handed to a carrier yet."),
    ExceptionKind.NO_CARRIER_SCAN: (Severity.WARNING, "The carrier has not scanned this shipment yet."),
    ExceptionKind.DELIVERY_EXCEPTION: (Severity.WARNING, "The carrier reports a problem on the way."),
    ExceptionKind.BACKORDERED_PAST_PROMISE: (Severity.WARNING, "Still waiting for stock after the promised date."),
    ExceptionKind.QUANTITY_MISMATCH: (Severity.WARNING, "Our systems disagree on a quantity; it is being checked."),
    ExceptionKind.DELIVERY_DELAYED: (Severity.INFO, "The carrier reports a delay."),
    ExceptionKind.PACKAGE_WITHOUT_TRACKING: (Severity.INFO, "A package of this shipment has no tracking number."),
    ExceptionKind.UNKNOWN_CODE: (Severity.INFO, "A system sent a code we do not know; it changed no status."),
}
"""What a customer may read of each kind, in our own words."""


UNBALANCED: Mapping[DiscrepancyKind, ExceptionKind] = {
    DiscrepancyKind.SHIPPED_UNCONFIRMED: ExceptionKind.SHIPPED_PENDING_CARRIER,
}
"""What a line's ledger being out of balance amounts to; QUANTITY_MISMATCH where nothing is said here."""

REPORTED: Mapping[ShipmentStatus, ExceptionKind] = {
    ShipmentStatus.LOST: ExceptionKind.LOST,
    ShipmentStatus.RETURNING: ExceptionKind.RETURNING_TO_SENDER,
    ShipmentStatus.RETURNED: ExceptionKind.RETURNING_TO_SENDER,
    ShipmentStatus.EXCEPTION: ExceptionKind.DELIVERY_EXCEPTION,
    ShipmentStatus.DELAYED: ExceptionKind.DELIVERY_DELAYED,
}
"""What a carrier's status or condition amounts to."""


@dataclass(frozen=True, slots=True)
class OrderException:
    """``message`` is public; ``internal`` is what the systems said, for customer service only. ``since``: aware UTC."""

    kind: ExceptionKind
    severity: Severity
    message: str
    since: datetime | None
    line_key: str | None = None
    shipment_id: str | None = None
    internal: str | None = None

    @property
    def part(self) -> str:
        """What of the order it is about: a line, a shipment, or all of it (empty)."""
        return self.line_key or self.shipment_id or ""


def unresolved(found: Iterable[OrderException], resolved: Iterable[Resolved]) -> tuple[OrderException, ...]:
    """Without those that were dealt with and stand as they did then."""
    settled = {(each.kind, each.part, each.since, each.internal) for each in resolved}
    return tuple(one for one in found if (one.kind, one.part, one.since, one.internal) not in settled)


def derive_exceptions(facts: OrderFacts, state: OrderState) -> tuple[OrderException, ...]:
    """The gravest first. A warehouse that could not be read contradicts nobody."""
    found = {
        *_of_order(facts, state),
        *(one for shipment in facts.shipments or () for one in _of_shipment(shipment, facts)),
        *(one for line in state.lines for one in _of_line(line, facts)),
        *_unknown_codes(facts),
    }
    return tuple(sorted(found, key=_position))


def _position(one: OrderException) -> tuple[object, ...]:
    kinds = list(ExceptionKind)
    return kinds.index(one.kind), one.line_key or "", one.shipment_id or "", one.internal or ""


def _raise(
    kind: ExceptionKind,
    since: datetime | None,
    *,
    line: LineState | None = None,
    shipment: ShipmentState | None = None,
    internal: str | None = None,
) -> OrderException:
    severity, message = PUBLIC[kind]
    line_key, shipment_id = line.line.key if line else None, shipment.shipment.id if shipment else None
    return OrderException(kind, severity, message, since, line_key, shipment_id, internal)


def _age(moment: Moment, facts: OrderFacts) -> timedelta:
    return facts.now - moment.at


def _of_order(facts: OrderFacts, state: OrderState) -> Iterator[OrderException]:
    gone = [shipment for shipment in facts.shipments or () if shipment.left]
    if facts.order.lifecycle is Lifecycle.CANCELLED and gone:
        yield _raise(
            ExceptionKind.SHIPPED_AFTER_CANCELLATION,
            facts.order.modified_at.at,
            internal=f"cancelled, yet {', '.join(sorted(one.shipment.id for one in gone))} left",
        )
    known = {line.line.key for line in state.lines}
    for shipment in facts.shipments or ():
        if strange := sorted(set(shipment.shares) - known):
            said = f"ships line {', '.join(strange)}, which the order does not have"
            yield _raise(ExceptionKind.QUANTITY_MISMATCH, None, shipment=shipment, internal=said)


def _of_shipment(state: ShipmentState, facts: OrderFacts) -> Iterator[OrderException]:
    shipment = state.shipment
    yield from _reported(state)
    if is_voided(shipment) and state.scanned_at:
        yield _raise(ExceptionKind.VOIDED_IN_TRANSIT, state.scanned_at.at, shipment=state)
    if state.status is ShipmentStatus.VOIDED:
        return
    confirmed, confirmed_at = is_confirmed(shipment), shipment.confirmed_at
    if confirmed and not state.left and confirmed_at and _age(confirmed_at, facts) > facts.carrier_grace:
        yield _raise(ExceptionKind.NO_MANIFEST, confirmed_at.at, shipment=state)
    left = state.shipped_at if _is_unscanned(state) else None
    if left and facts.carrier_grace < _age(left, facts) <= CARRIER_MEMORY:
        yield _raise(ExceptionKind.NO_CARRIER_SCAN, left.at, shipment=state)
    bare = [package.id for package in shipment.packages if not package.voided and not package.tracking_number]
    if bare and shipment.mode is ShipmentMode.PARCEL and (confirmed or state.left):
        since, said = confirmed_at.at if confirmed_at else None, f"without tracking number: {', '.join(bare)}"
        yield _raise(ExceptionKind.PACKAGE_WITHOUT_TRACKING, since, shipment=state, internal=said)


def _reported(state: ShipmentState) -> Iterator[OrderException]:
    for status in {*(parcel.status for parcel in state.parcels), *state.conditions} & REPORTED.keys():
        events = [applied.event for applied in state.events if applied.applied and applied.event.status is status]
        said = events[-1] if events else None
        internal = f"{said.code.table} {said.code.raw} {said.code.text or ''}".rstrip() if said else None
        yield _raise(REPORTED[status], said.occurred.at if said else None, shipment=state, internal=internal)


def _is_unscanned(state: ShipmentState) -> bool:
    awaited = state.left and not state.unread and state.shipment.mode not in WITHOUT_CARRIER
    return awaited and state.status is ShipmentStatus.SHIPPED and state.scanned_at is None


def _of_line(state: LineState, facts: OrderFacts) -> Iterator[OrderException]:
    line, today = state.line, facts.now.astimezone(UTC).date()
    promised = line.promised_date or facts.order.promised_date
    if state.counts.backordered > 0 and promised and promised < today:
        since = datetime.combine(promised, time(), UTC)
        yield _raise(ExceptionKind.BACKORDERED_PAST_PROMISE, since, line=state, internal=f"promised for {promised}")
    for one in discrepancies(state, facts):
        kind = UNBALANCED.get(one.kind, ExceptionKind.QUANTITY_MISMATCH)
        yield _raise(kind, one.since, line=state, internal=told(one))


def _unknown_codes(facts: OrderFacts) -> Iterator[OrderException]:
    """One for each code, since it was met first; a code that moved nothing still wants a row in a table."""
    met: dict[str, datetime] = {}
    for code, at in _codes(facts):
        if not code.known:
            spelled = f"{code.table} {code.raw}"
            met[spelled] = min(at, met.get(spelled, at))
    yield from (_raise(ExceptionKind.UNKNOWN_CODE, since, internal=spelled) for spelled, since in met.items())


def _codes(facts: OrderFacts) -> Iterator[tuple[Code, datetime]]:
    order = facts.order
    yield order.status_code, order.modified_at.at
    if order.hold:
        yield order.hold.code, (order.hold.since or order.modified_at).at
    if isinstance(facts.warehouse, WarehouseOrder):
        yield from ((task.code, task.at.at) for task in facts.warehouse.tasks)
    for state in facts.shipments or ():
        yield state.shipment.stage_code, state.shipment.source.as_of
        yield from ((one.event.code, one.event.occurred.at) for one in state.events)
