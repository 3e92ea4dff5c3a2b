"""The engine against a schema of its own: it must know nothing of orders."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from strawberry.federation import Schema

from engine.execute import Engine, Operation, Prepared
from engine.guards import FieldKey, Guards
from engine.limits import Limits


class Recorder:
    """A context that remembers what the engine told it."""

    def __init__(self, scopes: frozenset[str] | None) -> None:
        self.scopes = scopes
        self.denied: Mapping[FieldKey, frozenset[str]] = {}
        self.seen: Mapping[FieldKey, list[Any]] = {}
        self.reached: list[FieldKey] = []
        self.operation: Operation | None = None
        self.asked: list[str] = []
        self.closed = False

    def start(self, operation: Operation, guards: Guards) -> None:
        self.operation = operation
        self.denied = guards.denied(self.scopes)

    def deny(self, key: FieldKey) -> None:
        self.reached.append(key)

    async def release(self) -> None: ...

    def finish(self) -> Sequence[GraphQLError]:
        return [GraphQLError(f"denied {sorted(set(self.reached))}")] if self.reached else []

    def close(self) -> None:
        self.closed = True


def _secret(info: strawberry.Info[Recorder, None]) -> str:
    info.context.asked.append("secret")
    return "42"


def _either() -> str:
    return "either"


@strawberry.type
class Thing:
    name: str
    secret: str | None = strawberry.federation.field(resolver=_secret, requires_scopes=[["secret:read"]])
    either: str | None = strawberry.federation.field(resolver=_either, requires_scopes=[["a", "b"], ["c"]])
    plain: str | None = strawberry.federation.field(requires_scopes=[["secret:read"]])


def _things() -> list[Thing]:
    return [Thing(name=name, plain="p") for name in ("one", "two")]


def _boom() -> str:
    raise RuntimeError("inside")


@strawberry.type
class Query:
    things: list[Thing] = strawberry.field(resolver=_things)
    mine: str | None = strawberry.federation.field(resolver=_either, authenticated=True)
    boom: str | None = strawberry.field(resolver=_boom)


def tell(errors: Sequence[GraphQLError], _: Any) -> list[dict[str, Any]]:
    return [{"message": error.message, "path": error.path} for error in errors]


@pytest.fixture
def engine() -> Engine:
    schema = Schema(query=Query, federation_version="2.9")
    return Engine(schema._schema, format_errors=tell, limits=Limits(tokens=200))


async def run(
    engine: Engine, query: str, scopes: frozenset[str] | None, **variables: Any
) -> tuple[dict[str, Any], Recorder]:
    prepared = engine.prepare(query)
    assert isinstance(prepared, Prepared), prepared
    context = Recorder(scopes)
    return await engine.execute(prepared, context=context, variables=variables, operation_name=None), context


async def test_a_denied_field_is_null_in_every_row_and_its_resolver_never_runs(engine: Engine) -> None:
    answer, context = await run(engine, "{ things { name secret plain } }", frozenset())
    assert answer["data"]["things"] == [
        {"name": "one", "secret": None, "plain": None},
        {"name": "two", "secret": None, "plain": None},
    ]
    assert context.asked == []
    assert len(answer["errors"]) == 1
    assert context.closed


async def test_an_allowed_field_is_resolved(engine: Engine) -> None:
    answer, context = await run(engine, "{ things { secret } }", frozenset({"secret:read"}))
    assert answer == {"data": {"things": [{"secret": "42"}, {"secret": "42"}]}}
    assert context.asked == ["secret", "secret"]


@pytest.mark.parametrize(
    ("scopes", "value"),
    [({"a"}, None), ({"b"}, None), ({"a", "b"}, "either"), ({"c"}, "either"), (set(), None)],
)
async def test_any_one_alternative_of_scopes_suffices(engine: Engine, scopes: set[str], value: str | None) -> None:
    answer, _ = await run(engine, "{ things { either } }", frozenset(scopes))
    assert [thing["either"] for thing in answer["data"]["things"]] == [value, value]


async def test_authenticated_needs_a_caller_and_nothing_else(engine: Engine) -> None:
    assert (await run(engine, "{ mine }", frozenset()))[0] == {"data": {"mine": "either"}}
    assert (await run(engine, "{ mine }", None))[0]["data"] == {"mine": None}


async def test_an_alias_or_a_fragment_does_not_lift_a_guard(engine: Engine) -> None:
    query = "query { things { name: secret ...F ... on Thing { x: plain } } } fragment F on Thing { y: secret }"
    answer, context = await run(engine, query, frozenset())
    assert answer["data"]["things"][0] == {"name": None, "y": None, "x": None}
    assert context.asked == []


async def test_the_operation_tells_every_field_it_selects(engine: Engine) -> None:
    _, context = await run(engine, "{ t: things { ...F } } fragment F on Thing { secret }", frozenset())
    assert context.operation is not None
    assert context.operation.fields == {("Query", "things"), ("Thing", "secret")}


async def test_a_document_is_parsed_once(engine: Engine) -> None:
    assert engine.prepare("{ mine }") is engine.prepare("{ mine }")


WARMED: dict[str, tuple[str, dict[str, Any]]] = {
    "no switch": ("{ things { name } }", {}),
    "included": ("query ($with: Boolean!) { things { name plain @include(if: $with) } }", {"with": True}),
    "skipped": ("query ($without: Boolean!) { things { name plain @skip(if: $without) } }", {"without": False}),
    "by default": ("query ($with: Boolean = false) { things { name plain @include(if: $with) } }", {}),
    "in a fragment": (
        "query ($v: Boolean!) { things { ...F } } fragment F on Thing { name @skip(if: $v) }",
        {"v": False},
    ),
}


@pytest.mark.parametrize("case", WARMED)
async def test_a_warm_document_runs_first_on_the_plan_that_it_usually_runs_by(engine: Engine, case: str) -> None:
    query, variables = WARMED[case]
    prepared = engine.warm(query)
    assert isinstance(prepared, Prepared)
    planned = dict(engine._plans.items())
    assert len(planned) == 1
    assert all(planned.values())
    answer, _ = await run(engine, query, frozenset(), **variables)
    assert answer["data"]["things"]
    assert dict(engine._plans.items()) == planned


async def test_a_warm_document_stays_known_however_many_others_come(engine: Engine) -> None:
    warm, other = engine.warm("{ mine }"), engine.prepare("{ things { name } }")
    for number in range(600):
        engine.prepare(f"{{ mine }} # {number}")
    assert engine.prepare("{ mine }") is warm
    assert engine.prepare("{ things { name } }") is not other


def test_a_warm_document_that_cannot_run_says_why(engine: Engine) -> None:
    assert isinstance(engine.warm("{ nothing }"), list)


@pytest.mark.parametrize(
    "query",
    ["", "{", "{ nothing }", "{" + " mine" * 300 + "}", "{ things }", "{" * 5000, "query A { mine } query A { mine }"],
    ids=["empty", "open", "unknown field", "too many tokens", "no selection", "deep", "same name"],
)
def test_a_document_that_cannot_run_says_why(engine: Engine, query: str) -> None:
    errors = engine.prepare(query)
    assert isinstance(errors, list)
    assert errors
    assert all(isinstance(error, GraphQLError) for error in errors)


async def test_an_operation_that_no_name_picks_has_no_data(engine: Engine) -> None:
    answer, _ = await run(engine, "query A { mine } query B { mine }", frozenset())
    assert "data" not in answer
    assert answer["errors"]


async def test_a_failing_resolver_nulls_its_field_alone(engine: Engine) -> None:
    answer, context = await run(engine, "{ boom mine }", frozenset())
    assert answer["data"] == {"boom": None, "mine": "either"}
    assert [error["path"] for error in answer["errors"]] == [["boom"]]
    assert context.closed
