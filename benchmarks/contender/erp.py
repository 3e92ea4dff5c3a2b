"""Reads the benchmark's SOAP ERP (`sim/erp.wsdl`) with the product's own reader and writer of WSDL types."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import msgspec
from cachetools import LRUCache

from benchmarks.contender import erp_records as records
from domain.errors import SourceFault
from domain.model import Customer, CustomerId, Invoice, InvoiceId, Lifecycle, Order, OrderId, Receivables
from domain.values import Provenance
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.erp_soap import wsdl
from sources.erp_soap.mapper import Malformed, Reader, Tables
from sources.erp_soap.parsing import Unreadable, parse
from sources.erp_soap.writer import Values, Writer
from sources.ports import Batch, Cursor, CustomerQuery, OrderFilter, OrderQuery, Page, RecordQuery
from sources.transport import Transport

T = TypeVar("T", bound=msgspec.Struct)

NAMESPACE: Final = "http://erp.example.com/orders/v1"
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
LARGEST_PAGE: Final = 200


class Erp:
    """The benchmark's ERP behind ``ErpSource``. What it cannot do is refused as a SourceFault, never guessed.

    It lists orders oldest first by numbered pages. So that a cursor finds its page, the place of each page's last row
    is remembered; one not known is found by reading from the start.
    """

    def __init__(
        self, config: SourceConfig, transport: Transport, schema: Any, enumerations: wsdl.Enumerations
    ) -> None:
        """``schema``: zeep's, of the WSDL."""
        self._system = config.name
        self._transport = transport
        self._codes = CodeTable.read("erp", Path(__file__).with_name("erp.tsv"), Lifecycle)
        self._places: LRUCache[tuple[CustomerId | None, str], int] = LRUCache(10_000)
        self._writer = Writer(schema)
        tables = Tables(schema, enumerations)
        self._orders = tables.message(f"{{{NAMESPACE}}}GetOrdersResponse", records.Orders)
        self._listing = tables.message(f"{{{NAMESPACE}}}ListOrdersResponse", records.Listing)
        self._customers = tables.message(f"{{{NAMESPACE}}}GetCustomersResponse", records.Customers)
        self._invoices = tables.message(f"{{{NAMESPACE}}}GetInvoicesByOrdersResponse", records.Invoices)

    @classmethod
    async def open(cls, config: SourceConfig, transport: Transport) -> Self:
        """Reads the WSDL from the ERP itself."""

        async def fetch(address: str) -> bytes:
            return (await transport.send("GET", address, operation="wsdl")).body

        address = f"{config.url}/erp?wsdl"
        documents = await wsdl.collect(address, fetch)
        return cls(config, transport, wsdl.read(address, documents).wsdl.types, wsdl.enumerations(documents))

    async def orders(self, ids: Collection[OrderId], *, amounts: bool) -> Batch[OrderId, Order]:
        """The ERP cannot leave amounts out of its answer; they are left out of ours."""
        answer, source = await self._call("GetOrders", {"orderNumbers": list(ids)}, self._orders)
        orders = (record.to_domain(self._codes, source, amounts=amounts) for record in answer.order)
        return {order.id: order for order in orders}

    async def order_page(self, query: OrderQuery) -> Page[Order]:
        account = self._account(query)
        start = await self._place(account, query.after)
        numbers, total = await self._list(account, start, query.limit)
        found = await self.orders(numbers, amounts=query.amounts) if numbers else {}
        rows = [order for number in numbers if isinstance(order := found.get(number), Order)]
        if len(rows) < len(numbers):
            raise SourceFault(self._system, "lists an order it does not know")
        return Page(rows, more=start + len(numbers) < total)

    async def order_count(self, query: OrderQuery) -> int:
        return (await self._list(self._account(query), 0, 1))[1]

    async def customers(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Customer]:
        answer, source = await self._call("GetCustomers", {"ids": list(ids)}, self._customers)
        return {CustomerId(record.id): record.to_domain(source) for record in answer.customer}

    async def invoices_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Invoice]]:
        answer, source = await self._call("GetInvoicesByOrders", {"orderNumbers": list(ids)}, self._invoices)
        found: dict[OrderId, list[Invoice]] = {id_: [] for id_ in ids}
        for record in answer.invoice:
            found[OrderId(record.order_number)].append(record.to_domain(source))
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
            numbers, total = await self._list(account, start, LARGEST_PAGE)
            self._places.update(((account, number), start + place) for place, number in enumerate(numbers, 1))
            start += LARGEST_PAGE
            if start >= total and (account, after.id) not in self._places:
                raise SourceFault(self._system, f"order {after.id!r} is not listed")
        return known

    async def _list(self, account: CustomerId | None, start: int, limit: int) -> tuple[list[OrderId], int]:
        """Order numbers from row ``start`` on, and how many rows there are in all."""
        pages, total = [], 0
        first, skipped = divmod(start, limit)
        for page in range(first + 1, first + (3 if skipped else 2)):
            values = {"customerId": account, "page": page, "pageSize": limit}
            answer, _ = await self._call("ListOrders", values, self._listing)
            pages += [OrderId(row.number) for row in answer.order]
            total = answer.total_count
        numbers = pages[skipped : skipped + limit]
        if numbers:
            self._places[account, numbers[-1]] = start + len(numbers)
        return numbers, total

    async def _call(self, operation: str, values: Values, reader: Reader[T]) -> tuple[T, Provenance]:
        message = self._writer.message(f"{{{NAMESPACE}}}{operation}", values)
        envelope = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{message}</s:Body></s:Envelope>'
        reply = await self._transport.send(
            "POST",
            "/erp",
            operation=operation,
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{NAMESPACE}/{operation}"'},
            content=envelope.encode(),
        )
        try:
            root = parse(reply.body, reply.headers.get("content-type", ""))
            return reader(root[0][0]), Provenance(self._system, reply.as_of)
        except (Malformed, Unreadable, IndexError) as error:
            raise SourceFault(self._system, f"{operation}: {error}") from error

    def _unable(self, what: str, asked: object) -> SourceFault:
        return SourceFault(self._system, f"does not give {what}: {asked}")
