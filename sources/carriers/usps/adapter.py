"""Reads USPS Tracking v3: one call per tracking number, bearer token by client credentials."""

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Provenance
from sources.batches import each
from sources.carriers.asking import reading
from sources.carriers.bearer import BearerDoor
from sources.carriers.usps import wire
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.decoding import decode
from sources.oauth import ClientCredentials
from sources.ports import Batch
from sources.transport import Transport


class UspsCarrier:
    """USPS behind ``CarrierSource``. ``config.url`` is the origin of ``/tracking/v3``."""

    scacs: ClassVar[frozenset[str]] = frozenset({"USPS"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._door = BearerDoor(transport, ClientCredentials(transport, config, style="json"))
        self._codes = CodeTable.read("usps", Path(__file__).with_name("codes.tsv"), ShipmentStatus, config.codes)

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        return await each(keys, self._track)

    async def _track(self, key: TrackingKey) -> Tracking | None:
        """USPS tells one mail piece a call; the mailing date says which, where a number was used again."""
        params = {"expand": "DETAIL"}
        if key.shipped_on:
            params["mailingDate"] = key.shipped_on.isoformat()
        reply = await self._door.send(
            "GET",
            f"/tracking/v3/tracking/{quote(key.number, safe='')}",
            operation="track",
            params=params,
            headers={"Accept": "application/json"},
            accept=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
        )
        with reading(self._system, f"track {key.number}"):
            if reply.status == HTTPStatus.NOT_FOUND:
                decode(reply.body, wire.Refusal)
                return None
            answer = decode(reply.body, wire.TrackingDetails)
            return answer.to_domain(key, self._codes, Provenance(self._system, reply.as_of))
