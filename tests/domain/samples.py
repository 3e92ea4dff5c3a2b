"""Model objects with sensible defaults, so that a test names only what it is about."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.model import (
    Carrier,
    CustomerId,
    Hold,
    Invoice,
    InvoiceId,
    InvoiceType,
    Lifecycle,
    Line,
    Order,
    OrderId,
    Package,
    ProofOfDelivery,
    Return,
    ReturnId,
    ReturnLine,
    ReturnStatus,
    Shipment,
    ShipmentId,
    ShipmentLine,
    ShipmentMode,
    ShipmentStatus,
    Tracking,
    TrackingEvent,
    TrackingKey,
    WarehouseOrder,
    WarehouseStage,
    WarehouseTask,
)
from domain.order_status import OrderFacts
from domain.shipment_status import ShipmentState
from domain.values import Code, Moment, Money, Precision, Provenance, Quantity

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
GRACE = timedelta(hours=24)
NUMBER = "1Z999AA10123456784"
NONE = Quantity.of(0)


def moment(day: float = 0, *, precision: Precision = Precision.INSTANT) -> Moment:
    """``day``: days from NOW, fractions allowed."""
    return Moment(NOW + timedelta(days=day), precision=precision)


def code(raw: str, table: str = "erp/orderStatus", text: str | None = None, *, known: bool = True) -> Code:
    return Code(raw, table, text, known)


def provenance(system: str, as_of: datetime = NOW) -> Provenance:
    return Provenance(system, as_of)


def money(amount: str, currency: str = "USD") -> Money:
    return Money(Decimal(amount), currency)


def line(key: str = "1", ordered: int | Quantity = 10, **given: Any) -> Line:
    """Quantities may be given as whole EA."""
    quantities = ("allocated", "backordered", "picked", "packed", "shipped", "invoiced", "cancelled", "returned")
    values: dict[str, Any] = {
        "key": key,
        "order_id": OrderId("SO1"),
        "number": int(key) if key.isdigit() else 1,
        "sku": "BOLT-M8",
        "customer_sku": None,
        "description": "Hex bolt",
        "ordered": ordered,
        **dict.fromkeys(quantities, 0),
        "unit_price": None,
        "extended_price": None,
        "promised_date": None,
        "expected_ship_date": None,
        "substitution_of": None,
        "substituted_by": None,
        "closed": False,
        **given,
    }
    for name in ("ordered", *quantities):
        if isinstance(values[name], int):
            values[name] = Quantity.of(values[name])
    return Line(**values)


def hold(message: str = "We are reviewing this order.", raw: str = "H1", reason: str | None = None) -> Hold:
    return Hold(message, code(raw, "erp/hold"), reason, moment(-3))


def order(*lines: Line, **given: Any) -> Order:
    values: dict[str, Any] = {
        "id": OrderId("SO1"),
        "po_number": "PO-77",
        "customer_id": CustomerId("C100"),
        "ship_to_id": None,
        "ship_to": None,
        "lifecycle": Lifecycle.CONFIRMED,
        "status_code": code("_pendingFulfillment"),
        "placed_at": moment(-10),
        "modified_at": moment(-5),
        "revision": 0,
        "requested_date": None,
        "promised_date": None,
        "hold": None,
        "currency": "USD",
        "totals": None,
        "lines": lines or (line(),),
        "source": provenance("erp"),
        **given,
    }
    return Order(**values)


def contents(quantities: Mapping[str, int]) -> tuple[ShipmentLine, ...]:
    """Whole EA by line key."""
    return tuple(ShipmentLine(key, "BOLT-M8", Quantity.of(count)) for key, count in quantities.items())


def package(
    key: str = "P1",
    number: str | None = NUMBER,
    holds: Mapping[str, int] | None = None,
    *,
    voided: bool = False,
) -> Package:
    return Package(key, number, None, contents({"1": 10} if holds is None else holds), voided)


def shipment(*packages: Package, **given: Any) -> Shipment:
    """Confirmed by the warehouse two days ago, one parcel of ten by UPS, unless told otherwise."""
    parcels = packages or (package(),)
    lines: dict[str, int] = {}
    for parcel in parcels:
        for held in parcel.contents:
            if not parcel.voided:
                lines[held.line_key] = lines.get(held.line_key, 0) + int(held.quantity.value)
    stage = given.pop("stage", WarehouseStage.CONFIRMED)
    values: dict[str, Any] = {
        "id": ShipmentId("SH1"),
        "order_id": OrderId("SO1"),
        "customer_id": CustomerId("C100"),
        "ship_to_id": None,
        "warehouse": "W1",
        "stage": stage,
        "stage_code": code(stage.value.lower(), "wms/stage", known=stage is not WarehouseStage.UNKNOWN),
        "mode": ShipmentMode.PARCEL,
        "carrier": Carrier("UPSN", "UPS"),
        "service": "Ground",
        "pro_number": None,
        "created_at": moment(-3),
        "labelled_at": None,
        "packed_at": None,
        "manifested_at": None,
        "confirmed_at": moment(-2) if stage is WarehouseStage.CONFIRMED else None,
        "voided_at": moment(-1) if stage is WarehouseStage.VOIDED else None,
        "lines": contents(lines),
        "packages": parcels,
        "source": provenance("wms"),
        **given,
    }
    return Shipment(**values)


def event(
    status: ShipmentStatus,
    day: float = -1,
    *,
    key: str | None = None,
    precision: Precision = Precision.INSTANT,
    raw: str | None = None,
    text: str | None = None,
    message: str | None = None,
) -> TrackingEvent:
    """A UPS event, ``day`` days from NOW; its id (``key``) follows from status, time and precision unless given."""
    known = status is not ShipmentStatus.UNKNOWN
    told = f"Carrier: {status.value.lower().replace('_', ' ')}." if known else ""
    return TrackingEvent(
        id=key or f"{status}@{day}{precision}",
        status=status,
        code=code(raw or status.value[:2], "ups/activity", text, known=known),
        occurred=moment(day, precision=precision),
        location="Louisville, KY, US",
        message=told if message is None else message,
    )


def tracking(
    *events: TrackingEvent,
    number: str = NUMBER,
    estimated: Moment | None = None,
    proof: ProofOfDelivery | None = None,
) -> Tracking:
    return Tracking(TrackingKey("UPSN", number), None, events, estimated, proof, provenance("ups"))


def task(kind: WarehouseStage = WarehouseStage.PICKED, key: str = "1", count: int = 10, **given: Any) -> WarehouseTask:
    values: dict[str, Any] = {
        "kind": kind,
        "code": code(kind.value.lower(), "wms/task"),
        "line_key": key,
        "quantity": Quantity.of(count),
        "short": None,
        "at": moment(-4),
        **given,
    }
    return WarehouseTask(**values)


def warehouse(*shipments: Shipment, tasks: Sequence[WarehouseTask] = ()) -> WarehouseOrder:
    return WarehouseOrder(OrderId("SO1"), tuple(tasks), shipments, provenance("wms"))


def facts(
    about: Order,
    *states: ShipmentState,
    tasks: Sequence[WarehouseTask] = (),
    now: datetime = NOW,
    **given: Any,
) -> OrderFacts:
    """An order and its shipments' states; the warehouse was read and holds them, unless given otherwise."""
    values: dict[str, Any] = {
        "order": about,
        "warehouse": warehouse(*(state.shipment for state in states), tasks=tasks),
        "shipments": states,
        "now": now,
        "carrier_grace": GRACE,
        **given,
    }
    return OrderFacts(**values)


def invoice(total: str = "100.00", balance: str = "100.00", **given: Any) -> Invoice:
    values: dict[str, Any] = {
        "id": InvoiceId("INV1"),
        "type": InvoiceType.INVOICE,
        "customer_id": CustomerId("C100"),
        "ship_to_id": None,
        "order_ids": (OrderId("SO1"),),
        "date": date(2026, 11, 1),
        "due_date": date(2026, 12, 1),
        "total": money(total),
        "amount_paid": money(str(Decimal(total) - Decimal(balance))),
        "balance": money(balance),
        "status_code": code("_invoiceOpen", "erp/invoiceStatus"),
        "voided": False,
        "applied_to": (),
        "lines": (),
        "documents": (),
        "source": provenance("erp"),
        **given,
    }
    return Invoice(**values)


def return_line(requested: int = 5, received: int = 0, credited: int = 0, key: str | None = "1") -> ReturnLine:
    counts = (Quantity.of(requested), Quantity.of(received), Quantity.of(credited))
    return ReturnLine(key, "BOLT-M8", *counts, reason="DAMAGED", disposition=None)


def return_(*lines: ReturnLine, stated: ReturnStatus = ReturnStatus.AUTHORIZED, **given: Any) -> Return:
    values: dict[str, Any] = {
        "id": ReturnId("RMA1"),
        "order_id": OrderId("SO1"),
        "customer_id": CustomerId("C100"),
        "ship_to_id": None,
        "stated": stated,
        "status_code": code(stated.value.lower(), "erp/returnStatus"),
        "requested_at": moment(-1),
        "lines": lines or (return_line(),),
        "credit_memo_ids": (),
        "source": provenance("erp"),
        **given,
    }
    return Return(**values)
