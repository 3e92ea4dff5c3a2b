"""Reads the benchmark's carrier: one call per tracking number (`sim/openapi.js`)."""

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import msgspec

from domain.model import ShipmentStatus, Tracking, TrackingEvent, TrackingKey
from domain.values import Provenance
from sources.batches import each
from sources.carriers.asking import reading
from sources.carriers.events import Codes, event, moment
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.ports import Batch
from sources.transport import Transport


class EventRecord(msgspec.Struct, frozen=True):
    timestamp: str
    code: str
    description: str
    location: str

    def to_domain(self, codes: Codes, key: TrackingKey) -> TrackingEvent:
        return event(
            codes.translate("event", self.code, self.description),
            key=key,
            unique_id=None,
            kind="event",
            code=self.code,
            told_at=self.timestamp,
            occurred=moment(self.timestamp),
            location=self.location,
        )


class TrackingRecord(msgspec.Struct, frozen=True):
    events: list[EventRecord]

    def to_domain(self, codes: Codes, key: TrackingKey, source: Provenance) -> Tracking:
        told = tuple(record.to_domain(codes, key) for record in self.events)
        return Tracking(key, None, told, None, None, source)


class Carrier:
    """The benchmark's carrier behind ``CarrierSource``; it answers for all of the data set's carriers."""

    scacs: ClassVar[frozenset[str]] = frozenset({"DHL", "DPD", "UPS", "GLS"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._codes = CodeTable.read("carrier", Path(__file__).with_name("carrier.tsv"), ShipmentStatus)

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        return await each(keys, self._track)

    async def _track(self, key: TrackingKey) -> Tracking | None:
        reply = await self._transport.send(
            "GET",
            f"/carrier/track/{quote(key.number, safe='')}",
            operation="track",
            accept=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
        )
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        with reading(self._system, f"track {key.number}"):
            record = msgspec.json.decode(reply.body, type=TrackingRecord)
            return record.to_domain(self._codes, key, Provenance(self._system, reply.as_of))
