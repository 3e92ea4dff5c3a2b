"""What we remember, read: every row within what the caller may see; what is not visible is not there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, tuple_

from domain.access import Visibility
from domain.changes import Logged
from domain.dossier import Dossier
from domain.events import Subject, Want
from domain.model import Customer, CustomerId, Invoice, InvoiceId, OrderId, Return, ReturnId, Shipment, ShipmentId
from domain.queries import CustomerQuery, OrderQuery, Page, RecordQuery
from store import pages, tables, terms
from store.database import Database
from store.documents import decode_change, decode_dossier, decode_record
from store.folding import CHANGES
from store.indexing import RECORDS
from store.pages import sees
from store.runs import BACKFILL, REBUILD
from store.tables import changes, customers, orders, places, records_of_orders, runs, shipments

ALL: Final = Visibility(None)

DEEPEST: Final = 32
"""Levels of accounts below accounts; a hierarchy that is deeper is a circle."""


LAST: Final = "\U0010ffff"
"""Sorts after every text that continues another."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a search found."""

    subject: Subject
    id: str


class Memory:
    """Reads of one tenant. Nothing here waits for a source."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenant = database.tenant

    async def _all(self, statement: Select[Any]) -> Sequence[Any]:
        async with self._database.reading() as connection:
            rows: Sequence[Any] = (await connection.execute(statement)).all()
            return rows

    async def _one(self, statement: Select[Any]) -> Any:
        async with self._database.reading() as connection:
            return (await connection.execute(statement)).scalar()

    # -- orders -------------------------------------------------------------------------------------------------------

    async def orders(self, scope: Visibility, ids: Collection[OrderId]) -> Mapping[OrderId, Dossier]:
        """Those their owner has deleted are not there."""
        table = orders.c
        chosen = select(table.id, table.document).where(
            table.tenant == self._tenant, table.id.in_(ids), table.placed_at.is_not(None), *sees(orders, scope)
        )
        return {row.id: decode_dossier(row.document) for row in await self._all(chosen)}

    async def order_ids_by_po(self, scope: Visibility, po_numbers: Collection[str]) -> Mapping[str, Sequence[OrderId]]:
        table = orders.c
        chosen = (
            select(table.po_number, table.id)
            .where(table.tenant == self._tenant, table.po_number.in_(po_numbers), *sees(orders, scope))
            .order_by(table.placed_at.desc(), table.id.desc())
        )
        return _grouped((row.po_number, row.id) for row in await self._all(chosen))

    async def order_page(self, query: OrderQuery) -> Page[Dossier]:
        """In the query's order; dossiers hold amounts."""
        leaders = pages.order_leaders(self._tenant, query)
        if leaders is not None:
            query = pages.led(query, await self._all(leaders))
        rows = await self._all(pages.order_page(self._database.dialect, self._tenant, query))
        return Page([decode_dossier(row.document) for row in rows[: query.limit]], len(rows) > query.limit)

    async def order_count(self, query: OrderQuery) -> int:
        return int(await self._one(pages.order_count(self._tenant, query)))

    # -- shipments ----------------------------------------------------------------------------------------------------

    async def shipments(self, scope: Visibility, ids: Collection[ShipmentId]) -> Mapping[ShipmentId, Shipment]:
        table = shipments.c
        chosen = select(table.order_id).where(table.tenant == self._tenant, table.id.in_(ids), *sees(shipments, scope))
        found = await self._shipments_of(scope, {row.order_id for row in await self._all(chosen)})
        return {shipment.id: shipment for shipment in found if shipment.id in set(ids)}

    async def shipments_by_number(
        self, scope: Visibility, numbers: Collection[str]
    ) -> Mapping[str, Sequence[Shipment]]:
        """Those that have the tracking number now."""
        table = tables.tracking_numbers.c
        chosen = select(table.order_id).where(table.tenant == self._tenant, table.number.in_(numbers))
        found = await self._shipments_of(scope, {row.order_id for row in await self._all(chosen)})
        wanted = set(numbers)
        return _grouped(
            (number, shipment) for shipment in found for number in shipment.tracking_numbers if number in wanted
        )

    async def shipment_page(self, query: RecordQuery) -> Page[Shipment]:
        rows = await self._records_first(shipments, Subject.SHIPMENT, query)
        of = await self._shipments_of(query.visibility, {row.document for row in rows})
        found = {shipment.id: shipment for shipment in of}
        return Page([found[row.id] for row in rows[: query.limit] if row.id in found], len(rows) > query.limit)

    async def _shipments_of(self, scope: Visibility, order_ids: Collection[OrderId]) -> Sequence[Shipment]:
        known = await self.orders(scope, sorted(order_ids)) if order_ids else {}
        work = (dossier.warehouse for dossier in known.values())
        return [shipment for each in work if each for shipment in each.shipments]

    # -- invoices and returns -----------------------------------------------------------------------------------------

    async def invoices(self, scope: Visibility, ids: Collection[InvoiceId]) -> Mapping[InvoiceId, Invoice]:
        return await self._records(Subject.INVOICE, scope, ids)

    async def invoices_by_order(
        self, scope: Visibility, order_ids: Collection[OrderId]
    ) -> Mapping[OrderId, Sequence[Invoice]]:
        """Of each order in the order of their dates."""
        found: Mapping[OrderId, Sequence[Invoice]] = await self._by_order(
            Subject.INVOICE, scope, order_ids, lambda invoice: invoice.order_ids
        )
        return {id_: sorted(rows, key=lambda invoice: (invoice.date, invoice.id)) for id_, rows in found.items()}

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]:
        return await self._record_page(Subject.INVOICE, query)

    async def returns(self, scope: Visibility, ids: Collection[ReturnId]) -> Mapping[ReturnId, Return]:
        return await self._records(Subject.RETURN, scope, ids)

    async def returns_by_order(
        self, scope: Visibility, order_ids: Collection[OrderId]
    ) -> Mapping[OrderId, Sequence[Return]]:
        """Of each order in the order of their requests."""
        found: Mapping[OrderId, Sequence[Return]] = await self._by_order(
            Subject.RETURN, scope, order_ids, lambda rma: (rma.order_id,)
        )
        return {id_: sorted(rows, key=lambda rma: (rma.requested_at.at, rma.id)) for id_, rows in found.items()}

    async def return_page(self, query: RecordQuery) -> Page[Return]:
        return await self._record_page(Subject.RETURN, query)

    async def _records(self, subject: Subject, scope: Visibility, ids: Collection[Any]) -> Mapping[Any, Any]:
        """Those whose owner has deleted them belong to nobody, and are not there."""
        table = RECORDS[subject]
        chosen = select(table.c.id, table.c.document).where(
            table.c.tenant == self._tenant, table.c.id.in_(ids), table.c.at.is_not(None), *sees(table, scope)
        )
        return {row.id: decode_record(subject, row.document) for row in await self._all(chosen)}

    async def _by_order(
        self, subject: Subject, scope: Visibility, order_ids: Collection[OrderId], of: Any
    ) -> Mapping[OrderId, Sequence[Any]]:
        table, link = RECORDS[subject], records_of_orders.c
        chosen = (
            select(table.c.document)
            .distinct()
            .join(
                records_of_orders, (link.tenant == self._tenant) & (link.subject == subject) & (link.id == table.c.id)
            )
            .where(
                table.c.tenant == self._tenant,
                link.order_id.in_(order_ids),
                table.c.at.is_not(None),
                *sees(table, scope),
            )
        )
        records = [decode_record(subject, row.document) for row in await self._all(chosen)]
        wanted = set(order_ids)
        return _grouped((id_, record) for record in records for id_ in of(record) if id_ in wanted)

    async def _record_page(self, subject: Subject, query: RecordQuery) -> Page[Any]:
        rows = await self._records_first(RECORDS[subject], subject, query)
        found = [decode_record(subject, row.document) for row in rows[: query.limit]]
        return Page(found, len(rows) > query.limit)

    async def _records_first(self, table: Any, subject: Subject, query: RecordQuery) -> Sequence[Any]:
        leaders = pages.record_leaders(self._tenant, table, subject, query)
        if leaders is not None:
            query = pages.led(query, await self._all(leaders))
        return await self._all(pages.record_page(self._database.dialect, self._tenant, table, subject, query))

    # -- accounts -----------------------------------------------------------------------------------------------------

    async def customers(self, scope: Visibility, ids: Collection[CustomerId]) -> Mapping[CustomerId, Customer]:
        """An account is seen as a whole, wherever its goods go."""
        return await self._records(Subject.CUSTOMER, Visibility(scope.accounts), ids)

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]:
        table = customers.c
        chosen = select(table.document).where(table.tenant == self._tenant, table.at.is_not(None))
        chosen = chosen.where(*sees(customers, Visibility(query.visibility.accounts)))
        if query.after is not None:
            chosen = chosen.where(table.id > query.after)
        rows: list[Customer] = []
        limit = query.limit + 1
        fragment = query.name.casefold() if query.name else ""
        async with self._database.reading() as connection:
            stream = await connection.stream(chosen.order_by(table.id))
            async for row in stream:
                customer = decode_record(Subject.CUSTOMER, row.document)
                if isinstance(customer, Customer) and fragment in customer.name.casefold():
                    rows.append(customer)
                if len(rows) == limit:
                    break
            await stream.close()
        return Page(rows[: query.limit], len(rows) > query.limit)

    async def children(self, ids: Collection[CustomerId]) -> Mapping[CustomerId, Sequence[CustomerId]]:
        """The accounts right below; of an account without any, none."""
        table = customers.c
        chosen = (
            select(table.parent_id, table.id)
            .where(table.tenant == self._tenant, table.parent_id.in_(ids), table.at.is_not(None))
            .order_by(table.id)
        )
        return {**dict.fromkeys(ids, ()), **_grouped(tuple(row) for row in await self._all(chosen))}

    async def descendants(self, ids: Collection[CustomerId]) -> Mapping[CustomerId, frozenset[CustomerId]]:
        """All accounts below, themselves included."""
        found: dict[CustomerId, set[CustomerId]] = {id_: {id_} for id_ in ids}
        level: dict[CustomerId, set[CustomerId]] = {id_: {id_} for id_ in ids}
        for _ in range(DEEPEST):
            below = await self.children(sorted(set().union(*level.values())))
            level = {top: {child for each in now for child in below[each]} - found[top] for top, now in level.items()}
            if not any(level.values()):
                break
            for top, new in level.items():
                found[top] |= new
        return {top: frozenset(all_) for top, all_ in found.items()}

    async def accounts_in_territories(self, territories: Collection[str]) -> Mapping[str, frozenset[CustomerId]]:
        return await self._accounts_by(customers.c.territory, territories)

    async def accounts_in_subsidiaries(self, subsidiaries: Collection[str]) -> Mapping[str, frozenset[CustomerId]]:
        return await self._accounts_by(customers.c.subsidiary, subsidiaries)

    async def _accounts_by(self, column: Any, names: Collection[str]) -> Mapping[str, frozenset[CustomerId]]:
        table = customers.c
        chosen = select(column, table.id).where(table.tenant == self._tenant, column.in_(names), table.at.is_not(None))
        found = _grouped(tuple(row) for row in await self._all(chosen))
        return {name: frozenset(found.get(name, ())) for name in names}

    # -- search -------------------------------------------------------------------------------------------------------

    async def search(self, scope: Visibility, text: str, limit: int) -> Sequence[Hit]:
        """What is called so, then what holds such goods, then what begins so; the latest first, each thing once."""
        sought = terms.folded(text)
        if not sought or limit < 1:
            return ()
        table = tables.terms.c
        called, holds = table.term == sought, table.term == terms.sku_tag(text)
        begins = (table.term > sought) & (table.term < sought + LAST)
        hits: dict[Hit, None] = {}
        for condition in (called, holds, begins):
            for row in await self._all(pages.found(self._database.dialect, self._tenant, condition, scope, limit)):
                hits.setdefault(Hit(Subject(row.subject), row.id))
            if len(hits) >= limit:
                break
        return list(hits)[:limit]

    # -- the log of changes -------------------------------------------------------------------------------------------

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        """The oldest entries beyond position ``after``."""
        table = changes.c
        chosen = (
            select(table.position, table.document)
            .where(table.tenant == self._tenant, table.position > after)
            .order_by(table.position)
            .limit(limit)
        )
        return [Logged(row.position, decode_change(row.document)) for row in await self._all(chosen)]

    async def head(self) -> int:
        """The position of the newest entry there ever was; 0 before the first."""
        return await self.place(CHANGES)

    async def place(self, name: str) -> int:
        """How far a reader of the log has come; 0: it has not begun."""
        chosen = select(places.c.position).where(places.c.tenant == self._tenant, places.c.name == name)
        return int(await self._one(chosen) or 0)

    # -- itself -------------------------------------------------------------------------------------------------------

    async def holds_everything(self) -> bool:
        """Whether a backfill has ended, and no rebuild is under way."""
        table = runs.c
        chosen = (
            select(table.kind, func.count(), func.count(table.ended_at))
            .where(table.tenant == self._tenant, table.kind.in_((BACKFILL, REBUILD)))
            .group_by(table.kind)
        )
        found = {row[0]: (row[1], row[2]) for row in await self._all(chosen)}
        begun, ended = found.get(REBUILD, (0, 0))
        return bool(found.get(BACKFILL, (0, 0))[1] > 0 and begun == ended)

    async def counts(self) -> Mapping[str, int]:
        """Rows of each kind."""
        counted: dict[str, int] = {}
        for table in (orders, shipments, tables.invoices, tables.returns, customers):
            chosen = select(func.count()).select_from(table).where(table.c.tenant == self._tenant)
            counted[table.name] = int(await self._one(chosen) or 0)
        return counted

    async def ids(
        self, subject: Subject, *, scope: Visibility = ALL, after: str = "", limit: int = 1000
    ) -> Sequence[str]:
        """The numbers of what is remembered of a kind and not deleted, in order, for those who compare it with its
        owner.
        """
        table: Any = orders if subject is Subject.ORDER else RECORDS[subject]
        at = table.c.placed_at if subject is Subject.ORDER else table.c.at
        chosen = (
            select(table.c.id)
            .where(table.c.tenant == self._tenant, table.c.id > after, at.is_not(None), *sees(table, scope))
            .order_by(table.c.id)
            .limit(limit)
        )
        return [row.id for row in await self._all(chosen)]

    async def wanted(self, among: Collection[Want]) -> Mapping[Want, datetime]:
        """Those of ``among`` that are still to be read from their owners, and when."""
        table = tables.wants.c
        names = [(want.subject, want.key) for want in among]
        chosen = select(table.subject, table.key, table.due_at).where(
            table.tenant == self._tenant, tuple_(table.subject, table.key).in_(names)
        )
        return {Want(Subject(row.subject), row.key): row.due_at for row in await self._all(chosen)} if names else {}


def _grouped(pairs: Iterable[Any]) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return dict(found)
