"""What is wanted is read from its owner, once for many, and nothing else; what is wanted outlives every crash."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from sqlalchemy import select

from domain.events import Delivery, Subject, Want, Withdrawn, tracking_name
from domain.model import Invoice, InvoiceId, Order, OrderId, TrackingKey
from domain.values import Provenance
from examples.distributor.clock import START
from ingest.observing import ALL, RESTATE, observation
from ingest.parsing import OBSERVATION
from ingest.polling import Carrier, Quota
from ingest.reading import Reader, Rules, ask
from store.database import Database
from store.documents import decode_fact
from store.inbox import WHOLE, State
from store.tables import deliveries
from tests.examples.company import world
from tests.ingest import drift
from tests.ingest.conftest import CARRIERS, House, Houses, until

HOUR = timedelta(hours=1)


def numbers(count: int) -> list[str]:
    """Orders that the ERP and the warehouse know at START."""
    known = (
        order.number
        for order in world().newest_first
        if world().erp_order(order.number, START) and world().warehouse_order(order.number, START)
    )
    return list(islice(known, count))


async def want(house: House, *wants: Want) -> None:
    await house.wants.want(dict.fromkeys(wants, house.clock.now()))


async def told(database: Database) -> Sequence[Delivery]:
    """What waits in the inbox."""
    waiting = select(*WHOLE).where(deliveries.c.tenant == database.tenant, deliveries.c.state == State.PENDING)
    async with database.reading() as connection:
        return [
            Delivery(row.source, row.external_id, row.topic, row.received_at, row.body)
            for row in await connection.execute(waiting)
        ]


async def taken(house: House, *wants: Want) -> bool:
    """Whether a reader has them."""
    due = await house.memory.wanted(wants)
    return all(at > house.clock.now() for at in due.values())


def of(subject: Subject, keys: list[str]) -> list[Want]:
    return [Want(subject, key) for key in keys]


# -- how it is read ----------------------------------------------------------------------------------------------------


async def test_fifty_of_each_cost_one_read_each(house: House) -> None:
    await ask(house.estate, [Want(Subject.ORDER, "warm")])
    house.fleet.reset_calls()
    orders = numbers(50)
    invoices = [number for number in world().invoice_numbers if world().invoice(number, START)][:50]
    accounts = list(dict.fromkeys(world().orders[number].account for number in world().orders))[:50]
    await want(
        house,
        *of(Subject.ORDER, orders),
        *of(Subject.WORK, orders),
        *of(Subject.INVOICE, invoices),
        *of(Subject.CUSTOMER, accounts),
    )
    assert await house.reader.step() == 200
    assert house.fleet.calls("erp").total == 3
    assert house.fleet.calls("wms").total == 1
    deliveries = await told(house.database)
    assert {each.topic for each in deliveries} == {OBSERVATION}
    assert {each.source for each in deliveries} == {"erp", "wms"}
    assert sum(each.source == "erp" for each in deliveries) == 150


async def test_what_is_not_wanted_is_not_read(house: House) -> None:
    await house.wants.want({Want(Subject.ORDER, numbers(1)[0]): house.clock.now() + HOUR})
    await house.worker.drain()
    assert await house.reader.drain() == 0
    assert {house.fleet.calls(name).total for name in ("wms", "ups", "fedex", "usps", "dhl", "ltl")} == {0}
    assert "getList" not in house.fleet.calls("erp").by_operation


async def test_an_order_brings_its_work_and_its_consignments_are_polled_from_then_on(house: House) -> None:
    number = next(
        number
        for number in numbers(300)
        if (work := world().warehouse_order(number, START)) and any(each.confirmed_at for each in work.shipments)
    )
    await want(house, Want(Subject.ORDER, number))
    await house.settle()
    [dossier] = (await house.memory.orders(ALL, [OrderId(number)])).values()
    assert dossier.order is not None
    assert dossier.order.totals is not None, "with amounts"
    assert dossier.warehouse is not None
    keys = {key for each in dossier.warehouse.shipments for key in each.tracking_keys}
    assert {key.number for key in keys}
    assert set(await house.wants.count()) <= {Subject.TRACKING}


# -- what is not there -------------------------------------------------------------------------------------------------


async def ghost(house: House) -> tuple[OrderId, InvoiceId]:
    """An order and an invoice that memory holds and the ERP does not know."""
    [number] = numbers(1)
    [order] = (await ask(house.estate, [Want(Subject.ORDER, number)])).told.values()
    billed = next(number for number in world().invoice_numbers if world().invoice(number, START))
    [invoice] = (await ask(house.estate, [Want(Subject.INVOICE, billed)])).told.values()
    assert isinstance(order, Order)
    assert isinstance(invoice, Invoice)
    gone = replace(order, id=OrderId("GHOST")), replace(invoice, id=InvoiceId("GHOST"))
    await house.inbox.accept([observation(each, now=house.clock.now()) for each in gone])
    await house.worker.drain()
    return OrderId("GHOST"), InvoiceId("GHOST")


async def test_what_its_owner_no_longer_has_is_withdrawn(house: House) -> None:
    order, invoice = await ghost(house)
    assert await house.memory.orders(ALL, [order])
    await want(house, Want(Subject.ORDER, order), Want(Subject.INVOICE, invoice))
    await house.reader.drain()
    facts = [decode_fact(each.body) for each in await told(house.database)]
    assert {(fact.subject, fact.id, fact.source) for fact in facts if isinstance(fact, Withdrawn)} == {
        (Subject.ORDER, "GHOST", "erp"),
        (Subject.INVOICE, "GHOST", "erp"),
    }
    await house.worker.drain()
    assert await house.memory.orders(ALL, [order]) == {}
    assert await house.memory.invoices(ALL, [invoice]) == {}
    assert await house.wants.count() == {}


async def test_what_nobody_ever_had_is_wanted_no_more_and_withdrawn_from_nobody(house: House) -> None:
    await want(house, *(Want(subject, "NEVER") for subject in Subject if subject is not Subject.TRACKING))
    await want(house, Want(Subject.TRACKING, tracking_name(TrackingKey("USPS", "9400000000000000000000"))))
    await house.reader.drain()
    assert await told(house.database) == []
    assert await house.wants.count() == {}


async def test_while_deliveries_wait_nothing_is_said_to_be_gone(house: House) -> None:
    [number] = numbers(1)
    [order] = (await ask(house.estate, [Want(Subject.ORDER, number)])).told.values()
    assert isinstance(order, Order)
    await house.inbox.accept([observation(replace(order, id=OrderId("GHOST")), now=house.clock.now())])
    await want(house, Want(Subject.ORDER, "GHOST"))
    await house.reader.drain()
    assert await house.wants.count() == {Subject.ORDER: 1}
    await house.worker.drain()
    house.clock.advance(60)
    await house.settle()
    assert await house.memory.orders(ALL, [OrderId("GHOST")]) == {}


async def test_a_want_that_names_no_consignment_is_forgotten(house: House) -> None:
    await want(house, Want(Subject.TRACKING, "nonsense"))
    await house.reader.drain()
    assert await house.wants.count() == {}


# -- what fails --------------------------------------------------------------------------------------------------------


async def test_an_owner_that_fails_is_asked_again_later_and_spoils_no_other(house: House) -> None:
    orders = numbers(3)
    house.fleet.fault("erp", status=503)
    await want(house, *of(Subject.ORDER, orders), *of(Subject.WORK, orders))
    await house.reader.drain()
    assert await house.wants.count() == {Subject.ORDER: 3}
    house.fleet.clear_faults()
    assert await house.reader.drain() == 0, "it is not time yet"
    for _ in range(8):
        house.clock.advance(120)
        await asyncio.sleep(0.05)
        await house.settle()
    assert set(await house.memory.orders(ALL, [OrderId(number) for number in orders])) == set(orders)


async def test_wants_outlive_a_reader_that_is_killed(houses: Houses) -> None:
    orders = numbers(5)
    async with houses() as house:
        await want(house, *of(Subject.ORDER, orders))
        house.fleet.fault("erp", hang=True)
        reading = asyncio.create_task(house.reader.step())

        await until(lambda: taken(house, *of(Subject.ORDER, orders)))
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    async with houses() as house:
        house.fleet.clear_faults()
        assert await house.reader.drain() == 0, "the dead reader still has its lease"
        house.clock.advance(Rules().lease.total_seconds() + 1)
        await house.settle()
        assert set(await house.memory.orders(ALL, [OrderId(number) for number in orders])) == set(orders)


async def test_what_is_wanted_anew_while_it_is_read_is_read_again(house: House) -> None:
    [number] = numbers(1)
    one = Want(Subject.ORDER, number)
    await want(house, one)
    house.fleet.fault("erp", latency_ms=300)
    reading = asyncio.create_task(house.reader.step())
    await until(lambda: taken(house, one))
    await want(house, one)
    await reading
    assert (await house.wants.count())[Subject.ORDER] == 1


# -- what is told ------------------------------------------------------------------------------------------------------


async def test_what_says_the_same_is_told_again_only_for_its_age(house: House) -> None:
    one = Want(Subject.ORDER, numbers(1)[0])
    await want(house, one)
    await house.settle()
    assert await told(house.database) == []
    await want(house, one)
    await house.reader.drain()
    assert await told(house.database) == []
    house.clock.advance(RESTATE.total_seconds())
    await want(house, one)
    await house.reader.drain()
    assert {decode_fact(each.body).id for each in await told(house.database) if each.source == "erp"} == {one.key}  # type: ignore[union-attr]


async def test_what_goes_back_to_what_it_was_is_told(house: House) -> None:
    one = Want(Subject.ORDER, numbers(1)[0])
    await want(house, one)
    await house.settle()
    [dossier] = (await house.memory.orders(ALL, [OrderId(one.key)])).values()
    between = replace(drift.stated(dossier), po_number="BETWEEN", source=Provenance("erp", house.clock.now()))
    await house.inbox.accept([observation(between, now=house.clock.now())])
    await house.worker.drain()
    await want(house, one)
    await house.settle()
    [now] = (await house.memory.orders(ALL, [OrderId(one.key)])).values()
    assert drift.stated(now).po_number == drift.stated(dossier).po_number


async def test_a_reader_that_runs_is_woken_and_wakes_the_worker(house: House) -> None:
    delivered = asyncio.Event()
    rules = Rules(idle=timedelta(hours=1))
    reader = Reader(
        house.database, house.estate, house.polling, now=house.clock.now, rules=rules, delivered=delivered.set
    )
    running = asyncio.create_task(reader.run())
    await asyncio.sleep(0)
    await want(house, Want(Subject.ORDER, numbers(1)[0]))
    reader.wake()
    async with asyncio.timeout(30):
        await delivered.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# -- carriers ----------------------------------------------------------------------------------------------------------


async def test_a_consignment_is_polled_to_its_end_and_no_further(filled: House) -> None:
    assert (await filled.wants.count())[Subject.TRACKING] > 10
    for day in range(1, 46, 4):
        filled.fleet.set_clock(START + timedelta(days=day))
        filled.clock.set(START + timedelta(days=day))
        await filled.settle()
    assert Subject.TRACKING not in await filled.wants.count()


@pytest.mark.parametrize("calls", [10])
async def test_a_carriers_quota_is_kept_however_much_is_wanted(houses: Houses, calls: int) -> None:
    quota = Carrier("usps", quotas=(Quota(calls, HOUR),))
    async with houses(carriers={**CARRIERS, "USPS": quota}) as house:
        names = [tracking_name(TrackingKey("USPS", f"94001368950678677{nth:05}")) for nth in range(40)]
        await want(house, *of(Subject.TRACKING, names))
        await house.reader.drain()
        assert house.fleet.calls("usps").total <= 3
        assert await house.wants.count() == {Subject.TRACKING: 39}
        for _ in range(59):
            house.clock.advance(60)
            await house.reader.drain()
        assert 40 - (await house.wants.count())[Subject.TRACKING] == calls
