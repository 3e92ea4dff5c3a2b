"""The warehouse floor at an instant, derived from the facts."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from examples.distributor.world.carriers import CARRIERS
from examples.distributor.world.facts import LineFacts, OrderFacts, PackageFacts, ShipmentFacts, come
from examples.distributor.world.pricing import NOTHING
from examples.distributor.world.warehouse import (
    ContentView,
    PackageView,
    ShipmentView,
    Stage,
    TaskKind,
    TaskView,
    WmsOrderView,
)

Lines = Mapping[str, LineFacts]
"""An order's lines by key."""


def instants(order: OrderFacts) -> tuple[datetime, ...]:
    """All times at which the warehouse's view of the order changes, ascending."""
    times: set[datetime | None] = set()
    for shipment in order.shipments:
        times.update(_stages(shipment).values())
        times.update(pick.at for pick in shipment.picks)
        for package in shipment.packages:
            times |= {package.packed_at, package.labelled_at, package.voided_at}
    return tuple(sorted(at for at in times if at is not None))


def warehouse_view(order: OrderFacts, now: datetime) -> WmsOrderView | None:
    """None: the warehouse has not heard of the order yet."""
    lines = {line.key: line for line in order.lines}
    shipments = [shipment for shipment in order.shipments if shipment.planned_at <= now]
    if not shipments:
        return None
    return WmsOrderView(
        number=order.number,
        account=order.account,
        ship_to=order.ship_to,
        tasks=tuple(task for shipment in shipments for task in _tasks(shipment, lines, now)),
        shipments=tuple(_shipment(order, shipment, lines, now) for shipment in shipments),
    )


def _stages(shipment: ShipmentFacts) -> dict[Stage, datetime | None]:
    """When each stage is reached, in order."""
    return {
        Stage.PLANNED: shipment.planned_at,
        Stage.RELEASED: shipment.released_at,
        Stage.PICKING: _first_pick(shipment),
        Stage.PICKED: shipment.picked_at,
        Stage.PACKED: shipment.packed_at,
        Stage.LABELLED: shipment.labelled_at,
        Stage.LOADED: shipment.loaded_at,
        Stage.MANIFESTED: shipment.manifested_at,
        Stage.CONFIRMED: shipment.confirmed_at,
        Stage.VOIDED: shipment.voided_at,
    }


def _first_pick(shipment: ShipmentFacts) -> datetime | None:
    return min((pick.at for pick in shipment.picks if pick.at is not None), default=None)


def _shipment(order: OrderFacts, shipment: ShipmentFacts, lines: Lines, now: datetime) -> ShipmentView:
    reached = {stage: at for stage, at in _stages(shipment).items() if at is not None and at <= now}
    picked = Stage.PICKED in reached
    labelled = Stage.LABELLED in reached
    return ShipmentView(
        number=shipment.number,
        order_number=order.number,
        account=order.account,
        ship_to=order.ship_to,
        warehouse=shipment.warehouse,
        wave=shipment.wave if Stage.RELEASED in reached else None,
        stage=list(reached)[-1],
        mode=shipment.mode,
        scac=shipment.scac,
        carrier_name=CARRIERS[shipment.scac].name if shipment.scac else None,
        service=shipment.service,
        pro_number=shipment.freight.number if shipment.freight and labelled else None,
        created_at=shipment.planned_at,
        released_at=reached.get(Stage.RELEASED),
        picked_at=reached.get(Stage.PICKED),
        packed_at=reached.get(Stage.PACKED),
        labelled_at=reached.get(Stage.LABELLED),
        loaded_at=reached.get(Stage.LOADED),
        manifested_at=reached.get(Stage.MANIFESTED),
        confirmed_at=reached.get(Stage.CONFIRMED),
        voided_at=reached.get(Stage.VOIDED),
        lines=tuple(
            _content(lines, pick.line_key, pick.picked if picked else pick.planned)
            for pick in shipment.picks
            if pick.picked or not picked
        ),
        packages=tuple(_package(package, lines, now) for package in shipment.packages if package.packed_at <= now),
    )


def _package(package: PackageFacts, lines: Lines, now: datetime) -> PackageView:
    labelled_at = package.labelled_at if come(package.labelled_at, now) else None
    return PackageView(
        id=package.id,
        tracking_number=package.consignment.number if package.consignment and labelled_at else None,
        weight_lb=package.weight_lb,
        contents=tuple(_content(lines, key, quantity) for key, quantity in package.contents),
        packed_at=package.packed_at,
        labelled_at=labelled_at,
        voided_at=package.voided_at if come(package.voided_at, now) else None,
    )


def _content(lines: Lines, key: str, quantity: Decimal) -> ContentView:
    line = lines[key]
    return ContentView(key, line.sku, quantity, line.unit, line.per_unit, line.base_unit)


def _tasks(shipment: ShipmentFacts, lines: Lines, now: datetime) -> Iterator[TaskView]:
    """Work done by now: one task a line for the wave and for the pick, one a line and carton for packing."""
    for pick in shipment.picks:
        whole = _content(lines, pick.line_key, pick.planned)
        found = _content(lines, pick.line_key, pick.picked)
        for kind, at, content, short in (
            (TaskKind.WAVE, shipment.released_at, whole, NOTHING),
            (TaskKind.PICK, pick.at, found, pick.short),
        ):
            if at is not None and at <= now:
                task_id = f"{shipment.number}-{kind[0]}{lines[pick.line_key].number}"
                yield TaskView(task_id, kind, shipment.wave, shipment.number, None, content, short, at)
    for package in shipment.packages:
        repacked = come(package.voided_at, now) and not come(shipment.voided_at, now)
        if package.packed_at <= now and not repacked:
            for key, quantity in package.contents:
                task_id = f"{package.id}-{lines[key].number}"
                content = _content(lines, key, quantity)
                yield TaskView(
                    task_id,
                    TaskKind.PACK,
                    shipment.wave,
                    shipment.number,
                    package.id,
                    content,
                    NOTHING,
                    package.packed_at,
                )
