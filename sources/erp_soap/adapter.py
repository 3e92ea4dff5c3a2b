"""Reads the SOAP ERP: one call for any number of keys up to its batch limit."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, urljoin

from domain.access import Visibility
from domain.errors import SourceFault
from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    Order,
    OrderId,
    Receivables,
    Return,
    ReturnId,
)
from domain.queries import CustomerQuery, OrderQuery, Page, RecordQuery
from sources.batches import Answers, in_batches
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.erp_soap import queries, records
from sources.erp_soap.accounts import AccountPlace, BalanceRecord, CustomerRecord
from sources.erp_soap.invoices import CreditMemoRecord, InvoiceRecord
from sources.erp_soap.lexical import sayable
from sources.erp_soap.orders import OrderName, OrderRecord
from sources.erp_soap.records import PAGE, Kind, Records, Spoilt
from sources.erp_soap.returns import ReturnRecord
from sources.erp_soap.soap import Service
from sources.erp_soap.tables import Tables
from sources.erp_soap.wire import Meaning, given
from sources.erp_soap.writer import Of, Values
from sources.ports import Batch
from sources.transport import Transport

K = TypeVar("K", bound=str)
V = TypeVar("V")
R = TypeVar("R", Invoice, Return)

BATCH: Final = PAGE
"""Keys in one call. The ERP takes 1,000, but the answer must stay within our own limit on bodies."""
MOST_VALUES: Final = 1000
"""Values the ERP takes in one condition of a search."""

SALES, ACCOUNTS = "{urn:erp.example:sales:2026_1}", "{urn:erp.example:accounts:2026_1}"
DOCUMENTS: Final[dict[str, type[InvoiceRecord] | type[CreditMemoRecord]]] = {
    SALES + "Invoice": InvoiceRecord,
    SALES + "CreditMemo": CreditMemoRecord,
}

RMA: Final = "returnAuthorization"

WHOLE: Final = {"includeAmounts": True, "bodyFieldsOnly": False}
HEADS: Final = {"includeAmounts": False, "bodyFieldsOnly": True}


class SoapErp:
    """The ERP behind ``ErpSource`` and ``ReturnsSource``.

    ``config.username`` and ``config.password`` sign each request; ``config.url`` is as ``soap.Service`` says.
    """

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._files = urljoin(config.url, "files/")
        login = f"{config.username}:{config.password or ''}".encode()
        self._credentials = {"Authorization": f"Basic {b64encode(login).decode()}"} if config.username else {}
        codes = self._codes = CodeTable.read("erp", Path(__file__).with_name("codes.tsv"), Meaning, config.codes)
        self._order = {
            (lines, amounts): Kind(
                {SALES + "SalesOrder": OrderRecord},
                partial(OrderRecord.to_domain, codes=codes, amounts=amounts, lines=lines),
            )
            for lines in (False, True)
            for amounts in (False, True)
        }
        self._order_name = Kind({SALES + "SalesOrder": OrderName}, lambda record, _: record)
        self._customer = Kind({ACCOUNTS + "Customer": CustomerRecord}, partial(CustomerRecord.to_domain, codes=codes))
        self._place = Kind({ACCOUNTS + "Customer": AccountPlace}, lambda record, _: record)
        self._balance = Kind({ACCOUNTS + "CustomerBalance": BalanceRecord}, BalanceRecord.to_domain, _owner)
        self._document = Kind(DOCUMENTS, lambda record, source: record.to_domain(source, codes=codes))
        self._return = Kind({SALES + "ReturnAuthorization": ReturnRecord}, partial(ReturnRecord.to_domain, codes=codes))
        self._service = Service(config, transport, self._prepare)
        self._records = Records(config.name, self._service)

    def _prepare(self, tables: Tables) -> Tables:
        """Compiles every reader before any is used, so that a WSDL that does not fit is refused as a whole."""
        records.prepare(tables)
        kinds: Iterable[Kind[Any, Any]] = (
            *self._order.values(),
            self._order_name,
            self._customer,
            self._place,
            self._balance,
            self._document,
            self._return,
        )
        for kind in kinds:
            for name, struct in kind.structs.items():
                tables.reader(name, struct)
        return tables

    async def warm(self) -> None:
        """Reads the WSDL, which may take longer than a caller would wait. Raises SourceError when it cannot be had."""
        await self._service.read_contract()

    # -- orders ------------------------------------------------------------------------------------------------------

    async def orders(self, ids: Collection[OrderId], *, amounts: bool, lines: bool = True) -> Batch[OrderId, Order]:
        kind = self._order[lines, amounts]
        preferences = {"includeAmounts": amounts, "bodyFieldsOnly": not lines}
        return await _in_batches(ids, lambda asked: self._records.get("salesOrder", asked, kind, preferences))

    async def orders_by_po(self, po_numbers: Collection[str]) -> Batch[str, Sequence[OrderId]]:
        async def read(asked: Sequence[str]) -> Batch[str, Sequence[OrderId]]:
            answers = Answers[str, OrderId]()
            for row in await self._records.all(queries.orders_by_po(asked), self._order_name, HEADS):
                if isinstance(row, Spoilt):
                    answers.spoil(row.said.get("otherRefNum") or None, row.error)
                elif (number := given(row.other_ref_num)) is not None:
                    answers.add([number], OrderId(row.external_id))
            return answers.of(asked, tuple)

        return await _in_batches(po_numbers, read)

    async def order_page(self, query: OrderQuery) -> Page[Order]:
        """At most ``PAGE`` rows. One row that is malformed, or that was not asked for, is the page's SourceFault:
        a page cannot leave a row out in silence.
        """
        return await self._page(
            [queries.orders(query, part, self._codes) for part in _parts(query.visibility, query.filter.customer_ids)],
            self._order[query.lines, query.amounts],
            {"includeAmounts": query.amounts, "bodyFieldsOnly": not query.lines},
            query.limit,
            sees=lambda order: query.visibility.sees_at(order.customer_id, order.ship_to_id),
            rank=lambda order: (order.placed_at.at, order.id),
            descending=not query.ascending,
        )

    async def order_count(self, query: OrderQuery) -> int:
        every = OrderQuery(query.visibility, query.filter)
        parts = _parts(query.visibility, query.filter.customer_ids)
        searches = [queries.orders(every, part, self._codes) for part in parts]
        reads = (self._records.page(search, self._order_name, HEADS, limit=1) for search in searches if search)
        return sum(rows.total for rows in await asyncio.gather(*reads))

    # -- accounts ----------------------------------------------------------------------------------------------------

    async def customers(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Customer]:
        return await _in_batches(ids, lambda asked: self._records.get("customer", asked, self._customer, WHOLE))

    async def children(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Sequence[CustomerId]]:
        """In number order. An account nobody knows has none."""
        return await _in_batches(ids, partial(self._accounts_by, "parent", whole=tuple), empty=())

    async def accounts_in_territories(self, territories: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        """A territory nobody knows has none."""
        read = partial(self._accounts_by, "territory", whole=frozenset)
        return await _in_batches(territories, read, empty=frozenset())

    async def accounts_in_subsidiaries(self, subsidiaries: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        """As ``accounts_in_territories``."""
        read = partial(self._accounts_by, "subsidiary", whole=frozenset)
        return await _in_batches(subsidiaries, read, empty=frozenset())

    async def descendants(self, ids: Collection[CustomerId]) -> Batch[CustomerId, frozenset[CustomerId]]:
        """As ``children``. One search finds all accounts below any of ``ids``; their parents tell who is below whom."""

        async def read(asked: Sequence[CustomerId]) -> Batch[CustomerId, frozenset[CustomerId]]:
            children: dict[str, list[CustomerId]] = {}
            for row in await self._records.all(queries.customers_by("ancestor", asked), self._place, HEADS):
                if isinstance(row, Spoilt):
                    return dict.fromkeys(asked, row.error)
                children.setdefault(row.refers_to("parent"), []).append(CustomerId(row.external_id))
            return {id_: frozenset(_below(id_, children)) for id_ in asked}

        return await _in_batches(ids, read, empty=frozenset())

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]:
        """As ``order_page``, in number order."""
        return await self._page(
            [queries.customers(query, part) for part in _parts(query.visibility)],
            self._customer,
            WHOLE,
            query.limit,
            sees=lambda customer: query.visibility.sees(customer.id),
            rank=lambda customer: customer.id,
        )

    async def receivables(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Receivables]:
        return await _in_batches(ids, lambda asked: self._records.balances(asked, self._balance))

    # -- receivables documents ---------------------------------------------------------------------------------------

    async def invoices(self, ids: Collection[InvoiceId]) -> Batch[InvoiceId, Invoice]:
        """By search, because a number does not tell whether it is an invoice's or a credit memo's."""

        async def read(asked: Sequence[InvoiceId]) -> Batch[InvoiceId, Invoice]:
            search = queries.records_by_number(queries.RECEIVABLES, asked)
            answers = Answers[InvoiceId, Invoice]()
            for row in await self._records.all(search, self._document, WHOLE):
                if isinstance(row, Spoilt):
                    answers.spoil([InvoiceId(row.number)] if row.number is not None else None, row.error)
                else:
                    answers.add([row.id], row)
            return answers.of(asked, lambda found: found[0])

        return await _in_batches(ids, read)

    async def invoices_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Invoice]]:
        return await self._by_order(ids, queries.RECEIVABLES, self._document, lambda invoice: invoice.order_ids)

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]:
        """As ``order_page``."""
        return await self._record_page(query, queries.RECEIVABLES, self._document, lambda row: (row.date, row.id))

    def document(self, id_: str) -> AbstractAsyncContextManager[AsyncIterator[bytes] | None]:
        """From ``files/<id>`` beside the service, with our user and password (RFC 7617)."""
        return self._transport.stream(
            urljoin(self._files, quote(id_, safe="")), operation="file", headers=self._credentials
        )

    # -- returns -----------------------------------------------------------------------------------------------------

    async def returns(self, ids: Collection[ReturnId]) -> Batch[ReturnId, Return]:
        return await _in_batches(ids, lambda asked: self._records.get(RMA, asked, self._return, WHOLE))

    async def returns_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Return]]:
        return await self._by_order(
            ids, queries.RETURNS, self._return, lambda rma: () if rma.order_id is None else (rma.order_id,)
        )

    async def return_page(self, query: RecordQuery) -> Page[Return]:
        """As ``order_page``."""
        return await self._record_page(query, queries.RETURNS, self._return, lambda row: (row.requested_at.at, row.id))

    # -- how they are read -------------------------------------------------------------------------------------------

    async def _accounts_by(
        self, field: str, asked: Sequence[K], *, whole: Callable[[Sequence[CustomerId]], V]
    ) -> Batch[K, V]:
        """Account numbers by what they refer to in ``field``."""
        answers = Answers[Any, CustomerId]()
        for row in await self._records.all(queries.customers_by(field, asked), self._place, HEADS):
            if isinstance(row, Spoilt):
                answers.spoil(row.said.get(field) or None, row.error)
            else:
                answers.add([row.refers_to(field)], CustomerId(row.external_id))
        return answers.of(asked, whole)

    async def _by_order(
        self,
        ids: Collection[OrderId],
        types: Sequence[str],
        kind: Kind[Any, V],
        orders: Callable[[V], Collection[OrderId]],
    ) -> Batch[OrderId, Sequence[V]]:
        async def read(asked: Sequence[OrderId]) -> Batch[OrderId, Sequence[V]]:
            answers = Answers[OrderId, V]()
            for row in await self._records.all(queries.records_by_order(types, asked), kind, WHOLE):
                if isinstance(row, Spoilt):
                    answers.spoil([OrderId(order) for order in row.said.get("createdFrom", ())] or None, row.error)
                else:
                    answers.add(orders(row), row)
            return answers.of(asked, tuple)

        return await _in_batches(ids, read, empty=())

    async def _record_page(
        self, query: RecordQuery, types: Sequence[str], kind: Kind[Any, R], rank: Callable[[R], Any]
    ) -> Page[R]:
        return await self._page(
            [queries.records(types, query, part) for part in _parts(query.visibility, query.customer_ids)],
            kind,
            WHOLE,
            query.limit,
            sees=lambda row: query.visibility.sees_at(row.customer_id, row.ship_to_id),
            rank=rank,
            descending=True,
        )

    async def _page(
        self,
        searches: Sequence[Of | None],
        kind: Kind[Any, V],
        preferences: Values,
        limit: int,
        *,
        sees: Callable[[V], bool],
        rank: Callable[[V], Any],
        descending: bool = False,
    ) -> Page[V]:
        """The first rows of several searches as if they were one; None stands for a search that finds nothing."""
        limit = min(limit, PAGE)
        reads = (self._records.page(search, kind, preferences, limit=limit) for search in searches if search)
        found = await asyncio.gather(*reads)
        rows: list[V] = []
        for row in (row for page in found for row in page.records):
            if isinstance(row, Spoilt):
                raise row.error
            if not sees(row):
                raise SourceFault(self._system, f"search: {rank(row)!r} was not asked for")
            rows.append(row)
        if len(found) > 1:
            rows = sorted(rows, key=rank, reverse=descending)[:limit]
        return Page(rows, more=sum(page.total for page in found) > len(rows))


def _owner(owed: Receivables) -> str:
    return owed.customer_id


def _parts(visible: Visibility, asked: AbstractSet[str] = frozenset()) -> Sequence[queries.Accounts]:
    """The accounts asked for and visible, in as many parts as the ERP's limit makes of them; [None]: every account."""
    accounts = queries.bounded(asked, visible.accounts)
    if accounts is None:
        return [None]
    numbers = sorted(accounts)
    return [frozenset(numbers[start : start + MOST_VALUES]) for start in range(0, len(numbers), MOST_VALUES)]


async def _in_batches(
    keys: Collection[K], read: Callable[[Sequence[K]], Awaitable[Batch[Any, V]]], *, empty: V | None = None
) -> Batch[K, V]:
    """Reads distinct keys; one that XML cannot hold is in no record. ``empty``: what a key has that nothing answers."""
    found = await in_batches([key for key in keys if sayable(key)], BATCH, read)
    return found if empty is None else {key: found.get(key, empty) for key in keys}


def _below(id_: CustomerId, children: Mapping[str, Sequence[CustomerId]]) -> Iterator[CustomerId]:
    """Everyone under ``id_``; an account that is its own ancestor is met once."""
    met, waiting = {id_}, [id_]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in met:
                met.add(child)
                waiting.append(child)
                yield child
