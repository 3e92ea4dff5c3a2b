"""Where a shipment is, from what the warehouse did and what the carrier saw; the weaker word never wins.

Each package follows its own number; the shipment shows the package that is least far along, so that one delivered
package of two is no delivered shipment. What has left is told in ``domain.parcels``, how events apply in
``domain.tracking``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.errors import SourceError
from domain.explanation import Evidence, Explanation, unreadable
from domain.model import ProofOfDelivery, Shipment, ShipmentMode, ShipmentStatus, Tracking, TrackingEvent
from domain.parcels import (
    WITHOUT_CARRIER,
    LineShare,
    Parcel,
    is_confirmed,
    left_by_confirm,
    own_events,
    parcels_of,
    shares_of,
)
from domain.tracking import Course, chronological, follow
from domain.values import Moment

SHOWN = (
    ShipmentStatus.UNKNOWN,
    ShipmentStatus.PLANNED,
    ShipmentStatus.LABEL_CREATED,
    ShipmentStatus.PACKED,
    ShipmentStatus.MANIFESTED,
    ShipmentStatus.SHIPPED,
    ShipmentStatus.IN_TRANSIT,
    ShipmentStatus.OUT_FOR_DELIVERY,
    ShipmentStatus.AVAILABLE_FOR_PICKUP,
    ShipmentStatus.DELIVERY_ATTEMPTED,
    ShipmentStatus.RETURNING,
    ShipmentStatus.LOST,
    ShipmentStatus.RETURNED,
    ShipmentStatus.DELIVERED,
)
"""Of several packages' statuses, the first in this list is the shipment's. Before SHIPPED nothing has left."""

OVER = frozenset(
    {
        ShipmentStatus.DELIVERED,
        ShipmentStatus.RETURNING,
        ShipmentStatus.RETURNED,
        ShipmentStatus.LOST,
        ShipmentStatus.VOIDED,
    }
)
"""What no estimate of delivery speaks of any more."""

RULE: Mapping[ShipmentStatus, str] = {
    ShipmentStatus.UNKNOWN: "neither the warehouse nor the carrier says anything we can read",
    ShipmentStatus.PLANNED: "the warehouse has planned it and not packed it yet",
    ShipmentStatus.LABEL_CREATED: "a label exists and nothing has moved yet",
    ShipmentStatus.PACKED: "the warehouse has packed it",
    ShipmentStatus.MANIFESTED: "it is on the carrier manifest and not confirmed by the warehouse yet",
    ShipmentStatus.SHIPPED: "a physical carrier scan",
    ShipmentStatus.IN_TRANSIT: "the carrier scanned it on its way",
    ShipmentStatus.OUT_FOR_DELIVERY: "the carrier is out to deliver it",
    ShipmentStatus.AVAILABLE_FOR_PICKUP: "the carrier holds it for pickup",
    ShipmentStatus.DELIVERY_ATTEMPTED: "the carrier tried to deliver it",
    ShipmentStatus.DELIVERED: "every package that is not void is delivered",
    ShipmentStatus.RETURNING: "the carrier is bringing it back to the sender",
    ShipmentStatus.RETURNED: "the carrier brought it back to the sender",
    ShipmentStatus.LOST: "the carrier reports it lost and has not scanned it since",
    ShipmentStatus.VOIDED: "it was voided before any carrier scan",
}
BY_CONFIRM = "warehouse ship confirm and carrier manifest or tracking number"
BY_OURSELVES = "warehouse ship confirm; own fleet and pickup need no carrier"
UNPROVEN = "warehouse ship confirm without carrier manifest or tracking number"

DEPARTURE = "warehouse ship confirm with a carrier manifest or tracking number, or a carrier scan"
DELIVERY = "a delivery scan of every package"
PICKUP = "pickup by the customer"
NEXT: Mapping[ShipmentStatus, str] = {
    ShipmentStatus.UNKNOWN: "a warehouse stage or a carrier scan",
    ShipmentStatus.PLANNED: "the warehouse's pack",
    ShipmentStatus.LABEL_CREATED: DEPARTURE,
    ShipmentStatus.PACKED: DEPARTURE,
    ShipmentStatus.MANIFESTED: "warehouse ship confirm, or a carrier scan",
    ShipmentStatus.SHIPPED: DELIVERY,
    ShipmentStatus.IN_TRANSIT: DELIVERY,
    ShipmentStatus.OUT_FOR_DELIVERY: DELIVERY,
    ShipmentStatus.AVAILABLE_FOR_PICKUP: PICKUP,
    ShipmentStatus.DELIVERY_ATTEMPTED: DELIVERY,
    ShipmentStatus.RETURNING: "a scan at the sender's",
    ShipmentStatus.LOST: "a carrier scan that finds it",
}
"""What the next step waits for; what is over waits for nothing."""


@dataclass(frozen=True, slots=True)
class AppliedEvent:
    """A carrier's event in the shipment's story.

    ``applied`` False: it came late or means nothing to us. ``package_id`` None: it is not of one package alone.
    """

    event: TrackingEvent
    applied: bool
    package_id: str | None
    tracking_number: str


@dataclass(frozen=True, slots=True)
class ShipmentState:
    """Everything derived of one shipment.

    ``left``: counted as shipped. ``scanned_at``: the first physical carrier scan. ``conditions``: DELAYED and EXCEPTION
    that no later scan has cleared. ``unread``: carriers that could not be read, so that more may be true; ``unknown``:
    numbers their carrier does not know. ``decisive``: the carriers' deciding events. ``parcels``: those that count,
    each with its own status; ``shares``: by line key; both empty when void.
    """

    shipment: Shipment
    status: ShipmentStatus
    conditions: tuple[ShipmentStatus, ...]
    events: tuple[AppliedEvent, ...]
    shipped_at: Moment | None
    scanned_at: Moment | None
    delivered_at: Moment | None
    estimated_delivery: Moment | None
    delivered_packages: frozenset[str]
    proof_of_delivery: ProofOfDelivery | None
    left: bool
    unread: tuple[str, ...]
    unknown: tuple[str, ...]
    decisive: tuple[Evidence, ...]
    parcels: tuple[Parcel, ...]
    shares: Mapping[str, LineShare]

    @property
    def carrier_unread(self) -> bool:
        return bool(self.unread)

    @property
    def explanation(self) -> Explanation:
        evidence = (*_evidence(self.shipment), *self.decisive)
        return Explanation(_rule(self.shipment, self.status), evidence, tuple(_missing(self)))


def derive_shipment(shipment: Shipment, tracking: Mapping[str, Tracking | SourceError]) -> ShipmentState:
    """``tracking`` by number: absent, the carrier does not know it yet; an error, the carrier could not be read."""
    told = {number: tracking[number] for number in shipment.tracking_numbers if number in tracking}
    read = {number: answer for number, answer in told.items() if isinstance(answer, Tracking)}
    unread = tuple(dict.fromkeys(answer.source for answer in told.values() if isinstance(answer, SourceError)))
    courses = {number: follow(own_events(shipment, answer.events)) for number, answer in read.items()}
    parcels = tuple(parcels_of(shipment, courses))
    scans = [course.departed_at for course in courses.values() if course.departed_at]
    status = _status(parcels, scanned=bool(scans))
    left = any(parcel.left for parcel in parcels)
    confirms = [shipment.confirmed_at] if shipment.confirmed_at and left_by_confirm(shipment) else []
    deliveries = [parcel.course.delivered_at for parcel in parcels if parcel.course and parcel.course.delivered_at]
    estimates = [
        answer.estimated_delivery
        for number, answer in read.items()
        if answer.estimated_delivery and courses[number].status is not ShipmentStatus.DELIVERED and status not in OVER
    ]
    proofs = [answer.proof_of_delivery for answer in read.values() if answer.proof_of_delivery]
    return ShipmentState(
        shipment=shipment,
        status=status,
        conditions=tuple(sorted({one for parcel in parcels if parcel.course for one in parcel.course.conditions})),
        events=tuple(_events(shipment, courses)),
        shipped_at=min(confirms + scans, key=chronological, default=None) if left else None,
        scanned_at=min(scans, key=chronological, default=None),
        delivered_at=max(deliveries, key=chronological, default=None) if status is ShipmentStatus.DELIVERED else None,
        estimated_delivery=max(estimates, key=chronological, default=None),
        delivered_packages=frozenset(
            parcel.package.id for parcel in parcels if parcel.package and parcel.status is ShipmentStatus.DELIVERED
        ),
        proof_of_delivery=max(proofs, key=_proven, default=None),
        left=left,
        unread=unread,
        unknown=tuple(dict.fromkeys(number for number in shipment.tracking_numbers if number not in told)),
        decisive=tuple(
            Evidence.of(read[number].source.system, course.decisive.code, course.decisive.occurred.at)
            for number, course in courses.items()
            if course.decisive
        ),
        parcels=parcels,
        shares=shares_of(shipment, parcels),
    )


def _status(parcels: Sequence[Parcel], *, scanned: bool) -> ShipmentStatus:
    if not parcels:
        return ShipmentStatus.VOIDED
    least = min(SHOWN.index(parcel.status) for parcel in parcels)
    return SHOWN[max(least, SHOWN.index(ShipmentStatus.SHIPPED))] if scanned else SHOWN[least]


def _events(shipment: Shipment, courses: Mapping[str, Course]) -> Sequence[AppliedEvent]:
    applied = [
        AppliedEvent(event, moved, holder, number)
        for number, course in sorted(courses.items())
        for holder in [_holder(shipment, number)]
        for event, moved in course.events
    ]
    return applied if len(courses) == 1 else sorted(applied, key=lambda one: chronological(one.event.occurred))


def _holder(shipment: Shipment, number: str) -> str | None:
    holders = [package.id for package in shipment.packages if package.tracking_number == number and not package.voided]
    return holders[0] if len(holders) == 1 else None


def _proven(proof: ProofOfDelivery) -> tuple[object, ...]:
    when = chronological(proof.at) if proof.at else ()
    return proof.at is not None, when, proof.received_by or "", proof.location or ""


def _rule(shipment: Shipment, status: ShipmentStatus) -> str:
    if status is ShipmentStatus.SHIPPED and left_by_confirm(shipment):
        return BY_OURSELVES if shipment.mode in WITHOUT_CARRIER else BY_CONFIRM
    if status is ShipmentStatus.PACKED and is_confirmed(shipment):
        return UNPROVEN
    return RULE[status]


def _evidence(shipment: Shipment) -> Iterator[Evidence]:
    """The warehouse's."""
    warehouse = shipment.source.system
    yield Evidence.of(warehouse, shipment.stage_code, shipment.source.as_of)
    stamps = (
        ("ship confirm", shipment.confirmed_at),
        ("carrier manifest", shipment.manifested_at),
        ("void", shipment.voided_at),
    )
    yield from (Evidence(warehouse, word, stamp.at) for word, stamp in stamps if stamp)
    if shipment.tracking_numbers:
        yield Evidence(warehouse, "tracking number", shipment.labelled_at.at if shipment.labelled_at else None)


def _missing(state: ShipmentState) -> Iterator[str]:
    if state.status in NEXT:
        picked_up = state.status is ShipmentStatus.SHIPPED and state.shipment.mode is ShipmentMode.PICKUP
        yield PICKUP if picked_up else NEXT[state.status]
        if state.shipment.mode not in WITHOUT_CARRIER:
            yield from (f"the carrier knows nothing of {number} yet" for number in state.unknown)
    yield from map(unreadable, state.unread)
