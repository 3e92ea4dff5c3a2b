"""Links to documents: each good for one document and one caller, and only for a while.

A link is a capability, because no browser sends a bearer token with a click: who has it may fetch the document as the
caller it was made for, until it ends. What that caller may see is asked again when it is used.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from domain.access import Principal
from resolvers.seals import Seal

PURPOSE: Final = "document link, 1"
PATH: Final = "/documents/"


class Link(msgspec.Struct, frozen=True):
    """What a link holds, sealed: the document of what it belongs to (an "Invoice" or "Shipment") by its number.
    ``ends``: aware UTC.
    """

    principal: Principal
    owner: str
    number: str
    document_id: str
    ends: datetime


_LINK = msgspec.json.Decoder(Link)


class Links:
    """``address``: where clients reach us, without a slash at its end; empty: links are relative.

    ``now``: the machine's clock, as every replica must mean the same time.
    """

    def __init__(self, seal: Seal, *, address: str, lifetime: timedelta, now: Callable[[], datetime]) -> None:
        self._seal = seal.borne(PURPOSE)
        self._address = address
        self._lifetime = lifetime
        self._now = now

    def to(self, principal: Principal, owner: str, number: str, document_id: str) -> str:
        link = Link(replace(principal, name=None), owner, number, document_id, self._now() + self._lifetime)
        return f"{self._address}{PATH}{self._seal.sealed(msgspec.json.encode(link, order='deterministic'))}"

    def opened(self, token: str) -> Link | None:
        """None for what was never made here, was altered, or has ended."""
        content = self._seal.opened(token)
        link = _LINK.decode(content) if content else None
        return link if link and self._now() < link.ends else None
