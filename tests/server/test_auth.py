"""From header to principal: only a good token of a trusted issuer says who asks, and only what its claims say."""

from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from domain.access import Principal, PrincipalKind
from domain.errors import SourceUnavailable, Unauthenticated
from server.auth import Authenticator
from server.tokens import MAX_TOKEN
from tests.server.authenticating import AT, KEY, NEXT_KEY, bench
from tests.server.provider import AUDIENCE, NOW, claims, jwk, sign
from tests.server.serving import served


async def test_a_buyers_token_becomes_a_principal() -> None:
    async with bench() as it:
        token = it.token(name="Dana", crossdock_ship_tos=["S1", "S2"], scope="order:read price:read openid")
        assert await it.ask(token) == Principal(
            subject="corp:u-17",
            kind=PrincipalKind.PORTAL_USER,
            scopes=frozenset(("order:read", "price:read", "personal:read")),
            name="Dana",
            account="0017",  # type: ignore[arg-type]  # a NewType
            ship_tos=frozenset(("S1", "S2")),
        )


async def test_claims_may_have_other_names_and_words() -> None:
    rules: dict[str, Any] = {
        "claims": {"kind": "role", "scope": "scp", "territories": "https://corp.example/areas"},
        "kinds": {"fieldsales": PrincipalKind.SALES_REP},
        "default_kind": PrincipalKind.MACHINE,
    }
    async with bench(**rules) as it:
        rep = await it.ask(it.token(role="FieldSales", scp=["order:read"], **{"https://corp.example/areas": "W1 W2"}))
        assert rep is not None
        assert (rep.kind, rep.scopes, rep.territories) == (
            PrincipalKind.SALES_REP,
            frozenset(("order:read", "personal:read")),
            frozenset(("W1", "W2")),
        )
        machine = await it.ask(it.token(crossdock_account=None))
        assert machine is not None
        assert (machine.kind, machine.account, machine.scopes) == (
            PrincipalKind.MACHINE,
            None,
            frozenset(("personal:read",)),
        )


async def test_without_a_header_nobody_asks() -> None:
    async with bench() as it:
        assert await it.auth.principal([]) is None
        assert it.provider.fetches == 0


REFUSED: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "elsewhere"},
    "audiences that are not strings": {"aud": [AUDIENCE, 7]},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://evil.example"},
    "an issuer that is no string": {"iss": [1]},
    "no issuer": {"iss": None},
    "no subject": {"sub": None},
    "a subject that is no string": {"sub": 17},
    "no expiry": {"exp": None},
    "an expiry that is no number": {"exp": str(AT + 60)},
    "a true expiry": {"exp": True},
    "no issue instant": {"iat": None},
    "issued in the future": {"iat": AT + 120, "exp": AT + 600},
    "not valid yet": {"nbf": AT + 120},
    "a lifetime of years": {"exp": AT + 10 * 365 * 86_400},
    "over before it began": {"iat": AT, "exp": AT - 1},
    "no kind": {"crossdock_kind": None},
    "an unknown kind": {"crossdock_kind": "root"},
    "a kind that is a list": {"crossdock_kind": ["operator"]},
    "an account that is a number": {"crossdock_account": 17},
    "ship-tos that are numbers": {"crossdock_ship_tos": [1, 2]},
    "ship-tos that are false": {"crossdock_ship_tos": False},
    "territories as an object": {"crossdock_territories": {"W1": True}},
    "a scope that is a number": {"scope": 1},
}


async def test_claims_that_do_not_hold_are_refused(subtests: pytest.Subtests) -> None:
    async with bench() as it:
        for name, changes in REFUSED.items():
            with subtests.test(name), pytest.raises(Unauthenticated):
                await it.ask(it.token(**changes))


HEADERS = {
    "no scheme": ["{token}"],
    "another scheme": ["Basic {token}"],
    "two headers": ["Bearer {token}", "Bearer {token}"],
    "two tokens": ["Bearer {token}, Bearer {token}"],
    "no token": ["Bearer "],
    "words after it": ["Bearer {token} x"],
    "letters beyond ASCII": ["Bearer \u00e9\u00e9\u00e9"],
}


async def test_what_is_not_one_bearer_token_is_refused(subtests: pytest.Subtests) -> None:
    async with bench() as it:
        for name, headers in HEADERS.items():
            with subtests.test(name), pytest.raises(Unauthenticated):
                await it.auth.principal([header.format(token=it.token()) for header in headers])


async def test_the_scheme_is_read_in_any_case() -> None:
    async with bench() as it:
        assert await it.auth.principal([f"bEARER {it.token()}"])


async def test_lifetime_holds_within_the_leeway_and_to_the_second_for_a_remembered_token() -> None:
    async with bench(leeway=30) as it:
        token = it.token(iat=AT - 10, exp=AT + 100)
        assert await it.ask(token)
        it.advance(129)
        assert await it.ask(token)
        it.advance(1)
        with pytest.raises(Unauthenticated, match="expired"):
            await it.ask(token)


async def test_an_algorithm_the_issuer_may_not_use_is_refused_without_a_fetch() -> None:
    async with bench(algorithms="RS256") as it:
        with pytest.raises(Unauthenticated):
            await it.ask(it.token())
        assert it.provider.fetches == 0


# -- several issuers ---------------------------------------------------------------------------------------------------


async def test_each_issuers_tokens_are_verified_by_its_own_keys() -> None:
    async with bench() as one, bench() as other:
        other.provider.keys[:] = [jwk(NEXT_KEY, kid="k1")]
        partner = replace(other.trusted, name="partner")
        auth = Authenticator([one.trusted, partner], now=lambda: NOW)

        async def ask(token: str) -> Principal | None:
            return await auth.principal([f"Bearer {token}"])

        ours, theirs = await ask(one.token()), await ask(other.token(NEXT_KEY))
        assert ours
        assert theirs
        assert (ours.subject, theirs.subject) == ("corp:u-17", "partner:u-17")
        for forged in (one.token(NEXT_KEY), other.token(), one.token(iss=f"{one.provider.issuer}/")):
            with pytest.raises(Unauthenticated):
                await ask(forged)


async def test_an_issuer_that_is_down_takes_no_other_with_it() -> None:
    async with bench() as one, bench() as other:
        other.provider.up = False
        auth = Authenticator([one.trusted, replace(other.trusted, name="partner")], now=lambda: NOW)
        assert await auth.principal([f"Bearer {one.token()}"])
        with pytest.raises(SourceUnavailable):
            await auth.principal([f"Bearer {other.token()}"])


async def test_each_issuer_has_its_own_audience_and_algorithms() -> None:
    async with bench(algorithms="RS256") as one, bench() as other:
        elsewhere = other.trusted.rules.model_copy(update={"audience": "elsewhere"})
        auth = Authenticator([one.trusted, replace(other.trusted, rules=elsewhere)], now=lambda: NOW)
        assert await auth.principal([f"Bearer {other.token(aud=['x', 'elsewhere'])}"])
        for refused in (other.token(), one.token()):
            with pytest.raises(Unauthenticated):
                await auth.principal([f"Bearer {refused}"])


# -- what a header may not do ------------------------------------------------------------------------------------------


async def test_no_address_in_a_header_is_ever_called() -> None:
    called: list[str] = []

    async def trap(scope: Scope, receive: Receive, send: Send) -> None:
        called.append(scope["path"])
        await JSONResponse({"keys": [jwk(NEXT_KEY, kid="k1")]})(scope, receive, send)

    async with served(trap) as address, bench() as it:
        evil = claims(it.provider.issuer)
        for header in ({"jku": f"{address}/jku"}, {"x5u": f"{address}/x5u"}, {"jwk": jwk(NEXT_KEY, kid="k1")}):
            for kid in ("k1", f"{address}/kid"):
                with pytest.raises(Unauthenticated):
                    await it.ask(sign(evil, NEXT_KEY, "ES256", kid, **header))
        ignored = sign(evil, KEY, "ES256", "k1", jku=f"{address}/jku", x5u=f"{address}/x5u")
        assert await it.ask(ignored)
        with pytest.raises(Unauthenticated):
            await it.ask(it.token(iss=address))
    assert called == []


async def test_a_provider_may_be_held_to_typed_access_tokens() -> None:
    async with bench(access_tokens_only=True) as it:
        for typ in ("at+jwt", "application/AT+JWT"):
            assert await it.ask(sign(claims(it.provider.issuer), KEY, "ES256", "k1", typ=typ))
        for typ in ("JWT", "id+jwt", "logout+jwt"):
            with pytest.raises(Unauthenticated):
                await it.ask(sign(claims(it.provider.issuer), KEY, "ES256", "k1", typ=typ))


async def test_what_is_too_long_is_refused_before_its_provider_is_asked() -> None:
    async with bench() as it:
        with pytest.raises(Unauthenticated):
            await it.ask(it.token(filler="x" * MAX_TOKEN))
        assert it.provider.fetches == 0


async def test_only_so_many_verified_tokens_are_remembered() -> None:
    async with bench() as it:
        auth = Authenticator([it.trusted], now=lambda: NOW, remembered=2)
        for number in (1, 2, 3, 1):
            assert await auth.principal([f"Bearer {it.token(sub=f'u-{number}')}"])
        assert len(auth._verified) == 2
