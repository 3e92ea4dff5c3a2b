"""The public keys of one identity provider: parsed strictly, refreshed beside requests, kept when it is down.

A token under a known key never waits for the provider. An unknown ``kid`` may cause a fetch, at most one in ``PAUSE``
seconds however many ask; ``WAITING`` of them wait for what it brings, and a flood is answered by what is known.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec
import structlog
from jwt.algorithms import AllowedPublicKeys

from domain.errors import SourceError, SourceFault, SourceUnavailable
from sources.transport import Transport

log = structlog.get_logger("crossdock.auth")

PAUSE = 30.0
"""Seconds between the beginnings of two fetches."""

FRESH = 900.0
"""Seconds after which keys are fetched again, in the background."""

KEPT = 48 * 3600.0
"""Seconds that keys are trusted without a successful fetch."""

WAITING = 64
"""How many wait for a fetch while other keys are known."""

MAX_KEYS = 100
RSA_BITS = range(2048, 8193)

ALGORITHMS: Mapping[tuple[str, str | None], frozenset[str]] = {
    ("RSA", None): frozenset(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    ("EC", "P-256"): frozenset(("ES256",)),
    ("EC", "P-384"): frozenset(("ES384",)),
    ("EC", "P-521"): frozenset(("ES512",)),
    ("OKP", "Ed25519"): frozenset(("EdDSA",)),
}
"""What a key of a type and curve may verify (RFC 7518 section 3.1, RFC 8037 section 3.1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key that may verify signatures under ``algorithms``."""

    kid: str | None
    algorithms: frozenset[str]
    material: AllowedPublicKeys


def parse_keys(body: bytes) -> tuple[Key, ...]:
    """The usable signature keys of a JWK set (RFC 7517); others are skipped. Raises ValueError for anything else."""
    document = msgspec.json.decode(body)
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise ValueError(f"not a JWK set of at most {MAX_KEYS} keys")
    parsed = (_parse_key(member) for member in members if isinstance(member, dict))
    return tuple(key for key in parsed if key is not None)


def _parse_key(jwk: dict[str, Any]) -> Key | None:
    kid, kind, declared = jwk.get("kid"), jwk.get("kty"), jwk.get("alg")
    family = (str(kind), None if kind == "RSA" else str(jwk.get("crv")))
    algorithms = ALGORITHMS.get(family, frozenset())
    if declared is not None:
        algorithms &= {declared} if isinstance(declared, str) else frozenset()
    operations = jwk.get("key_ops", ["verify"])
    if (
        not algorithms
        or not isinstance(kid, str | None)
        or jwk.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
        or "d" in jwk  # a private key that was published is nobody's any more
    ):
        return None
    try:
        material = jwt.PyJWK(jwk, algorithm=min(algorithms)).key
    except (jwt.PyJWTError, TypeError, ValueError):
        return None
    if kind == "RSA" and material.key_size not in RSA_BITS:
        return None
    return Key(kid, algorithms, material)


class Jwks:
    """The keys of one issuer. ``address``: its JWK set, or None to discover it (OpenID Connect Discovery 1.0, 4)."""

    def __init__(
        self,
        transport: Transport,
        issuer: str,
        address: str | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._issuer = issuer
        self._configured = address
        self._address = address
        self._monotonic = monotonic
        self._keys: tuple[Key, ...] = ()
        self._fetched = self._attempted = float("-inf")
        self._fetch: asyncio.Task[None] | None = None
        self._waiting = 0

    @property
    def current(self) -> tuple[Key, ...]:
        """The keys trusted now, without asking for others; the same object until they are fetched again."""
        return self._keys if self._monotonic() - self._fetched < KEPT else ()

    async def keys(self, kid: str | None) -> tuple[Key, ...]:
        """The keys trusted now, after asking the provider when ``kid`` is not among them.

        Raises SourceUnavailable when there are none at all: nothing can be said of any token then.
        """
        if not any(kid is None or key.kid == kid for key in self.current):
            if self._waiting < WAITING or not self.current:
                await self.refresh()
        elif self._monotonic() - self._fetched >= FRESH:
            self.start()
        if not self.current:
            raise SourceUnavailable(self._transport.source, "no keys to verify tokens with", retry_after=PAUSE)
        return self.current

    async def refresh(self) -> None:
        """Waits for a fetch, joining one under way; returns at once when the last was less than ``PAUSE`` ago."""
        fetch = self.start()
        if fetch is None:
            return
        self._waiting += 1
        try:
            await asyncio.shield(fetch)
        finally:
            self._waiting -= 1

    def start(self) -> asyncio.Task[None] | None:
        """The fetch under way, begun now if need be; None when the last was less than ``PAUSE`` ago."""
        if self._fetch is not None and not self._fetch.done():
            return self._fetch
        if self._monotonic() - self._attempted < PAUSE:
            return None
        self._attempted = self._monotonic()
        self._fetch = asyncio.create_task(self._read())
        return self._fetch

    async def _read(self) -> None:
        try:
            if self._address is None:
                self._address = await self._discover()
            reply = await self._transport.send("GET", self._address, operation="jwks", idempotent=False)
            keys = self._understood(parse_keys, reply.body)
            if not keys:
                raise SourceFault(self._transport.source, "the JWK set holds no key that can verify a signature")
        except SourceError as error:
            self._address = self._configured
            log.warning("keys not fetched", source=error.source, code=error.code, detail=error.detail)
            return
        self._keys, self._fetched = keys, self._monotonic()

    async def _discover(self) -> str:
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        reply = await self._transport.send("GET", address, operation="discovery", idempotent=False)
        document = self._understood(msgspec.json.decode, reply.body)
        if not isinstance(document, dict) or document.get("issuer") != self._issuer:
            raise SourceFault(self._transport.source, "the discovery document is not this issuer's")
        found = document.get("jwks_uri")
        if not isinstance(found, str):
            raise SourceFault(self._transport.source, "the discovery document names no jwks_uri")
        return found

    def _understood(self, read: Callable[[bytes], Any], body: bytes) -> Any:
        try:
            return read(body)
        except (ValueError, RecursionError) as error:
            raise SourceFault(self._transport.source, f"unreadable: {type(error).__name__}") from error

    async def close(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.gather(self._fetch, return_exceptions=True)
