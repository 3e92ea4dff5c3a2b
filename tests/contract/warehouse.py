"""What every adapter of ``WarehouseSource`` must do; its own test inherits ``WarehouseContract`` and brings a site."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import pytest

from domain.access import Visibility
from domain.errors import SourceFault, SourceTimeout, SourceUnavailable
from domain.model import CustomerId, OrderId, Shipment, ShipmentId, WarehouseOrder, WarehouseStage
from domain.queries import Cursor, RecordQuery
from sources.ports import WarehouseSource

ABSENT = "no such number & <none> \"at\" 'all' %00 \\"


@dataclass(frozen=True, slots=True)
class Books:
    """What the site's own books say, read apart from the adapter.

    ``shipments``: the tracking numbers of each order's shipments, void packages left out. ``work``: orders with a wave,
    a pick and a pack. ``reused``: numbers that several shipments bear. ``unknown_stages``: codes that no table holds,
    and their texts. ``ship_tos``: of some accounts every shipment, with its account and ship-to.
    """

    shipments: Mapping[OrderId, Mapping[ShipmentId, frozenset[str]]]
    work: Sequence[OrderId]
    several_packages: Sequence[ShipmentId]
    reused: Mapping[str, frozenset[ShipmentId]]
    unknown_stages: Mapping[ShipmentId, tuple[str, str]]
    ship_tos: Mapping[ShipmentId, tuple[CustomerId, str | None]]


class Site(Protocol):
    """A warehouse system to test against, reached over a real socket."""

    books: Books
    source: WarehouseSource
    trusted_wrongly: WarehouseSource
    """The same, with credentials the system does not know."""

    async def calls(self) -> int:
        """How many calls the system has had."""
        ...

    def faults(self, **faults: object) -> AbstractAsyncContextManager[None]:
        """Misbehaves as the simulators' ``PUT /__faults`` says, until left."""
        ...

    def trouble(self, order: OrderId, kind: Literal["error", "malformed"]) -> AbstractAsyncContextManager[None]:
        """One order's record is an error inside an otherwise good answer, or breaks the contract, until left."""
        ...


def position(shipment: Shipment) -> Cursor:
    return Cursor(shipment.created_at.at, shipment.id)


async def walk(source: WarehouseSource, visibility: Visibility, *, limit: int, **conditions: object) -> list[Shipment]:
    """Every row of every page."""
    rows: list[Shipment] = []
    after: Cursor | None = None
    while True:
        page = await source.shipment_page(RecordQuery(visibility, after=after, limit=limit, **conditions))  # type: ignore[arg-type]  # the tests name real fields
        assert len(page.rows) <= limit
        rows += page.rows
        if not page.more:
            return rows
        assert page.rows
        after = position(page.rows[-1])


class WarehouseContract:
    """Inherit, and give a ``site`` fixture."""

    async def test_an_orders_work_and_shipments(self, site: Site) -> None:
        asked = site.books.work[0]
        before = datetime.now().astimezone()
        order = (await site.source.warehouse_orders([asked]))[asked]
        assert isinstance(order, WarehouseOrder)
        kinds = {task.kind for task in order.tasks}
        assert kinds >= {WarehouseStage.RELEASED, WarehouseStage.PICKED, WarehouseStage.PACKED}
        assert all(task.line_key and task.quantity.base_value >= 0 for task in order.tasks)
        assert order.source.as_of >= before
        assert not order.source.stale

    async def test_all_shipments_with_all_their_numbers(self, site: Site) -> None:
        found = await site.source.warehouse_orders(list(site.books.shipments))
        told = {}
        for id_, order in found.items():
            assert isinstance(order, WarehouseOrder)
            told[id_] = {shipment.id: frozenset(shipment.tracking_numbers) for shipment in order.shipments}
        assert told == site.books.shipments

    async def test_shipments_by_id_are_those_of_their_orders(self, site: Site) -> None:
        orders = await site.source.warehouse_orders(list(site.books.shipments))
        listed = {s.id: s for order in orders.values() if isinstance(order, WarehouseOrder) for s in order.shipments}
        found = await site.source.shipments([*listed, ShipmentId(ABSENT)])
        assert set(found) == set(listed)
        for id_, shipment in found.items():
            assert isinstance(shipment, Shipment)
            assert shipment.lines == listed[id_].lines
            assert shipment.packages == listed[id_].packages
            assert shipment.stage_code == listed[id_].stage_code

    async def test_what_is_in_the_packages_is_in_the_shipment(self, site: Site) -> None:
        found = await site.source.shipments(site.books.several_packages)
        assert len(found) == len(site.books.several_packages) > 0
        for shipment in found.values():
            assert isinstance(shipment, Shipment)
            assert len({package.id for package in shipment.packages}) == len(shipment.packages) > 1
            for line in shipment.lines:
                packed = [
                    content.quantity.base_value
                    for package in shipment.packages
                    if not package.voided
                    for content in package.contents
                    if content.line_key == line.line_key
                ]
                assert sum(packed) == line.quantity.base_value

    async def test_what_nobody_knows_is_absent(self, site: Site) -> None:
        assert await site.source.warehouse_orders([OrderId(ABSENT)]) == {}
        assert await site.source.shipments([ShipmentId(ABSENT)]) == {}
        assert await site.source.shipments_by_tracking([ABSENT]) == {}

    async def test_fifty_orders_cost_as_many_calls_as_one(self, site: Site) -> None:
        orders = list(site.books.shipments)[:50]
        assert len(orders) == 50
        spent = []
        for asked in (orders[:1], orders):
            before = await site.calls()
            assert len(await site.source.warehouse_orders(asked)) == len(asked)
            spent.append(await site.calls() - before)
        assert spent == [1, 1]

    async def test_a_reused_number_finds_every_shipment(self, site: Site) -> None:
        found = await site.source.shipments_by_tracking(list(site.books.reused))
        told = {}
        for number, shipments in found.items():
            assert isinstance(shipments, Sequence)
            told[number] = frozenset(shipment.id for shipment in shipments)
        assert told == site.books.reused
        assert all(len(shipments) > 1 for shipments in told.values())

    async def test_an_unknown_stage_is_kept_to_the_letter_and_means_nothing(self, site: Site) -> None:
        found = await site.source.shipments(list(site.books.unknown_stages))
        told = {}
        for id_, shipment in found.items():
            assert isinstance(shipment, Shipment)
            assert shipment.stage is WarehouseStage.UNKNOWN
            assert not shipment.stage_code.known
            told[id_] = (shipment.stage_code.raw, shipment.stage_code.text)
        assert told == site.books.unknown_stages
        texts = "".join(text for _, text in told.values() if text)
        assert set("<&>\"'%") <= set(texts)

    @pytest.mark.parametrize("kind", ["error", "malformed"])
    async def test_one_order_in_trouble_spoils_no_other(self, site: Site, kind: Literal["error", "malformed"]) -> None:
        asked = list(site.books.shipments)[:10]
        async with site.trouble(asked[4], kind):
            found = await site.source.warehouse_orders(asked)
        assert list(found) == asked
        faults = [id_ for id_, answer in found.items() if isinstance(answer, SourceFault)]
        assert faults == [asked[4]]

    async def test_a_hanging_system_times_out(self, site: Site) -> None:
        async with site.faults(hang=True):
            with pytest.raises(SourceTimeout):
                await site.source.warehouse_orders(site.books.work[:1])

    async def test_a_dripping_system_times_out(self, site: Site) -> None:
        async with site.faults(drip=True):
            with pytest.raises(SourceTimeout):
                await site.source.warehouse_orders(site.books.work[:1])

    async def test_a_refusing_system_is_unavailable(self, site: Site) -> None:
        async with site.faults(error_rate=1, status=503, retry_after=30):
            with pytest.raises(SourceUnavailable) as caught:
                await site.source.warehouse_orders(site.books.work[:1])
        assert caught.value.retry_after == 30

    @pytest.mark.parametrize("fault", ["malformed", "gzip_bomb", "fault_with_200"])
    async def test_an_unreadable_answer_is_a_fault(self, site: Site, fault: str) -> None:
        async with site.faults(**{fault: True}):
            with pytest.raises(SourceFault):
                await site.source.warehouse_orders(site.books.work[:1])

    async def test_a_stranger_is_a_fault(self, site: Site) -> None:
        with pytest.raises(SourceFault):
            await site.trusted_wrongly.warehouse_orders(site.books.work[:1])

    @pytest.mark.parametrize("limit", [3, 100])
    async def test_pages_are_complete_and_in_order(self, site: Site, limit: int) -> None:
        rows = await walk(site.source, Visibility(_accounts(site)), limit=limit)
        assert {row.id for row in rows} == _seen(site, Visibility(_accounts(site)))
        ranks = [(row.created_at.at, row.id) for row in rows]
        assert ranks == sorted(set(ranks), reverse=True)

    async def test_pages_keep_to_the_ship_tos(self, site: Site) -> None:
        account = next(account for account, ship_to in site.books.ship_tos.values() if ship_to)
        places = {ship_to for owner, ship_to in site.books.ship_tos.values() if owner == account and ship_to}
        bound = Visibility(frozenset({account}), frozenset({min(places)}))
        rows = await walk(site.source, bound, limit=5)
        assert {row.id for row in rows} == _seen(site, bound)
        assert all(row.ship_to_id == min(places) for row in rows)

    async def test_pages_meet_every_condition(self, site: Site) -> None:
        account = min(_accounts(site))
        own = [id_ for id_, (owner, _) in site.books.ship_tos.items() if owner == account]
        everything = Visibility(None)
        rows = await walk(site.source, everything, limit=100, customer_ids=frozenset({account}))
        assert sorted(row.id for row in rows) == sorted(own)
        order = rows[0].order_id
        of_order = await walk(site.source, everything, limit=100, order_ids=frozenset({order}))
        assert {row.id for row in of_order} == set(site.books.shipments[order])
        elsewhere = frozenset({CustomerId(ABSENT)})
        assert await walk(site.source, everything, limit=9, order_ids=frozenset({order}), customer_ids=elsewhere) == []

    async def test_who_sees_nothing_costs_nothing(self, site: Site) -> None:
        before = await site.calls()
        assert await walk(site.source, Visibility(frozenset()), limit=9) == []
        assert await site.source.warehouse_orders([]) == {}
        assert await site.calls() == before


def _accounts(site: Site) -> frozenset[CustomerId]:
    return frozenset(account for account, _ in site.books.ship_tos.values())


def _seen(site: Site, visibility: Visibility) -> set[ShipmentId]:
    return {id_ for id_, (account, ship_to) in site.books.ship_tos.items() if visibility.sees_at(account, ship_to)}
