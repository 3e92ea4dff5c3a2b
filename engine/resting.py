"""Gives way to other work in long stretches of work that awaits nothing."""

import asyncio
import time
from typing import Protocol

STRETCH = 0.003
"""Seconds after which other work has its turn."""


class Turns(Protocol):
    """When an operation's work must wait for its next turn."""

    @property
    def due(self) -> bool: ...

    async def take(self) -> None: ...


class Rest:
    """For a context without a pace of its own: due once the work has gone on for a stretch since it began or rested."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = time.monotonic() + STRETCH

    @property
    def due(self) -> bool:
        return time.monotonic() >= self._until

    async def take(self) -> None:
        await asyncio.sleep(0)
        self._until = time.monotonic() + STRETCH
