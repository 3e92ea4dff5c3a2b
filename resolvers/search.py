"""One box for every number a customer may hold, answered from memory; until that is full, each system is asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from domain.errors import BadInput, SourceError
from domain.events import Subject
from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    Order,
    OrderId,
    Return,
    ReturnId,
    Shipment,
    ShipmentId,
)
from domain.queries import OrderFilter
from resolvers import customers, orders, pagination, recall, visible
from resolvers.context import Context
from resolvers.pagination import Connection, Edge, PageInfo
from store.memory import Memory

Hit: TypeAlias = Order | Shipment | Invoice | Return | Customer

LONGEST = 100
"""Characters of a search text; more is refused."""


async def find(context: Context, text: str, *, first: int | None) -> Connection[Hit]:
    """Order, PO, tracking, invoice and RMA numbers, account numbers, SKUs and customer names; best first, each hit
    once.

    Kinds the caller lacks the scope for are not asked. A source that fails is noted and the others answer.
    """
    wanted = pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit)
    sought = text.strip()
    if not sought or len(sought) > LONGEST:
        raise BadInput(f"Search for 1 to {LONGEST} characters.")
    if memory := await context.lists_from_memory("orders"):
        found: Sequence[Sequence[Hit] | SourceError] = [await _remembered(context, memory, sought, wanted + 1)]
    else:
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


async def _remembered(context: Context, memory: Memory, text: str, limit: int) -> Sequence[Hit]:
    """What memory finds, exact matches before beginnings; kinds that the caller may not read are not among it."""
    found = await memory.search(await context.visibility(), text, limit)
    kinds = [(hit, SEARCHED[hit.subject]) for hit in found if hit.subject in SEARCHED]
    readable = [(hit, look) for hit, (scope, look) in kinds if context.caller.may(scope)]
    orders = [OrderId(hit.id) for hit, _ in readable if hit.subject is Subject.ORDER]
    recall.remember(context, (await recall.dossiers(context, orders)).values())
    context.remembered.keys |= {(DOMAINS[hit.subject], hit.id) for hit, _ in readable}
    rows = await asyncio.gather(*(look(context, hit.id) for hit, look in readable))
    return [row for row in rows if row]


SEARCHED: Mapping[Subject, tuple[str, Callable[[Context, str], Awaitable[Hit | None]]]] = {
    Subject.ORDER: ("order:read", lambda c, id_: visible.order(c, OrderId(id_))),
    Subject.SHIPMENT: ("order:read", lambda c, id_: visible.shipment(c, ShipmentId(id_))),
    Subject.INVOICE: ("invoice:read", lambda c, id_: visible.invoice(c, InvoiceId(id_))),
    Subject.RETURN: ("return:read", lambda c, id_: visible.return_(c, ReturnId(id_))),
    Subject.CUSTOMER: ("order:read", lambda c, id_: visible.customer(c, CustomerId(id_))),
}
"""What a search can find: the scope to read it, and the scoped way to it."""

DOMAINS: Mapping[Subject, str] = {
    Subject.ORDER: "orders",
    Subject.SHIPMENT: "warehouse",
    Subject.INVOICE: "invoices",
    Subject.RETURN: "returns",
    Subject.CUSTOMER: "customers",
}
"""Whose policy covers what was found."""


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
