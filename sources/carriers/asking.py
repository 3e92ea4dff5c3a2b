"""How carriers are asked: one call per number or per batch, and what fails for one number is that number's alone."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from domain.errors import SourceError, SourceFault
from domain.model import Tracking, TrackingKey
from sources.ports import Batch

T = TypeVar("T")

UNREADABLE = (ValueError, OverflowError, RecursionError)
"""What foreign bodies can raise: msgspec's errors and Unicode's are ValueErrors; a year beyond 1 or 9999 overflows."""


@contextmanager
def reading(source: str, what: str) -> Iterator[None]:
    """Turns what an unreadable body raises into a SourceFault of ``source``."""
    try:
        yield
    except UNREADABLE as error:
        raise SourceFault(source, f"{what}: unreadable answer: {error}") from error


class Answers(Generic[T]):
    """A batch's records, sorted to the numbers they speak of.

    A record that does not even say of which number it speaks leaves no number absent that nothing else answers.
    """

    def __init__(self) -> None:
        self._found: defaultdict[str, list[T]] = defaultdict(list)
        self._spoilt: dict[str, SourceError] = {}
        self._nameless: SourceError | None = None

    def add(self, number: str, record: T) -> None:
        self._found[number].append(record)

    def spoil(self, number: str | None, error: SourceError) -> None:
        """``number`` None: nobody knows whose record it was."""
        if number is None:
            self._nameless = error
        else:
            self._spoilt[number] = error

    def of(self, number: str) -> Sequence[T]:
        """Empty: not known. Raises the number's SourceError."""
        if error := self._spoilt.get(number):
            raise error
        if number not in self._found and self._nameless:
            raise self._nameless
        return self._found.get(number, ())


async def in_batches(
    keys: Collection[TrackingKey],
    size: int,
    ask: Callable[[Sequence[str]], Awaitable[Callable[[TrackingKey], Tracking | None]]],
) -> Batch[TrackingKey, Tracking]:
    """``ask`` fetches at most ``size`` numbers, and gives what answers a key of theirs: None, or its SourceError
    raised.
    """
    numbers = list(dict.fromkeys(key.number for key in keys))
    batches = [numbers[start : start + size] for start in range(0, len(numbers), size)]

    async def attempt(batch: Sequence[str]) -> Callable[[TrackingKey], Tracking | None]:
        try:
            return await ask(batch)
        except SourceError as error:
            return _failing(error)

    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(attempt(batch)) for batch in batches]
    answering = {number: call.result() for batch, call in zip(batches, calls, strict=True) for number in batch}
    answers: dict[TrackingKey, Tracking | SourceError] = {}
    for key in keys:
        try:
            if (tracking := answering[key.number](key)) is not None:
                answers[key] = tracking
        except SourceError as error:
            answers[key] = error
    return answers


def _failing(error: SourceError) -> Callable[[TrackingKey], Tracking | None]:
    def fail(_: TrackingKey) -> Tracking | None:
        raise error

    return fail
