"""Whatever differs between memory and its owners is found, named, counted and repaired; what is on its way is not."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from domain.access import Visibility
from domain.differences import Kind
from domain.discrepancies import Discrepancy
from domain.dossier import Dossier
from domain.events import Subject, Want, tracking_name
from domain.model import Hold, InvoiceId, Lifecycle, Order, OrderId, Package, ShipmentId, WarehouseStage
from domain.tracking import follow
from domain.values import Address, Code, Money, Quantity
from ingest.observing import ALL, observation
from ingest.polling import FINAL
from ingest.reading import ask
from ingest.reconcile import DOUBTED, IN_FLIGHT, Reconciliation, Rules
from store.discrepancies import Discrepancies
from store.runs import BACKFILL, RECONCILIATION, Run, Runs
from tests.ingest import drift
from tests.ingest.conftest import House, until, working

EACH = 50
Expected = set[tuple[Subject, str, str, str]]


def reconciliation(house: House, scope: Visibility, page: int = 200) -> Reconciliation:
    return Reconciliation(
        house.database,
        house.inbox,
        house.estate,
        house.polling,
        now=house.clock.now,
        rules=Rules(page=page, pause=0.02, grace=0),
        scope=scope,
        delivered=house.worker.wake,
    )


async def found(house: House, run: Run) -> Sequence[Discrepancy]:
    return [each.discrepancy for each in await Discrepancies(house.database).of(run.id, limit=5000)]


def names(discrepancies: Iterable[Discrepancy]) -> Expected:
    return {(each.subject, each.id, each.kind, each.part) for each in discrepancies}


async def dossiers(house: House) -> Sequence[Dossier]:
    ids = await house.memory.ids(Subject.ORDER, limit=5000)
    return list((await house.memory.orders(ALL, [OrderId(id_) for id_ in ids])).values())


# -- everything at once ------------------------------------------------------------------------------------------------


def _held(order: Order) -> Order:
    return replace(order, hold=Hold("We are reviewing this order.", Code("H9", "erp/hold"), None, None))


def _other(lifecycle: Lifecycle) -> Lifecycle:
    return Lifecycle.UNKNOWN if lifecycle is not Lifecycle.UNKNOWN else Lifecycle.RECEIVED


def _more(order: Order) -> Order:
    first, *rest = order.lines
    one = Quantity(first.shipped.value + 1, first.shipped.unit, first.shipped.base_value + 1, first.shipped.base_unit)
    return replace(order, lines=(replace(first, shipped=one), *rest))


def _later(order: Order) -> Order:
    moved = order.promised_date + timedelta(days=1) if order.promised_date else order.placed_at.at.date()
    return replace(order, promised_date=moved)


async def seed(house: House) -> Expected:
    """Fifty differences of each of ten kinds."""
    known = {each.order_id: each for each in await dossiers(house)}
    ids = list(known)
    lost, kept = ids[:EACH], ids[EACH:]
    expected: Expected = set()

    await drift.lose(house.database, lost)
    expected |= {(Subject.ORDER, id_, Kind.MISSING, "") for id_ in lost}

    ghosts = [
        Dossier(OrderId(f"GHOST-{nth}"), replace(drift.stated(known[id_]), id=OrderId(f"GHOST-{nth}")))
        for nth, id_ in enumerate(kept[:EACH])
    ]
    await drift.invent(house.database, ghosts, house.clock.now())
    expected |= {(Subject.ORDER, each.order_id, Kind.DELETED, "") for each in ghosts}

    for nth, (kind, part, change) in enumerate(ALTERED):
        for id_ in kept[nth * EACH : (nth + 1) * EACH]:
            expected.add((Subject.ORDER, id_, kind, part.format(drift.stated(known[id_]).lines[0].key)))
            known[id_] = drift.with_order(known[id_], change)
    packed = [id_ for id_ in kept if any(shipment.packages for shipment in known[id_].shipments)]
    for id_ in packed[-EACH:]:
        known[id_], shipment, package = drift.with_package(known[id_], _relabelled)
        expected.add((Subject.SHIPMENT, shipment, Kind.TRACKING_NUMBER, f"packages.{package}.tracking_number"))
    scans = 0
    for id_ in kept:
        if scans < EACH and (unseen := _without_last_scan(known[id_], house.clock.now())):
            known[id_], consignment, scan = unseen
            expected.add((Subject.TRACKING, consignment, Kind.SCAN_MISSING, f"events.{scan}"))
            scans += 1
    await drift.rewrite(house.database, [known[id_] for id_ in kept])
    return expected | await _seed_amounts(house)


ELSEWHERE = Address("Nobody", ("1 Nowhere Road",), "Nowhere", None, None, "US")
ALTERED: Sequence[tuple[Kind, str, Callable[[Order], Order]]] = (
    (Kind.STATUS, "lifecycle", lambda order: replace(order, lifecycle=_other(order.lifecycle))),
    (Kind.QUANTITY, "lines.{}.shipped", _more),
    (Kind.DATE, "promised_date", _later),
    (Kind.HOLD, "hold", _held),
    (Kind.ADDRESS, "ship_to", lambda order: replace(order, ship_to=ELSEWHERE)),
)
"""What is done to an order as it is remembered, and what that is called."""


def _relabelled(package: Package) -> Package:
    return replace(package, tracking_number="1ZWRONG")


def _without_last_scan(dossier: Dossier, now: datetime) -> tuple[Dossier, str, str] | None:
    """One of its consignments loses its last scan, be it the delivery; None: no carrier would be asked."""
    keys = {
        key.number: key
        for kept in dossier.shipments
        if kept.header.stage is not WarehouseStage.VOIDED and now - kept.header.created_at.at < timedelta(days=29)
        for key in kept.shipment.tracking_keys
    }
    for told in dossier.tracking:
        if told.events and told.key.number in keys:
            *before, last = sorted(told.events, key=lambda event: event.occurred.at)
            if follow(before).status in FINAL:
                continue
            unseen = replace(told, events=tuple(event for event in told.events if event.id != last.id))
            tracking = tuple(unseen if each is told else each for each in dossier.tracking)
            return replace(dossier, tracking=tracking), tracking_name(keys[told.key.number]), last.id
    return None


async def _seed_amounts(house: House) -> Expected:
    ids = [InvoiceId(id_) for id_ in await house.memory.ids(Subject.INVOICE, limit=EACH)]
    dearer = [
        replace(invoice, balance=Money(invoice.balance.amount + Decimal("0.01"), invoice.balance.currency))
        for invoice in (await house.memory.invoices(ALL, ids)).values()
    ]
    await drift.rewrite_records(house.database, Subject.INVOICE, dearer)
    return {(Subject.INVOICE, invoice.id, Kind.AMOUNT, "balance") for invoice in dearer}


async def test_all_of_five_hundred_differences_are_found_and_repaired_and_none_the_second_time(
    filled: House, some_accounts: Visibility
) -> None:
    expected = await seed(filled)
    assert Counter(kind for _, _, kind, _ in expected) == dict.fromkeys(
        (
            Kind.MISSING,
            Kind.DELETED,
            Kind.STATUS,
            Kind.QUANTITY,
            Kind.AMOUNT,
            Kind.DATE,
            Kind.HOLD,
            Kind.ADDRESS,
            Kind.TRACKING_NUMBER,
            Kind.SCAN_MISSING,
        ),
        EACH,
    )
    async with working(filled):
        run = await reconciliation(filled, some_accounts).run()
        assert names(await found(filled, run)) == expected
        assert {kind: run.counts[kind] for kind in {each[2] for each in expected}} == dict.fromkeys(
            {each[2] for each in expected}, EACH
        )
        again = await reconciliation(filled, some_accounts).run()
    assert again.id != run.id
    assert await found(filled, again) == []
    assert not [id_ for id_ in await filled.memory.ids(Subject.ORDER, limit=5000) if id_.startswith("GHOST")]


# -- what is on its way ------------------------------------------------------------------------------------------------


async def _behind(house: House) -> tuple[Order, Visibility]:
    """An order that memory holds as it once was, and its account."""
    dossier = (await dossiers(house))[0]
    order = drift.stated(dossier)
    await drift.rewrite(house.database, [drift.with_order(dossier, _more)])
    return order, Visibility(frozenset({order.customer_id}))


async def test_what_waits_in_the_inbox_is_no_difference(filled: House) -> None:
    order, account = await _behind(filled)
    [told] = (await ask(filled.estate, [Want(Subject.ORDER, order.id)])).told.values()
    await filled.inbox.accept([observation(told, now=filled.clock.now())])
    reconciling = asyncio.create_task(reconciliation(filled, account).run())
    await until(lambda: Runs(filled.database).last(RECONCILIATION))
    async with working(filled):
        run = await reconciling
    assert await found(filled, run) == []


async def test_what_is_about_to_be_read_is_no_difference(filled: House) -> None:
    order, account = await _behind(filled)
    await filled.wants.want({Want(Subject.ORDER, order.id): filled.clock.now() + timedelta(hours=1)})
    async with working(filled):
        run = await reconciliation(filled, account).run()
    assert await found(filled, run) == []
    assert run.counts[IN_FLIGHT] == 1


# -- how it goes about it ----------------------------------------------------------------------------------------------


async def test_a_shipment_that_the_warehouse_no_longer_lists_is_withdrawn(filled: House) -> None:
    dossier = next(each for each in await dossiers(filled) if each.shipments)
    first = dossier.shipments[0].header
    ghost = replace(first, id=ShipmentId("SH-GHOST"), packages=(), pro_number=None)
    await filled.inbox.accept([observation(ghost, now=filled.clock.now())])
    await filled.worker.drain()
    async with working(filled):
        run = await reconciliation(filled, Visibility(frozenset({drift.stated(dossier).customer_id}))).run()
    assert names(await found(filled, run)) == {(Subject.SHIPMENT, "SH-GHOST", Kind.DELETED, "")}
    [now] = (await filled.memory.orders(ALL, [dossier.order_id])).values()
    assert now.warehouse is not None
    assert "SH-GHOST" not in {shipment.id for shipment in now.warehouse.shipments}


async def test_an_owner_that_suddenly_tells_of_little_is_not_believed(filled: House, some_accounts: Visibility) -> None:
    like = drift.stated((await dossiers(filled))[0])
    held = len(await filled.memory.ids(Subject.ORDER, scope=some_accounts))
    ghosts = [replace(like, id=OrderId(f"GHOST-{nth}")) for nth in range(held + 1)]
    await filled.inbox.accept([observation(ghost, now=filled.clock.now()) for ghost in ghosts])
    await filled.worker.drain()
    async with working(filled):
        run = await reconciliation(filled, some_accounts).run()
    assert run.counts[DOUBTED] == len(ghosts)
    assert await found(filled, run) == []
    assert len(await filled.memory.orders(ALL, [ghost.id for ghost in ghosts])) == len(ghosts)


async def test_a_run_that_was_interrupted_goes_on_and_tells_each_difference_once(
    filled: House, some_accounts: Visibility
) -> None:
    every = await dossiers(filled)
    await drift.rewrite(filled.database, [drift.with_order(each, _more) for each in every])

    async def among_orders() -> bool:
        last = await Runs(filled.database).last(RECONCILIATION)
        return last is not None and last.place.startswith("ORDER 20")

    async with working(filled):
        first = asyncio.create_task(reconciliation(filled, some_accounts, page=60).run())
        await until(among_orders)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        last = await Runs(filled.database).last(RECONCILIATION)
        run = await reconciliation(filled, some_accounts, page=60).run()
    assert last is not None
    assert run.id == last.id
    assert run.counts[Kind.QUANTITY] == len(await found(filled, run)) == len(every)


async def test_an_owner_that_fails_for_a_while_is_waited_for(filled: House) -> None:
    order, account = await _behind(filled)
    filled.fleet.fault("erp", status=503, times=4)
    async with working(filled):
        run = await reconciliation(filled, account).run()
    assert {each.id for each in await found(filled, run)} == {order.id}


async def test_only_a_memory_that_holds_everything_is_compared_by_the_clock(house: House) -> None:
    due = reconciliation(house, ALL)
    assert not await due._is_due(timedelta(hours=24))
    runs = Runs(house.database)
    await runs.end(await runs.begin(BACKFILL, now=house.clock.now()), {}, now=house.clock.now())
    assert await due._is_due(timedelta(hours=24))
    run = await runs.begin(RECONCILIATION, now=house.clock.now())
    assert await due._is_due(timedelta(hours=24)), "somebody asked for it"
    await runs.move(run, "ORDER", {}, now=house.clock.now())
    assert not await due._is_due(timedelta(hours=24)), "somebody is at it"
    house.clock.advance(900)
    assert await due._is_due(timedelta(hours=24)), "nobody goes on with it"
    await runs.end(run, {}, now=house.clock.now())
    assert not await due._is_due(timedelta(hours=24))
    house.clock.advance(86_400)
    assert not await due._is_due(None), "nobody asked for it"
    assert await due._is_due(timedelta(hours=24))
