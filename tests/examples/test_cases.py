"""Every awkward case is there, several times, and shows what its name says when the clock starts and a while after."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from examples.distributor.clock import START
from examples.distributor.journeys import ScanKind
from examples.distributor.world import floor, ledger
from examples.distributor.world.accounts import STRANGER
from examples.distributor.world.cases import CASES
from examples.distributor.world.erp import RmaView
from examples.distributor.world.warehouse import Mode, Stage
from examples.distributor.world.words import EVERYTHING
from tests.examples.company import all_journeys, buyers_accounts, erp, journeys, scans, shipments, world

QUIET = timedelta(hours=2)
"""How long after the start nothing happens to an example, so that tests and demos see what they expect."""


def only(number: str) -> RmaView:
    (rma,) = world().rmas_of(number, START)
    return rma


def last(number: str) -> ScanKind:
    return scans(number)[-1].kind


def kinds(number: str) -> list[ScanKind]:
    return [scan.kind for scan in scans(number)]


def delivered_packages(number: str) -> tuple[int, int]:
    """How many consignments of an order were delivered, of how many."""
    ways = [journey.until(START) for _, journey in journeys(world().orders[number])]
    return sum(1 for way in ways if ScanKind.DELIVERED in {scan.kind for scan in way}), len(ways)


def reuses_a_number(number: str) -> bool:
    used = [journey.number for _, journey in journeys(world().orders[number])]
    return any(
        len({journey.order_number for journey in all_journeys()[n]}) == 2
        and len({journey.unique_id for journey in all_journeys()[n]}) == 2
        for n in used
    )


SHOWS: dict[str, Callable[[str], bool]] = {
    "pending_approval": lambda n: erp(n).status == "_pendingApproval" and erp(n).hold is None,
    "confirmed": lambda n: erp(n).status == "_pendingFulfillment" and not shipments(n),
    "on_hold": lambda n: (hold := erp(n).hold) is not None and hold.code == "CREDIT" and "INTERNAL" in hold.reason,
    "held_after_shipping": lambda n: erp(n).hold is not None and any(line.fulfilled for line in erp(n).lines),
    "partial_allocation": lambda n: (
        0 < sum(line.committed for line in erp(n).lines) < sum(x.open for x in erp(n).lines)
    ),
    "backorder": lambda n: all(line.backordered == line.ordered for line in erp(n).lines),
    "backorder_partial": lambda n: any(line.backordered and line.expected_ship_date for line in erp(n).lines),
    "edited_after_submission": lambda n: erp(n).revision == 2 and len(world().orders[n].lines[0].ordered) > 1,
    "substitution": lambda n: (
        erp(n).lines[0].substituted_by == erp(n).lines[-1].key
        and erp(n).lines[-1].substitution_of == erp(n).lines[0].key
    ),
    "cancelled": lambda n: erp(n).status == "_cancelled" and all(line.closed for line in erp(n).lines),
    "cancelled_short": lambda n: (
        erp(n).status == "_closed"
        and 0 < sum(line.cancelled for line in erp(n).lines) < sum(line.ordered for line in erp(n).lines)
    ),
    "line_cancelled": lambda n: erp(n).lines[-1].closed and not erp(n).lines[0].closed,
    "repeated_sku": lambda n: len({line.sku for line in erp(n).lines}) < len({line.key for line in erp(n).lines}),
    "zero_like_ids": lambda n: n.startswith("00") and erp(n).po_number == "00417" and erp(n).lines[0].sku == "00123",
    "metacharacters": lambda n: erp(n).po_number == f"PO{EVERYTHING}" and EVERYTHING in erp(n).lines[0].description,
    "huge_amount": lambda n: Decimal(10) ** 13 <= erp(n).total < Decimal(11) ** 13,
    "in_warehouse": lambda n: shipments(n)[0].stage is Stage.PICKED,
    "picked_short": lambda n: world().orders[n].shipments[0].picks[0].short == erp(n).lines[0].cancelled > 0,
    "split_shipment": lambda n: len(shipments(n)) == len(world().invoices_of(n, START)) == 2,
    "partially_shipped": lambda n: erp(n).status == "_partiallyFulfilled" and len(shipments(n)) == 1,
    "several_packages": lambda n: len({package.tracking_number for package in shipments(n)[0].packages}) == 4,
    "label_only": lambda n: set(kinds(n)) == {ScanKind.LABEL} and shipments(n)[0].stage is Stage.LABELLED,
    "voided_label": lambda n: (
        [package.voided_at is not None for package in shipments(n)[0].packages].count(True) == 1
        and ScanKind.VOIDED in kinds(n)
    ),
    "voided_shipment": lambda n: [shipment.stage for shipment in shipments(n)] == [Stage.VOIDED, Stage.CONFIRMED],
    "loaded_not_shipped": lambda n: shipments(n)[0].stage is Stage.LOADED and not erp(n).fulfilments,
    "shipped_pending_carrier": lambda n: bool(erp(n).fulfilments) and shipments(n)[0].confirmed_at is None,
    "unknown_to_carrier": lambda n: shipments(n)[0].stage is Stage.CONFIRMED and not scans(n),
    "in_transit": lambda n: last(n) is ScanKind.DEPARTED,
    "out_for_delivery": lambda n: last(n) is ScanKind.OUT_FOR_DELIVERY,
    "delivery_attempted": lambda n: last(n) is ScanKind.ATTEMPTED,
    "available_for_pickup": lambda n: last(n) is ScanKind.AVAILABLE_FOR_PICKUP,
    "delivered": lambda n: len(set(delivered_packages(n))) == 1,
    "partially_delivered": lambda n: delivered_packages(n) == (1, 2),
    "late_scan_after_delivered": lambda n: ScanKind.DELIVERED in kinds(n) and last(n) is ScanKind.ARRIVED,
    "delayed": lambda n: last(n) is ScanKind.DELAYED and scans(n)[-1].reason is not None,
    "delivery_exception": lambda n: last(n) is ScanKind.EXCEPTION and scans(n)[-1].reason is not None,
    "returning_to_sender": lambda n: last(n) is ScanKind.RETURNING,
    "returned_to_sender": lambda n: last(n) is ScanKind.RETURNED,
    "unknown_carrier_code": lambda n: last(n) is ScanKind.ODD and scans(n)[-1].raw is not None,
    "offsetless_times": lambda n: {scan.utc_offset_minutes for scan in scans(n)} == {None},
    "some_times_offsetless": lambda n: {scan.utc_offset_minutes is None for scan in scans(n)} == {True, False},
    "usps_parcel": lambda n: shipments(n)[0].scac == "USPS" and last(n) is ScanKind.DEPARTED,
    "ltl_freight": lambda n: shipments(n)[0].mode is Mode.LTL and shipments(n)[0].pro_number in all_journeys(),
    "own_fleet": lambda n: shipments(n)[0].mode is Mode.OWN_FLEET and last(n) is ScanKind.DEPARTED,
    "customer_pickup": lambda n: shipments(n)[0].mode is Mode.PICKUP and shipments(n)[0].stage is Stage.CONFIRMED,
    "reused_tracking_number": reuses_a_number,
    "credit_memo": lambda n: bool(world().credit_memos_of(n, START)) and not world().rmas_of(n, START),
    "rma_requested": lambda n: only(n).status == "_pendingApproval",
    "rma_authorized": lambda n: only(n).status == "_pendingReceipt",
    "rma_partly_received": lambda n: only(n).status == "_partiallyReceived",
    "rma_partly_credited": lambda n: (
        only(n).status == "_pendingRefundPartiallyReceived" and len(world().credit_memos_of(n, START)) == 1
    ),
    "rma_received": lambda n: only(n).status == "_pendingRefund",
    "rma_credited": lambda n: only(n).status == "_refunded" and bool(only(n).credit_memo_numbers),
    "rma_cancelled": lambda n: only(n).status == "_cancelled",
}
"""By case, what an order that is one looks like at the start."""


def test_every_case_is_described() -> None:
    assert set(SHOWS) == {*CASES, "reused_tracking_number"} == set(world().cases) == set(world().examples) - {"moving"}


@pytest.mark.parametrize("case", SHOWS)
def test_orders_placed_for_a_case_show_it(case: str) -> None:
    numbers = world().cases[case]
    assert len(numbers) >= 3
    assert [number for number in numbers if not SHOWS[case](number)] == []


@pytest.mark.parametrize("case", SHOWS)
def test_the_buyer_sees_an_example(case: str) -> None:
    example = world().orders[world().examples[case]]
    assert example.number in world().cases[case]
    assert example.account in buyers_accounts()
    assert example.submitted_at < START


@pytest.mark.parametrize("case", SHOWS)
def test_an_example_stays_what_it_is_for_a_while(case: str) -> None:
    order = world().orders[world().examples[case]]
    times = [*ledger.instants(order), *floor.instants(order)]
    times += [scan.at for _, journey in journeys(order) for scan in journey.scans]
    times += [at for invoice in order.invoices for at, _ in invoice.settled]
    assert [at for at in times if START <= at < START + QUIET] == []


@pytest.mark.parametrize("case", ["credit_memo", "rma_credited"])
def test_the_examples_credit_is_applied_to_their_invoice(case: str) -> None:
    number = world().examples[case]
    (invoice,), (credit,) = world().invoices_of(number, START), world().credit_memos_of(number, START)
    assert [use.invoice_number for use in credit.applied] == [invoice.number]
    assert invoice.amount_paid == credit.total
    assert credit.balance == 0


def test_a_reused_number_once_led_to_another_company() -> None:
    example = world().orders[world().examples["reused_tracking_number"]]
    (_, journey), *_ = journeys(example)
    others = {told.order_number for told in all_journeys()[journey.number]} - {example.number}
    assert all(world().orders[other].account not in buyers_accounts() for other in others)
    assert len(world().shipments_by_tracking(journey.number, START)) == 2
    assert len(world().shipments_by_tracking(journey.number, START - timedelta(days=30))) == 1


def test_the_stranger_uses_the_examples_purchase_order_number_too() -> None:
    same = {world().orders[number].account for number in world().orders_by_po["00417"]}
    assert {STRANGER, "00"} <= same
    assert world().orders[world().examples["zero_like_ids"]].account == "00"
