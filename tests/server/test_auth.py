"""From header to principal, with an identity provider that rotates, slows down and dies."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.access import Principal, PrincipalKind
from domain.errors import SourceUnavailable, Unauthenticated
from server.auth import Authenticator, TrustedIssuer
from server.jwks import FRESH, KEPT, PAUSE, Jwks
from server.sections import Issuer
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.observer import Silence
from sources.transport import Transport
from tests.server.provider import AUDIENCE, NOW, Provider, claims, ec_key, jwk, sign
from tests.server.serving import served

KEY, NEXT_KEY = ec_key(), ec_key()


@dataclass
class Bench:
    """A provider on a real socket, and an authenticator that trusts it; both clocks are turned by hand."""

    provider: Provider
    keys: Jwks
    auth: Authenticator
    seconds: float = 0.0

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def token(self, key: Any = KEY, kid: str = "k1", **changes: Any) -> str:
        return sign(claims(self.provider.issuer, **changes), key, "ES256", kid)

    async def ask(self, token: str) -> Principal | None:
        return await self.auth.principal([f"Bearer {token}"])

    async def settled(self) -> None:
        """Waits for a fetch in the background."""
        await self.keys.refresh()


@asynccontextmanager
async def bench(*, discover: bool = True, **rules: Any) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        provider = Provider([jwk(KEY, kid="k1")])
        provider.issuer = await stack.enter_async_context(served(provider.app()))
        http = await stack.enter_async_context(Client())
        limits = Limits(deadline=2, attempts=1, breaker_failures=1000)
        made: Bench

        def now() -> datetime:
            return NOW + timedelta(seconds=made.seconds)

        transport = Transport(SourceConfig("idp:corp", provider.issuer, limits), http, observer=Silence(), now=now)
        address = None if discover else f"{provider.issuer}/jwks"
        keys = Jwks(transport, provider.issuer, address, monotonic=lambda: made.seconds)
        issuer = Issuer(issuer=provider.issuer, audience=AUDIENCE, **rules)
        made = Bench(provider, keys, Authenticator([TrustedIssuer("corp", issuer, keys)], now=now))
        yield made
        await keys.close()


async def test_a_buyers_token_becomes_a_principal() -> None:
    async with bench() as it:
        token = it.token(name="Dana", crossdock_ship_tos=["S1", "S2"], scope="order:read price:read openid")
        assert await it.ask(token) == Principal(
            subject="corp:u-17",
            kind=PrincipalKind.PORTAL_USER,
            scopes=frozenset(("order:read", "price:read")),
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
            frozenset(("order:read",)),
            frozenset(("W1", "W2")),
        )
        machine = await it.ask(it.token(crossdock_account=None))
        assert machine is not None
        assert (machine.kind, machine.account, machine.scopes) == (PrincipalKind.MACHINE, None, frozenset())


async def test_without_a_header_nobody_asks() -> None:
    async with bench() as it:
        assert await it.auth.principal([]) is None
        assert it.provider.fetches == 0


AT = int(NOW.timestamp())
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


# -- the provider's keys -----------------------------------------------------------------------------------------------


async def test_a_rotated_key_is_found_and_the_old_one_stays_until_it_is_gone() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.provider.keys.append(jwk(NEXT_KEY, kid="k2"))
        it.advance(PAUSE)
        assert await it.ask(it.token(NEXT_KEY, "k2"))
        assert await it.ask(it.token())
        old = it.token()
        it.provider.keys.pop(0)
        it.advance(FRESH)
        await it.ask(it.token(NEXT_KEY, "k2"))
        await it.settled()
        with pytest.raises(Unauthenticated):
            await it.ask(old)


async def test_a_flood_of_unknown_kids_makes_one_fetch_in_thirty_seconds() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        for _ in range(3):
            it.advance(PAUSE)
            before = it.provider.fetches
            flood = [it.ask(it.token(NEXT_KEY, f"unknown-{n}")) for n in range(200)]
            answers = await asyncio.gather(*flood, return_exceptions=True)
            assert all(isinstance(answer, Unauthenticated) for answer in answers)
            assert it.provider.fetches == before + 1
        assert await it.ask(it.token())


async def test_a_fetch_that_hangs_delays_nobody_whose_key_is_known() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.advance(PAUSE)
        it.provider.gate = asyncio.Event()
        it.provider.asked.clear()
        stranger = asyncio.create_task(it.ask(it.token(NEXT_KEY, "k2")))
        await it.provider.asked.wait()
        for n in range(50):
            assert await it.ask(it.token(sub=f"u-{n}"))
        assert not stranger.done()
        it.provider.gate.set()
        with pytest.raises(Unauthenticated):
            await stranger


async def test_a_waiter_who_leaves_does_not_stop_the_fetch_for_others() -> None:
    async with bench() as it:
        it.provider.gate = asyncio.Event()
        first, second = (asyncio.create_task(it.ask(it.token())) for _ in range(2))
        await it.provider.asked.wait()
        first.cancel()
        it.provider.gate.set()
        assert await second
        assert it.provider.fetches == 1


async def test_known_keys_work_for_a_day_and_more_while_the_provider_is_down() -> None:
    async with bench(max_lifetime=10**7) as it:
        token = it.token(exp=AT + 10**6)
        assert await it.ask(token)
        it.provider.up = False
        for _ in range(24):
            it.advance(3600)
            assert await it.ask(token)
            assert await it.ask(it.token(exp=AT + 10**6, jti=str(it.seconds)))
            await it.settled()
        it.advance(KEPT)
        with pytest.raises(SourceUnavailable):
            await it.ask(token)
        it.provider.up = True
        it.advance(PAUSE)
        assert await it.ask(token)


async def test_without_any_key_nothing_can_be_said_of_a_token() -> None:
    async with bench() as it:
        it.provider.up = False
        with pytest.raises(SourceUnavailable) as caught:
            await it.ask(it.token())
        assert caught.value.retry_after == PAUSE


WRONG: dict[str, dict[str, Any]] = {
    "another issuer's document": {"issuer": "https://evil.example"},
    "no address": {"jwks_uri": None},
    "an address elsewhere": {"jwks_uri": "http://127.0.0.1:9/jwks"},
    "a file": {"jwks_uri": "file:///etc/passwd"},
}


@pytest.mark.parametrize("document", WRONG.values(), ids=WRONG.keys())
async def test_a_discovery_document_that_is_wrong_gives_no_keys(document: dict[str, Any]) -> None:
    async with bench() as it:
        it.provider.discovery = document
        with pytest.raises(SourceUnavailable):
            await it.ask(it.token())
        assert it.provider.fetches == 0
        it.provider.discovery = {}
        it.advance(PAUSE)
        assert await it.ask(it.token())


async def test_a_configured_key_set_needs_no_discovery() -> None:
    async with bench(discover=False) as it:
        it.provider.discovery = {"issuer": "https://evil.example"}
        assert await it.ask(it.token())


async def test_a_set_without_a_usable_key_does_not_replace_a_good_one() -> None:
    async with bench() as it:
        assert await it.ask(it.token())
        it.provider.keys = [jwk(NEXT_KEY, kid="k2", use="enc")]
        it.advance(FRESH)
        await it.ask(it.token())
        await it.settled()
        assert await it.ask(it.token(sub="u-18"))
