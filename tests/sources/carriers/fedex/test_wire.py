from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SourceError, SourceFault, SourceUnavailable
from domain.model import ProofOfDelivery, ShipmentStatus, Tracking, TrackingKey
from domain.values import Moment, Precision, Provenance
from sources.carriers.asking import UNREADABLE
from sources.carriers.fedex import wire
from sources.codes import CodeTable

ROOT = Path(__file__).parents[4]
TRACK = (ROOT / "tests/fixtures/carriers/fedex/track.json").read_bytes()
CODES = CodeTable.read("fedex", ROOT / "sources/carriers/fedex/codes.tsv", ShipmentStatus)
SOURCE = Provenance("fedex", datetime(2026, 11, 20, 15, tzinfo=UTC))
EST = timedelta(hours=-5)
REUSED = "123456789012"


def results() -> Mapping[str | None, wire.CompleteResult | SourceError]:
    return dict(msgspec.json.decode(TRACK, type=wire.TrackReply).results("fedex"))


def read(number: str, shipped_on: date | None = None) -> Tracking | None:
    result = results()[number]
    assert isinstance(result, wire.CompleteResult)
    return result.to_domain(TrackingKey("FDEG", number, shipped_on), CODES, SOURCE)


def test_a_parcel_on_its_way() -> None:
    tracking = read(REUSED, date(2026, 11, 17))
    assert tracking
    assert tracking.unique_id == "12013~123456789012~FDEG"
    assert [(event.status, event.occurred) for event in tracking.events] == [
        (
            ShipmentStatus.IN_TRANSIT,
            Moment(datetime(2026, 11, 19, 20, 11, tzinfo=UTC), None, Precision.LOCAL),
        ),
        (ShipmentStatus.DELIVERY_ATTEMPTED, Moment(datetime(2026, 11, 19, 14, 30, tzinfo=UTC), EST)),
        (ShipmentStatus.UNKNOWN, Moment(datetime(2026, 11, 18, 19, 46, tzinfo=UTC), EST)),
        (ShipmentStatus.SHIPPED, Moment(datetime(2026, 11, 17, 21, 2, tzinfo=UTC), EST)),
    ]
    assert [event.location for event in tracking.events] == ["Norton, VA, US", "Norton, VA, US", None, "Columbus, US"]
    assert tracking.estimated_delivery == Moment(datetime(2026, 11, 21, tzinfo=UTC), None, Precision.DATE)
    assert tracking.proof_of_delivery is None


def test_an_exception_code_makes_a_delivery_exception_an_attempt() -> None:
    tracking = read(REUSED)
    assert tracking
    attempt = tracking.events[1]
    assert (attempt.code.raw, attempt.code.table) == ("DE", "fedex/event+exceptionCode")
    assert attempt.code.text == "Delivery exception: 08: Nobody <at> home"
    assert attempt.message == "Delivery was attempted."
    alone = wire.ScanEvent(date="2026-11-20", event_type="DE", exception_code="")
    assert alone.to_domain(TrackingKey("FDEG", "1"), None, CODES).status is ShipmentStatus.EXCEPTION
    moving = wire.ScanEvent(date="2026-11-20", event_type="AR", exception_code="67")
    assert moving.to_domain(TrackingKey("FDEG", "1"), None, CODES).status is ShipmentStatus.IN_TRANSIT


def test_a_type_that_no_table_holds_moves_nothing_whatever_it_is_derived_to() -> None:
    tracking = read(REUSED)
    assert tracking
    odd = tracking.events[2]
    assert (odd.status, odd.code.raw, odd.code.known) == (ShipmentStatus.UNKNOWN, "QX", False)


def test_several_shipments_under_one_number() -> None:
    newest, former = read(REUSED), read(REUSED, date(2025, 10, 12))
    assert newest
    assert former
    assert newest.unique_id != former.unique_id
    assert former.unique_id == "11002~123456789012~FDEG"
    assert former.estimated_delivery is None
    assert former.proof_of_delivery == ProofOfDelivery(
        "RECEIVING <2>", "Shipping/Receiving", Moment(datetime(2025, 10, 14, 18, 31, tzinfo=UTC), EST)
    )
    assert read(REUSED, date(2024, 1, 1)) is None
    assert {event.id for event in newest.events}.isdisjoint(event.id for event in former.events)


def test_a_shipment_without_scans_yet() -> None:
    tracking = read("770000000005", date(2026, 11, 20))
    assert tracking
    assert (tracking.events, tracking.unique_id) == ((), None)


def test_not_known_is_an_error_of_the_number() -> None:
    assert read("128667043726") is None


@pytest.mark.parametrize(("number", "error"), [("770000000001", SourceFault), ("770000000002", SourceUnavailable)])
def test_any_other_error_of_the_number_is_one(number: str, error: type[SourceError]) -> None:
    with pytest.raises(error):
        read(number)


def test_a_malformed_result_spoils_its_number_alone() -> None:
    with pytest.raises(UNREADABLE):
        read("770000000003")
    assert isinstance(results()["770000000004"], SourceFault)
    assert len(results()) == 7


def test_a_result_that_names_no_number() -> None:
    raw = b'{"output":{"completeTrackResults":[{"trackResults":[{}]},{"trackingNumber":"1","trackResults":[]},7]}}'
    found = list(msgspec.json.decode(raw, type=wire.TrackReply).results("fedex"))
    assert [number for number, _ in found] == [None, "1", None]
    assert all(isinstance(fault, SourceFault) for _, fault in found)


def test_a_request() -> None:
    assert msgspec.json.decode(wire.request(["1", '"2"'])) == {
        "includeDetailedScans": True,
        "trackingInfo": [
            {"trackingNumberInfo": {"trackingNumber": "1"}},
            {"trackingNumberInfo": {"trackingNumber": '"2"'}},
        ],
    }


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(body, type=wire.TrackReply)
