"""Runs an operation by compiled plan and by graphql-core, and says where the answers differ.

Errors are compared one by one, but for those below a position that was nulled by propagation: the specification asks
for one of them (section 6.4.4), and which one is a matter of time where values are awaited. An object that is nulled is
read to its end by a plan and not by graphql-core, so more of what is denied may be told.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, GraphQLSchema

from engine.execute import Context, Engine, Mode
from engine.limits import Limits
from tests.engine.documents import Asked

Answer = Mapping[str, Any]
Path = tuple[str | int, ...]


def told(errors: Sequence[GraphQLError], _: object) -> list[dict[str, Any]]:
    return [
        {
            "message": error.message,
            "path": error.path,
            "locations": [tuple(place) for place in error.locations or ()],
            "kind": type(error.original_error).__name__,
            "extensions": error.extensions,
        }
        for error in errors
    ]


def boundless(schema: GraphQLSchema, mode: Mode) -> Engine:
    """An engine that refuses nothing for its size."""
    return Engine(schema, format_errors=told, mode=mode, limits=Limits.none(), cost_limit=10**99)


@dataclass(frozen=True, slots=True)
class Pair:
    """The two engines of one schema."""

    compiled: Engine
    core: Engine

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Pair":
        return cls(*(boundless(schema, mode) for mode in (Mode.COMPILED, Mode.CORE)))


async def answer(engine: Engine, asked: Asked, context: Context, root: object) -> Answer:
    prepared = engine.prepare(asked.text)
    if isinstance(prepared, list):
        return {"errors": told(prepared, None)}
    return await engine.execute(
        prepared, context=context, variables=dict(asked.variables), operation_name=asked.operation, root=root
    )


def difference(ours: Answer, theirs: Answer, *, exactly: bool) -> str | None:
    if repr(ours.get("data", "none")) != repr(theirs.get("data", "none")):
        return "data"
    mine, other = ours.get("errors", []), theirs.get("errors", [])
    if exactly:
        return None if repr(mine) == repr(other) else "errors"
    whole = [{error["message"] for error in errors if error["path"] is None} for errors in (mine, other)]
    groups = [_grouped(errors, theirs.get("data")) for errors in (mine, other)]
    if groups[0].keys() != groups[1].keys():
        return "places of errors"
    propagated = any(len(error["path"] or place) > len(place) for place, each in groups[1].items() for error in each)
    if not (whole[0] >= whole[1] if propagated else whole[0] == whole[1]):
        return "errors of the whole"
    for place, errors in groups[0].items():
        counterpart = groups[1][place]
        at_place = all(tuple(error["path"] or ()) == place for error in [*errors, *counterpart])
        if at_place and Counter(map(repr, errors)) != Counter(map(repr, counterpart)):
            return f"errors at {place}"
    return None


def _grouped(errors: Sequence[Mapping[str, Any]], data: object) -> Mapping[Path, list[Mapping[str, Any]]]:
    """Errors by the nulled position they are at or below."""
    found: dict[Path, list[Mapping[str, Any]]] = {}
    for error in errors:
        if error["path"] is not None:
            found.setdefault(_nulled(tuple(error["path"]), data), []).append(error)
    return found


def _nulled(path: Path, data: Any) -> Path:
    for length, key in enumerate(path):
        if data is None:
            return path[:length]
        data = data[key]
    return path
