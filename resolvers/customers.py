"""Accounts and their hierarchy, within what the caller may see."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from domain.model import Customer, CustomerId, Invoice, Order, Receivables, Return, ShipTo
from domain.queries import Cursor, CustomerQuery
from resolvers import nodes, pagination, visible
from resolvers.context import Context

_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Accounts are ordered by number alone; their cursors carry no time."""


async def find(context: Context, *, id: str | None, number: str | None) -> Customer | None:
    name, value = nodes.exactly_one(id=id, number=number)
    local = nodes.local_id("Customer", value) if name == "id" else value
    return await visible.customer(context, CustomerId(local)) if local else None


async def page(
    context: Context, *, name: str | None, first: int | None, after: str | None
) -> pagination.Connection[Customer]:
    """The caller's accounts in number order, by a fragment of their name if given."""
    places = pagination.Places(context, "customers", name)
    cursor = places.place(after)
    query = CustomerQuery(
        visibility=await context.visibility(),
        name=name,
        after=CustomerId(cursor.id) if cursor else None,
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
    )
    if memory := await context.lists_from_memory("customers"):
        rows = await memory.customer_page(query)
        context.remembered.keys |= {("customers", row.id) for row in rows.rows}
    else:
        rows = await context.estate.customer_page(query)
    return places.connection(rows, lambda customer: Cursor(_NO_TIME, customer.id), after=after)


async def children(context: Context, customer: Customer) -> Sequence[Customer]:
    ids = await context.loaders.child_ids_by_customer.load(customer.id) or ()
    found = await asyncio.gather(*(visible.customer(context, child) for child in ids))
    return [child for child in found if child]


async def parent(context: Context, customer: Customer) -> Customer | None:
    return await visible.customer(context, customer.parent_id) if customer.parent_id else None


async def of(context: Context, rows: Sequence[Order | Invoice | Return]) -> Sequence[Customer | Exception | None]:
    """The account each of the visible rows belongs to."""
    return await visible.customers(context, [row.customer_id for row in rows])


async def ship_tos(context: Context, customer: Customer) -> Sequence[ShipTo]:
    """The account's ship-tos; a caller bound to ship-tos sees those alone."""
    scope = await context.visibility()
    return [each for each in customer.ship_tos if scope.ship_tos is None or each.id in scope.ship_tos]


async def receivables(context: Context, customer: Customer) -> Receivables | None:
    return await context.loaders.receivables_by_customer.load(customer.id)
