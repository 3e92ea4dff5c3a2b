"""Row scope, in one place: every read of one object by its number passes here, and what the caller may not see does not
exist.
"""

import asyncio

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


async def invoice(context: Context, invoice_id: InvoiceId) -> Invoice | None:
    row, scope = await asyncio.gather(context.loaders.invoice_by_id.load(invoice_id), context.visibility())
    return row if row and sees(scope, row) else None


async def return_(context: Context, return_id: ReturnId) -> Return | None:
    row, scope = await asyncio.gather(context.loaders.return_by_id.load(return_id), context.visibility())
    return row if row and sees(scope, row) else None


async def customer(context: Context, customer_id: CustomerId) -> Customer | None:
    scope = await context.visibility()
    return await context.loaders.customer_by_id.load(customer_id) if scope.sees(customer_id) else None


async def shipment(context: Context, shipment_id: ShipmentId) -> Shipment | None:
    row = await context.loaders.shipment_by_id.load(shipment_id)
    return row if row and await order(context, row.order_id) else None


async def shipments_by_tracking(context: Context, number: str) -> list[Shipment]:
    """A shipment is visible when its order is: the order's owner decides, not the warehouse."""
    rows = await context.loaders.shipments_by_tracking.load(number) or ()
    owners = await asyncio.gather(*(order(context, row.order_id) for row in rows))
    return [row for row, owner in zip(rows, owners, strict=True) if owner]
