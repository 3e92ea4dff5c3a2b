"""The main job: one query tells a customer where the order is, and why."""

from typing import Any

import pytest

from tests.e2e.asking import Ask

ORDER = """query ($n: String!) {
  order(number: $n) {
    number poNumber status summary lifecycle fulfillment billing payment hold { message }
    statusExplanation { rule evidence { source code at } missing }
    totals { subtotal { amount } freight { amount } tax { amount } total { amount currency } }
    lines {
      lineNumber status item { sku description } ordered { value unit baseValue } shipped { value } delivered { value }
      backordered { value } cancelled { value } expectedShipDate
      substitutionOf { lineNumber } substitutedBy { lineNumber }
      unitPrice { amount } extendedPrice { amount }
    }
    shipments {
      number status conditions mode carrier { scac } trackingNumber deliveredAt statusExplanation { rule missing }
      packages { trackingNumber delivered voided contents { sku orderLine { lineNumber } } }
      events { status code { raw known } occurredAt timePrecision applied }
    }
    invoices { number type total { amount } paymentStatus agingBucket }
    returns { rmaNumber status lines { requested { value } received { value } } }
    timeline { at kind message applied }
    exceptions { kind severity message }
    source { system stale ageSeconds }
  }
}"""


async def order_of(ask: Ask, case: str) -> dict[str, Any]:
    answer = await ask("buyer", ORDER, n=ask.example(case))
    assert "errors" not in answer, answer["errors"]
    order: dict[str, Any] = answer["data"]["order"]
    assert order["number"] == ask.example(case)
    assert order["statusExplanation"]["rule"]
    assert order["timeline"]
    assert order["source"]["stale"] is False
    return order


STATUSES = {
    "pending_approval": {"RECEIVED"},
    "confirmed": {"CONFIRMED"},
    "on_hold": {"ON_HOLD"},
    "backorder": {"BACKORDERED"},
    "partial_allocation": {"PARTIALLY_ALLOCATED"},
    "in_warehouse": {"IN_WAREHOUSE"},
    "loaded_not_shipped": {"IN_WAREHOUSE"},
    "partially_shipped": {"PARTIALLY_SHIPPED"},
    "shipped_pending_carrier": {"SHIPPED_PENDING_CARRIER"},
    "in_transit": {"SHIPPED"},
    "out_for_delivery": {"SHIPPED"},
    "own_fleet": {"SHIPPED", "DELIVERED", "COMPLETED"},
    "partially_delivered": {"PARTIALLY_DELIVERED"},
    "delivered": {"DELIVERED", "COMPLETED"},
    "late_scan_after_delivered": {"DELIVERED", "COMPLETED"},
    "cancelled": {"CANCELLED"},
    "cancelled_short": {"COMPLETED"},
}


@pytest.mark.parametrize("case", STATUSES)
async def test_every_case_has_its_status(ask: Ask, case: str) -> None:
    order = await order_of(ask, case)
    assert order["status"] in STATUSES[case], order["statusExplanation"]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("in_transit", "IN_TRANSIT"),
        ("out_for_delivery", "OUT_FOR_DELIVERY"),
        ("delivered", "DELIVERED"),
        ("delivery_attempted", "DELIVERY_ATTEMPTED"),
        ("available_for_pickup", "AVAILABLE_FOR_PICKUP"),
        ("returned_to_sender", "RETURNED"),
        ("returning_to_sender", "RETURNING"),
    ],
)
async def test_every_carrier_stage_has_its_shipment_status(ask: Ask, case: str, status: str) -> None:
    order = await order_of(ask, case)
    assert status in {shipment["status"] for shipment in order["shipments"]}


async def test_an_order_has_everything_below_it(ask: Ask) -> None:
    order = await order_of(ask, "rma_partly_received")
    assert all(part for part in (order["lines"], order["shipments"], order["invoices"], order["returns"]))
    assert order["shipments"][0]["events"]
    (line, *_) = order["returns"][0]["lines"]
    assert order["returns"][0]["status"] == "PARTIALLY_RECEIVED"
    assert {event["kind"] for event in order["timeline"]} > set()
    assert line["requested"]


async def test_an_unknown_code_is_kept_shown_raw_and_moves_nothing(ask: Ask) -> None:
    order = await order_of(ask, "unknown_carrier_code")
    events = [event for shipment in order["shipments"] for event in shipment["events"]]
    odd = [event for event in events if not event["code"]["known"]]
    assert odd
    assert all(event["status"] == "UNKNOWN" and event["code"]["raw"] and not event["applied"] for event in odd)
    assert "UNKNOWN" not in {shipment["status"] for shipment in order["shipments"]}


async def test_times_without_an_offset_are_told_as_such(ask: Ask) -> None:
    order = await order_of(ask, "offsetless_times")
    precisions = {event["timePrecision"] for shipment in order["shipments"] for event in shipment["events"]}
    assert "LOCAL" in precisions


async def test_every_package_keeps_its_tracking_and_contents(ask: Ask) -> None:
    order = await order_of(ask, "several_packages")
    packages = [package for shipment in order["shipments"] for package in shipment["packages"]]
    assert len({package["trackingNumber"] for package in packages}) == len(packages) > 1
    assert all(content["orderLine"] for package in packages for content in package["contents"])


async def test_a_repeated_sku_is_matched_by_line(ask: Ask) -> None:
    order = await order_of(ask, "repeated_sku")
    skus = [line["item"]["sku"] for line in order["lines"]]
    assert len(set(skus)) < len(skus)
    contents = [part for each in order["shipments"] for package in each["packages"] for part in package["contents"]]
    by_line = {part["orderLine"]["lineNumber"] for part in contents}
    assert len(by_line) > 1


async def test_a_substitution_names_both_lines(ask: Ask) -> None:
    order = await order_of(ask, "substitution")
    replaced = [line for line in order["lines"] if line["substitutedBy"]]
    assert replaced
    assert {line["substitutedBy"]["lineNumber"] for line in replaced} <= {line["lineNumber"] for line in order["lines"]}


async def test_text_survives_to_the_last_byte(ask: Ask, world: Any) -> None:
    case = ask.example("metacharacters")
    order = await order_of(ask, "metacharacters")
    assert order["poNumber"] == world.orders[case].po_number
    view = world.erp_order(case, ask.now)
    assert [line["item"]["description"] for line in order["lines"]] == [line.description for line in view.lines]


async def test_a_huge_amount_is_exact(ask: Ask, world: Any) -> None:
    order = await order_of(ask, "huge_amount")
    assert order["totals"]["total"]["amount"] == format(world.erp_order(ask.example("huge_amount"), ask.now).total, "f")


async def test_a_reused_tracking_number_shows_its_own_journey(ask: Ask) -> None:
    order = await order_of(ask, "reused_tracking_number")
    (shipment, *_) = order["shipments"]
    assert shipment["events"]
    placed = order["timeline"][0]["at"]
    assert all(event["occurredAt"] >= placed[:10] for event in shipment["events"])


async def test_a_hold_says_one_allowed_sentence(ask: Ask) -> None:
    order = await order_of(ask, "on_hold")
    assert order["hold"]["message"]
    inside = ("credit", "collections", "margin", "fraud")
    assert not any(word in str(order).lower() for word in inside)


LEDGER = """query ($n: String!) {
  order(number: $n) { lines { discrepancies { kind rule since said { source what quantity { baseValue } } } } }
}"""


async def test_where_systems_disagree_on_a_quantity_each_ones_word_is_shown(ask: Ask) -> None:
    answer = await ask("service", LEDGER, n=ask.example("shipped_pending_carrier"))
    assert "errors" not in answer, answer["errors"]
    found = [one for line in answer["data"]["order"]["lines"] for one in line["discrepancies"]]
    assert found
    assert {one["kind"] for one in found} == {"SHIPPED_UNCONFIRMED"}
    for one in found:
        erp, wms = one["said"]
        assert (erp["source"], erp["what"], wms["source"], wms["what"]) == ("erp", "shipped", "wms", "shipped")
        assert float(erp["quantity"]["baseValue"]) > float(wms["quantity"]["baseValue"]) == 0
        assert one["since"]


async def test_an_order_that_adds_up_has_no_discrepancy(ask: Ask) -> None:
    answer = await ask("service", LEDGER, n=ask.example("delivered"))
    assert [line["discrepancies"] for line in answer["data"]["order"]["lines"]]
    assert not any(line["discrepancies"] for line in answer["data"]["order"]["lines"])
