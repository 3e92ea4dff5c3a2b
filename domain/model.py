"""The canonical entities: what every source system's records become, whatever they were called there.

Identifiers are the business's own stable numbers (order number, account number, invoice number, RMA number, shipment
number), as strings:
"0010042" stays "0010042". Lines are matched by their line key, never by SKU. Every source-backed entity carries its
``source``.
"""

import datetime as dt
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NewType

from domain.values import Address, Code, Moment, Money, Provenance, Quantity

OrderId = NewType("OrderId", str)
CustomerId = NewType("CustomerId", str)
ShipmentId = NewType("ShipmentId", str)
InvoiceId = NewType("InvoiceId", str)
ReturnId = NewType("ReturnId", str)


# --- customers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShipTo:
    """A place an account receives goods."""

    id: str
    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class Customer:
    """An account. ``notice`` is the one allow-listed sentence a customer may read about it; ``credit_hold`` never
    leaves the inside.
    """

    id: CustomerId
    name: str
    parent_id: CustomerId | None
    ship_tos: tuple[ShipTo, ...]
    terms: str | None
    territory: str | None
    subsidiary: str | None
    currency: str
    notice: str | None
    credit_hold: Code | None
    source: Provenance

    @property
    def number(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Aging:
    """Open receivables by days past due."""

    current: Money
    days_1_30: Money
    days_31_60: Money
    days_61_90: Money
    over_90: Money


@dataclass(frozen=True, slots=True)
class Receivables:
    """What an account owes; read apart from the account itself, and only when asked for and allowed."""

    customer_id: CustomerId
    balance: Money
    overdue: Money
    aging: Aging
    source: Provenance


# --- orders ----------------------------------------------------------------------------------------------------------


class Lifecycle(StrEnum):
    """Where the order stands with the system of record (axis 1). CLOSED: the ERP expects nothing more."""

    RECEIVED = "RECEIVED"
    CONFIRMED = "CONFIRMED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why the order waits: ``message`` is from the allow-list and may be shown; ``code`` and ``reason`` stay inside."""

    message: str
    code: Code
    reason: str | None
    since: Moment | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Order totals as the ERP states them, never computed here."""

    subtotal: Money
    freight: Money
    tax: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Item:
    """What was ordered: our stock-keeping unit, the customer's own number for it, and its words."""

    sku: str
    customer_sku: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """One order line as the ERP states it; quantities obey ordered = cancelled + open + shipped in base units.

    ``key`` is the line's identity within its order. ``picked`` is the ERP's word: a pick ticket printed, not goods
    moved.
    Prices are None when amounts were not asked of the source. ``substitution_of``/``substituted_by`` are line keys of
    the same order.
    """

    key: str
    order_id: OrderId
    number: int
    sku: str
    customer_sku: str | None
    description: str | None
    ordered: Quantity
    allocated: Quantity
    backordered: Quantity
    picked: Quantity
    packed: Quantity
    shipped: Quantity
    invoiced: Quantity
    cancelled: Quantity
    returned: Quantity
    unit_price: Money | None
    extended_price: Money | None
    promised_date: date | None
    expected_ship_date: date | None
    substitution_of: str | None
    substituted_by: str | None
    closed: bool

    @property
    def line_number(self) -> int:
        return self.number

    @property
    def item(self) -> "Item":
        return Item(self.sku, self.customer_sku, self.description)


@dataclass(frozen=True, slots=True)
class Order:
    """A sales order as its owner (the ERP) states it. ``status_code`` is the ERP's own status, raw; ``revision`` counts
    edits after submission (0: none).
    """

    id: OrderId
    po_number: str | None
    customer_id: CustomerId
    ship_to_id: str | None
    ship_to: Address | None
    lifecycle: Lifecycle
    status_code: Code
    placed_at: Moment
    modified_at: Moment
    revision: int
    requested_date: date | None
    promised_date: date | None
    hold: Hold | None
    currency: str
    totals: Totals | None
    lines: tuple[Line, ...]
    source: Provenance

    @property
    def number(self) -> str:
        return self.id


# --- documents -------------------------------------------------------------------------------------------------------


class DocumentKind(StrEnum):
    INVOICE_PDF = "INVOICE_PDF"
    PROOF_OF_DELIVERY = "PROOF_OF_DELIVERY"
    PACKING_LIST = "PACKING_LIST"


@dataclass(frozen=True, slots=True)
class Document:
    """That a document exists with its owner; its bytes never pass through the graph."""

    id: str
    kind: DocumentKind
    title: str
    media_type: str


# --- the warehouse ---------------------------------------------------------------------------------------------------


class WarehouseStage(StrEnum):
    """How far the warehouse has physically come; ordered. CONFIRMED is the ship confirm (LOADED on a truck is not)."""

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
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class WarehouseTask:
    """One piece of warehouse evidence for an order line: a wave, a pick or a pack, with the quantity done (or
    short).
    """

    kind: WarehouseStage
    code: Code
    line_key: str
    quantity: Quantity
    short: Quantity | None
    at: Moment


class ShipmentMode(StrEnum):
    PARCEL = "PARCEL"
    LTL = "LTL"
    FTL = "FTL"
    OWN_FLEET = "OWN_FLEET"
    PICKUP = "PICKUP"


@dataclass(frozen=True, slots=True)
class Carrier:
    """``scac``: Standard Carrier Alpha Code (NMFTA), the key that finds the carrier's source."""

    scac: str
    name: str


@dataclass(frozen=True, slots=True)
class ShipmentLine:
    """A quantity of one order line, in a shipment or a package."""

    line_key: str
    sku: str
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Package:
    """One handling unit. Void packages count for nothing. ``weight_unit``: "LB" or "KG"."""

    id: str
    tracking_number: str | None
    weight: Quantity | None
    contents: tuple[ShipmentLine, ...]
    voided: bool


@dataclass(frozen=True, slots=True)
class Shipment:
    """A shipment as the warehouse states it, created there at ``created_at``. ``confirmed_at`` is the ship confirm,
    ``manifested_at`` the carrier manifest's close.
    """

    id: ShipmentId
    order_id: OrderId
    customer_id: CustomerId
    ship_to_id: str | None
    warehouse: str
    stage: WarehouseStage
    stage_code: Code
    mode: ShipmentMode
    carrier: Carrier | None
    service: str | None
    pro_number: str | None
    created_at: Moment
    labelled_at: Moment | None
    packed_at: Moment | None
    manifested_at: Moment | None
    confirmed_at: Moment | None
    voided_at: Moment | None
    lines: tuple[ShipmentLine, ...]
    packages: tuple[Package, ...]
    source: Provenance
    documents: tuple[Document, ...] = ()

    @property
    def number(self) -> str:
        return self.id

    @property
    def tracking_numbers(self) -> tuple[str, ...]:
        """What the carrier knows this shipment by: the packages' numbers, or the freight PRO number."""
        numbers = tuple(p.tracking_number for p in self.packages if p.tracking_number and not p.voided)
        return numbers or ((self.pro_number,) if self.pro_number else ())

    @property
    def shipped_on(self) -> date | None:
        """The local date it left or was to leave, which tells reused tracking numbers apart."""
        moment = self.confirmed_at or self.manifested_at or self.labelled_at
        return (moment.local or moment.at).date() if moment else None

    @property
    def tracking_keys(self) -> "tuple[TrackingKey, ...]":
        """What its carrier is asked for; goods that are picked up have no carrier."""
        if self.carrier is None or self.mode is ShipmentMode.PICKUP:
            return ()
        return tuple(TrackingKey(self.carrier.scac, number, self.shipped_on) for number in self.tracking_numbers)


@dataclass(frozen=True, slots=True)
class WarehouseOrder:
    """All the warehouse knows of one order: its work (waves, picks, packs) and its shipments."""

    order_id: OrderId
    tasks: tuple[WarehouseTask, ...]
    shipments: tuple[Shipment, ...]
    source: Provenance


# --- carriers --------------------------------------------------------------------------------------------------------


class ShipmentStatus(StrEnum):
    """A shipment's one display status. DELAYED and EXCEPTION are never steps: they show as conditions."""

    PLANNED = "PLANNED"
    LABEL_CREATED = "LABEL_CREATED"
    PACKED = "PACKED"
    MANIFESTED = "MANIFESTED"
    SHIPPED = "SHIPPED"
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    AVAILABLE_FOR_PICKUP = "AVAILABLE_FOR_PICKUP"
    DELIVERY_ATTEMPTED = "DELIVERY_ATTEMPTED"
    DELIVERED = "DELIVERED"
    DELAYED = "DELAYED"
    EXCEPTION = "EXCEPTION"
    RETURNING = "RETURNING"
    RETURNED = "RETURNED"
    LOST = "LOST"
    VOIDED = "VOIDED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class TrackingKey:
    """What identifies a consignment with a carrier. Numbers are reused, so the ship date narrows which one is meant."""

    scac: str
    number: str
    shipped_on: date | None = None


@dataclass(frozen=True, slots=True)
class TrackingEvent:
    """One carrier event, translated. ``status`` is UNKNOWN for a code no table holds: it moves nothing.

    ``status`` DELAYED or EXCEPTION is a condition, cleared by the next physical scan. ``message`` is ours and public;
    the carrier's
    own text is ``code.text`` and stays inside. ``id`` is the digest of carrier, tracking key, type, code, time and
    place.
    """

    id: str
    status: ShipmentStatus
    code: Code
    occurred: Moment
    location: str | None
    message: str


@dataclass(frozen=True, slots=True)
class ProofOfDelivery:
    """Who received it, where and when. A document: guarded."""

    received_by: str | None
    location: str | None
    at: Moment | None


@dataclass(frozen=True, slots=True)
class Tracking:
    """All a carrier says about one consignment, events in no particular order. ``unique_id``: the carrier's own, where
    numbers repeat.
    """

    key: TrackingKey
    unique_id: str | None
    events: tuple[TrackingEvent, ...]
    estimated_delivery: Moment | None
    proof_of_delivery: ProofOfDelivery | None
    source: Provenance
    documents: tuple[Document, ...] = ()


# --- invoices and returns --------------------------------------------------------------------------------------------


class InvoiceType(StrEnum):
    INVOICE = "INVOICE"
    CREDIT_MEMO = "CREDIT_MEMO"


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    number: int
    order_line_key: str | None
    sku: str | None
    description: str | None
    quantity: Quantity
    unit_price: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or credit memo as the ERP's receivables state it. ``applied_to``: invoice ids a credit memo was
    applied to.
    """

    id: InvoiceId
    type: InvoiceType
    customer_id: CustomerId
    ship_to_id: str | None
    order_ids: tuple[OrderId, ...]
    date: dt.date
    due_date: dt.date | None
    total: Money
    amount_paid: Money
    balance: Money
    status_code: Code
    voided: bool
    applied_to: tuple[InvoiceId, ...]
    lines: tuple[InvoiceLine, ...]
    documents: tuple[Document, ...]
    source: Provenance

    @property
    def number(self) -> str:
        return self.id


class ReturnStatus(StrEnum):
    REQUESTED = "REQUESTED"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED"
    RECEIVED = "RECEIVED"
    PARTIALLY_CREDITED = "PARTIALLY_CREDITED"
    CREDITED = "CREDITED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class ReturnLine:
    order_line_key: str | None
    sku: str
    requested: Quantity
    received: Quantity
    credited: Quantity
    reason: str | None
    disposition: str | None


@dataclass(frozen=True, slots=True)
class Return:
    """A return merchandise authorization (RMA) as its owner states it. ``stated`` is the owner's status translated;
    ``status_code`` raw.
    """

    id: ReturnId
    order_id: OrderId | None
    customer_id: CustomerId
    ship_to_id: str | None
    stated: ReturnStatus
    status_code: Code
    requested_at: Moment
    lines: tuple[ReturnLine, ...]
    credit_memo_ids: tuple[InvoiceId, ...]
    source: Provenance

    @property
    def rma_number(self) -> str:
        return self.id
