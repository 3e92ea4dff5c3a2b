"""What every object of the graph has: a global id, and where it came from."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias

import strawberry

from domain.values import Provenance
from graph.directives import computed
from resolvers import nodes
from resolvers.context import Context

Info: TypeAlias = strawberry.Info[Context, None]


def global_id(kind: str) -> Any:
    """The id field of type ``kind``."""

    def resolve(root: Any) -> strawberry.ID:
        return strawberry.ID(nodes.encode(kind, root.id))

    return computed(resolve, description="Opaque, stable, and valid in `node(id:)`.")


def stands_for(domain_type: type) -> Callable[[Any, Any], bool]:
    """Tells the engine which domain objects a graph type shows."""
    return staticmethod(lambda value, _: isinstance(value, domain_type))


@strawberry.interface(description="An object with a global id.")
class Node:
    id: strawberry.ID


def _age(root: Provenance, info: Info) -> int:
    return max(0, math.ceil((info.context.clock() - root.as_of).total_seconds()))


@strawberry.type(description="Where an object came from and how fresh it is.")
class Source:
    system: str = strawberry.field(description="The configured name of the source system.")
    as_of: datetime = strawberry.field(description="When the source was asked for this answer.")
    stale: bool = strawberry.field(description="True when the source could not be read and an older answer is shown.")

    age_seconds: int = computed(_age, "Seconds since `asOf`, rounded up: never less than the real age.")


@strawberry.type(description="One fact a status rests on.")
class StatusEvidence:
    source: str
    code: str
    at: datetime | None


@strawberry.type(description="Why a status is what it is, and what would have to come for it to move.")
class StatusExplanation:
    rule: str
    evidence: list[StatusEvidence]
    missing: list[str]
