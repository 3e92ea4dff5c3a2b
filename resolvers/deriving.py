"""Derives the state of many rows without keeping everybody else waiting."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

STRETCH = 0.003
"""Seconds after which other work has its turn."""


async def derived(derive: Callable[[T], R], rows: Iterable[T]) -> list[R]:
    """What ``derive`` makes of each row."""
    results: list[R] = []
    until = time.monotonic() + STRETCH
    for row in rows:
        results.append(derive(row))
        if time.monotonic() >= until:
            await asyncio.sleep(0)
            until = time.monotonic() + STRETCH
    return results
