"""Reads the benchmark's SOAP ERP (`sim/erp.wsdl`) through the product's own SOAP service."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from cachetools import LRUCache
from lxml.etree import _Element

from benchmarks.contender import erp_records as records
from domain.errors import SourceFault
from domain.model import Customer, CustomerId, Invoice, InvoiceId, Lifecycle, Order, OrderId, Receivables
from domain.queries import Cursor, CustomerQuery, OrderFilter, OrderQuery, Page, RecordQuery
from domain.values import Provenance
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.erp_soap import lexical
from sources.erp_soap.mapper import Malformed, Reader
from sources.erp_soap.soap import Service
from sources.erp_soap.tables import Tables
from sources.erp_soap.writer import Values
from sources.ports import Batch
from sources.transport import Transport

T = TypeVar("T", bound=msgspec.Struct)
D = TypeVar("D")

NAMESPACE: Final = "{http://erp.example.com/orders/v1}"
ELEMENTS: Final[Mapping[type[msgspec.Struct], tuple[str, str]]] = {
    records.OrderRecord: ("Order", "order"),
    records.HeaderRecord: ("OrderHeader", "order"),
    records.CustomerRecord: ("Customer", "customer"),
    records.InvoiceRecord: ("Invoice", "invoice"),
}
"""The WSDL's type of each record, and its element in an answer."""
LARGEST_PAGE: Final = 200


class Erp:
    """The benchmark's ERP behind ``ErpSource``. What it cannot do is refused as a SourceFault, never guessed.

    It lists orders oldest first by numbered pages. So that a cursor finds its page, the place of each page's last row
    is remembered; one not known is found by reading from the start.
    """

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._codes = CodeTable.read("erp", Path(__file__).with_name("erp.tsv"), Lifecycle)
        self._places: LRUCache[tuple[CustomerId | None, str], int] = LRUCache(10_000)
        self._service = Service(config, transport, _readers)

    async def orders(self, ids: Collection[OrderId], *, amounts: bool, lines: bool = True) -> Batch[OrderId, Order]:  # noqa: ARG002
        """The ERP cannot leave amounts or lines out of an order; amounts are left out of ours."""
        asked, kind = {"orderNumbers": list(ids)}, records.OrderRecord
        _, orders = await self._call("GetOrders", asked, kind, self._to_domain(amounts=amounts))
        return {order.id: order for order in orders}

    async def order_page(self, query: OrderQuery) -> Page[Order]:
        account = self._account(query)
        start = await self._place(account, query.after)
        rows, total = await self._list(account, start, query.limit, amounts=query.amounts)
        more = start + len(rows) < total
        if query.lines and rows:
            whole = await self.orders([row.id for row in rows], amounts=query.amounts)
            if len(whole) < len(rows):
                raise SourceFault(self._system, "lists an order it does not know")
            rows = [found for row in rows if isinstance(found := whole[row.id], Order)]
        return Page(rows, more=more)

    async def order_count(self, query: OrderQuery) -> int:
        return (await self._list(self._account(query), 0, 1, amounts=False))[1]

    async def customers(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Customer]:
        kind = records.CustomerRecord
        _, customers = await self._call("GetCustomers", {"ids": list(ids)}, kind, kind.to_domain)
        return {customer.id: customer for customer in customers}

    async def invoices_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Invoice]]:
        kind = records.InvoiceRecord
        _, invoices = await self._call("GetInvoicesByOrders", {"orderNumbers": list(ids)}, kind, kind.to_domain)
        found: dict[OrderId, list[Invoice]] = {id_: [] for id_ in ids}
        for invoice in invoices:
            found[invoice.order_ids[0]].append(invoice)
        return found

    # -- what this ERP cannot ----------------------------------------------------------------------------------------

    async def orders_by_po(self, po_numbers: Collection[str]) -> Batch[str, Sequence[OrderId]]:
        raise self._unable("orders by PO number", po_numbers)

    async def children(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Sequence[CustomerId]]:
        raise self._unable("an account's children", ids)

    async def descendants(self, ids: Collection[CustomerId]) -> Batch[CustomerId, frozenset[CustomerId]]:
        raise self._unable("an account's descendants", ids)

    async def accounts_in_territories(self, territories: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        raise self._unable("accounts by territory", territories)

    async def accounts_in_subsidiaries(self, subsidiaries: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        raise self._unable("accounts by subsidiary", subsidiaries)

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]:
        raise self._unable("a list of accounts", query)

    async def receivables(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Receivables]:
        raise self._unable("receivables", ids)

    async def invoices(self, ids: Collection[InvoiceId]) -> Batch[InvoiceId, Invoice]:
        raise self._unable("invoices by number", ids)

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]:
        raise self._unable("a list of invoices", query)

    # -- itself ------------------------------------------------------------------------------------------------------

    def _account(self, query: OrderQuery) -> CustomerId | None:
        """The one account whose orders are listed; None: everybody's."""
        asked, visible = query.filter.customer_ids, query.visibility.accounts
        accounts = asked & visible if asked and visible is not None else asked or visible
        if query.filter != OrderFilter(customer_ids=asked) or query.visibility.ship_tos is not None:
            raise self._unable("orders by anything but their account", query)
        if not query.ascending or (accounts is not None and len(accounts) > 1) or accounts == frozenset():
            raise self._unable("orders but oldest first, of one account or of all", query)
        return next(iter(accounts)) if accounts else None

    async def _place(self, account: CustomerId | None, after: Cursor | None) -> int:
        """How many rows come before those that follow ``after``."""
        if after is None:
            return 0
        start = 0
        while (known := self._places.get((account, after.id))) is None:
            rows, total = await self._list(account, start, LARGEST_PAGE, amounts=False)
            self._places.update(((account, row.id), start + place) for place, row in enumerate(rows, 1))
            start += LARGEST_PAGE
            if start >= total and (account, after.id) not in self._places:
                raise SourceFault(self._system, f"order {after.id!r} is not listed")
        return known

    async def _list(
        self, account: CustomerId | None, start: int, limit: int, *, amounts: bool
    ) -> tuple[list[Order], int]:
        """Orders without their lines from row ``start`` on, and how many rows there are in all."""
        pages, total = list[Order](), 0
        first, skipped = divmod(start, limit)
        for page in range(first + 1, first + (3 if skipped else 2)):
            values = {"customerId": account, "page": page, "pageSize": limit}
            kind = records.HeaderRecord
            body, listed = await self._call("ListOrders", values, kind, self._to_domain(amounts=amounts))
            pages += listed
            total = self._count(body)
        rows = pages[skipped : skipped + limit]
        if rows:
            self._places[account, rows[-1].id] = start + len(rows)
        return rows, total

    def _to_domain(self, *, amounts: bool) -> Callable[[records.HeaderRecord, Provenance], Order]:
        return lambda record, source: record.to_domain(self._codes, source, amounts=amounts)

    async def _call(
        self, operation: str, values: Values, record: type[T], to_domain: Callable[[T, Provenance], D]
    ) -> tuple[_Element, list[D]]:
        """The answer's body, and what its records say."""
        reader: Reader[T] = (await self._service.contract()).prepared[record]
        found: list[D] = []

        def take(element: _Element, as_of: datetime) -> None:
            found.append(to_domain(reader(element), Provenance(self._system, as_of)))

        try:
            body = await self._service.call(operation, values, record=NAMESPACE + ELEMENTS[record][1], take=take)
        except Malformed as error:
            raise SourceFault(self._system, f"{operation}: {error}") from error
        return body, found

    def _count(self, listing: _Element) -> int:
        try:
            return lexical.integer(listing.findtext(f"{NAMESPACE}totalCount", ""))
        except ValueError as error:
            raise SourceFault(self._system, f"ListOrders: totalCount {error}") from error

    def _unable(self, what: str, asked: object) -> SourceFault:
        return SourceFault(self._system, f"does not give {what}: {asked}")


def _readers(tables: Tables) -> Mapping[type, Reader[Any]]:
    return {record: tables.reader(NAMESPACE + type_name, record) for record, (type_name, _) in ELEMENTS.items()}
