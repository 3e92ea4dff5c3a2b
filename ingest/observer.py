"""The hook through which deliveries are reported on their way, so that metrics are somebody else's business."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What became of a message at the door."""

    ACCEPTED = "accepted"
    """Stored; the sender may forget it."""
    REPEATED = "repeated"
    """Stored already, under the same id; to the sender the same as accepted."""
    GREETED = "greeted"
    """No message: the handshake of a subscription."""
    FORGED = "forged"
    """Nobody we know vouches for it, or its time is too far from ours."""
    OFF = "off"
    """There is no such source, or it has no secret."""
    TOO_LARGE = "too large"
    TOO_SLOW = "too slow"
    """Its body did not arrive in time."""
    GONE = "gone"
    """Its sender left before its body was complete."""
    UNAVAILABLE = "unavailable"
    """It could not be stored."""


class IngestObserver(Protocol):
    """Receives facts; must not block and must not raise."""

    def delivered(self, source: str, outcome: Outcome) -> None:
        """A message came to the door. ``source``: a configured name, or "other"."""
        ...

    def folded(self, source: str, lag: timedelta) -> None:
        """A delivery was read, saved and settled, ``lag`` after it was received."""
        ...

    def died(self, source: str, reason: StrEnum) -> None:
        """A delivery became a dead letter."""
        ...

    def stood(self, backlog: Mapping[str, int], oldest: timedelta) -> None:
        """How many deliveries are in each state ("pending", "parked", "dead"), and how long the oldest pending one has
        waited.
        """
        ...


class Silence:
    """An observer that keeps nothing."""

    def delivered(self, source: str, outcome: Outcome) -> None:
        pass

    def folded(self, source: str, lag: timedelta) -> None:
        pass

    def died(self, source: str, reason: StrEnum) -> None:
        pass

    def stood(self, backlog: Mapping[str, int], oldest: timedelta) -> None:
        pass
