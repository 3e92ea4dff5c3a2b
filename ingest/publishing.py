"""Publishes the change log to a broker as canonical events: in order, at least once, nothing skipped.

The change log is the outbox. How far it has been published is a place of its own, kept durably; it moves only after the
broker has confirmed what lies before it. So a crash between the two publishes again, under the same ids.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from domain.changes import Logged
from ingest.broker_lines import Outlet, PublishConfig, cancelled, kind, told_of
from ingest.canonical_events import CONTENT_TYPE, canonical

log = structlog.get_logger("crossdock.publishing")


class ChangeLog(Protocol):
    """The outbox. Positions grow by one; a later one is never seen before an earlier one."""

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        """The oldest entries beyond position ``after``, at most ``limit``."""
        ...

    async def head(self) -> int:
        """The position of the newest entry there ever was; 0 before the first."""
        ...


class Place(Protocol):
    """How far the log has been published; durable, and shared by all replicas."""

    async def place(self) -> int:
        """The position of the last entry that was published; 0 before the first."""
        ...

    async def move(self, position: int) -> None:
        """Forward only: a position before the one kept changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class PublishHealth:
    """How publication stands. ``pending``: entries of the log that wait; None: not known yet.

    ``last_error`` is None once it works again; no secret is in it. ``warnings``: what of the broker's set-up may lose
    events.
    """

    connected: bool
    pending: int | None
    last_published_at: datetime | None
    last_error: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pace:
    """``page``: entries published before the place moves. Seconds: ``poll``: between two looks at the log when nobody
    says that something was added; ``backoff``: before a broken line is opened anew, doubled each time up to
    ``longest``.
    """

    page: int = 100
    poll: float = 0.2
    backoff: float = 0.5
    longest: float = 30.0
    closing: float = 10.0


class Publisher:
    """Several may run over one log and one place, here and in other processes: what they publish twice has one id, and
    what is heard first of each is in order. ``now`` gives aware UTC.
    """

    def __init__(
        self,
        config: PublishConfig,
        changes: ChangeLog,
        place: Place,
        *,
        now: Callable[[], datetime],
        pace: Pace = Pace(),
    ) -> None:
        self._config = config
        self._changes = changes
        self._place = place
        self._now = now
        self._pace = pace
        self._woken = asyncio.Event()
        self._connected = False
        self._pending: int | None = None
        self._last_published_at: datetime | None = None
        self._last_error: str | None = None
        self._risks: tuple[str, ...] = ()
        self._missed: tuple[str, ...] = ()

    @property
    def health(self) -> PublishHealth:
        warnings = (*self._risks, *self._missed)
        return PublishHealth(self._connected, self._pending, self._last_published_at, self._last_error, warnings)

    def wake(self) -> None:
        """Something was added to the log: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Publishes until cancelled; a broker or a log that is not to be had is tried for ever."""
        wait = self._pace.backoff
        while not cancelled():
            outlet = kind(self._config.url).outlet(self._config, self._failed)
            try:
                await outlet.open()
                self._connected, self._risks, wait = True, outlet.risks, self._pace.backoff
                await self._follow(outlet)
            except Exception as error:  # noqa: BLE001 (whatever breaks the line or the log, both are tried anew)
                self._failed(error)
            finally:
                self._connected = False
                with suppress(Exception):
                    async with asyncio.timeout(self._pace.closing):
                        await outlet.close()
            await asyncio.sleep(wait)
            wait = min(2 * wait, self._pace.longest)

    async def _follow(self, outlet: Outlet) -> None:
        while not cancelled():
            self._woken.clear()
            position = await self._place.place()
            entries = await self._changes.changes(position, self._pace.page)
            self._pending = await self._changes.head() - position
            if entries:
                self._see_gap(position, entries[0].position)
                await self._publish(outlet, entries)
            self._last_error = None
            if len(entries) < self._pace.page:
                await self._pause()

    async def _publish(self, outlet: Outlet, entries: Sequence[Logged]) -> None:
        """What was confirmed before one failed counts as published."""
        done: int | None = None
        try:
            for logged in entries:
                for event in canonical(logged, self._config.tenant):
                    await outlet.send(event.id, event.key, CONTENT_TYPE, event.body)
                done = logged.position
        finally:
            if done is not None:
                await self._place.move(done)
                self._last_published_at = self._now()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll):
                await self._woken.wait()

    def _see_gap(self, position: int, first: int) -> None:
        if first > position + 1:
            missed = f"entries {position + 1} to {first - 1} left the log before they were published"
            self._missed = (missed,)
            log.warning("events are missed", detail=missed)

    def _failed(self, error: Exception) -> None:
        told = told_of(error, self._config.url)
        if told != self._last_error:
            self._last_error = told
            log.warning("publishing fails", detail=told)
