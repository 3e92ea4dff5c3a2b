"""Long work over the whole of memory: how far it has come, so that it can be watched, and resumed where it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Row, select, update

from domain.audit import Entry
from store.audit import append
from store.database import Database
from store.documents import decode_counts, encode
from store.tables import runs

BACKFILL: Final = "backfill"
REBUILD: Final = "rebuild"
RECONCILIATION: Final = "reconciliation"

DONE: Final = "done"


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``place``: where it would go on; ``counts``: what it did, by name; ``outcome`` None: not at its end."""

    id: str
    kind: str
    began_at: datetime
    moved_at: datetime
    ended_at: datetime | None
    outcome: str | None
    place: str
    counts: Mapping[str, int]


class Runs:
    """The runs of one tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, kind: str, *, now: datetime, audited: Sequence[Entry] = ()) -> Run:
        """A new one, or the last of its kind if that has not ended."""
        last = await self.last(kind)
        if last is not None and last.ended_at is None:
            if audited:
                async with self._database.writing() as connection:
                    await append(connection, self._database, audited)
            return last
        run = Run(f"{kind}-{now:%Y%m%dT%H%M%S}-{uuid4().hex[:8]}", kind, now, now, None, None, "", {})
        async with self._database.writing() as connection:
            await connection.execute(
                runs.insert().values(
                    tenant=self._database.tenant,
                    id=run.id,
                    kind=kind,
                    began_at=now,
                    moved_at=now,
                    place=run.place,
                    counts=encode(dict(run.counts)),
                )
            )
            await append(connection, self._database, audited)
        return run

    async def move(self, run: Run, place: str, counts: Mapping[str, int], *, now: datetime) -> None:
        """It has come to ``place``."""
        await self._set(run, place=place, counts=encode(dict(counts)), moved_at=now)

    async def end(self, run: Run, counts: Mapping[str, int], *, now: datetime, outcome: str = DONE) -> None:
        await self._set(run, counts=encode(dict(counts)), moved_at=now, ended_at=now, outcome=outcome)

    async def is_open(self, kind: str) -> bool:
        """Whether one of its kind is under way."""
        last = await self.last(kind)
        return last is not None and last.ended_at is None

    async def last(self, kind: str) -> Run | None:
        found = await self.all(kind, limit=1)
        return found[0] if found else None

    async def all(self, kind: str | None = None, *, limit: int = 20) -> Sequence[Run]:
        """The latest first."""
        table = runs.c
        chosen = select(runs).where(table.tenant == self._database.tenant)
        if kind is not None:
            chosen = chosen.where(table.kind == kind)
        async with self._database.reading() as connection:
            found = (await connection.execute(chosen.order_by(table.began_at.desc()).limit(limit))).all()
        return [_run(row) for row in found]

    async def _set(self, run: Run, **values: Any) -> None:
        table = runs.c
        one = update(runs).where(table.tenant == self._database.tenant, table.id == run.id)
        async with self._database.writing() as connection:
            await connection.execute(one.values(**values))


def _run(row: Row[Any]) -> Run:
    return Run(
        row.id,
        row.kind,
        row.began_at,
        row.moved_at,
        row.ended_at,
        row.outcome,
        row.place,
        decode_counts(row.counts),
    )
