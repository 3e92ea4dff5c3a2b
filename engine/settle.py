"""Turns an answer with failures in it into data and errors: nulls go up to the nearest nullable place, as the
specification has it (section 6.4.4), and errors come in the order of the document.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import GraphQLError, located_error

from engine.values import Failure, Pending, Position

Path: TypeAlias = list[str | int]

INNER = frozenset((dict, list, Failure, Pending))


@dataclass(slots=True, eq=False)
class _Null:
    """A null on its way up: the place that ``position`` stands in must be null as well."""

    error: GraphQLError
    position: Position | None


def settle(data: Any) -> tuple[Any, list[GraphQLError]]:
    """The settled answer and its errors; ``data`` is changed in place."""
    errors = list[GraphQLError]()
    settled = _settle(data, [], errors)
    if isinstance(settled, _Null):
        errors.append(settled.error)
        return None, errors
    return settled, errors


def _settle(value: Any, path: Path, errors: list[GraphQLError]) -> Any:
    while type(value) is Pending:
        value = value.value
    kind = type(value)
    if kind is Failure:
        return _settle_failure(value, path, errors)
    if kind is dict:
        return _settle_members(value, list(value.items()), path, errors)
    if kind is list:
        return _settle_members(value, list(enumerate(value)), path, errors)
    return value


def _settle_failure(failure: Failure, path: Path, errors: list[GraphQLError]) -> _Null | None:
    if failure.partial is not None:
        within = _settle(failure.partial, path, errors)
        if within is None or isinstance(within, _Null):
            return within
    error = located_error(failure.error, failure.position.selected.nodes, list(path))
    return _landed(error, failure.position, errors)


def _settle_members(holder: Any, members: list[tuple[Any, Any]], path: Path, errors: list[GraphQLError]) -> Any:
    for key, value in members:
        if type(value) in INNER:
            settled = _settle(value, [*path, key], errors)
            if isinstance(settled, _Null):
                return _landed(settled.error, settled.position, errors)
            if settled is not value:
                holder[key] = settled
    return holder


def _landed(error: GraphQLError, position: Position | None, errors: list[GraphQLError]) -> _Null | None:
    """Null at a nullable position, which ends it; else on to what the position stands in."""
    if position is not None and position.nullable:
        errors.append(error)
        return None
    return _Null(error, position.parent if position else None)
