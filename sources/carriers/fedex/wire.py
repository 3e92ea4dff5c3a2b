"""FedEx Track v1: its JSON shapes and how they become domain objects; pure."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import msgspec

from domain.errors import SourceError, SourceFault, SourceUnavailable
from domain.model import (
    Document,
    DocumentKind,
    ProofOfDelivery,
    ShipmentStatus,
    Tracking,
    TrackingEvent,
    TrackingKey,
)
from domain.values import Moment, Provenance
from sources.carriers.asking import reading
from sources.carriers.consignments import meant
from sources.carriers.events import Codes, estimate, event, moment, place
from sources.codes import Translation

UNKNOWN_NUMBER = frozenset({"TRACKING.TRACKINGNUMBER.NOTFOUND", "TRACKING.DATA.NOTFOUND"})
PASSING = frozenset({"SERVICE.UNAVAILABLE.ERROR", "SYSTEM.UNAVAILABLE.EXCEPTION"})
"""Errors of one number: not known, and those a later call may not meet; all others are faults."""
PROOF: Final = "SIGNATURE_PROOF_OF_DELIVERY"
UNIQUE_PARTS: Final = 3


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """A shape of the service; fields not named are ignored."""


class NumberInfo(Wire, frozen=True):
    tracking_number: str


class TrackingInfo(Wire, frozen=True):
    tracking_number_info: NumberInfo


class TrackRequest(Wire, frozen=True):
    include_detailed_scans: bool
    tracking_info: Sequence[TrackingInfo]


def request(numbers: Sequence[str]) -> bytes:
    """The body that asks for at most 30 numbers."""
    asked = [TrackingInfo(NumberInfo(number)) for number in numbers]
    return msgspec.json.encode(TrackRequest(include_detailed_scans=True, tracking_info=asked))


class UniqueNumber(Wire, frozen=True):
    tracking_number: str
    tracking_number_unique_id: str


class DocumentSpecification(Wire, frozen=True):
    tracking_number_info: UniqueNumber


class DocumentDetail(Wire, frozen=True):
    document_type: str = PROOF
    document_format: str = "PDF"


class DocumentRequest(Wire, frozen=True):
    track_document_detail: DocumentDetail
    track_document_specification: Sequence[DocumentSpecification]


def document_request(unique_id: str) -> bytes | None:
    """The body that asks for a shipment's proof of delivery; None for what is no unique id of FedEx's
    ("12013~123456789012~FDEG").
    """
    parts = unique_id.rsplit("~", UNIQUE_PARTS - 1)
    if len(parts) != UNIQUE_PARTS:
        return None
    meant = DocumentSpecification(UniqueNumber(parts[1], unique_id))
    return msgspec.json.encode(DocumentRequest(DocumentDetail(), [meant]))


class DocumentOutput(Wire, frozen=True):
    """``documents``: each in base64."""

    documents: list[bytes] = []


class DocumentReply(Wire, frozen=True):
    output: DocumentOutput


class Place(Wire, frozen=True):
    city: str | None = None
    state_or_province_code: str | None = None
    country_code: str | None = None


class ScanEvent(Wire, frozen=True):
    """``date`` may lack its offset though the next event has one; ``exception_code`` is empty where there is none."""

    date: str
    event_type: Annotated[str, msgspec.Meta(min_length=1)]
    event_description: str | None = None
    exception_code: str | None = None
    exception_description: str | None = None
    scan_location: Place | None = None

    def to_domain(self, key: TrackingKey, unique_id: str | None, codes: Codes) -> TrackingEvent:
        at = self.scan_location or Place()
        return event(
            self._translate(codes),
            key=key,
            unique_id=unique_id,
            kind=self.event_type,
            code=self.exception_code or "",
            told_at=self.date,
            occurred=moment(self.date),
            location=place(at.city, at.state_or_province_code, at.country_code),
        )

    def _translate(self, codes: Codes) -> Translation[ShipmentStatus]:
        """With an exception code some types mean more than alone."""
        words = (self.event_description, self.exception_code, self.exception_description)
        text = ": ".join(word for word in words if word) or None
        if self.exception_code:
            found = codes.translate("event+exceptionCode", self.event_type, text)
            if found.code.known:
                return found
        return codes.translate("event", self.event_type, text)


class DateAndTime(Wire, frozen=True):
    type: str
    date_time: str


class TimeRange(Wire, frozen=True):
    ends: str | None = None


class TimeWindow(Wire, frozen=True):
    window: TimeRange | None = None


class DeliveryDetails(Wire, frozen=True):
    received_by_name: str | None = None
    signed_by_name: str | None = None
    location_description: str | None = None


class FoundNumber(Wire, frozen=True):
    """``tracking_number_unique_id`` tells shipments under one number apart: "12013~123456789012~FDEG"."""

    tracking_number_unique_id: str | None = None


class AvailableImage(Wire, frozen=True):
    type: str | None = None


class ResultError(Wire, frozen=True):
    code: str
    message: str | None = None


class TrackResult(Wire, frozen=True):
    """One shipment under the number, or an error in its place. Its latest status repeats the newest event and is left
    unread: the two codes it carries need not agree.
    """

    tracking_number_info: FoundNumber | None = None
    error: ResultError | None = None
    scan_events: list[ScanEvent] = []
    date_and_times: list[DateAndTime] = []
    estimated_delivery_time_window: TimeWindow | None = None
    delivery_details: DeliveryDetails | None = None
    available_images: list[AvailableImage] = []

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking:
        unique_id = (self.tracking_number_info and self.tracking_number_info.tracking_number_unique_id) or None
        events = tuple(scan.to_domain(key, unique_id, codes) for scan in self.scan_events)
        documents = self._documents(key.number, unique_id)
        return Tracking(key, unique_id, events, self._estimate(), self._proof(), source, documents)

    def _documents(self, number: str, unique_id: str | None) -> tuple[Document, ...]:
        """The letter with the recipient's signature, where FedEx says there is one of this very shipment."""
        if unique_id is None or PROOF not in {image.type for image in self.available_images}:
            return ()
        name = f"Proof of delivery {number}"
        return (Document(unique_id, DocumentKind.PROOF_OF_DELIVERY, name, "application/pdf"),)

    def _estimate(self) -> Moment | None:
        if self._dated("ACTUAL_DELIVERY"):
            return None
        window = self.estimated_delivery_time_window and self.estimated_delivery_time_window.window
        told = self._dated("ESTIMATED_DELIVERY") or (window and window.ends)
        return estimate(told) if told else None

    def _proof(self) -> ProofOfDelivery | None:
        told, at = self.delivery_details, self._dated("ACTUAL_DELIVERY")
        if told is None or at is None:
            return None
        received_by = told.received_by_name or told.signed_by_name
        return ProofOfDelivery(received_by or None, told.location_description or None, moment(at))

    def _dated(self, kind: str) -> str | None:
        return next((told.date_time for told in self.date_and_times if told.type == kind), None)


class CompleteResult(Wire, frozen=True):
    """All shipments FedEx knows under one number."""

    tracking_number: str
    track_results: Annotated[list[TrackResult], msgspec.Meta(min_length=1)]

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking | None:
        """None: not known, or somebody else's. Raises SourceError, ValueError or OverflowError."""
        told = [result.to_domain(key, codes, source) for result in self.track_results if result.error is None]
        if not told:
            for error in (result.error for result in self.track_results if result.error):
                if error.code not in UNKNOWN_NUMBER:
                    raise _error(source.system, error)
        return meant(told, key.shipped_on)


class ResultName(Wire, frozen=True):
    """As much of a malformed result as it takes to know whose it is."""

    tracking_number: str


class Output(Wire, frozen=True):
    complete_track_results: list[msgspec.Raw]


class TrackReply(Wire, frozen=True):
    """Each number's result is decoded alone, so that a malformed one spoils no other."""

    output: Output

    def results(self, system: str) -> Iterator[tuple[str | None, CompleteResult | SourceError]]:
        """Each number, None where not even that can be read, with its result."""
        for raw in self.output.complete_track_results:
            try:
                with reading(system, "track"):
                    result = msgspec.json.decode(raw, type=CompleteResult)
            except SourceFault as fault:
                yield _name(raw), fault
            else:
                yield result.tracking_number, result


def _name(raw: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=ResultName).tracking_number
    except ValueError:
        return None


def _error(system: str, error: ResultError) -> SourceError:
    kind = SourceUnavailable if error.code in PASSING else SourceFault
    return kind(system, f"track: {error.code}: {error.message}")
