"""USPS Tracking v3: its JSON shapes and how they become domain objects; pure."""

from typing import Annotated

import msgspec

from domain.model import ProofOfDelivery, ShipmentStatus, Tracking, TrackingEvent, TrackingKey
from domain.values import Moment, Precision, Provenance
from sources.carriers.consignments import meant
from sources.carriers.events import Codes, estimate, event, moment, offset, place


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """A shape of the service; fields not named are ignored."""


class EventRecord(Wire, frozen=True):
    """One scan. ``event_timestamp`` is local time without an offset; the GMT fields are missing on some events."""

    event_code: Annotated[str, msgspec.Meta(min_length=1)]
    event_timestamp: str | None = None
    gmt_timestamp: str | None = msgspec.field(name="GMTTimestamp", default=None)
    gmt_offset: str | None = msgspec.field(name="GMTOffset", default=None)
    event_type: str | None = None
    event_city: str | None = None
    event_state: str | None = None
    event_country: str | None = None
    name: str | None = None
    firm: str | None = None

    def to_domain(self, key: TrackingKey, unique_id: str | None, codes: Codes) -> TrackingEvent:
        """By event code: the status category calls what is out for delivery in transit."""
        return event(
            codes.translate("event", self.event_code, self.event_type or None),
            key=key,
            unique_id=unique_id,
            kind="event",
            code=self.event_code,
            told_at=self.gmt_timestamp or self.event_timestamp or "",
            occurred=self._occurred(),
            location=place(self.event_city, self.event_state, self.event_country),
        )

    def _occurred(self) -> Moment:
        if self.gmt_timestamp:
            at = moment(self.gmt_timestamp).at
            return Moment(at, offset(self.gmt_offset) if self.gmt_offset else None, Precision.INSTANT)
        return moment(self.event_timestamp or "")


class TrackingDetails(Wire, frozen=True):
    """One mail piece. Its unique id is written two ways in the vendor's own documents."""

    tracking_events: list[EventRecord]
    unique_mail_piece_id: str | int | None = msgspec.field(name="uniqueMailPieceID", default=None)
    unique_mail_piece_id_too: str | int | None = msgspec.field(name="uniqueMailPieceId", default=None)
    predicted_delivery_date: str | None = None
    expected_delivery_time_stamp: str | None = None
    guaranteed_delivery_time_stamp: str | None = None

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking | None:
        """None: somebody else's mail piece under the same number. Raises ValueError or OverflowError."""
        unique_id = str(self.unique_mail_piece_id or self.unique_mail_piece_id_too or "") or None
        events = tuple(record.to_domain(key, unique_id, codes) for record in self.tracking_events)
        promised = (
            self.predicted_delivery_date or self.expected_delivery_time_stamp or self.guaranteed_delivery_time_stamp
        )
        tracking = Tracking(
            key, unique_id, events, estimate(promised) if promised else None, self._proof(events), source
        )
        return meant([tracking], key.shipped_on)

    def _proof(self, events: tuple[TrackingEvent, ...]) -> ProofOfDelivery | None:
        for record, told in zip(self.tracking_events, events, strict=True):
            if told.status is ShipmentStatus.DELIVERED and (record.name or record.firm):
                return ProofOfDelivery(record.name or record.firm, told.location, told.occurred)
        return None


class ErrorDetail(Wire, frozen=True):
    code: str | None = None
    message: str | None = None


class Refusal(Wire, frozen=True):
    """The body of a 404, which is normal just after the label."""

    error: ErrorDetail
