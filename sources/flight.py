"""Work that several callers wait for: a caller who leaves disturbs nobody, the last one to leave ends it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Flight(Generic[T]):
    """Work in its own task. Whoever wants it waits inside ``with flight: await flight.result()``.

    ``on_end`` is called however the work ended, before any waiter hears of it.
    """

    def __init__(self, work: Coroutine[Any, Any, T], on_end: Callable[[], None] | None = None) -> None:
        self._task = asyncio.create_task(work)
        if on_end:
            self._task.add_done_callback(lambda _: on_end())
        self._waiting = 0
        self._left = False

    @property
    def over(self) -> bool:
        """True when it is too late to join."""
        return self._left or self._task.done()

    async def result(self) -> T:
        """Waits; a waiter's cancellation does not reach the work."""
        return await asyncio.shield(self._task)

    def __enter__(self) -> Self:
        self._waiting += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1
        if not self._waiting:
            self._left = True
            self._task.cancel()
