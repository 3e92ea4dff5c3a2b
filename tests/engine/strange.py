"""A schema made to be nasty, over data that is wrong wherever a seed says so: nulls, exceptions, awaitables, wrong
types and broken lists stand at every position.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    is_list_type,
    is_non_null_type,
)

from engine.resting import Rest, Turns


class Broken(Exception):
    """What a source of the nasty schema raises."""


@dataclass(frozen=True, slots=True)
class Nature:
    """How often something is wrong, and how often a value must be awaited."""

    wrong: float
    awaited: float


class Thing:
    """An object whose fields depend on nothing but its seed, so that every execution sees the same."""

    def __init__(self, seed: str, nature: Nature) -> None:
        self.seed = seed
        self.nature = nature

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.seed[-12:]}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in DEFAULTED:
            raise AttributeError(name)
        return made(DEFAULTED[name], self, name, {})


class Sack(Thing, Mapping[str, Any]):
    """The same as a mapping."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(DEFAULTED)

    def __len__(self) -> int:
        return len(DEFAULTED)


def _coerce_odd(value: Any) -> Any:
    match value:
        case 0:
            return None
        case 1:
            raise Broken("one is odd")
        case 2:
            return {"two": [2, None]}
    return f"odd {value}"


NN, LIST = GraphQLNonNull, GraphQLList
ODD = GraphQLScalarType("Odd", coerce_output_value=_coerce_odd)
MOOD = GraphQLEnumType("Mood", {"CALM": 1, "WILD": "w", "TORN": (2, 3), "NONE": "None"})
UNIT = GraphQLEnumType("Unit", {"CM": "CM", "INCH": 2.54})
WISH: GraphQLInputObjectType = GraphQLInputObjectType(
    "Wish",
    lambda: {
        "text": GraphQLInputField(GraphQLString),
        "times": GraphQLInputField(NN(GraphQLInt), default_value=3),
        "within": GraphQLInputField(WISH),
        "units": GraphQLInputField(LIST(NN(UNIT))),
    },
)


def _named(value: Any, _: Any, __: Any) -> Any:
    """The name of a pet's type: mostly right, sometimes late, absent, unknown or impossible."""
    if not isinstance(value, Thing):
        return None
    chance = Random(f"type {value.seed}")
    name: Any = chance.choice(["Cat", "Dog"])
    if chance.random() < value.nature.wrong:
        name = chance.choice([None, "Owner", "Nowhere", "Being", 3, Broken])
        if name is Broken:
            raise Broken("no type")
    return Owed(name) if chance.random() < value.nature.awaited else name


def _is(kind: str) -> Any:
    def is_type_of(value: Any, _: Any) -> Any:
        if not isinstance(value, Thing):
            return False
        chance = Random(f"is {kind} {value.seed}")
        answer = chance.random() >= value.nature.wrong
        if chance.random() < value.nature.wrong / 2:
            raise Broken(f"is it a {kind}?")
        return Owed(answer) if chance.random() < value.nature.awaited else answer

    return is_type_of


def _resolver(name: str) -> Any:
    def resolve(source: Any, info: Any, **arguments: Any) -> Any:
        return made(info.return_type, source, name, arguments)

    async def resolve_later(source: Any, info: Any, **arguments: Any) -> Any:
        value = made(info.return_type, source, name, arguments)
        return await value if hasattr(value, "__await__") else value

    return resolve_later if name.endswith("Later") else resolve


def _fields(**types: Any) -> dict[str, GraphQLField]:
    """Every other field has no resolver of its own."""
    found = dict[str, GraphQLField]()
    for nth, (name, type_) in enumerate(types.items()):
        if isinstance(type_, GraphQLField):
            found[name] = GraphQLField(type_.type, type_.args, resolve=_resolver(name))
        else:
            plain = nth % 2 == 0 and DEFAULTED.setdefault(name, type_) is type_
            found[name] = GraphQLField(type_, resolve=None if plain else _resolver(name))
    return found


DEFAULTED: dict[str, Any] = {}
SIZE = GraphQLField(GraphQLFloat, {"unit": GraphQLArgument(UNIT, default_value="CM")})
SAID = GraphQLField(
    GraphQLString,
    {
        "wish": GraphQLArgument(WISH),
        "n": GraphQLArgument(LIST(NN(GraphQLInt))),
        "id": GraphQLArgument(GraphQLID),
        "sure": GraphQLArgument(NN(GraphQLBoolean), default_value=True),
        "text": GraphQLArgument(GraphQLString),
    },
)
BEING: GraphQLInterfaceType = GraphQLInterfaceType(
    "Being", lambda: {"name": GraphQLField(NN(GraphQLString)), "friend": GraphQLField(BEING), "size": SIZE}
)


def _being(kind: str, **own: Any) -> GraphQLObjectType:
    return GraphQLObjectType(
        kind,
        lambda: _fields(name=NN(GraphQLString), friend=BEING, size=SIZE, **{key: make() for key, make in own.items()}),
        interfaces=[BEING],
        is_type_of=_is(kind),
    )


CAT: GraphQLObjectType = _being(
    "Cat",
    lives=lambda: GraphQLInt,
    mood=lambda: MOOD,
    kittens=lambda: NN(LIST(NN(CAT))),
    chain=lambda: NN(CHAIN),
    moods=lambda: LIST(NN(MOOD)),
)
DOG: GraphQLObjectType = _being(
    "Dog",
    barks=lambda: LIST(NN(LIST(NN(GraphQLString)))),
    owner=lambda: OWNER,
    good=lambda: NN(GraphQLBoolean),
    weightLater=lambda: GraphQLFloat,
)
PET = GraphQLUnionType("Pet", lambda: [CAT, DOG], resolve_type=_named)
CHAIN: GraphQLObjectType = GraphQLObjectType(
    "Chain",
    lambda: _fields(
        a=NN(CHAIN), b=NN(GraphQLString), c=CHAIN, d=NN(LIST(NN(CHAIN))), e=NN(GraphQLInt), fLater=NN(CHAIN)
    ),
)
OWNER: GraphQLObjectType = GraphQLObjectType(
    "Owner",
    lambda: _fields(
        pets=LIST(NN(PET)),
        pet=NN(PET),
        matrix=NN(LIST(LIST(NN(GraphQLInt)))),
        beings=LIST(BEING),
        odd=ODD,
        me=NN(OWNER),
        said=SAID,
        maybeLater=OWNER,
        odds=LIST(LIST(ODD)),
        key=NN(GraphQLID),
        chains=LIST(CHAIN),
        ownersLater=NN(LIST(NN(OWNER))),
        chain=CHAIN,
    ),
)
SCHEMA = GraphQLSchema(
    GraphQLObjectType("Query", lambda: _fields(owner=OWNER, being=BEING, me=NN(OWNER), cats=LIST(NN(CAT)), said=SAID)),
    types=[CAT, DOG],
)


# -- values ------------------------------------------------------------------------------------------------------------


async def _later(value: Any) -> Any:
    await asyncio.sleep(0)
    if isinstance(value, Broken):
        raise value
    return value


class Owed:
    """Awaitable, and no coroutine: nothing is said of it when nobody waits."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Any:
        return _later(self.value).__await__()


def made(type_: Any, source: Any, name: str, arguments: Mapping[str, Any]) -> Any:
    """The value of a field. Raises Broken."""
    if not isinstance(source, Thing):
        raise Broken(f"{name} of {type(source).__name__}")
    return _value(type_, f"{source.seed}.{name}{sorted(arguments.items())}", source.nature, top=True)


def _value(type_: Any, seed: str, nature: Nature, *, top: bool = False) -> Any:
    chance = Random(seed)
    if chance.random() < nature.awaited:
        value = _wrong_or_right(type_, seed, nature, chance)
        return Owed(value)
    value = _wrong_or_right(type_, seed, nature, chance)
    if top and isinstance(value, Broken) and chance.random() < 0.5:
        raise value
    return value


def _wrong_or_right(type_: Any, seed: str, nature: Nature, chance: Random) -> Any:
    if chance.random() < nature.wrong:
        return chance.choice(
            [None, Broken(f"broken at {seed[-20:]}"), GraphQLError("in its words"), 2**40, "text", object, True, 1.5]
        )
    if is_non_null_type(type_):
        return _right(type_.of_type, seed, nature, chance)
    return None if chance.random() < 0.05 else _right(type_, seed, nature, chance)


def _right(type_: Any, seed: str, nature: Nature, chance: Random) -> Any:
    if is_list_type(type_):
        items = [_value(type_.of_type, f"{seed}[{nth}]", nature) for nth in range(chance.randint(0, 3))]
        return _list(items, nature, chance)
    values: Mapping[str, Any] = {
        "String": chance.choice(["a", "b", 7, True, 2.0]),
        "Int": chance.choice([1, -3, 4.0, "5", True]),
        "Float": chance.choice([2, "1.5", float("nan"), float("inf")] if chance.random() < nature.wrong else [1.5]),
        "Boolean": chance.choice([True, False, 1, 0]),
        "ID": chance.choice(["id", 12]),
        "Odd": chance.choice([0, 1] if chance.random() < nature.wrong else [2, 3, "x"]),
        "Mood": chance.choice([1, "w", (2, 3), "None"]),
    }
    if type_.name in values:
        return values[type_.name]
    return (Sack if chance.random() < 0.2 else Thing)(seed, nature)


def _list(items: list[Any], nature: Nature, chance: Random) -> Any:
    if chance.random() >= nature.wrong + nature.awaited / 4:
        return tuple(items) if chance.random() < 0.3 else items
    forms: list[Any] = [_generated(items), iter(items), dict.fromkeys("ab"), "text"]
    if chance.random() < nature.wrong:
        forms.append(_broken_off(items))
    if chance.random() < nature.awaited:
        forms = [_trickling(items, broken=chance.random() < nature.wrong)]
    return chance.choice(forms)


def _generated(items: list[Any]) -> Iterator[Any]:
    yield from items


def _broken_off(items: list[Any]) -> Iterator[Any]:
    yield from items
    raise Broken("no more items")


async def _trickling(items: list[Any], *, broken: bool) -> AsyncIterator[Any]:
    for item in items:
        await asyncio.sleep(0)
        yield item
    if broken:
        raise Broken("no more to come")


@dataclass
class Nobody:
    """A context for schemas without guards."""

    denied: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    seen: Mapping[tuple[str, str], list[Any]] = field(default_factory=dict)
    turns: Turns = field(default_factory=Rest)

    def start(self, operation: object, guards: object) -> None: ...

    def deny(self, key: tuple[str, str]) -> None:
        raise AssertionError(key)

    async def release(self) -> None: ...

    def finish(self) -> list[GraphQLError]:
        return []

    def close(self) -> None: ...
