"""No forged, foreign, stale or malformed token is accepted."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from server import tokens
from server.jwks import Key, parse_keys
from server.tokens import InvalidToken
from tests.server.provider import PrivateKey, claims, ec_key, jwk, rsa_key, segment, sign

ISSUER = "https://id.example.com"
ALLOWED = frozenset(("RS256", "PS256", "ES256", "ES384", "EdDSA"))
RSA, OTHER_RSA, EC, OTHER_EC, EC384, ED = (
    rsa_key(),
    rsa_key(),
    ec_key(),
    ec_key(),
    ec_key(ec.SECP384R1()),
    ed25519.Ed25519PrivateKey.generate(),
)


def keyset(*jwks: dict[str, Any]) -> tuple[Key, ...]:
    return parse_keys(json.dumps({"keys": jwks}).encode())


KEYS = keyset(
    jwk(RSA, kid="rsa"), jwk(EC, kid="ec", use="sig"), jwk(EC384, kid="ec384"), jwk(ED, kid="ed", key_ops=["verify"])
)


def accept(text: str, keys: tuple[Key, ...] = KEYS) -> None:
    tokens.verify(tokens.read(text), keys, ALLOWED)


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (EC, "ES256", "ec"), (EC384, "ES384", "ec384"), (ED, "EdDSA", "ed")],
)
def test_a_good_token_of_each_algorithm_is_accepted(key: PrivateKey, algorithm: str, kid: str) -> None:
    accept(sign(claims(ISSUER), key, algorithm, kid))
    accept(sign(claims(ISSUER), key, algorithm, kid, typ="at+jwt"))


def test_a_token_without_kid_is_accepted_when_there_is_one_key() -> None:
    accept(sign(claims(ISSUER), EC, "ES256"), keyset(jwk(EC)))


def unsigned(header: dict[str, Any], payload: Any = None, signature: bytes = b"x") -> str:
    return f"{segment(header)}.{segment(claims(ISSUER) if payload is None else payload)}.{segment(signature)}"


def hmac_signed(secret: bytes, algorithm: str, kid: str) -> str:
    signed = f"{segment({'alg': algorithm, 'kid': kid})}.{segment(claims(ISSUER))}"
    digest = hmac.new(secret, signed.encode(), getattr(hashlib, algorithm.replace("HS", "sha"))).digest()
    return f"{signed}.{segment(digest)}"


GOOD = sign(claims(ISSUER), RSA, "RS256", "rsa")
HEADER, PAYLOAD, SIGNATURE = GOOD.split(".")
GOOD_EC = sign(claims(ISSUER), EC, "ES256", "ec")
RSA_PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
EC_SIGNATURE = base64.urlsafe_b64decode(GOOD_EC.split(".")[2] + "==")


RSA_SIGNATURE = base64.urlsafe_b64decode(SIGNATURE + "==")
OTHER_SIGNATURE = OTHER_EC.sign(b"x", ec.ECDSA(SHA256()))


def with_header(header: Any) -> str:
    return f"{segment(header)}.{PAYLOAD}.{SIGNATURE}"


def with_claims(payload: Any) -> str:
    return f"{HEADER}.{segment(payload)}.{SIGNATURE}"


def with_signature(signature: bytes) -> str:
    return ".".join([*GOOD_EC.split(".")[:2], segment(signature)])


FORGED = {
    "no algorithm at all": unsigned({"alg": "none", "kid": "rsa"}),
    "none, other case": unsigned({"alg": "NoNe"}),
    "none without a signature": unsigned({"alg": "none"}).rsplit(".", 1)[0] + ".",
    "alg missing": unsigned({"kid": "rsa"}),
    "alg not a string": unsigned({"alg": ["RS256"], "kid": "rsa"}),
    "the public key as an HMAC secret": hmac_signed(RSA_PEM, "HS256", "rsa"),
    "the public key as an HMAC secret, 512": hmac_signed(RSA_PEM, "HS512", "rsa"),
    "an empty HMAC secret": hmac_signed(b"", "HS256", "ec"),
    "the public numbers as an HMAC secret": hmac_signed(jwk(EC)["x"].encode(), "HS256", "ec"),
    "another key under a known kid": sign(claims(ISSUER), OTHER_RSA, "RS256", "rsa"),
    "another key's kid": sign(claims(ISSUER), RSA, "RS256", "ec"),
    "an unknown kid": sign(claims(ISSUER), RSA, "RS256", "nobody"),
    "no kid where there are several keys": sign(claims(ISSUER), RSA, "RS256"),
    "a kid that is a path": sign(claims(ISSUER), OTHER_RSA, "RS256", "../../dev/null"),
    "a kid that is a query": sign(claims(ISSUER), OTHER_RSA, "RS256", "' OR 1=1 --"),
    "an embedded key": sign(claims(ISSUER), OTHER_EC, "ES256", "ec", jwk=jwk(OTHER_EC)),
    "a key to fetch": sign(claims(ISSUER), OTHER_RSA, "RS256", "rsa", jku="http://127.0.0.1:9/jwks"),
    "an algorithm that is not allowed": sign(claims(ISSUER), RSA, "RS512", "rsa"),
    "the wrong primitive for the key": sign(claims(ISSUER), EC, "ES256", "rsa"),
    "changed claims": with_claims(claims(ISSUER, sub="root")),
    "a changed header": with_header({"alg": "RS256", "kid": "rsa", "x": 1}),
    "no signature": f"{HEADER}.{PAYLOAD}.",
    "no payload": f"{HEADER}..{SIGNATURE}",
    "two parts": f"{HEADER}.{PAYLOAD}",
    "four parts": f"{GOOD}.x",
    "five parts, as if encrypted": f"{HEADER}.x.x.{PAYLOAD}.{SIGNATURE}",
    "padded": f"{GOOD}==",
    "white space within": f"{HEADER} .{PAYLOAD}.{SIGNATURE}",
    "a line break at the end": f"{GOOD}\n",
    "letters outside the alphabet": GOOD.replace(SIGNATURE[:2], "*+", 1),
    "JSON serialization": json.dumps({"protected": HEADER, "payload": PAYLOAD, "signature": SIGNATURE}),
    "a critical extension": sign(claims(ISSUER), RSA, "RS256", "rsa", crit=["exp"]),
    "a detached payload": sign(claims(ISSUER), RSA, "RS256", "rsa", b64=True, crit=["b64"]),
    "a token in a token": sign(claims(ISSUER), RSA, "RS256", "rsa", cty="JWT"),
    "a logout token": sign(claims(ISSUER), RSA, "RS256", "rsa", typ="logout+jwt"),
    "a header with a name twice": with_header(b'{"alg":"none","alg":"RS256","kid":"rsa"}'),
    "claims with a name twice": with_claims(b'{"sub":"a","sub":"b"}'),
    "a header that is no object": with_header(["RS256"]),
    "claims that are no object": with_claims(b"null"),
    "claims nested deeply": with_claims(b"[" * 3000),
    "claims in UTF-16": with_claims(json.dumps(claims(ISSUER)).encode("utf-16")),
    "a huge number": with_claims(b'{"exp":' + b"9" * 5000 + b"}"),
    "NaN": with_claims(b'{"exp":NaN}'),
    "too long": sign(claims(ISSUER, filler="x" * 8192), RSA, "RS256", "rsa"),
    "an ECDSA signature of zeros": with_signature(bytes(64)),
    "an ECDSA signature in DER": with_signature(OTHER_SIGNATURE),
    "an ECDSA signature with a zero in front": with_signature(b"\0" + EC_SIGNATURE),
    "an ECDSA signature with zeros within": with_signature(b"\0" + EC_SIGNATURE[:32] + b"\0" + EC_SIGNATURE[32:]),
    "an ECDSA signature cut short": with_signature(EC_SIGNATURE[:-1]),
    "an RSA signature cut short": f"{HEADER}.{PAYLOAD}.{SIGNATURE[:-4]}",
    "an RSA signature with zeros in front": f"{HEADER}.{PAYLOAD}.{segment(bytes(2) + RSA_SIGNATURE)}",
    "empty": "",
    "dots": "..",
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        accept(text)


def test_the_unused_bits_of_a_segment_must_be_zero() -> None:
    keys, text = keyset(jwk(EC)), sign(claims(ISSUER), EC, "ES256")
    accept(text, keys)
    head, last = text[:-1], text[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    with pytest.raises(InvalidToken):
        accept(head + alphabet[alphabet.index(last) ^ 1], keys)


@given(
    st.text(max_size=300)
    | st.binary(max_size=200).map(segment)
    | st.binary(max_size=99).map(lambda raw: f"{HEADER}.{segment(raw)}.x")
)
def test_noise_is_refused_and_nothing_else_happens(text: str) -> None:
    with pytest.raises(InvalidToken):
        accept(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_claims_of_any_shape_are_refused_or_bounded(value: Any) -> None:
    for name in ("iat", "exp", "nbf", "aud"):
        try:
            tokens.lifetime(claims(ISSUER) | {name: value}, leeway=60, longest=7200)
            tokens.meant_for(claims(ISSUER) | {name: value}, "crossdock")
        except InvalidToken:
            continue
        assert value == "crossdock" or isinstance(value, int | float | list)


# -- keys --------------------------------------------------------------------------------------------------------------

UNUSABLE = {
    "for encryption": jwk(RSA, use="enc"),
    "for other operations": jwk(EC, key_ops=["encrypt"]),
    "operations that are no list": jwk(EC, key_ops="verify"),
    "too short": jwk(rsa_key(1024)),
    "symmetric": {"kty": "oct", "k": segment(b"0" * 32), "alg": "HS256"},
    "private, and published": jwk(EC) | {"d": segment(b"0" * 32)},
    "an algorithm of another family": jwk(RSA, alg="ES256"),
    "an algorithm that is no string": jwk(RSA, alg=["RS256"]),
    "an unknown curve": jwk(EC) | {"crv": "P-257"},
    "a curve that is no string": jwk(EC) | {"crv": {"P-256": 1}},
    "a point that is not on its curve": jwk(EC) | {"x": segment(b"\1" * 32)},
    "an exponent of one": jwk(RSA) | {"e": segment(b"\1")},
    "an unknown type": {"kty": "XYZ"},
    "a type that is no string": {"kty": ["RSA"]},
    "no type": {},
    "a kid that is no string": jwk(EC, kid=17),
    "missing numbers": {"kty": "RSA", "n": "AQAB"},
    "numbers that are no text": {"kty": "RSA", "n": 7, "e": 65537},
}


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_key_is_skipped_and_the_others_stay(key: dict[str, Any]) -> None:
    assert [each.kid for each in keyset(key, jwk(EC, kid="good"))] == ["good"]


def test_a_key_bound_to_one_algorithm_verifies_no_other() -> None:
    keys = keyset(jwk(RSA, kid="rsa", alg="PS256"))
    accept(sign(claims(ISSUER), RSA, "PS256", "rsa"), keys)
    with pytest.raises(InvalidToken):
        accept(GOOD, keys)


def test_two_keys_under_one_kid_are_told_apart_by_algorithm_only() -> None:
    accept(GOOD, keyset(jwk(RSA, kid="rsa"), jwk(EC, kid="rsa")))
    with pytest.raises(InvalidToken):
        accept(GOOD, keyset(jwk(RSA, kid="rsa"), jwk(OTHER_RSA, kid="rsa")))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"keys":{}}', b"\xff", json.dumps({"keys": [{}] * 101}).encode()]
)
def test_what_is_no_key_set_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_keys(body)
