"""How consignments travel: each itinerary's scans as shares of the way, told as journeys to the carriers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from examples.distributor.journeys import Journey, Scan, ScanKind
from examples.distributor.world import words
from examples.distributor.world.facts import ConsignmentFacts, OrderFacts, ShipmentFacts

ODD_CODES = {"UPSN": "Z7", "FDEG": "QX", "FDE": "QX", "USPS": "ZQ", "DHLE": "diverted"}
"""By SCAC, an event code none of the carrier's published tables holds; "ZZ" for those who tell X12 214."""

PICKED_UP = (0.0, ScanKind.PICKED_UP, "origin")
LINEHAUL = (
    PICKED_UP,
    (0.06, ScanKind.ARRIVED, "first hub"),
    (0.15, ScanKind.DEPARTED, "first hub"),
    (0.70, ScanKind.ARRIVED, "last hub"),
    (0.82, ScanKind.DEPARTED, "last hub"),
)
LAST_MILE = ((0.93, ScanKind.OUT_FOR_DELIVERY, "destination"), (1.0, ScanKind.DELIVERED, "destination"))

ITINERARIES: dict[str, tuple[tuple[float, ScanKind, str], ...]] = {
    "delivered": LINEHAUL + LAST_MILE,
    "delivered by a late scan": (*LINEHAUL, *LAST_MILE, (1.04, ScanKind.ARRIVED, "last hub")),
    "attempted": (
        *LINEHAUL,
        (0.85, ScanKind.OUT_FOR_DELIVERY, "destination"),
        (0.88, ScanKind.ATTEMPTED, "destination"),
        *LAST_MILE,
    ),
    "to a pickup point": (
        *LINEHAUL,
        (0.85, ScanKind.AVAILABLE_FOR_PICKUP, "destination"),
        (1.0, ScanKind.DELIVERED, "destination"),
    ),
    "delayed": (*LINEHAUL[:3], (0.40, ScanKind.DELAYED, "first hub"), *LINEHAUL[3:], *LAST_MILE),
    "stuck": (*LINEHAUL[:4], (0.75, ScanKind.EXCEPTION, "last hub")),
    "returned": (
        *LINEHAUL[:3],
        (0.35, ScanKind.ARRIVED, "last hub"),
        (0.45, ScanKind.ATTEMPTED, "destination"),
        (0.50, ScanKind.RETURNING, "destination"),
        (0.80, ScanKind.ARRIVED, "first hub"),
        (1.0, ScanKind.RETURNED, "origin"),
    ),
    "through an odd code": (*LINEHAUL[:3], (0.50, ScanKind.ODD, "last hub"), *LINEHAUL[3:], *LAST_MILE),
    "label only": (),
    "unknown to the carrier": (),
}
"""Scans after the label: share of the way from departure to arrival, what happens, and where."""

REASONS = {ScanKind.DELAYED: words.DELAYS, ScanKind.EXCEPTION: words.EXCEPTIONS, ScanKind.RETURNING: words.EXCEPTIONS}

Place = tuple[str, str, str, str, int]
"""City, region, postal code, country, minutes east of UTC."""


Consigned = tuple[OrderFacts, ShipmentFacts, ConsignmentFacts]
"""A consignment, of which shipment, of which order."""


class Journeys(Mapping[str, Sequence[Journey]]):
    """Journeys by tracking number, told when first asked for."""

    def __init__(self, consigned: Mapping[str, Sequence[Consigned]]) -> None:
        self._consigned = consigned
        self._told: dict[str, tuple[Journey, ...]] = {}

    def __getitem__(self, number: str) -> Sequence[Journey]:
        if number not in self._told:
            self._told[number] = tuple(journey(*consigned) for consigned in self._consigned[number])
        return self._told[number]

    def __iter__(self) -> Iterator[str]:
        return iter(self._consigned)

    def __len__(self) -> int:
        return len(self._consigned)


def journey(order: OrderFacts, shipment: ShipmentFacts, consignment: ConsignmentFacts) -> Journey:
    """The consignment's whole physical story, scans yet to come included."""
    estimated = consignment.arrives_at
    if estimated is not None and consignment.itinerary == "delayed":
        estimated -= timedelta(days=2)
    return Journey(
        scac=consignment.scac,
        number=consignment.number,
        unique_id=consignment.unique_id,
        service=consignment.service,
        shipped_on=(consignment.departs_at or consignment.labelled_at).date(),
        estimated_delivery=estimated.date() if estimated is not None else None,
        weight_lb=str(consignment.weight_lb),
        order_number=order.number,
        ship_to_postal_code=order.ship_to.postal_code,
        scans=_scans(order, shipment, consignment),
    )


def _scans(order: OrderFacts, shipment: ShipmentFacts, consignment: ConsignmentFacts) -> tuple[Scan, ...]:
    if consignment.itinerary == "unknown to the carrier":
        return ()
    rng = Random(consignment.unique_id)
    to = order.ship_to
    places: dict[str, Place] = {
        "origin": words.WAREHOUSES[shipment.warehouse],
        "first hub": rng.choice(words.CITIES),
        "last hub": rng.choice(words.CITIES),
        "destination": (to.city, to.region, to.postal_code, to.country, to.utc_offset_minutes),
    }
    return tuple(
        _scan(rng, consignment, kind, at, places[place], tells_offset=_tells_offset(consignment, nth))
        for nth, (at, kind, place) in enumerate(_steps(consignment))
    )


def _steps(consignment: ConsignmentFacts) -> Iterator[tuple[datetime, ScanKind, str]]:
    yield consignment.labelled_at, ScanKind.LABEL, "origin"
    if consignment.voided_at is not None:
        yield consignment.voided_at, ScanKind.VOIDED, "origin"
    elif consignment.departs_at is not None and consignment.arrives_at is not None:
        way = consignment.arrives_at - consignment.departs_at
        for share, kind, place in ITINERARIES[consignment.itinerary]:
            yield (consignment.departs_at + way * share).replace(microsecond=0), kind, place


def _tells_offset(consignment: ConsignmentFacts, nth: int) -> bool:
    return consignment.offsets == "all" or (consignment.offsets == "some" and nth % 2 == 0)


def _scan(
    rng: Random, consignment: ConsignmentFacts, kind: ScanKind, at: datetime, place: Place, *, tells_offset: bool
) -> Scan:
    city, region, _, country, offset = place
    reasons = REASONS.get(kind)
    return Scan(
        kind,
        at,
        offset if tells_offset else None,
        city,
        region,
        country,
        raw=ODD_CODES.get(consignment.scac, "ZZ") if kind is ScanKind.ODD else None,
        reason=rng.choice(reasons) if reasons else None,
        signed_by=rng.choice(words.SIGNATURES) if kind is ScanKind.DELIVERED else None,
    )
