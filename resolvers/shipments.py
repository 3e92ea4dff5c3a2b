"""Shipments: the warehouse's record of what left, and the carrier's word on where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from domain.errors import SourceError
from domain.model import (
    Line,
    Order,
    OrderId,
    Package,
    Shipment,
    ShipmentId,
    ShipmentLine,
    Tracking,
)
from domain.queries import Cursor, RecordQuery
from domain.shipment_status import ShipmentState, derive_shipment
from domain.values import Quantity
from resolvers import nodes, pagination, recall, visible
from resolvers.context import Context
from resolvers.deriving import derived

TRACKING_PAGES: Mapping[str, str] = {
    "UPSN": "https://www.ups.com/track?tracknum={}",
    "FDEG": "https://www.fedex.com/fedextrack/?trknbr={}",
    "FDE": "https://www.fedex.com/fedextrack/?trknbr={}",
    "USPS": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "DHLE": "https://www.dhl.com/en/express/tracking.html?AWB={}",
}
"""Public tracking pages by SCAC; freight and own fleet have none."""


@dataclass(frozen=True, slots=True)
class Part:
    """A quantity of an order line, with the order it belongs to."""

    order_id: OrderId
    line_key: str
    sku: str
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Parcel:
    """A package within its shipment."""

    shipment: Shipment
    package: Package

    @property
    def id(self) -> str:
        return self.package.id

    @property
    def tracking_number(self) -> str | None:
        return self.package.tracking_number

    @property
    def weight(self) -> Quantity | None:
        return self.package.weight

    @property
    def voided(self) -> bool:
        return self.package.voided

    @property
    def contents(self) -> Sequence[Part]:
        return parts(self.shipment, self.package.contents)


async def find(context: Context, *, id: str | None, tracking_number: str | None) -> Shipment | None:
    """By global id or tracking number; where a number was used again, the newest visible shipment."""
    name, value = nodes.exactly_one(id=id, trackingNumber=tracking_number)
    if name == "id":
        local = nodes.local_id("Shipment", value)
        return await visible.shipment(context, ShipmentId(local)) if local else None
    return max(
        await visible.shipments_by_tracking(context, value), key=lambda shipment: shipment.created_at.at, default=None
    )


async def page(
    context: Context, *, order_numbers: frozenset[OrderId], first: int | None, after: str | None
) -> pagination.Connection[Shipment]:
    """The caller's shipments, newest first."""
    places = pagination.Places(context, "shipments", order_numbers)
    query = RecordQuery(
        visibility=await context.visibility(),
        order_ids=order_numbers,
        after=places.place(after),
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
    )
    if memory := await context.lists_from_memory("warehouse"):
        rows = await memory.shipment_page(query)
        recall.remember(context, (await recall.dossiers(context, [row.order_id for row in rows.rows])).values())
    else:
        rows = await context.estate.shipment_page(query)
    return places.connection(rows, _position, after=after)


async def states(context: Context, shipments: Sequence[Shipment]) -> Sequence[ShipmentState | Exception]:
    """Each shipment's derived state; each of their numbers is asked of the carrier once per operation."""
    return await context.each_once("shipment", shipments, partial(_derive, context))


async def state(context: Context, shipment: Shipment) -> ShipmentState:
    (found,) = await states(context, [shipment])
    return context.told(found)


async def tracking(context: Context, shipments: Sequence[Shipment]) -> Sequence[Mapping[str, Tracking | SourceError]]:
    """What is known of each shipment's numbers, by number; a carrier that cannot be read is noted as trouble."""
    keys = list({key: None for shipment in shipments for key in shipment.tracking_keys})
    found = map(context.without, await context.loaders.tracking_by_key.load_many(keys))
    told = dict(zip(keys, found, strict=True))
    return [
        {key.number: known for key in shipment.tracking_keys if (known := told[key]) is not None}
        for shipment in shipments
    ]


async def _derive(context: Context, shipments: Sequence[Shipment]) -> Sequence[ShipmentState | Exception]:
    told = zip(shipments, await tracking(context, shipments), strict=True)
    return await derived(lambda each: derive_shipment(*each), list(told), context.turns)


async def orders_of(context: Context, shipments: Sequence[Shipment]) -> Sequence[Order | Exception | None]:
    return await visible.orders(context, [shipment.order_id for shipment in shipments])


def parts(shipment: Shipment, lines: Sequence[ShipmentLine]) -> Sequence[Part]:
    return [Part(shipment.order_id, line.line_key, line.sku, line.quantity) for line in lines]


def parcels(shipment: Shipment) -> Sequence[Parcel]:
    return [Parcel(shipment, package) for package in shipment.packages]


async def delivered(context: Context, parcels: Sequence[Parcel]) -> Sequence[bool | Exception | None]:
    """None when the carrier could not be read, so that nobody takes silence for "not yet"."""
    found = await states(context, [parcel.shipment for parcel in parcels])
    return [
        state if isinstance(state, Exception) else _delivered(state, parcel)
        for state, parcel in zip(found, parcels, strict=True)
    ]


def _delivered(state: ShipmentState, parcel: Parcel) -> bool | None:
    if parcel.package.id in state.delivered_packages:
        return True
    return None if state.carrier_unread else False


async def order_lines(context: Context, parts: Sequence[Part]) -> Sequence[Line | Exception | None]:
    """The order line of each part, matched by line key, never by SKU."""
    orders = await visible.orders(context, [part.order_id for part in parts])
    return [
        next((line for line in order.lines if line.key == part.line_key), None) if isinstance(order, Order) else order
        for order, part in zip(orders, parts, strict=True)
    ]


def tracking_url(shipment: Shipment) -> str | None:
    """The carrier's public page for the shipment's first number."""
    template = TRACKING_PAGES.get(shipment.carrier.scac) if shipment.carrier else None
    number = next(iter(shipment.tracking_numbers), None)
    return template.format(quote(number, safe="")) if template and number else None


def _position(shipment: Shipment) -> Cursor:
    return Cursor(shipment.created_at.at, shipment.id)
