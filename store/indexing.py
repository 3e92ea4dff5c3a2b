"""What is written of a row beside its document: the columns it is filtered by, and every term it is found by."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, TypeAlias

from sqlalchemy import and_, bindparam, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.dossier import Dossier
from domain.events import Subject
from domain.model import Customer, Invoice, OrderId, Return
from domain.projection import Projection
from store import tables, terms
from store.database import Database
from store.documents import encode
from store.tables import EPOCH

RECORDS: Mapping[Subject, Any] = {
    Subject.INVOICE: tables.invoices,
    Subject.RETURN: tables.returns,
    Subject.CUSTOMER: tables.customers,
}

TERMS: Mapping[Subject, Callable[[Any], frozenset[str]]] = {
    Subject.INVOICE: terms.of_invoice,
    Subject.RETURN: terms.of_return,
    Subject.CUSTOMER: terms.of_customer,
}

Record: TypeAlias = Invoice | Return | Customer


@dataclass(frozen=True, slots=True)
class Term:
    """One term of one thing."""

    term: str
    at: datetime
    subject: Subject
    id: str
    customer_id: str
    ship_to_id: str | None


# -- orders ------------------------------------------------------------------------------------------------------------


def order_row(tenant: str, dossier: Dossier, found: Projection | None, version: int) -> dict[str, Any]:
    """``version``: what it was read at."""
    order = found.order if found else None
    return {
        "tenant": tenant,
        "id": dossier.order_id,
        "version": version + 1,
        "customer_id": order and order.customer_id,
        "ship_to_id": order and order.ship_to_id,
        "placed_at": order and order.placed_at.at,
        "po_number": order and order.po_number,
        "lifecycle": order and order.lifecycle,
        "status": found and found.state.status,
        "has_exception": found and bool(found.exceptions),
        "review_at": found and found.review_at,
        "document": encode(dossier),
    }


def order_terms(found: Projection | None) -> Iterator[Term]:
    """Those of its shipments too."""
    if found is None:
        return
    order = found.order
    for term in terms.of_order(order) | terms.tags(found):
        yield Term(term, order.placed_at.at, Subject.ORDER, order.id, order.customer_id, order.ship_to_id)
    for state in found.shipments:
        made = state.shipment
        for term in terms.of_shipment(made):
            yield Term(term, made.created_at.at, Subject.SHIPMENT, made.id, order.customer_id, order.ship_to_id)


def shipment_rows(tenant: str, dossier: Dossier, found: Projection | None) -> Iterator[dict[str, Any]]:
    """Who may see an order may see what was sent of it. What is gone stays known by its number, and nobody's."""
    order = found.order if found else None
    current = {state.shipment.id: state.shipment.created_at.at for state in found.shipments} if found else {}
    for kept in dossier.shipments:
        here = order if kept.header.id in current else None
        yield {
            "tenant": tenant,
            "id": kept.header.id,
            "order_id": dossier.order_id,
            "customer_id": here and here.customer_id,
            "ship_to_id": here and here.ship_to_id,
            "at": current.get(kept.header.id),
        }


# -- records -----------------------------------------------------------------------------------------------------------


def record_row(
    tenant: str, subject: Subject, id_: str, record: Record | None, *, withdrawn_at: datetime | None, version: int
) -> dict[str, Any]:
    """``version``: what it was read at."""
    row: dict[str, Any] = {
        "tenant": tenant,
        "id": id_,
        "version": version + 1,
        "withdrawn_at": withdrawn_at,
        "document": encode(record) if record else None,
    }
    gone = record is None or _is_gone(record, withdrawn_at)
    owner, ship_to, at = (None, None, None) if record is None or gone else _place(record)
    row |= {"customer_id": owner, "ship_to_id": ship_to, "at": at}
    if subject is Subject.CUSTOMER:
        here = record if isinstance(record, Customer) and not gone else None
        row |= {name: here and getattr(here, name) for name in ("parent_id", "territory", "subsidiary")}
    return row


def record_terms(subject: Subject, record: Record | None, withdrawn_at: datetime | None) -> Iterator[Term]:
    if record is None or _is_gone(record, withdrawn_at):
        return
    owner, ship_to, at = _place(record)
    for term in TERMS[subject](record):
        yield Term(term, at, subject, record.id, owner, ship_to)


def _place(record: Record) -> tuple[str, str | None, datetime]:
    """Whose it is, where it goes, and where it stands in a list."""
    match record:
        case Invoice():
            return record.customer_id, record.ship_to_id, datetime.combine(record.date, time(), UTC)
        case Return():
            return record.customer_id, record.ship_to_id, record.requested_at.at
        case Customer():
            return record.id, None, EPOCH


def order_ids(record: Record | None) -> Sequence[OrderId]:
    """The orders a record is of."""
    match record:
        case Invoice():
            return record.order_ids
        case Return(order_id=order_id) if order_id:
            return (order_id,)
        case _:
            return ()


def _is_gone(record: Record, withdrawn_at: datetime | None) -> bool:
    return withdrawn_at is not None and withdrawn_at >= record.source.as_of


# -- terms -------------------------------------------------------------------------------------------------------------


async def reindex(connection: AsyncConnection, database: Database, made: Mapping[str, Collection[Term]]) -> None:
    """``made``: by row, all the terms it now has. Only what differs is written."""
    table, tenant = tables.terms, database.tenant
    chosen = select(table).where(table.c.tenant == tenant, table.c.row.in_(sorted(made)))
    known = {
        (row.row, Term(row.term, row.at, Subject(row.subject), row.id, row.customer_id, row.ship_to_id))
        for row in (await connection.execute(chosen)).all()
    }
    wanted = {(row, term) for row, terms_ in made.items() for term in terms_}
    if gone := known - wanted:
        key = ("term", "at", "subject", "id")
        is_it = (table.c[name] == bindparam(f"b_{name}", type_=table.c[name].type) for name in key)
        unused = delete(table).where(and_(table.c.tenant == tenant, *is_it))
        await connection.execute(unused, [{f"b_{name}": getattr(term, name) for name in key} for _, term in gone])
    if new := wanted - known:
        added = database.insert(table).on_conflict_do_nothing()
        await connection.execute(
            added,
            [
                {
                    "tenant": tenant,
                    "term": term.term,
                    "at": term.at,
                    "subject": term.subject,
                    "id": term.id,
                    "customer_id": term.customer_id,
                    "ship_to_id": term.ship_to_id,
                    "row": row,
                }
                for row, term in sorted(new, key=lambda each: (each[1].term, each[0], each[1].id))
            ],
        )
