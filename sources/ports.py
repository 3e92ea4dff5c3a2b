"""The ports: what each kind of source system owes us, batch-first, so that N+1 cannot be written.

Every batch read answers ``Mapping[key, value | SourceError]``: an absent key was not found, an error value is that
key's error alone.
A call that fails as a whole raises its ``SourceError``. Adapters are constructed as ``Adapter(config: SourceConfig,
transport: Transport)``
(``sources.transport``) and read nothing else.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, Protocol, TypeVar

from domain.access import Visibility
from domain.errors import SourceError
from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    Lifecycle,
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

T = TypeVar("T")
K = TypeVar("K")


Batch = Mapping[K, T | SourceError]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A keyset position: the sort key of the last row seen, and its id as the tie-breaker."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in order, and whether more follow."""

    rows: Sequence[T]
    more: bool


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Every condition given must hold. Times are aware, ``placed_after`` inclusive, ``placed_before`` exclusive."""

    lifecycles: frozenset[Lifecycle] = frozenset()
    placed_after: datetime | None = None
    placed_before: datetime | None = None
    customer_ids: frozenset[CustomerId] = frozenset()
    ship_to_ids: frozenset[str] = frozenset()
    sku: str | None = None
    po_number: str | None = None


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """A page of orders sorted by (placed_at, id), newest first unless ``ascending``."""

    visibility: Visibility
    filter: OrderFilter = OrderFilter()
    after: Cursor | None = None
    limit: int = 20
    ascending: bool = False
    amounts: bool = False


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """A page of records, newest first by (time, id): an invoice's date at 00:00 UTC, a return's requested_at, a
    shipment's created_at.
    """

    visibility: Visibility
    order_ids: frozenset[OrderId] = frozenset()
    customer_ids: frozenset[CustomerId] = frozenset()
    after: Cursor | None = None
    limit: int = 20


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """A page of accounts in number order. ``name``: a fragment of the name, any case; ``after``: the last number
    seen.
    """

    visibility: Visibility
    name: str | None = None
    after: CustomerId | None = None
    limit: int = 20


class ErpSource(Protocol):
    """The system of record for accounts, orders, receivables and returns."""

    async def orders(self, ids: Collection[OrderId], *, amounts: bool) -> Batch[OrderId, Order]:
        """``amounts`` False: prices and totals are not asked of the ERP and come as None."""
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
