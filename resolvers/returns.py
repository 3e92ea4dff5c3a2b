"""Returns: the RMAs of whoever owns returns, tied to the order lines they came from."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from domain.model import Customer, Line, Order, OrderId, Return, ReturnId, ReturnLine
from domain.queries import Cursor, RecordQuery
from domain.values import Quantity
from resolvers import nodes, pagination, recall, visible
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class Part:
    """A line of a return, with the order it came from."""

    order_id: OrderId | None
    line: ReturnLine

    @property
    def sku(self) -> str:
        return self.line.sku

    @property
    def requested(self) -> Quantity:
        return self.line.requested

    @property
    def received(self) -> Quantity:
        return self.line.received

    @property
    def credited(self) -> Quantity:
        return self.line.credited

    @property
    def reason(self) -> str | None:
        return self.line.reason

    @property
    def disposition(self) -> str | None:
        return self.line.disposition


async def find(context: Context, *, id: str | None, rma_number: str | None) -> Return | None:
    name, value = nodes.exactly_one(id=id, rmaNumber=rma_number)
    local = nodes.local_id("Return", value) if name == "id" else value
    return await visible.return_(context, ReturnId(local)) if local else None


async def page(
    context: Context, *, customer: Customer | None = None, first: int | None, after: str | None
) -> pagination.Connection[Return]:
    """The caller's returns by (requested at, RMA number), newest first."""
    places = pagination.Places(context, "returns", customer and customer.id)
    query = RecordQuery(
        visibility=await context.visibility(),
        customer_ids=frozenset({customer.id} if customer else ()),
        after=places.place(after),
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
    )
    if memory := await context.lists_from_memory("returns"):
        rows = await memory.return_page(query)
        orders = list(dict.fromkeys(row.order_id for row in rows.rows if row.order_id))
        recall.remember(context, (await recall.dossiers(context, orders)).values())
    else:
        rows = await context.estate.return_page(query)
    return places.connection(rows, lambda found: Cursor(found.requested_at.at, found.id), after=after)


async def of_orders(context: Context, orders: Sequence[Order]) -> Sequence[Sequence[Return] | Exception]:
    ids = [order.id for order in orders]
    found, scope = await asyncio.gather(context.loaders.returns_by_order.load_many(ids), context.visibility())
    return [
        rows if isinstance(rows, Exception) else [each for each in rows or () if visible.sees(scope, each)]
        for rows in found
    ]


async def order_of(context: Context, found: Return) -> Order | None:
    return await visible.order(context, found.order_id) if found.order_id else None


def parts(found: Return) -> Sequence[Part]:
    return [Part(found.order_id, line) for line in found.lines]


async def order_lines(context: Context, parts: Sequence[Part]) -> Sequence[Line | Exception | None]:
    """The order line each part came from, matched by line key, never by SKU."""
    ids = list(dict.fromkeys(part.order_id for part in parts if part.order_id))
    orders = dict(zip(ids, await visible.orders(context, ids), strict=True))
    return [_order_line(orders.get(part.order_id) if part.order_id else None, part) for part in parts]


def _order_line(order: Order | Exception | None, part: Part) -> Line | Exception | None:
    if not isinstance(order, Order):
        return order
    return next((line for line in order.lines if line.key == part.line.order_line_key), None)
