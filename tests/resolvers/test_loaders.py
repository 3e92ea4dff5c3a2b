"""A loader reads each key once, whoever asks and whoever leaves."""

import asyncio
import gc
import weakref
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from domain.access import Principal, PrincipalKind
from domain.errors import SourceFault, SourceUnavailable
from resolvers.context import Context
from resolvers.loaders import Loader
from resolvers.recall import Read
from sources.caching import Answer

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
WRONG = SourceFault("wms", "one row is spoilt")


class Shelf:
    """Answers for small numbers; remembers what it was asked, and waits for its gate."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.reached = asyncio.Semaphore(0)
        self.ended = 0
        self.down = False

    async def __call__(self, _: Context, keys: Iterable[int]) -> Answer[int, Any]:
        own = list(keys)
        self.asked.append(own)
        self.reached.release()
        try:
            await self.gate.wait()
        finally:
            self.ended += 1
        if self.down:
            raise SourceUnavailable("wms", "closed")
        values: Mapping[int, Any] = {1: "one", 2: "two", 13: WRONG}
        return Answer({key: values[key] for key in own if key in values})


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def loader(shelf: Shelf) -> Loader[int, str]:
    caller = Principal("caller", PrincipalKind.MACHINE, frozenset())
    estate: Any = SimpleNamespace()
    return Loader(Context(caller, estate, now=lambda: NOW, correlation_id="c"), Read("warehouse", shelf))


async def test_what_is_asked_for_together_is_read_together_and_once(loader: Loader[int, str], shelf: Shelf) -> None:
    first, many, last = await asyncio.gather(loader.load(1), loader.load_many([2, 1, 3]), loader.load(2))
    assert (first, many, last) == ("one", ["two", "one", None], "two")
    assert await loader.load_many([3, 1]) == [None, "one"]
    assert shelf.asked == [[1, 2, 3]]


async def test_what_is_asked_for_while_a_read_is_under_way_joins_it(loader: Loader[int, str], shelf: Shelf) -> None:
    shelf.gate.clear()
    first = asyncio.create_task(loader.load(1))
    await shelf.reached.acquire()
    second = asyncio.create_task(loader.load_many([1, 2]))
    await shelf.reached.acquire()
    shelf.gate.set()
    assert (await first, await second) == ("one", ["one", "two"])
    assert shelf.asked == [[1], [2]]


async def test_an_error_is_its_keys_alone(loader: Loader[int, str]) -> None:
    assert await loader.load_many([1, 13]) == ["one", WRONG]
    with pytest.raises(SourceFault):
        await loader.load(13)


async def test_a_read_that_fails_fails_for_every_key_in_it(loader: Loader[int, str], shelf: Shelf) -> None:
    shelf.down = True
    found = await loader.load_many([1, 2])
    assert [type(each) for each in found] == [SourceUnavailable] * 2


async def test_a_waiter_who_is_cancelled_disturbs_no_other(loader: Loader[int, str], shelf: Shelf) -> None:
    shelf.gate.clear()
    leaving, staying = asyncio.create_task(loader.load(1)), asyncio.create_task(loader.load_many([1, 2]))
    await shelf.reached.acquire()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    shelf.gate.set()
    assert await staying == ["one", "two"]
    assert shelf.asked == [[1, 2]]


async def test_a_primed_key_is_not_read_and_a_read_key_is_not_primed_anew(
    loader: Loader[int, str], shelf: Shelf
) -> None:
    loader.prime(1, "primed")
    assert await loader.load_many([1, 2]) == ["primed", "two"]
    loader.prime(2, "primed")
    assert await loader.load(2) == "two"
    assert shelf.asked == [[2]]


async def test_closing_ends_the_reads_under_way_and_leaves_nobody_waiting(
    loader: Loader[int, str], shelf: Shelf
) -> None:
    shelf.gate.clear()
    waiting = asyncio.create_task(loader.load(1))
    await shelf.reached.acquire()
    loader.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert shelf.ended == 1


async def test_nothing_of_a_closed_context_waits_for_the_collector(shelf: Shelf) -> None:
    caller = Principal("caller", PrincipalKind.MACHINE, frozenset())
    estate: Any = SimpleNamespace(orders=shelf)
    gc.disable()
    try:
        context = Context(caller, estate, now=lambda: NOW, correlation_id="c")
        vars(context.loaders)["numbers"] = Loader(context, Read("warehouse", shelf))
        assert await context.loaders.numbers.load_many([1, 2]) == ["one", "two"]
        left = weakref.ref(context)
        context.close()
        del context
        assert left() is None
    finally:
        gc.enable()
