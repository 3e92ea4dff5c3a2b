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
from sources.carriers.ups import wire
from sources.codes import CodeTable

ROOT = Path(__file__).parents[4]
FIXTURES = ROOT / "tests/fixtures/carriers/ups"
CODES = CodeTable.read("ups", ROOT / "sources/carriers/ups/codes.tsv", ShipmentStatus)
SOURCE = Provenance("ups", datetime(2026, 11, 20, 15, tzinfo=UTC))
EST = timedelta(hours=-5)
DELIVERED = TrackingKey("UPSN", "1Z023E2X0214323462")
ON_THE_WAY = TrackingKey("UPSN", "1Z5338FF0107231059")


MALFORMED: Mapping[str, Callable[[Any], object]] = {
    "activity without status": lambda package: package["activity"][0].pop("status"),
    "activity without date": lambda package: package["activity"][0].pop("date"),
    "no such date": lambda package: package["activity"][0].update(date="20261332", gmtDate=""),
    "another date format": lambda package: package["activity"][0].update(date="2026-11-20", gmtDate=""),
    "activity with time='10:15 am', gmtDate=''": lambda package: package["activity"][0].update(
        time="10:15 am", gmtDate=""
    ),
    "activity with gmtTime='noon'": lambda package: package["activity"][0].update(gmtTime="noon"),
    "activity with gmtOffset='EST'": lambda package: package["activity"][0].update(gmtOffset="EST"),
    "status without type": lambda package: package["activity"][0]["status"].pop("type"),
    "activity with status={'type': 'I'}": lambda package: package["activity"][0].update(status={"type": "I"}),
    "status with code=48": lambda package: package["activity"][0]["status"].update(code=48),
    "package with activity=None": lambda package: package.update(activity=None),
    "delivery date with date='soon'": lambda package: package["deliveryDate"][1].update(date="soon"),
    "package with trackingNumber=1": lambda package: package.update(trackingNumber=1),
}


def read(body: bytes, key: TrackingKey) -> Tracking | None:
    return msgspec.json.decode(body, type=wire.TrackReply).to_domain(key, CODES, SOURCE)


def recorded(name: str) -> Any:
    return msgspec.json.decode((FIXTURES / name).read_bytes())


def changed(change: Callable[[Any], object]) -> bytes:
    """The package on the way, after ``change`` of it."""
    answer = recorded("on_the_way.json")
    change(answer["trackResponse"]["shipment"][0]["package"][0])
    return msgspec.json.encode(answer)


def activity(**status: str) -> wire.Activity:
    told = {"status": {"type": "I", "code": "AR"} | status, "date": "20261120", "time": "101500"}
    return msgspec.convert(told, wire.Activity)


def test_a_delivered_parcel() -> None:
    tracking = read((FIXTURES / "delivered.json").read_bytes(), DELIVERED)
    assert tracking
    assert [event.status for event in tracking.events] == [
        ShipmentStatus.DELIVERED,
        ShipmentStatus.OUT_FOR_DELIVERY,
        ShipmentStatus.IN_TRANSIT,
        ShipmentStatus.LABEL_CREATED,
    ]
    assert [event.occurred for event in tracking.events] == [
        Moment(datetime(2021, 2, 12, 15, 15, 23, tzinfo=UTC), EST),
        Moment(datetime(2021, 2, 12, 7, 47, tzinfo=UTC), EST),
        Moment(datetime(2021, 2, 11, 23, 59, 1, tzinfo=UTC), None, Precision.LOCAL),
        Moment(datetime(2021, 2, 10, tzinfo=UTC), None, Precision.DATE),
    ]
    assert tracking.events[0].location == "BRANCHBURG, NJ, US"
    assert tracking.estimated_delivery is None
    assert tracking.proof_of_delivery == ProofOfDelivery("RECEIVING <2>", "Front Door", tracking.events[0].occurred)
    assert tracking.source is SOURCE
    assert tracking.key == DELIVERED


def test_a_code_in_no_table_is_known_by_its_status_code() -> None:
    tracking = read((FIXTURES / "delivered.json").read_bytes(), DELIVERED)
    assert tracking
    code = tracking.events[0].code
    assert (code.raw, code.table, code.known) == ("011", "ups/statusCode", True)
    assert code.text == "D KB: DELIVERED"


def test_a_code_that_no_table_holds_moves_nothing() -> None:
    tracking = read((FIXTURES / "on_the_way.json").read_bytes(), ON_THE_WAY)
    assert tracking
    delayed, odd, _ = tracking.events
    assert (odd.status, odd.code.raw, odd.code.table) == (ShipmentStatus.UNKNOWN, "Q9", "ups/I")
    assert not odd.code.known
    assert odd.code.text == "Something new"
    assert "Something" not in odd.message
    assert delayed.status is ShipmentStatus.DELAYED
    assert delayed.message == "Delayed by weather or an emergency."
    assert delayed.code.text == "Snow on the runway"


def test_a_rescheduled_delivery_has_its_window_without_an_offset() -> None:
    tracking = read((FIXTURES / "on_the_way.json").read_bytes(), ON_THE_WAY)
    assert tracking
    assert tracking.estimated_delivery == Moment(datetime(2026, 11, 23, 13, tzinfo=UTC), None, Precision.LOCAL)
    assert tracking.proof_of_delivery is None


def test_not_known_is_a_warning_inside_a_200() -> None:
    assert read((FIXTURES / "not_found.json").read_bytes(), TrackingKey("UPSN", "1Z0000000000000000")) is None


@pytest.mark.parametrize(
    ("kind", "code", "status_code", "status"),
    [
        ("I", "DP", "005", ShipmentStatus.IN_TRANSIT),
        ("M", "DP", "003", ShipmentStatus.LABEL_CREATED),
        ("X", "DP", "013", ShipmentStatus.EXCEPTION),
        ("I", "DL", "005", ShipmentStatus.IN_TRANSIT),
        ("X", "DL", "035", ShipmentStatus.RETURNING),
        ("X", "OR", "013", ShipmentStatus.EXCEPTION),
        ("D", "2Q", "040", ShipmentStatus.AVAILABLE_FOR_PICKUP),
        ("D", "53", "064", ShipmentStatus.EXCEPTION),
        ("D", "??", "40", ShipmentStatus.AVAILABLE_FOR_PICKUP),
        ("D", "??", "11", ShipmentStatus.DELIVERED),
        ("D", "??", "", ShipmentStatus.UNKNOWN),
        ("D", "??", "999", ShipmentStatus.UNKNOWN),
        ("never", "AR", "", ShipmentStatus.UNKNOWN),
        ("MV", "VP", "007", ShipmentStatus.VOIDED),
    ],
)
def test_a_code_means_nothing_without_its_type(kind: str, code: str, status_code: str, status: ShipmentStatus) -> None:
    event = activity(type=kind, code=code, statusCode=status_code).to_domain(ON_THE_WAY, CODES)
    assert event.status is status
    assert event.code.known == (status is not ShipmentStatus.UNKNOWN)


def test_several_packages_of_a_shipment_are_not_mixed_up() -> None:
    def beside(package: Any) -> None:
        package["trackingNumber"] = "1ZOTHER"

    with pytest.raises(ValueError, match="no package"):
        read(changed(beside), TrackingKey("UPSN", "1ZASKED"))
    other_name = read(changed(beside), ON_THE_WAY)
    assert other_name
    assert len(other_name.events) == 3


def test_the_journey_that_left_about_the_ship_date() -> None:
    answer = recorded("on_the_way.json")
    shipments = answer["trackResponse"]["shipment"]
    old = msgspec.json.decode(msgspec.json.encode(shipments[0]))
    for told in old["package"][0]["activity"]:
        told["date"], told["gmtDate"] = (f"2025{told[name][4:]}" for name in ("date", "gmtDate"))
    shipments.insert(0, old)
    body = msgspec.json.encode(answer)

    def year(shipped_on: date | None) -> int | None:
        found = read(body, TrackingKey("UPSN", ON_THE_WAY.number, shipped_on))
        return found.events[0].occurred.at.year if found else None

    assert year(date(2026, 11, 18)) == 2026
    assert year(date(2025, 11, 18)) == 2025
    assert year(None) == 2026
    assert year(date(2024, 11, 18)) is None


@pytest.mark.parametrize("change", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_activity_is_never_passed_over(change: Callable[[Any], object]) -> None:
    with pytest.raises(UNREADABLE):
        read(changed(change), ON_THE_WAY)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"trackResponse":{}}',
        b'{"trackResponse":{"shipment":[]}}',
        b'{"trackResponse":{"shipment":[{}]}}',
        b'{"trackResponse":{"shipment":[{"warnings":[{"code":"TW0002"}]}]}}',
    ],
)
def test_an_answer_without_a_parcel_is_no_not_found(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        read(body, ON_THE_WAY)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        read(body, ON_THE_WAY)
