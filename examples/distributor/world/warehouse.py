"""What the warehouse system knows at an instant: its waves, picks, packs, packages and ship confirms."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from examples.distributor.world.accounts import ShipTo


class TaskKind(StrEnum):
    WAVE = "WAVE"
    PICK = "PICK"
    PACK = "PACK"


class Stage(StrEnum):
    """How far a shipment has physically come."""

    PLANNED = "PLANNED"
    RELEASED = "RELEASED"
    PICKING = "PICKING"
    PICKED = "PICKED"
    PACKED = "PACKED"
    LABELLED = "LABELLED"
    LOADED = "LOADED"
    MANIFESTED = "MANIFESTED"
    CONFIRMED = "CONFIRMED"
    VOIDED = "VOIDED"


class Mode(StrEnum):
    PARCEL = "PARCEL"
    LTL = "LTL"
    OWN_FLEET = "OWN_FLEET"
    PICKUP = "PICKUP"


@dataclass(frozen=True, slots=True)
class ContentView:
    """A quantity of one order line, in ``unit``; one ``unit`` holds ``per_unit`` of ``base_unit``."""

    line_key: str
    sku: str
    quantity: Decimal
    unit: str
    per_unit: Decimal
    base_unit: str


@dataclass(frozen=True, slots=True)
class TaskView:
    """One piece of work done: ``content.quantity`` done, ``short`` not found (picks only), both in the line's unit."""

    id: str
    kind: TaskKind
    wave: str
    shipment_number: str
    package_id: str | None
    content: ContentView
    short: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class PackageView:
    """``id`` is the carton's serial shipping container code (SSCC, GS1: 18 digits). ``weight_lb`` in pounds."""

    id: str
    tracking_number: str | None
    weight_lb: Decimal
    contents: tuple[ContentView, ...]
    packed_at: datetime
    labelled_at: datetime | None
    voided_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShipmentView:
    """``scac``, ``carrier_name`` and ``service`` are None for customer pickup; ``pro_number`` is set for LTL and fleet.

    A time is None until it has come. ``lines`` are planned quantities until picked, then what was picked.
    """

    number: str
    order_number: str
    account: str
    ship_to: ShipTo
    warehouse: str
    wave: str | None
    stage: Stage
    mode: Mode
    scac: str | None
    carrier_name: str | None
    service: str | None
    pro_number: str | None
    created_at: datetime
    released_at: datetime | None
    picked_at: datetime | None
    packed_at: datetime | None
    labelled_at: datetime | None
    loaded_at: datetime | None
    manifested_at: datetime | None
    confirmed_at: datetime | None
    voided_at: datetime | None
    lines: tuple[ContentView, ...]
    packages: tuple[PackageView, ...]


@dataclass(frozen=True, slots=True)
class WmsOrderView:
    """All the warehouse knows of one order; it knows an order once the first shipment of it is planned."""

    number: str
    account: str
    ship_to: ShipTo
    tasks: tuple[TaskView, ...]
    shipments: tuple[ShipmentView, ...]
