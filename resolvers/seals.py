"""Seals what clients carry for us, cursors above all: opaque, and good only for the caller and the list it is made for.

AES-SIV (RFC 5297): the tag is verified in constant time before anything is read, and the same content under the same
binding always has the same seal, so that answers stay cacheable.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_urlsafe

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from domain.access import Principal

PURPOSE = b"crossdock: cursors, 1"
"""What the keys are derived for; another number makes every cursor given out invalid."""


class Seal:
    """``secrets``: the first seals, all open, so that one can take over from another."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [AESSIV(hmac.digest(secret.encode(), PURPOSE, "sha256")) for secret in secrets]

    @classmethod
    def fresh(cls) -> "Seal":
        """One that nothing outlives."""
        return cls([token_urlsafe(32)])

    def bound(self, principal: Principal, *to: object) -> "Bound":
        """The seal of what is only good for this caller and ``to``: values that msgspec can encode."""
        caller = (principal.kind, principal.subject, principal.account)
        return Bound(self._keys, [msgspec.json.encode((caller, to), order="deterministic")])

    def borne(self, purpose: str) -> "Bound":
        """The seal of what is good for whoever holds it, for one purpose."""
        return Bound(self._keys, [msgspec.json.encode([purpose])])


@dataclass(frozen=True, slots=True)
class Bound:
    """Seals and opens under one binding."""

    _keys: Sequence[AESSIV]
    _binding: list[bytes]

    def sealed(self, content: bytes) -> str:
        return _text(self._keys[0].encrypt(content, self._binding))

    def opened(self, text: str) -> bytes | None:
        """What was sealed; None for anything that was not sealed exactly so."""
        try:
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (UnicodeError, binascii.Error):
            return None
        if _text(raw) != text:
            return None
        for key in self._keys:
            try:
                return key.decrypt(raw, self._binding)
            except InvalidTag:
                continue
        return None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
