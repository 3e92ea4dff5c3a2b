"""Reads a GraphQL-over-HTTP request from its parts, strictly (https://graphql.github.io/graphql-over-http/draft/)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

import orjson

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
PARAMETERS: Mapping[str, type] = {
    "query": str,
    "documentId": str,
    "operationName": str,
    "variables": dict,
    "extensions": dict,
}
"""What a request is made of; all may be absent or null, but something must say which document is meant."""

JSON_PARAMETERS = frozenset(("variables", "extensions"))

MOST_PARTS = 20_000
"""Lists and objects in one body, and braces in its document. 600,000 take a decoder 200 ms, these 7."""


class Refused(Exception):
    """The request is answered with ``status`` and is not executed. ``headers`` go with the answer."""

    def __init__(
        self, status: int, message: str, *, code: str = "BAD_USER_INPUT", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One of ``query`` and ``document_id``, which names a persisted document, is given. ``by_get``: how it came."""

    query: str | None
    operation_name: str | None
    variables: dict[str, Any] | None
    document_id: str | None = None
    by_get: bool = False


def negotiate(accept: Iterable[str]) -> str:
    """The media type to answer with, from the Accept headers; JSON where they leave it to us, an event stream only
    where they want nothing else. May refuse with 406.
    """
    ranges = _media_ranges(accept)
    if not ranges:
        return JSON
    named = [(quality, kind == RESPONSE, kind) for kind, quality in ranges if kind in (RESPONSE, JSON) and quality > 0]
    if named:
        return max(named)[2]
    if any(kind in ("*/*", "application/*") and quality > 0 for kind, quality in ranges) and (JSON, 0.0) not in ranges:
        return JSON
    if takes_events(accept):
        return EVENT_STREAM
    raise Refused(406, f"Accept {RESPONSE} or {JSON}.")


def takes_events(accept: Iterable[str]) -> bool:
    """Whether the Accept headers name an event stream."""
    return any(kind == EVENT_STREAM and quality > 0 for kind, quality in _media_ranges(accept))


def _media_ranges(accept: Iterable[str]) -> list[tuple[str, float]]:
    return [_media_range(each) for header in accept for each in header.split(",") if each.strip()]


def _media_range(text: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def check_content(content_type: list[str], content_encoding: list[str]) -> None:
    """Refuses with 415 whatever is not plain JSON in UTF-8: what a form can send must never execute."""
    message = Message()
    message["content-type"] = content_type[0] if len(content_type) == 1 else ""
    charset = message.get_param("charset", "utf-8")
    if message.get_content_type() != JSON or str(charset).lower() not in ("utf-8", "utf8"):
        raise Refused(415, f"Send one Content-Type: {JSON}, in UTF-8.")
    if any(each.lower() != "identity" for each in content_encoding):
        raise Refused(415, "Send the body without Content-Encoding.")


def from_body(body: bytes) -> GraphQLRequest:
    if body.count(b"[") + body.count(b"{") > MOST_PARTS:
        raise Refused(413, "The body has too many parts.", code="COST_LIMIT")
    try:
        parameters = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "The body is not JSON in UTF-8.") from None
    if not isinstance(parameters, dict):
        raise Refused(400, "The body must be one JSON object.")
    return from_parameters(parameters)


def from_query_string(text: bytes) -> GraphQLRequest:
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise Refused(400, "The query string cannot be read.") from None
    parameters: dict[str, Any] = dict(pairs)
    if len(parameters) != len(pairs):
        raise Refused(400, "A parameter is given twice.")
    for name in JSON_PARAMETERS & parameters.keys():
        try:
            parameters[name] = orjson.loads(parameters[name])
        except orjson.JSONDecodeError:
            raise Refused(400, f"The parameter {name} is not JSON.") from None
    return replace(from_parameters(parameters), by_get=True)


def from_parameters(parameters: dict[str, Any]) -> GraphQLRequest:
    for name, kind in PARAMETERS.items():
        value = parameters.get(name)
        if value is not None and not isinstance(value, kind):
            raise Refused(400, f"The parameter {name} must be {'an object' if kind is dict else 'a string'}.")
    query, document_id = parameters.get("query"), parameters.get("documentId")
    if document_id is None:
        document_id = _hash(parameters.get("extensions") or {})
    if query is None and document_id is None:
        raise Refused(400, "The parameter query must be a string.")
    return GraphQLRequest(query, parameters.get("operationName"), parameters.get("variables"), document_id)


def _hash(extensions: dict[str, Any]) -> str | None:
    """The identifier of a document as Apollo's clients give it."""
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(found, str):
        raise Refused(400, "extensions.persistedQuery.sha256Hash must be a string.")
    return found
