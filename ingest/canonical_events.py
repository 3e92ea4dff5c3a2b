"""Writes a change as the canonical events we publish: CloudEvents 1.0, in structured JSON.

An event carries what its change does: whose it is, how its status moved, and public sentences. There is no amount,
price or internal code in it to leak.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

import msgspec
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from domain.changes import Logged
from domain.events import Subject
from domain.timeline import TimelineEvent, TimelineKind
from domain.values import Precision
from ingest.business_events import Recognised, recognise
from ingest.catalogue import EVENTS

CONTENT_TYPE = JSONFormat.CONTENT_TYPE


class StoryLine(msgspec.Struct, frozen=True, rename="camel"):
    """One thing that happened. ``precision``: how much of ``at`` its source gave."""

    id: str
    kind: TimelineKind
    at: datetime
    precision: Precision
    message: str
    shipment_id: str | None
    line_key: str | None

    @classmethod
    def of(cls, line: TimelineEvent) -> "StoryLine":
        return cls(line.id, line.kind, line.at.at, line.at.precision, line.message, line.shipment_id, line.line_key)


class EventData(msgspec.Struct, frozen=True, rename="camel"):
    """What changed: ``before`` and ``after`` are its status, null where it is not there or has none."""

    subject: Subject
    id: str
    order_id: str | None
    customer_id: str
    ship_to_id: str | None
    before: str | None
    after: str | None
    learned_at: datetime
    story: tuple[StoryLine, ...]


@dataclass(frozen=True, slots=True)
class Canonical:
    """An event ready to go out. ``key``: what keeps its order, where a broker keeps it by key only."""

    id: str
    type: str
    key: str
    body: bytes = field(repr=False)


def canonical(logged: Logged, tenant: str) -> Iterator[Canonical]:
    """The events that a logged change is, each under an id that is the same whenever it is written again."""
    for place, event in enumerate(recognise(logged.change, EVENTS)):
        id_ = f"{tenant}/{logged.position}/{place}"
        change = logged.change
        attributes = {
            "id": id_,
            "source": source(tenant),
            "type": event.event.type,
            "specversion": "1.0",
            "subject": change.id,
            "time": event.at,
            "datacontenttype": "application/json",
        }
        body = JSONFormat().write(CloudEvent(attributes, msgspec.to_builtins(_data(logged, event))))
        yield Canonical(id_, event.event.type, change.order_id or change.customer_id, body)


def source(tenant: str) -> str:
    """Whose events they are, as CloudEvents asks: a URI reference."""
    return f"/crossdock/{quote(tenant, safe='')}"


def _data(logged: Logged, event: Recognised) -> EventData:
    change = logged.change
    return EventData(
        change.subject,
        change.id,
        change.order_id,
        change.customer_id,
        change.ship_to_id,
        change.before,
        change.after,
        change.at,
        tuple(map(StoryLine.of, event.lines)),
    )
