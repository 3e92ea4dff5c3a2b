"""Lets answers be read one after another, so that a large query's many answers leave turns of the event loop to others.

All that came since the loop's last turn would otherwise be mapped in the next one: for a thousand calls half a second
in which nobody else is heard.
"""

import asyncio

from sources.slots import Line

STRETCH = 0.002
"""Seconds of one turn of the loop after which an answer waits for the next."""


class Pace:
    """One event loop's. What is read in a turn is let go by ``STRETCH``, and by askers in turn."""

    def __init__(self) -> None:
        self._line = Line()
        self._turning = False
        self._until = 0.0
        self._allowed = 1

    async def turn(self, asker: str | None) -> None:
        """Returns at once while the loop has time, else when the asker's turn has come."""
        loop = asyncio.get_running_loop()
        if not self._turning:
            self._turning = True
            self._until = loop.time() + STRETCH
            loop.call_soon(self._next)
        elif self._line.waiting or loop.time() >= self._until:
            await self._line.wait(asker)

    def _next(self) -> None:
        """Called in each turn of the loop while answers come: lets more go while they are quick, one at least."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._allowed = self._allowed + 1 if now < self._until else max(1, self._allowed // 2)
        let = sum(self._line.call() for _ in range(min(self._allowed, self._line.waiting)))
        self._turning = let > 0
        if self._turning:
            self._until = now + STRETCH
            loop.call_soon(self._next)
