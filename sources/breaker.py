"""The circuit breaker of one source; our own, as the published ones let 50 of 50 callers through at half-open."""

from collections.abc import Callable
from enum import StrEnum
from typing import Self


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Refused(Exception):
    """The breaker lets nobody through; ``retry_after`` is how many seconds it will stay open at least."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"breaker open for another {retry_after:.1f} s")
        self.retry_after = retry_after


class Breaker:
    """Opens after ``failures`` consecutive failures; ``cooldown`` seconds later exactly one caller probes.

    The probe's result closes or reopens it. ``monotonic`` is a clock in seconds; ``moved`` hears each new state.
    """

    def __init__(
        self, *, failures: int, cooldown: float, monotonic: Callable[[], float], moved: Callable[[State], None]
    ) -> None:
        self._threshold = failures
        self._cooldown = cooldown
        self._monotonic = monotonic
        self._moved = moved
        self._state = State.CLOSED
        self._consecutive = 0
        self._reopens = 0.0
        self._probing = False
        self._epoch = 0

    @property
    def state(self) -> State:
        return self._state

    def check(self) -> None:
        """Raises ``Refused`` when ``admit`` would, without taking the probe."""
        if self._state is State.CLOSED:
            return
        remaining = self._reopens - self._monotonic()
        if remaining > 0 or self._probing:
            raise Refused(max(remaining, 0.0))

    def admit(self) -> "Permit":
        """A permit for one call, to be entered at once; raises ``Refused``."""
        self.check()
        if self._state is not State.CLOSED:
            self._probing = True
            self._move(State.HALF_OPEN)
        return Permit(self, self._epoch)

    def settle(self, epoch: int, well: bool | None) -> None:
        """What became of a call admitted in ``epoch``; None: the caller left before it showed.

        Late news of an earlier epoch is ignored.
        """
        if epoch != self._epoch:
            return
        self._probing = False
        if well is None:
            return
        if well:
            self._consecutive = 0
            self._move(State.CLOSED)
            return
        self._consecutive += 1
        if self._state is State.HALF_OPEN or self._consecutive >= self._threshold:
            self._reopens = self._monotonic() + self._cooldown
            self._move(State.OPEN)

    def _move(self, state: State) -> None:
        if state is not self._state:
            self._state = state
            self._epoch += 1
            self._moved(state)


class Permit:
    """Leave to make one call. ``well``: whether the source could answer, whatever it said.

    Left None (the caller was cancelled) the call counts for nothing and frees the probe.
    """

    __slots__ = ("_breaker", "_epoch", "well")

    def __init__(self, breaker: Breaker, epoch: int) -> None:
        self._breaker = breaker
        self._epoch = epoch
        self.well: bool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._breaker.settle(self._epoch, self.well)
