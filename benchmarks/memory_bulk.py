"""Fills memory with a great many orders, past the worker: rows as the store builds them, copied with other numbers.

What is copied are the dossiers of real lives, each at some point of it. A copy has numbers, an account, a ship-to and a
time of its own; the times within its document stay those of the original. Indexes are made when all rows are there.
"""

import random
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any, Final

import asyncpg
from sqlalchemy import Index, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, DropIndex

from benchmarks import memory_load
from benchmarks.memory_ingest import GRACE
from benchmarks.memory_load import FEEDS, NOW, Life
from domain.dossier import Dossier
from domain.events import Subject
from domain.model import Customer, CustomerId, OrderId
from domain.order_exceptions import ExceptionKind
from domain.order_status import OrderStatus
from domain.projection import project
from domain.values import Provenance
from ingest.parsing import read
from sources import feeds
from sources.observer import Silence
from store import indexing, tables, terms
from store.database import Database
from store.inbox import Claimed
from store.tables import micros

BATCH: Final = 5_000
ACCOUNTS: Final = 4_000
SMALL, BIG = CustomerId("C-SMALL"), CustomerId("C-BIG")
"""The account of 50 orders, and the one of every twentieth."""
FEW: Final = 50
EVERY: Final = 20
SHIP_TOS: Final = 20
SPAN: Final = timedelta(days=3 * 365)
SKUS: Final = 97
"""Variants of all goods of an order but one, which is as common as its original."""

FILLED: Final = (tables.orders, tables.shipments, tables.terms, tables.tracking_numbers, tables.customers)

HELD: Final = 5_000
"""Every so many orders one is on hold, the rarest status there is."""
LATE: Final = 1_000
"""Every so many orders one is late: the only exception."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """A text that numbers are put into: every second part is the name of one."""

    parts: Sequence[str]

    def filled(self, numbers: Mapping[str, str]) -> str:
        return "".join(numbers[part] if nth % 2 else part for nth, part in enumerate(self.parts))


@dataclass(frozen=True, slots=True)
class Original:
    """One dossier's rows, taken apart."""

    numbers: Mapping[str, str]
    skus: Sequence[str]
    order: Mapping[str, Any]
    document: Parts
    shipments: Sequence[Parts]
    terms: Sequence[tuple[Parts, str, Parts]]
    tracked: Sequence[Parts]


def originals(of: Sequence[Life], seed: int = 2) -> Sequence[Original]:
    """Most of them at the end of their lives."""
    chance, reads = random.Random(seed), feeds.feeds(FEEDS, Silence())
    points = [chance.choice((1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.3)) for _ in of]
    return [_original(life, max(1, int(len(life.said) * point)), reads) for life, point in zip(of, points, strict=True)]


def _original(life: Life, until: int, reads: Mapping[str, feeds.Feed]) -> Original:
    dossier: Dossier | None = None
    for told in memory_load.deliveries(life.said[:until]):
        for fact in read(Claimed(told, 1), reads).facts:
            dossier = (dossier or Dossier(OrderId(str(getattr(fact, "id", ""))))).absorb(fact)
    found = project(dossier, now=NOW, carrier_grace=GRACE) if dossier else None
    if dossier is None or found is None:
        raise LookupError("a life without an order")
    numbers = {old.decode(): new for old, new in life.numbers.items()}
    skus = sorted({line.sku for line in found.order.lines})[1:]
    taken = _taker((*numbers, life.customer_id, *skus))
    row = indexing.order_row("", dossier, found, 0)
    return Original(
        numbers,
        skus,
        row,
        taken(row["document"]),
        [taken(each["id"]) for each in indexing.shipment_rows("", dossier, found)],
        [(taken(each.term), each.subject, taken(each.id)) for each in indexing.order_terms(found)],
        [taken(number) for number in sorted(dossier.numbers)],
    )


def _taker(names: Sequence[str]) -> Callable[[str], Parts]:
    """Terms hold names without case."""
    every = sorted({*names, *(name.casefold() for name in names)}, key=len, reverse=True)
    pattern = re.compile("(" + "|".join(map(re.escape, every)) + ")")
    return lambda text: Parts(pattern.split(text))


# -- rows --------------------------------------------------------------------------------------------------------------


def account_of(nth: int, count: int, chance: random.Random) -> str:
    if nth % max(1, count // FEW) == 1 and nth // max(1, count // FEW) < FEW:
        return SMALL
    if nth % EVERY == 0:
        return BIG
    return f"C{chance.randrange(ACCOUNTS):05}"


def rows(of: Sequence[Original], count: int, tenant: str) -> Iterator[Mapping[Table, Sequence[Row]]]:
    """By table, the rows of one order after the other, the oldest first."""
    chance = random.Random(3)
    begin, step = micros(NOW - SPAN), SPAN / timedelta(microseconds=1) / count
    for nth in range(count):
        one = of[chance.randrange(len(of))]
        account = account_of(nth, count, chance)
        ship_to = f"{account}/{min(SHIP_TOS, int(chance.expovariate(0.4)))}"
        at = begin + int(step * nth)
        numbers = {old: f"{new}{nth:08}" for old, new in one.numbers.items()}
        numbers |= {sku: f"{sku}.{nth % SKUS}" for sku in one.skus}
        numbers |= {old.casefold(): new.casefold() for old, new in numbers.items() if old.casefold() not in numbers}
        numbers = _with_account(one, numbers, account)
        id_, told = numbers[_only(one, "SO-")], one.order
        made = [shipment.filled(numbers) for shipment in one.shipments]
        late, status = nth % LATE == 11, OrderStatus.ON_HOLD if nth % HELD == 7 else told["status"]
        wrong = (terms.EXCEPTION, terms.exception_tag(ExceptionKind.DELIVERY_DELAYED)) if late else ()
        tags = [(tag, Subject.ORDER, id_) for tag in wrong]
        po_number = numbers.get(told["po_number"] or "", told["po_number"])
        yield {
            tables.orders: [
                (
                    tenant, id_, 1, account, ship_to, at, po_number, told["lifecycle"], status, late, None,
                    one.document.filled(numbers),
                )
            ],
            tables.shipments: [(tenant, shipment, id_, account, ship_to, at) for shipment in made],
            tables.terms: [
                (tenant, term, at, subject, of_id, account, ship_to, f"ORDER/{id_}")
                for term, subject, of_id in (
                    *((term.filled(numbers), subject, of_id.filled(numbers)) for term, subject, of_id in one.terms),
                    *tags,
                )
            ],
            tables.tracking_numbers: [(tenant, number.filled(numbers), id_) for number in one.tracked],
        }  # fmt: skip


def _with_account(one: Original, numbers: Mapping[str, str], account: str) -> dict[str, str]:
    old = str(one.order["customer_id"])
    return {**numbers, old: account, old.casefold(): account.casefold()}


def _only(one: Original, prefix: str) -> str:
    return next(old for old, new in one.numbers.items() if new == prefix)


def customers(tenant: str) -> tuple[list[Row], list[Row]]:
    """The accounts and their terms; of the first 40 the others are below the first, the first 500 are one territory."""
    words = ("Acme", "Supply", "Northern", "Pipe", "Valve", "Works", "Brothers", "Ärzte", "Industrial", "Bolt")
    made, found = list[Row](), list[Row]()
    for nth, id_ in enumerate([f"C{nth:05}" for nth in range(ACCOUNTS)] + [SMALL, BIG]):
        name = " ".join(words[(nth // 10**place) % 10] for place in range(4)) + f" {nth}"
        parent = CustomerId("C00000") if 0 < nth < 40 else None
        territory = "WEST" if nth < 500 else "EAST"
        one = Customer(
            CustomerId(id_), name, parent, (), "NET30", territory, None, "USD", None, None, Provenance("erp", NOW)
        )
        row = indexing.record_row(tenant, Subject.CUSTOMER, id_, one, withdrawn_at=None, version=0)
        row["at"] = micros(row["at"])
        made.append(tuple(row[column.name] for column in tables.customers.c))
        for term in indexing.record_terms(Subject.CUSTOMER, one, None):
            place = (term.subject, term.id, term.customer_id, term.ship_to_id)
            found.append((tenant, term.term, micros(term.at), *place, f"CUSTOMER/{id_}"))
    return made, found


# -- databases ---------------------------------------------------------------------------------------------------------


def _batches(of: Sequence[Original], count: int, tenant: str) -> Iterator[Mapping[Table, list[Row]]]:
    told = rows(of, count, tenant)
    while several := list(islice(told, BATCH)):
        yield {table: [row for each in several for row in each[table]] for table in several[0]}


def _indexes() -> list[Index]:
    return [index for table in FILLED for index in sorted(table.indexes, key=lambda index: str(index.name))]


async def fill(database: Database, of: Sequence[Original], count: int) -> None:
    accounts, named = customers(database.tenant)
    batches = _batches(of, count, database.tenant)
    first = {tables.customers: accounts, tables.terms: named}
    if database.dialect == "sqlite":
        _fill_sqlite(database.url.removeprefix("sqlite:///"), first, batches)
    else:
        await _fill_postgresql(database.url, first, batches)


def _fill_sqlite(file: str, first: Mapping[Table, list[Row]], batches: Iterator[Mapping[Table, list[Row]]]) -> None:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in ("synchronous = OFF", "cache_size = -4000000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    for index in _indexes():
        connection.execute(str(DropIndex(index).compile(dialect=sqlite.dialect())))
    _insert(connection, first)
    for batch in batches:
        _insert(connection, batch)
    for index in _indexes():
        connection.execute(str(CreateIndex(index).compile(dialect=sqlite.dialect())))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _insert(connection: sqlite3.Connection, batch: Mapping[Table, list[Row]]) -> None:
    connection.execute("BEGIN")
    for table, told in batch.items():
        places = ", ".join("?" * len(table.c))
        connection.executemany(f"INSERT OR IGNORE INTO {table.name} VALUES ({places})", told)  # noqa: S608
    connection.execute("COMMIT")


async def _fill_postgresql(
    url: str, first: Mapping[Table, list[Row]], batches: Iterator[Mapping[Table, list[Row]]]
) -> None:
    connection = await asyncpg.connect(url)
    try:
        for index in _indexes():
            await connection.execute(str(DropIndex(index).compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]
        await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'")
        await _copy(connection, first)
        for batch in batches:
            await _copy(connection, batch)
        for index in _indexes():
            await connection.execute(str(CreateIndex(index).compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _copy(connection: Any, batch: Mapping[Table, list[Row]]) -> None:
    for table, told in batch.items():
        await connection.copy_records_to_table(table.name, records=told, columns=[column.name for column in table.c])
