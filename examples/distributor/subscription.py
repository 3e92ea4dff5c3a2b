"""All that one subscriber is told of what happens in the company's systems, and what became of it."""

import asyncio
import hashlib
import heapq
import time
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Annotated, Any, Final

import msgspec

from examples.distributor.chaos import Chaos, Fate
from examples.distributor.clock import SimClock
from examples.distributor.pushes import Pushes
from examples.distributor.sending import Counts, HttpLine, Line
from examples.distributor.world import World
from examples.distributor.world.happenings import ERP, Happening

TICK: Final = 0.05
"""Real seconds between two looks at the clock."""
AT_ONCE: Final = 16
"""Messages on their way at the same time."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0
"""Real seconds before a message is sent again, doubled each time."""
BACK: Final = timedelta(hours=1)
"""A clock that is set back further begins another history; less is only late news that it runs slower."""


class Subscriber(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told. ``url``: each source's events are posted to ``url``/<source>; ``nats``: the ERP's go to ``subject``
    there instead. ``settle``: real seconds after the clock was set in which nothing is told.
    """

    url: str | None = None
    nats: str | None = None
    subject: str = "erp.events"
    settle: Annotated[float, msgspec.Meta(ge=0)] = 1.5


@dataclass(slots=True, eq=False)
class Message:
    """A message, or its second copy (``again``), about a happening; ``behind``: how many later ones go first."""

    happening: Happening
    nth: int
    behind: int
    again: bool


class Subscription:
    """Tells ``subscriber`` what happens from the clock's now on; ``counts`` by source and kind."""

    def __init__(self, subscriber: Subscriber, world: World, clock: SimClock) -> None:
        self.counts: defaultdict[str, defaultdict[str, Counts]] = defaultdict(lambda: defaultdict(Counts))
        self._settle = subscriber.settle
        self._http = HttpLine(subscriber.url) if subscriber.url else None
        self._erp: Line | None = _broker(subscriber.nats, subscriber.subject) if subscriber.nats else self._http
        self._world = world
        self._pushes = Pushes(world)
        self._clock = clock
        self._told_until = clock.now()
        self._seen_turn = clock.turns
        self._numbers = count()
        self._due: list[tuple[datetime, int, Message]] = []
        self._held: list[Message] = []
        self._open: set[Message] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._forging = 0
        self._room = asyncio.Semaphore(AT_ONCE)

    def look(self, chaos: Chaos) -> None:
        """Sends what is due by the clock."""
        real = time.monotonic()
        if real < self._clock.since + self._settle:
            return
        self._seen_turn, now = self._clock.turns, self._clock.now(real)
        if now < self._told_until - BACK:
            for message in self._forget_waiting():
                self._close(message)
            self._told_until = now
        for happening in self._world.happenings(self._told_until, now):
            self._plan(happening, chaos.fate(happening.name))
        self._told_until = max(now, self._told_until)
        while self._due and self._due[0][0] <= now:
            _, _, message = heapq.heappop(self._due)
            if message.behind:
                self._held.append(message)
            else:
                self._begin(self._deliver(message))

    async def flush(self) -> None:
        """Until all that has happened by now is acknowledged; what is delayed or held back is sent at once."""
        now = self._clock.now()
        while not self._has_told(now) or self._forging or any(each.happening.at <= now for each in self._open):
            if self._has_told(now):
                for message in self._forget_waiting():
                    self._begin(self._deliver(message))
            await asyncio.sleep(TICK)

    async def close(self) -> None:
        under_way = list(self._under_way)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        for line in {self._http, self._erp}:
            if line is not None:
                await line.close()

    def _has_told(self, now: datetime) -> bool:
        """Whether it has seen the clock as it was set, and begun with all that has happened."""
        return self._seen_turn == self._clock.turns and self._told_until >= now

    def _plan(self, happening: Happening, fate: Fate) -> None:
        if self._line(happening) is None:
            return
        counts = self._counts(happening)
        counts.lost += not fate.delays
        for copy, delay in enumerate(fate.delays):
            message = Message(happening, next(self._numbers), fate.behind, again=copy > 0)
            counts.pending += 1
            self._open.add(message)
            heapq.heappush(self._due, (happening.at + timedelta(seconds=delay), message.nth, message))
        if fate.forged and self._http is not None and self._line(happening) is self._http:
            self._forging += 1
            self._begin(self._forge(self._http, happening))

    async def _deliver(self, message: Message) -> None:
        """Sends it until it is acknowledged; then those that waited for it may go."""
        happening, line = message.happening, self._line(message.happening)
        if line is None:
            return
        counts, push, id_ = self._counts(happening), self._pushes.of(happening), message_id(happening)
        counts.duplicates += message.again
        counts.sent += not message.again
        for wait in _waits(Random(id_)):
            async with self._room:
                if await line.send(happening.source, id_, push):
                    break
            counts.refused += 1
            await asyncio.sleep(wait)
        counts.acknowledged += 1
        self._close(message)
        self._release_behind(message)

    def _close(self, message: Message) -> None:
        self._counts(message.happening).pending -= 1
        self._open.discard(message)

    def _release_behind(self, sent: Message) -> None:
        for message in list(self._held):
            if message.happening.source == sent.happening.source and message.nth < sent.nth:
                message.behind -= 1
                if not message.behind:
                    self._held.remove(message)
                    self._begin(self._deliver(message))

    async def _forge(self, line: HttpLine, happening: Happening) -> None:
        counts = self._counts(happening)
        counts.forged += 1
        async with self._room:
            accepted = await line.forge(
                happening.source, message_id(happening), self._pushes.of(happening), happening.number
            )
        counts.forged_accepted += accepted
        self._forging -= 1

    def _forget_waiting(self) -> list[Message]:
        """Those that are not on their way, in order of time; they wait no more."""
        waiting = [message for _, _, message in sorted(self._due, key=lambda due: due[:2])] + self._held
        self._due, self._held = [], []
        return waiting

    def _begin(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(sending)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def _line(self, happening: Happening) -> Line | None:
        return self._erp if happening.source == ERP else self._http

    def _counts(self, happening: Happening) -> Counts:
        return self.counts[happening.source][happening.kind]


def _broker(url: str, subject: str) -> Line:
    from examples.distributor.nats_line import NatsLine  # noqa: PLC0415 (its client takes long to load)

    return NatsLine(url, subject)


def message_id(happening: Happening) -> str:
    """The same however often it is sent, and in another process too."""
    return f"evt_{hashlib.sha256(happening.name.encode()).hexdigest()[:32]}"


def _waits(rng: Random) -> Iterator[float]:
    wait = FIRST_WAIT
    while True:
        yield wait * rng.uniform(0.5, 1.0)
        wait = min(2 * wait, LONGEST_WAIT)
