"""When to ask a carrier again: soon where much happens, seldom where it tells by itself, never once all is said."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.tracking import ENDED, follow

FINAL: Final = ENDED | {ShipmentStatus.LOST}
"""After these a carrier has nothing more to say."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait between two polls of one consignment, by how it stands.

    ``net``: at least so long for a carrier that tells by itself, as a safety net. After ``silence`` without a word
    nothing more is expected.
    """

    unscanned: timedelta = timedelta(hours=6)
    moving: timedelta = timedelta(hours=2)
    last_mile: timedelta = timedelta(minutes=30)
    waiting: timedelta = timedelta(hours=6)
    troubled: timedelta = timedelta(hours=2)
    returning: timedelta = timedelta(hours=12)
    net: timedelta = timedelta(hours=12)
    silence: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Quota:
    """So many consignments may be asked for in any stretch of ``per``; at least one."""

    calls: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier as it is polled. ``name``: of its source; ``pushes``: it tells scans by itself.

    ``quotas`` are this process's share: several that poll the same carrier do not know of each other.
    """

    name: str
    pushes: bool = False
    quotas: tuple[Quota, ...] = ()


S = ShipmentStatus

STEPS: Mapping[ShipmentStatus, str] = {
    S.SHIPPED: "moving",
    S.IN_TRANSIT: "moving",
    S.OUT_FOR_DELIVERY: "last_mile",
    S.DELIVERY_ATTEMPTED: "moving",
    S.AVAILABLE_FOR_PICKUP: "waiting",
    S.RETURNING: "returning",
}
"""Which pace a step has; whatever is no physical scan counts as unscanned."""


def next_poll(
    tracking: Tracking | None, carrier: Carrier, *, since: datetime, now: datetime, pace: Pace = Pace()
) -> datetime | None:
    """When to ask again; None: never. ``tracking`` None: the carrier does not know the consignment yet; ``since``: when
    it was announced.
    """
    course = follow(tracking.events if tracking else ())
    heard = max((since, *(event.occurred.at for event, _ in course.events)))
    if course.status in FINAL or now - heard >= pace.silence:
        return None
    step = STEPS.get(course.status, "unscanned") if course.status else "unscanned"
    wait: timedelta = getattr(pace, "troubled" if course.conditions and step != "last_mile" else step)
    return now + (max(wait, pace.net) if carrier.pushes else wait)


class Polling:
    """Says what to poll and when, within every carrier's quota. ``carriers``: by SCAC; others are not polled."""

    def __init__(self, carriers: Mapping[str, Carrier], pace: Pace = Pace()) -> None:
        self._carriers = carriers
        self._pace = pace
        self._allowances = {
            carrier.name: tuple(Allowance(quota) for quota in carrier.quotas) for carrier in carriers.values()
        }

    def admit(self, keys: Sequence[TrackingKey], now: datetime) -> Mapping[TrackingKey, datetime]:
        """Those that must wait for their carrier's quota, each with a turn of its own; the others are to be asked now,
        and count.
        """
        waiting: dict[TrackingKey, datetime] = {}
        before = Counter[str]()
        for key in dict.fromkeys(keys):
            carrier = self._carriers.get(key.scac)
            if carrier is None:
                continue
            allowances = self._allowances[carrier.name]
            turn = max((each.turn(now, before[carrier.name]) for each in allowances), default=now)
            if turn > now:
                before[carrier.name] += 1
                waiting[key] = turn
            else:
                for each in allowances:
                    each.spend(now)
        return waiting

    def again(self, key: TrackingKey, tracking: Tracking | None, *, since: datetime, now: datetime) -> datetime | None:
        """When to ask for a consignment again; None: never."""
        carrier = self._carriers.get(key.scac)
        return next_poll(tracking, carrier, since=since, now=now, pace=self._pace) if carrier else None


class Allowance:
    """One quota as it is used up: a tenth of it at once, the rest evenly, so that no stretch of ``per`` sees more.

    The generic cell rate algorithm (ITU-T I.371): one instant is all there is to remember.
    """

    def __init__(self, quota: Quota) -> None:
        burst = max(1, quota.calls // 10)
        self._interval = quota.per / (max(1, quota.calls) - burst + 1)
        self._tolerance = self._interval * (burst - 1)
        self._expected: datetime | None = None

    def turn(self, now: datetime, before: int = 0) -> datetime:
        """When the next call may be made, after ``before`` others; not before ``now``."""
        if self._expected is None:
            return now
        return max(now, self._expected - self._tolerance + self._interval * before)

    def spend(self, now: datetime) -> None:
        self._expected = max(self._expected or now, now) + self._interval
