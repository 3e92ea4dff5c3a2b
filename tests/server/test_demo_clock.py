"""The demo's clock shows what its company's clocks show, however fast they run, and notices when they are turned."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest

from examples.distributor.clock import START
from examples.distributor.fleet import Fleet
from server.demo_clock import DemoClock
from tests.brokers import eventually
from tests.sources.doors import door

DAY = 86_400.0


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(("echo",), package="tests.examples") as running:
        yield running


@pytest.fixture
async def clock(fleet: Fleet) -> AsyncIterator[DemoClock]:
    fleet.thaw()
    fleet.set_rate(1)
    fleet.set_clock(START)
    async with door(f"{fleet.urls['echo']}/__clock") as asked:
        demo = DemoClock(asked.send)
        await demo.read()
        yield demo


def agrees(clock: DemoClock, fleet: Fleet) -> bool:
    """Whether it shows a time between two that the company tells."""
    before = fleet.now()
    ours = clock.now()
    return before <= ours <= fleet.now()


@pytest.mark.parametrize("rate", [1, 600, 86_400])
async def test_between_two_looks_it_goes_at_the_companys_rate(fleet: Fleet, clock: DemoClock, rate: float) -> None:
    fleet.set_rate(rate)
    await clock.read()
    for _ in range(3):
        assert agrees(clock, fleet)
        await asyncio.sleep(0.01)


async def test_it_stands_with_a_frozen_clock(fleet: Fleet, clock: DemoClock) -> None:
    fleet.freeze()
    await clock.read()
    shown = clock.now()
    await asyncio.sleep(0.01)
    assert clock.now() == shown == fleet.now()


async def test_it_notices_by_itself_that_the_clocks_were_turned(fleet: Fleet, clock: DemoClock) -> None:
    following = asyncio.create_task(clock.follow())
    fleet.advance(DAY)
    fleet.set_rate(600)
    await eventually(lambda: agrees(clock, fleet))
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
