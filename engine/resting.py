"""Gives way to other work in long stretches of work that awaits nothing."""

import asyncio
import time

STRETCH = 0.003
"""Seconds after which other work has its turn."""


class Rest:
    """Due once the work has gone on for a stretch since it began or rested."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = time.monotonic() + STRETCH

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._until

    async def take(self) -> None:
        await asyncio.sleep(0)
        self._until = time.monotonic() + STRETCH
