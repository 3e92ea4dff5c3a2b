"""Takes in what systems send by themselves: verified over the raw body, stored before it is read, then acknowledged.

Framework-free: a server hands over headers and body, and answers by the outcome.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from domain.errors import Forged
from domain.events import Delivery
from ingest.observer import IngestObserver, Outcome
from sources.feeds import Door

log = structlog.get_logger("crossdock.intake")

UNKNOWN: Final = "other"
"""The source of what came for a source we do not have, whose name the sender may choose at will."""


class Intake:
    """``accept`` stores deliveries durably before it returns, and says how many were new; it may be called many times
    at once. ``patience``: seconds it may take. ``now``: the clock of arrivals; ``signed_at``: the one that senders sign
    by.
    """

    def __init__(
        self,
        doors: Mapping[str, Door],
        accept: Callable[[Sequence[Delivery]], Awaitable[int]],
        *,
        now: Callable[[], datetime],
        signed_at: Callable[[], datetime],
        observer: IngestObserver,
        patience: float = 10.0,
    ) -> None:
        self._doors = doors
        self._accept = accept
        self._now = now
        self._signed_at = signed_at
        self._observer = observer
        self._patience = patience
        self._storing: set[asyncio.Future[int]] = set()

    def door(self, source: str) -> Door | None:
        """None: no such source, or it is off; nobody is told which."""
        return self._doors.get(source)

    async def deliver(self, source: str, headers: Mapping[str, str], body: bytes, correlation_id: str) -> Outcome:
        """ACCEPTED and REPEATED mean that it is stored, durably; every other outcome that it is not, or not surely."""
        door = self.door(source)
        if door is None:
            return self.told(source, Outcome.OFF)
        try:
            genuine = door.verify(headers, body, self._signed_at())
        except Forged as error:
            return self.told(source, Outcome.FORGED, error.detail)
        delivery = Delivery(
            source,
            genuine.external_id,
            genuine.topic,
            self._now(),
            body,
            genuine.headers,
            correlation_id=correlation_id,
        )
        return self.told(source, await self._store(delivery))

    def told(self, source: str, outcome: Outcome, detail: str | None = None) -> Outcome:
        """Counts what became of a message, and logs what was refused."""
        name = source if source in self._doors else UNKNOWN
        self._observer.delivered(name, outcome)
        if detail is not None:
            log.warning("delivery refused", source=name, outcome=outcome, detail=detail)
        return outcome

    async def _store(self, delivery: Delivery) -> Outcome:
        """A store that takes too long is not interrupted: others' deliveries may be in the same commit."""
        storing = asyncio.ensure_future(self._accept([delivery]))
        self._storing.add(storing)
        storing.add_done_callback(self._storing.discard)
        try:
            async with asyncio.timeout(self._patience):
                new = await asyncio.shield(storing)
        except Exception:  # whatever fails, the message is not ours yet, and its sender must try again
            log.exception("delivery not stored", source=delivery.source)
            return Outcome.UNAVAILABLE
        return Outcome.ACCEPTED if new else Outcome.REPEATED
