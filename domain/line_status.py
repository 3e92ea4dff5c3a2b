"""Where one order line stands: quantities as the ERP states them, against what the warehouse and the carriers prove.

Lines are matched to shipments and warehouse work by line key, never by SKU: a SKU may repeat on an order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from domain.explanation import Evidence, Explanation, plain, unreadable
from domain.fulfillment import LINE_RULES, NOTHING, Counts, Fulfillment, Rule, furthest
from domain.model import Lifecycle, Line, WarehouseStage, WarehouseTask
from domain.parcels import LineShare
from domain.shipment_status import ShipmentState
from domain.tracking import chronological
from domain.values import Quantity


class LineStatus(StrEnum):
    """A line's one display status. SUBSTITUTED: cancelled in favour of another line of the order."""

    RECEIVED = "RECEIVED"
    CONFIRMED = "CONFIRMED"
    BACKORDERED = "BACKORDERED"
    PARTIALLY_ALLOCATED = "PARTIALLY_ALLOCATED"
    ALLOCATED = "ALLOCATED"
    IN_WAREHOUSE = "IN_WAREHOUSE"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED_PENDING_CARRIER = "SHIPPED_PENDING_CARRIER"
    SHIPPED = "SHIPPED"
    PARTIALLY_DELIVERED = "PARTIALLY_DELIVERED"
    DELIVERED = "DELIVERED"
    SUBSTITUTED = "SUBSTITUTED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


WORK = frozenset(
    {
        WarehouseStage.RELEASED,
        WarehouseStage.PICKING,
        WarehouseStage.PICKED,
        WarehouseStage.PACKED,
        WarehouseStage.LABELLED,
        WarehouseStage.LOADED,
        WarehouseStage.MANIFESTED,
        WarehouseStage.CONFIRMED,
    }
)
"""Stages that show the warehouse at work; a plan is not work."""

FINISHED = frozenset({Lifecycle.CLOSED, Lifecycle.CANCELLED})
"""The ERP expects nothing more: what has not shipped is cancelled."""

WAITING: Mapping[Lifecycle, tuple[LineStatus, str, str]] = {
    Lifecycle.RECEIVED: (LineStatus.RECEIVED, "the ERP has it, approval pending", "approval"),
    Lifecycle.CONFIRMED: (LineStatus.CONFIRMED, "accepted by the ERP, nothing allocated yet", "allocation"),
    Lifecycle.UNKNOWN: (LineStatus.UNKNOWN, "the ERP's status is not known to us", "a status of the ERP we can read"),
}
"""What a line shows before anything is allocated: status, rule, what is missing."""

STATED: Mapping[Fulfillment, tuple[str, Callable[[Line], Quantity]]] = {
    Fulfillment.PENDING: ("ordered", lambda line: line.ordered),
    Fulfillment.BACKORDERED: ("backordered", lambda line: line.backordered),
    Fulfillment.PARTIALLY_ALLOCATED: ("allocated", lambda line: line.allocated),
    Fulfillment.ALLOCATED: ("allocated", lambda line: line.allocated),
    Fulfillment.IN_WAREHOUSE: ("allocated", lambda line: line.allocated),
    Fulfillment.CANCELLED: ("cancelled", lambda line: line.cancelled),
}
"""The ERP's quantity cited for a step; from the first shipment on it is what it says has shipped."""

SUBSTITUTED = "cancelled in favour of another line of the order"
UNREAD = unreadable("the warehouse")


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a line's status stands on: the rule that held and what is missing, and who said what of the line."""

    step: Fulfillment
    rule: str
    missing: tuple[str, ...]
    shipments: Sequence[ShipmentState]
    tasks: Sequence[WarehouseTask]
    unread: bool
    erp: str
    wms: str
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class LineState:
    """Everything derived of one line, in the line's own units: ordered = cancelled + open + shipped."""

    line: Line
    status: LineStatus
    counts: Counts
    grounds: Grounds

    @property
    def shipped(self) -> Quantity:
        """What anyone says has shipped."""
        return in_units_of(self.line, self.counts.shipped)

    @property
    def left(self) -> Quantity:
        """What is proven to have shipped."""
        return in_units_of(self.line, self.counts.left)

    @property
    def delivered(self) -> Quantity | None:
        """None: the warehouse or a carrier who would know could not be read."""
        unproven = any(
            state.carrier_unread and state.shares[self.line.key].delivered < state.shares[self.line.key].left
            for state in self.grounds.shipments
        )
        return None if self.grounds.unread or unproven else in_units_of(self.line, self.counts.delivered)

    @property
    def open(self) -> Quantity:
        return in_units_of(self.line, self.counts.open)

    @property
    def cancelled(self) -> Quantity:
        return in_units_of(self.line, self.counts.cancelled)

    @property
    def in_shipments(self) -> Quantity:
        """In shipments that are not void; a planned one turns no backordered unit into stock."""
        shares = (state.shares[self.line.key].total for state in self.grounds.shipments)
        return in_units_of(self.line, sum(shares, NOTHING))

    @property
    def explanation(self) -> Explanation:
        grounds = self.grounds
        work = sorted(grounds.tasks, key=lambda task: (chronological(task.at), task.code.raw))
        evidence = (
            _stated(self.line, grounds),
            *(Evidence.of(grounds.wms, task.code, task.at.at) for task in work),
            *(one for state in grounds.shipments for one in state.explanation.evidence),
        )
        missing = (*grounds.missing, UNREAD) if grounds.unread else grounds.missing
        return Explanation(grounds.rule, tuple(dict.fromkeys(evidence)), missing)


def derive_line(
    line: Line,
    shipments: Sequence[ShipmentState] | None,
    tasks: Sequence[WarehouseTask] | None,
    *,
    lifecycle: Lifecycle,
    erp: str = "erp",
    wms: str = "wms",
    as_of: datetime | None = None,
) -> LineState:
    """``shipments`` and ``tasks`` of the whole order or of the line; None: the warehouse could not be read.

    ``erp`` and ``wms`` name the sources in the evidence; ``as_of``: when the ERP's record last changed.
    """
    holding = [state for state in shipments or () if line.key in state.shares]
    work = [task for task in tasks or () if task.line_key == line.key and is_work(task)]
    worked = bool(work) or any(state.shipment.stage in WORK for state in holding)
    share = sum((state.shares[line.key] for state in holding), LineShare())
    counts = _count(line, share, worked=worked, finished=line.closed or lifecycle in FINISHED)
    rule = furthest(counts, LINE_RULES)
    status, sentence, missing = _shown(line, rule, lifecycle)
    unread = shipments is None or tasks is None
    return LineState(
        line, status, counts, Grounds(rule.step, sentence, missing, holding, work, unread, erp, wms, as_of)
    )


def is_work(task: WarehouseTask) -> bool:
    """A plan is no work, and neither is a pick that found nothing."""
    return task.kind in WORK and task.quantity.base_value > 0


def _count(line: Line, share: LineShare, *, worked: bool, finished: bool) -> Counts:
    """Sources may contradict each other: what has left outranks what is stated; nothing exceeds what was ordered."""
    ordered = max(line.ordered.base_value, NOTHING)
    left = min(share.left, ordered)
    shipped = min(max(line.shipped.base_value, share.confirmed, left), ordered)
    unshipped = ordered - shipped
    cancelled = unshipped if finished else min(max(line.cancelled.base_value, NOTHING), unshipped)
    still_open = unshipped - cancelled
    return Counts(
        lines=1,
        ordered=ordered,
        cancelled=cancelled,
        shipped=shipped,
        left=left,
        delivered=min(share.delivered, left),
        allocated=min(max(line.allocated.base_value, NOTHING), still_open),
        backordered=min(max(line.backordered.base_value, NOTHING), still_open),
        worked=worked and still_open > 0,
    )


def _shown(line: Line, rule: Rule, lifecycle: Lifecycle) -> tuple[LineStatus, str, tuple[str, ...]]:
    if rule.step is Fulfillment.PENDING:
        status, sentence, missing = WAITING[lifecycle]
        return status, sentence, (missing,)
    if rule.step is Fulfillment.CANCELLED and line.substituted_by:
        return LineStatus.SUBSTITUTED, SUBSTITUTED, rule.missing
    if rule.step is Fulfillment.BACKORDERED and line.expected_ship_date:
        return LineStatus.BACKORDERED, rule.sentence, (f"stock, expected on {line.expected_ship_date}",)
    return LineStatus(rule.step.value), rule.sentence, rule.missing


def _stated(line: Line, grounds: Grounds) -> Evidence:
    word, quantity = STATED.get(grounds.step, ("shipped", lambda line: line.shipped))
    count, of = plain(quantity(line).value), plain(line.ordered.value)
    return Evidence(grounds.erp, f"{word} {count} of {of} {line.ordered.unit}", grounds.as_of)


def in_units_of(line: Line, base: Decimal) -> Quantity:
    """A count of base units in the unit the line was sold in."""
    sold = line.ordered
    ratio = bool(sold.value and sold.base_value)
    return Quantity(base * sold.value / sold.base_value if ratio else base, sold.unit, base, sold.base_unit)
