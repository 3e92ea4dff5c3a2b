"""The simulated company's clock: it starts at a fixed instant, runs in real time, and can be frozen or moved."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
"""The instant at which every simulator's clock starts."""


class SimClock:
    """``monotonic`` gives real seconds. The clock never runs by itself faster or slower than real time."""

    def __init__(self, start: datetime = START, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._frozen = False
        self.set(start)

    def now(self) -> datetime:
        """The simulated instant, aware UTC."""
        if self._frozen:
            return self._origin
        return self._origin + timedelta(seconds=self._monotonic() - self._since)

    @property
    def frozen(self) -> bool:
        return self._frozen

    def set(self, instant: datetime) -> None:
        """Move to ``instant`` (aware); frozen stays frozen, running goes on from there."""
        if instant.tzinfo is None:
            raise ValueError("the clock needs an aware datetime")
        self._origin = instant.astimezone(UTC)
        self._since = self._monotonic()

    def freeze(self) -> None:
        self.set(self.now())
        self._frozen = True

    def thaw(self) -> None:
        self.set(self.now())
        self._frozen = False

    def advance(self, seconds: float) -> None:
        """Jump ahead; negative seconds are refused, time does not go back."""
        if seconds < 0:
            raise ValueError("the clock only advances")
        self.set(self.now() + timedelta(seconds=seconds))
