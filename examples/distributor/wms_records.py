"""The warehouse system's own words for what the warehouse knows: its codes, its clocks, its ways of writing numbers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import ROUND_CEILING, Decimal
from typing import Final, TypeAlias

import msgspec

from examples.distributor.world.warehouse import (
    ContentView,
    Mode,
    PackageView,
    ShipmentView,
    Stage,
    TaskKind,
    TaskView,
    WmsOrderView,
)
from examples.distributor.world.words import WAREHOUSES

Record: TypeAlias = dict[str, object]

STATUSES: Final[Mapping[Stage, tuple[str, str]]] = {
    Stage.PLANNED: ("00", "Planned"),
    Stage.RELEASED: ("02", "Released"),
    Stage.PICKING: ("05", "Picking"),
    Stage.PICKED: ("07", "Picked"),
    Stage.PACKED: ("10", "Packed"),
    Stage.LABELLED: ("20", "Label printed"),
    Stage.LOADED: ("30", "Loaded"),
    Stage.MANIFESTED: ("40", "Manifested"),
    Stage.CONFIRMED: ("50", "Confirmed"),
    Stage.VOIDED: ("99", "Void"),
}
OLD_WAREHOUSE: Final = "02"
"""Its pack stations' clocks know no zone, its scales weigh in whole pounds, and it has a status of its own."""
HOUSE_STATUS: Final = ("55", 'Weighed again <station 4> & "sealed"; 100% o\'kay')
"""No manual lists it. Some of the old warehouse's shipments show it in place of confirmed."""
MODES: Final[Mapping[Mode, str]] = {
    Mode.PARCEL: "Parcel",
    Mode.LTL: "LTL",
    Mode.OWN_FLEET: "OwnFleet",
    Mode.PICKUP: "WillCall",
}
DONE: Final[Mapping[TaskKind, str]] = {TaskKind.PICK: "400", TaskKind.PACK: "450"}
WAITING: Final[Mapping[Stage, str]] = {Stage.RELEASED: "200", Stage.PICKING: "300"}

PACKAGES_A_RECORD: Final = 3
PARTS: Final = frozenset({"work", "shipments"})
"""All that may be included of an order."""


def orders(order: WmsOrderView, include: Collection[str]) -> list[Record]:
    """One record for each warehouse that works on the order."""
    return [_order(order, warehouse, include) for warehouse in dict.fromkeys(s.warehouse for s in order.shipments)]


def _order(order: WmsOrderView, warehouse: str, include: Collection[str]) -> Record:
    own = {shipment.number: shipment for shipment in order.shipments if shipment.warehouse == warehouse}
    record: Record = {"orderNumber": order.number, "warehouse": warehouse}
    if "work" in include:
        done = [task for task in order.tasks if task.shipment_number in own]
        record["waves"] = list(_waves(own, done))
        reported = [_task(own[task.shipment_number], task) for task in done if task.kind in DONE]
        record["tasks"] = [*reported, *(task for shipment in own.values() for task in _waiting(shipment, done))]
    if "shipments" in include:
        record["shipments"] = [part for shipment in own.values() for part in shipments(shipment)]
    return record


def _waves(own: Mapping[str, ShipmentView], done: Sequence[TaskView]) -> Iterator[Record]:
    released = [task for task in done if task.kind is TaskKind.WAVE]
    picked = {task.wave for task in done if task.kind is TaskKind.PICK}
    for wave in dict.fromkeys(task.wave for task in released):
        work = [task for task in released if task.wave == wave]
        shipment = own[work[0].shipment_number]
        at = _at(shipment, work[0].at)
        yield {
            "waveId": wave,
            "status": "PRT" if wave in picked else "REL",
            "createdAt": _at(shipment, shipment.created_at),
            "releasedAt": at,
            "pickTicketPrintedAt": at if wave in picked else None,
            "lines": [_line(task.content) for task in work],
        }


def _task(shipment: ShipmentView, task: TaskView) -> Record:
    if task.kind is TaskKind.PACK:
        return _work(task.id, DONE[task.kind], task.content, _at_pack_station(shipment, task.at), short=None)
    return _work(task.id, DONE[task.kind], task.content, _at(shipment, task.at), short=task.short)


def _waiting(shipment: ShipmentView, done: Sequence[TaskView]) -> Iterator[Record]:
    """What is released to be picked and not picked yet."""
    status = WAITING.get(shipment.stage)
    if status is None or shipment.released_at is None:
        return
    picked = {(task.shipment_number, task.content.line_key) for task in done if task.kind is TaskKind.PICK}
    for place, line in enumerate(shipment.lines, 1):
        if (shipment.number, line.line_key) not in picked:
            nothing = replace(line, quantity=Decimal(0))
            yield _work(f"{shipment.number}-{place}", status, nothing, _at(shipment, shipment.released_at), short=None)


def _work(id_: str, status: str, done: ContentView, at: str, *, short: Decimal | None) -> Record:
    return {
        "taskId": id_,
        "status": status,
        "orderLine": done.line_key,
        "quantityDone": str(done.quantity),
        "quantityShort": None if short is None else str(short),
        "unit": done.unit,
        "stockQuantityDone": str(done.quantity * done.per_unit),
        "stockQuantityShort": None if short is None else str(short * done.per_unit),
        "stockUnit": done.base_unit,
        "reportedAt": at,
    }


def shipments(shipment: ShipmentView) -> list[Record]:
    """A shipment of many packages comes in several records."""
    status, text = HOUSE_STATUS if weighed_again(shipment) else STATUSES[shipment.stage]
    header: Record = {
        "shipmentId": shipment.number,
        "orderNumber": shipment.order_number,
        "account": shipment.account,
        "shipTo": shipment.ship_to.id,
        "warehouse": shipment.warehouse,
        "status": status,
        "statusText": text,
        "mode": MODES[shipment.mode],
        "carrier": _carrier(shipment),
        "proNumber": shipment.pro_number,
        "createdAt": _at(shipment, shipment.created_at),
        "packedAt": shipment.packed_at and _at_pack_station(shipment, shipment.packed_at),
        "labelledAt": shipment.labelled_at and _at(shipment, shipment.labelled_at),
        "loadedAt": shipment.loaded_at and _at(shipment, shipment.loaded_at),
        "manifestedAt": shipment.manifested_at and _at(shipment, shipment.manifested_at),
        "confirmedAt": shipment.confirmed_at and _at(shipment, shipment.confirmed_at),
        "voidedAt": shipment.voided_at and _at(shipment, shipment.voided_at),
        "lines": [_line(line) for line in shipment.lines],
    }
    starts = range(0, max(len(shipment.packages), 1), PACKAGES_A_RECORD)
    parts = (shipment.packages[start : start + PACKAGES_A_RECORD] for start in starts)
    return [header | {"packages": [_package(shipment, package) for package in part]} for part in parts]


def spoilt(record: Record) -> Record:
    """The record as a careless release of the service would send it: its warehouse a number, its work missing."""
    return {"orderNumber": record["orderNumber"], "warehouse": 1}


def weighed_again(shipment: ShipmentView) -> bool:
    """Whether the shipment shows the old warehouse's own status."""
    confirmed = shipment.warehouse == OLD_WAREHOUSE and shipment.stage is Stage.CONFIRMED
    return confirmed and sum(map(ord, shipment.number)) % 20 == 0


def _carrier(shipment: ShipmentView) -> Record | None:
    if shipment.scac is None:
        return None
    return {"scac": shipment.scac, "name": shipment.carrier_name, "service": shipment.service}


def _package(shipment: ShipmentView, package: PackageView) -> Record:
    return {
        "lpn": package.id,
        "trackingNumber": package.tracking_number,
        "weight": _weighed(shipment, package.weight_lb),
        "weightUnit": "LB",
        "voided": package.voided_at is not None,
        "contents": [_line(content) for content in package.contents],
    }


def _line(content: ContentView) -> Record:
    return {
        "orderLine": content.line_key,
        "sku": content.sku,
        "quantity": str(content.quantity),
        "unit": content.unit,
        "stockQuantity": str(content.quantity * content.per_unit),
        "stockUnit": content.base_unit,
    }


def _weighed(shipment: ShipmentView, weight: Decimal) -> str | msgspec.Raw:
    """Text from newer scales, a bare number from older ones."""
    if shipment.warehouse == OLD_WAREHOUSE:
        return msgspec.Raw(str(weight.to_integral_value(ROUND_CEILING)).encode())
    return str(weight)


def _at(shipment: ShipmentView, instant: datetime) -> str:
    *_, minutes = WAREHOUSES[shipment.warehouse]
    return instant.astimezone(timezone(timedelta(minutes=minutes))).isoformat()


def _at_pack_station(shipment: ShipmentView, instant: datetime) -> str:
    told = _at(shipment, instant)
    return told[: -len("-08:00")] if shipment.warehouse == OLD_WAREHOUSE else told
