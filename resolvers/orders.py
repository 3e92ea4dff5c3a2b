"""Orders: found by any of their numbers, paged by account, with every status derived from what all systems say."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from domain import billing, order_exceptions, order_status, timeline
from domain.errors import BadInput, SourceError
from domain.line_status import LineState
from domain.model import Customer, CustomerId, Invoice, Lifecycle, Line, Order, OrderId, Return, Shipment
from domain.queries import Cursor, OrderFilter, OrderQuery, Page
from resolvers import nodes, pagination, recall, shipments, visible
from resolvers.context import Context

Conditions: TypeAlias = OrderFilter
"""What narrows a page of orders."""

UNANSWERABLE = "Filtering by status or exception is answered from memory: leave @maxStaleness out, or ask again later."
"""No source system knows what is derived from several."""


ATTENTION = "OrderException"
"""The kind of an exception's global id."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An order with everything its status was derived from."""

    facts: order_status.OrderFacts
    state: order_status.OrderState
    lines: dict[str, LineState]


@dataclass(frozen=True, slots=True)
class Attention:
    """An exception with the order it is of."""

    order_id: OrderId
    exception: order_exceptions.OrderException

    @property
    def id(self) -> str:
        """What ``resolveException`` is told; no node, as it has no life without its order."""
        return nodes.encode(ATTENTION, f"{self.order_id}|{self.exception.kind}|{self.exception.part}")

    @property
    def kind(self) -> order_exceptions.ExceptionKind:
        return self.exception.kind

    @property
    def severity(self) -> order_exceptions.Severity:
        return self.exception.severity

    @property
    def message(self) -> str:
        return self.exception.message

    @property
    def since(self) -> datetime | None:
        return self.exception.since

    @property
    def internal(self) -> str | None:
        return self.exception.internal


async def find(context: Context, *, id: str | None, number: str | None, po_number: str | None) -> Order | None:
    """By global id, order number, or the customer's PO number (the newest visible one, where a PO number repeats)."""
    name, value = nodes.exactly_one(id=id, number=number, poNumber=po_number)
    if name == "poNumber":
        return next(iter(await by_po(context, value)), None)
    local = nodes.local_id("Order", value) if name == "id" else value
    return await visible.order(context, OrderId(local)) if local else None


async def by_po(context: Context, po_number: str) -> Sequence[Order]:
    """Newest first."""
    candidates = await context.loaders.order_ids_by_po.load(po_number) or ()
    found = await asyncio.gather(*(visible.order(context, candidate) for candidate in candidates))
    return sorted((order for order in found if order), key=lambda order: order.placed_at.at, reverse=True)


async def page(
    context: Context, within: OrderFilter, *, first: int | None, after: str | None, ascending: bool = False
) -> pagination.Connection[Order]:
    """The caller's orders by (placed at, number), newest first unless ``ascending``."""
    query = OrderQuery(
        visibility=await context.visibility(),
        filter=within,
        after=pagination.decode(after),
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
        ascending=ascending,
        amounts=context.amounts,
        lines=context.lines,
    )
    if memory := await context.lists_from_memory("orders"):
        known = await memory.order_page(query)
        recall.remember(context, known.rows)
        rows = Page([order for dossier in known.rows if (order := dossier.current)], known.more)
        return pagination.connect(rows, _position, after=after, count=lambda: memory.order_count(query))
    if within.derived:
        raise BadInput(UNANSWERABLE)
    rows = await context.estate.order_page(query)
    for order in rows.rows:
        context.loaders.order_by_id.prime(order.id, order)
    return pagination.connect(rows, _position, after=after, count=lambda: context.estate.order_count(query))


def conditions(
    *,
    lifecycles: Iterable[Lifecycle] | None = None,
    placed_after: datetime | None = None,
    placed_before: datetime | None = None,
    customer_numbers: Iterable[str] | None = None,
    ship_to_ids: Iterable[str] | None = None,
    sku: str | None = None,
    po_number: str | None = None,
    statuses: Iterable[order_status.OrderStatus] | None = None,
    exceptions: Iterable[order_exceptions.ExceptionKind] | None = None,
    has_exception: bool | None = None,
) -> OrderFilter:
    """A filter from what a client gave; what it left out does not narrow."""
    return OrderFilter(
        lifecycles=frozenset(lifecycles or ()),
        placed_after=placed_after,
        placed_before=placed_before,
        customer_ids=frozenset(CustomerId(number) for number in customer_numbers or ()),
        ship_to_ids=frozenset(ship_to_ids or ()),
        sku=sku,
        po_number=po_number,
        statuses=frozenset(statuses or ()),
        exceptions=frozenset(exceptions or ()),
        has_exception=has_exception,
    )


async def of_customer(
    context: Context, customer: Customer, within: OrderFilter, *, first: int | None, after: str | None
) -> pagination.Connection[Order]:
    """The account's own orders; a filter on accounts cannot widen it."""
    if within.customer_ids and customer.id not in within.customer_ids:
        return pagination.connect(Page((), more=False), _position, after=after)
    return await page(context, replace(within, customer_ids=frozenset({customer.id})), first=first, after=after)


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


async def payment(context: Context, order: Order) -> billing.Payment:
    return billing.derive_payment(await context.loaders.invoices_by_order.load(order.id) or ()).status


async def exceptions(context: Context, order: Order) -> Sequence[Attention]:
    """Those that nobody has dealt with yet."""
    found = await standing(context, order)
    left = order_exceptions.derive_exceptions(found.facts, found.state)
    if left and context.memory:
        dossier = (await recall.dossiers(context, [order.id])).get(order.id)
        left = order_exceptions.unresolved(left, dossier.resolved if dossier else ())
    return [Attention(order.id, one) for one in left]


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


def _position(order: Order) -> Cursor:
    return Cursor(order.placed_at.at, order.id)
