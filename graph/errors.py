"""What a client is told when something went wrong: a stable code, a correlation id, and nothing of the inside."""

from collections.abc import Sequence
from typing import Any

import structlog
from graphql import FieldNode, GraphQLError

from domain.errors import CrossdockError, SourceError
from resolvers.context import Context

log = structlog.get_logger("crossdock.graph")


def tell(errors: Sequence[GraphQLError], context: Context | None) -> list[dict[str, Any]]:
    """The errors of one answer, one per source and code however many rows it spoiled; the inside goes to the log under
    the same id.
    """
    told: dict[tuple[str, str], dict[str, Any]] = {}
    others: list[dict[str, Any]] = []
    for error in errors:
        formatted = _tell(error, context)
        if isinstance(error.original_error, SourceError):
            key = (error.original_error.source, error.original_error.code)
            if key in told:
                told[key]["extensions"]["occurrences"] += 1
                continue
            formatted["extensions"] |= {"source": error.original_error.source, "occurrences": 1}
            told[key] = formatted
        else:
            others.append(formatted)
    return [*others, *told.values()]


def _of_the_request(error: GraphQLError) -> bool:
    """Whether it tells of what was asked. One of a field tells of what the field gave, with the value in its words."""
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        return error.path is None
    of_a_field = error.path is not None and all(isinstance(node, FieldNode) for node in error.nodes or ())
    return not of_a_field or "code" in (error.extensions or {})


def _tell(error: GraphQLError, context: Context | None) -> dict[str, Any]:
    cause = error.original_error
    formatted: dict[str, Any] = dict(error.formatted)
    if isinstance(cause, CrossdockError):
        code, formatted["message"] = cause.code, cause.public
        if cause.detail:
            log.warning("source failed", code=code, detail=cause.detail, path=error.path)
    elif _of_the_request(error):
        code = "BAD_USER_INPUT"
    else:
        code, formatted["message"] = "INTERNAL", "Something went wrong on our side."
        log.error("unexpected error", path=error.path, exc_info=cause or error)
    formatted["extensions"] = {"code": code} | dict(error.extensions or {})
    if context is not None:
        formatted["extensions"]["correlationId"] = context.correlation_id
    return formatted
