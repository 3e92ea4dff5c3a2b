"""Remembers canonical entities below authorization and shares reads under way: many askers cost a source one call.

Nothing here is scoped: keys are the sources' own ids, reads use service credentials, so two principals share entries.
"""

import math
import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from cachetools import LRUCache

from domain.errors import SourceError, SourceTimeout
from domain.values import Provenance
from sources.flight import Flight
from sources.ports import Batch
from sources.transport import as_one_call, operation_ends

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Answer(Generic[K, V]):
    """What is known of each key: an absent key does not exist, an error is that key's alone.

    ``trouble``: the errors behind values that are served stale, each once.
    """

    values: Mapping[K, V | SourceError]
    trouble: tuple[SourceError, ...] = ()


class _Absent:
    """Stands for a key the source does not know."""


ABSENT = _Absent()
NEVER_FRESH = -1.0


@dataclass(frozen=True, slots=True)
class _Instant:
    """When a source was asked, by the clock that stamps answers and by one that nothing can set back or stop."""

    at: datetime
    tick: float

    def age(self, now: "_Instant") -> float:
        """Seconds, by whichever clock says more: no change of the time makes an old answer young."""
        return max((now.at - self.at).total_seconds(), now.tick - self.tick)


@dataclass(frozen=True, slots=True)
class _Entry(Generic[V]):
    """``lifetime``: for how many seconds the answer counts as fresh."""

    value: V | _Absent
    asked: _Instant
    lifetime: float


@dataclass(frozen=True, slots=True)
class _Read(Generic[K, V]):
    """A batch under way. ``began``: no answer in it can be older than this. ``ends``: when the operation that began it
    must have it (event loop time).
    """

    began: _Instant
    ends: float
    flight: Flight[Batch[K, V]]


class Cached(Generic[K, V]):
    """A batch read behind a bounded memory. Times in seconds.

    ``lifetime`` tells how long a value stays fresh; an absent key is believed for ``not_found``; when a read fails, a
    value younger than ``stale_for`` is served in its place, marked stale. ``now`` is the clock that stamps ``as_of``.
    """

    def __init__(
        self,
        fetch: Callable[[Collection[K]], Awaitable[Batch[K, V]]],
        *,
        lifetime: Callable[[V], float],
        not_found: float,
        stale_for: float,
        size: int,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._lifetime = lifetime
        self._not_found = not_found
        self._stale_for = stale_for
        self._now = now
        self._monotonic = monotonic
        self._entries: LRUCache[K, _Entry[V]] = LRUCache(size)
        self._reads: dict[K, _Read[K, V]] = {}

    async def load(self, keys: Iterable[K], *, max_age: float | None = None) -> Answer[K, V]:
        """The values of ``keys``, none older than ``max_age``; what memory cannot give is read in one batch.

        A read under way that began recently enough is joined, and begun anew where it ended for want of time that its
        operation lacked and this one has. Never raises SourceError.
        """
        now, limit = self._instant(), math.inf if max_age is None else max_age
        values: dict[K, V | SourceError] = {}
        joined: dict[K, _Read[K, V]] = {}
        missing: list[K] = []
        for key in dict.fromkeys(keys):
            entry = self._entries.get(key)
            read = self._reads.get(key)
            if entry and entry.asked.age(now) <= min(entry.lifetime, limit):
                if not isinstance(entry.value, _Absent):
                    values[key] = entry.value
            elif read and read.began.age(now) <= limit and not read.flight.over:
                joined[key] = read
            else:
                missing.append(key)
        if missing:
            joined |= dict.fromkeys(missing, self._start(missing, now))
        if not joined:
            return Answer(values)
        landed = await self._land(joined)
        hurried = [key for key, read in joined.items() if read.ends < operation_ends() and _late(landed.get(key))]
        if hurried:
            landed |= await self._land(dict.fromkeys(hurried, self._start(hurried, self._instant())))
        return self._complete(values, landed, limit)

    def prime(self, key: K, value: V) -> None:
        """Remembers a value that came by another way, unless a newer one is known."""
        now = self._instant()
        at = min((now.at, *asked(value)))
        self._remember(key, value, _Instant(at, now.tick - (now.at - at).total_seconds()))

    def peek(self, key: K) -> V | None:
        """What is remembered of ``key``, however old; nothing is read."""
        entry = self._entries.get(key)
        return None if entry is None or isinstance(entry.value, _Absent) else entry.value

    def drop(self, key: K) -> None:
        """Forgets ``key``, and whatever a read already under way will say of it."""
        self._entries[key] = _Entry(ABSENT, self._instant(), NEVER_FRESH)
        self._reads.pop(key, None)

    def drop_all(self) -> None:
        """Forgets every key, likewise."""
        for key in {*self._entries, *self._reads}:
            self.drop(key)

    def _instant(self) -> _Instant:
        return _Instant(self._now(), self._monotonic())

    def _start(self, keys: list[K], now: _Instant) -> _Read[K, V]:
        def end() -> None:
            for key in keys:
                if self._reads.get(key) is read:
                    del self._reads[key]

        read: _Read[K, V] = _Read(now, operation_ends(), Flight(self._run(keys, now), on_end=end))
        self._reads.update(dict.fromkeys(keys, read))
        return read

    async def _run(self, keys: list[K], began: _Instant) -> Batch[K, V]:
        try:
            with as_one_call():
                batch = await self._fetch(keys)
        except SourceError as error:
            return dict.fromkeys(keys, unburdened(error))
        for key in keys:
            value = batch.get(key, ABSENT)
            if isinstance(value, SourceError):
                unburdened(value)
            else:
                self._remember(key, value, _Instant(min((began.at, *asked(value))), began.tick))
        return batch

    async def _land(self, joined: Mapping[K, _Read[K, V]]) -> dict[K, V | SourceError]:
        """Waits for all reads; a caller who leaves before gives all of them up at once."""
        with ExitStack() as interest:
            for flight in {id(read): read.flight for read in joined.values()}.values():
                interest.enter_context(flight)
            landed: dict[K, V | SourceError] = {}
            for key, read in joined.items():
                batch = await read.flight.result()
                if key in batch:
                    landed[key] = batch[key]
            return landed

    def _complete(self, values: dict[K, V | SourceError], landed: Batch[K, V], limit: float) -> Answer[K, V]:
        """Adds what landed to ``values``, and what is remembered where it failed."""
        trouble: list[SourceError] = []
        now, oldest = self._instant(), min(limit, self._stale_for)
        for key, value in landed.items():
            values[key] = value
            if not isinstance(value, SourceError):
                continue
            entry = self._entries.get(key)
            if entry and entry.asked.age(now) <= oldest and not isinstance(entry.value, _Absent):
                values[key] = stale(entry.value)
                if value not in trouble:
                    trouble.append(value)
        return Answer(values, tuple(trouble))

    def _remember(self, key: K, value: V | _Absent, asked: _Instant) -> None:
        known = self._entries.get(key)
        if known is None or known.asked.tick <= asked.tick:
            lifetime = self._not_found if isinstance(value, _Absent) else self._lifetime(value)
            self._entries[key] = _Entry(value, asked, lifetime)


def _late(value: object) -> bool:
    return isinstance(value, SourceTimeout)


def unburdened(error: SourceError) -> SourceError:
    """The error without the frames it came through: they hold the answer that was read, and would hold it as long as
    the error lives, or until cycles are next collected.
    """
    each: BaseException | None = error
    while each is not None:
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error


def stale(value: V) -> V:
    """``value`` marked stale, or each entity in it, those inside an entity too; ``as_of`` stays what it was."""
    return cast(V, _marked(value))


def _marked(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(map(_marked, value))
    if not isinstance(getattr(value, "source", None), Provenance):
        return value
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    inner = {name: _marked(part) for name, part in parts.items() if isinstance(part, tuple)}
    return replace(value, source=replace(value.source, stale=True), **inner)


def asked(value: object) -> Iterator[datetime]:
    """When the sources were asked for ``value``, or for each entity in it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from asked(item)
    elif isinstance(source := getattr(value, "source", None), Provenance):
        yield source.as_of
