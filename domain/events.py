"""What sources tell us unasked, as they told it and as we read it: deliveries, the facts in them, and what they leave
open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    Order,
    OrderId,
    Return,
    ReturnId,
    Shipment,
    ShipmentId,
    Tracking,
    TrackingKey,
    WarehouseOrder,
)


class Subject(StrEnum):
    """What a fact is about, and what a source can be asked for. WORK: all the warehouse knows of one order."""

    ORDER = "ORDER"
    WORK = "WORK"
    SHIPMENT = "SHIPMENT"
    TRACKING = "TRACKING"
    INVOICE = "INVOICE"
    RETURN = "RETURN"
    CUSTOMER = "CUSTOMER"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message exactly as it came, stored before anybody reads it.

    ``external_id``: the sender's own id of it, or a digest of the body; with ``source`` it is unique, so that a
    repetition changes nothing. ``topic``: what the sender calls this kind of message. ``headers``: those that are part
    of the message, never a credential.
    """

    source: str
    external_id: str
    topic: str
    received_at: datetime
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The owner no longer has it: deleted there, seen at ``at`` (aware UTC). A later record brings it back."""

    subject: Subject
    id: str
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Want:
    """Something a source has more to say about than it told: to be read from its owner. ``key`` as ``tracking_name``
    for TRACKING, else the subject's own number; for WORK the order's.
    """

    subject: Subject
    key: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """Somebody of the house dealt with an exception of an order, as it stood then; should it stand otherwise later, it
    is one again.

    ``kind``, ``part``, ``since`` and ``internal`` are the exception's (``domain.order_exceptions``); ``by``: who, at
    ``at`` (aware UTC).
    """

    order_id: OrderId
    kind: str
    part: str
    since: datetime | None
    internal: str | None
    note: str
    by: str
    at: datetime


Fact: TypeAlias = Order | WarehouseOrder | Shipment | Tracking | Invoice | Return | Customer | Withdrawn | Resolved
"""What a source said of one subject at one time (``source.as_of``): the owner's record of it, whole."""

HOUSE = "crossdock"
"""The system that a fact is of which no source told."""

OURS = f"{HOUSE}."
"""Begins the topics of what we tell ourselves; nobody else's message may bear one."""

SUBJECTS: Mapping[type, Subject] = {
    Order: Subject.ORDER,
    WarehouseOrder: Subject.WORK,
    Shipment: Subject.SHIPMENT,
    Tracking: Subject.TRACKING,
    Invoice: Subject.INVOICE,
    Return: Subject.RETURN,
    Customer: Subject.CUSTOMER,
}

Name: TypeAlias = OrderId | ShipmentId | InvoiceId | ReturnId | CustomerId | str


def told_at(fact: Fact) -> datetime:
    """When its source said so; aware UTC."""
    return fact.at if isinstance(fact, Withdrawn | Resolved) else fact.source.as_of


def system_of(fact: Fact) -> str:
    """The source that said so, by its configured name."""
    match fact:
        case Withdrawn(source=source):
            return source
        case Resolved():
            return HOUSE
        case _:
            return fact.source.system


def name_of(fact: Fact) -> tuple[Subject, str]:
    """Whom a fact is about."""
    match fact:
        case Withdrawn(subject=subject, id=id_):
            return subject, id_
        case Resolved(order_id=order_id):
            return Subject.ORDER, order_id
        case WarehouseOrder(order_id=order_id):
            return Subject.WORK, order_id
        case Tracking(key=key):
            return Subject.TRACKING, tracking_name(key)
        case _:
            return SUBJECTS[type(fact)], fact.id


def tracking_name(key: TrackingKey) -> str:
    """A tracking key as one string, "UPSN/1Z999AA10123456784/2026-11-20"; the date is empty where none is known."""
    return f"{key.scac}/{key.number}/{key.shipped_on or ''}"


def tracking_key(name: str) -> TrackingKey:
    """The key that ``tracking_name`` named; raises ValueError for any other string."""
    scac, slash, rest = name.partition("/")
    number, last, day = rest.rpartition("/")
    if not (slash and last and scac and number):
        raise ValueError(f"{name!r} names no consignment")
    return TrackingKey(scac, number, date.fromisoformat(day) if day else None)
