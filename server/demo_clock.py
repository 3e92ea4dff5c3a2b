"""Follows the simulated company's clock, so that the demo's orders age as its simulators say."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from domain.errors import SourceError
from sources.transport import Transport

log = structlog.get_logger("crossdock.demo")

EVERY = 1.0
"""Seconds between two looks at the simulated clock."""


class Reading(msgspec.Struct, frozen=True):
    now: datetime


class DemoClock:
    """``now()`` is the simulated time as last read, moved on by the time since."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    async def read(self) -> None:
        """Reads the clock once; raises SourceError, or msgspec.DecodeError for an answer that is no clock's."""
        reply = await self._transport.send("GET", "", operation="clock")
        self._ahead = msgspec.json.decode(reply.body, type=Reading).now - datetime.now(UTC)

    async def follow(self) -> None:
        """Reads it again and again; a clock that is gone goes on as it went."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.read()
            except (SourceError, msgspec.DecodeError) as error:
                log.debug("clock not read", detail=str(error))
