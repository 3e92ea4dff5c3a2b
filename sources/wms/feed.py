"""The warehouse's events: each tells whole what it knows of the orders it is about."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from domain.events import Delivery
from domain.model import WarehouseOrder, WarehouseStage
from sources import pushed
from sources.codes import CodeTable
from sources.wms import wire

TOPICS: Final = frozenset({"Order Released", "Order Allocated", "Order Packed Out", "Shipment Update"})


class Head(msgspec.Struct, frozen=True, rename={"topic": "webhook_type"}):
    topic: str


class Push(msgspec.Struct, frozen=True):
    """The orders as a query would answer them."""

    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    orders: Annotated[list[wire.OrderRecord], msgspec.Meta(min_length=1)]


class WmsFeed:
    def __init__(self, codes: Path | None = None) -> None:
        self._codes = CodeTable.read("wms", Path(__file__).with_name("codes.tsv"), WarehouseStage, codes)

    def topic(self, body: bytes) -> str:
        return pushed.topic(body, Head)

    def parse(self, delivery: Delivery) -> Sequence[WarehouseOrder]:
        """One for each order; the parts of two warehouses are one."""
        pushed.known(delivery, Head, TOPICS)
        told = pushed.decode(delivery, Push)
        with pushed.reading(delivery, "$.occurred_at"):
            source = pushed.provenance(delivery, told.occurred_at)
        parts: dict[str, list[WarehouseOrder]] = {}
        for place, record in enumerate(told.orders):
            with pushed.reading(delivery, f"$.orders[{place}]"):
                parts.setdefault(record.order_number, []).append(record.to_domain(self._codes, source))
        return [wire.join(each) for each in parts.values()]
