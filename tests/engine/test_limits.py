"""Documents are refused for their size before they are validated, and counted exactly however their fragments
multiply.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_introspection_query,
    parse,
)

from engine.limits import SAFE, WORDS, Limits, Reader, Shape, check_variables, measure
from graph import schema as graph_schema

SCHEMA = build_schema("""
    type Query { me: Person people(ids: [ID!], like: Like, first: Int): [Person!] name: String }
    type Person { name: String friend(as: String): Person friends: [Person!] }
    input Like { name: String age: Int like: Like }
""")
EXAMPLES = sorted((Path(__file__).parents[2] / "examples/queries").glob("*.graphql"))


def read(text: str, **limits: int) -> DocumentNode | dict[str, Any]:
    """The document, or the extensions of what refuses it; those of a mistake in it are empty."""
    found = Reader(SCHEMA, Limits(**limits)).read(text)
    return found if isinstance(found, DocumentNode) else dict(found[0].extensions or {})


def doubling(levels: int) -> str:
    """2^levels times ``name``."""
    chain = "".join(f"fragment F{i} on Person {{ ...F{i + 1} ...F{i + 1} }} " for i in range(levels))
    return f"{{ me {{ ...F0 }} }} {chain} fragment F{levels} on Person {{ name }}"


EXACTLY: Mapping[str, tuple[int, Callable[[int], str]]] = {
    "characters": (40, "{ name }".ljust),
    "lines": (7, lambda n: "{ name" + "\n" * (n - 2) + "\r}"),
    "tokens": (9, lambda n: "{" + " name" * (n - 2) + "}"),
    "operations": (3, lambda n: " ".join(f"query Q{i} {{ name }}" for i in range(n))),
    "fragments": (
        3,
        lambda n: (
            "{"
            + "".join(f"...F{i} " for i in range(n))
            + "}"
            + "".join(f"fragment F{i} on Query {{ name }}" for i in range(n))
        ),
    ),
    "directives": (4, lambda n: "query ($v: Boolean!) {" + " name @skip(if: $v)" * n + "}"),
    "values": (
        5,
        lambda n: (
            "{ people(ids: [" + '"1" ' * (n - 3) + ']) { friend(as: "x") { name } } p: people(first: 1) { name } }'
        ),
    ),
    "depth": (6, lambda n: "{ me" + "{ ... { friend" * (n - 2) + "{ name }" + "}}" * (n - 2) + "}"),
    "root_fields": (5, lambda n: "{ ...F name } fragment F on Query {" + " name" * (n - 1) + "}"),
    "fields": (9, lambda n: "{ me {" + " ...F" * (n - 1) + "} } fragment F on Person { name }"),
    "aliases": (7, lambda n: "{ a: me { x: name" + " ...F" * (n - 2) + "} } fragment F on Person { y: name }"),
}
"""Of each limit: a document that has exactly so many of it."""


@pytest.mark.parametrize("limit", EXACTLY)
def test_a_document_has_all_that_is_allowed_and_not_one_more(limit: str) -> None:
    most, text = EXACTLY[limit]
    assert isinstance(read(text(most), **{limit: most}), DocumentNode)
    refused = read(text(most + 1), **{limit: most})
    assert refused == {
        "code": "DEPTH_LIMIT" if limit == "depth" else "COST_LIMIT",
        "limit": limit,
        "most": most,
        **({} if limit == "tokens" else {"found": most + 1}),
    }


def test_every_limit_is_tried_and_has_words() -> None:
    names = {each.name for each in dataclasses.fields(Limits)} - {"errors"}
    assert names == set(WORDS)
    assert names == set(EXACTLY) | {"comparisons", "variables"}
    assert {each.name for each in dataclasses.fields(Shape)} < names


BOMBS: Mapping[str, tuple[str, str | None]] = {
    "fragments doubled 40 times": (doubling(40), "fields"),
    "fragments doubled 60 times": (doubling(60), "fragments"),
    "nothing doubled": (
        "{ name ...F0 }"
        + "".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }} " for i in range(40))
        + "fragment F40 on Query { me { name } }",
        "root_fields",
    ),
    "aliases": ("{ me {" + "".join(f"a{i}: name " for i in range(101)) + "} }", "aliases"),
    "root aliases": ("{" + "".join(f"a{i}: name " for i in range(26)) + "}", "root_fields"),
    "directives": ("{ name" + " @skop" * 200 + "}", "directives"),
    "depth": ("{ me" + "{ friend" * 30 + "{ name }" + "}" * 31, "depth"),
    "depth of the parser": ("{ me" + "{ friend" * 300 + "{ name }" + "}" * 301, "depth"),
    "depth by fragments": (
        "{ me { ...F0 } }"
        + "".join(f"fragment F{i} on Person {{ friend {{ ...F{i + 1} }} }} " for i in range(30))
        + "fragment F30 on Person { name }",
        "depth",
    ),
    "nested lists": ("{ people(ids: " + "[" * 300 + "]" * 300 + ") { name } }", "depth"),
    "tokens": ("{" + " name" * 5000 + "}", "tokens"),
    "comments": ("{ name" + " #" * 1 + "#" * 60_000 + "\n}", "characters"),
    "many comments": ("{ name\n" + "#\n" * 20_000 + "}", "lines"),
    "a long string": ('{ me { friend(as: "' + "x" * 60_000 + '") { name } } }', "characters"),
    "one field of many": ("{ me {" + " name" * 1000 + "} }", "fields"),
    "fields that could merge": ("{ me {" + " friend { name }" * 200 + "} }", "comparisons"),
    "fragments that could merge": (
        "{ me {"
        + "".join(f"...F{i} " for i in range(50))
        + "} }"
        + "".join(f"fragment F{i} on Person {{ friend {{ name }} friends {{ name }} }} " for i in range(50)),
        "comparisons",
    ),
    "members of an object": ("{ people(like: {" + "".join(f"x{i}: 1 " for i in range(300)) + "}) { name } }", "values"),
    "a cycle": (
        "{ me { ...A } } fragment A on Person { friend { ...B ...B } } fragment B on Person { ...A ...A }",
        None,
    ),
    "many cycles": (
        "{ me { ...F0 } }"
        + "".join(f"fragment F{i} on Person {{ {' '.join(f'...F{j}' for j in range(10))} }} " for i in range(40)),
        None,
    ),
}
"""Each with the limit that refuses it; None: validation does."""


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused(bomb: str) -> None:
    text, limit = BOMBS[bomb]
    refused = read(text)
    assert isinstance(refused, dict)
    assert refused.get("limit") == limit
    assert refused.get("code") == {None: None, "depth": "DEPTH_LIMIT"}.get(limit, "COST_LIMIT")


def test_what_fragments_multiply_is_counted_exactly_and_told_within_what_json_carries() -> None:
    assert measure(parse(doubling(60))).fields == 2**60 + 1
    refused = read(doubling(60), fragments=100)
    assert isinstance(refused, dict)
    assert refused["found"] == SAFE


def test_values_and_directives_count_wherever_they_stand() -> None:
    shape = measure(
        parse("""
            query ($a: [Int] = [1, 2] @one, $b: Like = { name: "x" } @two(of: [3])) @three {
              people(like: { like: { age: $b } }, first: 4) @four { ... @five { ...F @six } }
            }
            fragment F on Person @seven { name @skip(if: true) @nine(x: { y: [] }) }
        """)
    )
    assert shape.directives == 9
    assert shape.values == 3 + 2 + 2 + 4 + 1 + 2


def test_a_fragments_own_fields_are_no_root_fields_where_it_is_spread_below() -> None:
    assert measure(parse("{ me { ...F } } fragment F on Person { name a: name b: name }")).root_fields == 1


def test_mistakes_are_told_up_to_a_number() -> None:
    found = Reader(SCHEMA, Limits(errors=3)).read("{" + "".join(f"x{i} " for i in range(20)) + "}")
    assert isinstance(found, list)
    assert [error.message[:12] for error in found] == ["Cannot query"] * 3 + ["Too many val"]


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_the_examples_are_far_within_the_limits(path: Path, product: GraphQLSchema) -> None:
    text, limits = path.read_text(), Limits()
    document = Reader(product, limits).read(text)
    assert isinstance(document, DocumentNode)
    shape = measure(document)
    assert all(2 * getattr(shape, each.name) <= getattr(limits, each.name) for each in dataclasses.fields(Shape))


def test_tools_may_still_read_the_schema(product: GraphQLSchema) -> None:
    text = get_introspection_query(input_value_deprecation=True, specified_by_url=True, directive_is_repeatable=True)
    assert isinstance(Reader(product, Limits()).read(text), DocumentNode)


@pytest.fixture(scope="module")
def product() -> GraphQLSchema:
    return graph_schema.executable(graph_schema.build())


@pytest.mark.parametrize(
    "variables",
    [{"ids": ["1"] * 2000}, {"a": [[[]] * 2000]}, {"a": {str(i): i for i in range(2000)}}, {"a": [{"b": [1]}] * 700}],
    ids=["a list", "lists of lists", "an object", "mixed"],
)
def test_variables_hold_what_is_allowed(variables: Mapping[str, Any]) -> None:
    error = check_variables(variables, Limits())
    assert error is not None
    assert error.extensions == {"code": "COST_LIMIT", "limit": "variables", "most": 2000}
    assert check_variables(variables, Limits(variables=10_000)) is None


def test_each_value_of_the_variables_counts_once() -> None:
    variables = {"a": 1, "b": [1, [2, 3]], "c": {"d": {"e": None}}}
    assert check_variables(variables, Limits(variables=9)) is None
    assert check_variables(variables, Limits(variables=8)) is not None


def test_variables_nested_as_deep_as_json_goes_are_counted() -> None:
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    assert check_variables({"a": nested}, Limits()) is not None


@pytest.mark.parametrize("seed", range(200))
def test_counts_are_those_of_the_document_written_out(seed: int) -> None:
    document = parse(written(Random(seed)))
    shape = measure(document)
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    counts = [spread(each.selection_set, fragments, 0) for each in operations]
    assert shape.operations == len(operations)
    assert shape.fragments == len(fragments)
    for name in ("depth", "root_fields", "fields", "aliases"):
        assert getattr(shape, name) == max(count[name] for count in counts), name


def written(chance: Random) -> str:
    """A document whose fragments spread only later ones."""
    names = [f"F{i}" for i in range(chance.randint(0, 6))]

    def selection(known: list[str], depth: int) -> str:
        parts = [part(known, depth) for _ in range(chance.randint(1, 3))]
        return "{ " + " ".join(parts) + " }"

    def part(known: list[str], depth: int) -> str:
        kind = chance.random()
        if kind < 0.4 and known:
            return "..." + chance.choice(known)
        if kind < 0.55 and depth:
            return "... " + selection(known, depth - 1)
        alias = chance.choice(["", "a: ", "b: "])
        return alias + ("friend " + selection(known, depth - 1) if depth and kind < 0.8 else "name")

    fragments = [f"fragment {name} on Person {selection(names[i + 1 :], 2)}" for i, name in enumerate(names)]
    operations = [f"query Q{i} {selection(names, 3)}" for i in range(chance.randint(1, 3))]
    return "\n".join([*operations, *fragments])


def spread(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], above: int) -> Counter[str]:
    count: Counter[str] = Counter()
    for node in selections.selections:
        within, level = None, above
        match node:
            case FieldNode():
                count += Counter(fields=1, aliases=node.alias is not None, root_fields=not above)
                count["depth"] = max(count["depth"], above + 1)
                within, level = node.selection_set, above + 1
            case InlineFragmentNode():
                within = node.selection_set
            case FragmentSpreadNode():
                within = fragments[node.name.value].selection_set
        if within:
            below = spread(within, fragments, level)
            deepest = max(count["depth"], below["depth"])
            count += below
            count["depth"] = deepest
    return count
