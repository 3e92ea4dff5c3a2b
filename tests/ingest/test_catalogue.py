"""The catalogue is whole, says what the code does, and is written down as it is."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT7

from domain.changes import Change
from domain.events import Subject
from domain.invoice_status import PaymentStatus
from domain.model import CustomerId, OrderId, ReturnStatus, ShipmentStatus
from domain.order_status import OrderStatus
from domain.timeline import TimelineEvent, TimelineKind
from domain.values import Moment, Precision
from ingest.business_events import BusinessEvent, recognise
from ingest.catalogue import EVENTS, UNTOLD
from ingest.event_asyncapi import INBOUND, asyncapi, example, topics
from ingest.event_page import page
from sources.carriers.fedex import feed as fedex
from sources.carriers.ups import feed as ups
from sources.carriers.x12_214 import feed as x12
from sources.erp_soap import feed as erp
from sources.wms import feed as wms
from tests.npm.node import PEERS

ROOT = Path(__file__).parents[2]
SPECIFICATION = PEERS / "node_modules/@asyncapi/specs/schemas/3.0.0.json"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
STATUSES: dict[Subject, type[StrEnum]] = {
    Subject.ORDER: OrderStatus,
    Subject.SHIPMENT: ShipmentStatus,
    Subject.INVOICE: PaymentStatus,
    Subject.RETURN: ReturnStatus,
}
REWRITE = "write it with `make events`"


def change(subject: Subject, before: str | None, after: str | None, *story: TimelineEvent) -> Change:
    return Change(subject, "4711", OrderId("SO-1"), CustomerId("C-1"), None, NOW, before, after, story)


def line(kind: TimelineKind, at: Moment | None = None, shipment: str | None = None) -> TimelineEvent:
    return TimelineEvent(f"{kind}:{at}", at or Moment(NOW), kind, "erp", "public", shipment_id=shipment)


def names(told: Change) -> list[str]:
    return [each.event.name for each in recognise(told, EVENTS)]


def test_the_page_is_what_the_code_writes() -> None:
    assert (ROOT / "docs/events.md").read_text() == page(), REWRITE


def test_the_asyncapi_document_is_what_the_code_writes() -> None:
    assert json.loads((ROOT / "docs/asyncapi.json").read_text()) == asyncapi(), REWRITE


def test_every_kind_of_story_line_is_an_event() -> None:
    told = {kind for event in EVENTS for sign in event.signs for kind in sign.story}
    assert told == set(TimelineKind)


@pytest.mark.parametrize("subject", STATUSES)
def test_every_status_is_an_event_or_known_to_be_none(subject: Subject) -> None:
    told = {status for event in EVENTS if event.subject is subject for sign in event.signs for status in sign.after}
    assert told - {None} | UNTOLD[STATUSES[subject]] == set(STATUSES[subject])


@pytest.mark.parametrize("subject", [*STATUSES, Subject.CUSTOMER])
def test_every_change_of_a_status_is_at_least_one_event(subject: Subject) -> None:
    statuses: list[str | None] = [None, *STATUSES.get(subject, ())]
    for before in statuses:
        for after in statuses:
            assert names(change(subject, before, after)), (before, after)


def test_names_are_unique_and_what_else_is_different_has_one_event_a_subject() -> None:
    assert len({event.name for event in EVENTS}) == len(EVENTS)
    assert [event.name for event in EVENTS if not event.signs] == [
        f"{subject}.changed" for subject in ("order", "shipment", "invoice", "return", "customer")
    ]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (change(Subject.ORDER, None, "RECEIVED", line(TimelineKind.ORDER_PLACED)), ["order.placed"]),
        (change(Subject.ORDER, "RECEIVED", "CONFIRMED"), ["order.confirmed"]),
        (change(Subject.ORDER, "ON_HOLD", "ALLOCATED"), ["order.resumed", "order.allocated"]),
        (change(Subject.ORDER, "ON_HOLD", "CANCELLED"), ["order.cancelled"]),
        (change(Subject.ORDER, "SHIPPED", "ALLOCATED"), ["order.changed"]),
        (change(Subject.ORDER, "SHIPPED", "SHIPPED"), ["order.changed"]),
        (change(Subject.ORDER, "SHIPPED", None), ["order.withdrawn"]),
        (change(Subject.ORDER, "SHIPPED", "SHIPPED", line(TimelineKind.TRACKING, shipment="S-1")), []),
        (
            change(Subject.SHIPMENT, "IN_TRANSIT", "DELIVERED", line(TimelineKind.TRACKING, shipment="S-1")),
            ["shipment.tracked", "shipment.delivered"],
        ),
        (change(Subject.SHIPMENT, "PACKED", None), ["shipment.voided"]),
        (change(Subject.INVOICE, None, "PAID", line(TimelineKind.INVOICED)), ["invoice.issued", "invoice.paid"]),
        (change(Subject.CUSTOMER, None, None), ["customer.changed"]),
    ],
)
def test_a_change_is_these_events(told: Change, expected: list[str]) -> None:
    assert names(told) == expected


def test_an_event_occurred_at_the_latest_instant_of_its_story_else_when_we_learned_of_it() -> None:
    early, late = datetime(2026, 11, 24, 8, 0, tzinfo=UTC), datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    scans = (
        line(TimelineKind.TRACKING, Moment(late)),
        line(TimelineKind.TRACKING, Moment(early)),
        line(TimelineKind.TRACKING, Moment(datetime(2026, 11, 24, 23, 0, tzinfo=UTC), precision=Precision.LOCAL)),
    )
    assert [each.at for each in recognise(change(Subject.SHIPMENT, "SHIPPED", "SHIPPED", *scans), EVENTS)] == [late]
    dated = line(TimelineKind.INVOICED, Moment(early, precision=Precision.DATE))
    assert [each.at for each in recognise(change(Subject.INVOICE, None, "UNPAID", dated), EVENTS)] == [NOW]


@pytest.mark.parametrize(
    ("system", "read"),
    [
        ("erp", set(erp.TOPICS)),
        ("wms", set(wms.TOPICS)),
        ("ups", {ups.TOPIC}),
        ("fedex", {fedex.TOPIC}),
        ("ltl", {x12.TOPIC}),
    ],
)
def test_what_a_feed_reads_is_in_the_catalogue_and_nothing_else(system: str, read: set[str]) -> None:
    assert set(topics(system)) == read


def test_every_system_that_sends_is_described() -> None:
    sending = {teller.system for event in EVENTS for teller in event.tellers if teller.topics}
    assert {each.system for each in INBOUND} == sending


def test_the_asyncapi_document_is_valid() -> None:
    """By the specification's own schema, from the npm package of its authors (`make peers`)."""
    validator = Draft7Validator(json.loads(SPECIFICATION.read_text()), format_checker=FormatChecker())
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(asyncapi())] == []


def test_every_reference_leads_somewhere() -> None:
    document = asyncapi()
    for reference in references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


@pytest.mark.parametrize("event", EVENTS, ids=[event.name for event in EVENTS])
def test_every_event_has_an_example_that_is_what_the_document_says(event: BusinessEvent) -> None:
    document = asyncapi()
    registry: Registry[Any] = Registry().with_resource("urn:doc", DRAFT7.create_resource(document))
    pointer = f"urn:doc#/components/messages/{event.name}/payload"
    validator = Draft7Validator({"$ref": pointer}, registry=registry, format_checker=FormatChecker())
    told = example(event)
    assert [f"{error.json_path}: {error.message}" for error in validator.iter_errors(told)] == []
    assert told["type"] == event.type
    assert document["components"]["messages"][event.name]["examples"] == [{"payload": told}]
    assert not validator.is_valid(told | {"type": "com.crossdock.other.v1"})


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)
