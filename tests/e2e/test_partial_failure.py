"""A source that is slow, broken or down costs the answer what it owns and nothing else."""

import asyncio
from typing import Any

import pytest

from examples.distributor.fleet import Fleet
from tests.e2e.asking import Ask
from tests.e2e.conftest import Crossdock

DETAIL = """query ($n: String!) {
  order(number: $n) {
    number status statusExplanation { rule missing } lines { lineNumber ordered { value } }
    shipments { number trackingNumber status } invoices { number } returns { rmaNumber } customer { name }
    source { system asOf stale ageSeconds }
  }
}"""
SHIPPED = "query ($n: String!) { order(number: $n) { customer { name } shipments { number events { status } } } }"
AGE = (
    "query ($n: String!) { order(number: $n) { number lines { lineNumber } source { system asOf stale ageSeconds } } }"
)
CLOCK_READ = 2.5
"""Seconds after which the demo's server has surely followed the simulated clock."""


def told(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["extensions"]["source"], error["extensions"]["code"]) for error in answer.get("errors", ())]


async def test_a_hanging_warehouse_takes_its_own_part_only(crossdock: Crossdock, fleet: Fleet) -> None:
    async with crossdock() as ask:
        whole = (await ask("buyer", DETAIL, n=ask.example("delivered")))["data"]["order"]
    fleet.fault("wms", hang=True)
    async with crossdock(WMS__LIMITS__DEADLINE="1") as ask:
        fleet.fault("wms", hang=True)
        started = asyncio.get_running_loop().time()
        answer = await ask("buyer", DETAIL, n=ask.example("delivered"))
        took = asyncio.get_running_loop().time() - started
    order = answer["data"]["order"]
    assert took < 3
    assert whole["shipments"]
    assert order["shipments"] is None
    assert "wms" in " ".join(order["statusExplanation"]["missing"])
    assert order["status"] != "DELIVERED"
    for field in ("number", "invoices", "returns", "customer", "lines"):
        assert order[field] == whole[field], field
    assert told(answer) == [("wms", "SOURCE_TIMEOUT")]


@pytest.mark.parametrize("source", ["wms", "ups"])
async def test_an_operation_that_ends_before_a_hanging_source_would_answers_with_the_rest(
    crossdock: Crossdock, fleet: Fleet, source: str
) -> None:
    async with crossdock(DEADLINE="3") as ask:
        fleet.fault(source, hang=True)
        answer = await ask("buyer", SHIPPED, n=ask.example("delivered"))
    assert answer["data"]["order"]["customer"]["name"]
    assert told(answer) == [(source, "SOURCE_TIMEOUT")]


async def test_then_its_breaker_opens_and_nobody_waits(crossdock: Crossdock, fleet: Fleet) -> None:
    async with crossdock(WMS__LIMITS__DEADLINE="0.3", WMS__LIMITS__BREAKER_FAILURES="3") as ask:
        number = ask.example("delivered")
        fleet.fault("wms", hang=True)
        codes = [told(await ask.fresh("buyer", DETAIL, n=number)) for _ in range(4)]
        assert codes == [[("wms", "SOURCE_TIMEOUT")]] * 3 + [[("wms", "SOURCE_UNAVAILABLE")]]
        fleet.reset_calls()
        assert told(await ask.fresh("buyer", DETAIL, n=number)) == [("wms", "SOURCE_UNAVAILABLE")]
        assert fleet.calls("wms").total == 0


async def test_an_order_is_served_stale_with_its_true_age_while_the_erp_is_down(ask: Ask, fleet: Fleet) -> None:
    number = ask.example("delivered")
    first = (await ask("buyer", AGE, n=number))["data"]["order"]
    assert first["source"]["stale"] is False
    fleet.fault("erp", status=503)
    fleet.advance(100)
    await asyncio.sleep(CLOCK_READ)
    answer = await ask("buyer", AGE, n=number)
    second = answer["data"]["order"]
    assert second["lines"] == first["lines"]
    assert second["source"]["stale"] is True
    assert second["source"]["asOf"] == first["source"]["asOf"]
    assert 100 <= second["source"]["ageSeconds"] < 160
    assert ("erp", "STALE_DATA") in told(answer)


async def test_what_is_too_old_for_the_client_is_not_served(ask: Ask, fleet: Fleet) -> None:
    query = "query ($n: String!) { order(number: $n) { number } viewer { kind } }"
    await ask("buyer", query, n=ask.example("delivered"))
    fleet.fault("erp", status=503)
    answer = await ask("buyer", query.replace("{", "@maxStaleness(seconds: 0) {", 1), n=ask.example("delivered"))
    assert answer["data"] == {"order": None, "viewer": {"kind": "PORTAL_USER"}}
    assert told(answer) == [("erp", "SOURCE_UNAVAILABLE")]


async def test_a_dead_carrier_is_one_error_however_many_parcels(ask: Ask, fleet: Fleet) -> None:
    for carrier in ("ups", "fedex", "usps", "dhl", "ltl"):
        fleet.fault(carrier, status=500)
    answer = await ask("buyer", "{ orders(first: 50) { nodes { number shipments { number status } } } }")
    orders = answer["data"]["orders"]["nodes"]
    assert len(orders) == 50
    assert all(order["shipments"] is not None for order in orders)
    assert len(told(answer)) == len({source for source, _ in told(answer)}) > 1


@pytest.mark.parametrize("knob", ["malformed", "fault_with_200", "gzip_bomb", "status"])
@pytest.mark.parametrize("source", ["erp", "wms"])
async def test_a_broken_source_is_an_error_with_a_code_and_nothing_of_the_inside(
    ask: Ask, fleet: Fleet, source: str, knob: str
) -> None:
    fleet.fault(source, **{knob: 500 if knob == "status" else True})
    answer = await ask("buyer", DETAIL, n=ask.example("delivered"))
    assert {found for found, _ in told(answer)} == {source}
    assert {code for _, code in told(answer)} <= {"SOURCE_FAULT", "SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT"}
    assert all(error["extensions"]["correlationId"] for error in answer["errors"])
    assert "127.0.0.1" not in str(answer)
