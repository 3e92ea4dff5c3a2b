"""Values keep what the source said: exact money, both units, an instant and its offset."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SourceError, SourceTimeout, StaleData
from domain.values import Moment, Money, Precision, Quantity
from tests.domain.samples import NOW
from tests.domain.strategies import law

cents = st.integers(-(10**17), 10**17).map(lambda amount: Decimal(amount).scaleb(-2))


@law
@given(cents, cents)
def test_money_is_exact(one: Decimal, other: Decimal) -> None:
    total = Money(one, "USD") + Money(other, "USD")
    assert total.amount == one + other
    assert total - Money(other, "USD") == Money(one, "USD")


def test_money_of_two_currencies_is_not_one_sum() -> None:
    with pytest.raises(ValueError, match="USD with EUR"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")


def test_a_quantity_keeps_the_unit_sold_and_the_base_unit() -> None:
    cases = Quantity.of(3, "CS", per_unit=12, base_unit="EA")
    assert cases == Quantity(Decimal(3), "CS", Decimal(36), "EA")
    assert Quantity.of(3) == Quantity(Decimal(3), "EA", Decimal(3), "EA")


@law
@given(st.integers(-(10**9), 10**9), st.integers(-720, 840))
def test_a_moment_is_an_instant_in_utc_that_remembers_its_wall_clock(seconds: int, minutes: int) -> None:
    told = (NOW + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=minutes)))
    moment = Moment.from_aware(told)
    assert moment.at == told
    assert moment.at.tzinfo is UTC
    assert moment.local == told.replace(tzinfo=None)


def test_a_moment_without_offset_knows_no_wall_clock() -> None:
    assert Moment(datetime(2026, 11, 20, tzinfo=UTC), precision=Precision.LOCAL).local is None


def test_a_naive_datetime_is_no_moment() -> None:
    with pytest.raises(ValueError, match="aware"):
        Moment(datetime(2026, 11, 20))  # noqa: DTZ001 the naive datetime is what is refused


def test_an_error_s_public_sentence_tells_nothing_of_its_detail() -> None:
    timeout = SourceTimeout("wms", "GET 10.1.2.3: 10.2 s")
    stale = StaleData("wms", timeout)
    for error in (timeout, stale):
        assert isinstance(error, SourceError)
        assert "10.1.2.3" not in error.public
        assert "10.1.2.3" in str(error)
    assert (timeout.code, stale.code, stale.cause) == ("SOURCE_TIMEOUT", "STALE_DATA", timeout)
