"""An order's story, told by all systems in order of occurrence: pure, and the same whatever order the facts come in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum

from domain.model import (
    Invoice,
    InvoiceType,
    Order,
    Return,
    Shipment,
    WarehouseOrder,
    WarehouseStage,
)
from domain.shipment_status import ShipmentState
from domain.tracking import chronological
from domain.values import Code, Moment, Precision


class TimelineKind(StrEnum):
    """What happened. TRACKING: the carrier's event, whose meaning is in its message."""

    ORDER_PLACED = "ORDER_PLACED"
    ORDER_CHANGED = "ORDER_CHANGED"
    ORDER_HELD = "ORDER_HELD"
    RELEASED_TO_WAREHOUSE = "RELEASED_TO_WAREHOUSE"
    PICKING = "PICKING"
    PICKED = "PICKED"
    PICKED_SHORT = "PICKED_SHORT"
    PACKED = "PACKED"
    SHIPMENT_CREATED = "SHIPMENT_CREATED"
    LABEL_CREATED = "LABEL_CREATED"
    SHIPMENT_PACKED = "SHIPMENT_PACKED"
    MANIFESTED = "MANIFESTED"
    SHIP_CONFIRMED = "SHIP_CONFIRMED"
    SHIPMENT_VOIDED = "SHIPMENT_VOIDED"
    TRACKING = "TRACKING"
    INVOICED = "INVOICED"
    INVOICE_ADJUSTED = "INVOICE_ADJUSTED"
    RETURN_REQUESTED = "RETURN_REQUESTED"


MESSAGE: Mapping[TimelineKind, str] = {
    TimelineKind.ORDER_PLACED: "Order placed.",
    TimelineKind.ORDER_CHANGED: "Order changed.",
    TimelineKind.ORDER_HELD: "Order put on hold.",
    TimelineKind.RELEASED_TO_WAREHOUSE: "Released to the warehouse.",
    TimelineKind.PICKING: "Picking started.",
    TimelineKind.PICKED: "Picked.",
    TimelineKind.PICKED_SHORT: "Picked in part; the rest was not on the shelf.",
    TimelineKind.PACKED: "Packed.",
    TimelineKind.SHIPMENT_CREATED: "Shipment planned.",
    TimelineKind.LABEL_CREATED: "Shipping label created.",
    TimelineKind.SHIPMENT_PACKED: "Shipment packed.",
    TimelineKind.MANIFESTED: "Shipment announced to the carrier.",
    TimelineKind.SHIP_CONFIRMED: "Shipment confirmed by the warehouse.",
    TimelineKind.SHIPMENT_VOIDED: "Shipment withdrawn.",
    TimelineKind.TRACKING: "The carrier sent an update we cannot read yet.",
    TimelineKind.INVOICED: "Invoice issued.",
    TimelineKind.INVOICE_ADJUSTED: "Invoice adjusted.",
    TimelineKind.RETURN_REQUESTED: "Return requested.",
}
"""Public words. A hold tells its own allow-listed sentence, a tracking event the one of its code's table."""

TASKS: Mapping[WarehouseStage, TimelineKind] = {
    WarehouseStage.RELEASED: TimelineKind.RELEASED_TO_WAREHOUSE,
    WarehouseStage.PICKING: TimelineKind.PICKING,
    WarehouseStage.PICKED: TimelineKind.PICKED,
    WarehouseStage.PACKED: TimelineKind.PACKED,
}
"""The warehouse work told of a line; later stages are told of its shipment."""

DATED = frozenset({TimelineKind.INVOICED, TimelineKind.INVOICE_ADJUSTED})
"""What has a date and no time; it follows upon what happened that day."""


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One thing that happened. ``id`` is stable across reads; ``message`` is public, ``code.text`` is not.

    ``applied`` False: it came too late to move a status, or means nothing to us.
    """

    id: str
    at: Moment
    kind: TimelineKind
    source: str
    message: str
    code: Code | None = None
    line_key: str | None = None
    shipment_id: str | None = None
    applied: bool = True


def fold(
    order: Order,
    warehouse: WarehouseOrder | None,
    shipments: Sequence[ShipmentState],
    invoices: Sequence[Invoice],
    returns: Sequence[Return],
) -> tuple[TimelineEvent, ...]:
    """All that happened, each thing once, in order of occurrence. Pass only what the caller may read."""
    told = (
        *_of_order(order),
        *(_of_warehouse(warehouse) if warehouse else ()),
        *(event for state in shipments for event in _of_shipment(state.shipment)),
        *(event for state in shipments for event in _of_carrier(state)),
        *map(of_invoice, invoices),
        *map(of_return, returns),
    )
    first: dict[str, TimelineEvent] = {}
    for event in sorted(told, key=_position):
        first.setdefault(event.id, event)
    return tuple(first.values())


def _position(event: TimelineEvent) -> tuple[object, ...]:
    """Total over what one id can tell, so that duplicates collapse to the same one; receivables end their day."""
    day, precise, at = chronological(event.at)
    told = not event.applied, event.source, event.message, repr(event.at), repr(event.code)
    return day, event.kind in DATED, precise, at, event.id, *told


def _of_order(order: Order) -> Iterator[TimelineEvent]:
    source, key = order.source.system, f"order:{order.id}"
    placed = TimelineKind.ORDER_PLACED
    yield TimelineEvent(f"{key}:placed", order.placed_at, placed, source, MESSAGE[placed])
    if order.revision > 0:
        changed = TimelineKind.ORDER_CHANGED
        yield TimelineEvent(f"{key}:changed:{order.revision}", order.modified_at, changed, source, MESSAGE[changed])
    if order.hold and order.hold.since:
        yield TimelineEvent(f"{key}:held", order.hold.since, TimelineKind.ORDER_HELD, source, order.hold.message)


def _of_warehouse(warehouse: WarehouseOrder) -> Iterator[TimelineEvent]:
    for task in warehouse.tasks:
        if kind := TASKS.get(task.kind):
            told = TimelineKind.PICKED_SHORT if task.short and task.short.base_value > 0 else kind
            yield TimelineEvent(
                id=f"task:{warehouse.order_id}:{task.line_key}:{told}:{task.at.at.isoformat()}:{task.quantity.base_value}",
                at=task.at,
                kind=told,
                source=warehouse.source.system,
                message=MESSAGE[told],
                code=task.code,
                line_key=task.line_key,
            )


def _of_shipment(shipment: Shipment) -> Iterator[TimelineEvent]:
    stamps = (
        (TimelineKind.SHIPMENT_CREATED, shipment.created_at),
        (TimelineKind.LABEL_CREATED, shipment.labelled_at),
        (TimelineKind.SHIPMENT_PACKED, shipment.packed_at),
        (TimelineKind.MANIFESTED, shipment.manifested_at),
        (TimelineKind.SHIP_CONFIRMED, shipment.confirmed_at),
        (TimelineKind.SHIPMENT_VOIDED, shipment.voided_at),
    )
    for kind, at in stamps:
        if at:
            key, source = f"shipment:{shipment.id}:{kind}", shipment.source.system
            yield TimelineEvent(key, at, kind, source, MESSAGE[kind], shipment_id=shipment.id)


def _of_carrier(state: ShipmentState) -> Iterator[TimelineEvent]:
    for told in state.events:
        yield TimelineEvent(
            id=f"tracking:{state.shipment.id}:{told.tracking_number}:{told.event.id}",
            at=told.event.occurred,
            kind=TimelineKind.TRACKING,
            source=told.event.code.table.partition("/")[0],
            message=told.event.message or MESSAGE[TimelineKind.TRACKING],
            code=told.event.code,
            shipment_id=state.shipment.id,
            applied=told.applied,
        )


def of_invoice(invoice: Invoice) -> TimelineEvent:
    kind = TimelineKind.INVOICED if invoice.type is InvoiceType.INVOICE else TimelineKind.INVOICE_ADJUSTED
    at = Moment(datetime.combine(invoice.date, time(), UTC), precision=Precision.DATE)
    return TimelineEvent(f"invoice:{invoice.id}", at, kind, invoice.source.system, MESSAGE[kind])


def of_return(return_: Return) -> TimelineEvent:
    kind = TimelineKind.RETURN_REQUESTED
    return TimelineEvent(f"return:{return_.id}", return_.requested_at, kind, return_.source.system, MESSAGE[kind])
