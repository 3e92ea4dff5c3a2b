"""Shipments, their packages, and the carriers' events in words a customer understands."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import model, shipment_status, values
from domain.values import Moment
from engine.batching import Batch
from graph.connection import Connection
from graph.costs import cost
from graph.directives import computed, computed_for_all, guarded, guarded_for_all
from graph.document import Document
from graph.line import Line
from graph.node import Info, Node, Source, StatusExplanation, global_id, stands_for
from graph.scalars import Code, Quantity
from resolvers import documents, shipments

if TYPE_CHECKING:
    from graph.order import Order

strawberry.enum(
    model.ShipmentStatus, description="Where a shipment is. DELAYED and EXCEPTION show as conditions, never as steps."
)
strawberry.enum(model.ShipmentMode, description="How goods travel.")
strawberry.enum(
    values.Precision,
    name="TimePrecision",
    description="How much of a moment the source gave; LOCAL and DATE are placed in UTC.",
)


@strawberry.type(description="Who carries it.")
class Carrier:
    scac: str = strawberry.field(description="Standard Carrier Alpha Code.")
    name: str


async def _order_line(roots: Sequence[shipments.Part], info: Info) -> Sequence[object]:
    return await shipments.order_lines(info.context, roots)


@strawberry.type(description="A quantity of one order line.")
class ShipmentLine:
    sku: str
    quantity: Quantity
    order_line: Line | None = computed_for_all(_order_line, "The order line, matched by its key and never by SKU.")


async def _delivered(roots: Sequence[shipments.Parcel], info: Info) -> Sequence[object]:
    return await shipments.delivered(info.context, roots)


@strawberry.type(description="One handling unit.")
class Package:
    id: str
    tracking_number: str | None
    weight: Quantity | None
    voided: bool
    contents: list[ShipmentLine]
    delivered: bool | None = computed_for_all(_delivered, "Null when the carrier could not be read.")


def _event_status(root: shipment_status.AppliedEvent) -> model.ShipmentStatus:
    return root.event.status


def _event_code(root: shipment_status.AppliedEvent) -> values.Code:
    return root.event.code


def _occurred_at(root: shipment_status.AppliedEvent) -> Moment:
    return root.event.occurred


def _utc_offset(root: shipment_status.AppliedEvent) -> str | None:
    offset = root.event.occurred.offset
    if offset is None:
        return None
    hours, minutes = divmod(abs(int(offset.total_seconds())) // 60, 60)
    return f"{'-' if offset.total_seconds() < 0 else '+'}{hours:02}:{minutes:02}"


def _time_precision(root: shipment_status.AppliedEvent) -> values.Precision:
    return root.event.occurred.precision


def _location(root: shipment_status.AppliedEvent) -> str | None:
    return root.event.location


def _message(root: shipment_status.AppliedEvent) -> str:
    return root.event.message


@strawberry.type(description="One event the carrier reported, translated.")
class TrackingEvent:
    status: model.ShipmentStatus = computed(_event_status)
    code: Code = computed(_event_code, "The carrier's own code, raw.")
    occurred_at: Moment = computed(_occurred_at)
    utc_offset: str | None = computed(_utc_offset, "The local offset, where the carrier gave one: -05:00.")
    time_precision: values.Precision = computed(_time_precision)
    location: str | None = computed(_location)
    message: str = computed(_message)
    tracking_number: str | None
    applied: bool = strawberry.field(
        description="False when it came too late or means nothing to us: it stays in the story and moved no status."
    )


@strawberry.type(description="Who received it, where and when.")
class ProofOfDelivery:
    received_by: str | None = guarded("personal:read")
    location: str | None
    at: Moment | None


def _of_state(pick: Callable[[shipment_status.ShipmentState], object]) -> Batch:
    """A part of each shipment's derived state."""

    async def resolve(roots: Sequence[model.Shipment], info: Info) -> Sequence[object]:
        found = await shipments.states(info.context, roots)
        return [each if isinstance(each, Exception) else pick(each) for each in found]

    return resolve


async def _order(roots: Sequence[model.Shipment], info: Info) -> Sequence[object]:
    return await shipments.orders_of(info.context, roots)


async def _documents(roots: Sequence[model.Shipment], info: Info) -> Sequence[object]:
    return await documents.of_shipments(info.context, roots)


def _order_number(root: model.Shipment) -> str:
    return root.order_id


def _stage(root: model.Shipment) -> values.Code:
    return root.stage_code


def _tracking_number(root: model.Shipment) -> str | None:
    return next(iter(root.tracking_numbers), None)


def _tracking_url(root: model.Shipment) -> str | None:
    return shipments.tracking_url(root)


def _packages(root: model.Shipment) -> Sequence[shipments.Parcel]:
    return shipments.parcels(root)


def _lines(root: model.Shipment) -> Sequence[shipments.Part]:
    return shipments.parts(root, root.lines)


@strawberry.federation.type(
    keys=["id"],
    description="A shipment: the warehouse's record of what left, and the carrier's word on where it is.",
    directives=[cost(2)],
)
class Shipment(Node):
    id: strawberry.ID = global_id("Shipment")
    number: str
    order_number: str = computed(_order_number, "Its order's number, with nothing more read.")
    status: model.ShipmentStatus = computed_for_all(_of_state(lambda state: state.status))
    status_explanation: StatusExplanation = computed_for_all(_of_state(lambda state: state.explanation))
    conditions: list[model.ShipmentStatus] = computed_for_all(
        _of_state(lambda state: state.conditions), description="Delays and exceptions that no later scan has cleared."
    )
    warehouse: str
    stage: Code = computed(_stage, "The warehouse's own status, raw.")
    carrier: Carrier | None
    service: str | None
    mode: model.ShipmentMode
    tracking_number: str | None = computed(
        _tracking_number, description="The first package's number; each package has its own."
    )
    tracking_url: str | None = computed(_tracking_url)
    shipped_at: Moment | None = computed_for_all(_of_state(lambda state: state.shipped_at))
    estimated_delivery: Moment | None = computed_for_all(_of_state(lambda state: state.estimated_delivery))
    delivered_at: Moment | None = computed_for_all(_of_state(lambda state: state.delivered_at))
    packages: list[Package] = computed(_packages)
    lines: list[ShipmentLine] = computed(_lines)
    events: list[TrackingEvent] = computed_for_all(
        _of_state(lambda state: state.events), description="All packages' events, in order of occurrence."
    )
    proof_of_delivery: ProofOfDelivery | None = guarded_for_all(
        "document:read", batch=_of_state(lambda state: state.proof_of_delivery)
    )
    documents: list[Document] | None = guarded_for_all(
        "document:read",
        batch=_documents,
        description="The warehouse's packing list, and the carrier's proof of delivery where it gives one out.",
    )
    order: Annotated["Order", strawberry.lazy("graph.order")] | None = computed_for_all(_order)
    source: Source

    is_type_of = stands_for(model.Shipment)


@strawberry.type(description="One page of shipments, newest first.")
class ShipmentConnection(Connection[Shipment]):
    pass


@strawberry.input(description="Every condition given must hold.")
class ShipmentFilter:
    order_numbers: list[str] | None = None
