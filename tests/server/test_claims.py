"""What an issuer's claims mean is configuration; what bounds a caller is never guessed."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.access import PrincipalKind
from server.claims import found, understand
from server.sections import Claims, Issuer
from server.tokens import InvalidToken
from tests.server.provider import AUDIENCE, claims

ISSUER = "https://id.example.com"

NESTED = {
    "plain": 1,
    "realm_access": {"roles": ["buyer"], "a.b": 2},
    "https://example.com/claims": {"account": "0017"},
    "https://example.com/claims.kind": "rep",
    "a": {"b": {"c": 3}},
    "a.b": {"c": 4},
    "text": "x",
}
PATHS = {
    "plain": 1,
    "realm_access.roles": ["buyer"],
    "realm_access.a.b": 2,
    "https://example.com/claims.account": "0017",
    "https://example.com/claims.kind": "rep",
    "a.b.c": 4,
    "nothing": None,
    "realm_access.nothing": None,
    "text.x": None,
    "plain.x": None,
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_to_a_claim(path: str) -> None:
    assert found(NESTED, path) == PATHS[path]


def rules(**given: Any) -> Issuer:
    return Issuer(issuer=ISSUER, audience=AUDIENCE, **given)


def test_every_claim_may_lie_deep_as_keycloak_nests_them() -> None:
    names = {
        "kind": "realm_access.roles",
        "account": "crossdock.account",
        "ship_tos": "crossdock.ship_tos",
        "territories": "crossdock.territories",
        "scope": "resource_access.crossdock.roles",
        "name": "profile.name",
    }
    given = claims(
        ISSUER,
        realm_access={"roles": ["offline_access", "operator", "Buyer"]},
        resource_access={"crossdock": {"roles": ["order:read", "root"]}},
        crossdock={"account": "0042", "ship_tos": ["S1"], "territories": "W1 W2"},
        profile={"name": "Dana"},
    )
    caller = understand(given, "corp", rules(claims=names, kinds={"buyer": PrincipalKind.PORTAL_USER}))
    assert (caller.kind, caller.account, caller.name) == (PrincipalKind.PORTAL_USER, "0042", "Dana")
    assert caller.ship_tos == {"S1"}
    assert caller.territories == {"W1", "W2"}
    assert caller.scopes == {"order:read", "personal:read"}


ROLES: dict[str, Any] = {
    "two of ours": ["buyer", "desk"],
    "none of ours": ["offline_access"],
    "a kind's own name, which is another application's role here": ["operator"],
    "none at all": [],
    "not only strings": ["buyer", 7],
    "an object": {"buyer": True},
    "false": False,
}
KINDS = {"buyer": PrincipalKind.PORTAL_USER, "client": PrincipalKind.PORTAL_USER, "desk": PrincipalKind.SERVICE}


@pytest.mark.parametrize("stated", ROLES.values(), ids=ROLES.keys())
def test_a_list_of_roles_that_names_no_one_kind_is_refused(stated: Any) -> None:
    with pytest.raises(InvalidToken):
        understand(claims(ISSUER, crossdock_kind=stated), "corp", rules(kinds=KINDS))


def test_several_roles_of_one_kind_are_that_kind() -> None:
    caller = understand(claims(ISSUER, crossdock_kind=["client", "buyer"]), "corp", rules(kinds=KINDS))
    assert caller.kind is PrincipalKind.PORTAL_USER


# -- subsidiaries ------------------------------------------------------------------------------------------------------

SUBSIDIARIES: dict[str, tuple[dict[str, Any], frozenset[str] | None]] = {
    "no claim bounds nothing": ({}, None),
    "null is no claim": ({"crossdock_subsidiaries": None}, None),
    "several": ({"crossdock_subsidiaries": ["US", "CA"]}, frozenset({"US", "CA"})),
    "one in words": ({"crossdock_subsidiaries": "CA"}, frozenset({"CA"})),
    "an empty list leaves no account": ({"crossdock_subsidiaries": []}, frozenset()),
    "an empty text neither": ({"crossdock_subsidiaries": ""}, frozenset()),
}


@pytest.mark.parametrize("stated", SUBSIDIARIES)
def test_subsidiaries_bound_whoever_states_them(stated: str) -> None:
    given, bound = SUBSIDIARIES[stated]
    for kind in ("SERVICE", "PORTAL_USER"):
        assert understand(claims(ISSUER, crossdock_kind=kind, **given), "corp", rules()).subsidiaries == bound


@pytest.mark.parametrize("stated", [7, {"US": True}, ["US", 7], True], ids=["number", "object", "mixed", "true"])
def test_subsidiaries_that_are_no_list_of_words_refuse_the_token(stated: Any) -> None:
    with pytest.raises(InvalidToken):
        understand(claims(ISSUER, crossdock_subsidiaries=stated), "corp", rules())


# -- machines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["azp", "client_id"])
@pytest.mark.parametrize("kind", [None, "machine"], ids=["unstated", "stated"])
def test_what_a_client_was_given_for_itself_is_a_machines(client: str, kind: str | None) -> None:
    given = claims(ISSUER, sub="feed", crossdock_kind=kind, **{client: "feed"})
    assert understand(given, "corp", rules(default_kind=PrincipalKind.SERVICE)).kind is PrincipalKind.MACHINE


@pytest.mark.parametrize("kind", [kind for kind in PrincipalKind if kind is not PrincipalKind.MACHINE])
def test_a_client_is_nobody_else(kind: PrincipalKind) -> None:
    with pytest.raises(InvalidToken):
        understand(claims(ISSUER, sub="feed", azp="feed", crossdock_kind=kind), "corp", rules())


def test_a_person_through_a_client_stays_a_person() -> None:
    assert understand(claims(ISSUER, azp="portal"), "corp", rules()).kind is PrincipalKind.PORTAL_USER


CLIENTS: dict[str, dict[str, Any]] = {
    "another": {"azp": "evil"},
    "none": {},
    "two that differ": {"azp": "portal", "client_id": "evil"},
    "no string": {"azp": ["portal"]},
}


@pytest.mark.parametrize("given", CLIENTS.values(), ids=CLIENTS.keys())
def test_only_the_clients_that_are_allowed(given: dict[str, Any]) -> None:
    allowed = rules(clients="portal, mobile")
    caller = understand(claims(ISSUER, azp="mobile", client_id="mobile"), "corp", allowed)
    assert caller.kind is PrincipalKind.PORTAL_USER
    with pytest.raises(InvalidToken):
        understand(claims(ISSUER, **given), "corp", allowed)


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a b"])
def test_a_path_that_leads_nowhere_is_told_at_start(path: str) -> None:
    with pytest.raises(ValidationError, match="is not names separated by dots"):
        Claims(kind=path)
