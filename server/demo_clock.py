"""Follows the simulated company's clock, so that the demo's orders age as its simulators say."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from domain.errors import SourceError
from sources.transport import Transport

log = structlog.get_logger("crossdock.demo")

EVERY = 0.5
"""Seconds between two looks at the simulated clock."""


class Reading(msgspec.Struct, frozen=True):
    """What the clock showed at the monotonic second ``real`` of its machine, and how fast it went then."""

    now: datetime
    real: float
    rate: float = 1.0
    frozen: bool = False

    def at(self, real: float) -> datetime:
        elapsed = 0.0 if self.frozen else (real - self.real) * self.rate
        return self.now + timedelta(seconds=elapsed)


class DemoClock:
    """``now()`` is the simulated time as last read, moved on by the time since at its rate."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reading = Reading(datetime.now(UTC), time.monotonic())

    def now(self) -> datetime:
        return self._reading.at(time.monotonic())

    async def read(self) -> None:
        """Reads the clock once; raises SourceError, or msgspec.DecodeError for an answer that is no clock's."""
        asked = time.monotonic()
        reply = await self._transport.send("GET", "", operation="clock")
        told = msgspec.json.decode(reply.body, type=Reading)
        of_this_machine = asked <= told.real <= time.monotonic()
        self._reading = told if of_this_machine else msgspec.structs.replace(told, real=time.monotonic())

    async def follow(self) -> None:
        """Reads it again and again; a clock that is gone goes on as it went."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.read()
            except (SourceError, msgspec.DecodeError) as error:
                log.debug("clock not read", detail=str(error))
