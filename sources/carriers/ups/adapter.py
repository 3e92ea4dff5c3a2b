"""Reads UPS Track v1: one call per tracking number, bearer token by client credentials."""

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote
from uuid import uuid4

from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Provenance
from sources.batches import each
from sources.carriers.asking import reading
from sources.carriers.bearer import BearerDoor
from sources.carriers.ups import wire
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.decoding import decode
from sources.oauth import ClientCredentials
from sources.ports import Batch
from sources.transport import Transport


class UpsCarrier:
    """UPS behind ``CarrierSource``. ``config.url`` is the origin of ``/api/track/v1``."""

    scacs: ClassVar[frozenset[str]] = frozenset({"UPSN"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._door = BearerDoor(transport, ClientCredentials(transport, config, style="basic"))
        self._codes = CodeTable.read("ups", Path(__file__).with_name("codes.tsv"), ShipmentStatus, config.codes)

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        return await each(keys, self._track)

    async def _track(self, key: TrackingKey) -> Tracking | None:
        reply = await self._door.send(
            "GET",
            f"/api/track/v1/details/{quote(key.number, safe='')}",
            operation="track",
            headers={"Accept": "application/json", "transId": uuid4().hex, "transactionSrc": "crossdock"},
            accept=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
        )
        with reading(self._system, f"track {key.number}"):
            if reply.status == HTTPStatus.NOT_FOUND:
                decode(reply.body, wire.Refusal)
                return None
            answer = decode(reply.body, wire.TrackReply)
            return answer.to_domain(key, self._codes, Provenance(self._system, reply.as_of))
