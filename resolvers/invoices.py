"""Invoices and credit memos: the ERP's receivables, never inferred from shipping."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time

from domain.invoice_status import InvoiceState, derive_invoice
from domain.model import Customer, Invoice, InvoiceId, Order, OrderId
from domain.queries import Cursor, RecordQuery
from resolvers import nodes, pagination, recall, visible
from resolvers.context import Context


async def find(context: Context, *, id: str | None, number: str | None) -> Invoice | None:
    name, value = nodes.exactly_one(id=id, number=number)
    local = nodes.local_id("Invoice", value) if name == "id" else value
    return await visible.invoice(context, InvoiceId(local)) if local else None


async def page(
    context: Context,
    *,
    order_numbers: frozenset[OrderId] = frozenset(),
    customer: Customer | None = None,
    first: int | None,
    after: str | None,
) -> pagination.Connection[Invoice]:
    """The caller's invoices and credit memos by (date, number), newest first."""
    places = pagination.Places(context, "invoices", order_numbers, customer and customer.id)
    query = RecordQuery(
        visibility=await context.visibility(),
        order_ids=order_numbers,
        customer_ids=frozenset({customer.id} if customer else ()),
        after=places.place(after),
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
    )
    if memory := await context.lists_from_memory("invoices"):
        rows = await memory.invoice_page(query)
        recall.remember(context, (await recall.dossiers(context, _orders(rows.rows))).values())
    else:
        rows = await context.estate.invoice_page(query)
    return places.connection(rows, _position, after=after)


async def of_orders(context: Context, orders: Sequence[Order]) -> Sequence[Sequence[Invoice] | Exception]:
    ids = [order.id for order in orders]
    found, scope = await asyncio.gather(context.loaders.invoices_by_order.load_many(ids), context.visibility())
    return [
        rows if isinstance(rows, Exception) else [invoice for invoice in rows or () if visible.sees(scope, invoice)]
        for rows in found
    ]


async def by_ids(context: Context, ids: Sequence[InvoiceId]) -> Sequence[Invoice]:
    found = await asyncio.gather(*(visible.invoice(context, invoice_id) for invoice_id in ids))
    return [invoice for invoice in found if invoice]


async def orders_of(context: Context, invoice: Invoice) -> Sequence[Order]:
    found = await asyncio.gather(*(visible.order(context, order_id) for order_id in invoice.order_ids))
    return [order for order in found if order]


def state(context: Context, invoice: Invoice) -> InvoiceState:
    return derive_invoice(invoice, context.now.date())


def _orders(invoices: Sequence[Invoice]) -> Sequence[OrderId]:
    return list(dict.fromkeys(order_id for invoice in invoices for order_id in invoice.order_ids))


def _position(invoice: Invoice) -> Cursor:
    return Cursor(datetime.combine(invoice.date, time(), UTC), invoice.id)
