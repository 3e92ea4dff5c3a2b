"""Law 4: every guarded field, for every kind of caller, by every path, agrees with the scopes its directive names.

The matrix is generated from the printed SDL; who holds which scope is read off the token, not off the code under test.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from graphql import (
    FieldDefinitionNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    ObjectTypeDefinitionNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
    value_from_ast_untyped,
)

from examples.distributor.world import World
from graph import schema as graph_schema
from resolvers import nodes
from tests.e2e.asking import Ask

SDL = graph_schema.sdl(graph_schema.build())
SCHEMA = build_schema(SDL, assume_valid=True, assume_valid_sdl=True)
PERSONAS = ("buyer", "ap", "branch", "rep", "service", "analyst", "operator", "stranger")


@dataclass(frozen=True)
class Guarded:
    type: str
    field: str
    scopes: frozenset[str]

    @property
    def selection(self) -> str:
        """The field with the least below it that can be asked for."""
        return select(self.type, self.field)


def fields_of(type_: GraphQLNamedType) -> dict[str, GraphQLField]:
    return type_.fields if isinstance(type_, GraphQLObjectType) else {}


def select(type_: str, field: str, depth: int = 0) -> str:
    named = get_named_type(fields_of(SCHEMA.type_map[type_])[field].type)
    if is_leaf_type(named):
        return field
    inner = fields_of(named)
    leaf = next((name for name, each in inner.items() if is_leaf_type(get_named_type(each.type))), None)
    if leaf is None and depth < 2:
        leaf = select(named.name, next(iter(inner)), depth + 1) if inner else "__typename"
    return f"{field} {{ {leaf or '__typename'} }}"


def guarded() -> Iterator[Guarded]:
    for definition in parse(SDL).definitions:
        if isinstance(definition, ObjectTypeDefinitionNode) and definition.name.value != "Query":
            for field in definition.fields or ():
                for scopes in _scopes(field):
                    yield Guarded(definition.name.value, field.name.value, scopes)


def _scopes(field: FieldDefinitionNode) -> Iterator[frozenset[str]]:
    for directive in field.directives or ():
        if directive.name.value == "requiresScopes":
            (scopes,) = directive.arguments or ()
            (alternative,) = value_from_ast_untyped(scopes.value)
            yield frozenset(alternative)


ENTITY = {
    "Order": "{0}",
    "OrderTotals": "totals {{ {0} }}",
    "Hold": "hold {{ {0} }}",
    "Line": "lines {{ {0} }}",
    "Shipment": "shipments {{ {0} }}",
    "Invoice": "invoices {{ {0} }}",
    "InvoiceLine": "invoices {{ lines {{ {0} }} }}",
    "Return": "returns {{ {0} }}",
    "ReturnLine": "returns {{ lines {{ {0} }} }}",
    "Customer": "customer {{ {0} }}",
    "Aging": "customer {{ aging {{ {0} }} }}",
    "OrderException": "exceptions {{ {0} }}",
}
"""How each type hangs below an order; a type that is not here fails the test below."""

PATHS = {
    "order": "order(number: $n) {{ {0} }}",
    "orders": "orders(filter: {{placedAfter: $from, placedBefore: $until}}) {{ nodes {{ {0} }} }}",
    "node": "node(id: $id) {{ ... on Order {{ {0} }} }}",
    "nodes": "nodes(ids: [$id]) {{ ... on Order {{ {0} }} }}",
    "search": "search(text: $n) {{ nodes {{ ... on Order {{ {0} }} }} }}",
    "entities": '_entities(representations: [{{__typename: "Order", number: $n}}]) {{ ... on Order {{ {0} }} }}',
}
TYPES = {"n": "String!", "id": "ID!", "from": "DateTime!", "until": "DateTime!"}
EXAMPLES = {"Hold": "on_hold", "OrderException": "delivery_exception"}
"""The case whose order has such an object, where the usual one has none."""


def test_every_guarded_type_has_a_place_in_the_matrix() -> None:
    assert {each.type for each in guarded()} <= set(ENTITY)


def scopes_of(token: str) -> frozenset[str]:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return frozenset(claims["scope"].split())


def needed(field: Guarded) -> frozenset[str]:
    """The scopes of the field and of what stands above it on the way from the order."""
    above = {"InvoiceLine": ("Order", "invoices"), "Invoice": ("Order", "invoices"), "ReturnLine": ("Order", "returns")}
    above |= {"Return": ("Order", "returns"), "OrderTotals": ("Order", "totals"), "Aging": ("Customer", "aging")}
    scopes = field.scopes
    for each in guarded():
        if (each.type, each.field) == above.get(field.type):
            scopes |= each.scopes
    return scopes


def sees(world: World, persona: str, number: str) -> bool:
    """Requirement A2, written from its words: hierarchy for portal users, territory for reps, all for the rest."""
    facts, account = world.personas[persona], world.orders[number].account
    if facts.territories:
        return any(account in world.territories[territory] for territory in facts.territories)
    return facts.account is None or account == facts.account or account in world.descendants(facts.account)


async def reached(ask: Ask, world: World, persona: str, path: str, field: Guarded) -> tuple[set[Any], frozenset[str]]:
    """What stands under ``field`` at the example order, and the scopes the answer says are missing."""
    number = ask.example(EXAMPLES.get(field.type, "rma_partly_received"))
    placed = world.orders[number].submitted_at
    window = {"from": placed.isoformat(), "until": (placed + timedelta(seconds=1)).isoformat()}
    variables = {"n": number, "id": nodes.encode("Order", number)} | window
    asked = PATHS[path].format(ENTITY[field.type].format(field.selection))
    used = {name: value for name, value in variables.items() if f"${name}" in asked}
    declared = ", ".join(f"${name}: {TYPES[name]}" for name in used)
    answer = await ask(persona, f"query ({declared}) {{ {asked} }}", **used)
    errors = answer.get("errors", ())
    assert {error["extensions"]["code"] for error in errors} <= {"FORBIDDEN_FIELD"}, answer
    missing = frozenset(scope for error in errors for scope in error["extensions"]["missingScopes"])
    below = list(answer["data"].values())
    return _values(below, field.field), missing


@pytest.mark.parametrize("path", PATHS)
async def test_every_guarded_field_obeys_its_scopes(ask: Ask, world: World, path: str) -> None:
    held = {persona: scopes_of(await ask.token(persona)) for persona in PERSONAS}
    for field in guarded():
        whole, _ = await reached(ask, world, "service", path, field)
        assert whole, field
        for persona in PERSONAS:
            values, missing = await reached(ask, world, persona, path, field)
            denied = needed(field) - held[persona]
            number = ask.example(EXAMPLES.get(field.type, "rma_partly_received"))
            cell = (field, persona, values, missing)
            if not sees(world, persona, number):
                assert values <= {None}, cell
            elif denied:
                assert values <= {None}, cell
                assert frozenset() < missing <= denied, cell
            else:
                assert values == whole, cell
                assert not missing, cell


def _values(data: Any, field: str) -> set[Any]:
    """What stands under ``field`` anywhere in an answer, containers as True."""
    if isinstance(data, list):
        return {value for each in data for value in _values(each, field)}
    if not isinstance(data, dict):
        return set()
    own = {True if isinstance(data[field], dict | list) else data[field]} if field in data else set()
    return own | {value for each in data.values() for value in _values(each, field)}
