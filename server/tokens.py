"""Bearer tokens: compact JWS read strictly and verified against an issuer's keys (RFC 7515, RFC 7519, RFC 8725)."""

import base64
import binascii
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import jwt

from server.jwks import ALGORITHMS, Key

MAX_TOKEN = 8192
"""Characters; longer tokens are refused unread."""

COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+")
TYPES = frozenset((None, "jwt", "at+jwt", "application/at+jwt"))
"""``typ`` of an access token, in lower case (RFC 9068 section 2.1); a logout or security event token has another."""

VERIFIER = jwt.PyJWS(algorithms=sorted(frozenset().union(*ALGORITHMS.values())))


class InvalidToken(Exception):
    """The token is refused; the text says why, for the log."""


class Expired(InvalidToken):
    """The token was good once."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says of itself before its signature is checked: good for finding the key, for nothing else."""

    text: str
    algorithm: str
    kid: str | None
    claims: Mapping[str, Any]


def read(text: str) -> Unverified:
    """Takes a compact JWS apart. Raises InvalidToken for anything that is not exactly one signed token."""
    if len(text) > MAX_TOKEN:
        raise InvalidToken("too long")
    parts = COMPACT.fullmatch(text)
    if parts is None:
        raise InvalidToken("not a compact JWS")
    header, claims = (_object(part) for part in parts.groups())
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None) or not isinstance(kind, str | None):
        raise InvalidToken("alg, kid or typ is not a string")
    if (kind and kind.lower()) not in TYPES or "cty" in header:
        raise InvalidToken("not an access token")
    if "crit" in header or "b64" in header:
        raise InvalidToken("asks for an extension")
    return Unverified(text, algorithm, kid, claims)


def verify(token: Unverified, keys: Collection[Key], algorithms: Collection[str]) -> None:
    """Raises InvalidToken unless the one key the token means verifies it, by an algorithm allowed to issuer and key."""
    if token.algorithm not in algorithms:
        raise InvalidToken("algorithm not allowed")
    if token.kid is None and len(keys) > 1:
        raise InvalidToken("names none of several keys")
    meant = [key for key in keys if (token.kid is None or key.kid == token.kid) and token.algorithm in key.algorithms]
    if len(meant) != 1:
        raise InvalidToken("means no key, or several")
    try:
        VERIFIER.decode_complete(
            token.text,
            key=meant[0].material,
            algorithms=[token.algorithm],
            options={"verify_signature": True, "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise InvalidToken(f"signature: {type(error).__name__}") from error


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a token may be used, in seconds since 1970 with the leeway already given."""

    begins: float
    ends: float

    def check(self, now: float) -> None:
        if now >= self.ends:
            raise Expired("expired")
        if now < self.begins:
            raise InvalidToken("not valid yet")


def lifetime(claims: Mapping[str, Any], *, leeway: float, longest: float) -> Lifetime:
    """The token's lifetime from exp, iat and nbf; ``leeway`` and ``longest`` in seconds."""
    issued, ends = _instant(claims, "iat"), _instant(claims, "exp")
    begins = _instant(claims, "nbf") if "nbf" in claims else issued
    if not 0 < ends - issued <= longest:
        raise InvalidToken("lives too long, or ends before it begins")
    return Lifetime(max(issued, begins) - leeway, ends + leeway)


def meant_for(claims: Mapping[str, Any], audience: str) -> None:
    """Raises InvalidToken unless ``aud`` names ``audience``."""
    given = claims.get("aud")
    audiences = given if isinstance(given, list) else [given]
    if audience not in audiences or not all(isinstance(each, str) for each in audiences):
        raise InvalidToken("for another audience")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise InvalidToken(f"{name} is missing or not an instant")
    return float(value)


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(
            base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True),
            object_pairs_hook=_once,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError, binascii.Error, OverflowError) as error:
        raise InvalidToken("header or claims are not JSON") from error
    if not isinstance(value, dict):
        raise InvalidToken("header or claims are not an object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are unique (RFC 7515 and 7519, section 4): two readers must not see two tokens."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name appears twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
