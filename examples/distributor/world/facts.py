"""What really happened to each order and when, from which every system's view at an instant follows.

Times are aware UTC and may lie ahead of the clock: what is yet to happen is known here. None: it never happens.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from examples.distributor.world.accounts import ShipTo
from examples.distributor.world.pricing import NOTHING, Charge
from examples.distributor.world.warehouse import Mode

Changes = tuple[tuple[datetime, Decimal], ...]
"""Dated amounts or quantities, in order of time, each to be added to those before."""


def come(at: datetime | None, now: datetime) -> bool:
    """Whether a time that may never come has come."""
    return at is not None and at <= now


def sum_until(changes: Iterable[tuple[datetime, Decimal]], now: datetime) -> Decimal:
    """What ``changes`` add up to at ``now``."""
    return sum((amount for at, amount in changes if at <= now), NOTHING)


@dataclass(frozen=True, slots=True)
class LineFacts:
    """An order line. ``ordered``: the quantity entered, then what edits added (or took).

    ``backorders``: when the ERP said the open rest must wait, and until which date it expects.
    """

    key: str
    number: int
    sku: str
    customer_sku: str | None
    description: str
    unit: str
    per_unit: Decimal
    base_unit: str
    unit_price: Decimal
    warehouse: str
    entered_at: datetime
    ordered: Changes
    allocated: Changes
    cancelled: Changes
    backorders: tuple[tuple[datetime, dt.date], ...]
    substitution_of: str | None
    substituted_by: str | None


@dataclass(frozen=True, slots=True)
class ConsignmentFacts:
    """What a carrier was given under one number. ``itinerary`` names how it travels (``itineraries.ITINERARIES``).

    ``departs_at`` None: it never leaves. ``offsets``: whether the carrier tells local times with their offset: "all",
    "some" or "none" of them.
    """

    scac: str
    number: str
    unique_id: str
    service: str
    itinerary: str
    offsets: str
    weight_lb: Decimal
    labelled_at: datetime
    departs_at: datetime | None
    arrives_at: datetime | None
    voided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PackageFacts:
    """``contents``: line keys and quantities. ``consignment``: the parcel's own; None for freight and pickup."""

    id: str
    weight_lb: Decimal
    contents: tuple[tuple[str, Decimal], ...]
    packed_at: datetime
    labelled_at: datetime | None
    voided_at: datetime | None
    consignment: ConsignmentFacts | None


@dataclass(frozen=True, slots=True)
class PickFacts:
    """One line's pick within a shipment: ``planned`` = ``picked`` + ``short``."""

    line_key: str
    planned: Decimal
    picked: Decimal
    at: datetime | None

    @property
    def short(self) -> Decimal:
        return self.planned - self.picked


@dataclass(frozen=True, slots=True)
class ShipmentFacts:
    """A shipment through the warehouse. ``fulfilled_at`` is when the ERP booked it, on its own word."""

    number: str
    warehouse: str
    wave: str
    mode: Mode
    scac: str | None
    service: str | None
    planned_at: datetime
    released_at: datetime | None
    picked_at: datetime | None
    packed_at: datetime | None
    labelled_at: datetime | None
    loaded_at: datetime | None
    manifested_at: datetime | None
    confirmed_at: datetime | None
    voided_at: datetime | None
    fulfilled_at: datetime | None
    picks: tuple[PickFacts, ...]
    packages: tuple[PackageFacts, ...]
    freight: ConsignmentFacts | None

    @property
    def consignments(self) -> tuple[ConsignmentFacts, ...]:
        if self.freight is not None:
            return (self.freight,)
        return tuple(package.consignment for package in self.packages if package.consignment is not None)


@dataclass(frozen=True, slots=True)
class BilledLine:
    line_key: str
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceFacts:
    number: str
    internal_id: str
    shipment_number: str
    issued_at: datetime
    due_date: dt.date
    lines: tuple[BilledLine, ...]
    charge: Charge
    settled: Changes
    """Payments, and credits applied."""


@dataclass(frozen=True, slots=True)
class CreditMemoFacts:
    number: str
    internal_id: str
    rma_number: str | None
    issued_at: datetime
    lines: tuple[BilledLine, ...]
    charge: Charge
    memo: str
    applied: tuple[tuple[datetime, str, Decimal], ...]
    """When, to which invoice, how much."""
    refunded: Changes


@dataclass(frozen=True, slots=True)
class RmaLineFacts:
    line_key: str
    requested: Decimal
    received: Changes
    credited: Changes
    reason: str
    disposition: str | None


@dataclass(frozen=True, slots=True)
class RmaFacts:
    """``credit_memos``: when each was issued, and its number."""

    number: str
    internal_id: str
    requested_at: datetime
    authorized_at: datetime | None
    cancelled_at: datetime | None
    lines: tuple[RmaLineFacts, ...]
    credit_memos: tuple[tuple[datetime, str], ...]


@dataclass(frozen=True, slots=True)
class HoldFacts:
    since: datetime
    released_at: datetime | None
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """``edits``: when the order was changed after submission. ``closed_at``: the ERP expects nothing more."""

    number: str
    internal_id: str
    po_number: str | None
    account: str
    ship_to: ShipTo
    submitted_at: datetime
    approved_at: datetime | None
    cancelled_at: datetime | None
    closed_at: datetime | None
    edits: tuple[datetime, ...]
    holds: tuple[HoldFacts, ...]
    requested_date: dt.date | None
    promised_date: dt.date | None
    memo: str
    discount_rate: Decimal
    freight: Decimal
    tax_rate: Decimal
    lines: tuple[LineFacts, ...]
    shipments: tuple[ShipmentFacts, ...]
    invoices: tuple[InvoiceFacts, ...]
    credit_memos: tuple[CreditMemoFacts, ...]
    rmas: tuple[RmaFacts, ...]

    @property
    def ship_to_id(self) -> str:
        return self.ship_to.id

    @property
    def skus(self) -> frozenset[str]:
        return frozenset(line.sku for line in self.lines)
