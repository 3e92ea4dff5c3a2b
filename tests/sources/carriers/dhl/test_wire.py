from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model import ProofOfDelivery, ShipmentStatus, Tracking, TrackingKey
from domain.values import Moment, Precision, Provenance
from sources.carriers.asking import UNREADABLE
from sources.carriers.dhl import wire
from sources.codes import CodeTable

ROOT = Path(__file__).parents[4]
FIXTURES = ROOT / "tests/fixtures/carriers/dhl"
CODES = CodeTable.read("dhl", ROOT / "sources/carriers/dhl/codes.tsv", ShipmentStatus)
SOURCE = Provenance("dhl", datetime(2026, 11, 20, 15, tzinfo=UTC))
CET = timedelta(hours=1)
LOCAL, DATE = Precision.LOCAL, Precision.DATE


MALFORMED: Mapping[str, Callable[[Any], object]] = {
    "shipment without status": lambda shipment: shipment.pop("status"),
    "shipment with events=None": lambda shipment: shipment.update(events=None),
    "event without timestamp": lambda shipment: shipment["events"][0].pop("timestamp"),
    "event with timestamp='2026-11-20T07:53:47+25:00'": lambda shipment: shipment["events"][0].update(
        timestamp="2026-11-20T07:53:47+25:00"
    ),
    "event with statusCode='', status=''": lambda shipment: shipment["events"][0].update(statusCode="", status=""),
    "event with statusCode=5": lambda shipment: shipment["events"][0].update(statusCode=5),
    "shipment with estimatedTimeOfDelivery='By End of Day'": lambda shipment: shipment.update(
        estimatedTimeOfDelivery="By End of Day"
    ),
}


def read(body: bytes, shipped_on: date | None = None) -> Tracking | None:
    answer = msgspec.json.decode(body, type=wire.TrackReply)
    return answer.to_domain(TrackingKey("DHLE", "7777777770", shipped_on), CODES, SOURCE)


def changed(change: Callable[[Any], object]) -> bytes:
    answer = msgspec.json.decode((FIXTURES / "shipments.json").read_bytes())
    change(answer["shipments"][0])
    return msgspec.json.encode(answer)


def whole() -> Tracking:
    tracking = read((FIXTURES / "shipments.json").read_bytes())
    assert tracking
    return tracking


def test_a_shipment() -> None:
    tracking = whole()
    assert [(event.status, event.occurred) for event in tracking.events] == [
        (ShipmentStatus.DELIVERED, Moment(datetime(2026, 11, 20, 6, 53, 47, tzinfo=UTC), CET)),
        (ShipmentStatus.EXCEPTION, Moment(datetime(2026, 11, 19, 22, 10, tzinfo=UTC), None, LOCAL)),
        (ShipmentStatus.UNKNOWN, Moment(datetime(2026, 11, 19, 20, tzinfo=UTC), None, LOCAL)),
        (ShipmentStatus.UNKNOWN, Moment(datetime(2026, 11, 19, tzinfo=UTC), None, DATE)),
        (ShipmentStatus.LABEL_CREATED, Moment(datetime(2026, 11, 18, 9, tzinfo=UTC), timedelta(0))),
    ]
    assert tracking.events[0].location == "NEWARK - USA, US"
    assert tracking.estimated_delivery == Moment(datetime(2026, 11, 21, tzinfo=UTC), None, DATE)
    assert tracking.proof_of_delivery == ProofOfDelivery(
        "Night Dock", None, Moment(datetime(2026, 11, 20, 6, 53, 47, tzinfo=UTC), CET)
    )
    assert tracking.unique_id is None


def test_codes_that_no_table_holds_are_kept() -> None:
    odd, wordy = (event.code for event in whole().events[2:4])
    assert (odd.raw, odd.table, odd.known) == ("diverted", "dhl/statusCode", False)
    assert (wordy.raw, wordy.table, wordy.known) == ("Arrived", "dhl/status", False)


def test_free_text_that_may_name_people_stays_inside() -> None:
    delivered = whole().events[0]
    assert delivered.code.text == "OK: JESSICA"
    assert delivered.message == "Delivered."


def test_without_events_the_status_is_the_event() -> None:
    tracking = read(changed(lambda shipment: shipment.pop("events")))
    assert tracking
    assert [event.status for event in tracking.events] == [ShipmentStatus.DELIVERED]


def test_a_former_shipment_is_somebody_elses() -> None:
    body = (FIXTURES / "shipments.json").read_bytes()
    assert read(body, date(2026, 11, 18)) is not None
    assert read(body, date(2025, 11, 18)) is None
    assert read(b'{"shipments":[]}') is None


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_event_is_never_passed_over(change: Callable[[Any], object]) -> None:
    with pytest.raises(UNREADABLE):
        read(changed(change))


def test_the_body_of_not_found() -> None:
    assert msgspec.json.decode((FIXTURES / "not_found.json").read_bytes(), type=wire.Problem).status == 404
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(b'{"message":"no Route matched"}', type=wire.Problem)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        read(body)
