"""Pigeon Post's JSON shapes and how they become domain objects; pure."""

import msgspec

from domain.model import Tracking, TrackingKey
from domain.values import Provenance
from sources.carriers.events import Codes, event, moment


class Scan(msgspec.Struct, frozen=True):
    code: str
    at: str


class Flight(msgspec.Struct, frozen=True):
    scans: list[Scan]

    def to_domain(self, key: TrackingKey, codes: Codes, source: Provenance) -> Tracking:
        events = tuple(
            event(
                codes.translate("scan", scan.code),
                key=key,
                unique_id=None,
                kind="scan",
                code=scan.code,
                told_at=scan.at,
                occurred=moment(scan.at),
                location=None,
            )
            for scan in self.scans
        )
        return Tracking(key, None, events, None, None, source)
