"""FedEx's Advanced Integrated Visibility webhook: what a track reply would hold of each number, pushed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from domain.errors import SourceFault
from domain.events import Delivery
from domain.model import ShipmentStatus, Tracking, TrackingKey
from sources import pushed
from sources.carriers.fedex import wire
from sources.codes import CodeTable

TOPIC: Final = "tracking"
"""FedEx names no kinds of message: there is one."""

COMPANIES: Mapping[str, str] = {"FDXG": "FDEG", "FXSP": "FDEG", "FDXE": "FDE"}
"""The SCAC of each operating company whose parcels we follow; Ground Economy's run with Ground's [I]."""


class Number(wire.FoundNumber, frozen=True):
    carrier_code: str | None = None


class Result(wire.TrackResult, frozen=True):
    tracking_number_info: Number | None = None

    def scac(self) -> str:
        """Raises ValueError for none that we know."""
        code = self.tracking_number_info.carrier_code if self.tracking_number_info else None
        scac = COMPANIES.get(code or "")
        if scac is None:
            raise ValueError(f"{code!r} is no operating company we know")
        return scac


class CompleteResult(wire.Wire, frozen=True):
    tracking_number: Annotated[str, msgspec.Meta(min_length=1)]
    track_results: Annotated[list[Result], msgspec.Meta(min_length=1)]


class Output(wire.Wire, frozen=True):
    complete_track_results: Annotated[list[CompleteResult], msgspec.Meta(min_length=1)]


class Push(wire.Wire, frozen=True):
    output: Output


class FedexFeed:
    def __init__(self, codes: Path | None = None) -> None:
        self._codes = CodeTable.read("fedex", Path(__file__).with_name("codes.tsv"), ShipmentStatus, codes)

    def topic(self, body: bytes) -> str:  # noqa: ARG002 (the body does not say)
        return TOPIC

    def parse(self, delivery: Delivery) -> Sequence[Tracking]:
        """One for each consignment, also of a number used again, as of when it came. An error in place of a result says
        nothing of a parcel; a push of nothing else is a fault.
        """
        source = pushed.provenance(delivery)
        told: list[Tracking] = []
        for place, complete in enumerate(pushed.decode(delivery, Push).output.complete_track_results):
            for position, result in enumerate(complete.track_results):
                if result.error is None:
                    with pushed.reading(delivery, f"$.output.completeTrackResults[{place}].trackResults[{position}]"):
                        key = TrackingKey(result.scac(), complete.tracking_number)
                        told.append(result.to_domain(key, self._codes, source))
        if not told:
            raise SourceFault(delivery.source, "$.output.completeTrackResults: holds errors alone")
        return told
