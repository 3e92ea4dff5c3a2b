"""An identity provider small enough for a test to bend: keys, tokens of any shape, a JWK set it may refuse to give."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
AUDIENCE = "crossdock"
JWS = jwt.PyJWS()
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def ec_key(curve: ec.EllipticCurve | None = None) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve or ec.SECP256R1())


def jwk(key: PrivateKey, **members: Any) -> dict[str, Any]:
    """The public half of ``key`` as a JWK."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(public, as_dict=True) | members
    if isinstance(public, ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(public, as_dict=True) | members
    return OKPAlgorithm.to_jwk(public, as_dict=True) | members


def claims(issuer: str, **changes: Any) -> dict[str, Any]:
    """Good claims of a buyer, changed; a change to None takes a claim away."""
    at = int(NOW.timestamp())
    good = {
        "iss": issuer,
        "sub": "u-17",
        "aud": AUDIENCE,
        "iat": at - 10,
        "exp": at + 3600,
        "scope": "order:read price:read",
        "crossdock_kind": "portal_user",
        "crossdock_account": "0017",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def sign(payload: dict[str, Any], key: PrivateKey, algorithm: str, kid: str | None = None, **header: Any) -> str:
    headers = header | ({"kid": kid} if kid else {})
    return JWS.encode(json.dumps(payload).encode(), key, algorithm, headers)


def segment(value: Any) -> str:
    """A segment of a compact JWS; bytes stay as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Provider:
    """``up`` False: the JWK set answers 503; ``gate``: its answer waits until set."""

    keys: list[dict[str, Any]]
    up: bool = True
    gate: asyncio.Event | None = None
    fetches: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    issuer: str = ""
    discovery: dict[str, Any] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[Route("/.well-known/openid-configuration", self._discover), Route("/jwks", self._jwks)]
        )

    async def _discover(self, request: Request) -> Response:
        found = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"} | self.discovery
        return JSONResponse(found)

    async def _jwks(self, request: Request) -> Response:
        self.fetches += 1
        self.asked.set()
        if self.gate:
            await self.gate.wait()
        return JSONResponse({"keys": self.keys}, 200 if self.up else 503)
