"""Turns an Authorization header into a Principal: whose token it is, and whether it is still good."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
from cachetools import LRUCache

from domain.access import Principal
from domain.errors import Unauthenticated
from server import tokens
from server.claims import subject_of, understand
from server.jwks import Jwks, Key
from server.revocation import Grant
from server.sections import Issuer
from server.tokens import Expired, InvalidToken, Lifetime

log = structlog.get_logger("crossdock.auth")

SCHEME = "bearer "
NEEDED = "A bearer token is needed."
REFUSED = "The bearer token is not valid."
EXPIRED = "The bearer token has expired."


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An identity provider by its configured name, the rules for its tokens, and its keys."""

    name: str
    rules: Issuer
    keys: Jwks


@dataclass(frozen=True, slots=True)
class Session:
    """A verified caller for as long as their token is good.

    ``check`` raises as ``Authenticator.session`` once that is over: the token expired (no leeway given), was revoked,
    or its issuer withdrew the key that signed it.
    """

    principal: Principal
    check: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was verified with ``keys``; its signature need not be checked again while they are trusted."""

    principal: Principal
    grant: Grant
    lifetime: Lifetime
    issuer: TrustedIssuer
    keys: Sequence[Key]


class Authenticator:
    """Verifies bearer tokens of the trusted issuers. Remembers ``remembered`` of those it verified, by digest.

    ``revoked`` is asked of every token, each time: True turns away one that would be good.
    """

    def __init__(
        self,
        issuers: Collection[TrustedIssuer],
        *,
        now: Callable[[], datetime],
        remembered: int = 4096,
        revoked: Callable[[Grant], bool] = lambda _: False,
    ) -> None:
        self._issuers = {issuer.rules.issuer: issuer for issuer in issuers}
        self._now = now
        self._revoked = revoked
        self._verified: LRUCache[bytes, _Verified] = LRUCache(remembered)

    async def principal(self, authorization: Sequence[str]) -> Principal | None:
        """The caller that the request's Authorization headers prove; None when there is none. Raises as ``session``."""
        session = await self.session(authorization)
        return session.principal if session else None

    async def session(self, authorization: Sequence[str]) -> Session | None:
        """The same, for those who stay.

        Raises Unauthenticated for anything but one good bearer token, SourceUnavailable when its issuer's keys were
        never had.
        """
        if not authorization:
            return None
        try:
            text = _bearer(authorization)
            known = await self._check(text)
        except InvalidToken as error:
            raise _refused(error) from error
        expires_at = datetime.fromtimestamp(known.lifetime.ends - known.issuer.rules.leeway, UTC)
        return Session(known.principal, partial(self._check_again, text, expires_at))

    async def _check(self, text: str) -> _Verified:
        now = self._now().timestamp()
        digest = hashlib.sha256(text.encode()).digest()
        known = self._verified.get(digest)
        if known is None or known.keys is not known.issuer.keys.current:
            known = self._verified[digest] = await self._verify(text)
        known.lifetime.check(now)
        if self._revoked(known.grant):
            raise InvalidToken("revoked")
        return known

    async def _check_again(self, text: str, expires_at: datetime) -> None:
        try:
            if self._now() >= expires_at:
                raise Expired("expired")
            await self._check(text)
        except InvalidToken as error:
            raise _refused(error) from error

    async def _verify(self, text: str) -> _Verified:
        token = tokens.read(text)
        named = token.claims.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise InvalidToken("of no trusted issuer")
        rules = issuer.rules
        if token.algorithm not in rules.algorithms:
            raise InvalidToken("algorithm not allowed")
        if rules.access_tokens_only and token.typ not in tokens.ACCESS:
            raise InvalidToken("does not state that it is an access token")
        keys = await issuer.keys.keys(token.kid)
        tokens.verify(token, keys, rules.algorithms)
        tokens.meant_for(token.claims, rules.audience)
        lifetime = tokens.lifetime(token.claims, leeway=rules.leeway, longest=rules.max_lifetime)
        grant = Grant(issuer.name, subject_of(token.claims), tokens.identifier(token.claims), lifetime.issued)
        return _Verified(understand(token.claims, issuer.name, rules), grant, lifetime, issuer, keys)


def _refused(error: InvalidToken) -> Unauthenticated:
    if isinstance(error, Expired):
        return Unauthenticated(EXPIRED, detail=str(error))
    log.info("token refused", reason=str(error))
    return Unauthenticated(REFUSED, detail=str(error))


def _bearer(authorization: Sequence[str]) -> str:
    if len(authorization) > 1 or not authorization[0].lower().startswith(SCHEME):
        raise InvalidToken("not one bearer token")
    return authorization[0][len(SCHEME) :].strip(" ")
