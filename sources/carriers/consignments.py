"""Which consignment a tracking number means: carriers use numbers again, so the ship date decides."""

from collections.abc import Sequence
from datetime import date, timedelta

from domain.model import Tracking

NEAR = timedelta(days=60)
"""Carriers give a number out again after several months [I]: what began further from our ship date, either way, is
somebody else's parcel, and ours is not known yet.
"""


def meant(told: Sequence[Tracking], shipped_on: date | None) -> Tracking | None:
    """The consignment that began nearest to ``shipped_on`` and within ``NEAR`` of it; without a ship date, the newest.

    One without events gives way to any other and is nobody else's.
    """
    if shipped_on is None:
        return max(told, key=lambda one: began(one) or date.min, default=None)
    near = [one for one in told if _distance(one, shipped_on) <= NEAR]
    return min(near, key=lambda one: _distance(one, shipped_on), default=None)


def began(tracking: Tracking) -> date | None:
    """The local date of its first event."""
    first = min((event.occurred for event in tracking.events), key=lambda occurred: occurred.at, default=None)
    return (first.local or first.at).date() if first else None


def _distance(tracking: Tracking, shipped_on: date) -> timedelta:
    first = began(tracking)
    return NEAR if first is None else abs(first - shipped_on)
