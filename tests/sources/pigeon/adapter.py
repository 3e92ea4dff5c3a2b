"""Reads Pigeon Post: one call per ring number."""

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import msgspec

from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Provenance
from sources.batches import each
from sources.carriers.asking import reading
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.ports import Batch
from sources.transport import Transport
from tests.sources.pigeon.wire import Flight


class PigeonCarrier:
    scacs: ClassVar[frozenset[str]] = frozenset({"PGEN"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._codes = CodeTable.read("pigeon", Path(__file__).with_name("codes.tsv"), ShipmentStatus)

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        return await each(keys, self._track)

    async def _track(self, key: TrackingKey) -> Tracking | None:
        accept = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
        path = f"/flights/{quote(key.number, safe='')}"
        reply = await self._transport.send("GET", path, operation="track", accept=accept)
        if reply.status == HTTPStatus.NOT_FOUND:
            return None
        with reading(self._system, f"track {key.number}"):
            flight = msgspec.json.decode(reply.body, type=Flight)
            return flight.to_domain(key, self._codes, Provenance(self._system, reply.as_of))
