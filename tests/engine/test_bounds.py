"""A plan's size is bounded, and nothing a document says reaches generated code but as a checked name."""

import asyncio
import gc
import weakref
from dataclasses import dataclass, field

import pytest
import strawberry
from graphql.execution.values import VariableValues

from engine.compile import MOST_FIELDS
from engine.execute import COMPILED_AT_ONCE, Mode, Prepared
from tests.engine.documents import Asked
from tests.engine.same import Pair, answer, boundless
from tests.engine.strange import Nobody


@strawberry.type
class Knot:
    name: str = "knot"
    again: "Knot" = strawberry.field(resolver=lambda: Knot())  # noqa: PLW0108 (there is no Knot yet)

    @strawberry.field
    def echo(self, text: str) -> str:
        return text


@strawberry.type
class Query:
    knot: Knot = field(default_factory=Knot)

    @strawberry.field
    def root(self) -> Knot:
        return Knot()


@dataclass
class Root:
    knot: Knot = field(default_factory=Knot)


def same(text: str) -> dict[str, object]:
    async def both() -> dict[str, object]:
        pair = Pair.of(strawberry.Schema(query=Query)._schema)
        asked = Asked(text, {}, None)
        ours = await answer(pair.compiled, asked, Nobody(), Root())
        assert ours == await answer(pair.core, asked, Nobody(), Root())
        return dict(ours)

    return asyncio.run(both())


def nested(depth: int) -> str:
    return "{ root { " + "again { " * depth + "name" + " }" * depth + " } }"


@pytest.mark.parametrize("depth", [1, 30, 100])
def test_deep_selections_are_answered_alike(depth: int) -> None:
    assert "errors" not in same(nested(depth))


@pytest.mark.parametrize("alias", ["class", "None", "__debug__", "_", "o", "w", "run", "plain", "x" * 1000])
def test_no_alias_means_anything_to_generated_code(alias: str) -> None:
    assert same(f"{{ {alias}: root {{ {alias}: name }} }}") == {"data": {alias: {alias: "knot"}}}


@pytest.mark.parametrize("text", ["'); raise SystemExit #", '\\"\\"\\"', "\\n\\u0000{}", "ünï"])
def test_no_argument_means_anything_to_generated_code(text: str) -> None:
    assert "errors" not in same(f'{{ root {{ echo(text: "{text}") }} }}')


async def test_a_plan_that_would_be_too_large_is_not_made() -> None:
    engine = boundless(strawberry.Schema(query=Query)._schema, Mode.COMPILED)
    halves = [f"fragment F{n} on Knot {{ a: again {{ ...F{n + 1} }} b: again {{ ...F{n + 1} }} }}" for n in range(40)]
    prepared = engine.prepare(f"{{ root {{ ...F0 }} }} {' '.join(halves)} fragment F40 on Knot {{ name }}")
    assert isinstance(prepared, Prepared), prepared
    node = prepared.operation(None)
    assert node is not None
    assert await engine._plan(prepared, node, VariableValues({}, {})) is None


async def test_an_operation_of_many_fields_is_answered_alike_while_it_is_compiled_and_after() -> None:
    pair = Pair.of(strawberry.Schema(query=Query)._schema)
    aliases = " ".join(f"a{n}: name" for n in range(2 * COMPILED_AT_ONCE))
    asked = Asked(f"{{ root {{ {aliases} }} }}", {}, None)
    prepared = pair.compiled.prepare(asked.text)
    assert isinstance(prepared, Prepared), prepared
    node = prepared.operation(None)
    assert node is not None
    together = await asyncio.gather(*(answer(pair.compiled, asked, Nobody(), Root()) for _ in range(3)))
    assert together == [await answer(pair.core, asked, Nobody(), Root())] * 3
    assert await pair.compiled._plan(prepared, node, VariableValues({}, {})) is not None


async def test_nothing_of_an_operation_waits_for_the_collector() -> None:
    engine = boundless(strawberry.Schema(query=Query)._schema, Mode.COMPILED)
    contexts: list[weakref.ref[Nobody]] = []
    gc.disable()
    try:
        for text in ('{ root { echo(text: "a") } }', '{ knot { again { echo(text: "a") } } }'):
            context = Nobody()
            contexts.append(weakref.ref(context))
            assert "errors" not in await answer(engine, Asked(text, {}, None), context, Root())
            del context
        assert [context() for context in contexts] == [None, None]
    finally:
        gc.enable()


def test_aliases_beyond_a_plans_size_run_on_graphql_core() -> None:
    aliases = " ".join(f"a{n}: name" for n in range(MOST_FIELDS + 1))
    assert len(same(f"{{ root {{ {aliases} }} }}")["data"]["root"]) == MOST_FIELDS + 1  # type: ignore[index]
