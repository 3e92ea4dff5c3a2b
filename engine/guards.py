"""Field scope: the directive object on a field is its guard, so what the SDL prints is what runs.

A guard that needs no row is decided once per set of scopes, before anything is fetched; a denied field resolves to null
without its
resolver being called, and one error per missing scope names the fields that were asked for.
"""

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from graphql import (
    GraphQLField,
    GraphQLFieldResolver,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
)
from strawberry.federation.schema_directives import Authenticated, RequiresScopes

FieldKey: TypeAlias = tuple[str, str]
"""(type name, field name) as the schema prints them."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a field asks of its caller. ``scopes``: any one of the inner sets suffices, as ``@requiresScopes`` defines
    it.
    """

    scopes: tuple[frozenset[str], ...] = ()

    def missing(self, held: AbstractSet[str] | None) -> frozenset[str] | None:
        """None when allowed; else the scopes to add (of the alternative that lacks fewest). ``held`` None: nobody is
        signed in.
        """
        if held is None:
            return self.scopes[0] if self.scopes else frozenset()
        if not self.scopes:
            return None
        lacks = min((alternative - held for alternative in self.scopes), key=len)
        return lacks or None


Watch: TypeAlias = Callable[[FieldKey, frozenset[str]], bool]
"""Whether the objects whose field is shown are noted, by the field and the scopes its guard asks for."""


class Guarded(Protocol):
    """What a context must offer for guards to work. ``seen``: where the objects of watched fields are noted."""

    denied: Mapping[FieldKey, frozenset[str]]
    seen: Mapping[FieldKey, list[Any]]

    def deny(self, key: FieldKey) -> None:
        """A denied field was reached; to be told to the client once per missing scope."""
        ...


class Guards:
    """Every guard of one schema, read off its directives and put in front of its resolvers."""

    def __init__(self, schema: GraphQLSchema, watch: Watch | None = None) -> None:
        self.by_field: dict[FieldKey, Guard] = {}
        self.watched: set[FieldKey] = set()
        self._resolvers: dict[FieldKey, GraphQLFieldResolver] = {}
        for type_ in schema.type_map.values():
            if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
                for name, field in type_.fields.items():
                    key, guard = (type_.name, name), read_guard(field)
                    if guard is not None:
                        self.by_field[key] = guard
                    if isinstance(type_, GraphQLObjectType):
                        watched = watch is not None and watch(key, self.scopes_of([key]))
                        if watched:
                            self.watched.add(key)
                        if watched or guard is not None:
                            self._stand_before(field, key, watched=watched)
        self.denied = lru_cache(maxsize=256)(self._denied)

    def _denied(self, held: frozenset[str] | None) -> Mapping[FieldKey, frozenset[str]]:
        """The fields a caller with the scopes ``held`` may not read, with the scopes each lacks."""
        missing = ((key, guard.missing(held)) for key, guard in self.by_field.items())
        return {key: lacks for key, lacks in missing if lacks is not None}

    def resolver(self, key: FieldKey, field: GraphQLField) -> GraphQLFieldResolver | None:
        """The resolver of ``field`` with no guard in front of it."""
        return self._resolvers.get(key, field.resolve)

    def _stand_before(self, field: GraphQLField, key: FieldKey, *, watched: bool) -> None:
        inner = field.resolve
        if inner is None:
            raise TypeError(f"{key[0]}.{key[1]} has no resolver to guard")

        def resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            context: Guarded = info.context
            if key in context.denied:
                context.deny(key)
                return None
            if watched:
                context.seen[key].append(source)
            return inner(source, info, **arguments)

        self._resolvers[key] = inner
        field.resolve = resolve

    def scopes_of(self, fields: Collection[FieldKey]) -> frozenset[str]:
        """Every scope that the guards of ``fields`` mention."""
        guards = (self.by_field[key] for key in fields if key in self.by_field)
        return frozenset(scope for guard in guards for alternative in guard.scopes for scope in alternative)


def read_guard(field: GraphQLField) -> Guard | None:
    """The guard a field's own directives declare, or None."""
    definition = field.extensions.get("strawberry-definition")
    guard: Guard | None = None
    for directive in getattr(definition, "directives", ()):
        match directive:
            case RequiresScopes(scopes=alternatives):
                guard = Guard(tuple(frozenset(alternative) for alternative in alternatives))
            case Authenticated():
                guard = guard or Guard()
    return guard
