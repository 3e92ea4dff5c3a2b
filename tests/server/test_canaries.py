"""Whatever a resolver raises stays inside: the client is told that something went wrong, and nothing of what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from structlog.testing import capture_logs

from engine.execute import Engine, Mode, Prepared
from engine.limits import Limits
from graph import schema
from graph.errors import tell
from resolvers import nodes

CANARY = "canary-7f3a SELECT * FROM erp"
CORRELATION = "c0ffee"
BUILT = schema.executable(schema.build())
OBJECTS = [
    each for each in BUILT.type_map.values() if isinstance(each, GraphQLObjectType) and not each.name.startswith("_")
]


LITERALS = {
    "ID": f'"{nodes.encode("Order", "1")}"',
    "Int": "1",
    "Boolean": "true",
    "DateTime": '"2026-01-01T00:00:00Z"',
}


class Broken:
    """An object of which nothing can be had."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(CANARY)

    def __getitem__(self, name: object) -> Any:
        raise RuntimeError(CANARY)


class Context(Broken):
    """A context that the engine can use and no resolver can."""

    correlation_id = CORRELATION
    denied: Mapping[Any, Any] = {}
    seen: Mapping[Any, Any] = {}

    def start(self, operation: object, guards: object) -> None: ...

    async def release(self) -> None: ...

    def finish(self) -> Sequence[GraphQLError]:
        return ()

    def close(self) -> None: ...


class Odd(Broken):
    """An object of which everything is the same text, whatever it should be."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return CANARY


def asked(name: str, field: GraphQLField) -> str:
    """The field with the arguments that it must have, or with one that it may have, and something of what it gives."""
    needed = {key: each for key, each in field.args.items() if is_required_argument(each)}
    used = needed or dict(list(field.args.items())[-1:])
    given = ", ".join(f"{key}: {literal(each.type)}" for key, each in used.items())
    below = "" if is_leaf_type(get_named_type(field.type)) else "{ __typename }"
    return f"{{ {name}{f'({given})' if given else ''} {below} }}"


def literal(type_: GraphQLInputType) -> str:
    match type_:
        case GraphQLNonNull(of_type=inner):
            return literal(inner)
        case GraphQLList(of_type=inner):
            return f"[{literal(inner)}]"
        case GraphQLEnumType(values=values):
            return str(next(iter(values)))
        case GraphQLInputObjectType(fields=fields):
            needed = {name: each for name, each in fields.items() if is_required_input_field(each)}
            return f"{{{', '.join(f'{name}: {literal(each.type)}' for name, each in needed.items())}}}"
    return LITERALS.get(str(type_), '"1"')


def cases() -> Iterator[tuple[str, str]]:
    for type_ in OBJECTS:
        for name in type_.fields:
            if name not in ("_service", "_entities"):
                yield type_.name, name


@pytest.fixture(scope="module", params=[Mode.CORE, Mode.COMPILED])
def engines(request: pytest.FixtureRequest) -> Mapping[str, Engine]:
    """For each object type an engine that begins there."""
    return {
        each.name: Engine(
            GraphQLSchema(query=each, types=OBJECTS), format_errors=tell, mode=request.param, limits=Limits.none()
        )
        for each in OBJECTS
        if each.fields
    }


async def answers(engines: Mapping[str, Engine], root: object) -> Mapping[str, dict[str, Any]]:
    """What each field of each type answers when it is asked of ``root``; the log keeps the inside."""
    found = {}
    for type_, name in cases():
        engine = engines[type_]
        prepared = engine.prepare(asked(name, BUILT.type_map[type_].fields[name]))  # type: ignore[attr-defined]
        assert isinstance(prepared, Prepared), (type_, name, prepared)
        context: Any = Context()
        with capture_logs() as logged:
            found[f"{type_}.{name}"] = await engine.execute(
                prepared, context=context, variables=None, operation_name=None, root=root
            )
        assert any(line["event"] == "unexpected error" for line in logged) is ("errors" in found[f"{type_}.{name}"])
    return found


async def test_no_fault_of_any_resolver_comes_out(engines: Mapping[str, Engine]) -> None:
    told = await answers(engines, Broken())
    whole = {name for name, answer in told.items() if "errors" not in answer}
    assert whole == set()
    for name, answer in told.items():
        (error,) = answer["errors"]
        assert error["message"] == "Something went wrong on our side.", name
        assert error["extensions"] == {"code": "INTERNAL", "correlationId": CORRELATION}
        assert "canary" not in str(answer)


async def test_no_value_of_another_kind_than_its_field_comes_out_in_an_error(engines: Mapping[str, Engine]) -> None:
    told = await answers(engines, Odd())
    for name, answer in told.items():
        assert "canary" not in str(answer.get("errors")), (name, answer)
        assert {error["extensions"]["code"] for error in answer.get("errors", ())} <= {"INTERNAL"}, name
    assert sum("errors" in answer for answer in told.values()) > len(told) / 3
