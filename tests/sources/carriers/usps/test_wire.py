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
from sources.carriers.usps import wire
from sources.codes import CodeTable

ROOT = Path(__file__).parents[4]
FIXTURES = ROOT / "tests/fixtures/carriers/usps"
CODES = CodeTable.read("usps", ROOT / "sources/carriers/usps/codes.tsv", ShipmentStatus)
SOURCE = Provenance("usps", datetime(2026, 11, 20, 15, tzinfo=UTC))
EST = timedelta(hours=-5)
KEY = TrackingKey("USPS", "9400109104250532908587")


MALFORMED: Mapping[str, Callable[[Any], object]] = {
    "answer without trackingEvents": lambda answer: answer.pop("trackingEvents"),
    "answer with trackingEvents=None": lambda answer: answer.update(trackingEvents=None),
    "event without eventCode": lambda answer: answer["trackingEvents"][1].pop("eventCode"),
    "event with eventCode=''": lambda answer: answer["trackingEvents"][1].update(eventCode=""),
    "event with eventCode=1": lambda answer: answer["trackingEvents"][1].update(eventCode=1),
    "event with GMTTimestamp='2024-11-22 at noon'": lambda answer: answer["trackingEvents"][1].update(
        GMTTimestamp="2024-11-22 at noon"
    ),
    "event with GMTOffset='EST'": lambda answer: answer["trackingEvents"][1].update(GMTOffset="EST"),
    "event without GMT with eventTimestamp=None": lambda answer: answer["trackingEvents"][3].update(
        eventTimestamp=None
    ),
    "answer with expectedDeliveryTimeStamp='Saturday'": lambda answer: answer.update(
        expectedDeliveryTimeStamp="Saturday"
    ),
}


def read(body: bytes, shipped_on: date | None = None) -> Tracking | None:
    answer = msgspec.json.decode(body, type=wire.TrackingDetails)
    return answer.to_domain(TrackingKey("USPS", KEY.number, shipped_on), CODES, SOURCE)


def changed(change: Callable[[Any], object]) -> bytes:
    answer = msgspec.json.decode((FIXTURES / "delivered.json").read_bytes())
    change(answer)
    return msgspec.json.encode(answer)


def whole() -> Tracking:
    tracking = read((FIXTURES / "delivered.json").read_bytes())
    assert tracking
    return tracking


def test_a_delivered_mail_piece() -> None:
    tracking = whole()
    assert tracking.unique_id == "110158946"
    assert [(event.status, event.occurred) for event in tracking.events] == [
        (ShipmentStatus.DELIVERED, Moment(datetime(2024, 11, 22, 18, 58, 40, tzinfo=UTC), EST)),
        (ShipmentStatus.OUT_FOR_DELIVERY, Moment(datetime(2024, 11, 22, 14, 10, 45, tzinfo=UTC), EST)),
        (ShipmentStatus.IN_TRANSIT, Moment(datetime(2024, 11, 20, 6, 11, 52, tzinfo=UTC))),
        (
            ShipmentStatus.UNKNOWN,
            Moment(datetime(2024, 11, 19, 16, 24, tzinfo=UTC), None, Precision.LOCAL),
        ),
        (ShipmentStatus.LABEL_CREATED, Moment(datetime(2024, 11, 15, tzinfo=UTC), None, Precision.DATE)),
    ]
    assert [event.location for event in tracking.events] == [
        "HERNANDO, FL",
        "HERNANDO, FL",
        None,
        "NIAGARA FALLS, NY",
        None,
    ]
    assert tracking.estimated_delivery == Moment(datetime(2024, 11, 23, tzinfo=UTC), None, Precision.DATE)
    assert tracking.proof_of_delivery == ProofOfDelivery("Ä. EMPFANG", "HERNANDO, FL", tracking.events[0].occurred)


def test_a_code_that_no_table_holds_is_kept() -> None:
    code = whole().events[3].code
    assert (code.raw, code.table, code.known, code.text) == ("ZQ", "usps/event", False, "Something new")


def test_the_unique_id_by_either_of_its_spellings() -> None:
    def respell(answer: Any) -> None:
        answer["uniqueMailPieceId"] = answer.pop("uniqueMailPieceID")

    assert read(changed(respell)) == whole()
    assert read(changed(lambda answer: answer.update(uniqueMailPieceID=110158946))) == whole()


def test_a_predicted_day_comes_before_a_promised_one() -> None:
    tracking = read(changed(lambda answer: answer.update(predictedDeliveryDate="2024-11-25")))
    assert tracking
    assert tracking.estimated_delivery == Moment(datetime(2024, 11, 25, tzinfo=UTC), None, Precision.DATE)


def test_a_former_mail_piece_is_somebody_elses() -> None:
    body = (FIXTURES / "delivered.json").read_bytes()
    assert read(body, date(2024, 11, 18)) is not None
    assert read(body, date(2025, 11, 18)) is None


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_event_is_never_passed_over(change: Callable[[Any], object]) -> None:
    with pytest.raises(UNREADABLE):
        read(changed(change))


def test_the_body_of_not_found() -> None:
    assert msgspec.json.decode((FIXTURES / "not_found.json").read_bytes(), type=wire.Refusal).error.code == "404"
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(b"<h1>nginx</h1>", type=wire.Refusal)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        read(body)
