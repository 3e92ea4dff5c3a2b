"""The whole estate as resolvers see it: one face that remembers, shares reads and counts unknown codes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import product
from typing import Any, TypeVar

from domain.errors import SourceError
from domain.events import Subject
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
    ShipmentStatus,
    Tracking,
    TrackingKey,
    WarehouseOrder,
)
from domain.queries import CustomerQuery, OrderQuery, Page, RecordQuery
from domain.values import Code
from sources.caching import Answer, Cached, unburdened
from sources.config import Lifetimes
from sources.observer import Observer, Silence, UnknownCode
from sources.pace import Pace
from sources.ports import Batch, CarrierSource, DocumentSource, ErpSource, ReturnsSource, WarehouseSource
from sources.shadow import Shadow
from sources.transport import Health, Transport, as_one_call

__all__ = ["Answer", "Estate", "Lifetimes"]

K = TypeVar("K")
V = TypeVar("V")

FINAL = frozenset((ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.VOIDED))
"""What a carrier says last."""

CODES: Mapping[type, Callable[[Any], Iterable[Code | None]]] = {
    Order: lambda order: (order.status_code, order.hold and order.hold.code),
    Customer: lambda customer: (customer.credit_hold,),
    Invoice: lambda invoice: (invoice.status_code,),
    Return: lambda rma: (rma.status_code,),
    Shipment: lambda shipment: (shipment.stage_code,),
    WarehouseOrder: lambda work: (*(task.code for task in work.tasks), *(s.stage_code for s in work.shipments)),
    Tracking: lambda tracking: (event.code for event in tracking.events),
}
"""The foreign codes each entity carries."""


class Estate:
    """Batch reads answer from memory where it is fresh enough (``max_age`` in seconds) and never raise SourceError.

    Pages and counts are always live, raise SourceError, and feed the memory. ``carriers`` is keyed by SCAC; ``doors``
    are the transports whose health is told; ``pace``: by which they and whoever works with their answers take turns;
    ``shadow`` is given whatever is read, to compare it.
    """

    def __init__(
        self,
        *,
        erp: ErpSource,
        returns: ReturnsSource,
        warehouse: WarehouseSource,
        carriers: Mapping[str, CarrierSource],
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        lifetimes: Lifetimes | None = None,
        observer: Observer | None = None,
        doors: Sequence[Transport] = (),
        documents: Mapping[str, DocumentSource] | None = None,
        pace: Pace | None = None,
        shadow: Shadow | None = None,
    ) -> None:
        self.pace = pace or Pace()
        self._documents = documents or {}
        self._erp = erp
        self._returns_source = returns
        self._warehouse = warehouse
        self._lifetimes = lifetimes = lifetimes or Lifetimes()
        self._now = now
        self._monotonic = monotonic
        self._observer = observer or Silence()
        self._doors = doors
        self.shadow = shadow
        self._orders: dict[tuple[bool, bool], Cached[OrderId, Order]] = {}
        for lines, amounts in product((False, True), repeat=2):
            read = partial(erp.orders, amounts=amounts, lines=lines)
            less = self._orders_within(lines=lines, amounts=amounts)
            self._orders[lines, amounts] = self._kept(read, lifetimes.orders, into=less)
        self._orders_by_po = self._kept(erp.orders_by_po, lifetimes.orders)
        self._customers = self._kept(erp.customers, lifetimes.customers)
        self._children = self._kept(erp.children, lifetimes.hierarchy)
        self._descendants = self._kept(erp.descendants, lifetimes.hierarchy)
        self._territories = self._kept(erp.accounts_in_territories, lifetimes.hierarchy)
        self._subsidiaries = self._kept(erp.accounts_in_subsidiaries, lifetimes.hierarchy)
        self._receivables = self._kept(erp.receivables, lifetimes.receivables)
        self._invoices = self._kept(erp.invoices, lifetimes.invoices)
        self._invoices_by_order = self._kept(erp.invoices_by_order, lifetimes.invoices, into=[self._invoices])
        self._returns = self._kept(returns.returns, lifetimes.returns)
        self._returns_by_order = self._kept(returns.returns_by_order, lifetimes.returns, into=[self._returns])
        self._shipments = self._kept(warehouse.shipments, lifetimes.warehouse)
        self._by_tracking = self._kept(warehouse.shipments_by_tracking, lifetimes.warehouse, into=[self._shipments])
        self._work = self._kept(warehouse.warehouse_orders, lifetimes.warehouse, into=[self._shipments])
        kept = {id(carrier): self._kept(carrier.tracking, self._tracking_lifetime) for carrier in carriers.values()}
        self._tracking = {scac: kept[id(carrier)] for scac, carrier in carriers.items()}

    # -- the ERP -----------------------------------------------------------------------------------------------------

    async def orders(
        self, ids: Iterable[OrderId], *, amounts: bool, lines: bool = True, max_age: float | None = None
    ) -> Answer[OrderId, Order]:
        """An order read with amounts or lines also serves who asks without; never the other way round."""
        return await self._orders[lines, amounts].load(ids, max_age=max_age)

    async def orders_by_po(
        self, po_numbers: Iterable[str], *, max_age: float | None = None
    ) -> Answer[str, Sequence[OrderId]]:
        return await self._orders_by_po.load(po_numbers, max_age=max_age)

    async def order_page(self, query: OrderQuery) -> Page[Order]:
        page = await _live(self._erp.order_page(query))
        return self._met(page, *self._orders_within(lines=query.lines, amounts=query.amounts))

    async def order_count(self, query: OrderQuery) -> int:
        return await _live(self._erp.order_count(query))

    async def customers(
        self, ids: Iterable[CustomerId], *, max_age: float | None = None
    ) -> Answer[CustomerId, Customer]:
        return await self._customers.load(ids, max_age=max_age)

    async def children(
        self, ids: Iterable[CustomerId], *, max_age: float | None = None
    ) -> Answer[CustomerId, Sequence[CustomerId]]:
        return await self._children.load(ids, max_age=max_age)

    async def descendants(
        self, ids: Iterable[CustomerId], *, max_age: float | None = None
    ) -> Answer[CustomerId, frozenset[CustomerId]]:
        return await self._descendants.load(ids, max_age=max_age)

    async def accounts_in_territories(
        self, territories: Iterable[str], *, max_age: float | None = None
    ) -> Answer[str, frozenset[CustomerId]]:
        return await self._territories.load(territories, max_age=max_age)

    async def accounts_in_subsidiaries(
        self, subsidiaries: Iterable[str], *, max_age: float | None = None
    ) -> Answer[str, frozenset[CustomerId]]:
        return await self._subsidiaries.load(subsidiaries, max_age=max_age)

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]:
        page = await _live(self._erp.customer_page(query))
        return self._met(page, self._customers)

    async def receivables(
        self, ids: Iterable[CustomerId], *, max_age: float | None = None
    ) -> Answer[CustomerId, Receivables]:
        return await self._receivables.load(ids, max_age=max_age)

    async def invoices(self, ids: Iterable[InvoiceId], *, max_age: float | None = None) -> Answer[InvoiceId, Invoice]:
        return await self._invoices.load(ids, max_age=max_age)

    async def invoices_by_order(
        self, ids: Iterable[OrderId], *, max_age: float | None = None
    ) -> Answer[OrderId, Sequence[Invoice]]:
        return await self._invoices_by_order.load(ids, max_age=max_age)

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]:
        page = await _live(self._erp.invoice_page(query))
        return self._met(page, self._invoices)

    # -- returns -----------------------------------------------------------------------------------------------------

    async def returns(self, ids: Iterable[ReturnId], *, max_age: float | None = None) -> Answer[ReturnId, Return]:
        return await self._returns.load(ids, max_age=max_age)

    async def returns_by_order(
        self, ids: Iterable[OrderId], *, max_age: float | None = None
    ) -> Answer[OrderId, Sequence[Return]]:
        return await self._returns_by_order.load(ids, max_age=max_age)

    async def return_page(self, query: RecordQuery) -> Page[Return]:
        page = await _live(self._returns_source.return_page(query))
        return self._met(page, self._returns)

    # -- the warehouse -----------------------------------------------------------------------------------------------

    async def warehouse_orders(
        self, ids: Iterable[OrderId], *, max_age: float | None = None
    ) -> Answer[OrderId, WarehouseOrder]:
        return await self._work.load(ids, max_age=max_age)

    async def shipments(
        self, ids: Iterable[ShipmentId], *, max_age: float | None = None
    ) -> Answer[ShipmentId, Shipment]:
        return await self._shipments.load(ids, max_age=max_age)

    async def shipments_by_tracking(
        self, numbers: Iterable[str], *, max_age: float | None = None
    ) -> Answer[str, Sequence[Shipment]]:
        return await self._by_tracking.load(numbers, max_age=max_age)

    async def shipment_page(self, query: RecordQuery) -> Page[Shipment]:
        page = await _live(self._warehouse.shipment_page(query))
        return self._met(page, self._shipments)

    # -- the carriers ------------------------------------------------------------------------------------------------

    async def tracking(
        self, keys: Iterable[TrackingKey], *, max_age: float | None = None
    ) -> Answer[TrackingKey, Tracking]:
        """Each key from its carrier, all carriers at once; a key whose carrier has no source is absent."""
        groups: dict[int, tuple[Cached[TrackingKey, Tracking], list[TrackingKey]]] = {}
        for key in keys:
            if kept := self._tracking.get(key.scac):
                groups.setdefault(id(kept), (kept, []))[1].append(key)
        async with asyncio.TaskGroup() as tasks:
            reads = [tasks.create_task(kept.load(asked, max_age=max_age)) for kept, asked in groups.values()]
        answers = [read.result() for read in reads]
        values = {key: value for answer in answers for key, value in answer.values.items()}
        return Answer(values, tuple(trouble for answer in answers for trouble in answer.trouble))

    # -- documents ---------------------------------------------------------------------------------------------------

    def documents_of(self, system: str) -> DocumentSource | None:
        """Who gives out the documents that the source of this name tells of."""
        return self._documents.get(system)

    # -- itself ------------------------------------------------------------------------------------------------------

    def health(self) -> Mapping[str, Health]:
        """How each source has been doing, by its configured name."""
        return {door.source: door.health for door in self._doors}

    def forget(self, subject: Subject, id_: str, order_id: OrderId | None = None) -> None:
        """Drops what is remembered of something that an event says has changed, and of its order. An account may have
        moved: with it goes every hierarchy.
        """
        match subject:
            case Subject.INVOICE:
                self._invoices.drop(InvoiceId(id_))
            case Subject.RETURN:
                self._returns.drop(ReturnId(id_))
            case Subject.CUSTOMER:
                self._customers.drop(CustomerId(id_))
                for hierarchy in (self._children, self._descendants, self._territories, self._subsidiaries):
                    hierarchy.drop_all()
            case Subject.SHIPMENT:
                self._forget_shipment(ShipmentId(id_))
            case _:
                pass
        if order_id is None:
            return
        by_order: Sequence[Cached[OrderId, Any]] = (self._work, self._invoices_by_order, self._returns_by_order)
        for kept in (*self._orders.values(), *by_order):
            kept.drop(order_id)

    def _forget_shipment(self, shipment_id: ShipmentId) -> None:
        known = self._shipments.peek(shipment_id)
        for key in known.tracking_keys if known else ():
            if kept := self._tracking.get(key.scac):
                kept.drop(key)
        self._shipments.drop(shipment_id)

    def _kept(
        self,
        fetch: Callable[[Collection[K]], Awaitable[Batch[K, V]]],
        lifetime: float | Callable[[V], float],
        into: Sequence[Cached[Any, Any]] = (),
    ) -> Cached[K, V]:
        """A remembered read. ``into``: where the entities in its values are remembered by their own id as well."""

        async def read(keys: Collection[K]) -> Batch[K, V]:
            batch = await fetch(keys)
            for value in batch.values():
                if not isinstance(value, SourceError):
                    self._meet(value, into)
            return batch

        return Cached(
            read,
            lifetime=lifetime if callable(lifetime) else lambda _: lifetime,
            not_found=self._lifetimes.not_found,
            stale_for=self._lifetimes.stale_for,
            size=self._lifetimes.entries,
            now=self._now,
            monotonic=self._monotonic,
        )

    def _orders_within(self, *, lines: bool, amounts: bool) -> Sequence[Cached[OrderId, Order]]:
        """Where an order read with so much of it is remembered."""
        return [
            kept
            for (own_lines, own_amounts), kept in self._orders.items()
            if own_lines <= lines and own_amounts <= amounts
        ]

    def _met(self, page: Page[V], *homes: Cached[Any, Any]) -> Page[V]:
        self._meet(page.rows, homes)
        return page

    def _meet(self, value: Any, homes: Sequence[Cached[Any, Any]]) -> None:
        """Counts the unknown codes in fresh entities, and remembers them in ``homes``."""
        for entity in value if isinstance(value, Sequence) else (value,):
            if self.shadow:
                self.shadow.served(entity)
            for code in CODES.get(type(entity), _no_codes)(entity):
                if code and not code.known:
                    self._observer.unknown_code(UnknownCode(entity.source.system, code))
            for home in homes:
                for member in entity.shipments if isinstance(entity, WarehouseOrder) else (entity,):
                    home.prime(member.id, member)

    def _tracking_lifetime(self, tracking: Tracking) -> float:
        last = max(tracking.events, key=lambda event: event.occurred.at, default=None)
        final = last is not None and last.status in FINAL
        return self._lifetimes.tracking_final if final else self._lifetimes.tracking


async def _live(read: Awaitable[V]) -> V:
    """What is read, as one call."""
    with as_one_call():
        try:
            return await read
        except SourceError as error:
            raise unburdened(error)  # noqa: B904 (the same error)


def _no_codes(_: object) -> Iterable[Code | None]:
    return ()
