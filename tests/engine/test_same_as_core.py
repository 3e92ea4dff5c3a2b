"""Any document that graphql-core accepts gives the same data and errors by compiled plan, and any it refuses is refused
alike: over schemas and data made to be nasty.
"""

import asyncio
import gc
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product

import pytest
from graphql import GraphQLSchema, print_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import queries

from engine.execute import Context
from tests.engine import shapes, strange
from tests.engine.documents import Asked, document
from tests.engine.same import Answer, Pair, answer, difference
from tests.engine.shapes import Caller, Shape
from tests.engine.strange import Nature, Nobody, Thing

pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""graphql-core leaves coroutines behind where it gives up; each test sweeps up after itself."""

NATURES = (Nature(0, 0), Nature(0.02, 0), Nature(0.2, 0), Nature(0, 0.3), Nature(0.02, 0.2), Nature(0.2, 0.3))
SCOPES = (frozenset[str](), frozenset({"see"}), frozenset({"pay", "see"}))
PARTS = 8
DOCUMENTS = 32
"""Of each schema in each part."""


class Case:
    """One way to run a document. ``exactly``: nothing is awaited, so errors come in one order."""

    def __init__(self, context: Callable[[], Context], root: object, *, exactly: bool) -> None:
        self.context = context
        self.root = root
        self.exactly = exactly


def nasty(seed: int, asked: Asked) -> Iterable[Case]:
    for nature, nth in product(NATURES, range(2)):
        exactly = not nature.awaited and "Later" not in asked.text
        yield Case(Nobody, Thing(f"root {seed} {nth}", nature), exactly=exactly)


def ordinary(seed: int, _: Asked) -> Iterable[Case]:
    for wrong, scopes in product((0, 0.05, 0.3), SCOPES):
        yield Case(partial(Caller, scopes), Shape.of(f"root {seed}", wrong), exactly=False)


SCHEMAS: Mapping[str, tuple[Callable[[], GraphQLSchema], Callable[[int, Asked], Iterable[Case]]]] = {
    "nasty": (lambda: strange.SCHEMA, nasty),
    "as the product's": (shapes.build, ordinary),
}


async def check(name: str, seeds: range) -> int:
    """How many cases there were; fails at the first that differs."""
    build, cases = SCHEMAS[name]
    pair, ran, refused = Pair.of(build()), 0, 0
    for seed in seeds:
        asked = document(pair.core.schema, seed, depth=4)
        refused += isinstance(pair.core.prepare(asked.text), list)
        for case in cases(seed, asked):
            ran += 1
            answers = [await answer(engine, asked, case.context(), case.root) for engine in (pair.compiled, pair.core)]
            found = difference(*answers, exactly=case.exactly)
            if found:
                said = (f"{name}, seed {seed}: {found}", asked.text, repr(asked.variables), repr(case.root))
                pytest.fail("\n".join([*said, "compiled:", repr(answers[0]), "core:", repr(answers[1])]))
    assert refused < len(seeds) / 5, "too many documents are refused to show anything"
    return ran


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_plan_answers_as_graphql_core_does(schema: str, part: int) -> None:
    assert asyncio.run(check(schema, range(part * DOCUMENTS, (part + 1) * DOCUMENTS))) >= DOCUMENTS * 9
    gc.collect()


@settings(max_examples=80, derandomize=True)
@given(queries(print_schema(strange.SCHEMA)), st.sampled_from(NATURES))
def test_what_hypothesis_asks_is_answered_alike(text: str, nature: Nature) -> None:
    async def both() -> tuple[Answer, Answer]:
        pair, asked, root = Pair.of(strange.SCHEMA), Asked(text, {}, None), Thing("hypothesis", nature)
        return await answer(pair.compiled, asked, Nobody(), root), await answer(pair.core, asked, Nobody(), root)

    assert difference(*asyncio.run(both()), exactly=False) is None
    gc.collect()


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_two_hundred_thousand_cases_answer_as_graphql_core_does() -> None:
    """SOAK_CASES says how many; SOAK_SEED where they begin."""
    wanted, seed, ran = int(os.environ.get("SOAK_CASES", "200000")), int(os.environ.get("SOAK_SEED", "1000000")), 0
    while ran < wanted:
        for schema in SCHEMAS:
            ran += asyncio.run(check(schema, range(seed, seed + 100)))
        seed += 100
        gc.collect()
        print(f"{ran} cases the same, up to seed {seed}", flush=True)  # noqa: T201 (a soak's report)


# -- the comparison can fail -------------------------------------------------------------------------------------------

WRONG = {"message": "no", "path": ["a", 0, "b"], "locations": [], "kind": "Broken", "extensions": {}}
RIGHT = {"data": {"a": [{"b": None}, None], "c": 1.0}, "errors": [WRONG]}


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"a": [{"b": None}, None], "c": 1.0}},
        {"data": {"c": 1.0, "a": [{"b": None}, None]}, "errors": [WRONG]},
        {"data": {"a": [None, {"b": None}], "c": 1.0}, "errors": [WRONG]},
        {"data": {"a": [{"b": None}, None], "c": 1}, "errors": [WRONG]},
        {"data": {"a": [{"b": None}, None], "c": 1.0}, "errors": [WRONG, WRONG]},
        {"data": {"a": [{"b": None}, None], "c": 1.0}, "errors": [WRONG | {"message": "yes"}]},
        {"data": {"a": [{"b": None}, None], "c": 1.0}, "errors": [WRONG | {"path": ["a", 1]}]},
        {"data": {"a": [{"b": None}, None], "c": 1.0}, "errors": [WRONG | {"kind": "NoneType"}]},
        {"errors": [WRONG]},
    ],
    ids=["no error", "order of keys", "place of null", "kind of number", "twice", "words", "path", "cause", "no data"],
)
@pytest.mark.parametrize("exactly", [True, False])
def test_a_wrong_answer_is_found(other: Mapping[str, object], exactly: bool) -> None:
    assert difference(RIGHT, RIGHT, exactly=exactly) is None
    assert difference(RIGHT, other, exactly=exactly) is not None
