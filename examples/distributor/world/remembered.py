"""Remembers each order's last view, since nothing changes between two of the order's instants."""

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

from examples.distributor.world.facts import OrderFacts

V = TypeVar("V")


class Remembered(Generic[V]):
    """``instants`` answers all times at which an order's view changes, ascending."""

    def __init__(self, instants: Callable[[OrderFacts], tuple[datetime, ...]]) -> None:
        self._instants_of = instants
        self._instants: dict[str, tuple[datetime, ...]] = {}
        self._views: dict[str, tuple[int, V | None]] = {}

    def view(self, order: OrderFacts, now: datetime, make: Callable[[], V | None]) -> V | None:
        """The order's view at ``now``, made only when an instant has passed (either way) since the last."""
        instants = self._instants.get(order.number)
        if instants is None:
            instants = self._instants[order.number] = self._instants_of(order)
        passed = bisect_right(instants, now)
        known = self._views.get(order.number)
        if known is None or known[0] != passed:
            known = self._views[order.number] = (passed, make())
        return known[1]
