"""Signatures by the issuer's own key that no sound verifier takes: padding or ASN.1 that is only nearly right, other
primitives, and numbers from the edge of a curve.

Most of Wycheproof's 401 JWS vectors are made in these ways ("ModifiedPadding", "WrongPrimitive", r and s at their
bounds). ``tests/wycheproof`` holds an excerpt; here they are made anew, of every element.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from server import tokens
from server.jwks import parse_keys
from server.tokens import InvalidToken
from tests.server.provider import claims, ec_key, jwk, rsa_key, segment

RSA, EC = rsa_key(), ec_key()
NUMBERS = RSA.private_numbers()
SIZE = 256
"""Bytes of the RSA modulus, and of every signature by it."""

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points P-256 has; r and s lie below."""

KEYS = parse_keys(json.dumps({"keys": [jwk(RSA, kid="rsa"), jwk(EC, kid="ec")]}).encode())
CLAIMS = segment(claims("https://id.example.com"))


def signed_part(algorithm: str, kid: str) -> str:
    return f"{segment({'alg': algorithm, 'kid': kid})}.{CLAIMS}"


def holds(algorithm: str, kid: str, signature: bytes) -> bool:
    text = f"{signed_part(algorithm, kid)}.{segment(signature)}"
    try:
        tokens.verify(tokens.read(text), KEYS, frozenset((algorithm,)))
    except InvalidToken:
        return False
    return True


# -- RSA, PKCS #1 v1.5 (RFC 8017 section 9.2) --------------------------------------------------------------------------

SIGNED = signed_part("RS256", "rsa").encode()
DIGEST = hashlib.sha256(SIGNED).digest()
SHA256_OID = bytes.fromhex("608648016503040201")
OIDS = {
    "md5": "2a864886f70d0205",
    "sha1": "2b0e03021a",
    "sha384": "608648016503040202",
    "sha512": "608648016503040203",
}


def tlv(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    return bytes((tag, len(value))) + value


Element = Callable[..., bytes]

MUTANTS: dict[str, Element] = {
    "length in long form": lambda tag, value: bytes((tag, 0x81, len(value))) + value,
    "length with a zero in front": lambda tag, value: bytes((tag, 0x82, 0, len(value))) + value,
    "length overflows 32 bits": lambda tag, value: bytes((tag, 0x85, 1, 0, 0, 0, len(value))) + value,
    "length overflows 64 bits": lambda tag, value: bytes((tag, 0x89, 1, *bytes(7), len(value))) + value,
    "length is 2**31 - 1": lambda tag, value: bytes((tag, 0x84, 0x7F, 0xFF, 0xFF, 0xFF)) + value,
    "length is 2**32 - 1": lambda tag, value: bytes((tag, 0x84, 0xFF, 0xFF, 0xFF, 0xFF)) + value,
    "length is 2**64 - 1": lambda tag, value: bytes((tag, 0x88, *b"\xff" * 8)) + value,
    "length one more": lambda tag, value: bytes((tag, len(value) + 1)) + value,
    "length one less": lambda tag, value: bytes((tag, max(len(value) - 1, 1))) + value,
    "length missing": lambda tag, value: bytes((tag,)) + value,
    "indefinite, without an end": lambda tag, value: bytes((tag, 0x80)) + value,
    "indefinite, with an end": lambda tag, value: bytes((tag | 0x20, 0x80)) + value + bytes(2),
    "left out": lambda tag, value: b"",
    "its tag alone": lambda tag, value: bytes((tag,)),
    "empty": lambda tag, value: bytes((tag, 1)) if not value else bytes((tag, 0)),
    "zeros after it": lambda tag, value: tlv(tag, value) + bytes(2),
    "zeros within, after": lambda tag, value: tlv(tag, value, bytes(2)),
    "zeros within, before": lambda tag, value: tlv(tag, bytes(2), value),
    "NULL after it": lambda tag, value: tlv(tag, value) + b"\x05\x00",
    "NULL within": lambda tag, value: tlv(tag, value, b"\x05\x00"),
    "NULL in its place": lambda tag, value: b"\x05\x00" if value else b"\x05\x01\x00",
    "garbage before": lambda tag, value: tlv(tag, b"\x49\x81\x77", value),
    "garbage after": lambda tag, value: tlv(tag, value, b"\xaa\xbb"),
    "an undefined tag around it": lambda tag, value: b"\xaa\x02\xbb\x00" + tlv(tag, value),
    "wrapped once more": lambda tag, value: tlv(0x30, tlv(tag, value)),
    "another tag": lambda tag, value: tlv(tag ^ 1, value),
    "tag of another class": lambda tag, value: tlv(tag ^ 0x40, value),
    "a high tag number": lambda tag, value: bytes((0x1F, tag)) + tlv(tag, value)[1:],
    "first bit of its value": lambda tag, value: tlv(tag, _flipped(value, 0, 0x80)),
    "last bit of its value": lambda tag, value: tlv(tag, _flipped(value, -1, 1)),
}
"""What may be wrong with one element of ASN.1."""

ELEMENTS = ("the whole", "algorithm", "identifier", "parameters", "digest")


def _flipped(value: bytes, at: int, bit: int) -> bytes:
    if not value:
        return b"\x00"
    changed = bytearray(value)
    changed[at] ^= bit
    return bytes(changed)


def digest_info(mutant: Element | None = None, of: str = "") -> bytes:
    """``DigestInfo`` of the signed part (RFC 8017 appendix A.2.4), with one element made by ``mutant``."""

    def element(name: str, tag: int, *parts: bytes) -> bytes:
        return mutant(tag, b"".join(parts)) if mutant and name == of else tlv(tag, *parts)

    identified = element("algorithm", 0x30, element("identifier", 6, SHA256_OID), element("parameters", 5))
    return element("the whole", 0x30, identified, element("digest", 4, DIGEST))


def padded(content: bytes, *, kind: int = 1, fill: bytes = b"\xff", end: bytes = b"\0", after: bytes = b"") -> bytes:
    room = SIZE - 2 - len(end) - len(content) - len(after)
    return bytes((0, kind)) + fill * room + end + content + after


def raw(block: bytes) -> bytes:
    """``block`` signed as it is."""
    value = pow(int.from_bytes(block), NUMBERS.d, NUMBERS.public_numbers.n)
    return value.to_bytes(SIZE)


def blocks() -> Iterator[tuple[str, bytes]]:
    good = digest_info()
    for of, (name, mutant) in product(ELEMENTS, MUTANTS.items()):
        yield f"{of}: {name}", padded(digest_info(mutant, of))
    for name, oid in OIDS.items():
        identified = tlv(0x30, tlv(6, bytes.fromhex(oid)), tlv(5))
        yield f"{name} of it", padded(tlv(0x30, identified, tlv(4, hashlib.new(name, SIGNED).digest())))
        yield f"{name} said of its SHA-256", padded(tlv(0x30, identified, tlv(4, DIGEST)))
    yield "no ASN.1", padded(DIGEST)
    yield "another text's digest", padded(good[:-32] + hashlib.sha256(b"another").digest())
    yield "block of type 0", padded(good, kind=0, fill=b"\0")
    yield "block of type 2", padded(good, kind=2, fill=b"\x7f")
    yield "filled with zeros", padded(good, fill=b"\0")
    yield "no end of the padding", padded(good, end=b"")
    yield "another end of the padding", padded(good, end=b"\x01")
    yield "two ends of the padding", padded(good, end=b"\0\0")
    yield "shifted", padded(good, end=b"\0")[1:] + b"\0"
    for length in (1, 8, SIZE - 3 - 8 - len(good), SIZE - 3 - len(good)):
        yield f"{length} bytes behind", padded(good, after=b"\xab" * length)
    whole = padded(good)
    for at in (0, 1, 2, 9, 100, SIZE - len(good) - 1):
        yield f"byte {at} of the padding", _flipped(whole, at, 1)


BLOCKS = [(name, block) for name, block in blocks() if int.from_bytes(block) < NUMBERS.public_numbers.n]


def test_the_block_that_is_right_is_accepted() -> None:
    assert holds("RS256", "rsa", raw(padded(digest_info())))
    assert len(BLOCKS) > 150


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[name for name, _ in BLOCKS])
def test_a_block_that_is_nearly_right_is_refused(block: bytes) -> None:
    assert not holds("RS256", "rsa", raw(block))


def test_a_signature_is_below_the_modulus() -> None:
    signature = int.from_bytes(raw(padded(digest_info())))
    modulus = NUMBERS.public_numbers.n
    for value in (signature + modulus, 0, 1, modulus - 1, modulus, modulus - signature):
        assert not holds("RS256", "rsa", value.to_bytes(SIZE + 1).removeprefix(b"\0"))


# -- other primitives --------------------------------------------------------------------------------------------------

PSS_SALTS = {"no salt": 0, "a short one": 20, "the longest": SIZE - 2 - 32}


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
@pytest.mark.parametrize("made_as", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
def test_a_signature_is_of_the_algorithm_it_names(algorithm: str, made_as: str) -> None:
    digests = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
    digest: hashes.HashAlgorithm = digests[made_as[2:]]
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    kind: padding.AsymmetricPadding = padding.PKCS1v15() if made_as.startswith("RS") else pss
    signature = RSA.sign(signed_part(algorithm, "rsa").encode(), kind, digest)
    assert holds(algorithm, "rsa", signature) is (algorithm == made_as)


@pytest.mark.parametrize("salt", PSS_SALTS.values(), ids=PSS_SALTS.keys())
def test_a_salt_is_as_long_as_its_digest(salt: int) -> None:
    """RFC 7518 section 3.5."""
    kind = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    assert not holds("PS256", "rsa", RSA.sign(signed_part("PS256", "rsa").encode(), kind, hashes.SHA256()))


def test_a_mask_is_made_with_the_same_digest() -> None:
    kind = padding.PSS(padding.MGF1(hashes.SHA1()), 32)
    assert not holds("PS256", "rsa", RSA.sign(signed_part("PS256", "rsa").encode(), kind, hashes.SHA256()))


# -- ECDSA -------------------------------------------------------------------------------------------------------------

EDGES = {
    "0": 0,
    "1": 1,
    "(n-1)/2": (ORDER - 1) // 2,
    "n-1": ORDER - 1,
    "n": ORDER,
    "n+1": ORDER + 1,
    "2**256-1": 2**256 - 1,
}


@pytest.fixture(scope="module")
def pair() -> tuple[int, int]:
    """R and s of a signature that holds."""
    return decode_dss_signature(EC.sign(signed_part("ES256", "ec").encode(), ec.ECDSA(hashes.SHA256())))


def test_the_pair_that_is_right_is_accepted(pair: tuple[int, int]) -> None:
    assert holds("ES256", "ec", b"".join(each.to_bytes(32) for each in pair))


@pytest.mark.parametrize("r", EDGES)
@pytest.mark.parametrize("s", EDGES)
def test_numbers_from_the_edge_are_refused(pair: tuple[int, int], r: str, s: str) -> None:
    at, beside = EDGES[r], EDGES[s]
    for first, second in ((at, beside), (at, pair[1]), (pair[0], beside)):
        assert not holds("ES256", "ec", first.to_bytes(32) + second.to_bytes(32))


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64, 256])
def test_each_number_has_its_exact_length(pair: tuple[int, int], length: int) -> None:
    """Shorter ones are cut at the front, longer ones have zeros there."""
    parts = [each.to_bytes(256)[256 - length :] for each in pair]
    assert not holds("ES256", "ec", b"".join(parts))
    assert not holds("ES256", "ec", parts[0] + pair[1].to_bytes(32))
