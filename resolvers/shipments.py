"""Shipments: the warehouse's record of what left, and the carrier's word on where it is."""

import asyncio
from collections.abc import Sequence
from datetime import date

from domain.errors import SourceError
from domain.model import Order, OrderId, Shipment, ShipmentId, ShipmentMode, Tracking, TrackingKey
from domain.shipment_status import ShipmentState, derive_shipment
from resolvers import nodes, orders, pagination
from resolvers.context import Context
from sources.ports import Cursor, RecordQuery


async def visible(context: Context, shipment: Shipment) -> Shipment | None:
    """The shipment, if its order's owner lets the caller see that order."""
    return shipment if await orders.visible(context, shipment.order_id) else None


async def by_id(context: Context, shipment_id: ShipmentId) -> Shipment | None:
    shipment = await context.loaders.shipment_by_id.load(shipment_id)
    return await visible(context, shipment) if shipment else None


async def find(context: Context, *, id: str | None, tracking_number: str | None) -> Shipment | None:  # noqa: A002
    """By global id or tracking number; where a number was used again, the newest visible shipment."""
    name, value = nodes.exactly_one(id=id, trackingNumber=tracking_number)
    if name == "id":
        local = nodes.local_id("Shipment", value)
        return await by_id(context, ShipmentId(local)) if local else None
    return max(await by_tracking(context, value), key=lambda shipment: shipment.created_at.at, default=None)


async def by_tracking(context: Context, number: str) -> Sequence[Shipment]:
    candidates = await context.loaders.shipments_by_tracking.load(number) or ()
    found = await asyncio.gather(*(visible(context, candidate) for candidate in candidates))
    return [shipment for shipment in found if shipment]


async def page(
    context: Context, *, order_numbers: frozenset[OrderId], first: int | None, after: str | None
) -> pagination.Connection[Shipment]:
    """The caller's shipments, newest first."""
    query = RecordQuery(
        visibility=await context.visibility(),
        order_ids=order_numbers,
        after=pagination.decode(after),
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
    )
    rows = await context.estate.shipment_page(query)
    return pagination.connect(rows, _position, after=after)


async def state(context: Context, shipment: Shipment) -> ShipmentState:
    """The shipment's derived state; each of its numbers is asked of the carrier once per operation."""
    return await context.once(("shipment", shipment.id), lambda: _derive(context, shipment))


async def _derive(context: Context, shipment: Shipment) -> ShipmentState:
    numbers = shipment.tracking_numbers if shipment.carrier and shipment.mode is not ShipmentMode.PICKUP else ()
    found = await asyncio.gather(*(_track(context, shipment, number) for number in numbers))
    told: dict[str, Tracking | SourceError] = {
        number: tracking for number, tracking in zip(numbers, found, strict=True) if tracking is not None
    }
    return derive_shipment(shipment, told)


async def _track(context: Context, shipment: Shipment, number: str) -> Tracking | SourceError | None:
    if shipment.carrier is None:
        return None
    key = TrackingKey(shipment.carrier.scac, number, shipped_on(shipment))
    return await context.attempt(context.loaders.tracking_by_key.load(key))


async def order_of(context: Context, shipment: Shipment) -> Order | None:
    return await orders.visible(context, shipment.order_id)


def shipped_on(shipment: Shipment) -> date | None:
    """The local date the shipment left or was to leave, which tells reused tracking numbers apart."""
    moment = shipment.confirmed_at or shipment.manifested_at or shipment.labelled_at
    return (moment.local or moment.at).date() if moment else None


def _position(shipment: Shipment) -> Cursor:
    return Cursor(shipment.created_at.at, shipment.id)
