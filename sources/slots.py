"""Turns at a source: so many calls at once, and of those who wait one call of each asker in turn.

A query that needs a thousand calls then stands in nobody's way: one that needs a single call waits for a single call.
"""

import asyncio
from collections import deque


class Line:
    """Callers who wait, one line for each asker; ``waiting``: how many there are."""

    def __init__(self) -> None:
        self.waiting = 0
        self._lines: dict[str | None, deque[asyncio.Future[None]]] = {}

    async def wait(self, asker: str | None) -> None:
        """Until the caller's turn. Cancelled when the turn has just come, it raises CancelledError and the turn is
        ``lost``.
        """
        turn = asyncio.get_running_loop().create_future()
        self._lines.setdefault(asker, deque()).append(turn)
        self.waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.lost()
            raise
        finally:
            self.waiting -= 1

    def call(self) -> bool:
        """Gives a turn to the asker who is first, who then goes to the end of the askers; False: nobody waits."""
        while self._lines:
            asker = next(iter(self._lines))
            line = self._lines.pop(asker)
            while line and line[0].done():
                del line[0]
            if line:
                turn = line.popleft()
                turn.set_result(None)
                if line:
                    self._lines[asker] = line
                return True
        return False

    def lost(self) -> None:
        """Somebody left with a turn."""


class Slots(Line):
    """``free``: how many more calls may be made at once."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.free = count

    async def acquire(self, asker: str | None) -> None:
        """Waits for a slot, which the caller must release. An asker's own calls come in the order they were made."""
        if self.free:
            self.free -= 1
        else:
            await self.wait(asker)

    def release(self) -> None:
        if not self.call():
            self.free += 1

    lost = release
