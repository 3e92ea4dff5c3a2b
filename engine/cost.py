"""What an operation may cost at most, known before anything is fetched: fields times the sizes of their lists.

The directives are those of https://ibm.github.io/graphql-specs/cost-spec.html. A field costs its own weight, and for
each object it gives the weight of that object's type and the cost of what is selected of it. Fields that an execution
merges are counted once; of an abstract type's possible types, the dearest counts; what a variable skips is free.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
)
from strawberry.federation.schema_directives import Cost as CostDirective
from strawberry.federation.schema_directives import ListSize

from engine.guards import FieldKey
from engine.limits import COST, SAFE

Variables: TypeAlias = Mapping[str, Any]
"""Coerced values; what was not given and has no default is absent."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one field costs. ``weight``: for each parent. The size of its list is the largest of its
    ``slicing_arguments`` (of a list argument, its length), else ``assumed_size``; with ``sized_fields`` it is the size
    of those lists, which its object holds.
    """

    weight: int = 0
    assumed_size: int | None = None
    slicing_arguments: tuple[str, ...] = ()
    sized_fields: tuple[str, ...] = ()
    require_one_slicing_argument: bool = False


FREE = Cost()


@dataclass(frozen=True, slots=True)
class Costs:
    """``types``: the weight of each object of a type; of any other object it is ``object_weight``. ``list_size``: of a
    list nothing is said of.
    """

    fields: Mapping[FieldKey, Cost] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    object_weight: int = 1
    list_size: int = 10

    @classmethod
    def of(cls, schema: GraphQLSchema) -> "Costs":
        """As the directives in ``schema`` say."""
        fields: dict[FieldKey, Cost] = {}
        types: dict[str, int] = {}
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType):
                for each in _directives(type_, CostDirective):
                    types[type_.name] = each.weight
                for name, definition in type_.fields.items():
                    cost = _declared(definition)
                    if cost != FREE:
                        fields[type_.name, name] = cost
        return cls(fields, types)


T = TypeVar("T")


def _directives(definition: GraphQLField | GraphQLNamedType, kind: type[T]) -> list[T]:
    declared = definition.extensions.get("strawberry-definition")
    return [each for each in getattr(declared, "directives", None) or () if isinstance(each, kind)]


def _declared(definition: GraphQLField) -> Cost:
    cost = FREE
    for each in _directives(definition, CostDirective):
        cost = replace(cost, weight=each.weight)
    for size in _directives(definition, ListSize):
        cost = replace(
            cost,
            assumed_size=size.assumed_size,
            slicing_arguments=tuple(size.slicing_arguments or ()),
            sized_fields=tuple(size.sized_fields or ()),
            require_one_slicing_argument=bool(size.require_one_slicing_argument),
        )
    return cost


@dataclass(frozen=True, slots=True)
class Slice:
    """The size of a list that variables decide. ``known``: the largest size that does not depend on them.
    ``variables``: each with the argument's default, for when it is absent.
    """

    variables: tuple[tuple[str, int | None], ...]
    known: int | None
    assumed: int

    def __call__(self, variables: Variables) -> int:
        sizes = [length(variables.get(name, default)) for name, default in self.variables]
        told = [size for size in (*sizes, self.known) if size is not None]
        return max(told) if told else self.assumed


Size: TypeAlias = int | Slice


def length(value: Any) -> int | None:
    """What a slicing argument says of a list's size: its number, or how many it lists. None: nothing."""
    if isinstance(value, list | tuple):
        return len(value)
    return max(value, 0) if isinstance(value, int) else None


@dataclass(frozen=True, slots=True)
class Line:
    """A field of one object. ``below``: the place in ``Price.choices`` of what is selected of each object it gives;
    None: a leaf.
    """

    key: FieldKey
    weight: int
    size: Size
    below: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """What is selected of one object type. ``fixed``: the part of its cost that no variable changes; ``moving``: the
    rest, as a size and either the cost or the choice that it multiplies.
    """

    weight: int
    lines: tuple[Line, ...]
    fixed: int
    moving: tuple[tuple[Size, int, bool], ...]

    def cost(self, variables: Variables, costs: Sequence[int]) -> int:
        total = self.fixed
        for size, each, chosen in self.moving:
            times = size if isinstance(size, int) else size(variables)
            total += times * (costs[each] if chosen else each)
        return total


Choice: TypeAlias = tuple[Group, ...]
"""The object types that one selection may meet, of which the dearest counts."""


@dataclass(frozen=True, slots=True)
class Price:
    """The cost of one operation. ``choices``: each after those below it, the operation's own last."""

    choices: tuple[Choice, ...]
    fixed: tuple[int | None, ...]
    """The cost of each choice; None where variables decide."""

    def __call__(self, variables: Variables) -> int:
        whole = self.fixed[-1]
        return self._costs(variables)[-1] if whole is None else whole

    def _costs(self, variables: Variables) -> list[int]:
        costs: list[int] = []
        for choice, fixed in zip(self.choices, self.fixed, strict=True):
            costs.append(_dearest(choice, variables, costs)[0] if fixed is None else fixed)
        return costs

    def largest(self, variables: Variables, count: int = 5) -> list[tuple[FieldKey, int]]:
        """The fields that cost most, with what each costs itself and by the objects it gives."""
        costs = self._costs(variables)
        chosen = [_dearest(choice, variables, costs)[1] for choice in self.choices]
        times = [0] * len(chosen)
        times[-1] = 1
        shares: Counter[FieldKey] = Counter()
        for place in reversed(range(len(chosen))):
            for line in chosen[place].lines if times[place] else ():
                shares[line.key] += times[place] * line.weight
                if line.below is not None:
                    objects = times[place] * (line.size if isinstance(line.size, int) else line.size(variables))
                    shares[line.key] += objects * chosen[line.below].weight
                    times[line.below] += objects
        return [(key, cost) for key, cost in shares.most_common(count) if cost]


def _dearest(choice: Choice, variables: Variables, costs: Sequence[int]) -> tuple[int, Group]:
    if len(choice) == 1:
        return choice[0].cost(variables, costs), choice[0]
    return max(((group.cost(variables, costs), group) for group in choice), key=lambda each: each[0])


def refusal(price: Price, variables: Variables, limit: int) -> GraphQLError | None:
    """What refuses an operation that may cost more than ``limit``, or None. Tells which fields cost most."""
    requested = price(variables)
    if requested <= limit:
        return None
    largest = [{"field": ".".join(key), "cost": min(cost, SAFE)} for key, cost in price.largest(variables)]
    told = {"code": COST, "cost": {**summary(requested, limit), "largest": largest}}
    return GraphQLError(
        f"The operation may cost {min(requested, SAFE)}; {limit} are allowed. Ask for smaller pages or fewer fields.",
        extensions=told,
    )


def summary(requested: int, limit: int) -> dict[str, int]:
    """``extensions.cost`` of an answer."""
    return {"requested": min(requested, SAFE), "limit": limit}
