"""One reader of the log for all who listen: in order, each once, nobody waits for another, and what is gone is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from domain.changes import Logged
from domain.errors import BadInput
from resolvers import changes
from resolvers.changes import PAGE, QUEUE, Changes, Listener
from tests.server.live import PATIENCE, Log, change, until


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def hub(log: Log) -> AsyncIterator[Changes]:
    hub = Changes(log)
    yield hub
    await hub.close()


def grow(log: Log, count: int) -> None:
    for _ in range(count):
        log.add(change("SO1"))


async def taken(listener: Listener, count: int) -> tuple[list[int], bool]:
    """The next positions, at least ``count``, and whether any were missed."""
    positions: list[int] = []
    missed = False
    async with asyncio.timeout(PATIENCE):
        while len(positions) < count:
            batch = await listener.take()
            assert batch is not None
            positions += [entry.position for entry in batch.entries]
            missed |= batch.missed
    return positions, missed


async def test_a_listener_begins_with_what_comes_after_now(log: Log, hub: Changes) -> None:
    grow(log, 3)
    listener = await hub.listen()
    grow(log, 2)
    assert await taken(listener, 2) == ([4, 5], False)


async def test_a_listener_goes_on_after_its_cursor(log: Log, hub: Changes) -> None:
    grow(log, 2)
    end = await hub.head()
    grow(log, 3)
    listener = await hub.listen(end)
    assert await taken(listener, 3) == ([3, 4, 5], False)
    grow(log, 1)
    assert await taken(listener, 1) == ([6], False)


async def test_more_than_a_page_is_read_in_order(log: Log, hub: Changes) -> None:
    end = await hub.head()
    grow(log, 2 * PAGE + 7)
    listener = await hub.listen(end)
    assert await taken(listener, 2 * PAGE + 7) == (list(range(1, 2 * PAGE + 8)), False)


async def test_who_does_not_take_keeps_a_bounded_queue_loses_nothing_and_holds_nobody_up(
    log: Log, hub: Changes
) -> None:
    slow, quick = await hub.listen(), await hub.listen()
    total = QUEUE + 3 * PAGE
    grow(log, total)
    hub.wake()
    everything = list(range(1, total + 1))
    assert await taken(quick, total) == (everything, False)
    assert len(slow._queue) <= QUEUE
    assert await taken(slow, total) == (everything, False)
    grow(log, 1)
    assert await taken(slow, 1) == ([total + 1], False)


async def test_what_was_pruned_before_it_was_read_is_told_as_missed(log: Log, hub: Changes) -> None:
    grow(log, 2)
    end = await hub.head()
    grow(log, 5)
    log.prune(4)
    listener = await hub.listen(end)
    assert await taken(listener, 3) == ([5, 6, 7], True)
    grow(log, 1)
    assert await taken(listener, 1) == ([8], False)


async def test_a_log_that_was_pruned_whole_is_told_as_missed_with_what_comes_next(log: Log, hub: Changes) -> None:
    end = await hub.head()
    grow(log, 5)
    log.prune(5)
    listener = await hub.listen(end)
    grow(log, 1)
    assert await taken(listener, 1) == ([6], True)


async def test_what_was_pruned_before_the_cursor_was_not_missed(log: Log, hub: Changes) -> None:
    grow(log, 5)
    end = await hub.head()
    grow(log, 1)
    log.prune(5)
    assert await taken(await hub.listen(end), 1) == ([6], False)


async def test_a_log_that_cannot_be_read_is_tried_again(
    log: Log, hub: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PATIENCE", (0.001, 0.01))
    listener = await hub.listen()
    log.broken = True
    grow(log, 1)
    taking = asyncio.create_task(taken(listener, 1))
    await asyncio.sleep(0)
    log.broken = False
    assert await taking == ([1], False)


async def test_what_entries_make_untrue_is_forgotten_before_anybody_is_told_of_them(log: Log) -> None:
    heard: list[int] = []

    def hears(entries: Sequence[Logged]) -> None:
        heard.extend(entry.position for entry in entries)

    hub = Changes(log, heard=hears)
    listener = await hub.listen()
    grow(log, 3)
    positions, _ = await taken(listener, 3)
    assert heard == positions
    await hub.close()


async def test_the_log_is_read_only_while_somebody_listens(log: Log, hub: Changes) -> None:
    first = await hub.listen()
    first.close()
    assert hub.listening == 0
    grow(log, 5)
    second = await hub.listen()
    grow(log, 1)
    assert await taken(second, 1) == ([6], False)


async def test_closing_ends_every_listener(log: Log, hub: Changes) -> None:
    listeners = [await hub.listen() for _ in range(3)]
    taking = [asyncio.create_task(each.take()) for each in listeners]
    await asyncio.sleep(0)
    await hub.close()
    assert await asyncio.gather(*taking) == [None] * 3


async def test_waking_makes_it_look_sooner(log: Log, hub: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "POLL", 3600)
    listener = await hub.listen()
    await until(lambda: hub._following)
    await asyncio.sleep(0)
    grow(log, 1)
    hub.wake()
    assert await taken(listener, 1) == ([1], False)


async def test_a_position_that_the_log_has_not_reached_is_refused(log: Log, hub: Changes) -> None:
    grow(log, 1)
    with pytest.raises(BadInput):
        await hub.listen(2)
    assert hub.listening == 0
