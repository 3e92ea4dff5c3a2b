"""The retry budget's arithmetic and the Retry-After header."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.retries import BURST, RetryBudget, retry_after

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


@given(st.lists(st.booleans(), max_size=400), st.sampled_from([0.0, 0.05, 0.1, 0.2, 1.0]))
def test_retries_never_exceed_their_share_of_calls(calls: list[bool], share: float) -> None:
    budget = RetryBudget(share)
    retried = 0
    for made, fails in enumerate(calls, start=1):
        budget.earn()
        retried += fails and budget.spend()
        assert retried <= made * share + 1e-6


def test_a_budget_holds_back_a_few_retries_only() -> None:
    budget = RetryBudget(0.1)
    for _ in range(1000):
        budget.earn()
    assert [budget.spend() for _ in range(5)].count(True) == BURST


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        (format_datetime(NOW + timedelta(seconds=30), usegmt=True), 30.0),
        (format_datetime(NOW - timedelta(seconds=30), usegmt=True), 0.0),
        ("Fri, 20 Nov 2026 15:00:07 -0000", 7.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("9" * 5000, None),
    ],
    ids=lambda value: str(value)[:12],
)
def test_retry_after(raw: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": raw}, NOW) == seconds


def test_no_retry_after() -> None:
    assert retry_after({}, NOW) is None
