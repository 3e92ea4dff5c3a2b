"""What a fold changed, as subscribers and the outbox are told: the log every live view follows."""

from dataclasses import dataclass
from datetime import datetime

from domain.events import Subject
from domain.model import CustomerId, OrderId
from domain.timeline import TimelineEvent


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that stands differently than before, learned at ``at`` (aware UTC).

    ``subject`` is ORDER, SHIPMENT, INVOICE, RETURN or CUSTOMER, ``id`` its number; whose it is decides who is told.
    ``before`` and ``after`` are its derived status; before is None for what is new, after for what is gone. ``story``:
    what is new in the order's timeline.
    """

    subject: Subject
    id: str
    order_id: OrderId | None
    customer_id: CustomerId
    ship_to_id: str | None
    at: datetime
    before: str | None
    after: str | None
    story: tuple[TimelineEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Logged:
    """A change at its place in the log: places grow by one, without gaps, in the order of commits."""

    position: int
    change: Change
