"""The inbox: deliveries as they came, stored before anybody is told so, each worked on once, kept to be told again."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from sqlalchemy import and_, bindparam, func, or_, select, tuple_, update
from sqlalchemy import delete as delete_from
from sqlalchemy.exc import SQLAlchemyError

from domain.audit import Entry
from domain.events import HOUSE, Delivery
from store.audit import append
from store.database import Database, StoreError, StoreUnavailable
from store.documents import decode_headers, encode
from store.tables import deliveries

SHORTEST_MEMORY: Final = timedelta(days=7)
"""Deliveries are kept so long at least, so that what is told twice within it is known."""

RETOLD: Final = "rebuild"
"""How the reason begins of a delivery that is worked on anew for a rebuild, until it is settled again."""

HUSHED: Final = f"{HOUSE}-hushed"
"""The header of a delivery that is no news."""

Name: TypeAlias = tuple[str, str]
"""A delivery's source and its id there."""


class State(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    PARKED = "parked"
    SETTLED = "settled"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that one worker has for itself until its lease ends. ``attempts``: how often it was claimed, this time
    included; ``retold``: it was settled before, and is told again for a rebuild.
    """

    delivery: Delivery
    attempts: int
    retold: bool = False

    @property
    def hushed(self) -> bool:
        """Whether what it says is no news to anybody: memory learns what has long been so."""
        return HUSHED in self.delivery.headers


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that could not be worked on, as it came, and why."""

    delivery: Delivery
    reason: str
    attempts: int
    died_at: datetime


@dataclass(frozen=True, slots=True)
class Letters:
    """Which dead letters are meant: every condition given must hold. ``reason``: how it begins ("malformed")."""

    source: str | None = None
    external_id: str | None = None
    topic: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries are in each state that wants work, and since when the oldest due one waits."""

    pending: int
    parked: int
    dead: int
    oldest: datetime | None


class Inbox:
    """Accepts what many bring at once in one commit. ``close`` it: what was accepted by then is stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: list[tuple[Sequence[Delivery], Sequence[Entry], asyncio.Future[int]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def close(self) -> None:
        while self._storing is not None:
            await asyncio.wait({self._storing})

    async def accept(self, batch: Sequence[Delivery], audited: Sequence[Entry] = ()) -> int:
        """Stores what is not stored yet, durably and with its audit; how many that were. Raises StoreUnavailable: none
        of them is.
        """
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queue.append((batch, audited, future))
        if self._storing is None:
            self._storing = asyncio.create_task(self._store())
        return await future

    async def _store(self) -> None:
        """Whoever comes while a commit is under way goes into the next one."""
        try:
            while self._queue:
                queue, self._queue = self._queue, []
                await self._store_together(queue)
        finally:
            self._storing = None

    async def _store_together(
        self, queue: Sequence[tuple[Sequence[Delivery], Sequence[Entry], asyncio.Future[int]]]
    ) -> None:
        told = [delivery for batch, _, _ in queue for delivery in batch]
        try:
            new = await insert(self._database, told, [entry for _, audited, _ in queue for entry in audited])
        except (StoreError, SQLAlchemyError, ValueError) as error:
            if len(queue) > 1 and not isinstance(error, StoreUnavailable):
                for each in queue:
                    await self._store_together([each])
                return
            for _, _, future in queue:
                if not future.done():
                    future.set_exception(_told(error))
            return
        for batch, _, future in queue:
            names = {(delivery.source, delivery.external_id) for delivery in batch} & new
            new -= names
            if not future.done():
                future.set_result(len(names))

    async def claim(self, limit: int, *, now: datetime, lease: timedelta) -> Sequence[Claimed]:
        """Up to ``limit`` deliveries that are due, oldest first, for the caller alone until ``lease`` is over."""
        table, tenant = deliveries.c, self._database.tenant
        due = (
            select(table.source, table.external_id)
            .where(table.tenant == tenant, table.due_at <= now)
            .order_by(table.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        async with self._database.writing() as connection:
            names = [tuple(row) for row in await connection.execute(due)]
            if not names:
                return ()
            taken = (
                update(deliveries)
                .where(table.tenant == tenant, tuple_(table.source, table.external_id).in_(names))
                .values(due_at=now + lease, attempts=table.attempts + 1)
                .returning(*WHOLE, table.attempts, table.reason)
            )
            rows = (await connection.execute(taken)).all()
        return [
            Claimed(_delivery(row), row.attempts, (row.reason or "").startswith(RETOLD))
            for row in sorted(rows, key=lambda row: row.received_at)
        ]

    async def backlog(self) -> Backlog:
        table = deliveries.c
        counted = (
            select(table.state, func.count(), func.min(table.received_at))
            .where(table.tenant == self._database.tenant, table.state.in_((State.PENDING, State.PARKED, State.DEAD)))
            .group_by(table.state)
        )
        async with self._database.reading() as connection:
            found = {row[0]: (row[1], row[2]) for row in await connection.execute(counted)}
        pending, oldest = found.get(State.PENDING, (0, None))
        return Backlog(pending, found.get(State.PARKED, (0, None))[0], found.get(State.DEAD, (0, None))[0], oldest)

    # -- dead letters --------------------------------------------------------------------------------------------------

    async def dead(self, which: Letters = Letters(), *, limit: int = 100) -> Sequence[DeadLetter]:
        """The latest first."""
        table = deliveries.c
        chosen = (
            select(*WHOLE, table.attempts, table.reason, table.ended_at)
            .where(*_dead(self._database.tenant, which))
            .order_by(table.ended_at.desc(), table.source, table.external_id)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(chosen)).all()
        return [DeadLetter(_delivery(row), row.reason or "", row.attempts, row.ended_at) for row in rows]

    async def replay(self, which: Letters = Letters(), *, now: datetime, audited: Sequence[Entry] = ()) -> int:
        """Lets dead letters be worked on anew; how many."""
        return await self._again(*_dead(self._database.tenant, which), now=now, audited=audited)

    async def replay_since(self, since: datetime, *, source: str | None = None, now: datetime) -> int:
        """Lets everything received at or after ``since`` be worked on anew, settled or dead; how many."""
        table = deliveries.c
        chosen = [table.tenant == self._database.tenant, table.received_at >= since, table.due_at.is_(None)]
        if source is not None:
            chosen.append(table.source == source)
        return await self._again(*chosen, now=now)

    async def _again(self, *chosen: Any, now: datetime, audited: Sequence[Entry] = ()) -> int:
        again = (
            update(deliveries)
            .where(*chosen)
            .values(state=State.PENDING, due_at=now, attempts=0, waits_for=None, reason=None, ended_at=None)
        )
        async with self._database.writing() as connection:
            count = (await connection.execute(again)).rowcount
            await append(connection, self._database, audited)
            return count

    async def show(self, name: Name) -> tuple[Delivery, State, str | None] | None:
        """A delivery as it came, where it stands, and why; None: there is none of that name."""
        table = deliveries.c
        one = select(*WHOLE, table.state, table.reason).where(
            table.tenant == self._database.tenant, table.source == name[0], table.external_id == name[1]
        )
        async with self._database.reading() as connection:
            row = (await connection.execute(one)).one_or_none()
        return None if row is None else (_delivery(row), State(row.state), row.reason)

    async def prune(self, *, before: datetime, now: datetime) -> int:
        """Forgets what was settled before ``before``, but nothing received within the shortest memory; how many."""
        table = deliveries.c
        old = delete_from(deliveries).where(
            table.tenant == self._database.tenant,
            table.state == State.SETTLED,
            table.received_at < min(before, now - SHORTEST_MEMORY),
        )
        async with self._database.writing() as connection:
            return (await connection.execute(old)).rowcount


WHOLE: Final = (
    deliveries.c.source,
    deliveries.c.external_id,
    deliveries.c.topic,
    deliveries.c.received_at,
    deliveries.c.body,
    deliveries.c.headers,
    deliveries.c.correlation_id,
)


def inserting(database: Database) -> Any:
    """Stores deliveries that are not stored yet, and says which those were."""
    return database.insert(deliveries).on_conflict_do_nothing().returning(deliveries.c.source, deliveries.c.external_id)


def rows(database: Database, batch: Sequence[Delivery]) -> list[dict[str, Any]]:
    return [
        {
            "tenant": database.tenant,
            "source": each.source,
            "external_id": each.external_id,
            "topic": each.topic,
            "received_at": each.received_at,
            "body": each.body,
            "headers": encode(dict(each.headers)),
            "correlation_id": each.correlation_id,
            "state": State.PENDING,
            "due_at": each.received_at,
            "attempts": 0,
        }
        for each in batch
    ]


async def insert(database: Database, batch: Sequence[Delivery], audited: Sequence[Entry] = ()) -> set[Name]:
    """The names of those that were new."""
    if not batch:
        return set()
    async with database.writing() as connection:
        stored = await connection.execute(inserting(database), rows(database, batch))
        new = {(row.source, row.external_id) for row in stored}
        await append(connection, database, audited)
        return new


def named(tenant: str) -> Any:
    """The row of one delivery, its name bound as b_source and b_id."""
    table = deliveries.c
    return and_(table.tenant == tenant, table.source == bindparam("b_source"), table.external_id == bindparam("b_id"))


def _dead(tenant: str, which: Letters) -> Sequence[Any]:
    table = deliveries.c
    chosen = [table.tenant == tenant, table.state == State.DEAD]
    exact: Mapping[Any, str | None] = {
        table.source: which.source,
        table.external_id: which.external_id,
        table.topic: which.topic,
    }
    chosen += [column == value for column, value in exact.items() if value is not None]
    if which.reason is not None:
        chosen.append(or_(table.reason == which.reason, table.reason.startswith(which.reason, autoescape=True)))
    return chosen


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row.source,
        row.external_id,
        row.topic,
        row.received_at,
        row.body,
        decode_headers(row.headers),
        row.correlation_id,
    )


def _told(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    return StoreError("The delivery cannot be stored.", detail=f"{type(error).__name__}: {error}"[:500])
