"""Opens the database that memory lives in, hands out its connections, and says in one way what can go wrong with it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Table, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from domain.errors import CrossdockError
from store.tables import deliveries

READERS: Final = 4
"""Connections that read a SQLite file at once, beside the one that writes."""

BUSY: Final = 10.0
"""Seconds to wait for another process that writes the same SQLite file, unless its address says ``?timeout=``."""

PG_CONNECTIONS: Final = 10

DRIVERS: Final = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


INSERT: Final = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class StoreError(CrossdockError):
    """Memory cannot do what it was asked."""


class StoreUnavailable(StoreError):
    """The database is not to be reached, full, or cannot write: nothing of the transaction was kept."""


class Conflict(StoreError):
    """Somebody else wrote the same row since it was read, or two waited for each other: nothing of the transaction was
    kept, and it may be tried again.
    """


class Database:
    """One tenant's rows of one database.

    SQLite: a single writing connection, taken in turn, and several that read (WAL); PostgreSQL: a pool. Every error
    leaves as StoreUnavailable, or as SQLAlchemy's IntegrityError where a constraint speaks.
    """

    def __init__(self, tenant: str, writing: AsyncEngine, reading: AsyncEngine, url: str) -> None:
        self.tenant = tenant
        self.url = url
        self._writing = writing
        self._reading = reading
        self._turn = asyncio.Lock() if writing.dialect.name == "sqlite" else None

    @classmethod
    async def open(cls, url: str, tenant: str = "main") -> "Database":
        """``url``: ``sqlite:///file`` or ``postgresql://…``. Brings the tables up to date. Raises StoreUnavailable."""
        address = make_url(url)
        driver = DRIVERS.get(address.get_backend_name())
        if driver is None:
            raise StoreError(f"{address.get_backend_name()} is neither sqlite nor postgresql")
        address = address.set(drivername=driver)
        if driver.startswith("sqlite"):
            with unavailable():
                _make_room(address.database)
            writing, reading = _sqlite(address, writes=True), _sqlite(address, writes=False)
        else:
            writing = reading = create_async_engine(
                address, pool_size=PG_CONNECTIONS, max_overflow=0, pool_pre_ping=True, pool_timeout=BUSY
            )
        database = cls(tenant, writing, reading, url)
        try:
            await database._migrate()
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def dialect(self) -> str:
        """Which of DRIVERS."""
        return self._writing.dialect.name

    def insert(self, table: Table) -> Any:
        """An INSERT that can say ON CONFLICT; each dialect has its own."""
        return INSERT[self.dialect](table)

    async def close(self) -> None:
        await self._reading.dispose()
        await self._writing.dispose()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed, durably, when the block ends, and undone when it raises."""
        async with self._in_turn():
            with unavailable():
                async with self._writing.begin() as connection:
                    yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A view of one instant."""
        with unavailable():
            async with self._reading.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        if self._turn is None:
            yield
            return
        async with self._turn:
            yield

    async def _migrate(self) -> None:
        """Two replicas may start at once: whoever comes second finds it done."""
        for attempt in range(5):
            try:
                async with self.writing() as connection:
                    await connection.run_sync(_upgrade)
            except (StoreUnavailable, SQLAlchemyError):
                if attempt == 4 or not await self._answers():
                    raise
                await asyncio.sleep(0.2 * (attempt + 1))
            else:
                return

    async def _answers(self) -> bool:
        try:
            async with self.reading() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except StoreUnavailable:
            return False
        return True

    async def is_sound(self) -> bool:
        """Whether the database finds no damage in itself, and every row can be read."""
        async with self.reading() as connection:
            if self.dialect == "sqlite":
                answer = await connection.exec_driver_sql("PRAGMA integrity_check")
                return list(answer.scalars()) == ["ok"]
            for table in deliveries.metadata.sorted_tables:
                await connection.execute(select(table))
            return True


@contextmanager
def unavailable() -> Iterator[None]:
    """Turns what a database that cannot work raises into StoreUnavailable; its words are for the log."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        if _class_of(error).startswith(ROLLED_BACK):
            raise Conflict("Two transactions were in each other's way.", detail=str(error.orig)[:500]) from error
        if (
            error.connection_invalidated
            or isinstance(error, OperationalError | InterfaceError)
            or isinstance(error.orig, sqlite3.DatabaseError)
            or _class_of(error).startswith(OUTAGES)
        ):
            raise _unavailable(error) from error
        raise
    except (OSError, TimeoutError, PoolTimeout) as error:
        raise _unavailable(error) from error


def _unavailable(error: BaseException) -> StoreUnavailable:
    cause = getattr(error, "orig", None) or error
    return StoreUnavailable("Memory is not to be had.", detail=f"{type(cause).__name__}: {cause}"[:500])


OUTAGES: Final = ("08", "53", "57", "58", "XX")
"""PostgreSQL's classes of errors that are the server's and not the statement's: connection, resources, intervention,
system, internal (its manual, appendix A).
"""

ROLLED_BACK: Final = "40"
"""The class of what may be tried again: deadlocks, and views that no longer hold."""


def _class_of(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _make_room(file: str | None) -> None:
    Path(file or "").resolve().parent.mkdir(parents=True, exist_ok=True)


def _sqlite(address: Any, *, writes: bool) -> AsyncEngine:
    """Transactions begin when we say so (the driver's own way would begin some too late to be one view)."""
    engine = create_async_engine(
        address,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1 if writes else READERS,
        max_overflow=0,
        connect_args={"timeout": float(address.query.get("timeout", BUSY))},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA cache_size = -65536" if writes else "PRAGMA cache_size = -16384")
        cursor.execute("PRAGMA temp_store = MEMORY")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("store") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
