"""Shipments, their packages, and the carriers' events in words a customer understands."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import model, shipment_status, values
from domain.values import Moment
from graph.connection import Connection
from graph.directives import guarded
from graph.line import Line
from graph.node import Info, Node, Source, StatusExplanation, global_id, stands_for
from graph.scalars import Code, Quantity
from resolvers import shipments

if TYPE_CHECKING:
    from graph.order import Order

ShipmentStatus = strawberry.enum(
    model.ShipmentStatus, description="Where a shipment is. DELAYED and EXCEPTION show as conditions, never as steps."
)
ShipmentMode = strawberry.enum(model.ShipmentMode, description="How goods travel.")
TimePrecision = strawberry.enum(
    values.Precision, name="TimePrecision", description="How much of a moment the source gave; LOCAL and DATE are placed in UTC."
)


@strawberry.type(description="Who carries it.")
class Carrier:
    scac: str = strawberry.field(description="Standard Carrier Alpha Code.")
    name: str


@strawberry.type(description="A quantity of one order line.")
class ShipmentLine:
    sku: str
    quantity: Quantity

    @strawberry.field(description="The order line, matched by its key and never by SKU.")
    async def order_line(root: strawberry.Parent[shipments.Part], info: Info) -> Line | None:  # noqa: N805
        return await shipments.order_line(info.context, root)  # type: ignore[return-value]


@strawberry.type(description="One handling unit.")
class Package:
    id: str
    tracking_number: str | None
    weight: Quantity | None
    voided: bool
    contents: list[ShipmentLine]

    @strawberry.field(description="Null when the carrier could not be read.")
    async def delivered(root: strawberry.Parent[shipments.Parcel], info: Info) -> bool | None:  # noqa: N805
        return await shipments.delivered(info.context, root)


def _offset(moment: Moment) -> str | None:
    if moment.offset is None:
        return None
    minutes = int(moment.offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@strawberry.type(description="One event the carrier reported, translated.")
class TrackingEvent:
    @strawberry.field
    def status(root: strawberry.Parent[shipment_status.AppliedEvent]) -> ShipmentStatus:  # noqa: N805
        return root.event.status  # type: ignore[return-value]

    @strawberry.field(description="The carrier's own code, raw.")
    def code(root: strawberry.Parent[shipment_status.AppliedEvent]) -> Code:  # noqa: N805
        return root.event.code  # type: ignore[return-value]

    @strawberry.field
    def occurred_at(root: strawberry.Parent[shipment_status.AppliedEvent]) -> Moment:  # noqa: N805
        return root.event.occurred

    @strawberry.field(description="The local offset, where the carrier gave one: -05:00.")
    def utc_offset(root: strawberry.Parent[shipment_status.AppliedEvent]) -> str | None:  # noqa: N805
        return _offset(root.event.occurred)

    @strawberry.field
    def time_precision(root: strawberry.Parent[shipment_status.AppliedEvent]) -> TimePrecision:  # noqa: N805
        return root.event.occurred.precision  # type: ignore[return-value]

    @strawberry.field
    def location(root: strawberry.Parent[shipment_status.AppliedEvent]) -> str | None:  # noqa: N805
        return root.event.location

    @strawberry.field
    def message(root: strawberry.Parent[shipment_status.AppliedEvent]) -> str:  # noqa: N805
        return root.event.message

    tracking_number: str | None
    applied: bool = strawberry.field(description="False when it came too late or means nothing to us: it stays in the story and moved no status.")


@strawberry.type(description="Who received it, where and when.")
class ProofOfDelivery:
    received_by: str | None
    location: str | None
    at: Moment | None


async def _state(root: model.Shipment, info: Info) -> shipment_status.ShipmentState:
    return await shipments.state(info.context, root)


async def _status(root: model.Shipment, info: Info) -> model.ShipmentStatus:
    return (await _state(root, info)).status


async def _explanation(root: model.Shipment, info: Info) -> object:
    return (await _state(root, info)).explanation


async def _conditions(root: model.Shipment, info: Info) -> Sequence[model.ShipmentStatus]:
    return (await _state(root, info)).conditions


async def _events(root: model.Shipment, info: Info) -> Sequence[shipment_status.AppliedEvent]:
    return (await _state(root, info)).events


async def _shipped_at(root: model.Shipment, info: Info) -> Moment | None:
    return (await _state(root, info)).shipped_at


async def _estimated_delivery(root: model.Shipment, info: Info) -> Moment | None:
    return (await _state(root, info)).estimated_delivery


async def _delivered_at(root: model.Shipment, info: Info) -> Moment | None:
    return (await _state(root, info)).delivered_at


async def _proof_of_delivery(root: model.Shipment, info: Info) -> object:
    return (await _state(root, info)).proof_of_delivery


async def _order(root: model.Shipment, info: Info) -> model.Order | None:
    return await shipments.order_of(info.context, root)


def _tracking_number(root: model.Shipment) -> str | None:
    return next(iter(root.tracking_numbers), None)


def _tracking_url(root: model.Shipment) -> str | None:
    return shipments.tracking_url(root)


def _packages(root: model.Shipment) -> Sequence[shipments.Parcel]:
    return shipments.parcels(root)


def _lines(root: model.Shipment) -> Sequence[shipments.Part]:
    return shipments.parts(root, root.lines)


@strawberry.federation.type(keys=["id"], description="A shipment: the warehouse's record of what left, and the carrier's word on where it is.")
class Shipment(Node):
    id: strawberry.ID = global_id("Shipment")
    number: str
    status: ShipmentStatus = strawberry.field(resolver=_status)
    status_explanation: StatusExplanation = strawberry.field(resolver=_explanation)
    conditions: list[ShipmentStatus] = strawberry.field(
        resolver=_conditions, description="Delays and exceptions that no later scan has cleared."
    )
    warehouse: str
    stage: Code = strawberry.field(resolver=lambda root: root.stage_code, description="The warehouse's own status, raw.", graphql_type=Code)
    carrier: Carrier | None
    service: str | None
    mode: ShipmentMode
    tracking_number: str | None = strawberry.field(resolver=_tracking_number, description="The first package's number; each package has its own.")
    tracking_url: str | None = strawberry.field(resolver=_tracking_url)
    shipped_at: Moment | None = strawberry.field(resolver=_shipped_at)
    estimated_delivery: Moment | None = strawberry.field(resolver=_estimated_delivery)
    delivered_at: Moment | None = strawberry.field(resolver=_delivered_at)
    packages: list[Package] = strawberry.field(resolver=_packages)
    lines: list[ShipmentLine] = strawberry.field(resolver=_lines)
    events: list[TrackingEvent] = strawberry.field(resolver=_events, description="All packages' events, in order of occurrence.")
    proof_of_delivery: ProofOfDelivery | None = guarded("document:read", resolver=_proof_of_delivery)
    order: Annotated["Order", strawberry.lazy("graph.order")] | None = strawberry.field(resolver=_order)
    source: Source

    is_type_of = stands_for(model.Shipment)


@strawberry.type(description="One page of shipments, newest first.")
class ShipmentConnection(Connection[Shipment]):
    pass


@strawberry.input(description="Every condition given must hold.")
class ShipmentFilter:
    order_numbers: list[str] | None = None
