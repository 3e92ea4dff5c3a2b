"""The simulated company's clock: it starts at a fixed instant, runs at a rate, and can be frozen or moved."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""The instant at which every simulator's clock starts."""

FASTEST = 100_000.0
"""Simulated seconds a real second may take at most."""


class SimClock:
    """``monotonic`` gives real seconds, the same to all processes of a machine.

    Whatever sets the clock may name the real second from which it holds, so that several clocks that are told the same
    show the same, however late each of them hears of it.
    """

    def __init__(self, start: datetime = START, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._frozen = False
        self._rate = 1.0
        self.turns = 0
        """How often it was set."""
        self.set(start)

    def now(self, real: float | None = None) -> datetime:
        """The simulated instant, aware UTC, at the real second ``real`` (default: this one)."""
        if self._frozen:
            return self._origin
        elapsed = (self._monotonic() if real is None else real) - self.since
        return self._origin + timedelta(seconds=elapsed * self._rate)

    @property
    def frozen(self) -> bool:
        return self._frozen

    @property
    def rate(self) -> float:
        """Simulated seconds per real second while it runs."""
        return self._rate

    def set(self, instant: datetime, *, real: float | None = None) -> None:
        """Move to ``instant`` (aware); frozen stays frozen, running goes on from there."""
        if instant.tzinfo is None:
            raise ValueError("the clock needs an aware datetime")
        self._origin = instant.astimezone(UTC)
        self.since = self._monotonic() if real is None else real
        self.turns += 1

    def freeze(self, *, real: float | None = None) -> None:
        self.set(self.now(real), real=real)
        self._frozen = True

    def thaw(self, *, real: float | None = None) -> None:
        self.set(self.now(real), real=real)
        self._frozen = False

    def run(self, rate: float, *, real: float | None = None) -> None:
        """Go on at ``rate`` simulated seconds per real second."""
        if not (math.isfinite(rate) and 0 < rate <= FASTEST):
            raise ValueError(f"the clock runs at a rate above 0, at most {FASTEST:.0f}")
        self.set(self.now(real), real=real)
        self._rate = rate

    def advance(self, seconds: float, *, real: float | None = None) -> None:
        """Jump ahead; negative seconds are refused, time does not go back."""
        if seconds < 0:
            raise ValueError("the clock only advances")
        self.set(self.now(real) + timedelta(seconds=seconds), real=real)
