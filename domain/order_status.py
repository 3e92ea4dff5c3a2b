"""The one status of an order, shown from separate axes by one table.

Lifecycle is the ERP's, fulfillment is derived from quantities and evidence, hold is the ERP's; billing and payment are
axes of their own (``domain.billing``) that no display status mixes in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from domain.billing import Billing, Payment, derive_billing, derive_payment
from domain.errors import SourceError
from domain.explanation import Evidence, Explanation, unreadable
from domain.fulfillment import ORDER_RULES, Fulfillment, Rule, furthest, total
from domain.line_status import FINISHED, UNREAD, LineState, derive_line, is_work
from domain.model import Lifecycle, Order, ShipmentMode, ShipmentStatus, WarehouseOrder, WarehouseTask
from domain.order_summary import DELIVERED, LEFT, summarize
from domain.shipment_status import ShipmentState
from domain.tracking import chronological

__all__ = [
    "Billing",
    "Fulfillment",
    "OrderFacts",
    "OrderState",
    "OrderStatus",
    "Payment",
    "derive_billing",
    "derive_order",
    "derive_payment",
]


class OrderStatus(StrEnum):
    """An order's one display status."""

    RECEIVED = "RECEIVED"
    CONFIRMED = "CONFIRMED"
    ON_HOLD = "ON_HOLD"
    BACKORDERED = "BACKORDERED"
    PARTIALLY_ALLOCATED = "PARTIALLY_ALLOCATED"
    ALLOCATED = "ALLOCATED"
    IN_WAREHOUSE = "IN_WAREHOUSE"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED_PENDING_CARRIER = "SHIPPED_PENDING_CARRIER"
    SHIPPED = "SHIPPED"
    PARTIALLY_DELIVERED = "PARTIALLY_DELIVERED"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the display table: where all its conditions hold, ``status`` shows. ``rule`` None: the fulfillment's."""

    status: OrderStatus
    steps: frozenset[Fulfillment] = frozenset(Fulfillment)
    lifecycles: frozenset[Lifecycle] = frozenset(Lifecycle)
    held: bool = False
    settled: bool = False
    rule: str | None = None
    missing: tuple[str, ...] | None = None


def _as_is(*steps: Fulfillment) -> Iterator[Row]:
    return (Row(OrderStatus(step.value), frozenset({step})) for step in steps)


DISPLAY: Sequence[Row] = (
    *_as_is(Fulfillment.CANCELLED),
    Row(
        OrderStatus.COMPLETED,
        steps=frozenset({Fulfillment.SHIPPED, Fulfillment.PARTIALLY_DELIVERED, Fulfillment.DELIVERED}),
        lifecycles=FINISHED,
        settled=True,
        rule="closed by the ERP, and nothing is under way; what never shipped is cancelled",
        missing=(),
    ),
    *_as_is(
        Fulfillment.DELIVERED,
        Fulfillment.PARTIALLY_DELIVERED,
        Fulfillment.SHIPPED,
        Fulfillment.PARTIALLY_SHIPPED,
        Fulfillment.SHIPPED_PENDING_CARRIER,
    ),
    Row(OrderStatus.CANCELLED, lifecycles=frozenset({Lifecycle.CANCELLED}), rule="cancelled by the ERP", missing=()),
    Row(OrderStatus.COMPLETED, lifecycles=frozenset({Lifecycle.CLOSED}), rule="closed by the ERP", missing=()),
    Row(
        OrderStatus.ON_HOLD,
        held=True,
        rule="the ERP holds it, and nothing has shipped yet",
        missing=("the release of the hold",),
    ),
    *_as_is(Fulfillment.IN_WAREHOUSE),
    Row(
        OrderStatus.RECEIVED,
        lifecycles=frozenset({Lifecycle.RECEIVED}),
        rule="the ERP has it, approval pending",
        missing=("approval",),
    ),
    *_as_is(Fulfillment.ALLOCATED, Fulfillment.PARTIALLY_ALLOCATED, Fulfillment.BACKORDERED),
    Row(
        OrderStatus.CONFIRMED,
        lifecycles=frozenset({Lifecycle.CONFIRMED}),
        rule="accepted by the ERP, nothing allocated yet",
        missing=("allocation",),
    ),
    Row(
        OrderStatus.UNKNOWN,
        rule="the ERP's status is not known to us",
        missing=("a status of the ERP we can read",),
    ),
)
"""The first row that holds is shown.

A hold hides no shipment made; approval pending hides no warehouse work; a closed order is COMPLETED only once nothing
of it is under way; an ERP status we do not know leaves standing what quantities and evidence prove.
"""

WORDS: Mapping[OrderStatus, str] = {
    OrderStatus.RECEIVED: "Received",
    OrderStatus.CONFIRMED: "Confirmed",
    OrderStatus.ON_HOLD: "On hold",
    OrderStatus.BACKORDERED: "Waiting for stock",
    OrderStatus.PARTIALLY_ALLOCATED: "Partly reserved",
    OrderStatus.ALLOCATED: "Reserved",
    OrderStatus.IN_WAREHOUSE: "In the warehouse",
    OrderStatus.PARTIALLY_SHIPPED: "Partly shipped",
    OrderStatus.SHIPPED_PENDING_CARRIER: "Shipped, waiting for the carrier",
    OrderStatus.SHIPPED: "Shipped",
    OrderStatus.PARTIALLY_DELIVERED: "Partly delivered",
    OrderStatus.DELIVERED: "Delivered",
    OrderStatus.COMPLETED: "Completed",
    OrderStatus.CANCELLED: "Cancelled",
    OrderStatus.UNKNOWN: "Status not known",
}

PROGRESS = {OrderStatus.PARTIALLY_SHIPPED: LEFT, OrderStatus.PARTIALLY_DELIVERED: DELIVERED}
"""How far a partial status has come."""

CITED: Mapping[Fulfillment, tuple[str, Callable[[LineState], Decimal]]] = {
    Fulfillment.PENDING: ("ordered", lambda state: state.counts.ordered),
    Fulfillment.BACKORDERED: ("backordered", lambda state: state.counts.backordered),
    Fulfillment.PARTIALLY_ALLOCATED: ("allocated", lambda state: state.counts.allocated),
    Fulfillment.ALLOCATED: ("allocated", lambda state: state.counts.allocated),
    Fulfillment.IN_WAREHOUSE: ("allocated", lambda state: state.counts.allocated),
    Fulfillment.CANCELLED: ("cancelled", lambda state: state.counts.cancelled),
}
STATED_AS_SHIPPED: tuple[str, Callable[[LineState], Decimal]] = ("shipped", lambda state: state.line.shipped.base_value)
"""The ERP's quantity cited for a step; from the first shipment on it is what it says has shipped."""

CARRIER_MEMORY = timedelta(days=90)
"""How long a carrier's silence leaves a shipment under way; carriers forget consignments after some months [I]."""


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """All that is known of an order.

    ``warehouse`` None: the warehouse never saw it; ``shipments`` None: they could not be read. ``now`` is aware;
    ``carrier_grace``: how long goods may be stated as shipped before a carrier must know them.
    """

    order: Order
    warehouse: WarehouseOrder | SourceError | None
    shipments: tuple[ShipmentState, ...] | None
    now: datetime
    carrier_grace: timedelta


@dataclass(frozen=True, slots=True)
class OrderState:
    """Everything derived of one order: ``row`` is the display table's that held, ``rule`` the fulfillment's."""

    facts: OrderFacts
    row: Row
    rule: Rule
    lines: tuple[LineState, ...]

    @property
    def status(self) -> OrderStatus:
        return self.row.status

    @property
    def fulfillment(self) -> Fulfillment:
        return self.rule.step

    @property
    def lifecycle(self) -> Lifecycle:
        return self.facts.order.lifecycle

    @property
    def billing(self) -> Billing:
        return derive_billing(self.facts.order)

    @property
    def explanation(self) -> Explanation:
        return Explanation(
            rule=self.row.rule or self.rule.sentence,
            evidence=tuple(dict.fromkeys(_evidence(self.facts, self.lines, self.rule.step))),
            missing=tuple(dict.fromkeys(_missing(self.facts, self.row, self.rule))),
        )

    @property
    def summary(self) -> str:
        """The status in a customer's words ("Completed, 3 cancelled")."""
        return summarize(
            WORDS[self.status],
            self.lines,
            progress=PROGRESS.get(self.status),
            cancelled=self.status is not OrderStatus.CANCELLED,
            held=self.facts.order.hold is not None and self.status is not OrderStatus.ON_HOLD,
        )


def derive_order(facts: OrderFacts) -> OrderState:
    """The order's state from what could be read; whoever could not be read is named in what is missing."""
    order, wms = facts.order, _warehouse_name(facts)
    work = _work_by_line(facts)
    lines = tuple(
        derive_line(
            line,
            facts.shipments,
            None if work is None else work.get(line.key, ()),
            lifecycle=order.lifecycle,
            erp=order.source.system,
            wms=wms,
            as_of=order.modified_at.at,
        )
        for line in order.lines
    )
    made = [state for state in facts.shipments or () if state.left]
    outstanding = any(state.status is not ShipmentStatus.DELIVERED for state in made)
    counts = total([line.counts for line in lines], outstanding=outstanding)
    rule = furthest(counts, ORDER_RULES)
    settled = counts.left >= counts.due and all(_is_settled(state, facts) for state in made)
    row = next(row for row in DISPLAY if _holds(row, rule.step, order, settled=settled))
    return OrderState(facts, row, rule, lines)


def _work_by_line(facts: OrderFacts) -> Mapping[str, Sequence[WarehouseTask]] | None:
    """None: the warehouse could not be read."""
    if isinstance(facts.warehouse, SourceError):
        return None
    work: dict[str, list[WarehouseTask]] = {}
    for task in facts.warehouse.tasks if facts.warehouse else ():
        work.setdefault(task.line_key, []).append(task)
    return work


def _holds(row: Row, step: Fulfillment, order: Order, *, settled: bool) -> bool:
    held, done = order.hold is not None or not row.held, settled or not row.settled
    return held and done and step in row.steps and order.lifecycle in row.lifecycles


def _is_settled(state: ShipmentState, facts: OrderFacts) -> bool:
    """Delivered, collected, or so long ago that a carrier which never scanned it will not speak of it any more."""
    if state.status is ShipmentStatus.DELIVERED or state.shipment.mode is ShipmentMode.PICKUP:
        return True
    silent = state.status is ShipmentStatus.SHIPPED and state.scanned_at is None and not state.unread
    patience = facts.carrier_grace if state.shipment.mode is ShipmentMode.OWN_FLEET else CARRIER_MEMORY
    left_at = (state.shipped_at or facts.order.modified_at).at
    return silent and facts.now - left_at > patience


def _warehouse_name(facts: OrderFacts) -> str:
    warehouse = facts.warehouse
    if isinstance(warehouse, SourceError):
        return warehouse.source
    return warehouse.source.system if warehouse else "wms"


def _evidence(facts: OrderFacts, lines: Sequence[LineState], step: Fulfillment) -> Iterator[Evidence]:
    order, warehouse = facts.order, facts.warehouse
    yield Evidence.of(order.source.system, order.status_code, order.modified_at.at)
    if order.hold:
        yield Evidence(order.source.system, "hold", order.hold.since.at if order.hold.since else None)
    word, quantity = CITED.get(step, STATED_AS_SHIPPED)
    concerned = sum(1 for state in lines if quantity(state) > 0)
    yield Evidence(order.source.system, f"{word} on {concerned} of {len(lines)} lines", order.modified_at.at)
    tasks = warehouse.tasks if isinstance(warehouse, WarehouseOrder) and step is Fulfillment.IN_WAREHOUSE else ()
    if work := [task for task in tasks if is_work(task)]:
        latest = max(work, key=lambda task: (chronological(task.at), task.code.raw))
        yield Evidence.of(_warehouse_name(facts), latest.code, latest.at.at)
    for state in facts.shipments or ():
        yield from state.explanation.evidence


def _missing(facts: OrderFacts, row: Row, rule: Rule) -> Iterator[str]:
    yield from rule.missing if row.missing is None else row.missing
    if isinstance(facts.warehouse, SourceError):
        yield unreadable(facts.warehouse.source)
    elif facts.shipments is None:
        yield UNREAD
    for state in facts.shipments or ():
        yield from state.explanation.missing if state.left else map(unreadable, state.unread)
