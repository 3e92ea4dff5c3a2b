"""The directives of the graph: Apollo Federation's authorization, printed in the SDL and enforced by ``engine.guards``
from the same object.
"""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from strawberry.directive import DirectiveLocation

from engine.batching import Batch, batched


def guarded(
    *scopes: str,
    resolver: Callable[..., Any] | None = None,
    description: str | None = None,
    name: str | None = None,
    costs: Sequence[object] = (),
) -> Any:
    """A field that needs every one of ``scopes``; without them it is null and its resolver is not called."""
    field: Callable[..., Any] = strawberry.federation.field
    scoped = [list(scopes)]
    return field(resolver=resolver, requires_scopes=scoped, description=description, name=name, directives=costs)


def guarded_for_all(
    *scopes: str,
    batch: Batch,
    description: str | None = None,
    costs: Sequence[object] = (),
) -> Any:
    """As ``guarded``, found for all parents at once."""
    return guarded(*scopes, resolver=batched(batch), description=description, costs=costs)


def computed_for_all(batch: Batch, description: str | None = None, *, costs: Sequence[object] = ()) -> Any:
    """A field whose value a resolver finds for all parents at once; an error in it is that parent's alone."""
    return strawberry.field(resolver=batched(batch), description=description, directives=costs)


def computed(resolver: Callable[..., Any], description: str | None = None, *, costs: Sequence[object] = ()) -> Any:
    """A field whose value a resolver finds."""
    return strawberry.field(resolver=resolver, description=description, directives=costs)


def signed_in(*, resolver: Callable[..., Any], description: str | None = None, costs: Sequence[object] = ()) -> Any:
    """A field for any verified caller; what it finds has guards of its own."""
    return strawberry.federation.field(resolver=resolver, authenticated=True, description=description, directives=costs)


@strawberry.directive(
    locations=[DirectiveLocation.QUERY],
    name="maxStaleness",
    description=(
        "Accept nothing older than this many seconds: remembered answers beyond it are read again from their source, "
        "which costs upstream calls. 0 asks every source anew."
    ),
)
def max_staleness(seconds: int) -> None:
    """Read by ``resolvers.context.Context.start``."""
