"""What the carriers' simulators are told: each consignment's physical story, told by each in its own wire format."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class ScanKind(StrEnum):
    """What physically happened; each carrier has its own code for it."""

    LABEL = "LABEL"
    PICKED_UP = "PICKED_UP"
    ARRIVED = "ARRIVED"
    DEPARTED = "DEPARTED"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    ATTEMPTED = "ATTEMPTED"
    AVAILABLE_FOR_PICKUP = "AVAILABLE_FOR_PICKUP"
    DELIVERED = "DELIVERED"
    DELAYED = "DELAYED"
    EXCEPTION = "EXCEPTION"
    RETURNING = "RETURNING"
    RETURNED = "RETURNED"
    VOIDED = "VOIDED"
    ODD = "ODD"
    """An event whose code no published table holds; ``Scan.raw`` is that code."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One event. ``at`` is aware UTC; ``utc_offset_minutes`` None: the carrier tells local time without an offset.

    ``raw`` overrides the code the carrier sends; ``reason`` is the exception's or delay's reason, free text.
    """

    kind: ScanKind
    at: datetime
    utc_offset_minutes: int | None
    city: str
    region: str
    country: str
    raw: str | None = None
    reason: str | None = None
    signed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    """One consignment. ``unique_id`` tells apart two journeys under one reused number. ``weight_lb`` in pounds.
    Scans are in order of time.

    ``scac`` is "UPSN", "FDEG" (FedEx Ground), "FDE" (FedEx Express), "USPS", "DHLE" or a freight / own-fleet code
    served by the LTL feed.
    """

    scac: str
    number: str
    unique_id: str
    service: str
    shipped_on: date
    estimated_delivery: date | None
    weight_lb: str
    order_number: str
    ship_to_postal_code: str
    scans: tuple[Scan, ...]

    def until(self, now: datetime) -> tuple[Scan, ...]:
        """The scans that have happened by ``now``."""
        return tuple(scan for scan in self.scans if scan.at <= now)
