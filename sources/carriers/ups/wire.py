"""UPS Track v1: its JSON shapes and how they become domain objects; pure."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from domain.model import ProofOfDelivery, ShipmentStatus, Tracking, TrackingEvent, TrackingKey
from domain.values import Moment, Precision, Provenance
from sources.carriers.consignments import meant
from sources.carriers.events import Codes, event, offset, place
from sources.codes import Translation

UNKNOWN_NUMBER = "TW0001"
"""The warning, inside a 200, that there is no tracking information."""

WINDOWS = frozenset({"CMT", "EDW", "CDW", "IDW"})
"""Delivery time types whose end belongs to the delivery date still to come."""


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """A shape of the service; fields not named are ignored."""


class Address(Wire, frozen=True):
    city: str | None = None
    state_province: str | None = None
    country_code: str | None = None
    country: str | None = None


class Location(Wire, frozen=True):
    address: Address | None = None


class Status(Wire, frozen=True):
    """``code`` means nothing without ``type``; ``status_code`` is UPS's own summary, "011"."""

    type: Annotated[str, msgspec.Meta(min_length=1)]
    code: str | None = None
    status_code: str | None = None
    description: str | None = None

    def translate(self, codes: Codes) -> Translation[ShipmentStatus]:
        """By type and code; where no table holds those two, by the summary."""
        if not (self.code or self.status_code):
            raise ValueError(f"an activity of type {self.type} without any code")
        text = (self.description or "").strip() or None
        found = codes.translate(self.type, self.code or "", text)
        if found.code.known or not self.status_code:
            return found
        summary = codes.translate("statusCode", self.status_code.zfill(3), f"{self.type} {self.code or ''}: {text}")
        return summary if summary.code.known else found


class Activity(Wire, frozen=True):
    """One event: local date and time ("20210210", "071356"), and the same in GMT with the local offset ("-05:00").

    Its identity is of those words alone that Track Alert tells of it too.
    """

    status: Status
    date: str
    time: str | None = None
    gmt_date: str | None = None
    gmt_time: str | None = None
    gmt_offset: str | None = None
    location: Location | None = None

    def to_domain(self, key: TrackingKey, codes: Codes) -> TrackingEvent:
        address = (self.location and self.location.address) or Address()
        return event(
            self.status.translate(codes),
            key=key,
            unique_id=None,
            kind=self.status.type,
            code=self.status.code or f"/{self.status.status_code}",
            told_at=f"{self.date} {_digits(self.time or self.gmt_time or '')}",
            occurred=self._occurred(),
            location=place(address.city, address.state_province, address.country_code or address.country),
        )

    def _occurred(self) -> Moment:
        if self.gmt_date and self.gmt_time:
            at = wall(self.gmt_date, self.gmt_time).replace(tzinfo=UTC)
            return Moment(at, offset(self.gmt_offset) if self.gmt_offset else None, Precision.INSTANT)
        return _undated(self.date, self.time)


class DeliveryDate(Wire, frozen=True):
    """``type``: SDD scheduled, RDD rescheduled, DEL delivered."""

    type: str
    date: str


class DeliveryTime(Wire, frozen=True):
    type: str | None = None
    end_time: str | None = None


class Presence(Wire, frozen=True):
    """That something is there, whatever it says: a signature's or a document's bytes are not for us."""


class DeliveryInformation(Wire, frozen=True):
    received_by: str | None = None
    location: str | None = None
    signature: Presence | None = None
    pod: Presence | None = None


class Package(Wire, frozen=True):
    tracking_number: str | None = None
    activity: list[Activity] = []
    delivery_date: list[DeliveryDate] = []
    delivery_time: DeliveryTime | None = None
    delivery_information: DeliveryInformation | None = None

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking:
        events = tuple(activity.to_domain(key, codes) for activity in self.activity)
        return Tracking(key, None, events, self._estimate(), self._proof(events), source)

    def _estimate(self) -> Moment | None:
        dates = {told.type: told.date for told in self.delivery_date}
        date = dates.get("RDD") or dates.get("SDD")
        if date is None or "DEL" in dates:
            return None
        window = self.delivery_time
        return _undated(date, window.end_time if window and window.type in WINDOWS else None)

    def _proof(self, events: tuple[TrackingEvent, ...]) -> ProofOfDelivery | None:
        told = self.delivery_information
        if told is None or not (told.received_by or told.location or told.signature or told.pod):
            return None
        delivered = (one.occurred for one in events if one.status is ShipmentStatus.DELIVERED)
        at = max(delivered, key=lambda occurred: occurred.at, default=None) or self._delivered()
        return ProofOfDelivery(told.received_by or None, told.location or None, at)

    def _delivered(self) -> Moment | None:
        date = next((told.date for told in self.delivery_date if told.type == "DEL"), None)
        window = self.delivery_time
        return _undated(date, window.end_time if window and window.type == "DEL" else None) if date else None


class Notice(Wire, frozen=True):
    code: str | None = None
    message: str | None = None


class Shipment(Wire, frozen=True):
    inquiry_number: str | None = None
    package: list[Package] = []
    warnings: list[Notice] = []

    def packages(self, number: str) -> list[Package]:
        """Those of ``number``: by their own number, or the only one where ``number`` is another name for it.

        Empty: the number is not known. Raises ValueError when the shipment says neither.
        """
        if not self.package and any(notice.code == UNKNOWN_NUMBER for notice in self.warnings):
            return []
        own = [package for package in self.package if package.tracking_number in (None, number)]
        if not own and self.inquiry_number == number:
            own = self.package[:1]
        if not own:
            raise ValueError(f"no package of {number!r}, and the warnings {self.warnings}")
        return own


class TrackResponse(Wire, frozen=True):
    shipment: Annotated[list[Shipment], msgspec.Meta(min_length=1)]


class TrackReply(Wire, frozen=True):
    track_response: TrackResponse

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking | None:
        """None: the number is not known, or means somebody else's parcel. Raises ValueError or OverflowError."""
        packages = (package for shipment in self.track_response.shipment for package in shipment.packages(key.number))
        return meant([package.to_domain(key, codes, source) for package in packages], key.shipped_on)


class Refusal(Wire, frozen=True):
    """The body of a 404."""

    class Errors(Wire, frozen=True):
        errors: Annotated[list[Notice], msgspec.Meta(min_length=1)]

    response: Errors


def _undated(date: str, time: str | None) -> Moment:
    if time:
        return Moment(wall(date, time).replace(tzinfo=UTC), None, Precision.LOCAL)
    return Moment(wall(date, "000000").replace(tzinfo=UTC), None, Precision.DATE)


def wall(date: str, time: str) -> datetime:
    """Raises ValueError."""
    digits = _digits(time)
    if not (len(date) == 8 and len(digits) == 6 and f"{date}{digits}".isascii() and f"{date}{digits}".isdigit()):
        raise ValueError(f"{date!r} {time!r} is not a time")
    return datetime.fromisoformat(f"{date}T{digits}")


def _digits(time: str) -> str:
    """UPS writes a morning's time with and without its leading zero, and with and without colons."""
    return time and time.replace(":", "").zfill(6)
