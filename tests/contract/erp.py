"""What every adapter of ``ErpSource`` must do; an adapter's own test inherits ``ErpContract`` and brings its site."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal, Protocol, TypeVar

import pytest

from domain.access import Visibility
from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from domain.model import Customer, CustomerId, Invoice, InvoiceId, Lifecycle, Order, OrderId, Receivables
from domain.queries import Cursor, CustomerQuery, OrderFilter, OrderQuery, Page, RecordQuery
from domain.values import Provenance
from sources.ports import Batch, ErpSource

K = TypeVar("K", bound=str)

ABSENT = "no such number & <none> \"at\" 'all' %00 \\ ]]> ${x}"
UNSAYABLE = ("\x00", "0010042\x00", "\ud800", "\x0b", "\ufffe", "")
"""Keys that no system's records can have, some of which its wire format cannot even carry."""

Trouble = Literal["error", "locked", "malformed", "odd"]
"""One record's: refused; refused for the moment; not what the contract says; or with a status nobody knows."""


@dataclass(frozen=True, slots=True)
class Books:
    """What the site's own books say, read apart from the adapter, with ``source`` as ``SOURCE``.

    ``customers`` and ``receivables``: all it has. ``family``: a company's accounts, of at least three levels, some of
    which have bought. ``orders``: all of the family's and some of others'. ``invoices``: all of ``orders``.
    """

    orders: Mapping[OrderId, Order]
    customers: Mapping[CustomerId, Customer]
    receivables: Mapping[CustomerId, Receivables]
    invoices: Mapping[InvoiceId, Invoice]
    family: frozenset[CustomerId]


SOURCE = Provenance("the books", datetime(2000, 1, 1, tzinfo=UTC))


class Site(Protocol):
    """An ERP to test against, reached over a real socket."""

    books: Books
    source: ErpSource
    trusted_wrongly: ErpSource
    """The same, with credentials the system does not know."""

    async def calls(self) -> int:
        """How many calls the system has had."""
        ...

    def faults(self, **faults: object) -> AbstractAsyncContextManager[None]:
        """Misbehaves as the simulators' ``PUT /__faults`` says, until left."""
        ...

    def trouble(self, number: str, kind: Trouble) -> AbstractAsyncContextManager[None]:
        """One record is in trouble, until left."""
        ...

    def full(self) -> AbstractAsyncContextManager[None]:
        """The system turns everybody away because too many ask at once, until left."""
        ...


def stated(value: Any) -> Any:
    """What was read, as of the books; its own source must be fresh and name the system."""
    assert not value.source.stale
    assert value.source.system
    assert value.source.as_of.tzinfo is not None
    return replace(value, source=SOURCE)


def unpriced(order: Order) -> Order:
    lines = tuple(replace(line, unit_price=None, extended_price=None) for line in order.lines)
    return replace(order, totals=None, lines=lines)


def good(batch: Batch[Any, Any]) -> dict[Any, Any]:
    """The values of an answer, none of which may be an error."""
    for key, value in batch.items():
        assert not isinstance(value, SourceError), (key, value.detail)
    return dict(batch)


def rank(order: Order) -> tuple[datetime, str]:
    return order.placed_at.at, order.id


def invoice_rank(invoice: Invoice) -> tuple[datetime, str]:
    return datetime.combine(invoice.date, time(), UTC), invoice.id


def some_at_once(keys: Sequence[K]) -> Iterator[Sequence[K]]:
    """All of ``keys``, no more at a time than a deadline allows."""
    return (keys[start : start + 200] for start in range(0, len(keys), 200))


async def walk(read: Callable[[Any], Awaitable[Page[Any]]], query: Any, position: Callable[[Any], Any]) -> list[Any]:
    """Every row of every page."""
    rows: list[Any] = []
    while True:
        page = await read(query)
        assert len(page.rows) <= query.limit
        rows += page.rows
        if not page.more:
            return rows
        assert page.rows
        query = replace(query, after=position(page.rows[-1]))


def order_position(order: Order) -> Cursor:
    return Cursor(*rank(order))


def holds(given: OrderFilter, order: Order) -> bool:
    """The filter's meaning, told once more."""
    conditions = (
        not given.lifecycles or order.lifecycle in given.lifecycles,
        given.placed_after is None or order.placed_at.at >= given.placed_after,
        given.placed_before is None or order.placed_at.at < given.placed_before,
        not given.customer_ids or order.customer_id in given.customer_ids,
        not given.ship_to_ids or order.ship_to_id in given.ship_to_ids,
        given.sku is None or any(line.sku == given.sku for line in order.lines),
        given.po_number is None or order.po_number == given.po_number,
    )
    return all(conditions)


def children_of(books: Books, parent: CustomerId) -> set[CustomerId]:
    return {customer.id for customer in books.customers.values() if customer.parent_id == parent}


def below(books: Books, ancestor: CustomerId) -> set[CustomerId]:
    children = children_of(books, ancestor)
    return children.union(*(below(books, child) for child in children))


def family_orders(site: Site) -> list[Order]:
    """Newest first."""
    orders = (order for order in site.books.orders.values() if order.customer_id in site.books.family)
    return sorted(orders, key=rank, reverse=True)


def a_small_account(site: Site) -> CustomerId:
    """One that has ordered, and not often."""
    counts = Counter(order.customer_id for order in family_orders(site))
    return min(counts, key=lambda account: (counts[account] < 3, counts[account]))


def filters(site: Site) -> Mapping[str, OrderFilter]:
    orders = family_orders(site)
    some = orders[len(orders) // 2]
    return {
        "nothing": OrderFilter(),
        "one lifecycle": OrderFilter(lifecycles=frozenset({Lifecycle.CANCELLED})),
        "two lifecycles": OrderFilter(lifecycles=frozenset({Lifecycle.RECEIVED, Lifecycle.CLOSED})),
        "known or not": OrderFilter(lifecycles=frozenset({Lifecycle.UNKNOWN, Lifecycle.CANCELLED})),
        "any lifecycle": OrderFilter(lifecycles=frozenset(Lifecycle)),
        "from a time, inclusive": OrderFilter(placed_after=some.placed_at.at),
        "to a time, exclusive": OrderFilter(placed_before=some.placed_at.at),
        "between": OrderFilter(
            placed_after=some.placed_at.at - timedelta(days=60),
            placed_before=some.placed_at.at + timedelta(microseconds=1),
        ),
        "an account": OrderFilter(customer_ids=frozenset({some.customer_id})),
        "a ship-to": OrderFilter(ship_to_ids=frozenset({some.ship_to_id or ""})),
        "an item": OrderFilter(sku=some.lines[0].sku),
        "a PO number": OrderFilter(po_number=next(order.po_number for order in orders if order.po_number)),
        "all at once": OrderFilter(
            lifecycles=frozenset({some.lifecycle}),
            placed_after=some.placed_at.at,
            placed_before=some.placed_at.at + timedelta(days=1),
            customer_ids=frozenset({some.customer_id}),
            ship_to_ids=frozenset({some.ship_to_id or ""}),
            sku=some.lines[0].sku,
        ),
        "somebody else's account": OrderFilter(customer_ids=frozenset({CustomerId(ABSENT)})),
        "text of no meaning": OrderFilter(sku=ABSENT),
        "text nothing can hold": OrderFilter(po_number="\x00"),
    }


FILTERS = (
    "nothing",
    "one lifecycle",
    "two lifecycles",
    "known or not",
    "any lifecycle",
    "from a time, inclusive",
    "to a time, exclusive",
    "between",
    "an account",
    "a ship-to",
    "an item",
    "a PO number",
    "all at once",
    "somebody else's account",
    "text of no meaning",
    "text nothing can hold",
)


class ErpContract:
    """Inherit, and give a ``site`` fixture."""

    # -- orders ------------------------------------------------------------------------------------------------------

    async def test_every_order_arrives_as_it_is(self, site: Site) -> None:
        before = datetime.now(UTC)
        for asked in some_at_once(list(site.books.orders)):
            found = good(await site.source.orders(asked, amounts=True))
            assert {id_: stated(order) for id_, order in found.items()} == {
                id_: site.books.orders[id_] for id_ in asked
            }
            assert all(order.source.as_of >= before for order in found.values())

    async def test_amounts_come_only_when_asked_for(self, site: Site) -> None:
        asked = list(site.books.orders)[-100:]
        found = good(await site.source.orders(asked, amounts=False))
        assert {id_: stated(order) for id_, order in found.items()} == {
            id_: unpriced(site.books.orders[id_]) for id_ in asked
        }

    async def test_lines_come_only_when_asked_for(self, site: Site) -> None:
        asked = list(site.books.orders)[-100:]
        found = good(await site.source.orders(asked, amounts=True, lines=False))
        assert {id_: stated(order) for id_, order in found.items()} == {
            id_: replace(site.books.orders[id_], lines=()) for id_ in asked
        }
        query = OrderQuery(Visibility(site.books.family), limit=20, amounts=True, lines=False)
        page = await site.source.order_page(query)
        assert [stated(row) for row in page.rows] == [replace(order, lines=()) for order in family_orders(site)[:20]]

    async def test_orders_by_every_po_number(self, site: Site) -> None:
        numbers: dict[str, set[OrderId]] = {}
        for order in site.books.orders.values():
            if order.po_number is not None:
                numbers.setdefault(order.po_number, set()).add(order.id)
        for asked in some_at_once([*numbers, ABSENT]):
            found = good(await site.source.orders_by_po(asked))
            assert set(found) == numbers.keys() & asked
            for po_number, orders in found.items():
                assert len(orders) == len(set(orders))
                assert set(orders) & site.books.orders.keys() == numbers[po_number]

    @pytest.mark.parametrize("ascending", [False, True])
    @pytest.mark.parametrize("limit", [1, 60])
    async def test_order_pages_are_complete_and_in_order(self, site: Site, limit: int, ascending: bool) -> None:
        some = site.books.family if limit > 1 else frozenset({a_small_account(site)})
        query = OrderQuery(Visibility(some), limit=limit, ascending=ascending)
        rows = await walk(site.source.order_page, query, order_position)
        expected = sorted((o for o in family_orders(site) if o.customer_id in some), key=rank, reverse=not ascending)
        assert [row.id for row in rows] == [order.id for order in expected]

    @pytest.mark.parametrize("name", FILTERS)
    async def test_order_pages_meet_every_condition(self, site: Site, name: str) -> None:
        given = filters(site)[name]
        query = OrderQuery(Visibility(site.books.family), given, limit=100)
        rows = await walk(site.source.order_page, query, order_position)
        expected = [order for order in family_orders(site) if holds(given, order)]
        assert [stated(row) for row in rows] == [unpriced(order) for order in expected]
        assert await site.source.order_count(replace(query, limit=1)) == len(expected)

    async def test_the_filters_are_all_tried(self, site: Site) -> None:
        given = filters(site)
        assert tuple(given) == FILTERS
        empty = {name for name, one in given.items() if not any(holds(one, order) for order in family_orders(site))}
        assert empty == {"somebody else's account", "text of no meaning", "text nothing can hold"}

    async def test_order_pages_tell_amounts_when_asked(self, site: Site) -> None:
        query = OrderQuery(Visibility(site.books.family), limit=20, amounts=True)
        page = await site.source.order_page(query)
        assert [stated(row) for row in page.rows] == family_orders(site)[:20]

    async def test_order_pages_keep_to_the_ship_tos(self, site: Site) -> None:
        ship_to = next(order.ship_to_id for order in family_orders(site) if order.ship_to_id)
        bound = Visibility(site.books.family, frozenset({ship_to}))
        query = OrderQuery(bound, limit=50)
        rows = await walk(site.source.order_page, query, order_position)
        expected = [o.id for o in family_orders(site) if bound.sees_at(o.customer_id, o.ship_to_id)]
        assert [row.id for row in rows] == expected
        assert await site.source.order_count(query) == len(expected)
        wider = replace(query, filter=OrderFilter(ship_to_ids=frozenset({"no such place"})))
        assert await walk(site.source.order_page, wider, order_position) == []

    async def test_a_position_need_not_exist(self, site: Site) -> None:
        orders = family_orders(site)
        at = orders[3].placed_at.at + timedelta(microseconds=1)
        query = OrderQuery(Visibility(site.books.family), after=Cursor(at, ABSENT), limit=5)
        page = await site.source.order_page(query)
        assert [row.id for row in page.rows] == [order.id for order in orders[3:8]]

    # -- accounts ----------------------------------------------------------------------------------------------------

    async def test_every_account_arrives_as_it_is(self, site: Site) -> None:
        found = good(await site.source.customers(list(site.books.customers)))
        assert {id_: stated(customer) for id_, customer in found.items()} == site.books.customers
        owed = good(await site.source.receivables(list(site.books.customers)))
        assert {id_: stated(one) for id_, one in owed.items()} == site.books.receivables

    async def test_the_hierarchy(self, site: Site) -> None:
        asked = [*site.books.customers, CustomerId(ABSENT)]
        found = good(await site.source.children(asked))
        assert {id_: set(children) for id_, children in found.items()} == {
            id_: children_of(site.books, id_) for id_ in asked
        }
        descendants = good(await site.source.descendants(asked))
        assert descendants == {id_: below(site.books, id_) for id_ in asked}
        top = max(descendants, key=lambda id_: len(descendants[id_]))
        assert len(descendants[top]) > len(found[top]) > 0

    async def test_territories(self, site: Site) -> None:
        territories = {customer.territory for customer in site.books.customers.values() if customer.territory}
        found = good(await site.source.accounts_in_territories([*territories, ABSENT]))
        assert found == {
            territory: {customer.id for customer in site.books.customers.values() if customer.territory == territory}
            for territory in (*territories, ABSENT)
        }

    async def test_subsidiaries(self, site: Site) -> None:
        subsidiaries = {customer.subsidiary for customer in site.books.customers.values() if customer.subsidiary}
        found = good(await site.source.accounts_in_subsidiaries([*subsidiaries, ABSENT]))
        assert found == {
            subsidiary: {one.id for one in site.books.customers.values() if one.subsidiary == subsidiary}
            for subsidiary in (*subsidiaries, ABSENT)
        }

    @pytest.mark.parametrize("limit", [1, 3, 100])
    async def test_account_pages_are_complete_and_in_order(self, site: Site, limit: int) -> None:
        query = CustomerQuery(Visibility(site.books.family), limit=limit)
        rows = await walk(site.source.customer_page, query, lambda customer: customer.id)
        assert [stated(row) for row in rows] == [site.books.customers[id_] for id_ in sorted(site.books.family)]

    async def test_accounts_are_found_by_any_part_of_their_name(self, site: Site) -> None:
        for id_ in site.books.family:
            for fragment in (site.books.customers[id_].name, site.books.customers[id_].name[2:9].upper()):
                query = CustomerQuery(Visibility(site.books.family), name=fragment, limit=100)
                found = {row.id for row in (await site.source.customer_page(query)).rows}
                assert found == {
                    one for one in site.books.family if fragment.casefold() in site.books.customers[one].name.casefold()
                }
        nobody = CustomerQuery(Visibility(site.books.family), name=ABSENT)
        assert list((await site.source.customer_page(nobody)).rows) == []

    # -- receivables documents ---------------------------------------------------------------------------------------

    async def test_every_invoice_and_credit_memo_arrives_as_it_is(self, site: Site) -> None:
        assert len({invoice.type for invoice in site.books.invoices.values()}) == 2
        for asked in some_at_once(list(site.books.invoices)):
            found = good(await site.source.invoices([*asked, InvoiceId(ABSENT)]))
            assert {id_: stated(invoice) for id_, invoice in found.items()} == {
                id_: site.books.invoices[id_] for id_ in asked
            }

    async def test_invoices_of_orders(self, site: Site) -> None:
        asked = [*(order.id for order in family_orders(site)[:150]), OrderId(ABSENT)]
        found = good(await site.source.invoices_by_order(asked))
        assert list(found) == asked
        for id_, invoices in found.items():
            expected = [invoice for invoice in site.books.invoices.values() if id_ in invoice.order_ids]
            assert sorted(map(stated, invoices), key=invoice_rank) == sorted(expected, key=invoice_rank)
        assert {len(invoices) for invoices in found.values()} >= {0, 1, 2}

    @pytest.mark.parametrize("limit", [2, 100])
    async def test_invoice_pages_are_complete_and_in_order(self, site: Site, limit: int) -> None:
        mine = [each for each in site.books.invoices.values() if each.customer_id in site.books.family]
        if limit == 2:
            mine = [each for each in mine if each.customer_id == mine[-1].customer_id]
        accounts = frozenset(each.customer_id for each in mine)
        query = RecordQuery(Visibility(site.books.family), customer_ids=accounts, limit=limit)
        rows = await walk(site.source.invoice_page, query, lambda row: Cursor(*invoice_rank(row)))
        assert [stated(row) for row in rows] == sorted(mine, key=invoice_rank, reverse=True)

    async def test_invoice_pages_meet_every_condition(self, site: Site) -> None:
        mine = [each for each in site.books.invoices.values() if each.customer_id in site.books.family]
        some = mine[len(mine) // 2]
        bound = Visibility(site.books.family, frozenset({some.ship_to_id or ""}))
        rows = await walk(
            site.source.invoice_page, RecordQuery(bound, limit=100), lambda row: Cursor(*invoice_rank(row))
        )
        assert {row.id for row in rows} == {e.id for e in mine if bound.sees_at(e.customer_id, e.ship_to_id)}
        of_order = RecordQuery(Visibility(None), order_ids=frozenset(some.order_ids), limit=100)
        found = {row.id for row in (await site.source.invoice_page(of_order)).rows}
        assert found == {e.id for e in site.books.invoices.values() if set(e.order_ids) & set(some.order_ids)}
        nobody = replace(of_order, customer_ids=frozenset({CustomerId(ABSENT)}))
        assert list((await site.source.invoice_page(nobody)).rows) == []

    # -- any read ----------------------------------------------------------------------------------------------------

    async def test_fifty_keys_cost_as_many_calls_as_one(self, site: Site) -> None:
        for name, (read, keys) in reads(site).items():
            assert len(keys) >= 50, name
            spent = []
            for asked in (keys[:1], keys[:50]):
                before = await site.calls()
                good(await read(asked))
                spent.append(await site.calls() - before)
            assert spent == [1, 1], name

    async def test_no_key_costs_no_call_and_each_is_asked_once(self, site: Site) -> None:
        for name, (read, keys) in reads(site).items():
            before = await site.calls()
            assert await read([]) == {}, name
            assert await site.calls() == before, name
            assert list(await read([*keys[:3], *keys[:3]])) == list(dict.fromkeys(keys[:3])), name

    async def test_what_nobody_knows_is_absent(self, site: Site) -> None:
        for key in (ABSENT, *UNSAYABLE):
            assert await site.source.orders([OrderId(key)], amounts=True) == {}
            assert await site.source.orders_by_po([key]) == {}
            assert await site.source.customers([CustomerId(key)]) == {}
            assert await site.source.receivables([CustomerId(key)]) == {}
            assert await site.source.invoices([InvoiceId(key)]) == {}
            assert await site.source.invoices_by_order([OrderId(key)]) == {key: ()}
            assert await site.source.children([CustomerId(key)]) == {key: ()}
            assert await site.source.descendants([CustomerId(key)]) == {key: frozenset()}
            assert await site.source.accounts_in_territories([key]) == {key: frozenset()}
            assert await site.source.accounts_in_subsidiaries([key]) == {key: frozenset()}

    async def test_unknown_keys_do_not_disturb_known_ones(self, site: Site) -> None:
        known = list(site.books.orders)[:3]
        asked = [OrderId(ABSENT), known[0], OrderId("\x00"), known[1], OrderId(""), known[2]]
        assert list(good(await site.source.orders(asked, amounts=False))) == known

    async def test_who_sees_nothing_costs_nothing(self, site: Site) -> None:
        before = await site.calls()
        for nothing in (Visibility(frozenset()), Visibility(None, frozenset())):
            assert list((await site.source.order_page(OrderQuery(nothing))).rows) == []
            assert await site.source.order_count(OrderQuery(nothing)) == 0
            assert list((await site.source.invoice_page(RecordQuery(nothing))).rows) == []
        assert list((await site.source.customer_page(CustomerQuery(Visibility(frozenset())))).rows) == []
        assert await site.calls() == before

    @pytest.mark.parametrize("kind", ["error", "locked", "malformed"])
    async def test_one_record_in_trouble_spoils_no_other(self, site: Site, kind: Trouble) -> None:
        orders, accounts = list(site.books.orders)[:10], list(site.books.customers)[:10]
        async with site.trouble(orders[4], kind):
            spoilt(await site.source.orders(orders, amounts=True), orders, orders[4], kind)
        async with site.trouble(accounts[4], kind):
            spoilt(await site.source.customers(accounts), accounts, accounts[4], kind)
            spoilt(await site.source.receivables(accounts), accounts, accounts[4], kind)

    async def test_one_malformed_document_spoils_its_own_order(self, site: Site) -> None:
        invoice = list(site.books.invoices.values())[7]
        numbers = list(site.books.invoices)[:20]
        orders = list(dict.fromkeys(site.books.invoices[number].order_ids[0] for number in numbers))
        async with site.trouble(invoice.id, "malformed"):
            spoilt(await site.source.invoices(numbers), numbers, invoice.id, "malformed")
            found = await site.source.invoices_by_order(orders)
            spoilt(found, orders, invoice.order_ids[0], "malformed")
            with pytest.raises(SourceFault):
                await site.source.invoice_page(RecordQuery(Visibility(None), order_ids=frozenset(invoice.order_ids)))

    async def test_a_page_leaves_no_row_out(self, site: Site) -> None:
        orders = family_orders(site)
        async with site.trouble(orders[2].id, "malformed"):
            with pytest.raises(SourceFault):
                await site.source.order_page(OrderQuery(Visibility(site.books.family), limit=5))

    async def test_a_status_nobody_knows_is_kept_and_means_nothing(self, site: Site) -> None:
        order, invoice = list(site.books.orders.values())[-1], list(site.books.invoices.values())[-1]
        async with site.trouble(order.id, "odd"):
            found = good(await site.source.orders([order.id], amounts=True))[order.id]
        assert found.lifecycle is Lifecycle.UNKNOWN
        assert (found.status_code.known, found.status_code.raw) != (True, order.status_code.raw)
        assert stated(replace(found, lifecycle=order.lifecycle, status_code=order.status_code)) == order
        async with site.trouble(invoice.id, "odd"):
            billed = good(await site.source.invoices([invoice.id]))[invoice.id]
        assert not billed.status_code.known
        assert not billed.voided
        assert billed.balance == invoice.balance

    # -- a system that fails -----------------------------------------------------------------------------------------

    async def test_a_hanging_system_times_out(self, site: Site) -> None:
        async with site.faults(hang=True):
            with pytest.raises(SourceTimeout):
                await site.source.orders(list(site.books.orders)[:1], amounts=True)

    async def test_a_dripping_system_times_out(self, site: Site) -> None:
        async with site.faults(drip=True):
            with pytest.raises(SourceTimeout):
                await site.source.customers(list(site.books.customers)[:1])

    async def test_a_refusing_system_is_unavailable(self, site: Site) -> None:
        async with site.faults(error_rate=1, status=503, retry_after=30):
            with pytest.raises(SourceUnavailable) as caught:
                await site.source.orders(list(site.books.orders)[:1], amounts=True)
        assert caught.value.retry_after == 30

    async def test_a_full_system_is_unavailable(self, site: Site) -> None:
        async with site.full():
            with pytest.raises(SourceUnavailable):
                await site.source.orders(list(site.books.orders)[:1], amounts=True)

    @pytest.mark.parametrize(
        "faults",
        [
            {"malformed": True},
            {"malformed": "garble"},
            {"gzip_bomb": True},
            {"status": 500},
            {"status": 403},
            {"fault_with_200": True},
        ],
        ids=str,
    )
    async def test_an_unreadable_answer_or_a_fault(self, site: Site, faults: Mapping[str, object]) -> None:
        async with site.faults(**faults):
            for read, keys in (reads(site)["orders"], reads(site)["invoices_by_order"], reads(site)["receivables"]):
                with pytest.raises(SourceFault):
                    await read(keys[:2])
            with pytest.raises(SourceFault):
                await site.source.order_page(OrderQuery(Visibility(None)))

    async def test_a_stranger_is_a_fault(self, site: Site) -> None:
        with pytest.raises(SourceFault):
            await site.trusted_wrongly.orders(list(site.books.orders)[:1], amounts=True)


Read = Callable[[Sequence[Any]], Awaitable[Batch[Any, Any]]]


def reads(site: Site) -> Mapping[str, tuple[Read, Sequence[Any]]]:
    """Each batch read, with keys it knows."""
    source, books = site.source, site.books
    orders, accounts = list(books.orders), list(books.customers)
    po_numbers = list({order.po_number for order in books.orders.values() if order.po_number})[:50]
    territories = [customer.territory or "" for customer in books.customers.values()]
    subsidiaries = [customer.subsidiary or "" for customer in books.customers.values()]
    return {
        "orders": (lambda keys: source.orders(keys, amounts=True), orders),
        "orders_by_po": (source.orders_by_po, po_numbers),
        "customers": (source.customers, accounts),
        "children": (source.children, accounts),
        "descendants": (source.descendants, accounts),
        "accounts_in_territories": (source.accounts_in_territories, territories),
        "accounts_in_subsidiaries": (source.accounts_in_subsidiaries, subsidiaries),
        "receivables": (source.receivables, accounts),
        "invoices": (source.invoices, list(books.invoices)),
        "invoices_by_order": (source.invoices_by_order, orders),
    }


def spoilt(found: Batch[Any, Any], asked: Collection[str], bad: str, kind: Trouble) -> None:
    """Everything asked for came, and the one bad record is an error."""
    assert list(found) == list(asked)
    error = SourceUnavailable if kind == "locked" else SourceFault
    assert {key: type(value) for key, value in found.items() if isinstance(value, SourceError)} == {bad: error}
