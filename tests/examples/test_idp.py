"""The demo's identity provider, as a process: signing in by code and PKCE, machine clients, personas, rotation."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from domain.access import SCOPES, PrincipalKind
from examples.distributor.fleet import Fleet
from examples.distributor.idp import DEMO_SECRET
from examples.distributor.idp_tokens import AUDIENCE, ROLES
from examples.distributor.world.accounts import PERSONAS

RETURN_TO = "http://127.0.0.1:5173/signed-in?tab=1"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "portal",
    "redirect_uri": RETURN_TO,
    "scope": "openid order:read price:read",
    "state": "st&te=1",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture(scope="module")
def idp() -> Iterator[httpx.Client]:
    with Fleet.start(names=("idp",)) as fleet, httpx.Client(base_url=fleet.urls["idp"]) as asker:
        yield asker


def issuer(idp: httpx.Client) -> str:
    return str(idp.base_url).rstrip("/")


def claims(idp: httpx.Client, token: str, audience: str = AUDIENCE) -> dict[str, Any]:
    """The claims of a token that verifies with the published keys."""
    header = jwt.get_unverified_header(token)
    (key,) = [key for key in idp.get("/jwks").json()["keys"] if key["kid"] == header["kid"]]
    found: dict[str, Any] = jwt.decode(
        token, jwt.PyJWK(key).key, [header["alg"]], audience=audience, issuer=issuer(idp), options={"require": ["exp"]}
    )
    return found


def persona_token(idp: httpx.Client, persona: str, **more: str) -> dict[str, Any]:
    form = {"grant_type": "client_credentials", "client_id": persona, "client_secret": DEMO_SECRET} | more
    answer = idp.post("/token", data=form)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


# -- discovery and keys ------------------------------------------------------------------------------------------------


def test_discovery_names_what_there_is(idp: httpx.Client) -> None:
    found = idp.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == issuer(idp)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert idp.options(found[name]).status_code == 405


def test_the_name_a_request_uses_does_not_change_the_issuer(idp: httpx.Client) -> None:
    found = idp.get("/.well-known/openid-configuration", headers={"host": "evil.example"}).json()
    assert found["issuer"] == issuer(idp)


def test_rotation_signs_with_a_key_published_before_and_forgets_the_oldest_last(idp: httpx.Client) -> None:
    old = persona_token(idp, "buyer")["access_token"]
    before = {key["kid"] for key in idp.get("/jwks").json()["keys"]}
    assert len(before) >= 2
    idp.post("/__rotate")
    new = persona_token(idp, "buyer")["access_token"]
    assert jwt.get_unverified_header(new)["kid"] in before - {jwt.get_unverified_header(old)["kid"]}
    assert jwt.get_unverified_header(new)["alg"] != jwt.get_unverified_header(old)["alg"]
    assert claims(idp, old)["sub"] == claims(idp, new)["sub"]
    idp.post("/__rotate")
    assert jwt.get_unverified_header(old)["kid"] not in {key["kid"] for key in idp.get("/jwks").json()["keys"]}
    assert claims(idp, new)


def test_only_public_halves_are_published(idp: httpx.Client) -> None:
    for key in idp.get("/jwks").json()["keys"]:
        assert key.keys() & {"d", "p", "q", "k"} == set()
        assert key["use"] == "sig"


# -- personas and machines ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("persona", PERSONAS)
def test_a_personas_token_says_who_it_is(idp: httpx.Client, persona: str) -> None:
    answer = persona_token(idp, persona)
    found, facts, (kind, scopes) = claims(idp, answer["access_token"]), PERSONAS[persona], ROLES[persona]
    assert found["crossdock_kind"] == kind == PrincipalKind(kind).value
    assert set(found["scope"].split()) == set(scopes.split()) <= set(SCOPES)
    assert found.get("crossdock_account") == facts.account
    assert found.get("crossdock_territories", []) == list(facts.territories)
    assert found["exp"] - found["iat"] == answer["expires_in"] == 3600


def test_scopes_may_be_narrowed_and_not_widened(idp: httpx.Client) -> None:
    assert persona_token(idp, "buyer", scope="order:read audit:read")["scope"] == "order:read"


def test_a_machine_signs_in_by_basic_or_form(idp: httpx.Client) -> None:
    form = {"grant_type": "client_credentials"}
    by_basic = idp.post("/token", data=form, auth=("feed", "feed-secret"))
    by_form = idp.post("/token", data=form | {"client_id": "feed", "client_secret": "feed-secret"})
    for answer in (by_basic, by_form):
        assert claims(idp, answer.json()["access_token"])["crossdock_kind"] == "MACHINE"
        assert answer.headers["cache-control"] == "no-store"


REFUSED: dict[str, tuple[dict[str, str], str, int]] = {
    "a wrong secret": ({"client_id": "feed", "client_secret": "x"}, "invalid_client", 401),
    "a persona's wrong secret": ({"client_id": "buyer", "client_secret": "x"}, "invalid_client", 401),
    "an unknown client": ({"client_id": "nobody", "client_secret": DEMO_SECRET}, "invalid_client", 401),
    "nobody": ({}, "invalid_client", 401),
    "another grant": ({"grant_type": "password"}, "unsupported_grant_type", 400),
    "an unknown code": ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant", 400),
}


@pytest.mark.parametrize(("form", "error", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_a_token_request_that_does_not_hold_is_refused(
    idp: httpx.Client, form: dict[str, str], error: str, status: int
) -> None:
    answer = idp.post("/token", data={"grant_type": "client_credentials"} | form)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_field_given_twice_is_refused(idp: httpx.Client) -> None:
    body = f"grant_type=client_credentials&client_id=feed&client_id=buyer&client_secret={DEMO_SECRET}"
    assert idp.post("/token", content=body.encode()).json() == {"error": "invalid_request"}


# -- code and PKCE -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Returned:
    address: str
    values: dict[str, str]


def returned(answer: httpx.Response) -> Returned:
    assert answer.status_code == 303
    address, _, query = answer.headers["location"].partition("&")
    return Returned(address, {name: value for name, (value,) in parse_qs(query).items()})


def signed_in(idp: httpx.Client, persona: str = "buyer", **changes: str) -> Returned:
    """Through the page, as a browser would: its hidden fields and one button."""
    page = idp.get("/authorize", params=ASKED | changes)
    assert page.status_code == 200
    hidden = {
        name: html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    }
    assert f'value="{persona}"' in page.text
    return returned(idp.post("/authorize", data=hidden | {"persona": persona}))


def exchange(idp: httpx.Client, code: str, **changes: str) -> httpx.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "portal",
        "redirect_uri": RETURN_TO,
        "code_verifier": VERIFIER,
    }
    return idp.post("/token", data=form | changes)


def test_a_code_becomes_tokens_once(idp: httpx.Client) -> None:
    back = signed_in(idp)
    assert back.address == RETURN_TO
    assert back.values["state"] == ASKED["state"]
    assert back.values["iss"] == issuer(idp)
    answer = exchange(idp, back.values["code"]).json()
    assert answer["scope"] == "order:read price:read"
    assert claims(idp, answer["access_token"])["crossdock_account"] == PERSONAS["buyer"].account
    identity = claims(idp, answer["id_token"], "portal")
    assert (identity["nonce"], identity["sub"]) == ("n-1", "persona-buyer")
    bearer = {"authorization": f"Bearer {answer['access_token']}"}
    assert idp.get("/userinfo", headers=bearer).json()["sub"] == "persona-buyer"
    assert exchange(idp, back.values["code"]).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"code_verifier": CHALLENGE},
        {"redirect_uri": "http://127.0.0.1:5173/"},
        {"client_id": "mobile"},
    ],
)
def test_a_code_in_other_hands_is_worth_nothing(idp: httpx.Client, changes: dict[str, str]) -> None:
    code = signed_in(idp).values["code"]
    assert exchange(idp, code, **changes).json() == {"error": "invalid_grant"}
    assert exchange(idp, code).json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": "feed"},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1:5173@evil.example/"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"redirect_uri": "javascript:alert(1)//http://127.0.0.1/"},
        {"redirect_uri": "http://127.0.0.1/\r\nset-cookie: a=b"},
        {"redirect_uri": ""},
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_the_clients(idp: httpx.Client, changes: dict[str, str]) -> None:
    for answer in (
        idp.get("/authorize", params=ASKED | changes),
        idp.post("/authorize", data=ASKED | changes | {"persona": "buyer"}),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_a_client_learns_what_it_asked_wrongly(idp: httpx.Client, changes: dict[str, str], error: str) -> None:
    back = returned(idp.get("/authorize", params=ASKED | changes))
    assert (back.address, back.values["error"]) == (RETURN_TO, error)
    assert "code" not in back.values


def test_who_names_no_persona_is_sent_back_without_a_code(idp: httpx.Client) -> None:
    back = returned(idp.post("/authorize", data=ASKED | {"persona": "root"}))
    assert back.values == {"error": "access_denied", "state": ASKED["state"], "iss": issuer(idp)}


def test_the_page_shows_what_it_was_given_as_text(idp: httpx.Client) -> None:
    page = idp.get("/authorize", params=ASKED | {"state": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert signed_in(idp, state='"><script>').values["state"] == '"><script>'


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic x"])
def test_userinfo_takes_our_access_tokens_only(idp: httpx.Client, header: str) -> None:
    assert idp.get("/userinfo", headers={"authorization": header}).status_code == 401
