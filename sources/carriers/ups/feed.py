"""UPS Track Alert: one new activity of one package, in words of its own, which become those of the Track API."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final

import msgspec

from domain.events import Delivery
from domain.model import ShipmentStatus, Tracking, TrackingKey
from sources import pushed
from sources.carriers.ups import wire
from sources.codes import CodeTable

SCAC: Final = "UPSN"
TOPIC: Final = "Track Alert"
"""UPS names no kinds of message: there is one."""

FARTHEST: Final = timedelta(hours=14)
"""From UTC, of any local time."""

Date = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{8})?\Z")]
Time = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{5,6}|[0-9]{1,2}:[0-9]{2}:[0-9]{2})?\Z")]
"""Those that are not known are empty, or not there."""


class Place(wire.Wire, frozen=True):
    city: str | None = None
    state_province: str | None = None
    country: str | None = None


class Happened(wire.Wire, frozen=True):
    """``description_code`` is the Track API's ``statusCode``, "011"."""

    type: Annotated[str, msgspec.Meta(min_length=1)]
    code: str | None = None
    description: str | None = None
    description_code: str | None = None


class Push(wire.Wire, frozen=True):
    """The activity's local and GMT time, without the offset between them, and what is known of the delivery now."""

    tracking_number: Annotated[str, msgspec.Meta(pattern=r"^\s*[0-9A-Za-z]{1,40}\s*\Z")]
    activity_status: Happened
    local_activity_date: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{8}\Z")]
    local_activity_time: Time | None = None
    gmt_activity_date: Date | None = None
    gmt_activity_time: Time | None = None
    activity_location: Place | None = None
    scheduled_delivery_date: Date | None = None
    actual_delivery_date: Date | None = None
    actual_delivery_time: Time | None = None
    delivery_end_time: Time | None = None
    received_by: str | None = None

    def package(self) -> wire.Package:
        """As the Track API would tell of it, had nothing else happened. Raises ValueError."""
        scheduled, actual = self.scheduled_delivery_date, self.actual_delivery_date
        known = (("SDD", scheduled), ("DEL", actual))
        ends = wire.DeliveryTime("DEL", self.actual_delivery_time) if actual else None
        return wire.Package(
            activity=[self._activity()],
            delivery_date=[wire.DeliveryDate(kind, date) for kind, date in known if date],
            delivery_time=ends or wire.DeliveryTime("EDW", self.delivery_end_time),
            delivery_information=wire.DeliveryInformation(received_by=self.received_by),
        )

    def _activity(self) -> wire.Activity:
        status, at = self.activity_status, self.activity_location or Place()
        return wire.Activity(
            wire.Status(status.type, status.code, status.description_code, status.description),
            self.local_activity_date,
            self.local_activity_time,
            self.gmt_activity_date,
            self.gmt_activity_time,
            self._offset(),
            wire.Location(wire.Address(at.city, at.state_province, at.country)),
        )

    def _offset(self) -> str | None:
        if not (self.local_activity_time and self.gmt_activity_date and self.gmt_activity_time):
            return None
        local = wire.wall(self.local_activity_date, self.local_activity_time)
        distance = local - wire.wall(self.gmt_activity_date, self.gmt_activity_time)
        if abs(distance) > FARTHEST:
            return None
        hours, minutes = divmod(abs(distance) // timedelta(minutes=1), 60)
        return f"{'-' if distance < timedelta() else '+'}{hours:02}:{minutes:02}"


class UpsFeed:
    def __init__(self, codes: Path | None = None) -> None:
        self._codes = CodeTable.read("ups", Path(__file__).with_name("codes.tsv"), ShipmentStatus, codes)

    def topic(self, body: bytes) -> str:  # noqa: ARG002 (the body does not say)
        return TOPIC

    def parse(self, delivery: Delivery) -> Sequence[Tracking]:
        """As of when it came: UPS does not say when it sent it."""
        told = pushed.decode(delivery, Push)
        key = TrackingKey(SCAC, told.tracking_number.strip())
        with pushed.reading(delivery, "$"):
            return [told.package().to_domain(key, self._codes, pushed.provenance(delivery))]
