"""What the simulator never does: a service that breaks its own contract, over a real socket."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from domain.access import Visibility
from domain.errors import SourceFault, SourceUnavailable
from domain.model import CustomerId, OrderId, Shipment, ShipmentId, WarehouseOrder
from domain.queries import Cursor, RecordQuery
from sources.client import Client
from sources.config import SourceConfig
from sources.observer import Silence
from sources.transport import Transport
from sources.wms.adapter import BATCH, WmsWarehouse

FIXTURES = Path(__file__).parents[2] / "fixtures/wms"
ORDERS = (FIXTURES / "orders.json").read_bytes()
SHIPMENTS = (FIXTURES / "shipments.json").read_bytes()
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
EVERYONE = RecordQuery(Visibility(None))


class Service:
    """A service that answers what it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, object]] = []
        self.headers: list[Mapping[str, str]] = []
        self.answers: list[bytes] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(msgspec.json.decode(await request.read()))
        self.headers.append(request.headers)
        return web.Response(
            body=self.answers[min(len(self.asked), len(self.answers)) - 1], content_type="application/json"
        )


@pytest.fixture
async def service() -> AsyncIterator[tuple[Service, WmsWarehouse]]:
    told = Service()
    app = web.Application()
    app.router.add_post("/api/v2/{noun}/query", told.answer)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(app))
        config = SourceConfig("wms", str(server.make_url("/")), password="key")
        transport = Transport(config, await stack.enter_async_context(Client()), observer=Silence(), now=lambda: NOW)
        yield told, WmsWarehouse(config, transport)


def ids(*numbers: str) -> list[OrderId]:
    return [OrderId(number) for number in numbers]


def without(body: bytes, *edits: tuple[str, object]) -> bytes:
    """The recorded orders with fields of the malformed third one set, or removed where the value is None."""
    answer = msgspec.json.decode(body)
    for field, value in edits:
        if value is None:
            del answer["orders"][2][field]
        else:
            answer["orders"][2][field] = value
    return msgspec.json.encode(answer)


async def test_each_key_gets_its_own_answer(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [ORDERS]
    asked = ids("0010042", "0010043", "0010044", "0010045", "0010046", "0010047", "0010042")
    found = await wms.warehouse_orders(asked)
    assert told.asked == [{"orderNumbers": asked[:-1], "include": ["work", "shipments"]}]
    assert told.headers[0]["X-Api-Key"] == "key"
    assert list(found) == asked[:5]
    whole, broken, idle, fault, locked = found.values()
    assert isinstance(whole, WarehouseOrder)
    assert len(whole.shipments) == 2
    assert whole.source.as_of == NOW
    assert isinstance(broken, SourceFault)
    assert isinstance(idle, WarehouseOrder)
    assert isinstance(fault, SourceFault)
    assert isinstance(locked, SourceUnavailable)


async def test_what_was_not_asked_for_is_not_told(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [ORDERS]
    assert list(await wms.warehouse_orders(ids("0010044"))) == ["0010044"]


async def test_a_nameless_record_makes_no_key_absent(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [without(ORDERS, ("orderNumber", None))]
    found = await wms.warehouse_orders(ids("0010044", "0010047"))
    assert isinstance(found[OrderId("0010044")], WarehouseOrder)
    assert isinstance(found[OrderId("0010047")], SourceFault)


async def test_a_malformed_part_spoils_the_whole_order(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [without(ORDERS, ("orderNumber", "0010042"))]
    found = await wms.warehouse_orders(ids("0010042", "0010044"))
    assert isinstance(found[OrderId("0010042")], SourceFault)
    assert isinstance(found[OrderId("0010044")], WarehouseOrder)


async def test_nothing_asked_is_no_call(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    assert await wms.warehouse_orders([]) == {}
    nobody = RecordQuery(Visibility(frozenset()))
    nowhere = RecordQuery(Visibility(None, frozenset()))
    others = RecordQuery(Visibility(frozenset({CustomerId("1")})), customer_ids=frozenset({CustomerId("2")}))
    for query in (nobody, nowhere, others):
        page = await wms.shipment_page(query)
        assert (list(page.rows), page.more) == ([], False)
    assert told.asked == []


async def test_more_keys_than_a_batch_are_several_calls(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [b'{"orders":[],"errors":[]}']
    asked = ids(*(str(number) for number in range(2 * BATCH + 1)))
    assert await wms.warehouse_orders(asked) == {}
    batches = [call["orderNumbers"] for call in told.asked]
    assert sorted(len(batch) for batch in batches if isinstance(batch, list)) == [1, BATCH, BATCH]
    assert sorted(key for batch in batches if isinstance(batch, list) for key in batch) == sorted(asked)


async def test_numbers_find_every_shipment_over_all_pages(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [SHIPMENTS, b'{"shipments":[],"next":null}']
    reused, spoilt, unknown = "9400100000000000000012", "1Z999AA10123456784", "1Z0"
    found = await wms.shipments_by_tracking([reused, spoilt, unknown])
    assert set(found) == {reused, spoilt}
    shipments = found[reused]
    assert isinstance(shipments, Sequence)
    assert [shipment.id for shipment in shipments] == ["S-000812", "S-000100"]
    assert isinstance(found[spoilt], SourceFault)
    assert [call["after"] for call in told.asked] == [
        None,
        {"createdAt": "2025-08-02T14:00:00Z", "shipmentId": "S-000100"},
    ]


async def test_shipments_by_id(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [SHIPMENTS, b'{"shipments":[],"next":null}']
    good, spoilt = ShipmentId("S-000812"), ShipmentId("S-000803")
    found = await wms.shipments([good, spoilt, ShipmentId("S-0")])
    assert isinstance(found[good], Shipment)
    assert isinstance(found[spoilt], SourceFault)
    assert len(found) == 2


async def test_a_service_that_turns_in_circles_is_left(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [SHIPMENTS]
    with pytest.raises(SourceFault, match="does not move on"):
        await wms.shipments([ShipmentId("S-000812")])
    assert len(told.asked) == 2


async def test_a_page_asks_in_the_services_words(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [b'{"shipments":[],"next":null}']
    query = RecordQuery(
        Visibility(frozenset({CustomerId("2"), CustomerId("1")}), frozenset({"1-1"})),
        order_ids=frozenset({OrderId("00")}),
        customer_ids=frozenset({CustomerId("2"), CustomerId("3")}),
        after=Cursor(datetime(2026, 11, 19, 15, 0, 0, 250_000, tzinfo=UTC), "S-1"),
        limit=7,
    )
    await wms.shipment_page(query)
    assert told.asked == [
        {
            "accounts": ["2"],
            "shipTos": ["1-1"],
            "orderNumbers": ["00"],
            "after": {"createdAt": "2026-11-19T15:00:00.250000Z", "shipmentId": "S-1"},
            "limit": 7,
        }
    ]


async def test_a_page_with_a_malformed_row_is_a_fault(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    told.answers = [SHIPMENTS]
    with pytest.raises(SourceFault, match="ShipmentRecord"):
        await wms.shipment_page(EVERYONE)


async def test_a_page_never_shows_what_was_not_asked_for(service: tuple[Service, WmsWarehouse]) -> None:
    told, wms = service
    answer = msgspec.json.decode(SHIPMENTS)
    del answer["shipments"][1]
    told.answers = [msgspec.json.encode(answer)]
    assert len((await wms.shipment_page(EVERYONE)).rows) == 2
    with pytest.raises(SourceFault, match="was not asked for"):
        await wms.shipment_page(RecordQuery(Visibility(frozenset({CustomerId("0100200")}))))
    with pytest.raises(SourceFault, match="was not asked for"):
        await wms.shipment_page(RecordQuery(Visibility(None, frozenset({"0100200-2"}))))
