"""Relay connections: every list that can grow is paged by cursor."""

from typing import Any, Generic, TypeVar

import strawberry

from resolvers import pagination

T = TypeVar("T")


@strawberry.federation.type(shareable=True, description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="A row and its cursor.")
class Edge(Generic[T]):
    node: T
    cursor: str


@strawberry.type(description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]]
    nodes: list[T] = strawberry.field(description="The rows, without their cursors.")
    page_info: PageInfo


async def total(root: strawberry.Parent[pagination.Connection[Any]]) -> int | None:
    """How many rows match in all, where the source can count them."""
    return await root.count() if root.count else None
