"""What must hold of a store, whatever happened to the processes over it, given what senders noted."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from domain.dossier import Dossier
from domain.events import Delivery, Fact, Subject, Want
from domain.model import Tracking, WarehouseOrder
from domain.projection import project
from ingest.observer import Silence
from ingest.parsing import read
from ingest.worker import Rules, Worker
from server.systems import wall_clock
from sources import feeds
from sources.observer import Silence as Unobserved
from store.database import Database, StoreUnavailable
from store.documents import decode_change, decode_dossier
from store.inbox import WHOLE, Claimed, Inbox, State, _delivery
from store.tables import changes, deliveries, orders, wants
from store.upkeep import dump
from tests.durability.crowd import Noted
from tests.durability.site import SOURCES
from tests.durability.sites import PATIENCE
from tests.durability.trade import Key

READERS = feeds.feeds(SOURCES, Unobserved())


@dataclass(frozen=True)
class Kept:
    """A delivery as the store has it."""

    delivery: Delivery
    state: State
    reason: str | None


async def worked_off(url: str, tenant: str) -> None:
    """Waits until somebody has worked off the inbox; not for ever, and then ``judge`` says what is left."""
    ends = time.monotonic() + PATIENCE
    async with opened(url, tenant) as database:
        while not await _is_idle(database) and time.monotonic() < ends:  # noqa: ASYNC110 (another process's work)
            await asyncio.sleep(0.05)


async def _is_idle(database: Database) -> bool:
    try:
        backlog = await Inbox(database).backlog()
    except StoreUnavailable:
        return False
    return backlog.pending == backlog.parked == 0


async def judge(url: str, tenant: str, noted: Noted) -> None:
    """Asserts that what was accepted is there once, worked on once, and told once."""
    async with opened(url, tenant) as database:
        assert await database.is_sound()
        kept = await kept_in(database)
        judge_inbox(kept, noted)
        assert {key: (one.state, one.reason) for key, one in kept.items() if one.state is not State.SETTLED} == {}
        known = await _dossiers(database)
        _judge_facts(kept, known)
        await _judge_log(database, known)
        await _judge_model(database, [one.delivery for one in kept.values()])


def judge_inbox(kept: Mapping[Key, Kept], noted: Noted) -> None:
    """Everything accepted is there as it was told, and nothing that nobody told."""
    assert noted.accepted.keys() - kept.keys() == set(), "lost"
    assert kept.keys() - noted.told.keys() == set(), "never told"
    bodies = Counter((one.delivery.source, one.delivery.body) for one in kept.values())
    assert {name: count for name, count in bodies.items() if count > 1} == {}, "doubled"
    for key, one in kept.items():
        told = noted.told[key]
        assert (one.delivery.topic, one.delivery.body) == (told.topic, told.body)


async def kept_in(database: Database) -> Mapping[Key, Kept]:
    table = deliveries.c
    chosen = select(*WHOLE, table.state, table.reason).where(table.tenant == database.tenant)
    rows = await _all(database, chosen)
    return {(row.source, row.external_id): Kept(_delivery(row), State(row.state), row.reason) for row in rows}


@asynccontextmanager
async def opened(url: str, tenant: str) -> AsyncIterator[Database]:
    database = await Database.open(url, tenant)
    try:
        yield database
    finally:
        await database.close()


async def _all(database: Database, chosen: Any) -> Sequence[Any]:
    async with database.reading() as connection:
        rows: Sequence[Any] = (await connection.execute(chosen)).all()
        return rows


async def _dossiers(database: Database) -> Sequence[Dossier]:
    rows = await _all(database, select(orders.c.document).where(orders.c.tenant == database.tenant))
    return [decode_dossier(row.document) for row in rows]


def _facts(kept: Iterable[Delivery]) -> Iterable[Fact]:
    for delivery in kept:
        yield from read(Claimed(delivery, 1), READERS).facts


def _judge_facts(kept: Mapping[Key, Kept], known: Sequence[Dossier]) -> None:
    """Each task and each scan that any delivery tells of is in its order's dossier, once."""
    scans: Counter[str] = Counter()
    tasks: Counter[tuple[str, str]] = Counter()
    for fact in _facts(one.delivery for one in kept.values()):
        if isinstance(fact, Tracking):
            scans.update(event.id for event in fact.events)
        if isinstance(fact, WarehouseOrder):
            tasks.update((fact.order_id, str(task.at)) for task in fact.tasks)
    assert set(scans.values()) | set(tasks.values()) == {1}
    assert Counter(event.id for one in known for told in one.tracking for event in told.events) == scans
    assert Counter((one.order_id, str(task.at)) for one in known for task in one.tasks) == tasks


async def _judge_log(database: Database, known: Sequence[Dossier]) -> None:
    """No gaps; each status follows from the last one told; each event of a story is told once, and none is left out."""
    chosen = select(changes.c.position, changes.c.document).where(changes.c.tenant == database.tenant)
    rows = await _all(database, chosen.order_by(changes.c.position))
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    stands: dict[tuple[Subject, str], str | None] = {}
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for change in (decode_change(row.document) for row in rows):
        assert stands.get((change.subject, change.id)) == change.before
        stands[change.subject, change.id] = change.after
        if change.subject is Subject.ORDER:
            told[change.id].update(event.id for event in change.story)
    for dossier in known:
        stood = project(dossier, now=wall_clock(), carrier_grace=Rules().carrier_grace)
        assert stood is not None
        assert stands[Subject.ORDER, dossier.order_id] == stood.state.status
        assert told[dossier.order_id] == Counter(event.id for event in stood.story)


async def _judge_model(database: Database, told: Sequence[Delivery]) -> None:
    """What is remembered, and what is yet to be read, is as where the same was told once, in order and undisturbed."""
    async with opened(database.url, f"{database.tenant} undisturbed") as other:
        inbox = Inbox(other)
        in_order = sorted(told, key=lambda delivery: delivery.received_at)
        for nth in range(0, len(in_order), 500):
            await inbox.accept(in_order[nth : nth + 500])
        await Worker(other, inbox, READERS, now=wall_clock, observer=Silence()).drain()
        assert [row async for row in dump(database)] == [row async for row in dump(other)]
        assert await _wanted(database) == await _wanted(other)


async def _wanted(database: Database) -> set[Want]:
    """Of carriers; whether an order was ever wanted depends on who came first."""
    chosen = select(wants.c.subject, wants.c.key).where(
        wants.c.tenant == database.tenant, wants.c.subject == Subject.TRACKING
    )
    return {Want(Subject(row.subject), row.key) for row in await _all(database, chosen)}
