"""Project Wycheproof's JWS vectors (an excerpt, in ``tests/wycheproof``): no invalid one is accepted.

Their payloads are no claims, so each is also put to the signature check alone, where only the signature can save us.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import tests
from server import tokens
from server.jwks import ALGORITHMS, Key, parse_keys
from server.tokens import InvalidToken, Unverified

VECTORS = Path(tests.__path__[0]) / "wycheproof" / "json_web_signature_test.json"
ALLOWED = frozenset().union(*ALGORITHMS.values())
REFUSED_BY_POLICY = frozenset(("HS256", "HS384", "HS512"))
"""Algorithms of valid vectors that we never accept: a shared secret proves no issuer."""


def key(group: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = group.get("public") or group["private"]
    return found


GROUPS = json.loads(VECTORS.read_bytes())["testGroups"]
EACH = [
    pytest.param(vector, key(group), id=f"{group['comment']}-{vector['tcId']}-{vector['comment']}")
    for group in GROUPS
    for vector in group["tests"]
]


def signature_holds(text: str, keys: tuple[Key, ...]) -> bool:
    try:
        header, _, _ = text.split(".")
        stated = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        tokens.verify(Unverified(text, stated["alg"], stated.get("kid"), None, {}), keys, ALLOWED)
    except (ValueError, InvalidToken):
        return False
    return True


@pytest.mark.parametrize(("vector", "jwk"), EACH)
def test_a_signature_holds_only_when_it_is_valid(vector: dict[str, Any], jwk: dict[str, Any]) -> None:
    accepted = vector["result"] == "valid" and jwk["alg"] not in REFUSED_BY_POLICY
    assert signature_holds(vector["jws"], parse_keys(json.dumps({"keys": [jwk]}).encode())) is accepted


@pytest.mark.parametrize(("vector", "jwk"), EACH)
def test_no_vector_is_a_token(vector: dict[str, Any], jwk: dict[str, Any]) -> None:
    keys = parse_keys(json.dumps({"keys": [jwk]}).encode())
    with pytest.raises(InvalidToken):
        tokens.verify(tokens.read(vector["jws"]), keys, ALLOWED)
