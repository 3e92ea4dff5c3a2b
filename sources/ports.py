"""The ports: what each kind of source system owes us, batch-first, so that N+1 cannot be written.

Every batch read answers ``Mapping[key, value | SourceError]``: an absent key was not found, an error value is that
key's error alone.
A call that fails as a whole raises its ``SourceError``. Adapters are constructed as ``Adapter(config: SourceConfig,
transport: Transport)``
(``sources.transport``) and read nothing else.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from domain.errors import SourceError
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
    Shipment,
    ShipmentId,
    Tracking,
    TrackingKey,
    WarehouseOrder,
)
from domain.queries import CustomerQuery, OrderQuery, Page, RecordQuery

T = TypeVar("T")
K = TypeVar("K")


Batch = Mapping[K, T | SourceError]


class ErpSource(Protocol):
    """The system of record for accounts, orders, receivables and returns."""

    async def orders(self, ids: Collection[OrderId], *, amounts: bool, lines: bool = True) -> Batch[OrderId, Order]:
        """``amounts`` False: prices and totals are not asked of the ERP and come as None; ``lines`` False: nor are the
        lines, and none come.
        """
        ...

    async def orders_by_po(self, po_numbers: Collection[str]) -> Batch[str, Sequence[OrderId]]: ...

    async def order_page(self, query: OrderQuery) -> Page[Order]: ...

    async def order_count(self, query: OrderQuery) -> int:
        """How many orders match, cursor and limit ignored."""
        ...

    async def customers(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Customer]: ...

    async def children(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Sequence[CustomerId]]: ...

    async def descendants(self, ids: Collection[CustomerId]) -> Batch[CustomerId, frozenset[CustomerId]]:
        """All accounts below each id at any depth, the id itself excluded. One call for all ids."""
        ...

    async def accounts_in_territories(self, territories: Collection[str]) -> Batch[str, frozenset[CustomerId]]: ...

    async def accounts_in_subsidiaries(self, subsidiaries: Collection[str]) -> Batch[str, frozenset[CustomerId]]: ...

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]: ...

    async def receivables(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Receivables]: ...

    async def invoices(self, ids: Collection[InvoiceId]) -> Batch[InvoiceId, Invoice]:
        """Invoices and credit memos alike."""
        ...

    async def invoices_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Invoice]]:
        """Invoices and credit memos of each order; an order without any has an empty sequence."""
        ...

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]: ...


class ReturnsSource(Protocol):
    """Whoever owns returns (RMAs)."""

    async def returns(self, ids: Collection[ReturnId]) -> Batch[ReturnId, Return]: ...

    async def returns_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Return]]: ...

    async def return_page(self, query: RecordQuery) -> Page[Return]: ...


class WarehouseSource(Protocol):
    """The warehouse system: waves, picks, packs, packages, ship confirms."""

    async def warehouse_orders(self, ids: Collection[OrderId]) -> Batch[OrderId, WarehouseOrder]:
        """Work and shipments of each order; one the warehouse never saw is absent."""
        ...

    async def shipments(self, ids: Collection[ShipmentId]) -> Batch[ShipmentId, Shipment]: ...

    async def shipments_by_tracking(self, numbers: Collection[str]) -> Batch[str, Sequence[Shipment]]:
        """Numbers are reused, so each may have several."""
        ...

    async def shipment_page(self, query: RecordQuery) -> Page[Shipment]: ...


class CarrierSource(Protocol):
    """One carrier's tracking. ``scacs``: the codes it answers for."""

    scacs: ClassVar[frozenset[str]]

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        """A number the carrier does not know (normal just after the label) is absent."""
        ...


@runtime_checkable
class DocumentSource(Protocol):
    """Whoever has documents as files, whatever else it is."""

    def document(self, id_: str) -> AbstractAsyncContextManager[AsyncIterator[bytes] | None]:
        """Its bytes as they come from its owner, at most so many as its limits allow; None when it has no such
        document. Raises SourceError, also while they are read.
        """
        ...
