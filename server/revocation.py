"""Tokens that are good no longer although they look it: each issuer's list, read again and again, the last one kept.

A list is JSON: ``{"tokens": ["<jti>", …], "subjects": {"<sub>": "2026-11-20T15:00:00Z", …}}``. A token is revoked by
its id, or when it was issued to a subject up to that instant.
"""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
import structlog

from domain.errors import SourceError, SourceFault, SourceUnavailable
from sources.transport import Transport

log = structlog.get_logger("crossdock.auth")

EVERY = 2.0
"""Seconds between two readings: with ``streams.PULSE``, what is revoked hears nothing any more after five."""

LARGEST = 8 * 1024 * 1024
"""Bytes a file may have; what comes over the network is capped by its transport."""

UNCHANGED = 304


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token was given: by which issuer (its configured name), to whom (``sub``), as which token (``jti``), and
    when, in seconds since 1970 (``iat``).
    """

    issuer: str
    subject: str
    token: str | None
    issued: float


class Revoked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list as it was read."""

    tokens: frozenset[str] = frozenset()
    subjects: dict[str, Annotated[datetime, msgspec.Meta(tz=True)]] = {}

    def holds(self, grant: Grant) -> bool:
        until = self.subjects.get(grant.subject)
        return grant.token in self.tokens or (until is not None and grant.issued <= until.timestamp())


class Listing(Protocol):
    """Where a list is kept."""

    async def read(self) -> bytes | None:
        """The list as it is now; None: as it was when last read. Raises SourceError."""
        ...


class FileListing:
    """A file that somebody replaces. ``name`` stands for it in logs."""

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    async def read(self) -> bytes | None:
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes | None:
        try:
            with self._path.open("rb") as file:
                state = os.fstat(file.fileno())
                seen = (state.st_ino, state.st_mtime_ns, state.st_size)
                if seen == self._seen:
                    return None
                body = file.read(LARGEST + 1)
        except OSError as error:
            raise SourceUnavailable(self._name, f"cannot be read: {error.strerror}") from error
        if len(body) > LARGEST:
            raise SourceFault(self._name, f"more than {LARGEST} bytes")
        self._seen = seen
        return body


class WebListing:
    """An address that is asked whether the list has changed (RFC 9110 section 13.1.2)."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = address
        self._tag: str | None = None

    async def read(self) -> bytes | None:
        asked = {"if-none-match": self._tag} if self._tag else {}
        reply = await self._transport.send(
            "GET", self._address, operation="revocations", headers=asked, idempotent=False, accept=(200, UNCHANGED)
        )
        if reply.status == UNCHANGED:
            return None
        self._tag = reply.headers.get("etag")
        return reply.body


def listing(name: str, place: str, door: Callable[[str, str], Transport]) -> Listing:
    """The list at ``place``, an address or a file; ``door`` opens the way to an address."""
    return WebListing(door(name, place), place) if "://" in place else FileListing(name, Path(place))


class Revocations:
    """The lists of the issuers that have one, by the issuer's configured name."""

    def __init__(self, listings: Mapping[str, Listing], *, every: float = EVERY) -> None:
        self._listings = listings
        self._every = every
        self._lists: dict[str, Revoked] = {}
        self._following: asyncio.Task[None] | None = None

    def revoked(self, grant: Grant) -> bool:
        """Raises SourceUnavailable while the issuer's list was never had: nothing can be said of its tokens then."""
        if grant.issuer not in self._listings:
            return False
        known = self._lists.get(grant.issuer)
        if known is None:
            raise SourceUnavailable(f"idp:{grant.issuer}", "no list of revoked tokens", retry_after=self._every)
        return known.holds(grant)

    async def start(self) -> None:
        """Reads all lists once, then goes on beside the requests until ``close``."""
        await self.read()
        if self._listings:
            self._following = asyncio.create_task(self._follow())

    async def read(self) -> None:
        """Reads all lists that have changed, side by side; one that cannot be had, or understood, stays as it was."""
        await asyncio.gather(*map(self._read, self._listings))

    async def _read(self, issuer: str) -> None:
        try:
            body = await self._listings[issuer].read()
            if body is not None:
                self._lists[issuer] = _understood(issuer, body)
        except SourceError as error:
            log.warning("revocations not read", issuer=issuer, code=error.code, detail=error.detail)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self.read()

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)


def _understood(issuer: str, body: bytes) -> Revoked:
    try:
        return msgspec.json.decode(body, type=Revoked)
    except (msgspec.DecodeError, RecursionError) as error:
        raise SourceFault(f"idp:{issuer}", f"the list of revoked tokens is unreadable: {error}") from error
