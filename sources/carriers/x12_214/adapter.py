"""Reads a mailbox of X12 214 messages (a VAN's or an AS2 station's outbox): own fleet and LTL carriers."""

import base64
from collections.abc import Callable, Collection, Iterable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Final

from domain.errors import SourceFault
from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Provenance
from sources import x12
from sources.carriers.asking import UNREADABLE, Answers, in_batches, reading
from sources.carriers.x12_214 import wire
from sources.codes import CodeTable
from sources.config import SourceConfig
from sources.ports import Batch
from sources.transport import Transport

BATCH: Final = 50
"""PRO numbers in a call: as many as an address surely holds."""


class X12Carrier:
    """The mailbox behind ``CarrierSource``. ``config.url`` is the origin of ``/outbox``; HTTP Basic (RFC 7617)."""

    scacs: ClassVar[frozenset[str]] = frozenset({"ODFL", "SAIA", "CDOF"})

    def __init__(self, config: SourceConfig, transport: Transport) -> None:
        self._system = config.name
        self._transport = transport
        self._codes = CodeTable.read("x12_214", Path(__file__).with_name("codes.tsv"), ShipmentStatus, config.codes)
        pair = f"{config.username or ''}:{config.password or ''}".encode()
        self._headers = {
            "Accept": "application/edi-x12",
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
        }

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        return await in_batches(keys, BATCH, self._ask)

    async def _ask(self, numbers: Sequence[str]) -> Callable[[TrackingKey], Tracking | None]:
        reply = await self._transport.send(
            "GET",
            "/outbox/214",
            operation="outbox",
            params=[("pro", number) for number in numbers],
            headers=self._headers,
            accept=(HTTPStatus.OK, HTTPStatus.NO_CONTENT),
        )
        answers = self._sorted(reply.body)
        source = Provenance(self._system, reply.as_of)

        def read(key: TrackingKey) -> Tracking | None:
            with reading(self._system, f"214 {key.number}"):
                return wire.to_domain(answers.of(key.number), key, self._codes, source)

        return read

    def _sorted(self, body: bytes) -> Answers[wire.Message]:
        """What is damaged spoils the numbers it speaks of, and where those are unsure every number nothing answers."""
        answers = Answers[wire.Message]()
        for told in x12.read(body):
            if isinstance(told, x12.Damaged):
                sets = sum(segment.name == "ST" for segment in told.segments)
                numbers = wire.numbers(told.segments, sets=sets)
                unsure = () if numbers and told.ended else (None,)
                self._spoil(answers, (*numbers, *unsure), told.reason)
            else:
                for one in told.sets:
                    if one.kind == wire.KIND:
                        self._add(answers, one)
        return answers

    def _add(self, answers: Answers[wire.Message], told: x12.TransactionSet) -> None:
        try:
            message = wire.Message.of(told)
        except UNREADABLE as error:
            self._spoil(answers, wire.numbers(told.segments, sets=1) or (None,), str(error))
        else:
            answers.add(message.pro_number, message)

    def _spoil(self, answers: Answers[wire.Message], numbers: Iterable[str | None], reason: str) -> None:
        for number in numbers:
            answers.spoil(number, SourceFault(self._system, f"214: {reason}"))
