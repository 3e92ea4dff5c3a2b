"""Cursors are opaque, exact, and good for one list of one caller; page sizes are bounded; a total is only counted when
selected.
"""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import Principal, PrincipalKind
from domain.errors import BadInput
from domain.model import CustomerId
from domain.queries import Cursor, OrderFilter, Page
from resolvers import pagination
from resolvers.context import Context, Policy
from resolvers.pagination import Places
from resolvers.seals import Seal
from tests.server.live import Company
from tests.server.provider import NOW

TIMES = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BUYER = Principal("t:u", PrincipalKind.PORTAL_USER, frozenset(), account=CustomerId("0017"))
OLD, NEW = "old" * 20, "new" * 20
PLACE = Cursor(NOW, "SO-100017")


def context(principal: Principal = BUYER, *secrets: str) -> Context:
    policy = Policy(seal=Seal(secrets or (OLD,)))
    return Context(principal, Company().estate(), now=lambda: NOW, correlation_id="c", policy=policy)


@given(at=TIMES, row=st.text())
def test_a_cursor_comes_back_as_it_went(at: datetime, row: str) -> None:
    places = Places(context(), "orders")
    assert places.place(places.cursor(Cursor(at, row))) == Cursor(at, row)


@given(st.text())
def test_a_cursor_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Places(context(), "orders").place(text)


def test_no_cursor_is_no_cursor() -> None:
    assert Places(context(), "orders").place(None) is None


def test_a_cursor_is_short_and_tells_nothing() -> None:
    cursor = Places(context(), "orders").cursor(PLACE)
    assert len(cursor) <= 44
    assert b"SO-1" not in base64.urlsafe_b64decode(cursor + "==")


def test_a_cursor_with_any_letter_changed_left_out_or_added_is_refused() -> None:
    places = Places(context(), "orders")
    cursor = places.cursor(PLACE)
    changed = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor))]
    for each in (*changed, *(cursor[:end] for end in range(len(cursor))), cursor + "A", cursor + "=", cursor + "\n"):
        with pytest.raises(BadInput):
            places.place(each)


FILTER = OrderFilter(customer_ids=frozenset(map(CustomerId, "123456789")), placed_after=NOW)
ELSEWHERE: dict[str, tuple[Principal, tuple[Any, ...]]] = {
    "another list": (BUYER, ("invoices", FILTER, False)),
    "another filter": (BUYER, ("orders", replace(FILTER, sku="A"), False)),
    "another account in the filter": (
        BUYER,
        ("orders", replace(FILTER, customer_ids=frozenset({CustomerId("1")})), False),
    ),
    "another order": (BUYER, ("orders", FILTER, True)),
    "another caller": (replace(BUYER, subject="t:v"), ("orders", FILTER, False)),
    "another issuer's": (replace(BUYER, subject="s:u"), ("orders", FILTER, False)),
    "another account": (replace(BUYER, account=CustomerId("0018")), ("orders", FILTER, False)),
    "another kind of caller": (replace(BUYER, kind=PrincipalKind.MACHINE), ("orders", FILTER, False)),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_a_cursor_is_good_for_one_list_of_one_caller(case: str) -> None:
    principal, listed = ELSEWHERE[case]
    cursor = Places(context(), "orders", FILTER, False).cursor(PLACE)
    with pytest.raises(BadInput):
        Places(context(principal), *listed).place(cursor)


def test_a_cursor_outlives_a_process_a_token_and_the_order_in_which_a_filter_was_given() -> None:
    again = replace(FILTER, customer_ids=frozenset(map(CustomerId, "987654321")))
    renewed = replace(BUYER, scopes=frozenset({"order:read"}), name="Renamed")
    cursor = Places(context(), "orders", FILTER).cursor(PLACE)
    assert Places(context(renewed), "orders", again).place(cursor) == PLACE
    assert Places(context(), "orders", FILTER).cursor(PLACE) == cursor


def test_a_secret_takes_over_from_another() -> None:
    before = Places(context(BUYER, OLD), "orders").cursor(PLACE)
    during, after = (Places(context(BUYER, *secrets), "orders") for secrets in ((NEW, OLD), (NEW,)))
    assert during.place(before) == PLACE
    assert after.place(during.cursor(PLACE)) == PLACE
    with pytest.raises(BadInput):
        after.place(before)


@pytest.mark.parametrize("first", [0, -1, 101, 10**9])
def test_a_page_outside_its_bounds_is_refused(first: int) -> None:
    with pytest.raises(BadInput, match="between 1 and 100"):
        pagination.size(first, default=20, limit=100)


def test_a_page_knows_its_ends() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    places = Places(context(), "letters")
    found = places.connection(Page(["a", "b"], more=True), lambda row: Cursor(at, row), after=None)
    assert found.nodes == ["a", "b"]
    assert found.page_info == pagination.PageInfo(True, False, found.edges[0].cursor, found.edges[1].cursor)
    nothing: Page[str] = Page([], more=False)
    empty = places.connection(nothing, lambda row: Cursor(at, row), after="x")
    assert empty.page_info == pagination.PageInfo(False, True, None, None)
