"""The simulated clock runs, stops and jumps, and never goes back by itself."""

from datetime import UTC, datetime, timedelta

import pytest

from examples.distributor.clock import START, SimClock


class Ticks:
    """Real seconds that pass when told."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def clock(ticks: Ticks) -> SimClock:
    return SimClock(monotonic=ticks)


def test_it_starts_at_the_fixed_instant_and_runs(clock: SimClock, ticks: Ticks) -> None:
    assert clock.now() == START == datetime(2026, 11, 20, 15, tzinfo=UTC)
    ticks.seconds += 90
    assert clock.now() == START + timedelta(seconds=90)


def test_frozen_it_stands_until_thawed(clock: SimClock, ticks: Ticks) -> None:
    clock.freeze()
    ticks.seconds += 90
    assert clock.frozen
    assert clock.now() == START
    clock.advance(5)
    assert clock.now() == START + timedelta(seconds=5)
    clock.thaw()
    ticks.seconds += 1
    assert clock.now() == START + timedelta(seconds=6)


def test_it_runs_at_the_rate_it_is_told_from_then_on(clock: SimClock, ticks: Ticks) -> None:
    ticks.seconds += 10
    clock.run(600)
    assert (clock.rate, clock.now()) == (600, START + timedelta(seconds=10))
    ticks.seconds += 2
    assert clock.now() == START + timedelta(seconds=10 + 1200)
    clock.freeze()
    ticks.seconds += 2
    clock.thaw()
    clock.run(1)
    ticks.seconds += 5
    assert clock.now() == START + timedelta(seconds=10 + 1200 + 5)


@pytest.mark.parametrize("rate", [0, -1, 1e9, float("nan"), float("inf")])
def test_it_refuses_to_run_backwards_or_madly(clock: SimClock, rate: float) -> None:
    with pytest.raises(ValueError, match="rate above 0"):
        clock.run(rate)


def test_clocks_that_hear_late_of_the_same_setting_show_the_same(ticks: Ticks) -> None:
    first, second = SimClock(monotonic=ticks), SimClock(monotonic=ticks)
    said = ticks.seconds
    first.run(600, real=said)
    ticks.seconds += 3
    second.run(600, real=said)
    assert first.now() == second.now() == START + timedelta(seconds=1800)
    first.advance(60, real=said)
    second.advance(60, real=said)
    assert first.now() == second.now() == START + timedelta(seconds=1860)


def test_it_jumps_ahead_and_runs_on(clock: SimClock, ticks: Ticks) -> None:
    clock.advance(3600)
    ticks.seconds += 1
    assert clock.now() == START + timedelta(seconds=3601)


def test_it_can_be_set_from_any_zone(clock: SimClock) -> None:
    clock.set(datetime.fromisoformat("2026-12-01T08:00:00-05:00"))
    assert clock.now() == datetime(2026, 12, 1, 13, tzinfo=UTC)
    assert clock.now().tzinfo is UTC


def test_it_refuses_to_go_back_or_to_be_naive(clock: SimClock) -> None:
    with pytest.raises(ValueError, match="only advances"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="aware"):
        clock.set(datetime(2026, 12, 1))  # noqa: DTZ001 - what is refused
