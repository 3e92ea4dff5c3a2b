"""Two ERPs are read as one: nobody's order is shown twice, missed, or told by who does not own it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from domain.access import Visibility
from domain.errors import SourceError
from domain.model import CustomerId, Invoice, InvoiceId, Order, OrderId
from domain.ownership import Wave
from domain.queries import Cursor, CustomerQuery, OrderFilter, OrderQuery, RecordQuery
from examples.distributor.clock import START
from examples.distributor.world import World
from tests.contract.erp import good, invoice_rank, order_position, walk
from tests.examples.company import buyers_accounts, world
from tests.sources.coexisting import Part, TwoErps, two_erps

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAMILY = frozenset(map(CustomerId, buyers_accounts()))
RECENT = START - timedelta(days=20)
OWNED = {
    "accounts": [Wave(accounts=FAMILY)],
    "accounts-from-a-date": [Wave(accounts=FAMILY, placed_from=RECENT)],
    "from-a-date": [Wave(placed_from=RECENT)],
    "everything": [Wave()],
    "nothing": [Wave(begins=START + timedelta(days=1))],
    "a-subsidiary": [
        Wave(subsidiaries=frozenset({next(iter(sorted({a.subsidiary for a in world().accounts.values()})))}))
    ],
}
SOME = Visibility(frozenset(sorted(FAMILY)[:3]) | frozenset(map(CustomerId, sorted(world().accounts)[-20:])))
EVERY = Visibility(None)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[TwoErps]:
    """Both hold everything, as after a migration: whatever is shown twice or by the wrong one is seen."""
    async with two_erps(world(), World.build()) as site:
        yield site


@pytest.fixture(params=OWNED)
def erps(site: TwoErps, request: pytest.FixtureRequest) -> TwoErps:
    site.calls()
    return replace(site, waves=OWNED[request.param], now=START)


def _is_the_next_ones(erps: TwoErps, account: str, placed_at: object) -> bool:
    """The rule, told once more, of the waves above."""
    (wave,) = erps.waves
    if wave.begins and wave.begins > erps.now:
        return False
    subsidiary = world().accounts[account].subsidiary
    whose = not (wave.accounts or wave.subsidiaries) or account in wave.accounts or subsidiary in wave.subsidiaries
    return whose and (wave.placed_from is None or placed_at >= wave.placed_from)  # type: ignore[operator]  # aware


def _told_by(erps: TwoErps, order: Order) -> str:
    return "erp_next" if _is_the_next_ones(erps, order.customer_id, order.placed_at.at) else "erp"


@pytest.mark.parametrize(
    ("visible", "ascending"), [(SOME, False), (SOME, True), (EVERY, False)], ids=["some", "some-oldest-first", "every"]
)
async def test_a_list_is_that_of_one_erp_each_order_told_by_its_owner(
    erps: TwoErps, visible: Visibility, ascending: bool
) -> None:
    asked = OrderFilter(placed_after=RECENT - timedelta(days=10))
    query = OrderQuery(visible, asked, limit=100, ascending=ascending, lines=False)
    alone = await walk(erps.present.order_page, query, order_position)
    both = await walk(erps.both().order_page, query, order_position)
    assert [order.id for order in both] == [order.id for order in alone]
    assert len({order.source.system for order in alone}) == 1
    assert [order.source.system for order in both] == [_told_by(erps, order) for order in alone]
    assert await erps.both().order_count(query) == len(alone)


async def test_a_batch_is_one_call_to_each_and_each_order_is_told_by_its_owner(erps: TwoErps) -> None:
    page = await erps.present.order_page(OrderQuery(SOME, limit=60))
    coexistence = erps.both()
    numbers = [order.id for order in page.rows]
    await coexistence.orders(numbers[:1], amounts=True)
    erps.calls()
    found = good(await coexistence.orders([*numbers, OrderId("none")], amounts=True))
    assert list(found) == numbers
    for order in found.values():
        assert order.source.system == _told_by(erps, order)
    assert all(len(calls) <= 1 for calls in erps.calls().values())


async def test_accounts_and_what_they_owe_are_told_by_their_owner(erps: TwoErps) -> None:
    coexistence, numbers = erps.both(), sorted(SOME.accounts or ())
    for found in (good(await coexistence.customers(numbers)), good(await coexistence.receivables(numbers))):
        assert sorted(found) == numbers
        for account, told in found.items():
            assert told.source.system == ("erp_next" if _is_the_next_ones(erps, account, erps.now) else "erp")
    rows = await walk(coexistence.customer_page, CustomerQuery(EVERY, limit=100), lambda row: row.id)
    alone = await walk(erps.present.customer_page, CustomerQuery(EVERY, limit=100), lambda row: row.id)
    assert [row.id for row in rows] == [row.id for row in alone]
    for row in rows:
        assert row.source.system == ("erp_next" if _is_the_next_ones(erps, row.id, erps.now) else "erp")


async def test_hierarchies_are_those_of_one_erp(erps: TwoErps) -> None:
    coexistence, numbers = erps.both(), sorted(FAMILY)
    territories = sorted(world().territories)[:2]
    assert good(await coexistence.children(numbers)) == good(await erps.present.children(numbers))
    assert good(await coexistence.descendants(numbers)) == good(await erps.present.descendants(numbers))
    assert good(await coexistence.accounts_in_territories(territories)) == good(
        await erps.present.accounts_in_territories(territories)
    )


async def test_bills_are_shown_once(erps: TwoErps) -> None:
    coexistence = erps.both()
    query = RecordQuery(SOME, limit=40)
    alone = await walk(erps.present.invoice_page, query, lambda row: Cursor(*invoice_rank(row)))
    both = await walk(coexistence.invoice_page, query, lambda row: Cursor(*invoice_rank(row)))
    assert [row.id for row in both] == [row.id for row in alone]
    for row in both:
        assert row.source.system == ("erp_next" if _is_the_next_ones(erps, row.customer_id, erps.now) else "erp")
    orders = [number for row in alone[:50] for number in row.order_ids]
    by_order, by_one = (
        good(await coexistence.invoices_by_order(orders)),
        good(await erps.present.invoices_by_order(orders)),
    )
    assert {key: sorted(row.id for row in rows) for key, rows in by_order.items()} == {
        key: sorted(row.id for row in rows) for key, rows in by_one.items()
    }
    numbers = [row.id for row in alone[:20]]
    assert list(good(await coexistence.invoices([*numbers, InvoiceId("none")]))) == numbers


async def test_open_cursors_live_through_the_cut_over_and_the_rollback(site: TwoErps) -> None:
    cut_over = START + timedelta(minutes=1)
    erps = replace(site, waves=[Wave(begins=cut_over)], now=START)
    coexistence = erps.both()
    asked = OrderQuery(SOME, OrderFilter(placed_after=RECENT - timedelta(days=60)), limit=7, lines=False)
    alone = await walk(erps.present.order_page, asked, order_position)
    seen: list[Order] = []
    query, more = asked, True
    while more:
        page = await coexistence.order_page(query)
        seen += page.rows
        query, more = replace(query, after=order_position(page.rows[-1])), page.more
        third = len(alone) // 3
        erps.now = cut_over if third <= len(seen) < 2 * third else START
    assert [order.id for order in seen] == [order.id for order in alone]
    assert {order.source.system for order in seen} == {"erp", "erp_next"}


async def test_an_erp_that_is_down_takes_only_its_own_part_with_it(site: TwoErps) -> None:
    erps = replace(site, waves=[Wave(accounts=FAMILY)], now=START)
    coexistence = erps.both()
    moved = Visibility(FAMILY)
    stayed = Visibility(frozenset(map(CustomerId, world().accounts)) - FAMILY)
    numbers = {
        visible: [order.id for order in (await erps.present.order_page(OrderQuery(visible, limit=10))).rows]
        for visible in (moved, stayed)
    }
    page = await erps.present.invoice_page(RecordQuery(stayed, limit=10))
    billed = [number for bill in page.rows for number in bill.order_ids]
    async with site.broken("erp_next"):
        assert len((await coexistence.order_page(OrderQuery(stayed, limit=10))).rows) == 10
        with pytest.raises(SourceError) as failure:
            await coexistence.order_page(OrderQuery(moved, limit=10))
        assert failure.value.source == "erp_next"
        found = await coexistence.orders([*numbers[moved], *numbers[stayed]], amounts=False)
        assert all(isinstance(found[number], Order) for number in numbers[stayed])
        errors = [found[number] for number in numbers[moved]]
        assert {error.source for error in errors if isinstance(error, SourceError)} == {"erp_next"}
        assert not any(isinstance(error, Order) for error in errors)
        missing = await coexistence.orders([OrderId("none")], amounts=False)
        assert isinstance(missing[OrderId("none")], SourceError), "who is down might have it"
        accounts = await coexistence.customers(sorted(FAMILY)[:2] + sorted(stayed.accounts or ())[:2])
        assert [isinstance(account, SourceError) for account in accounts.values()].count(True) == 2
        bills = await coexistence.invoices_by_order(billed)
        assert all(isinstance(bills[number], tuple) for number in billed)
    async with site.broken("erp"):
        assert len((await coexistence.order_page(OrderQuery(moved, limit=10))).rows) == 10


async def test_an_order_that_began_in_one_erp_is_billed_in_the_other() -> None:
    """The present ERP has the order and its first bills; the next one, in which the account bills now, the others."""
    billed = next(order for order in world().orders.values() if len(order.invoices) > 1 and order.account in FAMILY)
    first, *others = billed.invoices
    present = Part(
        lambda order: order.number == billed.number,
        lambda order: replace(order, invoices=(first,)),
    )
    following = Part(lambda order: order.number == billed.number, lambda order: replace(order, invoices=tuple(others)))
    async with two_erps(present, following) as erps:
        erps.waves = [Wave(accounts=frozenset({CustomerId(billed.account)}), placed_from=START)]
        number = OrderId(billed.number)
        order = good(await erps.both().orders([number], amounts=True))[number]
        assert order.source.system == "erp"
        bills = good(await erps.both().invoices_by_order([number]))[number]
        assert {bill.id for bill in bills if isinstance(bill, Invoice)} >= {bill.number for bill in billed.invoices}
        assert {bill.source.system for bill in bills} == {"erp", "erp_next"}
