"""What a scaffolded adapter stands on until it is whole: every method of its port that is not written yet says so, and
names the operation of the system that looks like it.
"""
# ruff: noqa: ARG002 (a method that is not mapped yet looks at nothing it is given)

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime, time
from typing import ClassVar, NoReturn, TypeVar

from msgspec import UnsetType

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
    Shipment,
    ShipmentId,
    Tracking,
    TrackingKey,
    WarehouseOrder,
)
from domain.queries import CustomerQuery, OrderQuery, Page, RecordQuery
from domain.values import Moment, Precision
from sources.config import SourceConfig
from sources.ports import Batch
from sources.transport import Transport

V = TypeVar("V")


class NotMapped(SourceFault):
    """The adapter has no code for this yet. ``method`` is the port's."""

    def __init__(self, source: str, method: str, operation: str | None) -> None:
        hint = f"{operation} looks like it" if operation else "no operation looks like it"
        super().__init__(source, f"{method}: not mapped yet; {hint}")
        self.method = method


class Unmapped:
    """``looks_like``: for a method of the port, the operation that a scaffold took for it."""

    looks_like: ClassVar[Mapping[str, str]] = {}

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport

    def _refuse(self, method: str) -> NoReturn:
        raise NotMapped(self._system, method, self.looks_like.get(method.partition("'")[0]))


class UnmappedErp(Unmapped):
    """``ErpSource``, ``ReturnsSource`` and ``DocumentSource``."""

    async def warm(self) -> None:
        """Nothing to get ready."""

    async def orders(self, ids: Collection[OrderId], *, amounts: bool, lines: bool = True) -> Batch[OrderId, Order]:
        self._refuse("orders")

    async def orders_by_po(self, po_numbers: Collection[str]) -> Batch[str, Sequence[OrderId]]:
        self._refuse("orders_by_po")

    async def order_page(self, query: OrderQuery) -> Page[Order]:
        self._refuse("order_page")

    async def order_count(self, query: OrderQuery) -> int:
        self._refuse("order_count")

    async def customers(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Customer]:
        self._refuse("customers")

    async def children(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Sequence[CustomerId]]:
        self._refuse("children")

    async def descendants(self, ids: Collection[CustomerId]) -> Batch[CustomerId, frozenset[CustomerId]]:
        self._refuse("descendants")

    async def accounts_in_territories(self, territories: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        self._refuse("accounts_in_territories")

    async def accounts_in_subsidiaries(self, subsidiaries: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        self._refuse("accounts_in_subsidiaries")

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]:
        self._refuse("customer_page")

    async def receivables(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Receivables]:
        self._refuse("receivables")

    async def invoices(self, ids: Collection[InvoiceId]) -> Batch[InvoiceId, Invoice]:
        self._refuse("invoices")

    async def invoices_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Invoice]]:
        self._refuse("invoices_by_order")

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]:
        self._refuse("invoice_page")

    async def returns(self, ids: Collection[ReturnId]) -> Batch[ReturnId, Return]:
        self._refuse("returns")

    async def returns_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Return]]:
        self._refuse("returns_by_order")

    async def return_page(self, query: RecordQuery) -> Page[Return]:
        self._refuse("return_page")

    def document(self, id_: str) -> AbstractAsyncContextManager[AsyncIterator[bytes] | None]:
        self._refuse("document")


class UnmappedWarehouse(Unmapped):
    """``WarehouseSource``."""

    async def warehouse_orders(self, ids: Collection[OrderId]) -> Batch[OrderId, WarehouseOrder]:
        self._refuse("warehouse_orders")

    async def shipments(self, ids: Collection[ShipmentId]) -> Batch[ShipmentId, Shipment]:
        self._refuse("shipments")

    async def shipments_by_tracking(self, numbers: Collection[str]) -> Batch[str, Sequence[Shipment]]:
        self._refuse("shipments_by_tracking")

    async def shipment_page(self, query: RecordQuery) -> Page[Shipment]:
        self._refuse("shipment_page")


class UnmappedCarrier(Unmapped):
    """``CarrierSource``."""

    scacs: ClassVar[frozenset[str]] = frozenset()

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        self._refuse("tracking")


# --- reading one record at a time -------------------------------------------------------------------------------------


def needed(value: V | UnsetType | None, what: str) -> V:
    """The value; raises ValueError when it did not come."""
    if value is None or isinstance(value, UnsetType):
        raise ValueError(f"{what} did not come")
    return value


def when(value: Moment | datetime | date) -> Moment:
    """As precise as the system told it."""
    if isinstance(value, Moment):
        return value
    if not isinstance(value, datetime):
        return Moment(datetime.combine(value, time(), UTC), None, Precision.DATE)
    if value.tzinfo is None:
        return Moment(value.replace(tzinfo=UTC), None, Precision.LOCAL)
    return Moment.from_aware(value)


def given(value: V | UnsetType | None) -> V | None:
    """None for what did not come, or came as nil."""
    return None if isinstance(value, UnsetType) else value
