"""Derives the state of many rows without keeping everybody else waiting."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from sources.pace import Turns

T = TypeVar("T")
R = TypeVar("R")


async def derived(derive: Callable[[T], R], rows: Iterable[T], turns: Turns) -> list[R]:
    """What ``derive`` makes of each row."""
    results: list[R] = []
    for row in rows:
        results.append(derive(row))
        if turns.due:
            await turns.take()
    return results
