"""The breaker's promise, whatever callers do and in whatever order they come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.breaker import Breaker, Permit, Refused, State
from tests.sources.doors import Clock


class Watched:
    def __init__(self, failures: int = 3, cooldown: float = 10.0) -> None:
        self.clock = Clock()
        self.moves: list[State] = []
        self.breaker = Breaker(failures=failures, cooldown=cooldown, monotonic=self.clock, moved=self.moves.append)

    def state(self) -> str:
        return str(self.breaker.state)

    def call(self, healthy: bool) -> None:
        with self.breaker.admit() as permit:
            permit.well = healthy


def test_only_failures_in_a_row_open_it() -> None:
    watched = Watched()
    for healthy in (False, False, True, False, False, True):
        watched.call(healthy)
    assert watched.state() == "closed"
    for _ in range(3):
        watched.call(healthy=False)
    assert watched.state() == "open"
    with pytest.raises(Refused) as refused:
        watched.breaker.admit()
    assert refused.value.retry_after == 10.0


def test_the_probe_decides() -> None:
    watched = Watched(failures=1)
    watched.call(healthy=False)
    watched.clock.seconds += 10
    watched.call(healthy=False)
    with pytest.raises(Refused):
        watched.breaker.admit()
    watched.clock.seconds += 10
    watched.call(healthy=True)
    assert watched.moves == ["open", "half-open", "open", "half-open", "closed"]


def test_news_of_calls_made_before_it_opened_does_not_close_it() -> None:
    watched = Watched(failures=1)
    early = watched.breaker.admit()
    watched.call(healthy=False)
    watched.clock.seconds += 10
    probe = watched.breaker.admit()
    with early as permit:
        permit.well = True
    assert watched.state() == "half-open"
    with pytest.raises(Refused):
        watched.breaker.admit()
    with probe as permit:
        permit.well = False
    assert watched.state() == "open"


ACTIONS = st.lists(st.tuples(st.sampled_from(["admit", "well", "failed", "left", "wait"]), st.integers(0, 9)))


@given(ACTIONS)
def test_never_two_probes_never_early_never_stuck(actions: list[tuple[str, int]]) -> None:
    watched = Watched(failures=2, cooldown=3.0)
    breaker, under_way, probes = watched.breaker, list[Permit](), list[Permit]()
    opened_at = 0.0
    for action, number in actions:
        before = breaker.state
        if action == "wait":
            watched.clock.seconds += number / 2
        elif action == "admit":
            try:
                permit = breaker.admit()
            except Refused:
                assert before is not State.CLOSED
                continue
            under_way.append(permit)
            if before is not State.CLOSED:
                assert watched.clock.seconds - opened_at >= 3.0
                assert not probes
                probes.append(permit)
        elif under_way:
            permit = under_way.pop(number % len(under_way))
            with permit:
                permit.well = {"well": True, "failed": False, "left": None}[action]
            if permit in probes:
                probes.remove(permit)
            if breaker.state is State.OPEN and before is not State.OPEN:
                opened_at = watched.clock.seconds
    for permit in under_way:
        with permit:
            pass
    watched.clock.seconds += 3.0
    watched.call(healthy=True)
    assert watched.state() == "closed"
