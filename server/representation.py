"""How an answer leaves: compressed as its client takes it, and not sent again to a client that has it already."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from starlette.types import Scope, Send

from server.compression import SMALLEST, coding, compressed

Fields: TypeAlias = Mapping[str, Sequence[str]]
"""A request's header fields by name in lower case; what was not sent is empty."""

VARY = (b"vary", b"accept, accept-encoding")
NOWHERE = (b"cache-control", b"no-store")
AT_THE_CLIENT = (b"cache-control", b"private, no-cache")
"""Kept by nobody but the client, who asks each time whether it has changed (RFC 9111 section 5.2.2)."""

NOT_MODIFIED = 304


def fields_of(scope: Scope) -> Fields:
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in scope["headers"]:
        fields[name.decode("latin-1")].append(value.decode("latin-1"))
    return fields


@dataclass(frozen=True, slots=True)
class Representation:
    """A whole answer. ``kept``: its client may keep it, and is spared it while it stays the same.

    Its entity tag is made of what this caller may see, so that another caller's answer, or the same caller's with other
    scopes, is never taken for it. Keep nothing that tells of the exchange alone, such as an error's correlation id.
    """

    body: bytes
    status: int
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: bool = False

    async def send(self, asked: Fields, send: Send) -> None:
        name = coding(",".join(asked["accept-encoding"])) if len(self.body) >= SMALLEST else None
        status, body, headers = self.status, self.body, [VARY, AT_THE_CLIENT if self.kept else NOWHERE]
        headers += [(key.encode("latin-1"), value.encode("latin-1")) for key, value in self.headers.items()]
        if self.kept:
            tag = self._tag(name)
            headers.append((b"etag", tag.encode()))
            if _names(asked["if-none-match"], tag):
                status, body, name = NOT_MODIFIED, b"", None
        if name:
            body = await compressed(body, name)
            headers.append((b"content-encoding", name.encode()))
        if status != NOT_MODIFIED:
            headers.append((b"content-type", b"%s; charset=utf-8" % self.media_type.encode()))
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _tag(self, name: str | None) -> str:
        """Strong: each media type and each coding has its own (RFC 9110 section 8.8.3)."""
        digest = hashlib.sha256(self.media_type.encode() + b"\0" + self.body).hexdigest()[:32]
        return f'"{digest}-{name}"' if name else f'"{digest}"'


def _names(if_none_match: Iterable[str], tag: str) -> bool:
    """Whether the client has it, however weakly it says so (RFC 9110 section 13.1.2)."""
    named = {each.strip().removeprefix("W/") for each in ",".join(if_none_match).split(",")}
    return tag in named or "*" in named
