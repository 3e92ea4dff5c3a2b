"""The parcels of a shipment that count, each as far along as the warehouse or its own carrier's course proves.

A shipment has left when the warehouse confirmed it *and* a carrier manifest or tracking number exists, or when a
carrier physically scanned it; for own fleet and pickup the ship confirm is enough. A void before any scan takes that
back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from domain.model import Package, Shipment, ShipmentLine, ShipmentMode, ShipmentStatus, TrackingEvent, WarehouseStage
from domain.tracking import RANK, Course

WITHOUT_CARRIER = frozenset({ShipmentMode.OWN_FLEET, ShipmentMode.PICKUP})
"""Modes whose ship confirm needs no carrier's word."""

BEFORE, AFTER = timedelta(days=30), timedelta(days=120)
"""Carriers give a number out again after some months [I]: what is earlier than BEFORE the shipment was created, or
later than AFTER it left, happened to somebody else's parcel."""

STAGE: Mapping[WarehouseStage, ShipmentStatus] = {
    WarehouseStage.PLANNED: ShipmentStatus.PLANNED,
    WarehouseStage.RELEASED: ShipmentStatus.PLANNED,
    WarehouseStage.PICKING: ShipmentStatus.PLANNED,
    WarehouseStage.PICKED: ShipmentStatus.PLANNED,
    WarehouseStage.PACKED: ShipmentStatus.PACKED,
    WarehouseStage.LABELLED: ShipmentStatus.LABEL_CREATED,
    WarehouseStage.LOADED: ShipmentStatus.PACKED,
    WarehouseStage.MANIFESTED: ShipmentStatus.MANIFESTED,
    WarehouseStage.CONFIRMED: ShipmentStatus.PACKED,
}
"""What a warehouse stage proves by itself. A label proves no packing; a ship confirm alone proves no departure."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One handling unit with its carrier's course; ``package`` None stands for a shipment that tells no packages."""

    package: Package | None
    course: Course | None
    status: ShipmentStatus
    left: bool


@dataclass(frozen=True, slots=True)
class LineShare:
    """What a shipment holds of one order line, in base units: delivered ≤ left ≤ confirmed ≤ total."""

    total: Decimal = Decimal(0)
    confirmed: Decimal = Decimal(0)
    left: Decimal = Decimal(0)
    delivered: Decimal = Decimal(0)

    def __add__(self, other: "LineShare") -> "LineShare":
        return LineShare(
            self.total + other.total,
            self.confirmed + other.confirmed,
            self.left + other.left,
            self.delivered + other.delivered,
        )


def is_confirmed(shipment: Shipment) -> bool:
    """The warehouse's ship confirm, whatever the carrier says."""
    return shipment.confirmed_at is not None or shipment.stage is WarehouseStage.CONFIRMED


def is_voided(shipment: Shipment) -> bool:
    """The warehouse's word that it will not ship so: its stage, a void after any confirm, or every package void."""
    after = shipment.voided_at and (shipment.confirmed_at is None or shipment.voided_at.at >= shipment.confirmed_at.at)
    emptied = bool(shipment.packages) and all(package.voided for package in shipment.packages)
    return shipment.stage is WarehouseStage.VOIDED or bool(after) or emptied


def left_by_confirm(shipment: Shipment) -> bool:
    """Shipped on the warehouse's word, with what must stand beside it."""
    carried = shipment.manifested_at is not None or bool(shipment.tracking_numbers) or shipment.mode in WITHOUT_CARRIER
    return carried and is_confirmed(shipment) and not is_voided(shipment)


def own_events(shipment: Shipment, events: Iterable[TrackingEvent]) -> Iterator[TrackingEvent]:
    """The events of this shipment, without those of a former or later parcel under a reused number."""
    created, left = shipment.created_at, shipment.confirmed_at or shipment.manifested_at or shipment.labelled_at
    for event in events:
        former = created.at - event.occurred.at > BEFORE
        later = left is not None and event.occurred.at - left.at > AFTER
        if not former and not later:
            yield event


def parcels_of(shipment: Shipment, courses: Mapping[str, Course]) -> Iterator[Parcel]:
    """The parcels that count: those not void, and those scanned all the same. ``courses`` by tracking number."""
    left, gone, step = left_by_confirm(shipment), is_voided(shipment), _warehouse_step(shipment)
    packages: Sequence[Package | None] = [package for package in shipment.packages if not package.voided] or [None]
    numbered = any(package and package.tracking_number for package in packages)
    for package in packages:
        number = package.tracking_number if package and numbered else shipment.pro_number
        course = courses.get(number) if number else None
        scanned = bool(course and course.departed_at)
        if scanned or not (gone or (course and course.status is ShipmentStatus.VOIDED)):
            yield Parcel(package, course, _further(step, course), left or scanned)


def shares_of(shipment: Shipment, parcels: Sequence[Parcel]) -> Mapping[str, LineShare]:
    """By line key. Where a package hides its contents the shipment's lines count, delivered only once all of it is."""
    if not parcels:
        return {}
    told = [(parcel.package.contents, parcel.left, _delivered(parcel)) for parcel in parcels if parcel.package]
    if len(told) < len(parcels) or not all(contents for contents, _, _ in told):
        told = [(shipment.lines, any(parcel.left for parcel in parcels), all(map(_delivered, parcels)))]
    by_confirm = is_confirmed(shipment) and not is_voided(shipment)
    shares: dict[str, LineShare] = {}
    for contents, left, delivered in told:
        for line in contents:
            share = _share(line, confirmed=by_confirm or left, left=left, delivered=delivered)
            shares[line.line_key] = shares.get(line.line_key, LineShare()) + share
    return shares


def _warehouse_step(shipment: Shipment) -> ShipmentStatus:
    if left_by_confirm(shipment):
        return ShipmentStatus.SHIPPED
    proven = (
        STAGE.get(shipment.stage),
        ShipmentStatus.LABEL_CREATED if shipment.labelled_at else None,
        ShipmentStatus.PACKED if shipment.packed_at or is_confirmed(shipment) else None,
        ShipmentStatus.MANIFESTED if shipment.manifested_at else None,
    )
    return max((step for step in proven if step), key=RANK.__getitem__, default=ShipmentStatus.UNKNOWN)


def _further(step: ShipmentStatus, course: Course | None) -> ShipmentStatus:
    if course is None or course.status is None:
        return step
    return course.status if RANK.get(course.status, len(RANK)) > RANK.get(step, -1) else step


def _delivered(parcel: Parcel) -> bool:
    return parcel.status is ShipmentStatus.DELIVERED


def _share(line: ShipmentLine, *, confirmed: bool, left: bool, delivered: bool) -> LineShare:
    quantity, nothing = max(line.quantity.base_value, Decimal(0)), Decimal(0)
    return LineShare(
        total=quantity,
        confirmed=quantity if confirmed else nothing,
        left=quantity if left else nothing,
        delivered=quantity if delivered else nothing,
    )
