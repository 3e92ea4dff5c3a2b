"""Makes memory differ from its owners, row by row, behind the back of everything that keeps them alike."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, update

from domain.dossier import Dossier
from domain.events import Subject
from domain.model import Invoice, Order, OrderId, Package, Return
from domain.projection import project
from store import indexing, tables
from store.database import Database
from store.documents import encode

GRACE = timedelta(hours=24)


async def rewrite(database: Database, dossiers: Iterable[Dossier]) -> None:
    """Their documents, and nothing else of their rows."""
    async with database.writing() as connection:
        for dossier in dossiers:
            row = (tables.orders.c.tenant == database.tenant) & (tables.orders.c.id == dossier.order_id)
            await connection.execute(update(tables.orders).where(row).values(document=encode(dossier)))


async def rewrite_records(database: Database, subject: Subject, records: Iterable[Invoice | Return]) -> None:
    table = indexing.RECORDS[subject]
    async with database.writing() as connection:
        for record in records:
            row = (table.c.tenant == database.tenant) & (table.c.id == record.id)
            await connection.execute(update(table).where(row).values(document=encode(record)))


async def lose(database: Database, ids: Iterable[OrderId]) -> None:
    async with database.writing() as connection:
        for id_ in ids:
            for table, key in (
                (tables.orders, tables.orders.c.id),
                (tables.shipments, tables.shipments.c.order_id),
                (tables.tracking_numbers, tables.tracking_numbers.c.order_id),
            ):
                await connection.execute(delete(table).where(table.c.tenant == database.tenant, key == id_))


async def invent(database: Database, dossiers: Iterable[Dossier], now: datetime) -> None:
    async with database.writing() as connection:
        for dossier in dossiers:
            found = project(dossier, now=now, carrier_grace=GRACE)
            row = indexing.order_row(database.tenant, dossier, found, 0)
            await connection.execute(insert(tables.orders).values(**row))


def stated(dossier: Dossier) -> Order:
    assert dossier.order is not None
    return dossier.order


def with_order(dossier: Dossier, change: Callable[[Order], Order]) -> Dossier:
    return replace(dossier, order=change(stated(dossier)))


def with_package(dossier: Dossier, change: Callable[[Package], Package]) -> tuple[Dossier, str, str]:
    """Changes the first package; and the shipment's and the package's id."""
    shipment = next(kept for kept in dossier.shipments if kept.packages)
    first, *rest = shipment.packages
    changed = replace(shipment, packages=(replace(first, package=change(first.package)), *rest))
    shipments = tuple(changed if kept is shipment else kept for kept in dossier.shipments)
    return replace(dossier, shipments=shipments), shipment.header.id, first.package.id
