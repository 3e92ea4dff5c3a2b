"""Reads what a REST service says of itself: OpenAPI 3 as JSON, of which one document is read and nothing fetched."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from sources.scaffold import names
from sources.scaffold.shapes import CODE, COUNT, DAY, FLAG, NUMBER, TEXT, Field, Interface, Operation, Record

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_LINKS: Final = 20
"""References that may lead to references."""
TYPES: Final[Mapping[tuple[str, str], str]] = {
    ("string", "date"): DAY,
    ("string", "date-time"): "datetime",
    ("string", ""): TEXT,
    ("integer", ""): COUNT,
    ("number", ""): NUMBER,
    ("boolean", ""): FLAG,
}
METHODS: Final = ("get", "post")
"""Those that may read; one that is posted is not asked by any guess."""
PARAMETER: Final = re.compile(r"\{([^{}/]+)\}")


class Unreadable(ValueError):
    """Not the OpenAPI we accept."""


def read(text: bytes) -> Interface:
    """Operations, by GET or POST, that answer with a JSON object. Raises ``Unreadable``."""
    if len(text) > MOST_BYTES:
        raise Unreadable("is larger than any such document")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON (convert YAML first): {error}") from error
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise Unreadable('is not OpenAPI 3: it has no "openapi": "3..."')
    shelf = _Shelf(document)
    operations: dict[str, Operation] = {}
    for path, item in _mapping(document.get("paths")).items():
        for method in METHODS:
            stated = _mapping(_mapping(item).get(method))
            schema = shelf.answer(stated)
            name = str(stated.get("operationId") or f"{method} {path}")
            if shelf.is_object(schema):
                keys = tuple((each,) for each in PARAMETER.findall(path)) if method == "get" else ()
                operations[name] = Operation(name, keys, shelf.record(schema, name), path=path)
    if not operations:
        raise Unreadable("has no operation that answers with a JSON object")
    servers = document.get("servers")
    server = str(_mapping(servers[0]).get("url", "")) if isinstance(servers, list) and servers else ""
    return Interface("openapi.json", server, operations, shelf.records, shelf.codes, {"openapi.json": text})


def address(operation: Operation) -> str:
    """Where it is asked, with "{}" in place of the key."""
    return PARAMETER.sub("{}", operation.path)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


class _Shelf:
    """The records met so far, each of the document's schemas once."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._known: dict[int, str] = {}
        self.records: dict[str, Record] = {}
        self.codes: dict[str, tuple[str, ...]] = {}

    def answer(self, operation: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema of what a successful answer holds as JSON."""
        responses = _mapping(operation.get("responses"))
        answer = self._found(responses.get("200", responses.get("default")))
        for kind, media in _mapping(answer.get("content")).items():
            if kind.partition(";")[0].strip().endswith("json"):
                return self._found(_mapping(media).get("schema"))
        return {}

    def is_object(self, schema: Mapping[str, Any]) -> bool:
        return bool(self._properties(schema))

    def record(self, schema: Mapping[str, Any], called: str) -> str:
        if id(schema) in self._known:
            return self._known[id(schema)]
        wire = str(schema.get("title") or self._component(schema) or called)
        name = self._known[id(schema)] = names.record(wire, self._known.values())
        fields: list[Field] = []
        dropped: list[str] = []
        required = self._required(schema)
        for part, part_schema in self._properties(schema).items():
            used = {each.name for each in fields}
            field = self._field(str(part), part_schema, optional=part not in required, used=used)
            if field is None:
                dropped.append(str(part))
            else:
                fields.append(field)
        self.records[name] = Record(wire, name, tuple(fields), tuple(dropped))
        return name

    def _field(self, wire: str, stated: Any, *, optional: bool, used: set[str]) -> Field | None:
        schema = self._found(stated)
        kind, nillable = _kind(schema)
        many = kind == "array"
        if many:
            schema = self._found(schema.get("items"))
            kind, _ = _kind(schema)
        ours = names.field(wire, used)
        if self._properties(schema):
            return Field(wire, ours, self.record(schema, wire), many, optional, nillable and not many)
        scalar = TYPES.get((kind, str(schema.get("format", "")))) or TYPES.get((kind, ""))
        if scalar is None or (many and nillable):
            return None
        listed = schema.get("enum")
        if scalar != TEXT or not isinstance(listed, list):
            return Field(wire, ours, scalar, many, optional, nillable)
        table = "_".join(names.words(self._component(schema) or wire)) or ours
        values = {value for value in listed if isinstance(value, str)}
        self.codes[table] = tuple(sorted({*self.codes.get(table, ()), *values}))
        return Field(wire, ours, CODE, many, optional, nillable, table if self.codes[table] else "")

    def _properties(self, schema: Mapping[str, Any], depth: int = 0) -> Mapping[str, Any]:
        """Its own and those of all it is made of."""
        found: dict[str, Any] = {}
        if depth < MOST_LINKS and isinstance(schema.get("allOf"), list):
            for part in schema["allOf"]:
                found |= self._properties(self._found(part), depth + 1)
        return found | dict(_mapping(schema.get("properties")))

    def _required(self, schema: Mapping[str, Any], depth: int = 0) -> set[str]:
        stated = schema.get("required")
        found = {str(name) for name in stated} if isinstance(stated, list) else set()
        if depth < MOST_LINKS and isinstance(schema.get("allOf"), list):
            for part in schema["allOf"]:
                found |= self._required(self._found(part), depth + 1)
        return found

    def _found(self, schema: Any) -> Mapping[str, Any]:
        """What a reference within the document leads to. Where it leads nowhere, or out of it: nothing."""
        for _ in range(MOST_LINKS):
            reference = _mapping(schema).get("$ref")
            if not isinstance(reference, str):
                return _mapping(schema)
            schema = self._document if reference.startswith("#/") else {}
            for step in reference[2:].split("/"):
                schema = _mapping(schema).get(step.replace("~1", "/").replace("~0", "~"))
        return {}

    def _component(self, schema: Mapping[str, Any]) -> str | None:
        schemas = _mapping(_mapping(self._document.get("components")).get("schemas"))
        return next((name for name, each in schemas.items() if each is schema), None)


def _kind(schema: Mapping[str, Any]) -> tuple[str, bool]:
    """Its type, and whether null may stand for it (3.0 and 3.1)."""
    stated = schema.get("type", "")
    if isinstance(stated, list):
        kinds = [str(kind) for kind in stated if kind != "null"]
        return (kinds[0] if len(kinds) == 1 else "", "null" in stated)
    return str(stated), schema.get("nullable") is True
