"""X12 214, Transportation Carrier Shipment Status Message: its segments and how they become domain objects; pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.model import Tracking, TrackingEvent, TrackingKey
from domain.values import Moment, Precision, Provenance
from sources import x12
from sources.carriers.consignments import meant
from sources.carriers.events import Codes, event, place

KIND = "214"
"""The transaction set this module reads; an interchange may hold others, for others."""

DELIVERY_ESTIMATES = frozenset({"AG", "X2"})
ESTIMATES = DELIVERY_ESTIMATES | {"AA", "B6", "C1"}
"""Shipment status codes (element 1650) that speak of the future: nothing has happened, so they are no events."""

DELIVERY_APPOINTMENT = "AB"
"""The appointment status (element 1652) that names a time of delivery."""

ESTIMATED_DELIVERY = "17"
"""The G62 date qualifier (element 432) that does."""

UNREMARKABLE = frozenset({"", "NS", "NA"})
"""Reasons (element 1651) that say that there is none."""

HOURS: Mapping[str, float] = {
    **{f"{hours:02}": hours for hours in range(1, 13)},
    **{f"{hours:02}": hours - 25 for hours in range(13, 25)},
    "UT": 0,
    "GM": 0,
    "NS": -3.5,
    "ND": -2.5,
    "TS": -4,
    "TD": -3,
    "ES": -5,
    "ED": -4,
    "CS": -6,
    "CD": -5,
    "MS": -7,
    "MD": -6,
    "PS": -8,
    "PD": -7,
    "AS": -9,
    "AD": -8,
    "HS": -10,
    "HD": -9,
}
"""Hours from UTC by time code (element 623)."""

SEASONAL: Mapping[str, float] = {"NT": -3.5, "TT": -4, "ET": -5, "CT": -6, "MT": -7, "PT": -8, "AT": -9}
"""Time codes that leave daylight saving to the date; hours in winter. Any other code, LT too, says no offset."""


@dataclass(frozen=True, slots=True)
class Status:
    """One AT7 segment with the MS1 that says where."""

    at7: x12.Segment
    ms1: x12.Segment | None

    def to_domain(self, key: TrackingKey, unique_id: str | None, codes: Codes) -> TrackingEvent:
        code, reason = self.at7[1], self.at7[2]
        found = codes.translate("AT701", code, None if reason in UNREMARKABLE else f"reason {reason}")
        shown = codes.entries.get(("AT702", reason))
        return event(
            found,
            key=key,
            unique_id=unique_id,
            kind="AT7",
            code=f"{code}/{reason}",
            told_at=" ".join(self.at7[position] for position in (5, 6, 7)),
            occurred=self.moment,
            location=place(*(self.ms1[position] for position in (1, 2, 3))) if self.ms1 else None,
            message=f"{found.message} {shown[1]}" if found.code.known and shown else None,
        )

    @property
    def moment(self) -> Moment:
        return moment(self.at7[5], self.at7[6], self.at7[7])

    @property
    def happened(self) -> bool:
        return bool(self.at7[1]) and self.at7[1] not in ESTIMATES

    @property
    def estimates_delivery(self) -> bool:
        return self.at7[1] in DELIVERY_ESTIMATES or self.at7[3] == DELIVERY_APPOINTMENT


@dataclass(frozen=True, slots=True)
class Message:
    """One 214: what its carrier says of one consignment. ``shipment_id`` is the shipper's own, as on the bill."""

    pro_number: str
    shipment_id: str
    scac: str
    statuses: tuple[Status, ...]
    estimated: tuple[Moment, ...]

    @classmethod
    def of(cls, told: x12.TransactionSet) -> "Message":
        """Raises ValueError or OverflowError."""
        begin = told.segments[0] if told.segments else None
        if begin is None or begin.name != "B10" or not (begin[1] and begin[3]):
            raise ValueError("a 214 that does not begin with B10, PRO number and SCAC")
        statuses = tuple(_statuses(told.segments))
        dates = [one for one in told.segments if one.name == "G62" and one[1] == ESTIMATED_DELIVERY]
        header = [moment(one[2], one[4], one[5]) for one in dates]
        estimates = [status.moment for status in statuses if status.estimates_delivery and status.at7[5]]
        return cls(begin[1], begin[2], begin[3], statuses, (*header, *estimates))


def numbers(segments: Iterable[x12.Segment], *, sets: int) -> Sequence[str]:
    """The PRO numbers that segments nobody can believe speak of; empty when they may speak of others, too."""
    found = [segment[1] for segment in segments if segment.name == "B10" and segment[1]]
    return found if len(found) == sets else ()


def to_domain(told: Sequence[Message], key: TrackingKey, codes: Codes, source: Provenance) -> Tracking | None:
    """None: not known, or somebody else's. A consignment's messages add up; the recipient's name is never in them."""
    consignments: dict[str, list[Message]] = {}
    for message in told:
        if message.scac == key.scac:
            consignments.setdefault(message.shipment_id, []).append(message)
    return meant([_add_up(parts, key, codes, source) for parts in consignments.values()], key.shipped_on)


def _add_up(parts: Sequence[Message], key: TrackingKey, codes: Codes, source: Provenance) -> Tracking:
    unique_id = parts[0].shipment_id or None
    happened = (status for part in parts for status in part.statuses if status.happened)
    events = tuple(status.to_domain(key, unique_id, codes) for status in happened)
    estimates = [estimated for part in parts for estimated in part.estimated]
    return Tracking(key, unique_id, events, estimates[-1] if estimates else None, None, source)


def _statuses(segments: Sequence[x12.Segment]) -> Iterator[Status]:
    """MS1 belongs to the AT7 before it, within one LX loop."""
    at7: x12.Segment | None = None
    ms1: x12.Segment | None = None
    for segment in (*segments, x12.Segment("LX", ())):
        if segment.name in ("AT7", "LX"):
            if at7:
                yield _status(at7, ms1)
            at7, ms1 = (segment if segment.name == "AT7" else None), None
        elif segment.name == "MS1":
            ms1 = segment


def _status(at7: x12.Segment, ms1: x12.Segment | None) -> Status:
    if not (at7[1] or at7[3]):
        raise ValueError("an AT7 without a status and without an appointment")
    status = Status(at7, ms1)
    if status.happened and not at7[5]:
        raise ValueError(f"an AT7 {at7[1]} without a date")
    return status


def moment(date: str, time: str, zone: str) -> Moment:
    """CCYYMMDD, and HHMM[SS[D[D]]] in the zone of a time code; raises ValueError or OverflowError."""
    if not re.fullmatch(r"\d{8}", date, re.ASCII) or not re.fullmatch(r"(\d{4}|\d{6,8})?", time, re.ASCII):
        raise ValueError(f"{date!r} {time!r} is not a time")
    digits = time[:6].ljust(6, "0")
    wall = datetime.fromisoformat(f"{date}T{digits}+00:00").replace(tzinfo=UTC)
    if not time:
        return Moment(wall, None, Precision.DATE)
    hours = HOURS.get(zone)
    if hours is None and zone in SEASONAL:
        hours = SEASONAL[zone] + _is_summer(wall)
    if hours is None:
        return Moment(wall, None, Precision.LOCAL)
    offset = timedelta(hours=hours)
    return Moment(wall - offset, offset, Precision.INSTANT)


def _is_summer(wall: datetime) -> bool:
    """Daylight saving time in the United States: from 2:00 on the second Sunday of March to 2:00 on the first of
    November (15 U.S.C. 260a). The hour that comes twice counts as the first.
    """
    return _sunday(wall.year, 3, 2) <= wall < _sunday(wall.year, 11, 1)


def _sunday(year: int, month: int, nth: int) -> datetime:
    first = datetime(year, month, 1, 2, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))
