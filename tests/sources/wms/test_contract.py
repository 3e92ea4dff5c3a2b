"""The warehouse adapter meets the simulated warehouse system over a real socket."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx
import pytest

from domain.model import CustomerId, OrderId, Shipment, ShipmentId, WarehouseOrder, WarehouseStage
from domain.values import Moment, Precision
from examples.distributor.clock import START
from examples.distributor.fleet import Fleet
from examples.distributor.wms import API_KEY
from examples.distributor.wms_records import HOUSE_STATUS, OLD_WAREHOUSE, weighed_again
from examples.distributor.world import World
from examples.distributor.world.warehouse import ContentView, ShipmentView, TaskKind
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.observer import Silence
from sources.transport import Transport
from sources.wms.adapter import WmsWarehouse
from tests.contract.warehouse import Books, WarehouseContract
from tests.examples.company import buyers_accounts
from tests.examples.company import world as company

LIMITS = Limits(deadline=1.5, attempts=1, breaker_failures=1_000, max_body=8 * 1024 * 1024)
Views = Mapping[str, Mapping[str, ShipmentView]]


@pytest.fixture(scope="module")
def world() -> World:
    return company()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(("wms",)) as fleet:
        fleet.set_clock(START)
        fleet.freeze()
        yield fleet


@pytest.fixture(scope="module")
def views(world: World) -> Views:
    """The shipments of each order of the buyer's company that the warehouse knows at the start."""
    accounts = buyers_accounts()
    orders = (number for number, order in world.orders.items() if order.account in accounts)
    known = ((number, world.warehouse_order(number, START)) for number in orders)
    return {number: {shipment.number: shipment for shipment in order.shipments} for number, order in known if order}


@pytest.fixture(scope="module")
def books(world: World, views: Views) -> Books:
    shipments = {number: shipment for of_order in views.values() for number, shipment in of_order.items()}
    reused = {
        number
        for order in world.cases["reused_tracking_number"]
        for shipment in views.get(order, {}).values()
        for number in tracked(shipment)
    }
    return Books(
        shipments={
            OrderId(order): {ShipmentId(number): tracked(shipment) for number, shipment in of_order.items()}
            for order, of_order in list(views.items())[-200:]
        },
        work=[OrderId(order) for order in views if worked(world, order)],
        several_packages=[
            ShipmentId(number)
            for number, shipment in shipments.items()
            if len(shipment.packages) > 3 and not shipment.voided_at
        ],
        reused={
            number: frozenset(ShipmentId(found.number) for found in world.shipments_by_tracking(number, START))
            for number in reused
        },
        unknown_stages={
            ShipmentId(number): HOUSE_STATUS for number, shipment in shipments.items() if weighed_again(shipment)
        },
        ship_tos={
            ShipmentId(number): (CustomerId(shipment.account), shipment.ship_to.id)
            for number, shipment in shipments.items()
        },
    )


def tracked(shipment: ShipmentView) -> frozenset[str]:
    parcels = (package.tracking_number for package in shipment.packages if package.voided_at is None)
    numbers = frozenset(number for number in parcels if number)
    return numbers or frozenset({shipment.pro_number} if shipment.pro_number else ())


def worked(world: World, order: str) -> bool:
    known = world.warehouse_order(order, START)
    return known is not None and {task.kind for task in known.tasks} == set(TaskKind)


@dataclass
class Simulated:
    """The simulated warehouse system as a site of the contract."""

    books: Books
    source: WmsWarehouse
    trusted_wrongly: WmsWarehouse
    fleet: Fleet

    async def calls(self) -> int:
        return self.fleet.calls("wms").total

    @asynccontextmanager
    async def faults(self, **faults: object) -> AsyncIterator[None]:
        self.fleet.fault("wms", **faults)
        try:
            yield
        finally:
            self.fleet.clear_faults()

    @asynccontextmanager
    async def trouble(self, order: OrderId, kind: Literal["error", "malformed"]) -> AsyncIterator[None]:
        orders = f"{self.fleet.urls['wms']}/__orders"
        async with httpx.AsyncClient(trust_env=False) as control:
            (await control.put(orders, json={order: kind})).raise_for_status()
            try:
                yield
            finally:
                (await control.delete(orders)).raise_for_status()


@pytest.fixture
async def site(fleet: Fleet, books: Books) -> AsyncIterator[Simulated]:
    config = SourceConfig("wms", fleet.urls["wms"], LIMITS, password=API_KEY)
    stranger = replace(config, password="wrong")
    async with Client() as pool:

        def adapter(config: SourceConfig) -> WmsWarehouse:
            return WmsWarehouse(config, Transport(config, pool, observer=Silence(), now=lambda: datetime.now(UTC)))

        yield Simulated(books, adapter(config), adapter(stranger), fleet)


class TestWmsWarehouse(WarehouseContract):
    """What this system has beyond the contract."""

    async def test_the_world_arrives_as_it_is(self, site: Simulated, views: Views) -> None:
        asked = {number: view for of_order in views.values() for number, view in of_order.items()}
        found = await site.source.shipments([ShipmentId(number) for number in asked])
        assert len(found) == len(asked) > 500
        for number, view in asked.items():
            shipment = found[ShipmentId(number)]
            assert isinstance(shipment, Shipment)
            assert (shipment.order_id, shipment.customer_id) == (view.order_number, view.account)
            assert (shipment.ship_to_id, shipment.warehouse) == (view.ship_to.id, view.warehouse)
            assert shipment.stage.value == view.stage or not shipment.stage_code.known
            assert shipment.mode.value == view.mode
            assert (shipment.carrier and shipment.carrier.scac) == view.scac
            assert (shipment.carrier and shipment.carrier.name) == view.carrier_name
            assert (shipment.service, shipment.pro_number) == (view.service, view.pro_number)
            moments = (shipment.created_at, shipment.labelled_at, shipment.manifested_at, shipment.confirmed_at)
            times = (view.created_at, view.labelled_at, view.manifested_at, view.confirmed_at)
            assert tuple(moment and moment.at for moment in moments) == times
            assert (shipment.voided_at and shipment.voided_at.at) == view.voided_at
            assert [counted(line) for line in view.lines] == [
                (line.line_key, line.sku, line.quantity.value, line.quantity.base_value) for line in shipment.lines
            ]
            assert [(package.id, package.tracking_number) for package in shipment.packages] == [
                (package.id, package.tracking_number) for package in view.packages
            ]

    async def test_a_label_or_a_load_is_no_ship_confirm(self, site: Simulated, world: World) -> None:
        expected = {
            "label_only": WarehouseStage.LABELLED,
            "loaded_not_shipped": WarehouseStage.LOADED,
            "in_warehouse": WarehouseStage.PICKED,
            "delivered": WarehouseStage.CONFIRMED,
        }
        for case, stage in expected.items():
            number = OrderId(world.examples[case])
            order = (await site.source.warehouse_orders([number]))[number]
            assert isinstance(order, WarehouseOrder)
            assert [shipment.stage for shipment in order.shipments] == [stage]
            assert [bool(shipment.confirmed_at) for shipment in order.shipments] == [stage is WarehouseStage.CONFIRMED]

    async def test_a_short_pick_is_counted_in_both_units(self, site: Simulated, world: World) -> None:
        number = OrderId(world.examples["picked_short"])
        order = (await site.source.warehouse_orders([number]))[number]
        assert isinstance(order, WarehouseOrder)
        view = world.warehouse_order(number, START)
        assert view
        told = {
            (task.content.line_key, task.short, task.short * task.content.per_unit)
            for task in view.tasks
            if task.kind is TaskKind.PICK
        }
        picks = [task for task in order.tasks if task.kind is WarehouseStage.PICKED]
        assert {(pick.line_key, pick.short.value, pick.short.base_value) for pick in picks if pick.short} == told
        assert any(short for _, short, _ in told)

    async def test_the_old_warehouses_pack_station_knows_no_zone(self, site: Simulated, views: Views) -> None:
        packed = {
            ShipmentId(number): shipment
            for of_order in views.values()
            for number, shipment in of_order.items()
            if shipment.packed_at
        }
        found = await site.source.shipments(list(packed))
        zones = set()
        for number, view in packed.items():
            shipment = found[number]
            assert isinstance(shipment, Shipment)
            assert isinstance(shipment.packed_at, Moment)
            zones.add((view.warehouse == OLD_WAREHOUSE, shipment.packed_at.precision))
            if view.warehouse != OLD_WAREHOUSE:
                assert shipment.packed_at.at == view.packed_at
                assert shipment.packed_at.offset == timedelta(hours=-5)
        assert zones == {(True, Precision.LOCAL), (False, Precision.INSTANT)}


def counted(content: ContentView) -> tuple[str, str, object, object]:
    return content.line_key, content.sku, content.quantity, content.quantity * content.per_unit
