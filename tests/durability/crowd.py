"""Systems that all tell at once what happens, over connections of their own, and note what they were answered."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from server.systems import wall_clock
from tests.durability.sites import PATIENCE
from tests.durability.trade import Key, Message, Trade

CONNECTIONS = 6
PAUSE = 0.02
"""Seconds that a sender waits at most between two messages."""

REPEATS = 0.15
"""The share of messages that were answered 2xx and are told again all the same."""

LEAVES = aiohttp.ClientError, ConnectionError, TimeoutError
"""What a sender meets whose message is not answered."""


@dataclass
class Noted:
    """By name: all that was told, what of it was answered 2xx, what is owed as it never was, and how often nobody
    answered it; and how often what was answered.
    """

    told: dict[Key, Message] = field(default_factory=dict)
    accepted: dict[Key, Message] = field(default_factory=dict)
    owed: dict[Key, Message] = field(default_factory=dict)
    unanswered: Counter[Key] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)

    @property
    def refused(self) -> set[Key]:
        """What was answered each time it was told, and never 2xx."""
        return {key for key in self.owed if not self.unanswered[key]}

    def tell(self, message: Message) -> None:
        self.told[message.key] = message
        self.unanswered[message.key] += 1
        if message.key not in self.accepted:
            self.owed[message.key] = message

    def answer(self, message: Message, status: int) -> None:
        self.answers[status] += 1
        self.unanswered[message.key] -= 1
        if 200 <= status < 300:
            self.accepted[message.key] = message
            self.owed.pop(message.key, None)


class Crowd:
    """``chance``: all that is random in a test comes of it."""

    def __init__(self, trade: Trade, chance: random.Random, session: aiohttp.ClientSession) -> None:
        self.noted = Noted()
        self.chance = chance
        self._messages = iter(trade)
        self._trade = trade
        self._session = session
        self._recent: deque[Message] = deque(maxlen=1000)
        self._news = asyncio.Event()

    @asynccontextmanager
    async def telling(self, address: str) -> AsyncIterator[None]:
        """All of them, without an end, for the block."""
        async with asyncio.TaskGroup() as senders:
            tasks = [senders.create_task(self._tell(address)) for _ in range(CONNECTIONS)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()

    async def _tell(self, address: str) -> None:
        while True:
            await self.send(address, self._next())
            await asyncio.sleep(self.chance.uniform(0, PAUSE))

    def _next(self) -> Message:
        chance = self.chance.random()
        if self._recent and chance < REPEATS:
            return self.chance.choice(self._recent)
        if self.noted.owed and chance < 2 * REPEATS:
            return self.chance.choice(list(self.noted.owed.values()))
        return next(self._messages)

    async def send(self, address: str, message: Message) -> int | None:
        """The status it was answered with; None: nobody answered."""
        self.noted.tell(message)
        try:
            async with self._session.post(address + message.path, data=message.body, headers=message.headers) as answer:
                status = answer.status
        except LEAVES:
            return None
        self.noted.answer(message, status)
        self._news.set()
        self._recent.append(message)
        return status

    async def answered(self, count: int) -> None:
        """Waits until ``count`` more are, whatever the answer."""
        await self._more(self.noted.answers.total, count)

    async def accepted(self, count: int) -> None:
        await self._more(lambda: self.noted.answers[202], count)

    async def refused(self, count: int) -> None:
        await self._more(lambda: self.noted.answers[503], count)

    async def _more(self, counted: Callable[[], int], count: int) -> None:
        enough = counted() + count
        async with asyncio.timeout(PATIENCE):
            while counted() < enough:
                self._news.clear()
                await self._news.wait()

    async def settle_up(self, address: str) -> None:
        """Tells what is owed, and the rest of what was begun, until every message is accepted."""
        self.noted.owed.update({message.key: message for message in self._trade.close()})
        async with asyncio.timeout(PATIENCE):
            while owed := list(self.noted.owed.values())[:CONNECTIONS]:
                await asyncio.gather(*(self.send(address, each) for each in owed))


@asynccontextmanager
async def crowd(*, padding: int = 0) -> AsyncIterator[Crowd]:
    """Tells people, who see it after a failure, of what seed it is and what it noted. ``padding`` as ``Trade``'s."""
    seed = random.randrange(1 << 32)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        senders = Crowd(Trade(seed, wall_clock(), padding=padding), random.Random(seed), session)
        try:
            yield senders
        finally:
            noted = senders.noted
            print(  # noqa: T201
                f"\nseed {seed}: {len(noted.accepted)} deliveries accepted, {len(noted.owed)} owed, answers "
                f"{dict(noted.answers)}, {noted.unanswered.total()} times none"
            )
