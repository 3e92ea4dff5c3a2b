from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.model import ShipmentStatus, TrackingKey
from domain.values import Moment, Precision
from sources.carriers import events
from sources.codes import CodeTable

UPS = CodeTable.read("ups", Path(__file__).parents[3] / "sources/carriers/ups/codes.tsv", ShipmentStatus)
KEY = TrackingKey("UPSN", "1Z1")
AT = Moment(datetime(2026, 11, 20, 15, tzinfo=UTC))


def told(**changes: str | None) -> str:
    said: dict[str, str | None] = {
        "number": "1Z1",
        "unique_id": None,
        "kind": "I",
        "code": "AR",
        "told_at": "20261120",
        "location": "Reno, NV",
    }
    said |= changes
    return events.event(
        UPS.translate("I", "AR"),
        key=replace(KEY, number=str(said["number"])),
        unique_id=said["unique_id"],
        kind=str(said["kind"]),
        code=str(said["code"]),
        told_at=str(said["told_at"]),
        occurred=AT,
        location=said["location"],
    ).id


def test_an_event_is_the_same_however_often_it_is_told() -> None:
    assert told() == told()
    assert len(told()) == 64


@pytest.mark.parametrize("word", ["number", "unique_id", "kind", "code", "told_at", "location"])
def test_whatever_the_carrier_told_differently_is_another_event(word: str) -> None:
    assert told(**{word: "other"}) != told()


def test_words_that_run_together_are_no_collision() -> None:
    assert told(kind="I", code="AR") != told(kind="IA", code="R")
    assert told(location=None) != told(location="null")


def test_a_better_mapping_leaves_the_identity() -> None:
    def identity(code: str) -> tuple[str, ShipmentStatus]:
        made = events.event(
            UPS.translate("I", code),
            key=KEY,
            unique_id=None,
            kind="I",
            code="AR",
            told_at="1",
            occurred=AT,
            location=None,
        )
        return made.id, made.status

    (known, meaning), (unknown, nothing) = identity("AR"), identity("never published")
    assert known == unknown
    assert (meaning, nothing) == (ShipmentStatus.IN_TRANSIT, ShipmentStatus.UNKNOWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T15:00:00Z", Moment(datetime(2026, 11, 20, 15, tzinfo=UTC), timedelta(0))),
        ("2026-11-20T10:00:00-05:00", Moment(datetime(2026, 11, 20, 15, tzinfo=UTC), timedelta(hours=-5))),
        (
            "2026-11-20T10:00:00.250-0500",
            Moment(datetime(2026, 11, 20, 15, 0, 0, 250_000, tzinfo=UTC), timedelta(hours=-5)),
        ),
        ("2026-11-20T10:00", Moment(datetime(2026, 11, 20, 10, tzinfo=UTC), None, Precision.LOCAL)),
        ("2026-11-20 10:00:01.000000", Moment(datetime(2026, 11, 20, 10, 0, 1, tzinfo=UTC), None, Precision.LOCAL)),
        ("2026-11-20", Moment(datetime(2026, 11, 20, tzinfo=UTC), None, Precision.DATE)),
    ],
)
def test_a_time_is_as_precise_as_it_was_told(text: str, expected: Moment) -> None:
    assert events.moment(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "20261120",
        "2026-W47",
        "2026-02-30",
        "2026-11-20T25:00:00",
        "2026-11-20T10:00:00+99:00",
        "٢٠٢٦-11-20",
        "2026-11-20T10:00:00Z ",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 the adapter makes one fault of any
        events.moment(text)


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(text: str) -> None:
    with suppress(ValueError, OverflowError):
        assert events.moment(text).at.tzinfo is UTC


def test_midnight_promises_a_day() -> None:
    assert events.estimate("2026-11-24T00:00:00-06:00") == Moment(
        datetime(2026, 11, 24, tzinfo=UTC), None, Precision.DATE
    )
    assert events.estimate("2026-11-24T12:30:00-06:00").precision is Precision.INSTANT


@pytest.mark.parametrize(("text", "minutes"), [("-05:00", -300), ("-5:00", -300), ("+0530", 330), ("+00:00", 0)])
def test_offsets(text: str, minutes: int) -> None:
    assert events.offset(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "5:00", "-25:00", "-05:60", "EST", "-05:00:00"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an offset"):
        events.offset(text)


def test_a_place_names_only_what_was_told() -> None:
    assert events.place("Louisville", "", None, "US") == "Louisville, US"
    assert events.place(None, " ", "") is None
