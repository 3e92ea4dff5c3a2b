"""Law 4: every guarded field, for every kind of caller, by every path, agrees with the scopes its directive names.

The matrix is generated from the printed SDL; who holds which scope is read off the token, not off the code under test.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
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

from domain.changes import Change
from domain.events import Subject
from domain.model import CustomerId, OrderId
from examples.distributor.world import World
from graph import schema as graph_schema
from resolvers import nodes
from resolvers.links import PATH
from tests.e2e.asking import Ask

SDL = graph_schema.sdl(graph_schema.build())
SCHEMA = build_schema(SDL, assume_valid=True, assume_valid_sdl=True)
PATHS = frozenset(("Query", "Subscription", "Activity", "Viewer"))
"""What leads to objects and is none itself: its guards are those of the matrix's paths."""

ACTIVITY = "activity"
"""The path of what a subscriber is told."""

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
        if isinstance(definition, ObjectTypeDefinitionNode) and definition.name.value not in PATHS:
            for field in definition.fields or ():
                for scopes in _scopes(field):
                    yield Guarded(definition.name.value, field.name.value, scopes)


def _scopes(field: FieldDefinitionNode) -> Iterator[frozenset[str]]:
    for directive in field.directives or ():
        if directive.name.value == "requiresScopes":
            (scopes,) = directive.arguments or ()
            (alternative,) = value_from_ast_untyped(scopes.value)
            yield frozenset(alternative)


@dataclass(frozen=True)
class Anchor:
    """A kind of object that can be asked for by itself. ``below``: how each guarded type hangs below it."""

    scope: str
    below: Mapping[str, str]
    paths: Mapping[str, str]


def by_identity(kind: str, key: str) -> dict[str, str]:
    """The paths that every entity has."""
    return {
        "node": f"node(id: $id) {{{{ ... on {kind} {{{{ {{0}} }}}} }}}}",
        "nodes": f"nodes(ids: [$id]) {{{{ ... on {kind} {{{{ {{0}} }}}} }}}}",
        "entity": f'_entities(representations: [{{{{__typename: "{kind}", id: $id}}}}]) '
        f"{{{{ ... on {kind} {{{{ {{0}} }}}} }}}}",
        "search": f"search(text: $n) {{{{ nodes {{{{ ... on {kind} {{{{ id {{0}} }}}} }}}} }}}}",
        "root": f"{kind.lower()}({key}: $n) {{{{ {{0}} }}}}",
        ACTIVITY: f"customerActivity(after: $after) {{{{ cursor {kind.lower()} {{{{ {{0}} }}}} }}}}",
    }


ANCHORS = {
    "Order": Anchor(
        "order:read",
        {
            "Order": "{0}",
            "OrderTotals": "totals {{ {0} }}",
            "Hold": "hold {{ {0} }}",
            "Line": "lines {{ {0} }}",
            "Shipment": "shipments {{ {0} }}",
            "Invoice": "invoices {{ {0} }}",
            "InvoiceLine": "invoices {{ lines {{ {0} }} }}",
            "Document": "invoices {{ documents {{ {0} }} }}",
            "Return": "returns {{ {0} }}",
            "ReturnLine": "returns {{ lines {{ {0} }} }}",
            "Customer": "customer {{ {0} }}",
            "Aging": "customer {{ aging {{ {0} }} }}",
            "OrderException": "exceptions {{ {0} }}",
            "Address": "shipTo {{ {0} }}",
            "ShipTo": "customer {{ shipTos {{ {0} }} }}",
            "ProofOfDelivery": "shipments {{ proofOfDelivery {{ {0} }} }}",
        },
        by_identity("Order", "number")
        | {"orders": "orders(filter: {{placedAfter: $from, placedBefore: $until}}) {{ nodes {{ {0} }} }}"},
    ),
    "Shipment": Anchor(
        "order:read",
        {"Shipment": "{0}", "ProofOfDelivery": "proofOfDelivery {{ {0} }}"},
        by_identity("Shipment", "trackingNumber"),
    ),
    "Invoice": Anchor(
        "invoice:read",
        {"Invoice": "{0}", "InvoiceLine": "lines {{ {0} }}", "Document": "documents {{ {0} }}"},
        by_identity("Invoice", "number"),
    ),
    "Return": Anchor(
        "return:read", {"Return": "{0}", "ReturnLine": "lines {{ {0} }}"}, by_identity("Return", "rmaNumber")
    ),
    "Customer": Anchor(
        "order:read",
        {
            "Customer": "{0}",
            "Aging": "aging {{ {0} }}",
            "ShipTo": "shipTos {{ {0} }}",
            "Address": "shipTos {{ address {{ {0} }} }}",
        },
        by_identity("Customer", "number"),
    ),
}
TYPES = {"n": "String!", "id": "ID!", "from": "DateTime!", "until": "DateTime!"}
CASES = ("rma_partly_received", "held_after_shipping", "delivery_exception")
"""Between them, the orders of these cases have an object of every guarded type."""

MATRIX = [(name, path) for name, anchor in ANCHORS.items() for path in anchor.paths]
FIELDS = tuple(field for field in guarded() if field.type != "Mutation")
MUTATIONS = tuple(field for field in guarded() if field.type == "Mutation")
GIVEN = {"ID!": '"id"', "String!": '"words"'}
"""Something for each argument that must be given; what it names does not exist."""


def test_every_guarded_type_has_a_place_in_the_matrix() -> None:
    assert {each.type for each in FIELDS} <= set(ANCHORS["Order"].below)


def scopes_of(token: str) -> frozenset[str]:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return frozenset(claims["scope"].split())


def needed(kind: str, path: str, field: Guarded) -> frozenset[str]:
    """The scopes of the field, of its anchor, and of what stands between them, as the SDL prints them; those of the
    subscription too.
    """
    scopes, type_ = field.scopes | {ANCHORS[kind].scope} | ({"order:read"} if path == ACTIVITY else frozenset()), kind
    for step in re.findall(r"[A-Za-z]+", ANCHORS[kind].below[field.type]):
        scopes |= {scope for each in FIELDS if (each.type, each.field) == (type_, step) for scope in each.scopes}
        type_ = get_named_type(fields_of(SCHEMA.type_map[type_])[step].type).name
    return scopes


def sees(world: World, persona: str, number: str) -> bool:
    """Requirement A2, written from its words: hierarchy for portal users, territory for reps, all for the rest."""
    facts, account = world.personas[persona], world.orders[number].account
    if facts.territories:
        return any(account in world.territories[territory] for territory in facts.territories)
    return facts.account is None or account == facts.account or account in world.descendants(facts.account)


def own(world: World, persona: str) -> str:
    """An account that the persona sees."""
    facts = world.personas[persona]
    if facts.territories:
        return world.territories[facts.territories[0]][0]
    return facts.account or next(iter(world.accounts))


def identities(world: World, ask: Ask, kind: str, number: str) -> tuple[str, str] | None:
    """The local id of the object of ``kind`` that belongs to an order, and what a person would ask for it by."""
    warehouse = world.warehouse_order(number, ask.now)
    shipment = next(iter(warehouse.shipments), None) if warehouse else None
    invoice = next(iter(world.invoices_of(number, ask.now)), None)
    rma = next(iter(world.rmas_of(number, ask.now)), None)
    parcels = [package.tracking_number for package in shipment.packages if package.tracking_number] if shipment else []
    found = {
        "Order": (number, number),
        "Shipment": (shipment.number, parcels[0]) if shipment and parcels else None,
        "Invoice": (invoice.number, invoice.number) if invoice else None,
        "Return": (rma.number, rma.number) if rma else None,
        "Customer": (world.orders[number].account, world.orders[number].account),
    }
    return found[kind]


async def cells(
    ask: Ask, world: World, persona: str, *, kind: str, path: str, number: str
) -> tuple[dict[Guarded, set[Any]], frozenset[str]]:
    """What stands under each guarded field below the object, and the scopes the answer says are missing."""
    identity = identities(world, ask, kind, number)
    if identity is None:
        return {}, frozenset()
    local, sought = identity
    fields = {f"g{place}": field for place, field in enumerate(FIELDS) if field.type in ANCHORS[kind].below}
    selection = " ".join(
        ANCHORS[kind].below[field.type].format(f"{alias}: {field.selection}") for alias, field in fields.items()
    )
    order, placed = world.orders[number], world.orders[number].submitted_at
    window = {"from": placed.isoformat(), "until": (placed + timedelta(seconds=1)).isoformat()}
    asked = ANCHORS[kind].paths[path].format(selection)
    used = {
        name: each
        for name, each in ({"n": sought, "id": nodes.encode(kind, local)} | window).items()
        if f"${name}" in asked
    }
    declared = ", ".join(f"${name}: {TYPES[name]}" for name in used)
    if path == ACTIVITY:
        news = Change(
            subject=Subject[kind.upper()],
            id=local,
            order_id=OrderId(number),
            customer_id=CustomerId(order.account),
            ship_to_id=order.ship_to_id,
            at=ask.now,
            before=None,
            after=None,
        )
        answer = await ask.follow(persona, f"subscription ($after: String!) {{ {asked} }}", news, own(world, persona))
    else:
        answer = await ask(persona, f"query ({declared}) {{ {asked} }}", **used)
    errors = answer.get("errors", ())
    assert {error["extensions"]["code"] for error in errors} <= {"FORBIDDEN_FIELD"}, answer
    missing = frozenset(scope for error in errors for scope in error["extensions"]["missingScopes"])
    hits = answer["data"].get("search")
    found = [hit for hit in hits["nodes"] if hit.get("id") == nodes.encode(kind, local)] if hits else answer["data"]
    return {field: _values(found, alias) for alias, field in fields.items()}, missing


@pytest.mark.parametrize(("kind", "path"), MATRIX)
async def test_every_guarded_field_obeys_its_scopes(ask: Ask, world: World, kind: str, path: str) -> None:
    anchor = ANCHORS[kind]
    held = {persona: scopes_of(await ask.token(persona)) for persona in PERSONAS}
    reached: set[str] = set()
    for number in map(ask.example, CASES):
        whole, _ = await cells(ask, world, "service", kind=kind, path=path, number=number)
        reached |= {field.type for field, values in whole.items() if values}
        for persona in PERSONAS:
            told, missing = await cells(ask, world, persona, kind=kind, path=path, number=number)
            for field, values in told.items():
                denied = needed(kind, path, field) - held[persona]
                cell = (field, persona, number, values, missing)
                if denied or not sees(world, persona, number):
                    assert values <= {None}, cell
                else:
                    assert values == whole[field], cell
            assert not missing & held[persona], (persona, missing)
    assert reached == set(anchor.below), "the examples reach no object of some guarded type"


def _values(data: Any, field: str) -> set[Any]:
    """What stands under ``field`` anywhere in an answer, containers as True, links that are new each time as such."""
    if isinstance(data, list):
        return {value for each in data for value in _values(each, field)}
    if not isinstance(data, dict):
        return set()
    own = {_value(data[field])} if field in data else set()
    return own | {value for each in data.values() for value in _values(each, field)}


def _value(found: Any) -> Any:
    if isinstance(found, dict | list):
        return True
    return PATH if isinstance(found, str) and found.startswith(PATH) else found


def test_every_mutation_is_guarded() -> None:
    assert {field.field for field in MUTATIONS} == set(fields_of(SCHEMA.type_map["Mutation"]))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.field)
async def test_every_mutation_obeys_its_scopes(ask: Ask, mutation: Guarded) -> None:
    arguments = fields_of(SCHEMA.type_map["Mutation"])[mutation.field].args
    given = ", ".join(
        f"{name}: {GIVEN[str(each.type)]}" for name, each in arguments.items() if str(each.type).endswith("!")
    )
    named = mutation.selection.replace(mutation.field, mutation.field + (f"({given})" if given else ""), 1)
    reached = 0
    for persona in PERSONAS:
        answer = await ask(persona, f"mutation {{ {named} }}")
        allowed = mutation.scopes <= scopes_of(await ask.token(persona))
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert ("FORBIDDEN_FIELD" in codes) is not allowed, (persona, answer)
        assert allowed or answer["data"] == {mutation.field: None}
        reached += allowed
    assert 0 < reached < len(PERSONAS)
