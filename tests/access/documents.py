"""Documents that ask every field of every type, generated from the SDL, and each way there is to an object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, build_schema, get_named_type, is_leaf_type

from tests.access.oracle import NUMBERED

SCHEMA: Final = build_schema((Path(__file__).parents[2] / "schema.graphql").read_text(), assume_valid_sdl=True)


def fields_of(type_: GraphQLNamedType) -> Mapping[str, GraphQLField]:
    return type_.fields if isinstance(type_, GraphQLObjectType) else {}


def whole(type_: str, near: int, within: tuple[str, ...] = ()) -> str:
    """Every field of a type. An object that belongs to somebody is asked for all its fields as well while it is less
    than ``near`` objects away, else for its name; what has begun already is not begun again.
    """
    chosen = ["__typename"]
    for name, each in fields_of(SCHEMA.type_map[type_]).items():
        below = get_named_type(each.type)
        if is_leaf_type(below):
            chosen.append(name)
        elif inner := _below(below, near, (*within, type_)):
            chosen.append(f"{_called(name, each)} {{ {inner} }}")
    return " ".join(chosen)


def _called(name: str, each: GraphQLField) -> str:
    return f"{name}(first: 100)" if "first" in each.args else name


def _below(type_: GraphQLNamedType, near: int, within: tuple[str, ...]) -> str | None:
    if type_.name in NUMBERED:
        return whole(type_.name, near - 1, within) if near > 1 else f"__typename id {NUMBERED[type_.name]}"
    if type_.name in within:
        return None
    return whole(type_.name, min(near, 1), within)


def fragment(type_: str, near: int) -> str:
    return f"fragment {type_}Whole on {type_} {{ {whole(type_, near)} }}"


@dataclass(frozen=True, slots=True)
class Thing:
    """Something to ask for. ``number`` is what the oracle knows it by, ``names`` what a person may say for it."""

    kind: str
    number: str
    id: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Question:
    """One document with its variables. ``root``: the field of Query that it asks."""

    path: str
    root: str
    document: str
    variables: Mapping[str, Any]


ROOTS: Final[Mapping[str, tuple[str, str]]] = {
    "Order": ("order", "number"),
    "Shipment": ("shipment", "trackingNumber"),
    "Invoice": ("invoice", "number"),
    "Return": ("return", "rmaNumber"),
    "Customer": ("customer", "number"),
}
"""The root field of a kind, and its argument that takes a number."""

KEYED: Final = frozenset(("Order", "Invoice", "Return", "Customer"))
"""What federation knows by number too."""

LISTS: Final[Mapping[str, Sequence[str]]] = {
    "Order": (
        "orders",
        "orders(orderBy: PLACED_AT_ASC {})",
        "orders(filter: {{lifecycle: [CONFIRMED, CLOSED]}} {})",
        "orders(filter: {{customerNumbers: $accounts}} {})",
        'orders(filter: {{shipToIds: ["00", "01"]}} {})',
    ),
    "Shipment": ("shipments", "shipments(filter: {{orderNumbers: $orders}} {})"),
    "Invoice": ("invoices", "invoices(filter: {{orderNumbers: $orders}} {})"),
    "Return": ("returns",),
    "Customer": ("customers", 'customers(filter: {{name: "vale"}} {})'),
}
"""The lists of a kind, with a place for the page's arguments."""


def singles(things: Sequence[Thing], near: int, every: int) -> Iterator[Question]:
    """By every way that leads to one object: by id, by what people call it, by federation's keys; of each kind one in
    ``every``.
    """
    for kind, (root, argument) in ROOTS.items():
        of_kind = [thing for thing in things if thing.kind == kind and thing.names][::every]
        spread = f"{{ ...{kind}Whole }}"
        on_kind = f"{{ __typename ...{kind}Whole }}"
        ids = {f"i{nth}": thing.id for nth, thing in enumerate(of_kind)}
        names = {f"n{nth}": thing.names[0] for nth, thing in enumerate(of_kind)}
        text = fragment(kind, near)
        yield _aliased("node", "node", f"(id: ${{}}) {on_kind}", ids, "ID!", text)
        yield _aliased(f"{root} by id", root, f"(id: ${{}}) {spread}", ids, "ID!", text)
        yield _aliased(f"{root} by {argument}", root, f"({argument}: ${{}}) {spread}", names, "String!", text)
        yield Question(
            "nodes",
            "nodes",
            f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {on_kind} }} {text}",
            {"ids": list(ids.values())[:100]},
        )
        keys = [{"__typename": kind, "id": thing.id} for thing in of_kind]
        if kind in KEYED:
            keys += [{"__typename": kind, argument: thing.number} for thing in of_kind]
        yield Question(
            "_entities",
            "_entities",
            f"query ($keys: [_Any!]!) {{ _entities(representations: $keys) {on_kind} }} {text}",
            {"keys": keys},
        )


def _aliased(  # noqa: PLR0917 (a document has so many parts)
    path: str, root: str, call: str, given: Mapping[str, str], type_: str, fragments: str
) -> Question:
    """The root field once for each of ``given``, under its name."""
    declared = ", ".join(f"${name}: {type_}" for name in given)
    asked = " ".join(f"{name}: {root}{call.replace('${}', f'${name}')}" for name in given)
    return Question(path, root, f"query ({declared}) {{ {asked} }} {fragments}", given)


def searches(things: Sequence[Thing], more: Sequence[str]) -> Iterator[Question]:
    """Whatever a box for everything finds for what people call things of a kind, with all fields of that kind."""
    for kind in NUMBERED:
        texts = [name for thing in things if thing.kind == kind for name in thing.names]
        given = {f"t{nth}": text for nth, text in enumerate((*texts, *more))}
        others = " ".join(f"... on {other} {{ id {number} }}" for other, number in NUMBERED.items() if other != kind)
        hit = f"{{ __typename ...{kind}Whole {others} }}"
        page = f"(text: ${{}}, first: 100) {{ __typename nodes {hit} edges {{ __typename cursor node {hit} }} }}"
        yield _aliased("search", "search", page, given, "String!", fragment(kind, 1))


def lists(orders: Sequence[str], accounts: Sequence[str], near: int) -> Iterator[tuple[str, Question]]:
    """Each list by its root field, a page at a time: ``$first`` rows after ``$after``."""
    paged = "first: $first, after: $after"
    for kind, calls in LISTS.items():
        cursors = f"edges {{ __typename cursor node {{ __typename {NUMBERED[kind]} }} }}"
        page = f"__typename nodes {{ ...{kind}Whole }} {cursors} pageInfo {{ __typename hasNextPage endCursor }}"
        for call in calls:
            root = call.partition("(")[0]
            named = call.format(paged) if "(" in call else f"{call}({paged})"
            given = {"orders": orders, "accounts": accounts}
            variables = {name: list(values) for name, values in given.items() if f"${name}" in call}
            declared = ", ".join(("$first: Int, $after: String", *(f"${name}: [String!]" for name in variables)))
            total = "totalCount" if kind == "Order" else ""
            text = f"query ({declared}) {{ page: {named} {{ {page} {total} }} }} {fragment(kind, near)}"
            yield kind, Question(root, root, text, variables)
