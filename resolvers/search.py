"""One box for every number a customer may hold: each system is asked for exact matches at the same time."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeAlias

from domain.errors import BadInput, SourceError
from domain.model import Customer, CustomerId, Invoice, InvoiceId, Order, OrderId, Return, ReturnId, Shipment
from domain.queries import OrderFilter
from resolvers import customers, orders, pagination, visible
from resolvers.context import Context
from resolvers.pagination import Connection, Edge, PageInfo

Hit: TypeAlias = Order | Shipment | Invoice | Return | Customer

LONGEST = 100
"""Characters of a search text; more is refused."""


async def find(context: Context, text: str, *, first: int | None) -> Connection[Hit]:
    """Order, PO, tracking, invoice and RMA numbers, account numbers and SKUs exactly, customer names by fragment; best
    first, each hit once.

    Kinds the caller lacks the scope for are not asked. A source that fails is noted and the others answer.
    """
    wanted = pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit)
    sought = text.strip()
    if not sought or len(sought) > LONGEST:
        raise BadInput(f"Search for 1 to {LONGEST} characters.")
    found = await asyncio.gather(*(context.attempt(look) for look in _looks(context, sought, wanted)))
    hits: dict[tuple[type, str], Hit] = {}
    for rows in found:
        if not isinstance(rows, SourceError):
            for row in rows:
                hits.setdefault((type(row), row.id), row)
    best = list(hits.values())
    edges = [Edge(hit, str(place)) for place, hit in enumerate(best[:wanted])]
    ends = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return Connection(edges, PageInfo(len(best) > wanted, False, *ends))


def _looks(context: Context, text: str, wanted: int) -> list[Awaitable[Sequence[Hit]]]:
    """Names of one thing first, then what many things share."""
    looks: list[Awaitable[Sequence[Hit]]] = [
        _one(visible.order(context, OrderId(text))),
        _one(visible.customer(context, CustomerId(text))),
    ]
    if context.caller.may("invoice:read"):
        looks.append(_one(visible.invoice(context, InvoiceId(text))))
    if context.caller.may("return:read"):
        looks.append(_one(visible.return_(context, ReturnId(text))))
    return [
        *looks,
        visible.shipments_by_tracking(context, text),
        orders.by_po(context, text),
        _rows(customers.page(context, name=text, first=wanted, after=None)),
        _rows(orders.page(context, OrderFilter(sku=text), first=wanted, after=None)),
    ]


async def _one(look: Awaitable[Hit | None]) -> Sequence[Hit]:
    hit = await look
    return (hit,) if hit else ()


async def _rows(look: Awaitable[Connection[Order] | Connection[Customer]]) -> Sequence[Hit]:
    return (await look).nodes
