"""An operation's price is what running it costs when every list is as long as it may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import strawberry
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    get_named_type,
    get_nullable_type,
    get_operation_ast,
    is_composite_type,
    is_list_type,
    parse,
    validate,
)
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.federation import Schema
from strawberry.federation.schema_directives import Cost as CostDirective
from strawberry.federation.schema_directives import ListSize

from engine.cost import Cost, Costs, Price, refusal
from engine.limits import SAFE
from engine.pricing import Pricing
from tests.engine.documents import document


def schema(abstract: str, *, near: str) -> GraphQLSchema:
    return build_schema(f"""
        type Query {{
          row: Row
          rows: [Row!]!
          few(first: Int = 3): [Row!]
          page(first: Int, last: Int, after: String): Page
          listed(ids: [ID!]!): [Row]!
          {abstract}
        }}
        type Mutation {{ change: Row }}
        interface Thing {{ id: ID near: {near} }}
        type Row implements Thing {{
          id: ID
          near: {near}
          dear: String
          tags: [String!]
          rows: [Row!]
          page(first: Int, last: Int): Page
        }}
        type Other implements Thing {{ id: ID near: {near} cheap: String rows: [Row!] }}
        union Either = Row | Other
        type Page {{ edges: [Edge!]! nodes: [Row!]! end: End! }}
        type Edge {{ node: Row! cursor: String }}
        type End {{ more: Boolean }}
    """)


PLAIN = schema("", near="Row")
SCHEMA = schema("thing: Thing things: [Thing] either: Either", near="Thing")
PAGE = Cost(5, 4, ("first", "last"), ("edges", "nodes"))
COSTS = Costs(
    {
        ("Query", "few"): Cost(2, None, ("first",)),
        ("Query", "page"): PAGE,
        ("Query", "listed"): Cost(0, None, ("ids",)),
        ("Row", "page"): PAGE,
        ("Row", "dear"): Cost(7),
        ("Mutation", "change"): Cost(10),
    },
    {"Page": 0, "Edge": 0, "End": 0, "Other": 3},
    list_size=2,
)


@dataclass(frozen=True)
class Case:
    """An operation of a schema, with the values of its variables."""

    text: str
    given: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    schema: GraphQLSchema = SCHEMA
    costs: Costs = COSTS

    @classmethod
    def random(cls, schema: GraphQLSchema, seed: int) -> "Case":
        asked = document(schema, f"cost {seed}", depth=4)
        return cls(asked.text, asked.variables, asked.operation, schema)

    @property
    def document(self) -> DocumentNode:
        return parse(self.text)

    @property
    def operation(self) -> OperationDefinitionNode:
        found = get_operation_ast(self.document, self.name)
        assert found is not None
        return found

    @property
    def variables(self) -> Mapping[str, Any]:
        values = get_variable_values(self.schema, self.operation.variable_definitions or (), dict(self.given))
        assert isinstance(values, VariableValues)
        return values.coerced

    @property
    def price(self) -> Price:
        assert validate(self.schema, self.document) == []
        definitions = (each for each in self.document.definitions if isinstance(each, FragmentDefinitionNode))
        fragments = {each.name.value: each for each in definitions}
        return Pricing(self.schema, self.costs).price(self.operation, fragments, self.variables)


@pytest.mark.parametrize(
    ("text", "given", "cost"),
    [
        ("{ row { id } }", {}, 1),
        ("{ row { id dear tags } }", {}, 1 + 7),
        ("{ rows { id } }", {}, 2),
        ("{ few { id } }", {}, 2 + 3),
        ("{ few(first: 50) { id } }", {}, 2 + 50),
        ("{ few(first: null) { id } }", {}, 2 + 2),
        ("{ few(first: -50) { id } }", {}, 2),
        ("query ($n: Int) { few(first: $n) { id } }", {}, 2 + 3),
        ("query ($n: Int) { few(first: $n) { id } }", {"n": None}, 2 + 2),
        ("query ($n: Int) { few(first: $n) { id } }", {"n": 9}, 2 + 9),
        ("query ($n: Int = 8) { few(first: $n) { id } }", {}, 2 + 8),
        ("{ listed(ids: [1, 2, 3]) { id } }", {}, 3),
        ("{ listed(ids: 1) { id } }", {}, 1),
        ("query ($ids: [ID!]!) { listed(ids: $ids) { id } }", {"ids": ["a"] * 40}, 40),
        ("query ($id: ID!) { listed(ids: [$id, $id]) { id } }", {"id": "a"}, 2),
        ("{ page { end { more } } }", {}, 5),
        ("{ page { nodes { id } } }", {}, 5 + 4),
        ("{ page(first: 10) { edges { cursor node { id dear } } end { more } } }", {}, 5 + 10 * (1 + 7)),
        ("{ page(first: 10, last: 20) { nodes { id } } }", {}, 5 + 20),
        ("query ($n: Int) { page(first: 10, last: $n) { nodes { id } } }", {"n": 3}, 5 + 10),
        ("query ($n: Int) { page(first: $n) { nodes { page(first: $n) { nodes { id } } } } }",
         {"n": 6}, 5 + 6 * (1 + 5 + 6)),
        ("{ page(first: 0) { nodes { dear } } }", {}, 5),
        ("{ thing { id } }", {}, 3),
        ("{ thing { ... on Row { dear } } }", {}, 1 + 7),
        ("{ thing { ... on Row { id } ... on Other { rows { dear } } } }", {}, 3 + 2 * 8),
        ("{ thing { ... on Row { rows { dear } } } }", {}, 1 + 2 * 8),
        ("{ row { ...F } a: row { ...F } } fragment F on Row { rows { dear } }", {}, 2 * (1 + 2 * 8)),
        ("{ either { __typename ... on Thing { id } } }", {}, 3),
        ("{ things { near { ... on Row { dear } } } }", {}, 2 * (3 + 8)),
        ("{ row { dear } row { dear id } a: row { dear } }", {}, 8 + 8),
        ("{ ...A ...B } fragment A on Query { row { dear } } fragment B on Query { row { id dear near { id } } }",
         {}, 8 + 3),
        ("query ($v: Boolean!) { row { dear @skip(if: $v) } }", {"v": True}, 1),
        ("query ($v: Boolean!) { row { dear @skip(if: $v) } }", {"v": False}, 8),
        ("query ($v: Boolean!) { ... @include(if: $v) { row { dear } } rows { id } }", {"v": False}, 2),
        ("{ row @include(if: true) { id dear @skip(if: true) } }", {}, 1),
        ("{ __schema { types { fields { name } } } __typename }", {}, 0),
        ("mutation { change { id } }", {}, 11),
        ("{ few(first: 1000000000) { rows { rows { rows { id } } } } }", {}, 2 + 10**9 * (1 + 2 + 4 + 8)),
    ],
)  # fmt: skip
def test_an_operation_costs(text: str, given: Mapping[str, Any], cost: int) -> None:
    case = Case(text, given)
    assert case.price(case.variables) == cost
    assert told(case) == cost


def told(case: Case) -> int:
    return sum(share for _, share in case.price.largest(case.variables, 100))


def test_one_price_serves_every_value_of_a_variable() -> None:
    price = Case("query ($n: Int) { page(first: $n) { nodes { dear } } rows { id } }").price
    assert [price({"n": n}) for n in (0, 1, 100)] == [5 + 8 * n + 2 for n in (0, 1, 100)]


def test_a_list_may_need_exactly_one_slicing_argument() -> None:
    costs = Costs({("Query", "page"): Cost(1, 4, ("first", "last"), ("nodes",), require_one_slicing_argument=True)})
    assert Case("{ page(first: 1) { nodes { id } } }", costs=costs).price({}) == 1 + 1 + 1
    for arguments in ("(first: 1, last: 1)", '(after: "x")', ""):
        with pytest.raises(GraphQLError, match="exactly one of the arguments first, last"):
            _ = Case("{ page" + arguments + " { nodes { id } } }", costs=costs).price


def test_what_is_too_dear_is_told_with_the_fields_that_make_it_so() -> None:
    price = Case("query ($n: Int) { page(first: $n) { nodes { dear rows { id } } } }").price
    assert refusal(price, {"n": 10}, 5 + 100) is None
    error = refusal(price, {"n": 10}, 5 + 99)
    assert error is not None
    assert error.extensions == {
        "code": "COST_LIMIT",
        "cost": {
            "requested": 105,
            "limit": 104,
            "largest": [
                {"field": "Row.dear", "cost": 70},
                {"field": "Row.rows", "cost": 20},
                {"field": "Page.nodes", "cost": 10},
                {"field": "Query.page", "cost": 5},
            ],
        },
    }


def test_a_price_beyond_what_json_carries_is_told_as_the_largest_it_does() -> None:
    text = (
        "query ($n: Int) { page(first: $n) { nodes {" + " page(first: $n) { nodes {" * 9 + " dear" + "} }" * 10 + " }"
    )
    error = refusal(Case(text).price, {"n": 2**31 - 1}, 10_000)
    assert error is not None
    assert error.extensions is not None
    assert error.extensions["cost"]["requested"] == SAFE


def test_abstract_types_within_abstract_types_do_not_multiply_the_work() -> None:
    depth = 150
    text = "{ thing {" + " near {" * depth + " id" + " }" * depth + " } }"
    price = Case(text).price
    assert price({}) == 3 * (depth + 1)
    assert len(price.choices) == depth + 2


def test_fragments_that_multiply_are_priced_once() -> None:
    chain = "".join(f"fragment F{i} on Row {{ ...F{i + 1} ...F{i + 1} near {{ id }} }} " for i in range(60))
    price = Case(f"{{ row {{ ...F0 }} }} {chain} fragment F60 on Row {{ dear }}").price
    assert price({}) == 1 + 7 + 3


def test_one_selection_costs_what_each_type_says_it_does() -> None:
    sdl = """
        type Query { it: It }
        interface It { page: Page }
        type Small implements It { page: Page }
        type Large implements It { page: Page }
        type Page { nodes: [Small] }
    """
    sizes = {("Small", "page"): 2, ("Large", "page"): 7}
    costs = Costs({key: Cost(0, size, (), ("nodes",)) for key, size in sizes.items()}, object_weight=1)
    price = Case("{ it { page { nodes { __typename } } } }", schema=build_schema(sdl), costs=costs).price
    assert price({}) == 1 + 1 + 7


@pytest.mark.parametrize("seed", range(100))
def test_a_price_is_what_running_costs(seed: int) -> None:
    """Where no type is abstract."""
    case = Case.random(PLAIN, seed)
    assert case.price(case.variables) == Running(case).spend("Row")
    assert told(case) == case.price(case.variables)


@pytest.mark.parametrize("seed", range(100))
def test_no_type_that_an_abstract_one_may_be_costs_more_than_the_price(seed: int) -> None:
    case = Case.random(SCHEMA, seed)
    assert max(Running(case).spend(kind) for kind in ("Row", "Other")) <= case.price(case.variables)
    assert told(case) == case.price(case.variables)


class Running:
    """graphql-core runs the operation over lists as long as they may be; every abstract type is of one kind."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._kind = ""
        self._spent = 0

    def spend(self, kind: str) -> int:
        self._kind, self._spent = kind, 0
        result = execute_sync(
            self._case.schema,
            self._case.document,
            variable_values=dict(self._case.given),
            operation_name=self._case.name,
            field_resolver=self._resolve,
            type_resolver=lambda *_: kind,
        )
        assert not result.errors, result.errors
        return self._spent

    def _resolve(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        key = (info.parent_type.name, info.field_name)
        cost = COSTS.fields.get(key, Cost())
        told = [_size(arguments[name]) for name in cost.slicing_arguments if arguments.get(name) is not None]
        size = max(told, default=COSTS.list_size if cost.assumed_size is None else cost.assumed_size)
        self._spent += cost.weight
        type_ = get_named_type(info.return_type)
        if not is_composite_type(type_):
            return None
        name = type_.name if type_.name in ("Row", "Page", "Edge", "End") else self._kind
        weight = COSTS.types.get(name, 1)
        if not is_list_type(get_nullable_type(info.return_type)):
            self._spent += weight
            return size
        objects = source if info.parent_type.name == "Page" else size
        self._spent += objects * weight
        return [0] * objects


def _size(value: Any) -> int:
    return len(value) if isinstance(value, list) else max(value, 0)


@strawberry.type(directives=[CostDirective(weight=0)])
class Box:
    items: list[str] = strawberry.field(default_factory=list)


def _boxes(first: int | None = None) -> Box:
    return Box()


@strawberry.type
class Query:
    plain: str = "x"
    dear: str = strawberry.field(default="x", directives=[CostDirective(weight=4)])

    boxes: Box = strawberry.field(
        resolver=_boxes,
        directives=[
            CostDirective(weight=2),
            ListSize(
                assumed_size=20,
                slicing_arguments=["first"],
                sized_fields=["items"],
                require_one_slicing_argument=False,
            ),
        ],
    )


def test_costs_are_those_the_schema_prints() -> None:
    printing = Schema(query=Query, federation_version="2.9")
    assert Costs.of(printing._schema) == Costs(
        {("Query", "dear"): Cost(4), ("Query", "boxes"): Cost(2, 20, ("first",), ("items",))}, {"Box": 0}
    )
    printed = printing.as_str()
    assert "type Box @cost(weight: 0)" in printed
    assert "dear: String! @cost(weight: 4)" in printed
    assert '@listSize(assumedSize: 20, slicingArguments: ["first"], sizedFields: ["items"]' in printed
