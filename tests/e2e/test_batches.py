"""Law 5: one order or fifty make the same number of batches; a page costs one call per kind, and one per tracking
number.
"""

from collections import Counter

from tests.e2e.conftest import Crossdock

EVERYTHING = """query ($first: Int!) {
  orders(first: $first, filter: {placedBefore: "2026-11-12T00:00:00Z"}) {
    nodes {
      number status customer { name } totals { total { amount } }
      lines { lineNumber status item { sku } ordered { value } delivered { value } }
      shipments { number status packages { trackingNumber delivered } events { status occurredAt } }
      invoices { number paymentStatus total { amount } } returns { rmaNumber status }
      timeline { at message } exceptions { kind }
    }
  }
}"""
SEARCHES = ("the account hierarchy", "orders", "invoices and credit memos", "returns")
READS = ("accounts",)
CARRIERS = ("ups", "fedex", "usps", "dhl", "ltl")


async def cost(crossdock: Crossdock, first: int) -> dict[str, dict[str, int]]:
    async with crossdock() as ask:
        return await ask.cost("buyer", EVERYTHING, first=first)


async def test_fifty_orders_make_the_batches_of_one(crossdock: Crossdock) -> None:
    one, fifty = await cost(crossdock, 1), await cost(crossdock, 50)
    assert fifty["erp"] == one["erp"]
    assert fifty["wms"] == one["wms"]


async def test_a_page_of_twenty_costs_one_call_per_kind(crossdock: Crossdock) -> None:
    counted = await cost(crossdock, 20)
    assert counted["wms"] == {"orders.query": 1}
    assert counted["erp"] == {"search": len(SEARCHES), "getList": len(READS)}


async def test_each_tracking_number_is_asked_once(crossdock: Crossdock) -> None:
    async with crossdock() as ask:
        answer = await ask("buyer", EVERYTHING, first=20)
    counted = await cost(crossdock, 20)
    numbers = Counter(
        package["trackingNumber"]
        for order in answer["data"]["orders"]["nodes"]
        for shipment in order["shipments"]
        for package in shipment["packages"]
        if package["trackingNumber"]
    )
    asked = sum(
        calls for carrier in CARRIERS for name, calls in counted[carrier].items() if "token" not in name.lower()
    )
    assert 0 < asked <= len(numbers) + len(CARRIERS)
