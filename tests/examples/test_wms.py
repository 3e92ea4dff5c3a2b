"""The simulated warehouse system keeps to the document it publishes."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from examples.distributor.clock import START
from examples.distributor.fleet import Fleet
from examples.distributor.wms import API_KEY
from examples.distributor.world import World
from examples.distributor.world.warehouse import Stage
from tests.examples.company import world as company

LATER = START + timedelta(days=3)
ORDERS, SHIPMENTS = "/api/v2/orders/query", "/api/v2/shipments/query"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(("wms",)) as fleet:
        fleet.set_clock(START)
        fleet.freeze()
        yield fleet


@pytest.fixture(scope="module")
def world() -> World:
    return company()


@pytest.fixture
async def wms(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"X-Api-Key": API_KEY}
    async with httpx.AsyncClient(base_url=fleet.urls["wms"], headers=headers, trust_env=False) as client:
        yield client


@pytest.fixture
async def document(wms: httpx.AsyncClient) -> Mapping[str, Any]:
    found = (await wms.get("/openapi.json", headers={"X-Api-Key": ""})).raise_for_status().json()
    assert isinstance(found, dict)
    return found


def check(document: Mapping[str, Any], schema: str, value: object) -> None:
    """Raises ValidationError where ``value`` is not what the document calls ``schema``."""
    root = {"components": document["components"], "$ref": f"#/components/schemas/{schema}"}
    Draft202012Validator(root, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


async def test_orders_keep_to_the_document(wms: httpx.AsyncClient, document: Mapping[str, Any], world: World) -> None:
    asked = {"orderNumbers": sorted({*world.examples.values(), "no such order"}), "include": ["work", "shipments"]}
    check(document, "OrdersQuery", asked)
    answer = (await wms.post(ORDERS, json=asked)).raise_for_status().json()
    check(document, "OrdersReply", answer)
    statuses = {task["status"] for order in answer["orders"] for task in order["tasks"]}
    assert {"400", "450"} <= statuses
    assert {order["warehouse"] for order in answer["orders"]} >= {"01", "02"}
    assert len({order["orderNumber"] for order in answer["orders"]}) < len(asked["orderNumbers"])


async def test_shipments_keep_to_the_document(wms: httpx.AsyncClient, document: Mapping[str, Any]) -> None:
    asked: dict[str, object] = {"limit": 200}
    check(document, "ShipmentsQuery", asked)
    answer = (await wms.post(SHIPMENTS, json=asked)).raise_for_status().json()
    check(document, "ShipmentsReply", answer)
    assert len({shipment["shipmentId"] for shipment in answer["shipments"]}) == 200
    following = (await wms.post(SHIPMENTS, json=asked | {"after": answer["next"]})).raise_for_status().json()
    check(document, "ShipmentsReply", following)
    seen = [{shipment["shipmentId"] for shipment in page["shipments"]} for page in (answer, following)]
    assert seen[0].isdisjoint(seen[1])


async def test_what_is_not_asked_for_is_left_out(wms: httpx.AsyncClient, world: World) -> None:
    asked = {"orderNumbers": [world.examples["delivered"]]}
    (order,) = (await wms.post(ORDERS, json=asked)).raise_for_status().json()["orders"]
    assert set(order) == {"orderNumber", "warehouse"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ORDERS, b""),
        (ORDERS, b"null"),
        (ORDERS, b'{"orderNumbers":[]}'),
        (ORDERS, b'{"orderNumbers":[1]}'),
        (ORDERS, b'{"orderNumbers":["1"],"include":["everything"]}'),
        (ORDERS, b'{"orderNumbers":["\xff"]}'),
        (ORDERS, json.dumps({"orderNumbers": ["1"] * 501}).encode()),
        (SHIPMENTS, b'{"limit":0}'),
        (SHIPMENTS, b'{"limit":501}'),
        (SHIPMENTS, b'{"surprise":1}'),
        (SHIPMENTS, b'{"after":{"createdAt":"2026-11-20T15:00:00","shipmentId":"1"}}'),
    ],
)
async def test_a_body_that_is_no_query_is_refused(
    wms: httpx.AsyncClient, document: Mapping[str, Any], path: str, body: bytes
) -> None:
    answer = await wms.post(path, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    check(document, "Problem", answer.json())


@pytest.mark.parametrize("key", ["", "wrong", "schlüssel"])
async def test_a_stranger_is_refused(wms: httpx.AsyncClient, document: Mapping[str, Any], key: str) -> None:
    answer = await wms.post(ORDERS, json={"orderNumbers": ["1"]}, headers={b"X-Api-Key": key.encode()})
    assert answer.status_code == 401
    check(document, "Problem", answer.json())


async def test_trouble_that_is_no_trouble_is_refused(wms: httpx.AsyncClient) -> None:
    assert (await wms.put("/__orders", json={"1": "bother"})).status_code == 400


async def test_time_brings_the_ship_confirm(fleet: Fleet, wms: httpx.AsyncClient, world: World) -> None:
    planned = next(
        shipment
        for number in reversed(tuple(world.orders))
        if (order := world.warehouse_order(number, START))
        for shipment in order.shipments
        if shipment.stage in {Stage.PLANNED, Stage.RELEASED}
        and (then := world.shipment(shipment.number, LATER))
        and then.stage is Stage.CONFIRMED
    )
    asked = {"shipmentIds": [planned.number]}
    try:
        (before,) = (await wms.post(SHIPMENTS, json=asked)).json()["shipments"]
        fleet.set_clock(LATER)
        (after, *_) = (await wms.post(SHIPMENTS, json=asked)).json()["shipments"]
    finally:
        fleet.set_clock(START)
    assert (before["status"] in {"00", "02"}, before["confirmedAt"]) == (True, None)
    assert after["confirmedAt"]
