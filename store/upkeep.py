"""Memory as a whole: dropped to be made again, written out to be compared, and cleared of what is too old."""

from collections.abc import AsyncIterator
from datetime import datetime

from sqlalchemy import delete, select, update

from store.database import Database
from store.folding import advance
from store.inbox import RETOLD, State
from store.tables import READ_MODEL, changes, deliveries, places

UNTOLD = frozenset({"tenant", "version"})
"""Whose a row is; and how often it was written, which depends on who arrived together. What it says does not."""


async def clear(database: Database, *, now: datetime) -> int:
    """Drops the read model and lets every delivery be worked on anew, as they came; how many. One transaction.

    What was settled is marked as told again, so that nobody is told its news twice; what waited still has news.
    """
    table = deliveries.c
    anew = {"state": State.PENDING, "attempts": 0, "waits_for": None, "ended_at": None}
    retold = {**anew, "due_at": table.received_at, "reason": RETOLD}
    unparked = {**anew, "due_at": now, "reason": None}
    async with database.writing() as connection:
        for each in READ_MODEL:
            await connection.execute(delete(each).where(each.c.tenant == database.tenant))
        told = 0
        for state, values in ((State.SETTLED, retold), (State.PARKED, unparked)):
            again = update(deliveries).where(table.tenant == database.tenant, table.state == state).values(**values)
            told += (await connection.execute(again)).rowcount
        return told


async def dump(database: Database) -> AsyncIterator[str]:
    """The read model, row by row, in one order everywhere: equal memories give equal lines."""
    async with database.reading() as connection:
        for table in READ_MODEL:
            told = [column for column in table.c if column.name not in UNTOLD]
            rows = select(*told).where(table.c.tenant == database.tenant).order_by(*table.primary_key)
            for row in await connection.execute(rows):
                yield f"{table.name}\t" + "\t".join(str(value) for value in row)


async def prune_changes(database: Database, *, before: datetime) -> int:
    """Forgets changes that nobody can ask for any more; how many."""
    old = delete(changes).where(changes.c.tenant == database.tenant, changes.c.at < before)
    async with database.writing() as connection:
        return (await connection.execute(old)).rowcount


class Place:
    """How far one reader of the log of changes has come, kept durably."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    async def place(self) -> int:
        chosen = select(places.c.position).where(places.c.tenant == self._database.tenant, places.c.name == self._name)
        async with self._database.reading() as connection:
            return int((await connection.execute(chosen)).scalar() or 0)

    async def move(self, position: int) -> None:
        async with self._database.writing() as connection:
            known = await advance(connection, self._database, self._name, 0)
            if position > known:
                await advance(connection, self._database, self._name, position - known)
