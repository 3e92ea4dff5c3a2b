"""How any carrier's word becomes a tracking event: its identity, its time as precise as it was told, its place."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import msgspec

from domain.model import ShipmentStatus, TrackingEvent, TrackingKey
from domain.values import Moment, Precision
from sources.codes import CodeTable, Translation

Codes = CodeTable[ShipmentStatus]

UNTRANSLATED = "The carrier sent an update that has no translation yet."

ISO_TIME = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?P<offset>Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)

OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>[01]?\d):?(?P<minutes>[0-5]\d)", re.ASCII)


def event(
    found: Translation[ShipmentStatus],
    *,
    key: TrackingKey,
    unique_id: str | None,
    kind: str,
    code: str,
    told_at: str,
    occurred: Moment,
    location: str | None,
    message: str | None = None,
) -> TrackingEvent:
    """``kind``, ``code`` and ``told_at`` are the carrier's own words, so that a better mapping leaves the id as it is.
    Carriers write a place in capitals here and not there, so its case is no part of the id.

    ``message`` stands in for the table's public sentence.
    """
    carrier = found.code.table.partition("/")[0]
    identity = (carrier, key.number, unique_id, kind, code, told_at, location and location.casefold())
    return TrackingEvent(
        id=hashlib.sha256(msgspec.json.encode(identity)).hexdigest(),
        status=found.meaning or ShipmentStatus.UNKNOWN,
        code=found.code,
        occurred=occurred,
        location=location,
        message=message or found.message or UNTRANSLATED,
    )


def moment(text: str) -> Moment:
    """An ISO 8601 date, or date and time, with or without an offset; raises ValueError or OverflowError."""
    told = ISO_TIME.fullmatch(text)
    if told is None:
        raise ValueError(f"{text!r} is not a time")
    value = datetime.fromisoformat(text)
    if told["offset"]:
        return Moment.from_aware(value)
    return Moment(value.replace(tzinfo=UTC), None, Precision.DATE if text == told["date"] else Precision.LOCAL)


def estimate(text: str) -> Moment:
    """As ``moment``; carriers write midnight where they promise no more than a day [I]."""
    told = moment(text)
    wall = told.local or told.at.replace(tzinfo=None)
    if (wall.hour, wall.minute, wall.second) == (0, 0, 0):
        return Moment(wall.replace(microsecond=0, tzinfo=UTC), None, Precision.DATE)
    return told


def offset(text: str) -> timedelta:
    """A distance from UTC as "-05:00" or "-5:00"; raises ValueError."""
    told = OFFSET.fullmatch(text)
    if told is None:
        raise ValueError(f"{text!r} is not an offset")
    distance = timedelta(hours=int(told["hours"]), minutes=int(told["minutes"]))
    return -distance if told["sign"] == "-" else distance


def place(*parts: str | None) -> str | None:
    """The parts that say something, as "Louisville, KY, US"."""
    return ", ".join(word for word in ((part or "").strip() for part in parts) if word) or None
