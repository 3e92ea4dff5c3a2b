"""The simulated company is the same every time, adds up, and holds every awkward case where the buyer can see it."""

import re
import time
from collections import Counter
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.distributor.clock import START
from examples.distributor.journeys import ScanKind
from examples.distributor.world import World, floor, ledger
from examples.distributor.world.accounts import BRANCH, BUYER, STRANGER
from examples.distributor.world.carriers import CARRIERS
from examples.distributor.world.facts import OrderFacts
from examples.distributor.world.warehouse import Mode, Stage
from tests.examples.company import buyers_accounts, journeys, shipments, world

MONTHS_18 = timedelta(days=549)

orders = st.deferred(lambda: st.sampled_from(tuple(world().orders.values())))
instants = st.timedeltas(min_value=-MONTHS_18, max_value=timedelta(days=60)).map(lambda ago: START + ago)


# --- the same every time, and large enough ---------------------------------------------------------------------------


def test_the_same_seed_builds_the_same_company() -> None:
    began = time.perf_counter()
    again = World.build()
    number_of = len(again.orders)
    print(f"{number_of} orders in {time.perf_counter() - began:.2f} s")  # noqa: T201 - shown by pytest -s
    assert again.orders == world().orders
    assert again.accounts == world().accounts
    assert again.items == world().items
    assert again.examples == world().examples
    number = again.orders[again.examples["in_transit"]].shipments[0].consignments[0].number
    assert again.journeys({"UPSN"})[number] == world().journeys({"UPSN"})[number]


def test_another_seed_builds_another_company() -> None:
    assert World.build(7).accounts != world().accounts


def test_the_company_has_its_size() -> None:
    assert len(world().accounts) == 200
    assert len(world().items) == 200
    past = [order for order in world().orders.values() if order.submitted_at <= START]
    assert len(past) == 5000
    assert min(order.submitted_at for order in past) > START - MONTHS_18
    recent = sum(1 for order in past if order.submitted_at > START - timedelta(days=90))
    assert recent > len(past) / 4


def test_hundreds_of_orders_are_open_in_every_stage() -> None:
    statuses = Counter(view.status for number in world().orders if (view := world().erp_order(number, START)))
    done = {"_fullyBilled", "_closed", "_cancelled"}
    assert sum(count for status, count in statuses.items() if status not in done) >= 300
    assert set(statuses) == done | {
        "_pendingApproval",
        "_pendingFulfillment",
        "_partiallyFulfilled",
        "_pendingBilling",
        "_pendingBillingPartFulfilled",
    }
    stages = {shipment.stage for number in world().orders for shipment in shipments(number)}
    assert stages >= {Stage.PLANNED, Stage.RELEASED, Stage.PICKED, Stage.PACKED, Stage.LABELLED, Stage.CONFIRMED}


def test_every_carrier_and_mode_is_used() -> None:
    shipments = [shipment for order in world().orders.values() for shipment in order.shipments]
    assert {shipment.scac for shipment in shipments} == {*CARRIERS, None}
    assert {shipment.mode for shipment in shipments} == set(Mode)
    assert all((shipment.scac is None) == (shipment.mode is Mode.PICKUP) for shipment in shipments)


# --- accounts --------------------------------------------------------------------------------------------------------


def depth(account: str) -> int:
    return 1 + max((depth(child) for child in world().children(account)), default=0)


def test_the_buyers_hierarchy_is_four_deep_and_apart_from_the_strangers() -> None:
    assert depth(BUYER) == 4
    assert len(world().descendants(BUYER)) >= 6
    assert BRANCH in world().descendants(BUYER)
    assert BUYER not in world().descendants(BUYER)
    assert STRANGER not in buyers_accounts()
    assert {world().accounts[number].company for number in buyers_accounts()} == {BUYER}
    assert max(depth(number) for number in world().accounts) == 4
    assert {world().accounts[number].currency for number in buyers_accounts()} == {"USD", "CAD"}


def test_personas_stand_where_they_should() -> None:
    assert set(world().personas) == {"buyer", "branch", "ap", "rep", "service", "analyst", "operator", "stranger"}
    assert world().personas["buyer"].account == world().personas["ap"].account == BUYER
    assert world().personas["branch"].account == BRANCH
    assert world().personas["stranger"].account == STRANGER
    assert all(world().territories[territory] for territory in world().personas["rep"].territories)
    for persona in ("branch", "stranger"):
        account = world().personas[persona].account
        assert sum(1 for order in world().orders.values() if order.account == account) >= 3


def test_identifiers_keep_their_zeros() -> None:
    assert {"00", "0000417"} <= set(world().accounts)
    assert "00123" in world().items
    assert all(account.ship_tos[0].id == "00" for account in world().accounts.values())
    assert {number[:2] for number in world().orders} == {"SO", "00"}
    assert "00417" in world().orders_by_po


def test_customers_share_purchase_order_numbers() -> None:
    companies = [
        {world().accounts[world().orders[number].account].company for number in same}
        for same in world().orders_by_po.values()
    ]
    assert sum(1 for sharing in companies if len(sharing) > 1) >= 3


@pytest.mark.parametrize("character", [*"&<>\"';%_\\{", "]]>", "--", "ó", "東"])
def test_metacharacters_are_everywhere(character: str) -> None:
    texts = {
        "name": [account.name for account in world().accounts.values()],
        "ship-to": [ship_to.name for account in world().accounts.values() for ship_to in account.ship_tos],
        "po": [order.po_number or "" for order in world().orders.values()],
        "description": [line.description for order in world().orders.values() for line in order.lines],
        "memo": [order.memo for order in world().orders.values()],
    }
    assert not {kind for kind, values in texts.items() if not any(character in value for value in values)}


def test_every_text_can_be_written_in_xml() -> None:
    texts = [line.description for order in world().orders.values() for line in order.lines]
    texts += [order.po_number or "" for order in world().orders.values()]
    texts += [account.name for account in world().accounts.values()]
    assert not any(re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", text) for text in texts)
    assert any(name != name.strip() for name in texts)


# --- quantities ------------------------------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(orders, instants)
def test_at_every_instant_quantities_add_up(order: OrderFacts, now: datetime) -> None:
    view = world().erp_order(order.number, now)
    assert (view is None) == (order.submitted_at > now)
    for line in view.lines if view else ():
        assert line.ordered == line.cancelled + line.open + line.fulfilled
        assert line.open >= line.committed + line.backordered
        assert min(line.open, line.committed, line.backordered, line.cancelled, line.returned) >= 0
        assert line.returned <= line.fulfilled
        assert line.billed <= line.fulfilled <= line.ordered
        assert line.fulfilled <= line.packed <= line.picked
        assert not line.backordered or line.expected_ship_date is not None


@settings(max_examples=200, deadline=None)
@given(orders, st.lists(instants, min_size=2, max_size=4))
def test_a_remembered_view_is_the_view_of_its_instant(order: OrderFacts, asked: list[datetime]) -> None:
    for now in asked:
        account = world().accounts[order.account]
        assert world().erp_order(order.number, now) == ledger.order_view(order, account, now)
        assert world().warehouse_order(order.number, now) == floor.warehouse_view(order, now)


@settings(max_examples=200, deadline=None)
@given(orders, instants)
def test_what_is_packed_is_what_was_picked(order: OrderFacts, now: datetime) -> None:
    view = world().warehouse_order(order.number, now)
    for shipment in view.shipments if view else ():
        if shipment.packed_at is None:
            continue
        packed: Counter[str] = Counter()
        for package in shipment.packages:
            if package.voided_at is None or shipment.voided_at is not None:
                for content in package.contents:
                    packed[content.line_key] += content.quantity  # type: ignore[assignment] # Counter adds any number
        assert packed == {content.line_key: content.quantity for content in shipment.lines}


def test_what_left_the_warehouse_is_what_the_erp_booked() -> None:
    late = START + timedelta(days=365)
    for number, order in world().orders.items():
        warehouse = world().warehouse_order(number, late)
        booked = {shipment.number for shipment in order.shipments if shipment.fulfilled_at}
        left = {shipment.number for shipment in (warehouse.shipments if warehouse else ()) if shipment.confirmed_at}
        assert left <= booked
        assert left == booked or number in world().cases["shipped_pending_carrier"]


# --- money -----------------------------------------------------------------------------------------------------------


def exact(amount: Fraction) -> Decimal:
    """To the cent, half up, by another way than the company's."""
    return Decimal(int((abs(amount) * 1000 + 5) // 10) * (1 if amount >= 0 else -1)) / 100


def test_every_order_adds_up_to_the_cent() -> None:
    for number, order in world().orders.items():
        view = world().erp_order(number, START + timedelta(days=30))
        assert view is not None
        amounts = [exact(Fraction(line.ordered - line.cancelled) * Fraction(line.unit_price)) for line in view.lines]
        assert [line.extended_price for line in view.lines] == amounts
        assert view.subtotal == sum(amounts)
        assert view.discount == exact(Fraction(view.subtotal) * Fraction(order.discount_rate))
        assert view.tax == exact(Fraction(view.subtotal - view.discount) * Fraction(order.tax_rate))
        assert view.total == view.subtotal - view.discount + view.freight + view.tax
        assert view.total == view.total.quantize(Decimal("0.01"), ROUND_HALF_UP)


@settings(max_examples=300, deadline=None)
@given(orders, instants)
def test_at_every_instant_receivables_add_up(order: OrderFacts, now: datetime) -> None:
    applied: Counter[str] = Counter()
    for credit in world().credit_memos_of(order.number, now):
        assert credit.total == credit.subtotal - credit.discount + credit.tax > 0
        assert 0 <= credit.balance <= credit.total
        assert world().credit_memo(credit.number, now) == credit
        for use in credit.applied:
            applied[use.invoice_number] += use.amount  # type: ignore[assignment] # Counter adds any number
    for invoice in world().invoices_of(order.number, now):
        assert invoice.issued_at <= now
        assert invoice.subtotal == sum(line.amount for line in invoice.lines)
        assert all(line.amount == exact(Fraction(line.quantity) * Fraction(line.unit_price)) for line in invoice.lines)
        assert invoice.total == invoice.subtotal - invoice.discount + invoice.freight + invoice.tax
        assert applied[invoice.number] <= invoice.amount_paid <= invoice.total
        assert invoice.balance == invoice.total - invoice.amount_paid
        assert world().invoice(invoice.number, now) == invoice


def test_an_order_shipped_whole_is_billed_what_it_said() -> None:
    compared = 0
    for number, order in world().orders.items():
        view = world().erp_order(number, START + timedelta(days=90))
        assert view is not None
        if view.status == "_fullyBilled" and len(order.invoices) == 1:
            assert order.invoices[0].charge.total == view.total
            compared += 1
    assert compared > 4000


def test_what_an_account_owes_is_what_its_invoices_leave_open() -> None:
    seen: list[Decimal] = [Decimal(0)] * 5
    for number in world().accounts:
        view = world().customer(number, START)
        assert view is not None
        own = [order.number for order in world().orders.values() if order.account == number]
        owed = sum((invoice.balance for order in own for invoice in world().invoices_of(order, START)), Decimal(0))
        owed -= sum(credit.balance for order in own for credit in world().credit_memos_of(order, START))
        assert view.balance == owed == sum(view.aging)
        assert view.overdue == sum(view.aging[1:])
        seen = [total + bucket for total, bucket in zip(seen, view.aging, strict=True)]
    assert all(bucket > 0 for bucket in seen)
    assert world().customer("no such account", START) is None


# --- time ------------------------------------------------------------------------------------------------------------


def test_shipments_go_forward_in_time() -> None:
    for order in world().orders.values():
        for shipment in order.shipments:
            stages = (
                order.submitted_at,
                shipment.planned_at,
                shipment.released_at,
                shipment.picked_at,
                shipment.packed_at,
                shipment.labelled_at,
                shipment.loaded_at,
                shipment.manifested_at,
                shipment.confirmed_at,
                shipment.fulfilled_at,
                shipment.voided_at,
            )
            came = [at for at in stages if at is not None]
            assert came == sorted(came)
            assert order.approved_at is not None
            assert order.approved_at <= shipment.planned_at
            for invoice in order.invoices:
                if invoice.shipment_number == shipment.number:
                    assert shipment.fulfilled_at is not None
                    assert invoice.issued_at > shipment.fulfilled_at


def test_journeys_go_forward_in_time_after_the_label() -> None:
    for order in world().orders.values():
        for shipment, journey in journeys(order):
            times = [scan.at for scan in journey.scans]
            assert times == sorted(times)
            assert all(at.utcoffset() == timedelta(0) for at in times)
            if shipment.confirmed_at and len(times) > 1 and journey.scans[1].kind is not ScanKind.VOIDED:
                assert times[1] > shipment.confirmed_at


def test_before_its_submission_an_order_does_not_exist() -> None:
    for number, order in world().orders.items():
        before = order.submitted_at - timedelta(seconds=1)
        assert world().erp_order(number, before) is None
        assert world().warehouse_order(number, before) is None
        assert not world().invoices_of(number, before)
        assert not world().rmas_of(number, before)
        assert world().erp_order(number, order.submitted_at) is not None


def test_orders_go_on_after_the_start() -> None:
    later = START + timedelta(days=4)
    assert sum(1 for order in world().orders.values() if START < order.submitted_at <= later) == 48
    moved = sum(1 for number in world().orders if world().erp_order(number, START) != world().erp_order(number, later))
    assert moved > 200


def test_the_warehouse_shows_nothing_of_the_future() -> None:
    for number in world().orders:
        for shipment in shipments(number):
            times = [getattr(shipment, field.name) for field in fields(shipment) if field.name.endswith("_at")]
            times += [package.packed_at for package in shipment.packages]
            assert all(at is None or at <= START for at in times)
            labelled = [package for package in shipment.packages if package.tracking_number]
            assert all(package.labelled_at for package in labelled)
            assert shipment.labelled_at or not (labelled or shipment.pro_number)
