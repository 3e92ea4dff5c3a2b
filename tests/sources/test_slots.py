"""A source's slots: never more than there are, none lost whoever leaves, and a turn for everybody in turn."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.slots import Slots


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Bench:
    """Callers who hold a slot until they are told to go; ``served``: whose turn came, in order."""

    def __init__(self, count: int) -> None:
        self.slots = Slots(count)
        self.served: list[str] = []
        self.holding: list[asyncio.Event] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, asker: str) -> None:
        self.tasks.append(asyncio.create_task(self._hold(asker)))
        await settle()

    async def _hold(self, asker: str) -> None:
        await self.slots.acquire(asker)
        go = asyncio.Event()
        self.served.append(asker)
        self.holding.append(go)
        try:
            await go.wait()
        finally:
            self.holding.remove(go)
            self.slots.release()

    async def go(self) -> None:
        if self.holding:
            self.holding[0].set()
        await settle()

    async def leave(self, nth: int) -> None:
        self.tasks[nth % len(self.tasks)].cancel()
        await settle()


async def test_one_call_waits_for_one_turn_however_many_another_wants() -> None:
    bench = Bench(2)
    for asker in [*["large"] * 50, "small", "other", "small"]:
        await bench.come(asker)
    for _ in range(5):
        await bench.go()
    assert bench.served == ["large", "large", "large", "small", "other", "large", "small"]
    for _ in range(60):
        await bench.go()
    assert Counter(bench.served) == {"large": 50, "small": 2, "other": 1}
    assert (bench.slots.waiting, bench.slots.free) == (0, 2)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.sampled_from("abc")),
        st.tuples(st.just("go"), st.none()),
        st.tuples(st.just("leave"), st.integers(0, 30)),
    ),
    max_size=60,
)


@given(count=st.integers(1, 3), steps=STEPS)
def test_no_slot_is_lost_and_none_made(count: int, steps: list[tuple[str, str | int | None]]) -> None:
    async def run() -> None:
        bench = Bench(count)
        for step, told in steps:
            if step == "come":
                await bench.come(str(told))
            elif step == "go":
                await bench.go()
            elif bench.tasks:
                await bench.leave(int(told or 0))
            assert len(bench.holding) + bench.slots.free == count
            assert not (bench.slots.waiting and bench.slots.free)
            assert bench.slots.waiting == sum(not task.done() for task in bench.tasks) - len(bench.holding)
        while bench.holding:
            await bench.go()
        assert (bench.slots.waiting, bench.slots.free) == (0, count)

    asyncio.run(run())


async def test_who_leaves_when_the_turn_just_came_passes_it_on() -> None:
    slots = Slots(1)
    await slots.acquire("a")
    leaving, waiting = (asyncio.create_task(slots.acquire(asker)) for asker in "bc")
    await settle()
    slots.release()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await asyncio.wait_for(waiting, 5)
    slots.release()
    assert slots.free == 1
