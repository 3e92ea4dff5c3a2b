"""Values are exactly what XML Schema says their text stands for, or an error."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values import Moment, Precision
from sources.erp_soap import lexical


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("00", "0"),
        ("-0.00", "-0.00"),
        ("+1.50", "1.50"),
        (".5", "0.5"),
        ("5.", "5"),
        (" 12.340\n", "12.340"),
        ("9999999999999999.99", "9999999999999999.99"),
        ("0.1", "0.1"),
        ("12345678901234567890123456789012345678.01", "12345678901234567890123456789012345678.01"),
    ],
)
def test_decimals_keep_every_digit(text: str, value: str) -> None:
    assert str(lexical.decimal(text)) == value
    assert str(lexical.double(text)) == value


@pytest.mark.parametrize(
    "text",
    ["", " ", "1,000", "1_000", "1e3", "NaN", "INF", "0x10", "1 000", "١٢", "½", "--1", "1.2.3", "1" * 65, "Infinity"],
)
def test_what_is_no_decimal(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        lexical.decimal(text)


def test_doubles_are_never_binary() -> None:
    assert str(lexical.double("1.0E7")) == "10000000"
    assert str(lexical.double("123456789012345.67e0")) == "123456789012345.67"
    assert str(lexical.double("1.5e-3")) == "0.0015"
    for text in ("INF", "-INF", "NaN", "1e999", "1e-999", "e5", "1e"):
        with pytest.raises(ValueError, match=r"number|amount"):
            lexical.double(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20))
def test_any_amount_round_trips(amount: Decimal) -> None:
    assert str(lexical.decimal(format(amount, "f"))) == format(amount, "f")


def test_integers_have_their_size() -> None:
    assert lexical.whole(64)("-9223372036854775808") == -(2**63)
    assert lexical.whole(32)(" +007 ") == 7
    for bits, text in ((32, "2147483648"), (16, "40000"), (64, "1.0"), (64, ""), (64, "9" * 100)):
        with pytest.raises(ValueError, match="is n"):
            lexical.whole(bits)(text)


def test_booleans() -> None:
    assert [lexical.boolean(text) for text in ("true", "1", " false\n", "0")] == [True, True, False, False]
    for text in ("", "TRUE", "yes", "2"):
        with pytest.raises(ValueError, match="is not true"):
            lexical.boolean(text)


def test_dates_stay_dates() -> None:
    assert lexical.day("2026-02-28") == date(2026, 2, 28)
    assert lexical.day(" 2026-02-28-06:00 ") == date(2026, 2, 28)
    assert lexical.day("2026-02-28Z") == date(2026, 2, 28)
    for text in ("", "2026-02-30", "20260228", "2026-W09-6", "2026-2-8", "2026-02-28T00:00:00", "2026-02-28+15:00"):
        with pytest.raises(ValueError, match=r"date|day|zone|month|is"):
            lexical.day(text)


@pytest.mark.parametrize(
    ("text", "at", "offset"),
    [
        ("2026-11-20T09:00:00-06:00", datetime(2026, 11, 20, 15, tzinfo=UTC), timedelta(hours=-6)),
        ("2026-11-20T15:00:00Z", datetime(2026, 11, 20, 15, tzinfo=UTC), timedelta()),
        ("2026-11-20T15:00:00.25+00:00", datetime(2026, 11, 20, 15, 0, 0, 250_000, tzinfo=UTC), timedelta()),
        (
            "2026-11-20T20:45:00.1234567+05:45",
            datetime(2026, 11, 20, 15, 0, 0, 123_456, tzinfo=UTC),
            timedelta(0, 20700),
        ),
        ("2026-12-31T24:00:00Z", datetime(2027, 1, 1, tzinfo=UTC), timedelta()),
    ],
)
def test_times_keep_their_offset(text: str, at: datetime, offset: timedelta) -> None:
    assert lexical.moment(text) == Moment(at, offset, Precision.INSTANT)


def test_a_time_without_offset_is_local() -> None:
    told = lexical.moment("2026-11-20T09:00:00")
    assert told == Moment(datetime(2026, 11, 20, 9, tzinfo=UTC), None, Precision.LOCAL)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20 09:00:00Z",
        "2026-11-20T09:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20T24:00:01Z",
        "2026-11-20T09:00:60Z",
        "2026-11-20T09:00:00+14:01",
        "2026-11-20T09:00:00+01:60",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T24:00:00Z",
        "2026-11-20T09:00:00Zx",
        "20261120T090000Z",
        "\uff12026-11-20T09:00:00Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        lexical.moment(text)


@given(st.datetimes(timezones=st.timezones().map(lambda _: UTC)))
def test_any_instant_round_trips(at: datetime) -> None:
    assert lexical.moment(at.isoformat()).at == at


@given(st.text())
def test_strings_are_what_they_are(text: str) -> None:
    _, parse = lexical.PARSERS["string"]
    assert parse(text) is text


def test_tokens_collapse() -> None:
    assert lexical.token("  a \n b\t") == "a b"
    assert lexical.token(" ") == ""


@given(st.text(max_size=20))
def test_no_text_crashes_a_parser(text: str) -> None:
    for _, parse in lexical.PARSERS.values():
        try:
            parse(text)
        except ValueError:
            continue


def test_what_xml_can_hold() -> None:
    assert lexical.sayable("a\tb\nc\rd & <é> 東京 😀 \x85")
    for text in ("\x00", "\x08", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff"):
        assert not lexical.sayable(f"a{text}")
