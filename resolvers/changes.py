"""Follows the log of changes for all who listen in one process: one reader, bounded queues, nobody waits for others."""

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from domain.access import Principal
from domain.changes import Logged
from domain.errors import BadInput
from resolvers.seals import Seal

log = structlog.get_logger("crossdock.changes")

POLL = 0.1
"""Seconds between two looks at the log when nobody says that something was added."""

PAGE = 500
QUEUE = 1000
"""Entries a listener may have before it; beyond, it reads the log itself."""

PATIENCE = (0.2, 5.0)
"""Seconds until a log that could not be read is tried again: at first, and at most."""

LOG = "log"
POSITION = struct.Struct(">Q")
NOT_OURS = "That cursor is not one of ours: pass `cursor` of an update as it came."


class ChangeLog(Protocol):
    """What the hub asks of the store. Positions grow by one; a later one is never seen before an earlier one."""

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        """The oldest entries beyond position ``after``, at most ``limit``."""
        ...

    async def head(self) -> int:
        """The position of the newest entry there ever was; 0 before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries in order. ``missed``: entries before them are gone from the log."""

    entries: Sequence[Logged]
    missed: bool


class Listener:
    """One place in the log, moving on as entries are taken. ``close`` it."""

    def __init__(self, hub: "Changes", position: int) -> None:
        self.position = position
        self._hub = hub
        self._queue: deque[Logged] = deque()
        self._woken = asyncio.Event()
        self._ended = False

    def offer(self, entries: Sequence[Logged]) -> None:
        """Takes what continues the queue and fits; what is left out will be read from the log."""
        end = self._queue[-1].position if self._queue else self.position
        news = [entry for entry in entries if entry.position > end]
        if news and news[0].position == end + 1 and len(self._queue) + len(news) <= QUEUE:
            self._queue.extend(news)
        self._woken.set()

    async def take(self) -> Batch | None:
        """What was logged since the last take, as soon as there is something; None once the hub is closed."""
        while not self._ended:
            self._woken.clear()
            entries: Sequence[Logged] = tuple(self._queue)
            self._queue.clear()
            if not entries and self.position < self._hub.position:
                entries = await self._hub.read(self.position)
            if entries:
                missed = entries[0].position > self.position + 1
                self.position = entries[-1].position
                return Batch(entries, missed)
            await self._woken.wait()
        return None

    def close(self) -> None:
        self._hub.leave(self)

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._woken.set()


class Changes:
    """The hub. ``heard`` is told of entries before any listener is, so that what they make untrue can be forgotten.

    ``position``: how far the log has been read; it is read only while somebody listens.
    """

    def __init__(self, log: ChangeLog, *, heard: Callable[[Sequence[Logged]], None] = lambda _: None) -> None:
        self.position = 0
        self._log = log
        self._heard = heard
        self._listeners: set[Listener] = set()
        self._woken = asyncio.Event()
        self._following: asyncio.Task[None] | None = None

    @property
    def listening(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def wake(self) -> None:
        """Something was added: look at once."""
        self._woken.set()

    async def head(self) -> int:
        """Where the log ends now: whoever resumes from here misses nothing that comes later."""
        return await self._log.head()

    async def listen(self, after: int | None = None) -> Listener:
        """A listener from the position ``after``, or from now. Raises BadInput for one that the log has not reached."""
        head = await self._log.head()
        position = head if after is None else after
        if position > head:
            raise BadInput(NOT_OURS)
        listener = Listener(self, position)
        self._listeners.add(listener)
        if self._following is None:
            self.position = head
            self._following = asyncio.create_task(self._follow())
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if self._following is not None and not self._listeners:
            self._following.cancel()
            self._following = None

    async def read(self, after: int) -> Sequence[Logged]:
        """The next page of the log; a log that cannot be read is tried again until it can."""
        wait, longest = PATIENCE
        while True:
            try:
                entries = await self._log.changes(after, PAGE)
                self._heard(entries)
            except Exception:
                log.exception("the log of changes could not be read")
                await asyncio.sleep(wait)
                wait = min(2 * wait, longest)
            else:
                return entries

    async def _follow(self) -> None:
        while True:
            self._woken.clear()
            entries = await self.read(self.position)
            if entries:
                self.position = entries[-1].position
                for listener in tuple(self._listeners):
                    listener.offer(entries)
            if len(entries) < PAGE:
                await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Ends every listener."""
        for listener in tuple(self._listeners):
            listener.end()
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def cursor(seal: Seal, principal: Principal, position: int) -> str:
    """A position as one caller carries it: how much there is to tell of others stays hidden."""
    return seal.bound(principal, LOG).sealed(POSITION.pack(position))


def position(seal: Seal, principal: Principal, given: str) -> int:
    """The position; BadInput for a cursor that this caller was never given."""
    content = seal.bound(principal, LOG).opened(given)
    if content is None:
        raise BadInput(NOT_OURS)
    (found,) = POSITION.unpack(content)
    return int(found)
