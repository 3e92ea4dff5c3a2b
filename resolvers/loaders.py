"""Every batch read an operation can make: one loader class and one table, so that a field cannot ask row by row."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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


@dataclass(slots=True, eq=False)
class _Batch(Generic[K]):
    """Keys that are read together; ``landed`` is done when they have been."""

    landed: asyncio.Future[None]
    keys: list[K] = field(default_factory=list)


class Loader(Generic[K, V]):
    """Collects the keys asked for in two turns of the loop into one read; each key is read once. A missing key loads
    None.

    A waiter who is cancelled disturbs no other: the read belongs to the operation, and ends with it.
    """

    def __init__(self, context: Context, how: Read) -> None:
        self._context = context
        self._how = how
        self._known: dict[K, V | Exception | None] = {}
        self._asked: dict[K, _Batch[K]] = {}
        self._open: _Batch[K] | None = None
        self._reads: set[asyncio.Task[None]] = set()

    async def load(self, key: K) -> V | None:
        """Raises the key's error."""
        (value,) = await self.load_many([key])
        if isinstance(value, Exception):
            raise value
        return value

    async def load_many(self, keys: Sequence[K]) -> list[V | Exception | None]:
        """In the order of ``keys``; a key's error stands in its place."""
        known = self._known
        missing = [key for key in keys if key not in known]
        for batch in {self._batch_of(key) for key in missing}:
            await asyncio.shield(batch.landed)
        return [known[key] for key in keys]

    def prime(self, key: K, value: V | None) -> None:
        """What is known already need not be read."""
        self._known.setdefault(key, value)

    def close(self) -> None:
        for read in self._reads:
            read.cancel()

    def _batch_of(self, key: K) -> _Batch[K]:
        batch = self._asked.get(key)
        if batch is None:
            batch = self._asked[key] = self._open or self._begun()
            batch.keys.append(key)
        return batch

    def _begun(self) -> _Batch[K]:
        loop = asyncio.get_running_loop()
        batch = self._open = _Batch[K](loop.create_future())
        loop.call_soon(loop.call_soon, self._send, batch)
        return batch

    def _send(self, batch: _Batch[K]) -> None:
        self._open = None
        read = asyncio.ensure_future(self._read(batch))
        self._reads.add(read)
        read.add_done_callback(self._reads.discard)

    async def _read(self, batch: _Batch[K]) -> None:
        known, keys = self._known, batch.keys
        try:
            answer = await recall.read(self._context, self._how, keys)
            for trouble in answer.trouble:
                self._context.served_stale(trouble)
            values: Mapping[K, Any] = answer.values
            known.update((key, values.get(key)) for key in keys)
        except asyncio.CancelledError:
            batch.landed.cancel()
            raise
        except Exception as error:  # noqa: BLE001 (raised to whoever loads one of the keys)
            known.update(dict.fromkeys(keys, error))
        for key in keys:
            del self._asked[key]
        batch.landed.set_result(None)


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

    def close(self) -> None:
        """Ends every read under way, and lets go of all that was read: what refers to itself would stay until the
        collector comes, and large answers keep it, and all others, busy for a second.
        """
        for name in BATCHES.keys() & vars(self):
            getattr(self, name).close()
        vars(self).clear()

    def __getattr__(self, name: str) -> Loader[Any, Any]:
        if name not in BATCHES:
            raise AttributeError(name)
        loader: Loader[Any, Any] = Loader(self._context, BATCHES[name])
        setattr(self, name, loader)
        return loader
