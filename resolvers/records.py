"""What memory answers to each batch read; every row within what the caller may see."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from domain.dossier import Dossier
from domain.model import Customer, CustomerId, Invoice, InvoiceId, OrderId, Return, ReturnId, Shipment, ShipmentId
from sources.caching import Answer

if TYPE_CHECKING:
    from resolvers.context import Context
    from store.memory import Memory


async def dossiers(context: "Context", keys: list[OrderId]) -> Answer[OrderId, Dossier]:
    return Answer(await _memory(context).orders(await context.visibility(), keys))


async def order_ids_by_po(context: "Context", keys: list[str]) -> Mapping[str, Sequence[OrderId]]:
    return await _memory(context).order_ids_by_po(await context.visibility(), keys)


async def shipments(context: "Context", keys: list[ShipmentId]) -> Mapping[ShipmentId, Shipment]:
    return await _memory(context).shipments(await context.visibility(), keys)


async def by_number(context: "Context", keys: list[str]) -> Mapping[str, Sequence[Shipment]]:
    return await _memory(context).shipments_by_number(await context.visibility(), keys)


async def customers(context: "Context", keys: list[CustomerId]) -> Mapping[CustomerId, Customer]:
    return await _memory(context).customers(await context.visibility(), keys)


async def children(context: "Context", keys: list[CustomerId]) -> Mapping[CustomerId, Sequence[CustomerId]]:
    return await _memory(context).children(keys)


async def invoices(context: "Context", keys: list[InvoiceId]) -> Mapping[InvoiceId, Invoice]:
    return await _memory(context).invoices(await context.visibility(), keys)


async def invoices_by_order(context: "Context", keys: list[OrderId]) -> Mapping[OrderId, Sequence[Invoice]]:
    """Those without any too, once memory holds everything."""
    found = await _memory(context).invoices_by_order(await context.visibility(), keys)
    return {**dict.fromkeys(keys, ()), **found} if await context.holds_everything() else found


async def returns(context: "Context", keys: list[ReturnId]) -> Mapping[ReturnId, Return]:
    return await _memory(context).returns(await context.visibility(), keys)


async def returns_by_order(context: "Context", keys: list[OrderId]) -> Mapping[OrderId, Sequence[Return]]:
    """As ``invoices_by_order``."""
    found = await _memory(context).returns_by_order(await context.visibility(), keys)
    return {**dict.fromkeys(keys, ()), **found} if await context.holds_everything() else found


def _memory(context: "Context") -> "Memory":
    if context.memory is None:
        raise LookupError("nothing is remembered here")
    return context.memory
