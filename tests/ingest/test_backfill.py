"""Memory is filled from its sources, and made anew from its deliveries, wherever either of them is interrupted."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from domain.access import Visibility
from domain.events import Delivery, Subject
from domain.model import Order, OrderId
from domain.values import Provenance
from examples.distributor import signing
from examples.distributor.clock import START
from examples.distributor.pushes import Pushes
from examples.distributor.subscription import message_id
from examples.distributor.world.happenings import Happening
from ingest.backfill import Backfill, Rebuild, Rules
from ingest.observing import ALL, folded, observation
from store import upkeep
from store.runs import BACKFILL, DONE, REBUILD, Runs
from tests.examples.company import world
from tests.examples.doors import doors
from tests.ingest.conftest import House, Houses, until, working

AGE = re.compile(r'"as_of":"[^"]*"')
DAY = timedelta(days=1)
LEASE = 61
"""Seconds until another worker may take what one had that is no more."""


def backfill(house: House, scope: Visibility, *, page: int = 200, ahead: int = 2000) -> Backfill:
    rules = Rules(page=page, ahead=ahead, pause=0.02)
    return Backfill(
        house.database,
        house.inbox,
        house.estate,
        now=house.clock.now,
        rules=rules,
        scope=scope,
        delivered=house.worker.wake,
    )


def rebuild(house: House) -> Rebuild:
    return Rebuild(
        house.database, house.inbox, now=house.clock.now, rules=Rules(pause=0.02), delivered=house.worker.wake
    )


async def dumped(house: House) -> Sequence[str]:
    return [line async for line in upkeep.dump(house.database)]


async def said(house: House) -> Sequence[str]:
    """What memory says, whatever its age."""
    return [AGE.sub("", line) for line in await dumped(house)]


# -- from the sources --------------------------------------------------------------------------------------------------


async def test_a_backfill_killed_half_way_goes_on_where_it_was_and_loses_and_doubles_nothing(
    houses: Houses, filled: House, some_accounts: Visibility
) -> None:
    whole = await Runs(filled.database).last(BACKFILL)
    assert whole is not None
    async with houses(name="killed") as house:

        async def among_orders() -> bool:
            last = await Runs(house.database).last(BACKFILL)
            return last is not None and last.counts.get(Subject.ORDER, 0) >= 80

        running = asyncio.create_task(backfill(house, some_accounts, page=40).run())
        async with working(house):
            await until(among_orders)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        begun = await Runs(house.database).last(BACKFILL)
        assert begun is not None
        assert not await house.memory.holds_everything()

    async with houses(name="killed") as house:
        house.clock.advance(LEASE)
        async with working(house):
            run = await backfill(house, some_accounts, page=40).run()
        assert run.id == begun.id
        assert run.counts == whole.counts
        assert await house.memory.holds_everything()
        told = [logged.change for logged in await house.memory.changes(0, 10_000)]
        assert all(change.before for change in told), "what has long been so is no news"
        house.clock.set(filled.clock.now())
        await house.settle()
        assert await said(house) == await said(filled)


async def test_a_backfill_never_runs_further_ahead_of_the_worker_than_it_may(
    house: House, some_accounts: Visibility
) -> None:
    running = asyncio.create_task(backfill(house, _one_of(some_accounts), page=5, ahead=20).run())

    async def ahead() -> bool:
        return (await house.inbox.backlog()).pending > 20

    await until(ahead)
    calls = house.fleet.calls("erp").total
    await asyncio.sleep(0.3)
    assert house.fleet.calls("erp").total == calls
    assert (await house.inbox.backlog()).pending <= 30
    async with working(house):
        assert (await running).outcome == DONE


async def test_what_the_warehouse_fails_to_tell_is_wanted_and_read_later(
    house: House, some_accounts: Visibility
) -> None:
    house.fleet.fault("wms", status=503, operations=["orders.query"])
    async with working(house):
        running = asyncio.create_task(backfill(house, _one_of(some_accounts)).run())
        await until(lambda: _wanted(house, Subject.WORK))
        house.fleet.clear_faults()
        await running
    house.clock.advance(3600)
    await house.settle()
    assert (await house.wants.count()).get(Subject.WORK, 0) == 0
    assert (await house.memory.counts())["shipments"] > 0


def _one_of(accounts: Visibility) -> Visibility:
    return Visibility(frozenset({min(accounts.accounts or ())}))


async def _wanted(house: House, subject: Subject) -> int:
    return (await house.wants.count()).get(subject, 0)


# -- from the deliveries -----------------------------------------------------------------------------------------------


def pushed(happening: Happening, writer: Pushes) -> Delivery:
    """As its system's webhook brings it."""
    push = writer.of(happening)
    signed = signing.signed(happening.source, message_id(happening), push.body, happening.at)
    headers = signed | {"content-type": push.content_type}
    genuine = doors()[happening.source].verify(headers, push.body, happening.at)
    return Delivery(
        happening.source, genuine.external_id, genuine.topic, happening.at, push.body, dict(genuine.headers)
    )


async def live_through(house: House, days: int) -> int:
    """Everything that happens to the known orders is pushed, read and folded; how many messages that were."""
    known = set(await house.memory.ids(Subject.ORDER, limit=5000))
    writer, came = Pushes(world()), 0
    for day in range(days):
        told = [each for each in world().happenings(START + day * DAY, START + (day + 1) * DAY) if each.order in known]
        await house.inbox.accept([pushed(each, writer) for each in told])
        came += len(told)
        house.fleet.set_clock(START + (day + 1) * DAY)
        house.clock.set(START + (day + 1) * DAY)
        await house.settle()
    return came


async def test_a_rebuild_gives_what_was_there_to_the_byte_and_tells_nobody(filled: House) -> None:
    filled.clock.freeze()
    assert await live_through(filled, days=2) > 50
    before, head = await dumped(filled), await filled.memory.head()
    calls = {name: filled.fleet.calls(name).total for name in filled.fleet.urls}
    filled.clock.thaw()
    filled.clock.advance(0.001)
    filled.clock.freeze()
    async with working(filled):
        run = await rebuild(filled).run()
    await filled.settle()
    assert await dumped(filled) == before
    assert await filled.memory.head() == head
    assert {name: filled.fleet.calls(name).total for name in filled.fleet.urls} == calls, "nothing was read"
    assert run.counts["DELIVERIES"] > 500
    assert run.counts["LEFT"] == 0
    assert await filled.memory.holds_everything()


async def test_a_rebuild_that_was_interrupted_goes_on_and_is_not_begun_again(filled: House) -> None:
    before = await said(filled)
    running = asyncio.create_task(rebuild(filled).run())

    async def cleared() -> bool:
        last = await Runs(filled.database).last(REBUILD)
        return last is not None and "LEFT" in last.counts

    await until(cleared)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    begun = await Runs(filled.database).last(REBUILD)
    assert begun is not None
    assert not await filled.memory.holds_everything()
    await filled.worker.step()
    async with working(filled):
        run = await rebuild(filled).run()
    assert run.id == begun.id
    assert run.counts["DELIVERIES"] == begun.counts["DELIVERIES"]
    await filled.settle()
    assert await said(filled) == before


async def test_what_comes_in_during_a_rebuild_is_news(filled: House) -> None:
    edited, head = await _edited(filled), await filled.memory.head()
    running = asyncio.create_task(rebuild(filled).run())
    await until(lambda: Runs(filled.database).last(REBUILD))
    await filled.inbox.accept([observation(edited, now=filled.clock.now())])
    async with working(filled):
        await running
        await folded(filled.inbox, filled.clock.now(), pause=0.01)
    [change] = [logged.change for logged in await filled.memory.changes(head, 1000)]
    assert (change.subject, change.id) == (Subject.ORDER, edited.id)


async def test_what_had_not_been_worked_on_before_a_rebuild_loses_no_news(filled: House) -> None:
    edited, head = await _edited(filled), await filled.memory.head()
    await filled.inbox.accept([observation(edited, now=filled.clock.now())])
    async with working(filled):
        await rebuild(filled).run()
    assert {logged.change.id for logged in await filled.memory.changes(head, 1000)} == {edited.id}


async def _edited(house: House) -> Order:
    """An order as memory knows it, but for something that its owner changed just now."""
    [id_, *_] = await house.memory.ids(Subject.ORDER)
    [dossier] = (await house.memory.orders(ALL, [OrderId(id_)])).values()
    assert dossier.order is not None
    return replace(dossier.order, po_number="PO-CHANGED", source=Provenance("erp", house.clock.now()))
