"""What differs between the record we remember and the one its owner tells now, each difference by name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from domain.discrepancies import Discrepancy
from domain.events import Fact, Subject, Withdrawn, name_of
from domain.model import (
    Carrier,
    Customer,
    Document,
    Hold,
    Invoice,
    InvoiceLine,
    Line,
    Order,
    Package,
    ProofOfDelivery,
    Return,
    ReturnLine,
    Shipment,
    ShipmentLine,
    ShipTo,
    Totals,
    Tracking,
    TrackingEvent,
    WarehouseOrder,
    WarehouseTask,
)
from domain.values import Address, Code, Moment, Money, Quantity

T = TypeVar("T")


class Kind(StrEnum):
    """What differs."""

    MISSING = "MISSING"
    """Its owner has it, and we do not."""
    DELETED = "DELETED"
    """We have it, and its owner has it no more."""
    STATUS = "STATUS"
    QUANTITY = "QUANTITY"
    AMOUNT = "AMOUNT"
    DATE = "DATE"
    HOLD = "HOLD"
    ADDRESS = "ADDRESS"
    ACCOUNT = "ACCOUNT"
    """Whose it is, or where an account stands among the others."""
    LINE = "LINE"
    """A line is there on one side only, or is of other goods."""
    LINK = "LINK"
    """To which orders, invoices, documents it belongs."""
    CARRIER = "CARRIER"
    TRACKING_NUMBER = "TRACKING_NUMBER"
    PACKAGE = "PACKAGE"
    TASK_MISSING = "TASK_MISSING"
    """The warehouse did something that we have not heard of."""
    SCAN_MISSING = "SCAN_MISSING"
    """The carrier saw the consignment, and we have not heard of it."""
    PROOF_MISSING = "PROOF_MISSING"
    DETAIL = "DETAIL"
    """A name, a text, a term."""
    VERSION = "VERSION"
    """The owner's own count of changes, where nothing else differs."""


COMPARED: Mapping[type, Mapping[str, Kind]] = {
    Order: {
        "po_number": Kind.LINK,
        "customer_id": Kind.ACCOUNT,
        "ship_to_id": Kind.ACCOUNT,
        "ship_to": Kind.ADDRESS,
        "lifecycle": Kind.STATUS,
        "status_code": Kind.STATUS,
        "placed_at": Kind.DATE,
        "requested_date": Kind.DATE,
        "promised_date": Kind.DATE,
        "hold": Kind.HOLD,
        "currency": Kind.AMOUNT,
        "totals": Kind.AMOUNT,
        "modified_at": Kind.VERSION,
        "revision": Kind.VERSION,
    },
    Line: {
        "number": Kind.LINE,
        "sku": Kind.LINE,
        "customer_sku": Kind.DETAIL,
        "description": Kind.DETAIL,
        "ordered": Kind.QUANTITY,
        "allocated": Kind.QUANTITY,
        "backordered": Kind.QUANTITY,
        "picked": Kind.QUANTITY,
        "packed": Kind.QUANTITY,
        "shipped": Kind.QUANTITY,
        "invoiced": Kind.QUANTITY,
        "cancelled": Kind.QUANTITY,
        "returned": Kind.QUANTITY,
        "unit_price": Kind.AMOUNT,
        "extended_price": Kind.AMOUNT,
        "promised_date": Kind.DATE,
        "expected_ship_date": Kind.DATE,
        "substitution_of": Kind.LINK,
        "substituted_by": Kind.LINK,
        "closed": Kind.STATUS,
    },
    Shipment: {
        "customer_id": Kind.ACCOUNT,
        "ship_to_id": Kind.ACCOUNT,
        "warehouse": Kind.DETAIL,
        "stage": Kind.STATUS,
        "stage_code": Kind.STATUS,
        "mode": Kind.CARRIER,
        "carrier": Kind.CARRIER,
        "service": Kind.CARRIER,
        "pro_number": Kind.TRACKING_NUMBER,
        "created_at": Kind.DATE,
        "labelled_at": Kind.DATE,
        "packed_at": Kind.DATE,
        "manifested_at": Kind.DATE,
        "confirmed_at": Kind.DATE,
        "voided_at": Kind.DATE,
        "documents": Kind.LINK,
    },
    ShipmentLine: {"sku": Kind.LINE, "quantity": Kind.QUANTITY},
    Package: {
        "tracking_number": Kind.TRACKING_NUMBER,
        "weight": Kind.PACKAGE,
        "contents": Kind.PACKAGE,
        "voided": Kind.PACKAGE,
    },
    Invoice: {
        "type": Kind.STATUS,
        "customer_id": Kind.ACCOUNT,
        "ship_to_id": Kind.ACCOUNT,
        "order_ids": Kind.LINK,
        "date": Kind.DATE,
        "due_date": Kind.DATE,
        "total": Kind.AMOUNT,
        "amount_paid": Kind.AMOUNT,
        "balance": Kind.AMOUNT,
        "status_code": Kind.STATUS,
        "voided": Kind.STATUS,
        "applied_to": Kind.LINK,
        "documents": Kind.LINK,
    },
    InvoiceLine: {
        "order_line_key": Kind.LINK,
        "sku": Kind.LINE,
        "description": Kind.DETAIL,
        "quantity": Kind.QUANTITY,
        "unit_price": Kind.AMOUNT,
        "amount": Kind.AMOUNT,
    },
    Return: {
        "order_id": Kind.LINK,
        "customer_id": Kind.ACCOUNT,
        "ship_to_id": Kind.ACCOUNT,
        "stated": Kind.STATUS,
        "status_code": Kind.STATUS,
        "requested_at": Kind.DATE,
        "credit_memo_ids": Kind.LINK,
    },
    ReturnLine: {
        "requested": Kind.QUANTITY,
        "received": Kind.QUANTITY,
        "credited": Kind.QUANTITY,
        "reason": Kind.DETAIL,
        "disposition": Kind.DETAIL,
    },
    Customer: {
        "name": Kind.DETAIL,
        "parent_id": Kind.ACCOUNT,
        "terms": Kind.DETAIL,
        "territory": Kind.ACCOUNT,
        "subsidiary": Kind.DETAIL,
        "currency": Kind.DETAIL,
        "notice": Kind.HOLD,
        "credit_hold": Kind.HOLD,
    },
    ShipTo: {"name": Kind.ADDRESS, "address": Kind.ADDRESS},
    Tracking: {"estimated_delivery": Kind.DATE},
}
"""The fields of each record, and the name of a difference in them. Provenance is no difference: ages always differ."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a record has several of. ``missing``: the name of a difference where one is on one side only; ``union``:
    what we remember is never taken back, so only what the owner tells beyond it differs.
    """

    field: str
    key: Callable[[Any], str]
    missing: Kind
    union: bool = False


def _goods(line: ReturnLine) -> str:
    return f"{line.order_line_key or ''}/{line.sku}"


def _task(task: WarehouseTask) -> str:
    short = _count(task.short) if task.short else ""
    return f"{task.kind}/{task.line_key}/{task.code.raw}/{_count(task.quantity)}/{short}/{task.at.at.isoformat()}"


def _count(quantity: Quantity) -> str:
    """Two words for one count, such as 5 and 5.0, give one."""
    return f"{quantity.value.normalize():f} {quantity.unit}"


PARTS: Mapping[type, Sequence[Parts]] = {
    Order: (Parts("lines", lambda line: line.key, Kind.LINE),),
    Shipment: (
        Parts("lines", lambda line: line.line_key, Kind.LINE),
        Parts("packages", lambda package: package.id, Kind.PACKAGE, union=True),
    ),
    WarehouseOrder: (Parts("tasks", _task, Kind.TASK_MISSING, union=True),),
    Tracking: (
        Parts("events", lambda event: event.id, Kind.SCAN_MISSING, union=True),
        Parts("documents", lambda document: document.id, Kind.LINK, union=True),
    ),
    Invoice: (Parts("lines", lambda line: str(line.number), Kind.LINE),),
    Return: (Parts("lines", _goods, Kind.LINE),),
    Customer: (Parts("ship_tos", lambda place: place.id, Kind.ADDRESS),),
}


def differences(remembered: Fact | None, told: Fact) -> Sequence[Discrepancy]:
    """All that ``told`` says otherwise than ``remembered`` (None: we have nothing of it), which is of the same subject.

    Packages, warehouse tasks, scans and a carrier's documents only ever add up (``domain.dossier``), so one too many is
    none here. Empty: they are the same but for their age.
    """
    subject, id_ = name_of(told)
    if isinstance(told, Withdrawn):
        return () if remembered is None else (Discrepancy(subject, id_, Kind.DELETED, "", _shown(remembered), None),)
    if remembered is None:
        return (Discrepancy(subject, id_, Kind.MISSING, "", None, _shown(told)),)
    if isinstance(remembered, WarehouseOrder) and isinstance(told, WarehouseOrder):
        return (*_compared(subject, id_, remembered, told), *_shipments(remembered, told))
    found = tuple(_compared(subject, id_, remembered, told))
    if isinstance(told, Tracking) and isinstance(remembered, Tracking):
        return (*found, *_proof(subject, id_, remembered, told))
    return tuple(each for each in found if each.kind != Kind.VERSION) or found


def _shipments(remembered: WarehouseOrder, told: WarehouseOrder) -> Iterator[Discrepancy]:
    """A shipment that the warehouse no longer lists with the order's others was deleted there."""
    known = {each.id: each for each in remembered.shipments}
    listed = {each.id for each in told.shipments}
    for shipment in told.shipments:
        yield from differences(known.get(shipment.id), shipment)
    for id_, shipment in known.items():
        if id_ not in listed:
            yield from differences(shipment, Withdrawn(Subject.SHIPMENT, id_, told.source.system, told.source.as_of))


def _proof(subject: Subject, id_: str, remembered: Tracking, told: Tracking) -> Iterator[Discrepancy]:
    """Of several proofs the best is kept, so only the lack of any differs."""
    if told.proof_of_delivery and not remembered.proof_of_delivery:
        yield Discrepancy(subject, id_, Kind.PROOF_MISSING, "", None, _shown(told.proof_of_delivery))


def _compared(subject: Subject, id_: str, remembered: Any, told: Any, within: str = "") -> Iterator[Discrepancy]:
    """The differences of two things of one type, those of their parts included."""
    for name, kind in COMPARED.get(type(told), {}).items():
        before, after = getattr(remembered, name), getattr(told, name)
        if before != after:
            yield Discrepancy(subject, id_, kind, f"{within}{name}", _shown(before), _shown(after))
    for parts in PARTS.get(type(told), ()):
        known, listed = _by_key(getattr(remembered, parts.field), parts), _by_key(getattr(told, parts.field), parts)
        for key in dict.fromkeys((*listed, *known)):
            part = f"{within}{parts.field}.{key}"
            if key not in known:
                yield Discrepancy(subject, id_, parts.missing, part, None, _shown(listed[key]))
            elif key in listed:
                yield from _compared(subject, id_, known[key], listed[key], f"{part}.")
            elif not parts.union:
                yield Discrepancy(subject, id_, parts.missing, part, _shown(known[key]), None)


def _by_key(rows: Iterable[T], parts: Parts) -> Mapping[str, T]:
    """Each by its key; where one is there twice, the second and later ones by their place too."""
    found: dict[str, T] = {}
    for row in rows:
        key = parts.key(row)
        repeated = 1
        while (name := key if repeated == 1 else f"{key}#{repeated}") in found:
            repeated += 1
        found[name] = row
    return found


LONGEST: Final = 500

SHOWN: Mapping[type, Callable[[Any], str]] = {
    Money: lambda money: f"{money.amount} {money.currency}",
    Quantity: _count,
    Moment: lambda moment: f"{moment.at.isoformat()} ({moment.precision})",
    Code: lambda code: code.raw,
    Address: lambda place: ", ".join(
        part for part in (place.name, *place.lines, place.city, place.region, place.postal_code, place.country) if part
    ),
    Hold: lambda hold: f"{hold.code.raw}: {hold.message}",
    Totals: lambda totals: (
        f"{_shown(totals.total)} (goods {_shown(totals.subtotal)}, "
        f"freight {_shown(totals.freight)}, tax {_shown(totals.tax)})"
    ),
    Carrier: lambda carrier: carrier.scac,
    Document: lambda document: document.id,
    Line: lambda line: f"{_count(line.ordered)} {line.sku}",
    ShipmentLine: lambda line: f"{_count(line.quantity)} {line.sku} of line {line.line_key}",
    InvoiceLine: lambda line: f"{_count(line.quantity)} {line.sku}, {_shown(line.amount)}",
    ReturnLine: lambda line: f"{_count(line.requested)} {line.sku}",
    Package: lambda package: package.tracking_number or package.id,
    WarehouseTask: _task,
    ShipTo: lambda place: f"{place.name}: {_shown(place.address)}",
    TrackingEvent: lambda event: f"{event.status} {event.code.raw} {event.occurred.at.isoformat()}",
    ProofOfDelivery: lambda proof: f"received by {proof.received_by}",
    date: date.isoformat,
    datetime: datetime.isoformat,
}
"""A value as an operator reads it. A record that is on one side only is shown by its owner and age."""


def _shown(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, tuple):
        return ", ".join(_shown(each) or "" for each in value)[:LONGEST]
    if show := SHOWN.get(type(value)):
        return show(value)[:LONGEST]
    if source := getattr(value, "source", None):
        return f"{source.system}, as of {source.as_of.isoformat()}"
    return str(value)[:LONGEST]
