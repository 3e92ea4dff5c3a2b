"""One fold as one transaction: reads what it needs, gathers what it changes, writes all of that at once or nothing."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeAlias, TypeVar

from sqlalchemy import Table, bindparam, case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.changes import Change
from domain.dossier import Dossier
from domain.events import Subject, Want
from domain.model import Customer, Invoice, OrderId, Return
from domain.projection import Projection
from store import indexing
from store.database import Conflict, Database
from store.documents import decode_dossier, decode_record, encode
from store.inbox import Name, State, named
from store.tables import changes, deliveries, orders, places, records_of_orders, shipments, tracking_numbers, wants

T = TypeVar("T")

CHANGES: Final = "changes"
"""The name of the log's end among the places."""

Record: TypeAlias = Invoice | Return | Customer


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A row as it was read, and how often it had been written by then."""

    value: T
    version: int


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record as last told, and when its owner deleted it; ``version`` 0: it has never been written."""

    record: Record | None
    withdrawn_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class OrderRow:
    """A dossier to be saved, what it comes to (None: its owner has deleted the order), and the version it was read
    at.
    """

    dossier: Dossier
    projection: Projection | None
    version: int


class Folding:
    """Reads see what was committed; nothing is written before ``commit``, and then guarded by the versions that were
    read.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenant = database.tenant
        self._orders: list[OrderRow] = []
        self._records: dict[Subject, Mapping[str, KeptRecord]] = {}
        self._changes: list[Change] = []
        self._moved: list[dict[str, Any]] = []
        self._arrived: set[str] = set()
        self._arrived_at: datetime | None = None
        self._wanted: dict[Want, datetime] = {}

    # -- what is known ---------------------------------------------------------------------------------------------

    async def dossiers(self, ids: Collection[OrderId]) -> Mapping[OrderId, Kept[Dossier]]:
        table = orders.c
        if not ids:
            return {}
        chosen = select(table.id, table.version, table.document).where(
            table.tenant == self._tenant, table.id.in_(sorted(ids))
        )
        return {row.id: Kept(decode_dossier(row.document), row.version) for row in await self._read(chosen)}

    async def orders_with(self, numbers: Collection[str]) -> Mapping[str, frozenset[OrderId]]:
        """By tracking number, the orders whose shipments have or had it."""
        table = tracking_numbers.c
        if not numbers:
            return {}
        chosen = select(table.number, table.order_id).where(
            table.tenant == self._tenant, table.number.in_(sorted(numbers))
        )
        found: dict[str, set[OrderId]] = defaultdict(set)
        for row in await self._read(chosen):
            found[row.number].add(row.order_id)
        return {number: frozenset(ids) for number, ids in found.items()}

    async def orders_of_shipments(self, ids: Collection[str]) -> Mapping[str, OrderId]:
        table = shipments.c
        if not ids:
            return {}
        chosen = select(table.id, table.order_id).where(table.tenant == self._tenant, table.id.in_(sorted(ids)))
        return {row.id: row.order_id for row in await self._read(chosen)}

    async def records(self, subject: Subject, ids: Collection[str]) -> Mapping[str, KeptRecord]:
        if not ids:
            return {}
        table = indexing.RECORDS[subject].c
        chosen = select(table.id, table.version, table.withdrawn_at, table.document).where(
            table.tenant == self._tenant, table.id.in_(sorted(ids))
        )
        return {
            row.id: KeptRecord(
                decode_record(subject, row.document) if row.document else None, row.withdrawn_at, row.version
            )
            for row in await self._read(chosen)
        }

    async def due_reviews(self, now: datetime, limit: int) -> Sequence[OrderId]:
        """Orders that time alone may have changed."""
        table = orders.c
        due = (
            select(table.id)
            .where(table.tenant == self._tenant, table.review_at <= now)
            .order_by(table.review_at)
            .limit(limit)
        )
        return [row.id for row in await self._read(due)]

    async def _read(self, statement: Any) -> Sequence[Any]:
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).all()

    # -- what is to change -------------------------------------------------------------------------------------------

    def save_orders(self, rows: Iterable[OrderRow]) -> None:
        self._orders.extend(rows)

    def save_records(self, subject: Subject, rows: Mapping[str, KeptRecord]) -> None:
        """``rows`` at the versions they were read at."""
        self._records[subject] = rows

    def append(self, made: Iterable[Change]) -> None:
        """To the log, in this order."""
        self._changes.extend(made)

    def settle(self, names: Iterable[Name], *, at: datetime) -> None:
        self._move(names, state=State.SETTLED, ended_at=at)

    def park(self, name: Name, *, waits_for: str, reason: str, retry_at: datetime) -> None:
        self._move([name], state=State.PARKED, waits_for=waits_for, reason=reason, due_at=retry_at)

    def retry(self, name: Name, *, at: datetime, reason: str) -> None:
        self._move([name], state=State.PENDING, reason=reason, due_at=at)

    def bury(self, name: Name, *, reason: str, at: datetime) -> None:
        """Makes it a dead letter."""
        self._move([name], state=State.DEAD, reason=reason, ended_at=at)

    def unpark(self, keys: Iterable[str], *, now: datetime) -> None:
        """What waits for any of ``keys`` is due."""
        self._arrived.update(keys)
        self._arrived_at = now

    def want(self, wanted: Iterable[Want], *, due: datetime) -> None:
        """To be read from their owners; what is wanted already is read once, at the earlier time."""
        for want in wanted:
            self._wanted[want] = min(self._wanted.get(want, due), due)

    def _move(self, names: Iterable[Name], **to: Any) -> None:
        empty = {"due_at": None, "waits_for": None, "reason": None, "ended_at": None}
        bound = {f"to_{name}": value for name, value in {**empty, **to}.items()}
        self._moved.extend({"b_source": source, "b_id": id_, **bound} for source, id_ in names)

    # -- all of it at once -------------------------------------------------------------------------------------------

    async def commit(self) -> None:
        """Raises Conflict or StoreUnavailable: nothing was kept."""
        try:
            async with self._database.writing() as connection:
                await self._save_orders(connection)
                for subject, records in self._records.items():
                    await self._save_records(connection, subject, records)
                await self._settle(connection)
                await add_wants(connection, self._database, self._wanted)
                await self._append(connection)
        except IntegrityError as error:  # two wrote the same new row
            raise Conflict("A row was written by somebody else.", detail=str(error.orig)[:500]) from error

    async def _save_orders(self, connection: AsyncConnection) -> None:
        if not self._orders:
            return
        rows = sorted(self._orders, key=lambda row: row.dossier.order_id)
        values = [indexing.order_row(self._tenant, row.dossier, row.projection, row.version) for row in rows]
        await self._save(connection, orders, values)
        numbers = [
            {"tenant": self._tenant, "number": number, "order_id": row.dossier.order_id}
            for row in rows
            for number in sorted(row.dossier.numbers)
        ]
        await self._add(connection, tracking_numbers, numbers)
        await self._save_shipments(connection, rows)
        made = {f"ORDER/{row.dossier.order_id}": [*indexing.order_terms(row.projection)] for row in rows}
        await indexing.reindex(connection, self._database, made)

    async def _save_shipments(self, connection: AsyncConnection, rows: Sequence[OrderRow]) -> None:
        made = [each for row in rows for each in indexing.shipment_rows(self._tenant, row.dossier, row.projection)]
        if made:
            saved = self._database.insert(shipments)
            saved = saved.on_conflict_do_update(
                index_elements=["tenant", "id"],
                set_={name: saved.excluded[name] for name in ("order_id", "customer_id", "ship_to_id", "at")},
            )
            await connection.execute(saved, made)

    async def _save_records(
        self, connection: AsyncConnection, subject: Subject, records: Mapping[str, KeptRecord]
    ) -> None:
        if not records:
            return
        table = indexing.RECORDS[subject]
        values = [
            indexing.record_row(
                self._tenant, subject, id_, kept.record, withdrawn_at=kept.withdrawn_at, version=kept.version
            )
            for id_, kept in sorted(records.items())
        ]
        await self._save(connection, table, values)
        of = [
            {"tenant": self._tenant, "subject": subject, "order_id": order_id, "id": id_}
            for id_, kept in sorted(records.items())
            for order_id in indexing.order_ids(kept.record)
        ]
        await self._add(connection, records_of_orders, of)
        made = {
            f"{subject}/{id_}": [*indexing.record_terms(subject, kept.record, kept.withdrawn_at)]
            for id_, kept in records.items()
        }
        await indexing.reindex(connection, self._database, made)

    async def _save(self, connection: AsyncConnection, table: Table, values: Sequence[dict[str, Any]]) -> None:
        """Each row if it still is at the version it was read at; else none."""
        saved = self._database.insert(table)
        saved = saved.on_conflict_do_update(
            index_elements=[table.c.tenant, table.c.id],
            set_={each.name: saved.excluded[each.name] for each in table.c if each.name not in ("tenant", "id")},
            where=table.c.version == saved.excluded.version - 1,
        )
        written = (await connection.execute(saved.returning(table.c.id), values)).all()
        if len(written) != len(values):
            raise Conflict("A row was written by somebody else.", detail=table.name)

    async def _add(self, connection: AsyncConnection, table: Table, values: Sequence[dict[str, Any]]) -> None:
        if values:
            await connection.execute(self._database.insert(table).on_conflict_do_nothing(), values)

    async def _settle(self, connection: AsyncConnection) -> None:
        table = deliveries.c
        if self._moved:
            columns = ("state", "due_at", "waits_for", "reason", "ended_at")
            moved = (
                update(deliveries)
                .where(named(self._tenant))
                .values({name: bindparam(f"to_{name}", type_=table[name].type) for name in columns})
            )
            ordered = sorted(self._moved, key=lambda each: (each["b_source"], each["b_id"]))
            await connection.execute(moved, ordered)
        if self._arrived:
            due = (
                update(deliveries)
                .where(
                    table.tenant == self._tenant,
                    table.state == State.PARKED,
                    table.waits_for.in_(sorted(self._arrived)),
                )
                .values(due_at=self._arrived_at)
            )
            await connection.execute(due)

    async def _append(self, connection: AsyncConnection) -> None:
        """Last of all, so that whoever has the end of the log holds it briefly; and in turn, so that it has no gaps."""
        if not self._changes:
            return
        end = await advance(connection, self._database, CHANGES, len(self._changes))
        first = end - len(self._changes) + 1
        values = [
            {"tenant": self._tenant, "position": first + nth, "at": change.at, "document": encode(change)}
            for nth, change in enumerate(self._changes)
        ]
        await connection.execute(changes.insert(), values)


async def advance(connection: AsyncConnection, database: Database, name: str, by: int) -> int:
    """Moves a place on and says where it is then; others wait until this transaction ends."""
    place = database.insert(places).values(tenant=database.tenant, name=name, position=by)
    moved = place.on_conflict_do_update(
        index_elements=[places.c.tenant, places.c.name], set_={"position": places.c.position + by}
    ).returning(places.c.position)
    return int((await connection.execute(moved)).scalar_one())


async def add_wants(connection: AsyncConnection, database: Database, wanted: Mapping[Want, datetime]) -> None:
    """Wanted anew while it is being read, it is read again: what is read now may be older than the event."""
    if not wanted:
        return
    table = wants.c
    values = [
        {
            "tenant": database.tenant,
            "subject": want.subject,
            "key": want.key,
            "due_at": due,
            "version": 1,
            "attempts": 0,
        }
        for want, due in wanted.items()
    ]
    added = database.insert(wants)
    sooner = case((table.due_at < added.excluded.due_at, table.due_at), else_=added.excluded.due_at)
    added = added.on_conflict_do_update(
        index_elements=[table.tenant, table.subject, table.key],
        set_={"due_at": sooner, "version": table.version + 1, "attempts": 0},
    )
    await connection.execute(added, values)
