"""Turns an Authorization header into a Principal: whose token it is, whether it is good, what its claims mean to us."""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from cachetools import LRUCache

from domain.access import SCOPES, Principal, PrincipalKind
from domain.errors import Unauthenticated
from domain.model import CustomerId
from server import tokens
from server.jwks import Jwks, Key
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
    lifetime: Lifetime
    issuer: TrustedIssuer
    keys: Sequence[Key]


class Authenticator:
    """Verifies bearer tokens of the trusted issuers. Remembers ``remembered`` of those it verified, by digest.

    ``revoked`` is asked of every caller, each time: True turns away a token that would be good.
    """

    def __init__(
        self,
        issuers: Collection[TrustedIssuer],
        *,
        now: Callable[[], datetime],
        remembered: int = 4096,
        revoked: Callable[[Principal], bool] = lambda _: False,
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
        if self._revoked(known.principal):
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
        keys = await issuer.keys.keys(token.kid)
        tokens.verify(token, keys, rules.algorithms)
        tokens.meant_for(token.claims, rules.audience)
        lifetime = tokens.lifetime(token.claims, leeway=rules.leeway, longest=rules.max_lifetime)
        return _Verified(understand(token.claims, issuer.name, rules), lifetime, issuer, keys)


def _refused(error: InvalidToken) -> Unauthenticated:
    if isinstance(error, Expired):
        return Unauthenticated(EXPIRED, detail=str(error))
    log.info("token refused", reason=str(error))
    return Unauthenticated(REFUSED, detail=str(error))


def _bearer(authorization: Sequence[str]) -> str:
    if len(authorization) > 1 or not authorization[0].lower().startswith(SCHEME):
        raise InvalidToken("not one bearer token")
    return authorization[0][len(SCHEME) :].strip(" ")


def understand(claims: Mapping[str, Any], issuer: str, rules: Issuer) -> Principal:
    """What a verified token's claims mean. Raises InvalidToken when one that bounds what may be seen is malformed."""
    names = rules.claims
    subject = _text(claims, "sub")
    if not subject:
        raise InvalidToken("no subject")
    account = _text(claims, names.account)
    return Principal(
        subject=f"{issuer}:{subject}",
        kind=_kind(_text(claims, names.kind), rules),
        scopes=_words(claims, names.scope).intersection(SCOPES),
        name=_text(claims, names.name),
        account=CustomerId(account) if account else None,
        ship_tos=_words(claims, names.ship_tos),
        territories=_words(claims, names.territories),
    )


def _kind(stated: str | None, rules: Issuer) -> PrincipalKind:
    if stated is None:
        if rules.default_kind is None:
            raise InvalidToken("states no kind of caller")
        return rules.default_kind
    word = stated.lower()
    translated = {theirs.lower(): ours for theirs, ours in rules.kinds.items()}
    kind = translated.get(word) or PrincipalKind.__members__.get(word.upper())
    if kind is None:
        raise InvalidToken("states an unknown kind of caller")
    return kind


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if not isinstance(value, str | None):
        raise InvalidToken(f"{name} is not a string")
    return value


def _words(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """A claim of several values, as a list or separated by spaces (RFC 8693 section 4.2)."""
    value = claims.get(name)
    words = value.split() if isinstance(value, str) else [] if value is None else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InvalidToken(f"{name} is no list of strings")
    return frozenset(words)
