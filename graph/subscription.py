"""The subscriptions: each update is a change that memory has just seen, told to those who may know of it."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

import strawberry

from domain import model
from domain.events import Subject
from domain.model import ShipmentStatus
from domain.order_status import OrderStatus
from graph.customer import Customer
from graph.directives import computed, guarded
from graph.invoice import Invoice
from graph.node import Info
from graph.order import Order, TimelineEvent
from graph.return_ import Return
from graph.shipment import Shipment
from resolvers import following
from resolvers.following import Happening

Updates: TypeAlias = AsyncGenerator[Happening, None]
"""What Strawberry takes for a source of events; ours is a ``Following``."""

CURSOR = "Pass it as `after` to go on from here after a lost connection, on any replica."
MISSED = (
    "True when there were updates before this one that cannot be told any more: what you show is older than you "
    "think, so read it anew."
)
AFTER = "`after`: the `cursor` of the last update you have; without it, from now on."


@strawberry.enum(description="What an activity is about.")
class ActivityKind(StrEnum):
    ORDER = "ORDER"
    SHIPMENT = "SHIPMENT"
    INVOICE = "INVOICE"
    RETURN = "RETURN"
    CUSTOMER = "CUSTOMER"


def _order_status(status: str | None) -> OrderStatus | None:
    return OrderStatus.__members__.get(status, OrderStatus.UNKNOWN) if status else None


def _shipment_status(status: str | None) -> ShipmentStatus | None:
    return ShipmentStatus.__members__.get(status, ShipmentStatus.UNKNOWN) if status else None


async def _order(root: Happening, info: Info) -> model.Order | None:
    return await following.order_of(info.context, root)


async def _shipment(root: Happening, info: Info) -> model.Shipment | None:
    return await following.shipment_of(info.context, root)


async def _invoice(root: Happening, info: Info) -> model.Invoice | None:
    return await following.invoice_of(info.context, root)


async def _return(root: Happening, info: Info) -> model.Return | None:
    return await following.return_of(info.context, root)


async def _customer(root: Happening, info: Info) -> model.Customer | None:
    return await following.customer_of(info.context, root)


def _order_before(root: Happening) -> OrderStatus | None:
    return _order_status(root.before) if root.kind is Subject.ORDER else None


def _order_after(root: Happening) -> OrderStatus | None:
    return _order_status(root.after) if root.kind is Subject.ORDER else None


def _shipment_before(root: Happening) -> ShipmentStatus | None:
    return _shipment_status(root.before)


def _shipment_after(root: Happening) -> ShipmentStatus | None:
    return _shipment_status(root.after)


def _kind(root: Happening) -> ActivityKind:
    return ActivityKind(root.kind)


def _id(root: Happening) -> strawberry.ID:
    return strawberry.ID(following.id_of(root))


@strawberry.type(description="An order stands differently than before, or has a new invoice or return.")
class OrderUpdate:
    cursor: str = strawberry.field(description=CURSOR)
    at: datetime = strawberry.field(description="When it was learned; `events` say when it happened.")
    order: Order | None = computed(_order, "As it stands when the update is sent; null when it is gone.")
    before: OrderStatus | None = computed(
        _order_before, "Null when the order is new, or when an invoice or a return of it changed."
    )
    after: OrderStatus | None = computed(
        _order_after, "Null when the order is gone, or when an invoice or a return of it changed."
    )
    events: list[TimelineEvent] = strawberry.field(description="What is new in its timeline.")
    missed: bool = strawberry.field(description=MISSED)


@strawberry.type(description="A shipment stands differently than before.")
class ShipmentUpdate:
    cursor: str = strawberry.field(description=CURSOR)
    at: datetime = strawberry.field(description="When it was learned; `events` say when it happened.")
    shipment: Shipment | None = computed(_shipment, "As it stands when the update is sent; null when it is gone.")
    order: Order | None = computed(_order)
    before: ShipmentStatus | None = computed(_shipment_before, "Null when the shipment is new.")
    after: ShipmentStatus | None = computed(_shipment_after, "Null when the shipment is gone.")
    events: list[TimelineEvent] = strawberry.field(description="What is new in its part of the timeline.")
    missed: bool = strawberry.field(description=MISSED)


@strawberry.type(description="Something of an account changed.")
class Activity:
    cursor: str = strawberry.field(description=CURSOR)
    at: datetime = strawberry.field(description="When it was learned; `events` say when it happened.")
    kind: ActivityKind = computed(_kind)
    id: strawberry.ID = computed(_id, "Of what changed; valid in `node(id:)`.")
    customer: Customer | None = computed(_customer)
    order: Order | None = computed(_order, "The order it belongs to.")
    shipment: Shipment | None = computed(_shipment, "Of the kind SHIPMENT.")
    invoice: Invoice | None = guarded("invoice:read", resolver=_invoice, description="Of the kind INVOICE.")
    return_: Return | None = guarded("return:read", resolver=_return, name="return", description="Of the kind RETURN.")
    before: str | None = strawberry.field(description="Its status as its own type names it; null when it is new.")
    after: str | None = strawberry.field(description="Its status as its own type names it; null when it is gone.")
    events: list[TimelineEvent] = strawberry.field(description="What is new in the order's timeline.")
    missed: bool = strawberry.field(description=MISSED)


async def _order_updated(
    info: Info, id: strawberry.ID | None = None, number: str | None = None, after: str | None = None
) -> Updates:
    return _source(await following.order(info.context, id=id, number=number, after=after))


async def _shipment_updated(
    info: Info, id: strawberry.ID | None = None, tracking_number: str | None = None, after: str | None = None
) -> Updates:
    return _source(await following.shipment(info.context, id=id, tracking_number=tracking_number, after=after))


async def _customer_activity(
    info: Info, id: strawberry.ID | None = None, number: str | None = None, after: str | None = None
) -> Updates:
    return _source(await following.activity(info.context, id=id, number=number, after=after))


def _source(source: Any) -> Updates:
    """Ours is an iterator to be closed, not a generator: one that was never started must let go as well."""
    updates: Updates = source
    return updates


def _told(*, resolver: Callable[..., Any], description: str) -> Any:
    """A subscription for whoever may read orders; what an update holds has guards of its own."""
    field: Callable[..., Any] = strawberry.federation.field
    return field(resolver=resolver, is_subscription=True, requires_scopes=[["order:read"]], description=description)


@strawberry.type(
    description="What changes, as it is learned. Each update is decided by what you may see at that moment."
)
class Subscription:
    order_updated: OrderUpdate | None = _told(
        resolver=_order_updated, description=f"One order, by exactly one of its numbers. {AFTER}"
    )
    shipment_updated: ShipmentUpdate | None = _told(
        resolver=_shipment_updated, description=f"One shipment, by exactly one of its numbers. {AFTER}"
    )
    customer_activity: Activity | None = _told(
        resolver=_customer_activity,
        description=f"One account, by one of its numbers, or all that you may see. {AFTER}",
    )
