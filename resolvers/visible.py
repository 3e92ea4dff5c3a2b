"""Row scope, in one place: every read of one object by its number passes here, and what the caller may not see does not
exist.
"""

import asyncio
from collections.abc import Sequence

from domain.access import Visibility
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
from resolvers.context import Context


def sees(scope: Visibility, row: Order | Invoice | Return) -> bool:
    return scope.sees_at(row.customer_id, row.ship_to_id)


async def order(context: Context, order_id: OrderId) -> Order | None:
    row, scope = await asyncio.gather(context.loaders.order_by_id.load(order_id), context.visibility())
    return row if row and sees(scope, row) else None


async def orders(context: Context, ids: Sequence[OrderId]) -> Sequence[Order | Exception | None]:
    """Each of ``ids`` as ``order`` has it; an error stands in its place."""
    rows, scope = await asyncio.gather(context.loaders.order_by_id.load_many(ids), context.visibility())
    return [row if not isinstance(row, Order) or sees(scope, row) else None for row in rows]


async def invoice(context: Context, invoice_id: InvoiceId) -> Invoice | None:
    row, scope = await asyncio.gather(context.loaders.invoice_by_id.load(invoice_id), context.visibility())
    return row if row and sees(scope, row) else None


async def return_(context: Context, return_id: ReturnId) -> Return | None:
    row, scope = await asyncio.gather(context.loaders.return_by_id.load(return_id), context.visibility())
    return row if row and sees(scope, row) else None


async def customer(context: Context, customer_id: CustomerId) -> Customer | None:
    scope = await context.visibility()
    return await context.loaders.customer_by_id.load(customer_id) if scope.sees(customer_id) else None


async def customers(context: Context, ids: Sequence[CustomerId]) -> Sequence[Customer | Exception | None]:
    """Each of ``ids`` as ``customer`` has it; an error stands in its place."""
    scope = await context.visibility()
    seen = [id_ for id_ in dict.fromkeys(ids) if scope.sees(id_)]
    found = dict(zip(seen, await context.loaders.customer_by_id.load_many(seen), strict=True))
    return [found.get(id_) for id_ in ids]


async def shipment(context: Context, shipment_id: ShipmentId) -> Shipment | None:
    """A shipment is visible when its order is: the order's owner decides, not the warehouse. For one that does not
    exist an order is read as well, so that the work does not tell it from another's.
    """
    row = await context.loaders.shipment_by_id.load(shipment_id)
    owner = await order(context, row.order_id if row else OrderId(shipment_id))
    return row if row and owner else None


async def shipments_by_tracking(context: Context, number: str) -> list[Shipment]:
    """Those with this number, each as ``shipment`` has it."""
    rows = await context.loaders.shipments_by_tracking.load(number) or ()
    asked = [row.order_id for row in rows] or [OrderId(number)]
    owners = dict(zip(asked, await asyncio.gather(*(order(context, id_) for id_ in asked)), strict=True))
    return [row for row in rows if owners[row.order_id]]
