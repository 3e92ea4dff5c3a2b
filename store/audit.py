"""The audit chain, kept: one writer at a time, what many record at once in one commit, read back to be verified."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import (
    Break,
    Checkpoint,
    Entry,
    Head,
    Link,
    Record,
    Verification,
    genesis,
    linked,
    mention,
    record,
    saw,
)
from store.database import Conflict, Database, StoreError, StoreUnavailable
from store.tables import audit, audit_heads

PAGE: Final = 1000
"""Records read at once."""

TOGETHER: Final = 500
"""Callers whose entries one commit writes at most, so that nobody holds the head for long."""


PACE: Final = 0.005
"""Seconds from the start of one commit to the start of the next: a commit costs about 1 ms of CPU, however much is in
it.
"""

_heads = audit_heads.c
_HELD: Final = select(_heads.sequence, _heads.hash).where(_heads.tenant == bindparam("b_tenant")).with_for_update()
_KEPT: Final = audit.insert()
_MOVED: Final = (
    update(audit_heads)
    .where(
        _heads.tenant == bindparam("b_tenant"),
        _heads.sequence == bindparam("b_sequence"),
        _heads.hash == bindparam("b_hash"),
    )
    .values(sequence=bindparam("to_sequence"), hash=bindparam("to_hash"))
)


async def append(connection: AsyncConnection, database: Database, entries: Sequence[Entry]) -> None:
    """Records ``entries`` in the transaction of ``connection``.

    Call it last in a transaction: others who record wait for the chain's head until it ends. Raises ValueError for
    what has no document.
    """
    if not entries:
        return
    tenant = database.tenant
    head = await _taken(connection, database)
    links = list(linked(entries, head))
    await connection.execute(_KEPT, [_row(tenant, link) for link in links])
    told = {"b_tenant": tenant, "b_sequence": head.sequence, "b_hash": head.hash}
    end = {"to_sequence": links[-1].sequence, "to_hash": links[-1].hash}
    if (await connection.execute(_MOVED, told | end)).rowcount != 1:
        raise Conflict("Two recorded at once.", detail=f"the audit chain's head moved from {head.sequence}")


async def _taken(connection: AsyncConnection, database: Database) -> Head:
    """The head, which nobody else may take until this transaction ends: its row is locked where rows can be, and in
    SQLite only one transaction writes.
    """
    told = {"b_tenant": database.tenant}
    row = (await connection.execute(_HELD, told)).one_or_none()
    if row is None:
        start = genesis(database.tenant)
        first = database.insert(audit_heads).values(tenant=database.tenant, sequence=start.sequence, hash=start.hash)
        await connection.execute(first.on_conflict_do_nothing())
        row = (await connection.execute(_HELD, told)).one()
    return Head(row.sequence, row.hash)


class Ledger:
    """Records what many tell at once in one commit. ``close`` it: what was told by then is recorded.

    Whoever comes while nothing was recorded for ``pace`` seconds is recorded at once.
    """

    def __init__(self, database: Database, *, pace: float = PACE) -> None:
        self._database = database
        self._pace = pace
        self._next = 0.0
        self._queue: list[tuple[Sequence[Entry], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def close(self) -> None:
        while self._writing is not None:
            await asyncio.wait({self._writing})

    async def append(self, entries: Sequence[Entry]) -> None:
        """Returns once they are recorded, durably. Raises StoreError: none of them is."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((entries, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await future

    async def _write(self) -> None:
        """Whoever comes before a commit begins goes into it."""
        loop = asyncio.get_running_loop()
        try:
            while self._queue:
                if (early := self._next - loop.time()) > 0:
                    await asyncio.sleep(early)
                self._next = loop.time() + self._pace
                queue, self._queue = self._queue[:TOGETHER], self._queue[TOGETHER:]
                await self._write_together(queue)
        finally:
            self._writing = None

    async def _write_together(self, queue: Sequence[tuple[Sequence[Entry], asyncio.Future[None]]]) -> None:
        try:
            async with self._database.writing() as connection:
                await append(connection, self._database, [entry for entries, _ in queue for entry in entries])
        except Exception as error:  # noqa: BLE001 (whoever waits is told)
            if len(queue) > 1 and not isinstance(error, StoreUnavailable):
                for each in queue:
                    await self._write_together([each])
                return
            for _, future in queue:
                if not future.done():
                    future.set_exception(_told(error))
            return
        for _, future in queue:
            if not future.done():
                future.set_result(None)


class Trail:
    """The chain of one tenant, read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenant = database.tenant

    async def head(self) -> Head:
        async with self._database.reading() as connection:
            return await self._head(connection) or genesis(self._tenant)

    async def checkpoint(self, *, now: datetime) -> Checkpoint:
        head = await self.head()
        return Checkpoint(self._tenant, head.sequence, head.hash, now)

    async def verify(self, checkpoint: Checkpoint | None = None) -> tuple[Head, Break | None]:
        """How far the chain holds, and where it does not. One view of it, so that who records meanwhile breaks
        nothing.
        """
        verification = Verification(self._tenant, checkpoint=checkpoint)
        async with self._database.reading() as connection:
            if self._database.dialect == "postgresql":
                await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            head = await self._head(connection)
            async for link in self._links(connection):
                verification.take(link)
        return verification.head, verification.outcome(head or genesis(self._tenant))

    async def links(
        self, *, since: datetime | None = None, until: datetime | None = None, mentions: str | None = None
    ) -> AsyncIterator[Link]:
        """From ``since`` on and before ``until``, in the chain's order; ``mentions``: none whose document lacks it."""
        table, chosen = audit.c, []
        if since is not None:
            chosen.append(table.at >= since)
        if until is not None:
            chosen.append(table.at < until)
        if mentions is not None:
            chosen.append(table.document.contains(mentions, autoescape=True))
        async with self._database.reading() as connection:
            async for link in self._links(connection, *chosen):
                yield link

    async def who_saw(self, type_: str, id_: str, *, since: datetime | None = None) -> AsyncIterator[Record]:
        """Every record that is about this entity."""
        async for link in self.links(since=since, mentions=mention(id_)):
            told = record(link.document)
            if saw(told, type_, id_):
                yield told

    async def _head(self, connection: AsyncConnection) -> Head | None:
        table = audit_heads.c
        chosen = select(table.sequence, table.hash).where(table.tenant == self._tenant)
        row = (await connection.execute(chosen)).one_or_none()
        return None if row is None else Head(row.sequence, row.hash)

    async def _links(self, connection: AsyncConnection, *chosen: Any) -> AsyncIterator[Link]:
        table = audit.c
        columns = (table.sequence, table.at, table.previous, table.document, table.hash)
        after = -1
        while True:
            page = select(*columns).where(table.tenant == self._tenant, table.sequence > after, *chosen)
            rows = (await connection.execute(page.order_by(table.sequence).limit(PAGE))).all()
            for row in rows:
                yield Link(*row)
            if len(rows) < PAGE:
                return
            after = rows[-1].sequence


def _row(tenant: str, link: Link) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "sequence": link.sequence,
        "at": link.at,
        "previous": link.previous,
        "document": link.document,
        "hash": link.hash,
    }


def _told(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    return StoreError("This cannot be recorded.", detail=f"{type(error).__name__}: {error}"[:500])
