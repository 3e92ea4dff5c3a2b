"""What memory answers is what a list of everything, filtered by hand, would: for every caller, page and filter."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from uuid import uuid4

import pytest
from sqlalchemy import text, update

from domain.access import Visibility
from domain.dossier import Dossier
from domain.events import Subject, Withdrawn
from domain.model import (
    Customer,
    CustomerId,
    InvoiceId,
    Lifecycle,
    Order,
    OrderId,
    ProofOfDelivery,
    ReturnId,
    ShipmentId,
    ShipTo,
)
from domain.model import ShipmentStatus as S
from domain.order_exceptions import ExceptionKind
from domain.order_status import OrderStatus
from domain.projection import Projection, project
from domain.queries import Cursor, CustomerQuery, OrderFilter, OrderQuery, RecordQuery
from domain.values import Address
from store import pages, tables
from store.database import Database
from store.memory import Hit, Memory
from store.runs import BACKFILL, REBUILD, Runs
from tests.domain.samples import (
    GRACE,
    NOW,
    code,
    event,
    invoice,
    line,
    moment,
    order,
    package,
    provenance,
    return_,
    shipment,
    tracking,
)
from tests.store.telling import tell

ALL = Visibility(None)
ACCOUNTS = [CustomerId(f"C{nth}") for nth in range(6)]
SKUS = ["BOLT-M8", "NUT-M8", "WASHER"]


def account(id_: str, name: str, **given: object) -> Customer:
    values: dict[str, object] = {
        "id": CustomerId(id_),
        "name": name,
        "parent_id": None,
        "ship_tos": (),
        "terms": None,
        "territory": None,
        "subsidiary": None,
        "currency": "USD",
        "notice": None,
        "credit_hold": None,
        "source": provenance("erp"),
    }
    return Customer(**{**values, **given})  # type: ignore[arg-type]


def many(count: int, seed: int = 1) -> Sequence[Order]:
    """Orders of a few accounts, placed at times that repeat, in every state a filter asks for."""
    chance = random.Random(seed)
    return [
        order(
            line("1", 10, sku=chance.choice(SKUS), shipped=chance.choice([0, 0, 12])),
            id=OrderId(f"SO{nth:03}"),
            po_number=f"PO-{chance.randrange(count // 2)}",
            customer_id=chance.choice(ACCOUNTS),
            ship_to_id=chance.choice([None, "A", "B"]),
            lifecycle=chance.choice([Lifecycle.RECEIVED, Lifecycle.CONFIRMED, Lifecycle.CANCELLED]),
            status_code=code("_pendingFulfillment"),
            placed_at=moment(-chance.randrange(20)),
        )
        for nth in range(count)
    ]


def standing(one: Order) -> Projection:
    found = project(Dossier(one.id).absorb(one), now=NOW, carrier_grace=GRACE)
    assert found is not None
    return found


def satisfies(one: Order, query: OrderQuery) -> bool:
    within, found = query.filter, standing(one)
    kinds = {each.kind for each in found.exceptions}
    return (
        query.visibility.sees_at(one.customer_id, one.ship_to_id)
        and (not within.lifecycles or one.lifecycle in within.lifecycles)
        and (within.placed_after is None or one.placed_at.at >= within.placed_after)
        and (within.placed_before is None or one.placed_at.at < within.placed_before)
        and (not within.customer_ids or one.customer_id in within.customer_ids)
        and (not within.ship_to_ids or one.ship_to_id in within.ship_to_ids)
        and (within.sku is None or any(each.sku.casefold() == within.sku.casefold() for each in one.lines))
        and (within.po_number is None or one.po_number == within.po_number)
        and (not within.statuses or found.state.status in within.statuses)
        and (not within.exceptions or bool(kinds & within.exceptions))
        and (within.has_exception is None or within.has_exception is bool(kinds))
    )


SCOPES = [
    ALL,
    Visibility(frozenset()),
    Visibility(frozenset({ACCOUNTS[0]})),
    Visibility(frozenset(ACCOUNTS[:3])),
    Visibility(frozenset(ACCOUNTS)),
    Visibility(frozenset(ACCOUNTS[:3]), frozenset({"A"})),
    Visibility(None, frozenset({"B"})),
]
FILTERS = [
    OrderFilter(),
    OrderFilter(lifecycles=frozenset({Lifecycle.CONFIRMED})),
    OrderFilter(placed_after=NOW - timedelta(days=12), placed_before=NOW - timedelta(days=3)),
    OrderFilter(customer_ids=frozenset(ACCOUNTS[1:4])),
    OrderFilter(ship_to_ids=frozenset({"A"})),
    OrderFilter(sku="nut-m8"),
    OrderFilter(po_number="PO-3"),
    OrderFilter(statuses=frozenset({OrderStatus.RECEIVED})),
    OrderFilter(statuses=frozenset({OrderStatus.RECEIVED, OrderStatus.CANCELLED})),
    OrderFilter(exceptions=frozenset({ExceptionKind.QUANTITY_MISMATCH})),
    OrderFilter(has_exception=True),
    OrderFilter(has_exception=False),
    OrderFilter(has_exception=True, sku="WASHER", statuses=frozenset({OrderStatus.CANCELLED})),
    OrderFilter(customer_ids=frozenset({ACCOUNTS[1]}), statuses=frozenset({OrderStatus.RECEIVED}), sku="BOLT-M8"),
]


@pytest.mark.parametrize("partitions", [400, 2], ids=["account by account", "through all"])
async def test_every_page_is_what_a_filter_by_hand_gives(
    database: Database, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PARTITIONS", partitions)
    orders = many(90)
    await tell(database, *orders)
    memory = Memory(database)
    for scope in SCOPES:
        for within in FILTERS:
            for ascending in (False, True):
                query = OrderQuery(scope, within, limit=4, ascending=ascending)
                expected = sorted(
                    (one for one in orders if satisfies(one, query)),
                    key=lambda one: (one.placed_at.at, one.id),
                    reverse=not ascending,
                )
                walked: list[str] = []
                while True:
                    page = await memory.order_page(query)
                    walked += [dossier.order_id for dossier in page.rows]
                    if not page.more:
                        break
                    last = page.rows[-1].current
                    assert last is not None
                    query = replace(query, after=Cursor(last.placed_at.at, last.id))
                assert walked == [one.id for one in expected], (scope, within, ascending)
                assert await memory.order_count(replace(query, after=None)) == len(expected)


async def test_records_are_paged_and_found_by_order_within_what_is_visible(database: Database) -> None:
    chance = random.Random(2)
    bills = [
        invoice(
            id=InvoiceId(f"INV{nth:02}"),
            customer_id=chance.choice(ACCOUNTS),
            ship_to_id=chance.choice([None, "A"]),
            order_ids=(OrderId(f"SO{nth % 5}"), OrderId("SO9")),
            date=(NOW - timedelta(days=chance.randrange(5))).date(),
        )
        for nth in range(30)
    ]
    rmas = [
        return_(id=ReturnId(f"RMA{nth}"), order_id=OrderId("SO1"), customer_id=ACCOUNTS[nth % 2]) for nth in range(4)
    ]
    await tell(database, *bills, *rmas, Withdrawn(Subject.INVOICE, "INV00", "erp", NOW))
    memory, left = Memory(database), bills[1:]
    for scope in SCOPES:
        expected = [
            one.id
            for one in sorted(left, key=lambda one: (one.date, one.id), reverse=True)
            if scope.sees_at(one.customer_id, one.ship_to_id)
        ]
        query, walked = RecordQuery(scope, limit=4), list[str]()
        while True:
            page = await memory.invoice_page(query)
            walked += [one.id for one in page.rows]
            if not page.more:
                break
            last = page.rows[-1]
            at = NOW.replace(year=last.date.year, month=last.date.month, day=last.date.day, hour=0)
            query = replace(query, after=Cursor(at, last.id))
        assert walked == expected
        of = await memory.invoices_by_order(scope, [OrderId("SO1"), OrderId("SO9"), OrderId("SO77")])
        assert {one.id for one in of.get(OrderId("SO9"), ())} == set(expected)
        assert {one.id for one in of.get(OrderId("SO1"), ())} == {
            one.id for one in left if one.id in expected and OrderId("SO1") in one.order_ids
        }
        assert OrderId("SO77") not in of
    assert [one.id for one in (await memory.return_page(RecordQuery(Visibility(frozenset({ACCOUNTS[1]}))))).rows] == [
        "RMA3",
        "RMA1",
    ]
    narrowed = await memory.invoice_page(RecordQuery(ALL, order_ids=frozenset({OrderId("SO1")}), limit=50))
    assert {one.id for one in narrowed.rows} == {one.id for one in left if OrderId("SO1") in one.order_ids}
    assert (await memory.invoices(ALL, [InvoiceId("INV00"), InvoiceId("INV01")])).keys() == {"INV01"}
    assert set(await memory.returns_by_order(ALL, [OrderId("SO1")])) == {"SO1"}


async def test_shipments_are_found_in_their_orders_dossiers(database: Database) -> None:
    await tell(
        database,
        order(customer_id=CustomerId("C1")),
        order(id=OrderId("SO2"), customer_id=CustomerId("C2"), placed_at=moment(-1)),
        shipment(package("P1", "1Z1"), customer_id=CustomerId("C1")),
        shipment(package("P2", "1Z2"), id=ShipmentId("SH2"), order_id=OrderId("SO2"), created_at=moment(-1)),
        tracking(event(S.IN_TRANSIT), number="1Z1"),
    )
    memory, mine = Memory(database), Visibility(frozenset({CustomerId("C1")}))
    assert set(await memory.shipments(ALL, [ShipmentId("SH1"), ShipmentId("SH2")])) == {"SH1", "SH2"}
    assert set(await memory.shipments(mine, [ShipmentId("SH1"), ShipmentId("SH2")])) == {"SH1"}
    assert [one.id for one in (await memory.shipments_by_number(ALL, ["1Z2"]))["1Z2"]] == ["SH2"]
    assert await memory.shipments_by_number(mine, ["1Z2"]) == {}
    assert [one.id for one in (await memory.shipment_page(RecordQuery(ALL))).rows] == ["SH2", "SH1"]
    assert [one.id for one in (await memory.shipment_page(RecordQuery(mine))).rows] == ["SH1"]
    (dossier,) = (await memory.orders(mine, [OrderId("SO1"), OrderId("SO2")])).values()
    assert dossier.tracking[0].events


async def test_what_its_owner_deleted_is_in_no_answer(database: Database) -> None:
    await tell(database, order(), shipment(), Withdrawn(Subject.ORDER, "SO1", "erp", NOW))
    memory = Memory(database)
    assert await memory.orders(ALL, [OrderId("SO1")]) == {}
    assert (await memory.order_page(OrderQuery(ALL))).rows == []
    assert await memory.order_count(OrderQuery(ALL)) == 0
    assert await memory.order_ids_by_po(ALL, ["PO-77"]) == {}
    assert await memory.shipments(ALL, [ShipmentId("SH1")]) == {}
    assert await memory.search(ALL, "SO1", 10) == []
    later = NOW + timedelta(hours=1)
    await tell(database, order(source=provenance("erp", later)), now=later, tag="again")
    assert set(await memory.orders(ALL, [OrderId("SO1")])) == {"SO1"}


async def test_a_hierarchy_is_followed_down_and_never_round_in_circles(database: Database) -> None:
    await tell(
        database,
        account("1", "Top", territory="WEST", subsidiary="US"),
        account("2", "Middle", parent_id=CustomerId("1")),
        account("3", "Leaf", parent_id=CustomerId("2"), territory="WEST"),
        account("8", "Odd", parent_id=CustomerId("9"), subsidiary="CA"),
        account("9", "Even", parent_id=CustomerId("8")),
    )
    memory = Memory(database)
    below = await memory.descendants([CustomerId("1"), CustomerId("8"), CustomerId("3")])
    assert below == {"1": {"1", "2", "3"}, "8": {"8", "9"}, "3": {"3"}}
    assert await memory.children([CustomerId("1"), CustomerId("3")]) == {"1": ["2"], "3": ()}
    assert await memory.accounts_in_territories(["WEST", "EAST"]) == {"WEST": {"1", "3"}, "EAST": frozenset()}
    assert await memory.accounts_in_subsidiaries(["US", "CA", ""]) == {"US": {"1"}, "CA": {"8"}, "": frozenset()}


async def test_accounts_of_an_older_memory_get_their_subsidiary_from_what_was_told(database: Database) -> None:
    await tell(database, account("1", "Top", subsidiary="US"), account("2", "None"))
    migration = import_module("store.migrations.versions.0003_subsidiaries")
    table = tables.customers
    async with database.writing() as connection:
        await connection.execute(update(table).where(table.c.tenant == database.tenant).values(subsidiary=None))
    memory = Memory(database)
    assert await memory.accounts_in_subsidiaries(["US"]) == {"US": frozenset()}
    async with database.writing() as connection:
        await connection.execute(text(migration.FILLED[database.dialect]))
    assert await memory.accounts_in_subsidiaries(["US"]) == {"US": {"1"}}


async def test_nobody_is_found_by_what_is_personal(database: Database) -> None:
    """Who may not read it would learn it by asking for it."""
    somebody = Address("Zoë Quill", ("9 Hidden Row", "Attn Yorick"), "Reno", "NV", "89501", "US")
    handed = tracking(proof=ProofOfDelivery("Xaver Quint", None, None))
    place = ShipTo("S1", "Wilma's Yard", somebody)
    await tell(database, account("1", "Bolt", ship_tos=(place,)), order(ship_to=somebody), shipment(), handed)
    memory = Memory(database)
    assert await memory.search(ALL, "Bolt", 5) == [Hit(Subject.CUSTOMER, "1")]
    for told in ("Zoë Quill", "Quill", "9 Hidden Row", "Attn Yorick", "Yorick", "Wilma's Yard", "Wilma", "Xaver Quint"):
        assert await memory.search(ALL, told, 5) == [], told
        page = await memory.customer_page(CustomerQuery(ALL, name=told))
        assert list(page.rows) == [], told


async def test_accounts_are_paged_by_number_and_part_of_their_name(database: Database) -> None:
    await tell(database, *(account(f"{nth:02}", f"{'Ärzte' if nth % 2 else 'Bolt'} {nth} GmbH") for nth in range(9)))
    memory = Memory(database)
    page = await memory.customer_page(CustomerQuery(ALL, "ÄRZTE", limit=3))
    assert ([one.id for one in page.rows], page.more) == (["01", "03", "05"], True)
    rest = await memory.customer_page(CustomerQuery(ALL, "ärzte", after=CustomerId("05"), limit=3))
    assert ([one.id for one in rest.rows], rest.more) == (["07"], False)
    seen = await memory.customer_page(CustomerQuery(Visibility(frozenset({CustomerId("02")}))))
    assert [one.id for one in seen.rows] == ["02"]


async def test_a_search_finds_every_kind_of_number_and_only_what_is_visible(database: Database) -> None:
    await tell(
        database,
        account("C100", "Acme  Supply Co"),
        order(line("1", 10, sku="Bolt M8/20"), ship_to_id="A"),
        order(id=OrderId("SO12"), customer_id=CustomerId("C2"), po_number=None, placed_at=moment(-1)),
        shipment(package("P1", "1Z1")),
        invoice(),
        return_(),
    )
    memory = Memory(database)

    async def found(text: str, scope: Visibility = ALL, limit: int = 10) -> list[str]:
        return [f"{hit.subject} {hit.id}" for hit in await memory.search(scope, text, limit)]

    assert await found("so1") == ["ORDER SO1", "ORDER SO12"]
    assert await found("  po-77 ") == ["ORDER SO1"]
    assert await found("1z1") == ["SHIPMENT SH1"]
    assert await found("inv1") == ["INVOICE INV1"]
    assert await found("RMA1") == ["RETURN RMA1"]
    assert await found("bolt m8/20") == ["ORDER SO1"]
    assert await found("supply co") == await found("ACME supply") == ["CUSTOMER C100"]
    assert await found("so1", limit=1) == ["ORDER SO1"]
    assert await found("so1", Visibility(frozenset({CustomerId("C2")}))) == ["ORDER SO12"]
    assert await found("so1", Visibility(frozenset({CustomerId("C100")}), frozenset({"A"}))) == ["ORDER SO1"]
    assert await found("so1", Visibility(frozenset({CustomerId("C100")}), frozenset({"B"}))) == []
    assert await found("%") == await found("_o1") == await found("") == []
    assert await memory.search(ALL, "SO12", 5) == [Hit(Subject.ORDER, "SO12")]


async def test_the_log_of_changes_has_no_gaps_however_many_write_it(url: str, tenant: str, database: Database) -> None:
    await tell(database, *(order(id=OrderId(f"SO{nth}")) for nth in range(120)))
    memory = Memory(database)
    logged = [one for after in (0, 50, 100) for one in await memory.changes(after, 50)]
    assert [one.position for one in logged] == list(range(1, 121))
    assert await memory.head() == 120
    assert {one.change.id for one in logged} == {f"SO{nth}" for nth in range(120)}


async def test_memory_holds_everything_once_a_backfill_has_ended_and_no_rebuild_is_under_way(
    database: Database,
) -> None:
    runs, memory = Runs(database), Memory(database)
    assert not await memory.holds_everything()
    run = await runs.begin(BACKFILL, now=NOW)
    assert await runs.begin(BACKFILL, now=NOW + timedelta(hours=1)) == run
    assert not await memory.holds_everything()
    await runs.move(run, "orders/7", {"orders": 7}, now=NOW)
    assert [(one.place, one.counts) for one in await runs.all()] == [("orders/7", {"orders": 7})]
    await runs.end(run, {"orders": 9}, now=NOW)
    assert await memory.holds_everything()
    again = await runs.begin(REBUILD, now=NOW)
    assert not await memory.holds_everything()
    await runs.end(again, {}, now=NOW)
    assert await memory.holds_everything()


async def test_one_tenant_never_finds_what_is_anothers(url: str, database: Database) -> None:
    other = await Database.open(url, uuid4().hex)
    try:
        await tell(other, order(), shipment(), invoice(), return_(), account("C100", "Acme"))
        memory = Memory(database)
        assert await memory.orders(ALL, [OrderId("SO1")]) == {}
        assert (await memory.order_page(OrderQuery(ALL, OrderFilter(sku="BOLT-M8")))).rows == []
        assert await memory.search(ALL, "SO1", 5) == []
        assert await memory.invoices_by_order(ALL, [OrderId("SO1")]) == {}
        assert (await memory.shipment_page(RecordQuery(ALL))).rows == []
        assert await memory.changes(0, 10) == []
        assert set((await memory.counts()).values()) == {0}
    finally:
        await other.close()
