"""Row scope: what is not visible does not exist."""

import pytest

from domain.access import SCOPES, Principal, PrincipalKind, Visibility
from domain.model import CustomerId

A, B = CustomerId("A"), CustomerId("B")


@pytest.mark.parametrize(
    ("accounts", "seen"), [(None, [A, B]), (frozenset({A}), [A]), (frozenset(), [])], ids=["all", "one", "none"]
)
def test_accounts_bound_what_is_seen(accounts: frozenset[CustomerId] | None, seen: list[CustomerId]) -> None:
    assert [account for account in (A, B) if Visibility(accounts).sees(account)] == seen


def test_ship_tos_bound_what_is_seen_at_them_and_hide_rows_that_name_none() -> None:
    bound = Visibility(frozenset({A}), frozenset({"1"}))
    assert [bound.sees_at(A, ship_to) for ship_to in ("1", "2", None)] == [True, False, False]
    assert not bound.sees_at(B, "1")
    assert Visibility(frozenset({A})).sees_at(A, None)


def test_a_principal_may_what_all_its_scopes_allow() -> None:
    clerk = Principal("u1", PrincipalKind.PORTAL_USER, frozenset({"order:read", "invoice:read"}))
    assert clerk.may("order:read", "invoice:read")
    assert not clerk.may("order:read", "price:read")
    assert clerk.scopes <= set(SCOPES)
