"""Field scope: what a caller may not read is null, told once, and never asked of a source."""

from typing import Any

import pytest

from examples.distributor.world import World
from tests.e2e.asking import Ask
from tests.e2e.conftest import Crossdock

PRICES = """query ($n: String!) {
  order(number: $n) { number totals { total { amount } } lines { unitPrice { amount } extendedPrice { amount } } }
}"""
RECEIVABLES = """query ($n: String!) {
  order(number: $n) {
    number payment invoices { number total { amount } } returns { rmaNumber } customer { number balance { amount } }
  }
}"""
BARE = "query ($n: String!) { order(number: $n) { number customer { number } } }"


async def test_without_price_read_prices_are_null_with_one_error(ask: Ask) -> None:
    number = ask.example("several_packages")
    answer = await ask("operator", PRICES, n=number)
    order = answer["data"]["order"]
    assert order["number"] == number
    assert order["totals"] is None
    assert order["lines"]
    assert all(line == {"unitPrice": None, "extendedPrice": None} for line in order["lines"])
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN_FIELD"
    assert error["extensions"]["missingScopes"] == ["price:read"]
    assert error["extensions"]["fields"] == ["Line.extendedPrice", "Line.unitPrice", "Order.totals"]


async def test_what_is_denied_costs_no_call(crossdock: Crossdock) -> None:
    async def cost(persona: str, query: str) -> dict[str, dict[str, int]]:
        async with crossdock() as ask:
            return await ask.cost(persona, query, n=ask.example("credit_memo"))

    bare = await cost("operator", BARE)
    assert await cost("operator", RECEIVABLES) == bare
    assert sum((await cost("service", RECEIVABLES))["erp"].values()) > sum(bare["erp"].values())


async def test_each_missing_scope_is_told_once(ask: Ask) -> None:
    answer = await ask("operator", RECEIVABLES, n=ask.example("credit_memo"))
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN_FIELD"}
    missing = sorted(error["extensions"]["missingScopes"] for error in answer["errors"])
    assert missing == [["balance:read"], ["invoice:read"], ["return:read"]]


def inside(order: dict[str, Any]) -> list[Any]:
    return [order["erpStatus"], order["hold"]["code"], order["hold"]["reason"]]


INSIDE = "query ($n: String!) { order(number: $n) { erpStatus { raw } hold { message code { raw } reason } } }"


@pytest.mark.parametrize("persona", ["buyer", "ap", "analyst"])
async def test_the_inside_is_not_for_customers_and_analysts(ask: Ask, persona: str) -> None:
    order = (await ask(persona, INSIDE, n=ask.example("on_hold")))["data"]["order"]
    assert order["hold"]["message"]
    assert inside(order) == [None, None, None]


async def test_customer_service_reads_the_inside(ask: Ask) -> None:
    order = (await ask("service", INSIDE, n=ask.example("on_hold")))["data"]["order"]
    assert order["erpStatus"]["raw"]
    assert order["hold"]["code"]["raw"]


PERSONAL = """query ($n: String!, $t: String!) {
  order(number: $n) { number shipTo { name lines city postalCode } customer { shipTos { id name } } }
  shipment(trackingNumber: $t) { proofOfDelivery { receivedBy at } }
}"""


async def test_an_analyst_is_told_where_and_not_who(ask: Ask, world: World) -> None:
    """Others are told both."""
    number = ask.example("several_packages")
    warehouse = world.warehouse_order(number, ask.now)
    assert warehouse is not None
    tracked = next(each.tracking_number for each in warehouse.shipments[0].packages if each.tracking_number)
    told = await ask("analyst", PERSONAL, n=number, t=tracked)
    whole = (await ask("buyer", PERSONAL, n=number, t=tracked))["data"]
    order = told["data"]["order"]
    assert order["shipTo"] == whole["order"]["shipTo"] | {"name": None, "lines": None}
    assert {place["name"] for place in order["customer"]["shipTos"]} == {None}
    assert [place["id"] for place in order["customer"]["shipTos"]] == [
        place["id"] for place in whole["order"]["customer"]["shipTos"]
    ]
    missing = {tuple(error["extensions"]["missingScopes"]): error["extensions"]["fields"] for error in told["errors"]}
    assert missing == {
        ("document:read",): ["Shipment.proofOfDelivery"],
        ("personal:read",): ["Address.lines", "Address.name", "ShipTo.name"],
    }
    assert whole["order"]["shipTo"]["name"] not in str(told)
