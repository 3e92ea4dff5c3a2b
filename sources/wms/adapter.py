"""Reads the warehouse system: one call for any number of keys up to its batch limit."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from domain.errors import SourceFault
from domain.model import OrderId, Shipment, ShipmentId, WarehouseOrder, WarehouseStage
from domain.queries import Page, RecordQuery
from domain.values import Provenance
from sources.batches import Answers, in_batches
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.ports import Batch
from sources.transport import Reply, Transport
from sources.wms import wire

K = TypeVar("K", bound=str)

BATCH: Final = 500
"""The service's limits: keys in a query, and shipments in a page."""


class WmsWarehouse:
    """The warehouse system behind ``WarehouseSource`` and, for packing lists, ``DocumentSource``.

    ``config.password`` is its API key.
    """

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._codes = CodeTable.read("wms", Path(__file__).with_name("codes.tsv"), WarehouseStage, config.codes)
        self._headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if config.password:
            self._headers["X-Api-Key"] = config.password

    async def warehouse_orders(self, ids: Collection[OrderId]) -> Batch[OrderId, WarehouseOrder]:
        return await in_batches(ids, BATCH, self._orders)

    async def shipments(self, ids: Collection[ShipmentId]) -> Batch[ShipmentId, Shipment]:
        return await in_batches(ids, BATCH, self._by_id)

    async def shipments_by_tracking(self, numbers: Collection[str]) -> Batch[str, Sequence[Shipment]]:
        """Void packages' numbers and freight PRO numbers find their shipments too."""
        return await in_batches(numbers, BATCH, self._by_tracking)

    async def shipment_page(self, query: RecordQuery) -> Page[Shipment]:
        """At most ``BATCH`` rows. One row that is malformed, or that was not asked for, is the page's SourceFault:
        a page cannot leave a row out in silence.
        """
        conditions = _conditions(query)
        if conditions is None:
            return Page((), more=False)
        after = wire.Position(query.after.at, query.after.id) if query.after else None
        answer, source = await self._query(conditions, after=after, limit=min(query.limit, BATCH))
        rows = wire.merge(wire.read(raw, wire.ShipmentRecord, self._codes, source) for raw in answer.shipments)
        for row in rows:
            if not query.visibility.sees_at(row.customer_id, row.ship_to_id):
                raise SourceFault(self._system, f"shipment {row.id!r} of account {row.customer_id!r} was not asked for")
        return Page(rows, more=answer.next is not None)

    def document(self, id_: str) -> AbstractAsyncContextManager[AsyncIterator[bytes] | None]:
        """The packing list of the shipment ``id_``."""
        path = f"/api/v2/shipments/{quote(id_, safe='')}/packing-list"
        return self._transport.stream(path, operation="file", headers=self._headers)

    async def _orders(self, asked: Sequence[OrderId]) -> Batch[OrderId, WarehouseOrder]:
        reply = await self._post("orders", {"orderNumbers": asked, "include": ("work", "shipments")})
        answer = wire.decode(reply.body, wire.OrdersReply, self._system)
        source = Provenance(self._system, reply.as_of)
        answers = Answers[OrderId, WarehouseOrder]()
        for raw in answer.orders:
            try:
                order = wire.read(raw, wire.OrderRecord, self._codes, source)
            except SourceFault as fault:
                named = wire.name(raw, wire.OrderName)
                answers.spoil([OrderId(named.order_number)] if named else None, fault)
            else:
                answers.add([order.order_id], order)
        for error in answer.errors:
            answers.spoil([OrderId(error.order_number)], error.to_domain(self._system))
        return answers.of(asked, wire.join)

    async def _by_id(self, asked: Sequence[ShipmentId]) -> Batch[ShipmentId, Shipment]:
        answers = await self._found({"shipmentIds": asked}, lambda found: [wire.identity(found)])
        return answers.of(asked, lambda parts: wire.merge(parts)[0])

    async def _by_tracking(self, asked: Sequence[str]) -> Batch[str, Sequence[Shipment]]:
        answers = await self._found({"trackingNumbers": asked}, wire.tracking_numbers)
        return answers.of(asked, wire.merge)

    async def _found(
        self, conditions: Mapping[str, object], keys: Callable[[Shipment | wire.ShipmentName], Collection[K]]
    ) -> Answers[K, Shipment]:
        """Every shipment that meets the conditions, in as many pages as the service makes of them."""
        answers = Answers[K, Shipment]()
        after: wire.Position | None = None
        while True:
            answer, source = await self._query(conditions, after=after, limit=BATCH)
            for raw in answer.shipments:
                try:
                    shipment = wire.read(raw, wire.ShipmentRecord, self._codes, source)
                except SourceFault as fault:
                    named = wire.name(raw, wire.ShipmentName)
                    answers.spoil(keys(named) if named else None, fault)
                else:
                    answers.add(keys(shipment), shipment)
            if answer.next is None:
                return answers
            if after is not None and answer.next.rank >= after.rank:
                raise SourceFault(self._system, f"shipments.query: page after {after.shipment_id!r} does not move on")
            after = answer.next

    async def _query(
        self, conditions: Mapping[str, object], *, after: wire.Position | None, limit: int
    ) -> tuple[wire.ShipmentsReply, Provenance]:
        reply = await self._post("shipments", {**conditions, "after": after, "limit": limit})
        return wire.decode(reply.body, wire.ShipmentsReply, self._system), Provenance(self._system, reply.as_of)

    async def _post(self, noun: str, body: Mapping[str, object]) -> Reply:
        return await self._transport.send(
            "POST",
            f"/api/v2/{noun}/query",
            operation=f"{noun}.query",
            headers=self._headers,
            content=msgspec.json.encode(body),
        )


def _conditions(query: RecordQuery) -> Mapping[str, object] | None:
    """The query in the service's words; None when nothing can meet it. A null condition is none."""
    visible = query.visibility
    accounts = query.customer_ids or None
    if visible.accounts is not None:
        accounts = frozenset(visible.accounts if accounts is None else accounts & visible.accounts)
    if accounts == frozenset() or visible.ship_tos == frozenset():
        return None
    return {
        "accounts": None if accounts is None else sorted(accounts),
        "shipTos": None if visible.ship_tos is None else sorted(visible.ship_tos),
        "orderNumbers": sorted(query.order_ids) or None,
    }
