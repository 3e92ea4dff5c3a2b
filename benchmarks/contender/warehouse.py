"""Reads the benchmark's warehouse: shipments by order numbers, and nothing else (`sim/openapi.js`)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from benchmarks.contender import NO_ACCOUNT
from domain.errors import SourceFault
from domain.model import (
    Carrier,
    OrderId,
    Package,
    Shipment,
    ShipmentId,
    ShipmentMode,
    WarehouseOrder,
    WarehouseStage,
)
from domain.queries import Page, RecordQuery
from domain.values import Moment, Provenance
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.ports import Batch
from sources.transport import Transport


class ShipmentRecord(msgspec.Struct, frozen=True, rename="camel"):
    shipment_id: str
    order_number: str
    warehouse: str
    carrier: str
    tracking_number: str
    status: str
    shipped_at: Annotated[datetime, msgspec.Meta(tz=True)]

    def to_domain(self, codes: CodeTable[WarehouseStage], source: Provenance) -> Shipment:
        """``shippedAt`` is all the warehouse tells of time: creation and ship confirm alike."""
        stage = codes.translate("shipment", self.status)
        shipped = Moment(self.shipped_at)
        return Shipment(
            id=ShipmentId(self.shipment_id),
            order_id=OrderId(self.order_number),
            customer_id=NO_ACCOUNT,
            ship_to_id=None,
            warehouse=self.warehouse,
            stage=stage.meaning or WarehouseStage.UNKNOWN,
            stage_code=stage.code,
            mode=ShipmentMode.PARCEL,
            carrier=Carrier(self.carrier, self.carrier),
            service=None,
            pro_number=None,
            created_at=shipped,
            labelled_at=None,
            packed_at=None,
            manifested_at=None,
            confirmed_at=shipped,
            voided_at=None,
            lines=(),
            packages=(Package(self.tracking_number, self.tracking_number, None, (), voided=False),),
            source=source,
        )


class Warehouse:
    """The benchmark's warehouse behind ``WarehouseSource``."""

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._codes = CodeTable.read("wms", Path(__file__).with_name("warehouse.tsv"), WarehouseStage)

    async def warehouse_orders(self, ids: Collection[OrderId]) -> Batch[OrderId, WarehouseOrder]:
        found: dict[OrderId, list[Shipment]] = {}
        for shipment in await self._shipments(ids):
            found.setdefault(shipment.order_id, []).append(shipment)
        return {id_: WarehouseOrder(id_, (), tuple(rows), rows[0].source) for id_, rows in found.items()}

    async def shipment_page(self, query: RecordQuery) -> Page[Shipment]:
        if query.visibility.accounts is not None or query.customer_ids or not query.order_ids:
            raise SourceFault(self._system, "lists shipments by order numbers alone")
        rows = sorted(await self._shipments(query.order_ids), key=_position, reverse=True)
        if query.after is not None:
            last = query.after.at, query.after.id
            rows = [row for row in rows if _position(row) < last]
        return Page(rows[: query.limit], more=len(rows) > query.limit)

    async def shipments(self, ids: Collection[ShipmentId]) -> Batch[ShipmentId, Shipment]:
        raise SourceFault(self._system, f"finds no shipment by its id: {ids}")

    async def shipments_by_tracking(self, numbers: Collection[str]) -> Batch[str, Sequence[Shipment]]:
        raise SourceFault(self._system, f"finds no shipment by its tracking number: {numbers}")

    async def _shipments(self, ids: Collection[OrderId]) -> list[Shipment]:
        reply = await self._transport.send(
            "GET", "/wms/shipments", operation="shipments", params={"orderNumbers": ",".join(ids)}
        )
        source = Provenance(self._system, reply.as_of)
        try:
            records = msgspec.json.decode(reply.body, type=list[ShipmentRecord])
        except msgspec.DecodeError as error:
            raise SourceFault(self._system, f"shipments: {error}") from error
        return [record.to_domain(self._codes, source) for record in records]


def _position(shipment: Shipment) -> tuple[datetime, str]:
    return shipment.created_at.at, shipment.id
