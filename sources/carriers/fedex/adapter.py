"""Reads FedEx Track v1: up to 30 tracking numbers a call, bearer token by client credentials."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Final

from domain.errors import SourceError, SourceFault
from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Provenance
from sources.carriers.asking import Answers, in_batches, reading
from sources.carriers.bearer import BearerDoor
from sources.carriers.fedex import wire
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.decoding import decode
from sources.oauth import ClientCredentials
from sources.ports import Batch
from sources.transport import Transport

BATCH: Final = 30
"""FedEx's own limit of numbers in a call."""

HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "X-locale": "en_US"}


class FedexCarrier:
    """FedEx Ground and Express behind ``CarrierSource`` and, for proofs of delivery, ``DocumentSource``. ``config.url``
    is the origin of ``/track/v1``.
    """

    scacs: ClassVar[frozenset[str]] = frozenset({"FDEG", "FDE"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._door = BearerDoor(transport, ClientCredentials(transport, config, style="form"))
        self._codes = CodeTable.read("fedex", Path(__file__).with_name("codes.tsv"), ShipmentStatus, config.codes)

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        return await in_batches(keys, BATCH, self._ask)

    @asynccontextmanager
    async def document(self, id_: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """The letter with the recipient's signature, of the shipment with FedEx's unique id ``id_``. It comes within
        JSON, so it is bounded as any answer is.
        """
        asked = wire.document_request(id_)
        found: bytes | None = None
        if asked is not None:
            reply = await self._door.send(
                "POST",
                "/track/v1/trackingdocuments",
                operation="file",
                headers=HEADERS,
                content=asked,
                accept=(HTTPStatus.OK, HTTPStatus.NOT_FOUND),
            )
            if reply.status == HTTPStatus.OK:
                with reading(self._system, "file"):
                    found = next(iter(decode(reply.body, wire.DocumentReply).output.documents), None)
        yield None if found is None else _whole(found)

    async def _ask(self, numbers: Sequence[str]) -> Callable[[TrackingKey], Tracking | None]:
        reply = await self._door.send(
            "POST", "/track/v1/trackingnumbers", operation="track", headers=HEADERS, content=wire.request(numbers)
        )
        source = Provenance(self._system, reply.as_of)
        answers = Answers[wire.CompleteResult]()
        with reading(self._system, "track"):
            answer = decode(reply.body, wire.TrackReply)
        for number, result in answer.results(self._system):
            if isinstance(result, SourceError):
                answers.spoil(number, result)
            elif number is not None:
                answers.add(number, result)

        def read(key: TrackingKey) -> Tracking | None:
            found = answers.of(key.number)
            if not found:
                raise SourceFault(self._system, f"track {key.number}: not answered")
            with reading(self._system, f"track {key.number}"):
                return found[0].to_domain(key, self._codes, source)

        return read


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
