"""Reads the benchmark's carrier: one call per tracking number (`sim/openapi.js`)."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import quote

import msgspec

from domain.errors import SourceError, SourceFault
from domain.model import ShipmentStatus, Tracking, TrackingEvent, TrackingKey
from domain.values import Moment, Provenance
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.ports import Batch
from sources.transport import Transport


class EventRecord(msgspec.Struct, frozen=True):
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    code: str
    description: str
    location: str

    def to_domain(self, codes: CodeTable[ShipmentStatus], key: TrackingKey) -> TrackingEvent:
        found = codes.translate("event", self.code, self.description)
        return TrackingEvent(
            id=f"{key.scac}/{key.number}/{self.code}/{self.timestamp.isoformat()}/{self.location}",
            status=found.meaning or ShipmentStatus.UNKNOWN,
            code=found.code,
            occurred=Moment(self.timestamp),
            location=self.location,
            message=found.message,
        )


class TrackingRecord(msgspec.Struct, frozen=True, rename="camel"):
    tracking_number: str
    events: list[EventRecord]

    def to_domain(self, codes: CodeTable[ShipmentStatus], key: TrackingKey, source: Provenance) -> Tracking:
        events = tuple(event.to_domain(codes, key) for event in self.events)
        return Tracking(key, None, events, None, None, source)


class Carrier:
    """The benchmark's carrier behind ``CarrierSource``; it answers for all of the data set's carriers."""

    scacs: ClassVar[frozenset[str]] = frozenset({"DHL", "DPD", "UPS", "GLS"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._codes = CodeTable.read("carrier", Path(__file__).with_name("carrier.tsv"), ShipmentStatus)

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        answers = await asyncio.gather(*(self._track(key) for key in keys))
        return {key: answer for key, answer in zip(keys, answers, strict=True) if answer is not None}

    async def _track(self, key: TrackingKey) -> Tracking | SourceError | None:
        try:
            reply = await self._transport.send(
                "GET",
                f"/carrier/track/{quote(key.number, safe='')}",
                operation="track",
                accept=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
            )
            if reply.status == HTTPStatus.NOT_FOUND:
                return None
            record = msgspec.json.decode(reply.body, type=TrackingRecord)
        except SourceError as error:
            return error
        except msgspec.DecodeError as error:
            return SourceFault(self._system, f"track {key.number}: {error}")
        return record.to_domain(self._codes, key, Provenance(self._system, reply.as_of))
