"""Orders: the answer to "where is my order, and why?"."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from enum import Enum

import strawberry

from domain import model, order_exceptions, order_status, timeline, values
from domain.billing import Billing, Payment, derive_billing
from domain.values import Moment
from engine.batching import Batch
from graph.connection import Connection, total
from graph.costs import about, cost
from graph.customer import Customer
from graph.directives import computed, computed_for_all, guarded, guarded_for_all
from graph.invoice import Invoice
from graph.line import Line
from graph.node import Info, Node, Source, StatusExplanation, global_id, stands_for
from graph.return_ import Return
from graph.scalars import Address, Code, Money
from graph.shipment import Shipment
from resolvers import customers, invoices, orders, returns

strawberry.enum(order_status.OrderStatus, description="The one status to show.")
strawberry.enum(model.Lifecycle, name="OrderLifecycle", description="Where the order stands with the ERP.")
strawberry.enum(order_status.Fulfillment, description="How far the goods have come.")
strawberry.enum(Billing, description="How much of it is invoiced.")
strawberry.enum(Payment, description="How much of it is paid, from the ERP's receivables only.")
strawberry.enum(timeline.TimelineKind, name="TimelineEventKind", description="What happened.")
strawberry.enum(
    order_exceptions.ExceptionKind, name="OrderExceptionKind", description="What kind of attention it wants."
)
strawberry.enum(order_exceptions.Severity, name="ExceptionSeverity", description="How much it matters.")


@strawberry.type(description="Why the order waits, in one sentence fit to show.")
class Hold:
    message: str
    since: Moment | None
    code: Code | None = guarded("internal:read")
    reason: str | None = guarded("internal:read", "personal:read")


@strawberry.type(description="The order's totals as the ERP states them.")
class OrderTotals:
    subtotal: Money | None = guarded("price:read")
    freight: Money | None = guarded("price:read")
    tax: Money | None = guarded("price:read")
    total: Money | None = guarded("price:read")


@strawberry.type(description="One thing that happened, whoever told us.")
class TimelineEvent:
    id: str
    at: Moment
    kind: timeline.TimelineKind
    source: str
    message: str
    applied: bool = strawberry.field(
        description="False when it came too late to move a status, or means nothing to us."
    )


@strawberry.type(description="Something about the order that wants attention.")
class OrderException:
    id: strawberry.ID = strawberry.field(description="What `resolveException` takes.")
    kind: order_exceptions.ExceptionKind
    severity: order_exceptions.Severity
    message: str
    since: datetime | None
    internal: str | None = guarded(
        "internal:read", "personal:read", description="What the systems said, for customer service."
    )


def _of_standing(pick: Callable[[order_status.OrderState], object]) -> Batch:
    """A part of each order's derived state."""

    async def resolve(roots: Sequence[model.Order], info: Info) -> Sequence[object]:
        found = await orders.standings(info.context, roots)
        return [each if isinstance(each, Exception) else pick(each.state) for each in found]

    return resolve


def _erp_status(root: model.Order) -> values.Code:
    return root.status_code


def _billing(root: model.Order) -> Billing:
    return derive_billing(root)


async def _payment(roots: Sequence[model.Order], info: Info) -> Sequence[object]:
    return await orders.payments(info.context, roots)


async def _customer(roots: Sequence[model.Order], info: Info) -> Sequence[object]:
    return await customers.of(info.context, roots)


async def _shipments(roots: Sequence[model.Order], info: Info) -> Sequence[object]:
    return await orders.shipments_of(info.context, roots)


async def _invoices(roots: Sequence[model.Order], info: Info) -> Sequence[object]:
    return await invoices.of_orders(info.context, roots)


async def _returns(roots: Sequence[model.Order], info: Info) -> Sequence[object]:
    return await returns.of_orders(info.context, roots)


async def _timeline(root: model.Order, info: Info) -> Sequence[timeline.TimelineEvent]:
    return await orders.events(info.context, root)


async def _exceptions(root: model.Order, info: Info) -> Sequence[orders.Attention]:
    return await orders.exceptions(info.context, root)


@strawberry.federation.type(
    keys=["id", "number"],
    description="A sales order, its status derived from what every system says.",
    directives=[cost(2)],
)
class Order(Node):
    id: strawberry.ID = global_id("Order")
    number: str
    po_number: str | None = strawberry.field(description="The customer's own purchase order number.")
    status: order_status.OrderStatus = computed_for_all(_of_standing(lambda state: state.status))
    status_explanation: StatusExplanation = computed_for_all(_of_standing(lambda state: state.explanation))
    summary: str = computed_for_all(
        _of_standing(lambda state: state.summary), description="The status in words a customer understands."
    )
    lifecycle: model.Lifecycle
    fulfillment: order_status.Fulfillment = computed_for_all(_of_standing(lambda state: state.fulfillment))
    billing: Billing | None = guarded("invoice:read", resolver=_billing)
    payment: Payment | None = guarded_for_all("invoice:read", batch=_payment)
    erp_status: Code | None = guarded("internal:read", resolver=_erp_status, description="The ERP's own status, raw.")
    placed_at: Moment
    modified_at: Moment
    revision: int = strawberry.field(description="How often it was edited after submission.")
    requested_date: date | None
    promised_date: date | None
    hold: Hold | None
    customer: Customer | None = computed_for_all(_customer)
    ship_to: Address | None
    ship_to_id: str | None
    totals: OrderTotals | None = guarded("price:read")
    lines: list[Line] = strawberry.field(directives=[cost(1)])
    shipments: list[Shipment] | None = computed_for_all(_shipments, costs=[about(3)])
    invoices: list[Invoice] | None = guarded_for_all("invoice:read", batch=_invoices, costs=[about(2)])
    returns: list[Return] | None = guarded_for_all("return:read", batch=_returns, costs=[about(1)])
    timeline: list[TimelineEvent] | None = computed(
        _timeline, description="Invoices and returns are part of it for those who may read them.", costs=[cost(3)]
    )
    exceptions: list[OrderException] | None = computed(_exceptions, costs=[cost(2)])
    source: Source

    is_type_of = stands_for(model.Order)


@strawberry.type(description="One page of orders.")
class OrderConnection(Connection[Order]):
    total_count: int | None = computed(
        total, description="How many orders match in all; asked of the ERP only when selected.", costs=[cost(1)]
    )


@strawberry.input(description="Every condition given must hold.")
class OrderFilter:
    lifecycle: list[model.Lifecycle] | None = None
    placed_after: datetime | None = strawberry.field(default=None, description="Inclusive.")
    placed_before: datetime | None = strawberry.field(default=None, description="Exclusive.")
    customer_numbers: list[str] | None = None
    ship_to_ids: list[str] | None = None
    sku: str | None = None
    po_number: str | None = None
    status: list[order_status.OrderStatus] | None = strawberry.field(default=None, description="Derived; from memory.")
    exception: list[order_exceptions.ExceptionKind] | None = strawberry.field(
        default=None, description="Any of these wants attention; from memory."
    )
    has_exception: bool | None = strawberry.field(default=None, description="Whether anything wants attention.")

    def conditions(self) -> orders.Conditions:
        return orders.conditions(
            lifecycles=self.lifecycle,
            placed_after=self.placed_after,
            placed_before=self.placed_before,
            customer_numbers=self.customer_numbers,
            ship_to_ids=self.ship_to_ids,
            sku=self.sku,
            po_number=self.po_number,
            statuses=self.status,
            exceptions=self.exception,
            has_exception=self.has_exception,
        )


@strawberry.enum(description="How a page of orders is sorted.")
class OrderOrder(Enum):
    PLACED_AT_DESC = "PLACED_AT_DESC"
    PLACED_AT_ASC = "PLACED_AT_ASC"
