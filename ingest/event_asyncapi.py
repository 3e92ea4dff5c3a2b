"""Writes the catalogue for tools: an AsyncAPI 3.0 document of the events that go out, and of what comes in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from domain.changes import Change, Logged
from domain.events import Subject
from domain.invoice_status import PaymentStatus
from domain.model import CustomerId, OrderId, ReturnStatus, ShipmentStatus
from domain.order_status import OrderStatus
from domain.timeline import MESSAGE, TimelineEvent, TimelineKind
from domain.values import Moment
from ingest.business_events import BusinessEvent, Sign
from ingest.canonical_events import CONTENT_TYPE, EventData, canonical
from ingest.catalogue import EVENTS

Json: TypeAlias = dict[str, Any]

SCHEMA = "#/components/schemas/"
MESSAGES = "#/components/messages/"
TITLE = "Crossdock events"
VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class Inbound:
    """What one system sends us: ``headers`` prove that it was they who did, on a webhook."""

    system: str
    title: str
    content_type: str
    headers: Mapping[str, str]
    payload: Json


STANDARD = {
    "webhook-id": "the sender's id of the message, the same at each repetition",
    "webhook-timestamp": "when it was signed, in seconds since 1970; at most five minutes from now",
    "webhook-signature": "v1, and the base64 HMAC-SHA256 of id, timestamp and body, as Standard Webhooks has it",
}
ERP_CHANGED: Json = {
    "type": "object",
    "required": ["type", "recordType", "externalId", "changedAt"],
    "properties": {
        "type": {"type": "string", "description": "the record's type and what happened to it"},
        "recordType": {"type": "string", "description": "the record's type alone"},
        "externalId": {"type": "string", "maxLength": 100, "description": "the record's number"},
        "changedAt": {"type": "string", "format": "date-time"},
        "createdFrom": {"type": ["string", "null"], "description": "the sales order it was made from"},
    },
}
AS_DOCUMENTED: Json = {"type": "object", "description": "As the carrier's own documentation has it."}

INBOUND: Sequence[Inbound] = (
    Inbound("erp", "A record of the ERP was made, changed or deleted", "application/json", STANDARD, ERP_CHANGED),
    Inbound(
        "wms",
        "The warehouse worked on orders",
        "application/json",
        {"x-shiphero-hmac-sha256": "the base64 HMAC-SHA256 of the body"},
        {
            "type": "object",
            "required": ["webhook_type", "occurred_at", "orders"],
            "properties": {
                "webhook_type": {"type": "string"},
                "occurred_at": {"type": "string", "format": "date-time"},
                "orders": {"type": "array", "minItems": 1, "items": {"type": "object"}},
            },
        },
    ),
    Inbound("ups", "UPS Track Alert", "application/json", {"credential": "the secret itself"}, AS_DOCUMENTED),
    Inbound(
        "fedex",
        "FedEx Advanced Integrated Visibility",
        "application/json",
        {"fdx-signature": "the hexadecimal HMAC-SHA256 of the body"},
        AS_DOCUMENTED,
    ),
    Inbound(
        "ltl",
        "X12 214 of a freight carrier",
        "application/edi-x12",
        STANDARD,
        {"type": "string", "description": "One or more interchanges."},
    ),
)


def topics(system: str) -> Sequence[str]:
    """The system's own words for what it tells us of."""
    told = {topic for event in EVENTS for each in event.tellers if each.system == system for topic in each.topics}
    return sorted(told)


def told_by(event: BusinessEvent) -> str:
    """The source systems, each with its own words."""
    return ", ".join(f"{each.system} ({' or '.join(each.topics) or 'asked'})" for each in event.tellers)


def asyncapi() -> Json:
    """The document."""
    outbound = {event.name: _outbound(event) for event in EVENTS}
    inbound = {each.system: _inbound(each) for each in INBOUND}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": "The business events Crossdock publishes as CloudEvents, and what it takes in from sources.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "events": {
                "address": "crossdock.events",
                "title": "Business events",
                "description": "The subject, topic, queue or stream that CROSSDOCK_PUBLISH__SUBJECT names. "
                "At least once, in order; an id that was seen before is a repetition.",
                "messages": {name: {"$ref": f"{MESSAGES}{name}"} for name in outbound},
            },
            "webhooks": {
                "address": "/webhooks/{source}",
                "title": "Webhooks of source systems",
                "description": "Answered 202 once the message is stored, or was stored before; it is read later.",
                "parameters": {"source": {"description": "The source's name in the settings.", "examples": ["erp"]}},
                "messages": {name: {"$ref": f"{MESSAGES}{name}"} for name in inbound},
                "bindings": {"http": {}},
            },
            "brokers": {
                "address": None,
                "title": "Message brokers of source systems",
                "description": "The subjects that CROSSDOCK_BROKERS__<NAME>__SUBJECT names: bodies as on a webhook, "
                "unsigned. A message is acknowledged once it is stored.",
                "messages": {name: {"$ref": f"{MESSAGES}{name}"} for name in inbound},
            },
        },
        "operations": {
            "publishEvents": {"action": "send", "channel": {"$ref": "#/channels/events"}},
            "receiveWebhooks": {
                "action": "receive",
                "channel": {"$ref": "#/channels/webhooks"},
                "bindings": {"http": {"method": "POST"}},
            },
            "receiveFromBrokers": {"action": "receive", "channel": {"$ref": "#/channels/brokers"}},
        },
        "components": {"messages": outbound | inbound, "schemas": _schemas()},
    }


def _outbound(event: BusinessEvent) -> Json:
    return {
        "name": event.type,
        "title": event.name,
        "summary": event.customer,
        "description": f"Told by {told_by(event)}; published within {event.within} s of that.",
        "contentType": CONTENT_TYPE,
        "payload": {
            "allOf": [{"$ref": f"{SCHEMA}CloudEvent"}],
            "properties": {
                "type": {"const": event.type},
                "data": {"properties": {"subject": {"const": event.subject}}},
            },
        },
        "examples": [{"payload": example(event)}],
    }


def _inbound(told: Inbound) -> Json:
    return {
        "name": told.system,
        "title": told.title,
        "description": f"Kinds: {', '.join(topics(told.system))}.",
        "contentType": told.content_type,
        "headers": {
            "type": "object",
            "description": "On a webhook; a broker's messages are not signed.",
            "properties": {name: {"type": "string", "description": text} for name, text in told.headers.items()},
        },
        "payload": told.payload,
    }


def _schemas() -> Json:
    _, components = msgspec.json.schema_components([EventData], ref_template=SCHEMA + "{name}")
    envelope = {
        "type": "object",
        "description": "CloudEvents 1.0, structured JSON.",
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "tenant/position/n: the same whenever the event is sent again"},
            "source": {"type": "string", "format": "uri-reference", "description": "whose events they are"},
            "type": {"type": "string"},
            "subject": {"type": "string", "description": "the number of what it is about"},
            "time": {"type": "string", "format": "date-time", "description": "when it occurred, else when we learned"},
            "datacontenttype": {"const": "application/json"},
            "data": {"$ref": f"{SCHEMA}EventData"},
        },
    }
    return {"CloudEvent": envelope, **components}


# -- examples ----------------------------------------------------------------------------------------------------------

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TYPICAL = {
    Subject.ORDER: OrderStatus.CONFIRMED,
    Subject.SHIPMENT: ShipmentStatus.MANIFESTED,
    Subject.INVOICE: PaymentStatus.UNPAID,
    Subject.RETURN: ReturnStatus.REQUESTED,
}
"""Statuses that are no event by themselves."""

NUMBERS = {
    Subject.ORDER: "SO-104000",
    Subject.SHIPMENT: "SH-104000-1",
    Subject.INVOICE: "INV-0000417",
    Subject.RETURN: "RMA-000031",
    Subject.CUSTOMER: "C-1001",
}
FIRST = frozenset({TimelineKind.ORDER_PLACED, TimelineKind.SHIPMENT_CREATED, TimelineKind.INVOICED})
"""What the story begins with."""


def example(event: BusinessEvent) -> Json:
    """The event as it goes out; raises StopIteration for one that nothing could be recognised as."""
    logged = Logged(4711, _change(event))
    body = next(each.body for each in canonical(logged, "main") if each.type == event.type)
    told: Json = json.loads(body)
    return told


def _change(event: BusinessEvent) -> Change:
    """One that is the event by its first sign."""
    sign = event.signs[0] if event.signs else Sign()
    subject, typical = event.subject, TYPICAL.get(event.subject)
    kind = min(sign.story, default=None)
    before = min((status for status in sign.before if status), default=None if kind in FIRST else typical)
    after = typical if not sign.after else min((status for status in sign.after if status), default=None)
    order = None if subject is Subject.CUSTOMER else OrderId(NUMBERS[Subject.ORDER])
    customer = CustomerId(NUMBERS[Subject.CUSTOMER])
    story = (_line(kind, subject),) if kind else ()
    return Change(subject, NUMBERS[subject], order, customer, None, AT, before, after, story)


def _line(kind: TimelineKind, subject: Subject) -> TimelineEvent:
    shipment = NUMBERS[subject] if subject is Subject.SHIPMENT else None
    key = f"{subject.lower()}:{NUMBERS[subject]}:{kind}"
    return TimelineEvent(key, Moment(AT), kind, "wms", MESSAGE[kind], shipment_id=shipment)
