"""Relay connections over keyset pages: opaque cursors, bounded size, a total only when asked for."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from domain.errors import BadInput
from domain.queries import Cursor, Page

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    node: T
    cursor: str


@dataclass(frozen=True, slots=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Connection(Generic[T]):
    """One page. ``count`` asks the source for the total; it is only called when the total is selected."""

    edges: Sequence[Edge[T]]
    page_info: PageInfo
    count: Callable[[], Awaitable[int]] | None = None

    @property
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]


def connect(
    page: Page[T],
    position: Callable[[T], Cursor],
    *,
    after: str | None,
    count: Callable[[], Awaitable[int]] | None = None,
) -> Connection[T]:
    """A page as a connection; ``position`` tells a row's place in the keyset order."""
    edges = [Edge(row, encode(position(row))) for row in page.rows]
    ends = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
    return Connection(edges, PageInfo(page.more, after is not None, *ends), count)


def encode(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((cursor.at, cursor.id))).decode().rstrip("=")


def decode(cursor: str | None) -> Cursor | None:
    """None stays None; a cursor that we did not make is BadInput."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        at, id_ = msgspec.json.decode(
            base64.b64decode(padded, altchars=b"-_", validate=True), type=tuple[datetime, str]
        )
    except (UnicodeError, binascii.Error, msgspec.DecodeError):
        raise BadInput("That cursor is not one of ours: pass `endCursor` or an edge's `cursor` as it came.") from None
    if at.tzinfo is None:
        raise BadInput("That cursor is not one of ours: pass `endCursor` or an edge's `cursor` as it came.")
    return Cursor(at, id_)


def size(first: int | None, *, default: int, limit: int) -> int:
    """The page size to use; BadInput outside 1..limit."""
    if first is None:
        return default
    if not 1 <= first <= limit:
        raise BadInput(f"`first` must be between 1 and {limit}.")
    return first
