"""Reads DHL Shipment Tracking Unified: one call per tracking number, an API key in a header."""

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar

from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Provenance
from sources.batches import each
from sources.carriers.asking import reading
from sources.carriers.dhl import wire
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.decoding import decode
from sources.ports import Batch
from sources.transport import Transport


class DhlCarrier:
    """DHL behind ``CarrierSource``. ``config.url`` is the origin of ``/track``, ``config.password`` the API key."""

    scacs: ClassVar[frozenset[str]] = frozenset({"DHLE"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._headers = {"Accept": "application/json", "DHL-API-Key": config.password or ""}
        self._codes = CodeTable.read("dhl", Path(__file__).with_name("codes.tsv"), ShipmentStatus, config.codes)

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        return await each(keys, self._track)

    async def _track(self, key: TrackingKey) -> Tracking | None:
        reply = await self._transport.send(
            "GET",
            "/track/shipments",
            operation="track",
            params={"trackingNumber": key.number},
            headers=self._headers,
            accept=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
        )
        with reading(self._system, f"track {key.number}"):
            if reply.status == HTTPStatus.NOT_FOUND:
                decode(reply.body, wire.Problem)
                return None
            answer = decode(reply.body, wire.TrackReply)
            return answer.to_domain(key, self._codes, Provenance(self._system, reply.as_of))
