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

COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
ACCESS = frozenset(("at+jwt", "application/at+jwt"))
"""``typ`` of an access token, in lower case (RFC 9068 section 2.1)."""

TYPES = ACCESS | {None, "jwt"}
"""What else an access token may say; a logout or security event token says something of its own."""

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
    typ: str | None
    claims: Mapping[str, Any]


def read(text: str) -> Unverified:
    """Takes a compact JWS apart. Raises InvalidToken for anything that is not exactly one signed token."""
    if len(text) > MAX_TOKEN:
        raise InvalidToken("too long")
    parts = COMPACT.fullmatch(text)
    if parts is None:
        raise InvalidToken("not a compact JWS")
    decoded = [_bytes(part) for part in parts.groups()]
    header, claims = map(_object, decoded[:2])
    algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None) or not isinstance(typ, str | None):
        raise InvalidToken("alg, kid or typ is not a string")
    typ = typ and typ.lower()
    if typ not in TYPES or "cty" in header:
        raise InvalidToken("not an access token")
    if "crit" in header or "b64" in header:
        raise InvalidToken("asks for an extension")
    return Unverified(text, algorithm, kid, typ, claims)


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
    """When a token was issued and may be used, in seconds since 1970; the leeway is given to its use already."""

    issued: float
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
    return Lifetime(issued, max(issued, begins) - leeway, ends + leeway)


def meant_for(claims: Mapping[str, Any], audience: str) -> None:
    """Raises InvalidToken unless ``aud`` names ``audience``."""
    given = claims.get("aud")
    audiences = given if isinstance(given, list) else [given]
    if audience not in audiences or not all(isinstance(each, str) for each in audiences):
        raise InvalidToken("for another audience")


def identifier(claims: Mapping[str, Any]) -> str | None:
    """``jti``, by which a single token is revoked."""
    value = claims.get("jti")
    if not isinstance(value, str | None):
        raise InvalidToken("jti is not a string")
    return value


def _instant(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise InvalidToken(f"{name} is missing or not an instant")
    return float(value)


def _bytes(part: str) -> bytes:
    """What a segment stands for; there is one way to write it (RFC 4648 section 3.5)."""
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise InvalidToken("a segment is not base64url") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part.encode():
        raise InvalidToken("a segment has stray bits")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError, OverflowError) as error:
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
