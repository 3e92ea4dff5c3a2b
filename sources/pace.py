"""Lets the work of large queries be done one piece after another, so that it leaves turns of the event loop to others.

All that came since the loop's last turn would otherwise be mapped in the next one: for a thousand calls half a second
in which nobody else is heard.
"""

import asyncio

from sources.slots import Line

STRETCH = 0.0005
"""Seconds of one turn of the loop after which what is left waits for the next. A small query takes twenty turns."""


class Pace:
    """One event loop's. What is done in a turn is let go by ``STRETCH``, and by askers in turn."""

    def __init__(self) -> None:
        self._line = Line()
        self._turning = False
        self._until = 0.0
        self._allowed = 1

    @property
    def due(self) -> bool:
        """Whether this turn of the loop has been long enough, or others wait for the next."""
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            self._until = loop.time() + STRETCH
            loop.call_soon(self._next)
            return False
        return self._line.waiting > 0 or loop.time() >= self._until

    async def turn(self, asker: str | None) -> None:
        """Returns at once while the loop has time, else when the asker's turn has come."""
        if self.due:
            await self._line.wait(asker)

    def _next(self) -> None:
        """Called in each turn of the loop while there is work: lets more go while it is quick, one at least."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._allowed = self._allowed + 1 if now < self._until else max(1, self._allowed // 2)
        let = sum(self._line.call() for _ in range(min(self._allowed, self._line.waiting)))
        self._turning = let > 0
        if self._turning:
            self._until = now + STRETCH
            loop.call_soon(self._next)


class Turns:
    """One asker's part of a ``Pace``."""

    __slots__ = ("_asker", "_pace")

    def __init__(self, pace: Pace, asker: str) -> None:
        self._pace = pace
        self._asker = asker

    @property
    def due(self) -> bool:
        return self._pace.due

    async def take(self) -> None:
        await self._pace.turn(self._asker)
