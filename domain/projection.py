"""What a dossier comes to at an instant: statuses recomputed from quantities and evidence, and when to look again."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from domain.dossier import Dossier
from domain.model import Order
from domain.order_exceptions import OrderException, derive_exceptions, unresolved
from domain.order_status import CARRIER_MEMORY, OrderFacts, OrderState, derive_order
from domain.shipment_status import ShipmentState, derive_shipment
from domain.timeline import TimelineEvent, fold

TICK = timedelta(microseconds=1)
"""Grace is over just after its end, not at it."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One order as it stands. ``review_at``: the first later instant at which time alone may change it; None: never."""

    order: Order
    shipments: tuple[ShipmentState, ...]
    state: OrderState
    exceptions: tuple[OrderException, ...]
    story: tuple[TimelineEvent, ...]
    review_at: datetime | None


def project(dossier: Dossier, *, now: datetime, carrier_grace: timedelta) -> Projection | None:
    """None: the order is not known, or its owner deleted it. Times are aware UTC.

    Between two reviews the answer does not depend on ``now``, so that a rebuild gives what was there before.
    """
    order = dossier.current
    if order is None:
        return None
    warehouse = dossier.warehouse
    made = warehouse.shipments if warehouse else ()
    shipments = tuple(derive_shipment(each, dossier.told_by_carrier(each)) for each in made)
    facts = OrderFacts(order, warehouse, shipments, now, carrier_grace)
    state = derive_order(facts)
    return Projection(
        order=order,
        shipments=shipments,
        state=state,
        exceptions=unresolved(derive_exceptions(facts, state), dossier.resolved),
        story=fold(order, warehouse, shipments, (), ()),
        review_at=min((at + TICK for at in _turning_points(facts) if at >= now), default=None),
    )


def _turning_points(facts: OrderFacts) -> Iterator[datetime]:
    """When a rule that counts the time since something begins to hold, or ceases to."""
    changed = facts.order.modified_at.at
    yield from _after(changed, facts.carrier_grace, CARRIER_MEMORY)
    for state in facts.shipments or ():
        for moment in (state.shipment.confirmed_at, state.shipped_at):
            if moment:
                yield from _after(moment.at, facts.carrier_grace, CARRIER_MEMORY)
    for line in facts.order.lines:
        promised = line.promised_date or facts.order.promised_date
        if promised and line.backordered.base_value > 0 and promised.year < 9999:
            yield datetime.combine(promised + timedelta(days=1), time(), UTC) - TICK


def _after(at: datetime, *delays: timedelta) -> Iterator[datetime]:
    """``at`` and each delay later; what lies beyond the calendar never comes."""
    for delay in delays:
        if at <= datetime.max.replace(tzinfo=UTC) - delay - TICK:
            yield at + delay
