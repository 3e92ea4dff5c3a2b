"""A schema as the product builds its own: Strawberry's types over plain objects, guards, arguments, batched fields."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.federation import Schema

from engine.batching import batched
from engine.execute import Operation
from engine.guards import FieldKey, Guards
from engine.resting import Rest, Turns

Info = strawberry.Info


class Trouble(Exception):
    """What resolvers of this schema raise."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything of it follows from its seed; ``wrong``: how often something of it cannot be had."""

    seed: str
    wrong: float

    def chance(self, of: str) -> Random:
        return Random(f"{self.seed}.{of}")

    def part(self, of: str) -> "Shape":
        return type(self).of(f"{self.seed}.{of}", self.wrong)

    @classmethod
    def of(cls, seed: str, wrong: float) -> "Shape":
        return (Square if Random(seed).random() < 0.5 else Circle)(seed, wrong)

    def told(self, of: str, value: Any) -> Any:
        """``value``, or in its place what a broken source gives. Raises Trouble."""
        chance = self.chance(f"trouble {of}")
        if chance.random() >= self.wrong:
            return value
        if chance.random() < 0.5:
            raise Trouble(f"{of} of {self.seed[-9:]}")
        return chance.choice([None, Trouble("as a value"), "text", 7, 0.5])

    @property
    def id(self) -> Any:
        return self.told("id", f"{type(self).__name__}:{len(self.seed)}")

    @property
    def side(self) -> Any:
        return self.told("side", self.chance("side").random())

    @property
    def radius(self) -> Any:
        return self.told("radius", self.chance("radius").choice([1.0, None]))

    @property
    def colour(self) -> Any:
        return self.told("colour", self.chance("colour").choice(list(Colour)))

    @property
    def corners(self) -> Any:
        return self.told("corners", [Point(self.part(f"c{n}")) for n in range(self.chance("n").randint(0, 3))])

    @property
    def centre(self) -> Any:
        return self.told("centre", Point(self.part("centre")))

    @property
    def price(self) -> Any:
        return self.told("price", "9.99")


class Square(Shape):
    pass


class Circle(Shape):
    pass


@dataclass(frozen=True, slots=True)
class Point:
    of: Shape

    @property
    def x(self) -> Any:
        return self.of.told("x", self.of.chance("x").randint(-9, 9))


class Colour(Enum):
    RED = "r"
    BLUE = "b"


strawberry.enum(Colour)


@strawberry.input
class Move:
    by: int
    how: Colour = Colour.RED
    then: list["Move"] | None = None


async def _name(roots: Sequence[Point], info: Info) -> Sequence[object]:
    await asyncio.sleep(0)
    return [_attempted(root.of, "name", f"point {root.of.seed[-3:]}") for root in roots]


def _attempted(shape: Shape, of: str, value: object) -> object:
    try:
        found: object = shape.told(of, value)
    except Trouble as error:
        return error
    return found


async def _fails(roots: Sequence[Point], info: Info) -> Sequence[object]:
    if any(root.of.wrong > 0.2 for root in roots):
        raise Trouble("all of them")
    return ["fine"] * len(roots)


async def _hidden(roots: Sequence[Point], info: Info) -> Sequence[object]:
    return [f"hidden {len(root.of.seed)}" for root in roots]


def _mirrored(root: Point, move: Move | None = None, times: int = 1) -> Any:
    steps = f"{move.by}{move.how.name}{len(move.then or ())}" if move else "-"
    return root.of.told("mirrored", Point(root.of.part(f"m{steps}{times}")))


@strawberry.type(name="Point")
class PointType:
    x: int
    name: str | None = strawberry.field(resolver=batched(_name))
    sure_name: str = strawberry.field(resolver=batched(_name))
    fails: str | None = strawberry.field(resolver=batched(_fails))
    hidden: str | None = strawberry.federation.field(resolver=batched(_hidden), requires_scopes=[["see"]])
    mirrored: "PointType | None" = strawberry.field(resolver=_mirrored)

    is_type_of = staticmethod(lambda value, _: isinstance(value, Point))


async def _label(root: Shape, info: Info) -> str | None:
    await asyncio.sleep(0)
    label: str | None = root.told("label", f"{info.field_name} {info.context.greeting}")
    return label


def _area(root: Shape) -> float:
    area: float = root.told("area", 2.5)
    return area


async def _neighbours(root: Shape, first: int = 2) -> list[Any]:
    found: list[Any] = root.told("neighbours", [root.part(f"n{nth}") for nth in range(first % 4)])
    return found


@strawberry.interface(name="Shape")
class ShapeType:
    id: strawberry.ID
    colour: Colour
    price: str | None = strawberry.federation.field(requires_scopes=[["pay"], ["see", "count"]])
    label: str | None = strawberry.field(resolver=_label)
    area: float = strawberry.field(resolver=_area)
    neighbours: "list[ShapeType | None]" = strawberry.field(resolver=_neighbours)


@strawberry.type(name="Square")
class SquareType(ShapeType):
    side: float
    corners: list[PointType]

    is_type_of = staticmethod(lambda value, _: isinstance(value, Square))


@strawberry.type(name="Circle")
class CircleType(ShapeType):
    radius: float | None
    centre: PointType | None

    is_type_of = staticmethod(lambda value, _: isinstance(value, Circle))


Either = Annotated[SquareType | CircleType, strawberry.union("Either")]


def _shapes(root: Shape, first: int = 3) -> list[Any]:
    return [root.part(f"s{nth}") for nth in range(first % 6)]


def _secret(root: Shape) -> Any:
    return root.told("secret", "said")


async def _either(root: Shape) -> Any:
    return root.told("either", root.part("either"))


@strawberry.type
class Query:
    shapes: list[ShapeType] = strawberry.field(resolver=_shapes)
    either: Either | None = strawberry.field(resolver=_either)
    centre: PointType | None
    secret: str | None = strawberry.federation.field(resolver=_secret, requires_scopes=[["see"]])


def build() -> GraphQLSchema:
    schema = Schema(query=Query, types=[SquareType, CircleType], federation_version="2.9")
    found: GraphQLSchema = schema._schema
    return found


class Caller:
    """A context with scopes; what it was denied is told at the end."""

    greeting = "hello"

    def __init__(self, scopes: frozenset[str]) -> None:
        self.scopes = scopes
        self.denied: Mapping[FieldKey, frozenset[str]] = {}
        self.seen: Mapping[FieldKey, list[Any]] = {}
        self.turns: Turns = Rest()
        self.reached: set[FieldKey] = set()

    def start(self, _: Operation, guards: Guards) -> None:
        self.denied = guards.denied(self.scopes)

    def deny(self, key: FieldKey) -> None:
        self.reached.add(key)

    async def release(self) -> None: ...

    def finish(self) -> list[GraphQLError]:
        return [GraphQLError(f"denied {key}") for key in sorted(self.reached)]

    def close(self) -> None: ...
