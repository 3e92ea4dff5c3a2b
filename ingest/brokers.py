"""Hears message brokers and puts every message in the inbox before it is acknowledged; does nothing else with it.

One listener a broker, each in a task of its own: a broker that is down delays nobody, and is tried for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import structlog

from domain.events import Delivery
from ingest.broker_lines import BrokerConfig, Line, Look, cancelled, kind, told_of
from ingest.broker_messages import Message, delivery_of
from ingest.observer import IngestObserver, Outcome

log = structlog.get_logger("crossdock.brokers")

Accept: TypeAlias = Callable[[Sequence[Delivery]], Awaitable[int]]
"""Stores deliveries durably before it returns, and says how many were new; may be called many times at once."""


@dataclass(frozen=True, slots=True)
class BrokerHealth:
    """How one broker stands. ``pending``: messages it has yet to see acknowledged; None: it does not tell.

    ``last_error`` is None once it works again; no secret is in it. ``warnings``: what of its set-up may lose messages.
    """

    connected: bool
    pending: int | None
    last_message_at: datetime | None
    last_error: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds. ``look``: between two looks at the broker; ``pause``: before a message that could not be stored is tried
    or sent back; ``backoff``: before a dead line is opened anew, doubled each time up to ``longest``.
    """

    look: float = 5.0
    pause: float = 1.0
    backoff: float = 0.5
    longest: float = 30.0
    closing: float = 10.0


class Brokers:
    """All configured brokers. ``now`` gives aware UTC."""

    def __init__(
        self,
        configs: Iterable[BrokerConfig],
        accept: Accept,
        *,
        now: Callable[[], datetime],
        observer: IngestObserver,
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        self._listeners = {config.name: Listener(config, accept, now, observer, rhythm) for config in configs}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Returns at once, whatever state the brokers are in."""
        self._tasks = [
            asyncio.create_task(listener.run(), name=f"broker {name}") for name, listener in self._listeners.items()
        ]

    async def stop(self) -> None:
        """Messages under way are stored first; what is not acknowledged then comes again at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def health(self) -> Mapping[str, BrokerHealth]:
        """By the broker's configured name."""
        return {name: listener.health for name, listener in self._listeners.items()}


class Listener:
    """Keeps one line open and stores what comes over it."""

    def __init__(
        self,
        config: BrokerConfig,
        accept: Accept,
        now: Callable[[], datetime],
        observer: IngestObserver,
        rhythm: Rhythm,
    ) -> None:
        self._config = config
        self._accept = accept
        self._now = now
        self._observer = observer
        self._rhythm = rhythm
        self._patience = 0.0
        self._look: Look | None = None
        self._last_message_at: datetime | None = None
        self._errors: dict[str, str] = {}

    @property
    def health(self) -> BrokerHealth:
        look = self._look or Look()
        return BrokerHealth(
            connected=self._look is not None,
            pending=look.pending,
            last_message_at=self._last_message_at,
            last_error="; ".join(self._errors.values()) or None,
            warnings=look.warnings,
        )

    async def run(self) -> None:
        """Until cancelled."""
        wait = self._rhythm.backoff
        while not cancelled():
            line = kind(self._config.url).line(self._config, self._take, self._lost)
            self._patience = line.patience
            try:
                await line.open()
                wait = self._rhythm.backoff
                await self._watch(line)
            except Exception as error:  # noqa: BLE001 (whatever ends a line, it is opened anew)
                self._lost(error)
            finally:
                self._look = None
                with suppress(Exception):
                    async with asyncio.timeout(self._rhythm.closing):
                        await line.close()
            await asyncio.sleep(wait)
            wait = min(2 * wait, self._rhythm.longest)

    async def _watch(self, line: Line) -> None:
        while not cancelled():
            async with asyncio.timeout(self._rhythm.closing):
                look = await line.look()
            if look.warnings and (self._look is None or look.warnings != self._look.warnings):
                log.warning("a broker may lose messages", broker=self._config.name, warnings=look.warnings)
            self._look = look
            self._errors.pop("line", None)
            await asyncio.sleep(self._rhythm.look)

    async def _take(self, messages: Sequence[Message]) -> None:
        """Raises what storing them raised once patience is over; never at once, so that no broker resends in a tight
        loop.
        """
        at = self._now()
        taken = [delivery_of(message, source=self._config.source, received_at=at) for message in messages]
        clock = asyncio.get_running_loop().time
        give_up = clock() + self._patience
        while True:
            try:
                new = await self._accept(taken)
            except Exception as error:
                self._fail("inbox", error)
                self._told(Outcome.UNAVAILABLE, len(taken))
                await asyncio.sleep(self._rhythm.pause)
                if clock() >= give_up:
                    raise
            else:
                self._last_message_at = at
                self._errors.pop("inbox", None)
                self._told(Outcome.ACCEPTED, new)
                self._told(Outcome.REPEATED, len(taken) - new)
                return

    def _told(self, outcome: Outcome, count: int) -> None:
        for _ in range(count):
            self._observer.delivered(self._config.source, outcome)

    def _lost(self, error: Exception) -> None:
        self._fail("line", error)

    def _fail(self, what: str, error: Exception) -> None:
        told = told_of(error, self._config.url)
        if self._errors.get(what) != told:
            self._errors[what] = told
            log.warning("a broker fails", broker=self._config.name, what=what, detail=told)
