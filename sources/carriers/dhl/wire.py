"""DHL Shipment Tracking Unified: its JSON shapes and how they become domain objects; pure."""

import msgspec

from domain.model import ProofOfDelivery, Tracking, TrackingEvent, TrackingKey
from domain.values import Moment, Provenance
from sources.carriers.consignments import meant
from sources.carriers.events import Codes, estimate, event, moment, place


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """A shape of the service; fields not named are ignored."""


class Address(Wire, frozen=True):
    address_locality: str | None = None
    country_code: str | None = None


class Place(Wire, frozen=True):
    address: Address | None = None


class EventRecord(Wire, frozen=True):
    """``status_code`` is one of five words; ``status`` and ``description`` are free text and may name people."""

    timestamp: str
    status_code: str | None = None
    status: str | None = None
    description: str | None = None
    location: Place | None = None

    def to_domain(self, key: TrackingKey, codes: Codes) -> TrackingEvent:
        kind, code = ("statusCode", self.status_code) if self.status_code else ("status", self.status)
        if not code:
            raise ValueError("an event without any code")
        at = (self.location and self.location.address) or Address()
        words = ": ".join(word for word in (self.status, self.description) if word)
        return event(
            codes.translate(kind, code, words or None),
            key=key,
            unique_id=None,
            kind=kind,
            code=f"{code}/{self.status or ''}",
            told_at=self.timestamp,
            occurred=moment(self.timestamp),
            location=place(at.address_locality, at.country_code),
        )


class Person(Wire, frozen=True):
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


class Proof(Wire, frozen=True):
    timestamp: str | None = None
    signed: Person | None = None

    def to_domain(self) -> ProofOfDelivery:
        signed = self.signed or Person()
        name = signed.name or " ".join(part for part in (signed.given_name, signed.family_name) if part)
        return ProofOfDelivery(name or None, None, moment(self.timestamp) if self.timestamp else None)


class Details(Wire, frozen=True):
    proof_of_delivery: Proof | None = None


class TimeFrame(Wire, frozen=True):
    estimated_through: str | None = None


class Shipment(Wire, frozen=True):
    """``status`` repeats the newest event, and stands alone where there are no events."""

    status: EventRecord
    events: list[EventRecord] = []
    estimated_time_of_delivery: str | None = None
    estimated_delivery_time_frame: TimeFrame | None = None
    details: Details | None = None

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking:
        proof = self.details and self.details.proof_of_delivery
        return Tracking(
            key=key,
            unique_id=None,
            events=tuple(record.to_domain(key, codes) for record in self.events or [self.status]),
            estimated_delivery=self._estimate(),
            proof_of_delivery=proof.to_domain() if proof else None,
            source=source,
        )

    def _estimate(self) -> Moment | None:
        frame = self.estimated_delivery_time_frame
        told = self.estimated_time_of_delivery or (frame and frame.estimated_through)
        return estimate(told) if told else None


class TrackReply(Wire, frozen=True):
    """All shipments DHL knows under the number."""

    shipments: list[Shipment]

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking | None:
        """None: the number means somebody else's parcel. Raises ValueError or OverflowError."""
        return meant([shipment.to_domain(key, codes, source) for shipment in self.shipments], key.shipped_on)


class Problem(Wire, frozen=True):
    """The body of a 404 (RFC 9457): the number is not known."""

    title: str
    status: int | None = None
