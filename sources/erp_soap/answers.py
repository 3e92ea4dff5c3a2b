"""Sorts records to the keys they answer, so that one bad record spoils its own keys and no other's."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Generic, TypeVar

from domain.errors import SourceError
from sources.ports import Batch

K = TypeVar("K", bound=str)
T = TypeVar("T")
V = TypeVar("V")


class Answers(Generic[K, T]):
    """A record that is bad and does not even say whose it is spoils the keys that nothing else answered: none of them
    can be called absent.
    """

    def __init__(self) -> None:
        self._found: defaultdict[K, list[T]] = defaultdict(list)
        self._spoilt: dict[K, SourceError] = {}
        self._nameless: SourceError | None = None

    def add(self, keys: Collection[K], record: T) -> None:
        for key in keys:
            self._found[key].append(record)

    def spoil(self, keys: Collection[K], error: SourceError) -> None:
        """``keys`` empty: nobody knows whose record it was."""
        self._spoilt.update(dict.fromkeys(keys, error))
        if not keys:
            self._nameless = error

    def of(self, asked: Sequence[K], whole: Callable[[Sequence[T]], V]) -> Batch[K, V]:
        """The answer for each key asked for that has any; ``whole`` makes one value of a key's records."""
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
