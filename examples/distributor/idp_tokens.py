"""What the simulated identity provider signs: its keys, which rotate, and what each persona and client may do."""

import time
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from examples.distributor.world.accounts import PERSONAS, PersonaFacts

AUDIENCE: Final = "crossdock"
LIFETIME: Final = 3600
"""Seconds a token lives, by the wall clock: the simulated clock moves orders, not signatures."""

BUYING = "order:read price:read invoice:read balance:read document:read return:read return:write personal:read"
ROLES: Final[Mapping[str, tuple[str, str]]] = {
    "buyer": ("PORTAL_USER", BUYING),
    "branch": ("PORTAL_USER", "order:read price:read return:read personal:read"),
    "ap": ("PORTAL_USER", "order:read price:read invoice:read balance:read document:read personal:read"),
    "rep": ("SALES_REP", "order:read price:read invoice:read return:read personal:read"),
    "service": ("SERVICE", f"{BUYING} internal:read"),
    "analyst": ("ANALYST", "order:read invoice:read price:read"),
    "operator": ("OPERATOR", "ops:read ops:write internal:read order:read audit:read personal:read"),
    "stranger": ("PORTAL_USER", BUYING),
}
"""Each persona's kind of caller and scopes."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody tokens are issued to."""

    id: str
    name: str
    kind: str
    scopes: frozenset[str]
    account: str | None = None
    ship_tos: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()

    def claims(self, asked: Iterable[str]) -> dict[str, Any]:
        """The claims that say who it is. ``asked`` narrows the scopes when it names any of them."""
        claims = {
            "sub": self.id,
            "name": self.name,
            "scope": " ".join(sorted(self.scopes.intersection(asked) or self.scopes)),
            "crossdock_kind": self.kind,
            "crossdock_account": self.account,
            "crossdock_ship_tos": list(self.ship_tos),
            "crossdock_territories": list(self.territories),
        }
        return {name: value for name, value in claims.items() if value}


def persona(facts: PersonaFacts) -> Subject:
    kind, scopes = ROLES[facts.name]
    return Subject(
        f"persona-{facts.name}",
        facts.title,
        kind,
        frozenset(scopes.split()),
        facts.account,
        facts.ship_tos,
        facts.territories,
    )


SUBJECTS: Final[Mapping[str, Subject]] = {name: persona(facts) for name, facts in PERSONAS.items()}
"""The personas as tokens name them."""

FEED: Final = Subject(
    "client-feed", "Nightly feed", "MACHINE", frozenset(["order:read", "invoice:read", "price:read", "personal:read"])
)
"""The machine client ``feed``."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    algorithm: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def jwk(self) -> dict[str, Any]:
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            members = RSAAlgorithm.to_jwk(public, as_dict=True)
        else:
            members = ECAlgorithm.to_jwk(public, as_dict=True)
        return members | {"kid": self.kid, "alg": self.algorithm, "use": "sig"}


class Keys:
    """The key that signs, the next one, published ahead, and the last one, published until the next rotation."""

    def __init__(self) -> None:
        self._made = 0
        self._published: deque[SigningKey] = deque((self._make(), self._make()), maxlen=3)

    @property
    def signing(self) -> SigningKey:
        return self._published[-2]

    def rotate(self) -> None:
        self._published.append(self._make())

    def jwks(self) -> dict[str, Any]:
        return {"keys": [key.jwk() for key in self._published]}

    def _make(self) -> SigningKey:
        """RSA and elliptic curves by turns."""
        self._made += 1
        if self._made % 2:
            return SigningKey(f"rs-{self._made}", "RS256", rsa.generate_private_key(65537, 2048))
        return SigningKey(f"es-{self._made}", "ES256", ec.generate_private_key(ec.SECP256R1()))

    def sign(self, issuer: str, audience: str, claims: Mapping[str, Any], kind: str) -> str:
        """A token of ``LIFETIME``; ``kind`` is its typ: "at+jwt" for access, "JWT" for identity."""
        now, key = int(time.time()), self.signing
        standard = {"iss": issuer, "aud": audience, "iat": now, "exp": now + LIFETIME, "jti": uuid.uuid4().hex}
        return jwt.encode(standard | dict(claims), key.private, key.algorithm, {"kid": key.kid, "typ": kind})

    def read(self, token: str, issuer: str) -> Mapping[str, Any]:
        """The claims of one of our access tokens; raises jwt.PyJWTError for anything else."""
        kid = jwt.get_unverified_header(token).get("kid")
        for key in self._published:
            if key.kid == kid:
                algorithms = [key.algorithm]
                found: Mapping[str, Any] = jwt.decode(
                    token, key.private.public_key(), algorithms, audience=AUDIENCE, issuer=issuer
                )
                return found
        raise jwt.InvalidTokenError("unknown key")
