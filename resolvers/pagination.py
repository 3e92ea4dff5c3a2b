"""Relay connections over keyset pages: sealed cursors, bounded size, a total only when asked for."""

import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from domain.errors import BadInput
from domain.queries import Cursor, Page
from resolvers.context import Context

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
TIME = struct.Struct(">q")
"""How a cursor begins: microseconds since the epoch. The row's id follows."""

NOT_OURS = "That is no cursor of this list: pass `endCursor` or an edge's `cursor` as it came, with the same filter."


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


class Places:
    """The places in one list, as one caller narrowed and sorted it: given out as cursors and read from them."""

    def __init__(self, context: Context, *listed: object) -> None:
        """``listed``: what is listed, and everything that decides which rows are in it and in which order."""
        self._seal = context.policy.seal.bound(context.caller, *listed)

    def cursor(self, place: Cursor) -> str:
        return self._seal.sealed(TIME.pack((place.at - EPOCH) // MICROSECOND) + place.id.encode())

    def place(self, cursor: str | None) -> Cursor | None:
        """None stays None; a cursor that was not made for this list and this caller is BadInput."""
        if cursor is None:
            return None
        content = self._seal.opened(cursor)
        if content is None:
            raise BadInput(NOT_OURS)
        (at,) = TIME.unpack_from(content)
        return Cursor(EPOCH + at * MICROSECOND, content[TIME.size :].decode())

    def connection(
        self,
        page: Page[T],
        position: Callable[[T], Cursor],
        *,
        after: str | None,
        count: Callable[[], Awaitable[int]] | None = None,
    ) -> Connection[T]:
        """A page as a connection; ``position`` tells a row's place in the keyset order."""
        edges = [Edge(row, self.cursor(position(row))) for row in page.rows]
        ends = (edges[0].cursor, edges[-1].cursor) if edges else (None, None)
        return Connection(edges, PageInfo(page.more, after is not None, *ends), count)


def size(first: int | None, *, default: int, limit: int) -> int:
    """The page size to use; BadInput outside 1..limit."""
    if first is None:
        return default
    if not 1 <= first <= limit:
        raise BadInput(f"`first` must be between 1 and {limit}.")
    return first
