"""Cursors are opaque and exact; page sizes are bounded; a total is asked for only when selected."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from domain.queries import Cursor, Page
from resolvers import pagination

TIMES = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(at=TIMES, row=st.text())
def test_a_cursor_comes_back_as_it_went(at: datetime, row: str) -> None:
    assert pagination.decode(pagination.encode(Cursor(at, row))) == Cursor(at, row)


@given(st.text())
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        pagination.decode("!" + text)


def test_no_cursor_is_no_cursor() -> None:
    assert pagination.decode(None) is None


@pytest.mark.parametrize("first", [0, -1, 101, 10**9])
def test_a_page_outside_its_bounds_is_refused(first: int) -> None:
    with pytest.raises(BadInput, match="between 1 and 100"):
        pagination.size(first, default=20, limit=100)


def test_a_page_knows_its_ends() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    found = pagination.connect(Page(["a", "b"], more=True), lambda row: Cursor(at, row), after=None)
    assert found.nodes == ["a", "b"]
    assert found.page_info == pagination.PageInfo(True, False, found.edges[0].cursor, found.edges[1].cursor)
    nothing: Page[str] = Page([], more=False)
    empty = pagination.connect(nothing, lambda row: Cursor(at, row), after="x")
    assert empty.page_info == pagination.PageInfo(False, True, None, None)
