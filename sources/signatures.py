"""How the systems that send us events prove that it was they: one scheme each, in constant time, with secrets that
rotate.

A scheme is made of its secrets, newest first; every one of them is tried. What a scheme vouches for gets an id of the
message: the sender's own where it is signed too, else a digest of the body, so that neither a repetition nor a replay
is a second message.
"""

import hmac
import re
from base64 import b64decode, b64encode
from binascii import hexlify
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, ClassVar, Final, Protocol

import msgspec

from domain.errors import Forged

TOLERANCE: Final = timedelta(minutes=5)
"""How far a signature's time may be from ours, either way (Standard Webhooks)."""

LONGEST_HEADER: Final = 4096
LONGEST_ID: Final = 200
"""Characters; a digest stands for an id that is longer, or that nobody could print."""

SECONDS = re.compile(r"\d{1,12}", re.ASCII)
WHSEC: Final = "whsec_"
KEY_SIZES: Final = range(24, 65)
"""Bytes of a Standard Webhooks secret, by its specification."""

SECRET = re.compile(r"[\x21-\x7e]{16,}")
"""Any other secret: nothing that a header could not hold, and more than anybody guesses."""


class Scheme(Protocol):
    """One way of signing.

    ``keeps``: headers that are part of the message; never a signature or a credential. ``handshake``: the query
    parameter whose value a subscription's first call wants back, if the scheme has such a call. ``unforgiving``: any
    answer to a failure but 408, 429 and 5xx ends the subscription.
    """

    @property
    def keeps(self) -> tuple[str, ...]: ...

    @property
    def handshake(self) -> str | None: ...

    @property
    def unforgiving(self) -> bool: ...

    def identify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        """The id of a message that is genuine; ``headers`` by lower-case name. Raises Forged."""
        ...


def by_name(headers: Mapping[str, str]) -> Mapping[str, str]:
    """By lower-case name; one that came several times is all its values, separated by commas (RFC 9110, 5.3)."""
    folded: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        folded[key] = f"{folded[key]}, {value}" if key in folded else value
    return folded


def digest(body: bytes) -> str:
    """The id of a message whose sender gave it none, or none that is signed."""
    return sha256(body).hexdigest()


@dataclass(frozen=True, slots=True)
class StandardWebhooks:
    """Standard Webhooks 1.0 with symmetric secrets: id, time and body are signed.

    Not by the library of that name: it reads the clock itself, and takes no body that is not UTF-8. Tests sign by it.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    keeps: ClassVar[tuple[str, ...]] = ("webhook-id", "webhook-timestamp")
    handshake: ClassVar[None] = None
    unforgiving: ClassVar[bool] = False

    @classmethod
    def of(cls, secrets: Sequence[str]) -> "StandardWebhooks":
        """Raises ValueError."""
        return cls(_keys(secrets, _whsec, f"{WHSEC} and the base64 of {KEY_SIZES[0]} to {KEY_SIZES[-1]} bytes"))

    def identify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
        id_, signed_at = _given(headers, "webhook-id"), _given(headers, "webhook-timestamp")
        signatures = _given(headers, "webhook-signature").split()
        told = [_sent(part.removeprefix("v1,")) for part in signatures if part.startswith("v1,")]
        if not SECONDS.fullmatch(signed_at):
            raise Forged("webhook-timestamp is no time")
        skew = int(signed_at) - now.timestamp()
        if abs(skew) > TOLERANCE.total_seconds():
            raise Forged(f"webhook-timestamp is {skew:+.0f} s from now")
        content = _sent(f"{id_}.{signed_at}.") + body
        expected = [b64encode(hmac.digest(key, content, "sha256")) for key in self.keys]
        if not _matches(expected, told):
            raise Forged("webhook-signature is of another message or secret")
        return id_ if len(id_) <= LONGEST_ID and id_.isprintable() else digest(_sent(id_))


@dataclass(frozen=True, slots=True)
class BodySignature:
    """HMAC-SHA256 of the raw body in a header, written in one of the ways of ``write``. No time is signed: only that
    the body's digest is its id keeps a replay out.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    header: str
    write: tuple[Callable[[bytes], bytes], ...]
    keeps: tuple[str, ...] = ()
    handshake: ClassVar[None] = None
    unforgiving: ClassVar[bool] = False

    def identify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:  # noqa: ARG002 (no time is signed)
        told = _sent(_given(headers, self.header))
        signatures = [hmac.digest(key, body, "sha256") for key in self.keys]
        if not _matches([write(each) for each in signatures for write in self.write], [told]):
            raise Forged(f"{self.header} is of another body or secret")
        return digest(body)


@dataclass(frozen=True, slots=True)
class SharedCredential:
    """A header that holds the secret itself. Nothing is signed: whoever reads one message can send any."""

    keys: tuple[bytes, ...] = field(repr=False)
    header: str
    keeps: ClassVar[tuple[str, ...]] = ()
    handshake: ClassVar[None] = None
    unforgiving: ClassVar[bool] = False

    def identify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:  # noqa: ARG002 (no time is told)
        if not _matches(self.keys, [_sent(_given(headers, self.header))]):
            raise Forged(f"{self.header} is another")
        return digest(body)


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    client_state: str


class Notifications(msgspec.Struct, frozen=True):
    """Business Central's body, as far as who sent it: beyond 1,000 changes it sends one ``collection`` in their place,
    so more than ten thousand are an attack.
    """

    value: Annotated[list[Notification], msgspec.Meta(min_length=1, max_length=10_000)]


@dataclass(frozen=True, slots=True)
class ClientState:
    """Business Central: every notification repeats the ``clientState`` of its subscription; nothing is signed.

    Older releases begin the body with a byte order mark.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    keeps: ClassVar[tuple[str, ...]] = ()
    handshake: ClassVar[str] = "validationToken"
    unforgiving: ClassVar[bool] = True

    def identify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> str:  # noqa: ARG002 (all is in the body)
        try:
            told = msgspec.json.decode(body.removeprefix(BOM_UTF8), type=Notifications)
        except (ValueError, RecursionError) as error:
            raise Forged("the body holds no clientState") from error
        strange = [one for one in told.value if not _matches(self.keys, [one.client_state.encode()])]
        if strange:
            raise Forged("clientState is another")
        return digest(body)


def _matches(expected: Sequence[bytes], told: Sequence[bytes]) -> bool:
    """Whether any is as expected; which, and how nearly, takes the same time."""
    found = False
    for one in told:
        for each in expected:
            found |= hmac.compare_digest(each, one)
    return found


def _keys(secrets: Sequence[str], read: Callable[[str], bytes | None], wanted: str) -> tuple[bytes, ...]:
    """Raises ValueError, which repeats no secret, for one that ``read`` makes nothing of."""
    keys = []
    for place, secret in enumerate(secrets, 1):
        key = read(secret)
        if key is None:
            raise ValueError(f"secret {place} of {len(secrets)} cannot be used; give {wanted}")
        keys.append(key)
    return tuple(keys)


def _whsec(secret: str) -> bytes | None:
    """Padding may be left out."""
    text = secret.removeprefix(WHSEC).rstrip("=")
    try:
        key = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None
    return key if secret.startswith(WHSEC) and len(key) in KEY_SIZES else None


def _raw(secrets: Sequence[str]) -> tuple[bytes, ...]:
    """Raises ValueError."""
    read = SECRET.fullmatch
    return _keys(secrets, lambda secret: secret.encode() if read(secret) else None, "16 characters of ASCII or more")


def _sent(text: str) -> bytes:
    """A header as it was sent: servers read any bytes as Latin-1."""
    return text.encode("latin-1", "replace")


def _shiphero(secrets: Sequence[str]) -> Scheme:
    return BodySignature(_raw(secrets), "x-shiphero-hmac-sha256", (b64encode,), keeps=("x-shiphero-message-id",))


def _fedex(secrets: Sequence[str]) -> Scheme:
    """Its documentation says base64 and hex on one page."""
    return BodySignature(_raw(secrets), "fdx-signature", (b64encode, hexlify))


def _given(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value:
        raise Forged(f"{name} is missing")
    if len(value) > LONGEST_HEADER:
        raise Forged(f"{name} is too long")
    return value


SCHEMES: Mapping[str, Callable[[Sequence[str]], Scheme]] = {
    "standard": StandardWebhooks.of,
    "shiphero": _shiphero,
    "fedex": _fedex,
    "ups": lambda secrets: SharedCredential(_raw(secrets), "credential"),
    "business_central": lambda secrets: ClientState(_raw(secrets)),
}
"""Each makes a scheme of secrets; raises ValueError for those it cannot use, which repeats none."""
