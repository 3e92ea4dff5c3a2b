from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Moment, Precision, Provenance
from sources import x12
from sources.carriers.x12_214 import wire
from sources.codes import CodeTable

ROOT = Path(__file__).parents[4]
OUTBOX = (ROOT / "tests/fixtures/carriers/x12_214/outbox.x12").read_bytes()
CODES = CodeTable.read("x12_214", ROOT / "sources/carriers/x12_214/codes.tsv", ShipmentStatus)
SOURCE = Provenance("ltl", datetime(2026, 11, 20, 15, tzinfo=UTC))
PRO = "04123456789"


def messages(number: str) -> list[wire.Message]:
    told = [one for one in x12.read(OUTBOX) if isinstance(one, x12.Interchange)]
    return [message for one in told for message in map(wire.Message.of, one.sets) if message.pro_number == number]


def read(key: TrackingKey) -> Tracking | None:
    return wire.to_domain(messages(key.number), key, CODES, SOURCE)


def whole() -> Tracking:
    tracking = read(TrackingKey("ODFL", PRO, date(2026, 11, 17)))
    assert tracking
    return tracking


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def test_a_freight_shipment() -> None:
    tracking = whole()
    assert tracking.unique_id == "BOL-77"
    assert [(event.status, event.occurred) for event in tracking.events] == [
        (ShipmentStatus.LABEL_CREATED, Moment(datetime(2026, 11, 17, 14, 15, tzinfo=UTC), hours(-5))),
        (ShipmentStatus.SHIPPED, Moment(datetime(2026, 11, 17, 22, 30, tzinfo=UTC), hours(-5))),
        (ShipmentStatus.DELAYED, Moment(datetime(2026, 11, 19, 8, 15, tzinfo=UTC), hours(-6))),
        (ShipmentStatus.DELAYED, Moment(datetime(2026, 11, 19, 10, 15, tzinfo=UTC), None, Precision.LOCAL)),
        (ShipmentStatus.UNKNOWN, Moment(datetime(2026, 11, 19, 18, tzinfo=UTC), hours(-7))),
        (ShipmentStatus.IN_TRANSIT, Moment(datetime(2026, 11, 20, tzinfo=UTC), None, Precision.DATE)),
    ]
    assert [event.location for event in tracking.events] == [
        "COLUMBUS, OH, US",
        "COLUMBUS, OH, US",
        "DENVER, CO, US",
        "DENVER, CO, US",
        "DENVER, CO, US",
        None,
    ]
    assert tracking.proof_of_delivery is None


def test_estimates_are_no_events() -> None:
    tracking = whole()
    assert all(event.occurred.at <= datetime(2026, 11, 20, tzinfo=UTC) for event in tracking.events)
    assert tracking.estimated_delivery == Moment(datetime(2026, 11, 24, 21, tzinfo=UTC), hours(-8))


def test_reasons_leave_by_the_list_alone() -> None:
    weather, credit = whole().events[2:4]
    assert weather.message == "Delayed. Weather or a natural disaster."
    assert weather.code.text == "reason AO"
    assert credit.message == "Delayed."
    assert credit.code.text == "reason C2"
    assert (credit.code.raw, credit.code.table) == ("SD", "x12_214/AT701")


def test_a_status_that_no_table_holds_is_kept() -> None:
    odd = whole().events[4].code
    assert (odd.raw, odd.known) == ("ZZ", False)


def test_a_number_is_its_carriers_own() -> None:
    assert read(TrackingKey("SAIA", PRO)) is None
    assert read(TrackingKey("ODFL", "never seen")) is None
    assert read(TrackingKey("ODFL", PRO, date(2024, 1, 1))) is None


def message(number: str, shipment: str, *at7: tuple[str, ...]) -> wire.Message:
    loops = (x12.Segment("AT7", elements) for elements in at7)
    return wire.Message.of(x12.TransactionSet("214", (x12.Segment("B10", (number, shipment, "CDOF")), *loops)))


def test_messages_of_one_consignment_add_up() -> None:
    told = [
        message("CD1", "now", ("XB", "NS", "", "", "20261118", "0900", "ET")),
        message("CD1", "then", ("D1", "NS", "", "", "20250918", "0900", "ET")),
        message("CD1", "now", ("AJ", "NS", "", "", "20261120", "0900", "ET")),
    ]
    found = wire.to_domain(told, TrackingKey("CDOF", "CD1", date(2026, 11, 19)), CODES, SOURCE)
    assert found
    assert found.unique_id == "now"
    assert [event.status for event in found.events] == [ShipmentStatus.LABEL_CREATED, ShipmentStatus.OUT_FOR_DELIVERY]
    former = wire.to_domain(told, TrackingKey("CDOF", "CD1", date(2025, 9, 17)), CODES, SOURCE)
    assert former
    assert former.unique_id == "then"


@pytest.mark.parametrize(
    ("zone", "when", "expected"),
    [
        ("ET", ("20260708", "0602"), Moment(datetime(2026, 7, 8, 10, 2, tzinfo=UTC), hours(-4))),
        ("ET", ("20260308", "0159"), Moment(datetime(2026, 3, 8, 6, 59, tzinfo=UTC), hours(-5))),
        ("ET", ("20260308", "0300"), Moment(datetime(2026, 3, 8, 7, 0, tzinfo=UTC), hours(-4))),
        ("PT", ("20261101", "0200"), Moment(datetime(2026, 11, 1, 10, 0, tzinfo=UTC), hours(-8))),
        ("PT", ("20261101", "0159"), Moment(datetime(2026, 11, 1, 8, 59, tzinfo=UTC), hours(-7))),
        ("ED", ("20261120", "1200"), Moment(datetime(2026, 11, 20, 16, tzinfo=UTC), hours(-4))),
        ("NS", ("20261120", "1200"), Moment(datetime(2026, 11, 20, 15, 30, tzinfo=UTC), hours(-3.5))),
        ("05", ("20261120", "1200"), Moment(datetime(2026, 11, 20, 7, tzinfo=UTC), hours(5))),
        ("13", ("20261120", "1200"), Moment(datetime(2026, 11, 21, 0, tzinfo=UTC), hours(-12))),
        ("24", ("20261120", "1200"), Moment(datetime(2026, 11, 20, 13, tzinfo=UTC), hours(-1))),
        ("UT", ("20261120", "12005999"), Moment(datetime(2026, 11, 20, 12, 0, 59, tzinfo=UTC), hours(0))),
        ("LT", ("20261120", "1200"), Moment(datetime(2026, 11, 20, 12, tzinfo=UTC), None, Precision.LOCAL)),
        ("", ("20261120", "1200"), Moment(datetime(2026, 11, 20, 12, tzinfo=UTC), None, Precision.LOCAL)),
        ("??", ("20261120", "1200"), Moment(datetime(2026, 11, 20, 12, tzinfo=UTC), None, Precision.LOCAL)),
        ("ET", ("20261120", ""), Moment(datetime(2026, 11, 20, tzinfo=UTC), None, Precision.DATE)),
    ],
)
def test_time_codes(zone: str, when: tuple[str, str], expected: Moment) -> None:
    assert wire.moment(*when, zone) == expected


@pytest.mark.parametrize(
    "when", [("", "1200"), ("20261332", ""), ("261120", "1200"), ("20261120", "12"), ("20261120", "2500")]
)
def test_what_is_no_time_is_refused(when: tuple[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the adapter makes one fault of any
        wire.moment(*when, "ET")


@pytest.mark.parametrize(
    "segments",
    [
        (),
        (x12.Segment("L11", ("1", "PO")),),
        (x12.Segment("B10", ("", "BOL", "ODFL")),),
        (x12.Segment("B10", ("1", "BOL")),),
        (x12.Segment("B10", ("1", "BOL", "ODFL")), x12.Segment("AT7", ())),
        (x12.Segment("B10", ("1", "BOL", "ODFL")), x12.Segment("AT7", ("D1", "NS"))),
        (x12.Segment("B10", ("1", "BOL", "ODFL")), x12.Segment("G62", ("17", "soon"))),
    ],
)
def test_a_malformed_message_is_never_passed_over(segments: tuple[x12.Segment, ...]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the adapter makes one fault of any
        wire.Message.of(x12.TransactionSet("214", segments))
