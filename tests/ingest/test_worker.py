"""The worker folds whatever comes, however often and in whatever order, and what it cannot fold is never lost."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select

from domain.access import Visibility
from domain.dossier import Dossier
from domain.errors import SourceFault
from domain.events import Delivery, Fact, Resolved, Subject, Withdrawn
from domain.model import OrderId
from domain.model import ShipmentStatus as S
from domain.projection import project
from domain.queries import OrderFilter, OrderQuery
from ingest.observer import Silence
from ingest.parsing import Death
from ingest.worker import Rules, Worker
from sources.feeds import Told
from store import upkeep
from store.database import Database
from store.inbox import Inbox, Letters, State
from store.memory import Memory
from store.tables import orders
from tests.domain.lifecycles import Life, lives
from tests.domain.samples import GRACE, NOW, event, line, order, package, provenance, shipment, tracking
from tests.store.conftest import database, postgres_url, tenant, url
from tests.store.telling import observation, tell

__all__ = ["database", "postgres_url", "tenant", "url"]

ALL = Visibility(None)
SO1 = OrderId("SO1")


@dataclass
class Listener(Silence):
    """What a worker tells of its work."""

    lags: list[timedelta] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)

    def folded(self, source: str, lag: timedelta) -> None:
        self.lags.append(lag)

    def died(self, source: str, reason: object) -> None:
        self.deaths.append(str(reason))


@dataclass
class Moody:
    """A feed that reads what a test says it reads, once it is in the mood."""

    facts: Sequence[Fact]
    failures: list[Exception]

    def parse(self, delivery: Delivery) -> Told:
        if self.failures:
            raise self.failures.pop()
        return self.facts


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def made(
    database: Database,
    clock: Callable[[], datetime] = lambda: NOW,
    *,
    feed: Moody | None = None,
    listener: Listener | None = None,
    **rules: object,
) -> Worker:
    return Worker(
        database,
        Inbox(database),
        {"moody": feed} if feed else {},
        now=clock,
        observer=listener or Listener(),
        rules=Rules(carrier_grace=GRACE, **rules),  # type: ignore[arg-type]
    )


async def status(database: Database, order_id: OrderId = SO1) -> str | None:
    async with database.reading() as connection:
        own = select(orders.c.status).where(orders.c.tenant == database.tenant, orders.c.id == order_id)
        found: str | None = (await connection.execute(own)).scalar()
    return found


async def dumped(database: Database) -> Sequence[str]:
    return [entry async for entry in upkeep.dump(database)]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lives())
def test_law_8_through_the_database_ten_times_over_shuffled_and_by_two_workers(postgres_url: str, life: Life) -> None:
    """One memory is told each fact once, in order; the other ten times, shuffled, with two workers at it."""

    async def both() -> tuple[Sequence[str], Sequence[str]]:
        once = await Database.open(postgres_url, f"once {random.random()}")
        often = await Database.open(postgres_url, f"often {random.random()}")
        end = NOW + timedelta(days=400)
        await tell(once, *life.facts, now=end)
        chance = random.Random(len(life.facts))
        told = [observation(fact, f"{nth}/{time}", at=end) for time in range(10) for nth, fact in enumerate(life.facts)]
        chance.shuffle(told)
        clock = Clock(end)
        await Inbox(often).accept(told)
        workers = [made(often, clock, batch=7), made(often, clock, batch=11)]
        for _ in range(8):
            await asyncio.gather(*(worker.drain() for worker in workers))
            clock.now += timedelta(minutes=10)
        found = await dumped(once), await dumped(often)
        assert (await Inbox(often).backlog()).dead == 0
        await once.close()
        await often.close()
        return found

    first, second = asyncio.run(both())
    assert [entry for entry in first if entry.startswith("orders")]
    assert first == second


async def test_an_event_before_its_order_waits_and_is_folded_when_that_comes(database: Database) -> None:
    inbox, worker = Inbox(database), made(database)
    await inbox.accept([observation(shipment()), observation(tracking(event(S.DELIVERED)))])
    await worker.drain()
    assert (await inbox.backlog()).parked == 2
    await inbox.accept([observation(order())])
    await worker.drain()
    assert ((await inbox.backlog()).parked, await status(database)) == (0, "DELIVERED")


async def test_an_event_whose_order_never_comes_is_buried_with_its_body_after_three_days(database: Database) -> None:
    inbox, clock, listener = Inbox(database), Clock(), Listener()
    worker = made(database, clock, listener=listener)
    told = observation(shipment())
    await inbox.accept([told])
    looks = 0
    while not await inbox.dead():
        clock.now += timedelta(minutes=30)
        looks += await worker.drain()
        assert clock.now < NOW + timedelta(days=5)
    assert clock.now >= NOW + timedelta(hours=72)
    assert looks < 30, "the longer it waits, the more seldom it is looked at"
    (letter,) = await inbox.dead(Letters(reason=Death.ORDER_NEVER_CAME))
    assert letter.delivery.body == told.body
    assert listener.deaths == [Death.ORDER_NEVER_CAME]
    await inbox.accept([observation(order())])
    await inbox.replay(now=clock.now)
    await worker.drain()
    assert await status(database) == "SHIPPED"


async def test_what_fails_is_tried_again_ever_later_and_then_given_up(database: Database) -> None:
    inbox, clock, listener = Inbox(database), Clock(), Listener()
    feed = Moody([order(currency=object())], [])
    worker = made(database, clock, feed=feed, listener=listener, attempts=3)
    await inbox.accept([Delivery("moody", "1", "", NOW, b"{}")])
    tries = list[datetime]()
    while not await inbox.dead():
        if await worker.step():
            tries.append(clock.now)
        clock.now += timedelta(seconds=1)
    gaps = [after - before for before, after in pairwise(tries)]
    assert gaps == sorted(gaps)
    assert len(tries) == 3
    assert listener.deaths == [Death.GAVE_UP]
    feed.facts = [order()]
    await inbox.replay(now=clock.now)
    await worker.drain()
    assert await status(database) == "CONFIRMED"


async def test_a_delivery_that_fails_spoils_no_other_of_its_batch(database: Database) -> None:
    inbox = Inbox(database)
    await inbox.accept([observation(order()), Delivery("moody", "1", "", NOW, b"{}"), observation(shipment())])
    await made(database, feed=Moody([order(id=OrderId("SO2"), currency=object())], [])).drain()
    assert await status(database) == "SHIPPED"
    assert (await inbox.backlog()).pending == 1


async def test_a_mapping_that_stumbles_buries_what_it_stumbles_over_and_nothing_else(database: Database) -> None:
    inbox, listener = Inbox(database), Listener()
    await inbox.accept([observation(order()), Delivery("moody", "1", "", NOW, b"{}")])
    await made(database, feed=Moody([], [KeyError("sku")]), listener=listener).drain()
    assert await status(database) == "CONFIRMED"
    (letter,) = await inbox.dead(Letters(reason=Death.MAPPING_FAILED))
    assert letter.reason == "mapping failed: KeyError: 'sku'"
    assert listener.deaths == [Death.MAPPING_FAILED]


async def test_a_corrected_mapping_reads_its_dead_letters_anew(database: Database) -> None:
    inbox, feed = Inbox(database), Moody([order()], [SourceFault("moody", "$.orders[0].status: unheard of")])
    worker = made(database, feed=feed)
    await inbox.accept([Delivery("moody", "1", "order", NOW, b"raw")])
    await worker.drain()
    (letter,) = await inbox.dead()
    assert letter.reason == "malformed: $.orders[0].status: unheard of"
    assert await inbox.replay(Letters(source="moody", reason=Death.MALFORMED), now=NOW) == 1
    await worker.drain()
    assert await status(database) == "CONFIRMED"


async def test_a_clock_that_runs_ahead_gains_its_source_nothing(database: Database) -> None:
    ahead = order(line("1", 10), source=provenance("erp", NOW + timedelta(days=3)))
    later = order(line("1", 10, cancelled=10, closed=True), source=provenance("erp", NOW + timedelta(hours=1)))
    await tell(database, ahead)
    memory = Memory(database)
    known = (await memory.orders(ALL, [SO1]))[SO1].current
    assert known is not None
    assert known.source.as_of == NOW
    await tell(database, later, now=NOW + timedelta(hours=1), tag="later")
    changed = (await memory.orders(ALL, [SO1]))[SO1].current
    assert changed is not None
    assert changed.lines[0].closed


async def test_what_time_alone_changes_is_looked_at_again(database: Database) -> None:
    clock = Clock()
    confirmed = replace(shipment(package("P1", None)), manifested_at=None)
    await tell(database, order(), confirmed)
    worker = made(database, clock)
    clock.now += timedelta(days=60)
    assert await worker.review() >= 0
    await worker.review()
    async with database.reading() as connection:
        own = select(orders.c.review_at).where(orders.c.tenant == database.tenant)
        due = (await connection.execute(own)).scalar()
    assert due is None or due > clock.now


async def test_an_exception_that_was_resolved_is_gone_until_it_stands_otherwise(database: Database) -> None:
    over = order(line("1", 10, shipped=12))
    await tell(database, over)
    memory = Memory(database)
    assert [each.order_id for each in (await memory.order_page(_with_exceptions())).rows] == [SO1]
    found = project(Dossier(SO1).absorb(over), now=NOW, carrier_grace=GRACE)
    assert found is not None
    settled = [
        Resolved(SO1, one.kind, one.part, one.since, one.internal, "Counted: it is 10.", "op", NOW)
        for one in found.exceptions
    ]
    await tell(database, *settled, tag="settled")
    assert (await memory.order_page(_with_exceptions())).rows == []
    later = NOW + timedelta(hours=1)
    billed = order(line("1", 10, shipped=10, invoiced=12), source=provenance("erp", later))
    await tell(database, billed, now=later, tag="billed")
    assert [each.order_id for each in (await memory.order_page(_with_exceptions())).rows] == [SO1]


async def test_a_deletion_of_a_shipment_nobody_knows_yet_waits_for_it(database: Database) -> None:
    inbox, worker = Inbox(database), made(database)
    await inbox.accept([observation(Withdrawn(Subject.SHIPMENT, "SH1", "wms", NOW), "gone"), observation(order())])
    await worker.drain()
    assert (await inbox.backlog()).parked == 1
    await inbox.accept([observation(shipment(source=provenance("wms", NOW - timedelta(hours=1))))])
    await worker.drain()
    assert (await inbox.backlog()).parked == 0
    assert await Memory(database).shipments(ALL, [shipment().id]) == {}


async def test_every_delivery_is_settled_once_and_its_lag_is_told(database: Database) -> None:
    listener, clock = Listener(), Clock(NOW + timedelta(seconds=2))
    await Inbox(database).accept([observation(order()), observation(shipment())])
    await made(database, clock, listener=listener).drain()
    assert listener.lags == [timedelta(seconds=2)] * 2
    shown = await Inbox(database).show(("erp", "ORDER/SO1"))
    assert shown is not None
    assert shown[1] is State.SETTLED


@pytest.mark.parametrize("workers", [2])
async def test_two_workers_that_meet_at_one_order_lose_nothing(database: Database, workers: int) -> None:
    scans = [
        tracking(replace(event(S.IN_TRANSIT), id=f"scan {nth}", occurred=event(S.IN_TRANSIT, -nth / 100).occurred))
        for nth in range(60)
    ]
    await tell(database, order(), shipment())
    await Inbox(database).accept([observation(scan, f"scan {nth}") for nth, scan in enumerate(scans)])
    clock = Clock()
    crew = [made(database, clock, batch=3) for _ in range(workers)]
    while (backlog := await Inbox(database).backlog()).pending:
        await asyncio.gather(*(worker.drain() for worker in crew))
        clock.now += timedelta(seconds=30)
        assert backlog.dead == 0
    dossier = (await Memory(database).orders(ALL, [SO1]))[SO1]
    assert {each.id for each in dossier.tracking[0].events} >= {f"scan {nth}" for nth in range(60)}


def _with_exceptions() -> OrderQuery:
    return OrderQuery(ALL, OrderFilter(has_exception=True))
