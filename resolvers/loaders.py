"""Every batch read an operation can make: one loader class and one table, so that a field cannot ask row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiodataloader import DataLoader

from domain.dossier import Dossier
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
from resolvers import recall, records
from resolvers.recall import Read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resolvers.context import Context

K = TypeVar("K")
V = TypeVar("V")

BATCHES: dict[str, Read] = {
    "order_by_id": Read(
        "orders",
        lambda c, keys: c.estate.orders(keys, amounts=c.amounts, lines=c.lines, max_age=c.max_age),
        recall.orders,
    ),
    "order_ids_by_po": Read(
        "orders", lambda c, keys: c.estate.orders_by_po(keys, max_age=c.max_age), records.order_ids_by_po
    ),
    "customer_by_id": Read("customers", lambda c, keys: c.estate.customers(keys, max_age=c.max_age), records.customers),
    "child_ids_by_customer": Read(
        "customers", lambda c, keys: c.estate.children(keys, max_age=c.max_age), records.children
    ),
    "receivables_by_customer": Read("receivables", lambda c, keys: c.estate.receivables(keys, max_age=c.max_age)),
    "invoice_by_id": Read("invoices", lambda c, keys: c.estate.invoices(keys, max_age=c.max_age), records.invoices),
    "invoices_by_order": Read(
        "invoices", lambda c, keys: c.estate.invoices_by_order(keys, max_age=c.max_age), records.invoices_by_order
    ),
    "return_by_id": Read("returns", lambda c, keys: c.estate.returns(keys, max_age=c.max_age), records.returns),
    "returns_by_order": Read(
        "returns", lambda c, keys: c.estate.returns_by_order(keys, max_age=c.max_age), records.returns_by_order
    ),
    "warehouse_by_order": Read(
        "warehouse", lambda c, keys: c.estate.warehouse_orders(keys, max_age=c.max_age), recall.warehouse
    ),
    "shipment_by_id": Read("warehouse", lambda c, keys: c.estate.shipments(keys, max_age=c.max_age), records.shipments),
    "shipments_by_tracking": Read(
        "warehouse", lambda c, keys: c.estate.shipments_by_tracking(keys, max_age=c.max_age), records.by_number
    ),
    "tracking_by_key": Read("tracking", lambda c, keys: c.estate.tracking(keys, max_age=c.max_age), recall.tracking),
    "dossier_by_order": Read("memory", records.dossiers),
}


class Loader(DataLoader[K, "V | None"], Generic[K, V]):
    """Collects the keys asked for in one turn of the loop into one read. A missing key loads None; a key's error is
    raised for that key.
    """

    def __init__(self, context: Context, how: Read) -> None:
        super().__init__()
        self._context = context
        self._how = how

    async def batch_load_fn(self, keys: list[K]) -> list[V | None]:
        answer = await recall.read(self._context, self._how, keys)
        for trouble in answer.trouble:
            self._context.served_stale(trouble)
        values: Mapping[K, Any] = answer.values
        return [values.get(key) for key in keys]


class Loaders:
    """The loaders of one operation, each made when first asked for."""

    order_by_id: Loader[OrderId, Order]
    order_ids_by_po: Loader[str, Sequence[OrderId]]
    customer_by_id: Loader[CustomerId, Customer]
    child_ids_by_customer: Loader[CustomerId, Sequence[CustomerId]]
    receivables_by_customer: Loader[CustomerId, Receivables]
    invoice_by_id: Loader[InvoiceId, Invoice]
    invoices_by_order: Loader[OrderId, Sequence[Invoice]]
    return_by_id: Loader[ReturnId, Return]
    returns_by_order: Loader[OrderId, Sequence[Return]]
    warehouse_by_order: Loader[OrderId, WarehouseOrder]
    shipment_by_id: Loader[ShipmentId, Shipment]
    shipments_by_tracking: Loader[str, Sequence[Shipment]]
    tracking_by_key: Loader[TrackingKey, Tracking]
    dossier_by_order: Loader[OrderId, Dossier]

    def __init__(self, context: Context) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Loader[Any, Any]:
        if name not in BATCHES:
            raise AttributeError(name)
        loader: Loader[Any, Any] = Loader(self._context, BATCHES[name])
        setattr(self, name, loader)
        return loader
