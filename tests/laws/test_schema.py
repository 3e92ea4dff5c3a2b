"""Laws 2, 3 and 9 on the schema and the model: what is printed is what runs, what is guarded is nullable, what is
sensitive is guarded.
"""

import dataclasses
import typing
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    get_named_type,
    parse,
    value_from_ast_untyped,
)

from domain import model, values
from domain.access import SCOPES
from engine.guards import Guards, read_guard
from graph import schema as graph_schema
from resolvers.entities import KINDS

ROOT = Path(__file__).parents[2]
SENSITIVE_TYPES = {
    "Money",
    "OrderTotals",
    "Aging",
    "Invoice",
    "InvoiceConnection",
    "InvoiceLine",
    "Document",
    "ProofOfDelivery",
}
INSIDE_THEIR_OWN_TYPE = {("InvoiceConnection", "nodes"), ("InvoiceEdge", "node")}
"""A connection is reached only through a guarded field; its own rows need no second guard."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return graph_schema.executable(graph_schema.build())


def fields(schema: GraphQLSchema) -> Iterator[tuple[str, str, GraphQLField]]:
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("_"):
            for name, field in type_.fields.items():
                if not name.startswith("_"):
                    yield type_.name, name, field


def test_the_committed_schema_is_the_printed_one() -> None:
    printed = graph_schema.sdl(graph_schema.build())
    assert (ROOT / "schema.graphql").read_text() == printed, "run `make schema`"


def test_every_guarded_field_is_nullable(schema: GraphQLSchema) -> None:
    guarded = [(type_, name, field) for type_, name, field in fields(schema) if read_guard(field)]
    assert guarded
    assert [f"{type_}.{name}" for type_, name, field in guarded if isinstance(field.type, GraphQLNonNull)] == []


def test_every_sensitive_field_is_guarded(schema: GraphQLSchema) -> None:
    bare = {
        (type_, name)
        for type_, name, field in fields(schema)
        if get_named_type(field.type).name in SENSITIVE_TYPES and not read_guard(field)
    }
    assert bare - INSIDE_THEIR_OWN_TYPE == set()


LED_TO = {"Line": "order:read"} | {name: kind.scope for name, kind in KINDS.items()}
"""The scope without which nothing of a kind exists."""

WITHIN = {"ReturnLine": "return:read", "InvoiceLine": "invoice:read", "ShipmentLine": "order:read"}
"""The scope that whoever stands on a part of something holds already."""

TOLD_OF_ORDERS = {"OrderUpdate", "ShipmentUpdate", "Activity", "TimelineEvent", "LineDiscrepancy"}
"""Reached with `order:read` only."""


def test_every_way_to_an_object_needs_the_scope_of_its_kind(schema: GraphQLSchema) -> None:
    """Whoever may read invoices is led to no order by one."""
    held = dict.fromkeys(TOLD_OF_ORDERS, "order:read") | WITHIN | LED_TO
    open_ways = [
        f"{type_}.{name}"
        for type_, name, field in fields(schema)
        if (scope := LED_TO.get(get_named_type(field.type).name))
        and not type_.endswith(("Connection", "Edge"))
        and held.get(type_) != scope
        and not ((guard := read_guard(field)) and all(scope in each for each in guard.scopes))
    ]
    assert open_ways == []


def test_every_scope_a_guard_asks_for_exists(schema: GraphQLSchema) -> None:
    guards = Guards(schema)
    assert guards.scopes_of(list(guards.by_field)) <= set(SCOPES)


def test_the_sdl_prints_what_the_engine_enforces(schema: GraphQLSchema) -> None:
    printed = graph_schema.sdl(graph_schema.build())
    nodes = {
        (type_.name.value, field.name.value): field
        for type_ in parse(printed).definitions
        if isinstance(type_, ObjectTypeDefinitionNode)
        for field in type_.fields or ()
    }
    for key, guard in Guards(schema).by_field.items():
        directives = {directive.name.value: directive for directive in nodes[key].directives or ()}
        if not guard.scopes:
            assert "authenticated" in directives, key
            continue
        (scopes,) = directives["requiresScopes"].arguments or ()
        alternatives = value_from_ast_untyped(scopes.value)
        assert tuple(frozenset(each) for each in alternatives) == guard.scopes


def test_every_type_and_enum_is_described(schema: GraphQLSchema) -> None:
    foreign = {"FieldSet", "Query"}
    own = [t for t in schema.type_map.values() if "__" not in t.name and not t.name.startswith("_")]
    silent = [t.name for t in own if not t.description and t.name not in foreign]
    assert silent == []


ENTITIES = [
    each
    for module in (model, values)
    for each in vars(module).values()
    if isinstance(each, type) and dataclasses.is_dataclass(each) and each.__module__ == module.__name__
]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
def test_no_entity_holds_a_float_and_only_moments_and_provenance_hold_a_datetime(entity: type) -> None:
    bare = {values.Moment, values.Provenance}
    for name, hint in typing.get_type_hints(entity).items():
        parts = {hint, *typing.get_args(hint)}
        assert float not in parts, f"{entity.__name__}.{name}"
        assert entity in bare or datetime not in parts, f"{entity.__name__}.{name}"


def test_a_moment_refuses_a_naive_time() -> None:
    with pytest.raises(ValueError, match="aware"):
        values.Moment(datetime(2026, 1, 1))  # noqa: DTZ001
