"""Resolvers that are asked for all parents at once, so that a field of fifty objects is one call and not fifty."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import strawberry

Batch: TypeAlias = Callable[[Sequence[Any], Any], Awaitable[Sequence[Any]]]
"""Parents and info in; one value for each parent out, in their order. A value may be an exception: that parent's."""


def batched(batch: Batch) -> Callable[..., Awaitable[Any]]:
    """A field's resolver for Strawberry. Compiled plans call ``batch`` once; graphql-core asks for one parent at a
    time.
    """

    async def resolve(root: Any, info: strawberry.Info) -> Any:
        (value,) = await batch([root], info)
        if isinstance(value, Exception):
            raise value
        return value

    resolve.batch = batch  # type: ignore[attr-defined]  # read by engine.fields
    return resolve
