"""What adapters share in answering batches: keys in chunks of what the source takes, records sorted to the keys they
answer.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from typing import Generic, TypeVar

from domain.errors import SourceError
from sources.ports import Batch

K = TypeVar("K", bound=str)
H = TypeVar("H", bound=Hashable)
T = TypeVar("T")
V = TypeVar("V")


async def in_batches(
    keys: Collection[K], size: int, read: Callable[[Sequence[K]], Awaitable[Batch[K, V]]]
) -> Batch[K, V]:
    """Reads distinct keys, at most ``size`` in each call, all calls at once."""
    distinct = list(dict.fromkeys(keys))
    batches = (distinct[start : start + size] for start in range(0, len(distinct), size))
    answers = await asyncio.gather(*(read(batch) for batch in batches))
    return {key: value for answer in answers for key, value in answer.items()}


async def each(keys: Collection[H], read: Callable[[H], Awaitable[V | None]]) -> Batch[H, V]:
    """One call for each distinct key, all at once as far as the transport lets them; ``read`` answers None for what is
    absent. What fails for one key is that key's alone.
    """

    async def attempt(key: H) -> V | SourceError | None:
        try:
            return await read(key)
        except SourceError as error:
            return error

    distinct = tuple(dict.fromkeys(keys))
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(attempt(key)) for key in distinct]
    answers = zip(distinct, (call.result() for call in calls), strict=True)
    return {key: answer for key, answer in answers if answer is not None}


class Answers(Generic[K, T]):
    """One bad record spoils its own keys and no other's. One that does not even say whose it is spoils the keys that
    nothing else answered: none of them can be called absent.
    """

    def __init__(self) -> None:
        self._found: defaultdict[K, list[T]] = defaultdict(list)
        self._spoilt: dict[K, SourceError] = {}
        self._nameless: SourceError | None = None

    def add(self, keys: Collection[K], record: T) -> None:
        for key in keys:
            self._found[key].append(record)

    def spoil(self, keys: Collection[K] | None, error: SourceError) -> None:
        """``keys`` None: nobody knows whose record it was."""
        self._spoilt.update(dict.fromkeys(keys or (), error))
        if keys is None:
            self._nameless = error

    def of(self, asked: Sequence[K], whole: Callable[[Sequence[T]], V]) -> Batch[K, V]:
        """The answer for each key asked for and no other; ``whole`` makes one value of a key's records."""
        answers: dict[K, V | SourceError] = {}
        for key in asked:
            error = self._spoilt.get(key)
            if error is not None:
                answers[key] = error
            elif key in self._found:
                answers[key] = whole(self._found[key])
            elif self._nameless is not None:
                answers[key] = self._nameless
        return answers
