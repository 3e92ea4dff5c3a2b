"""Checks the WS-Security UsernameToken of a request (OASIS profile 1.1), by digest or in plain text."""

import base64
import binascii
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from lxml.etree import _Element

WSSE: Final = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU: Final = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
FRESH: Final = timedelta(minutes=5)
REMEMBERED: Final = 10_000
"""How many nonces are remembered: more than come in ``FRESH`` time."""


class Guard:
    """``clock`` tells the machine's time, not the company's: a token is a matter between machines."""

    def __init__(
        self, username: str, password: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._username = username
        self._password = password
        self._clock = clock
        self._nonces: OrderedDict[bytes, bytes] = OrderedDict()

    def admits(self, header: _Element | None, message: bytes) -> bool:
        """Whether the SOAP header has a valid token.

        The same message may come twice (a retry), but a nonce may not come in another.
        """
        token = None if header is None else header.find(f"{WSSE}Security/{WSSE}UsernameToken")
        if token is None or not _same(token.findtext(f"{WSSE}Username", ""), self._username):
            return False
        password = token.find(f"{WSSE}Password")
        if password is None:
            return False
        kind, told = password.get("Type", f"{PROFILE}#PasswordText"), password.text or ""
        if kind == f"{PROFILE}#PasswordText":
            return _same(told, self._password)
        return kind == f"{PROFILE}#PasswordDigest" and self._digest_holds(token, told, message)

    def _digest_holds(self, token: _Element, told: str, message: bytes) -> bool:
        created = token.findtext(f"{WSU}Created", "")
        try:
            nonce = base64.b64decode(token.findtext(f"{WSSE}Nonce", ""), validate=True)
            age = abs(self._clock() - datetime.fromisoformat(created))
        except (binascii.Error, ValueError, TypeError):
            return False
        digest = hashlib.sha1(nonce + created.encode() + self._password.encode()).digest()  # noqa: S324 the profile's
        if not nonce or age > FRESH or not _same(told, base64.b64encode(digest).decode()):
            return False
        return self._first_or_same(nonce, hashlib.sha256(message).digest())

    def _first_or_same(self, nonce: bytes, message: bytes) -> bool:
        known = self._nonces.setdefault(nonce, message)
        if len(self._nonces) > REMEMBERED:
            self._nonces.popitem(last=False)
        return known == message


def _same(told: str, right: str) -> bool:
    return hmac.compare_digest(told.encode(), right.encode())
