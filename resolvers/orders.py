"""Orders: found by any of their numbers, paged by account, with every status derived from what all systems say."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain import order_exceptions, order_status, timeline
from domain.errors import SourceError
from domain.line_status import LineState
from domain.model import Customer, CustomerId, Invoice, Line, Order, OrderId, Return, Shipment
from resolvers import nodes, pagination, shipments
from resolvers.context import Context
from sources.ports import Cursor, OrderFilter, OrderQuery


@dataclass(frozen=True, slots=True)
class Standing:
    """An order with everything its status was derived from."""

    facts: order_status.OrderFacts
    state: order_status.OrderState
    lines: dict[str, LineState]


async def visible(context: Context, order_id: OrderId) -> Order | None:
    """The order, if it exists and the caller may see it; the two answers are one to the caller."""
    order, scope = await asyncio.gather(context.loaders.order_by_id.load(order_id), context.visibility())
    return order if order and scope.sees_at(order.customer_id, order.ship_to_id) else None


async def find(context: Context, *, id: str | None, number: str | None, po_number: str | None) -> Order | None:  # noqa: A002
    """By global id, order number, or the customer's PO number (the newest visible one, where a PO number repeats)."""
    name, value = nodes.exactly_one(id=id, number=number, poNumber=po_number)
    if name == "poNumber":
        candidates = await context.loaders.order_ids_by_po.load(value) or ()
        orders = await asyncio.gather(*(visible(context, candidate) for candidate in candidates))
        return max((order for order in orders if order), key=lambda order: order.placed_at.at, default=None)
    local = nodes.local_id("Order", value) if name == "id" else value
    return await visible(context, OrderId(local)) if local else None


async def page(
    context: Context, conditions: OrderFilter, *, first: int | None, after: str | None, ascending: bool = False
) -> pagination.Connection[Order]:
    """The caller's orders by (placed at, number), newest first unless ``ascending``."""
    query = OrderQuery(
        visibility=await context.visibility(),
        filter=conditions,
        after=pagination.decode(after),
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
        ascending=ascending,
        amounts=context.amounts,
    )
    rows = await context.estate.order_page(query)
    for order in rows.rows:
        context.loaders.order_by_id.prime(order.id, order)
    return pagination.connect(
        rows,
        lambda order: Cursor(order.placed_at.at, order.id),
        after=after,
        count=lambda: context.estate.order_count(query),
    )


async def page_of_customer(
    context: Context, customer: Customer, conditions: OrderFilter, *, first: int | None, after: str | None
) -> pagination.Connection[Order]:
    return await page(context, replace(conditions, customer_ids=frozenset({customer.id})), first=first, after=after)


async def standing(context: Context, order: Order) -> Standing:
    """The order's derived state, computed once per operation from the warehouse and the carriers."""
    return await context.once(("standing", order.id), lambda: _derive(context, order))


async def _derive(context: Context, order: Order) -> Standing:
    warehouse = await context.attempt(context.loaders.warehouse_by_order.load(order.id))
    states = None
    if not isinstance(warehouse, SourceError):
        found = warehouse.shipments if warehouse else ()
        states = tuple(await asyncio.gather(*(shipments.state(context, shipment) for shipment in found)))
    facts = order_status.OrderFacts(order, warehouse, states, context.now, context.policy.carrier_grace)
    state = order_status.derive_order(facts)
    return Standing(facts, state, {line.line.key: line for line in state.lines})


async def line_state(context: Context, line: Line) -> LineState | None:
    order = await context.loaders.order_by_id.load(line.order_id)
    return (await standing(context, order)).lines.get(line.key) if order else None


async def shipments_of(context: Context, order: Order) -> Sequence[Shipment]:
    """What the warehouse shipped for it; empty when the warehouse never saw the order."""
    warehouse = await context.loaders.warehouse_by_order.load(order.id)
    return warehouse.shipments if warehouse else ()


async def payment(context: Context, order: Order) -> order_status.Payment:
    return order_status.derive_payment(await context.loaders.invoices_by_order.load(order.id) or ()).status


async def exceptions(context: Context, order: Order) -> Sequence[order_exceptions.OrderException]:
    found = await standing(context, order)
    return order_exceptions.derive_exceptions(found.facts, found.state)


async def events(context: Context, order: Order) -> Sequence[timeline.TimelineEvent]:
    """The order's story as far as the caller may read it: receivables and returns only with their scopes."""
    found, invoices, returns = await asyncio.gather(
        standing(context, order), _invoices(context, order), _returns(context, order)
    )
    warehouse = found.facts.warehouse
    return timeline.fold(
        order, None if isinstance(warehouse, SourceError) else warehouse, found.facts.shipments or (), invoices, returns
    )


async def _invoices(context: Context, order: Order) -> Sequence[Invoice]:
    if not context.caller.may("invoice:read"):
        return ()
    found = await context.attempt(context.loaders.invoices_by_order.load(order.id))
    return () if found is None or isinstance(found, SourceError) else found


async def _returns(context: Context, order: Order) -> Sequence[Return]:
    if not context.caller.may("return:read"):
        return ()
    found = await context.attempt(context.loaders.returns_by_order.load(order.id))
    return () if found is None or isinstance(found, SourceError) else found


