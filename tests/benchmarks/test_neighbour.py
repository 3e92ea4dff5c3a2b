"""A stall is the loop's own work, named by who did it; a large query is one that our schema takes."""

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest

from benchmarks import busy_neighbour
from benchmarks.contender.app import COST_LIMIT
from engine.execute import Prepared
from graph import schema


@pytest.fixture
def profiler() -> Iterator[None]:
    """The process's profiling timer, put back afterwards."""
    before = signal.getsignal(signal.SIGPROF)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("text", [busy_neighbour.SMALL, busy_neighbour.large(20)], ids=["small", "large"])
def test_our_schema_takes_the_questions(text: str) -> None:
    engine = schema.engine(schema.build(), cost_limit=COST_LIMIT)
    prepared = engine.prepare(text)
    assert isinstance(prepared, Prepared), prepared
    assert engine.appraise(prepared, {"number": "1"}, None)["data"] is None


def test_a_large_query_asks_for_500_orders() -> None:
    assert busy_neighbour.large().count(f"orders(first: {busy_neighbour.ORDERS},") * busy_neighbour.ORDERS == 500


@pytest.mark.usefixtures("profiler")
async def test_a_stall_is_measured_and_its_place_told() -> None:
    watch = busy_neighbour.Watch()
    watch.start()
    hog(0.1)
    await asyncio.sleep(0.01)
    longest, places = watch.taken()
    assert longest >= 0.1
    assert {place for place, _ in places} & {"tests.benchmarks.test_neighbour.hog", "hog"}
    assert watch.taken() == (0.0, [])


def hog(seconds: float) -> None:
    over = time.thread_time() + seconds
    while time.thread_time() < over:
        pass
