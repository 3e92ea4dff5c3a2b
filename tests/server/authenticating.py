"""An authenticator that trusts a provider on a real socket; the clocks of both are turned by hand."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domain.access import Principal
from server.auth import Authenticator, TrustedIssuer
from server.jwks import Jwks
from server.revocation import Grant
from server.sections import Issuer
from server.systems import OUR_LIMITS
from sources.client import Client
from sources.config import SourceConfig
from sources.observer import Silence
from sources.transport import Transport
from tests.server.provider import AUDIENCE, NOW, Provider, claims, ec_key, jwk, sign
from tests.server.serving import served

KEY, NEXT_KEY = ec_key(), ec_key()
AT = int(NOW.timestamp())


def never(_: Grant) -> bool:
    return False


@dataclass
class Bench:
    """``trusted``: the provider, as an authenticator is told of it."""

    provider: Provider
    keys: Jwks
    trusted: TrustedIssuer
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
async def bench(
    *, discover: bool = True, deadline: float = 2, revoked: Callable[[Grant], bool] = never, **rules: Any
) -> AsyncIterator[Bench]:
    """``deadline``: seconds the provider has to answer. ``rules``: of the issuer."""
    async with AsyncExitStack() as stack:
        provider = Provider([jwk(KEY, kid="k1")])
        provider.issuer = await stack.enter_async_context(served(provider.app()))
        http = await stack.enter_async_context(Client())
        limits = replace(OUR_LIMITS, deadline=deadline)
        made: Bench

        def now() -> datetime:
            return NOW + timedelta(seconds=made.seconds)

        transport = Transport(SourceConfig("idp:corp", provider.issuer, limits), http, observer=Silence(), now=now)
        address = None if discover else f"{provider.issuer}/jwks"
        keys = Jwks(transport, provider.issuer, address, monotonic=lambda: made.seconds)
        issuer = Issuer(issuer=provider.issuer, audience=AUDIENCE, **rules)
        trusted = TrustedIssuer("corp", issuer, keys)
        made = Bench(provider, keys, trusted, Authenticator([trusted], now=now, revoked=revoked))
        yield made
        await keys.close()
