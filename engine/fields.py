"""How a field gets its value: read off the schema once, so that a plan need not ask at every object."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import strawberry
from graphql import GraphQLField, default_field_resolver
from strawberry.types.field import StrawberryField

from engine.batching import Batch


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of the object, and nothing else."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the object alone. ``root``, ``info``: the parameters that take them, if any does."""

    call: Callable[..., Any]
    root: str | None
    info: str | None
    definition: StrawberryField
    asynchronous: bool


@dataclass(frozen=True, slots=True)
class Batched:
    """An asynchronous function of all objects at once."""

    call: Batch
    definition: StrawberryField


@dataclass(frozen=True, slots=True)
class Resolver:
    """Any resolver, called as graphql-core would call it."""

    call: Callable[..., Any]
    asynchronous: bool


Access: TypeAlias = Attribute | Function | Batched | Resolver


def access(field: GraphQLField, resolve: Callable[..., Any] | None) -> Access:
    """How ``field`` gets its value. ``resolve``: its resolver without the guard in front of it."""
    if resolve is None:
        return Resolver(default_field_resolver, asynchronous=False)
    definition = field.extensions.get("strawberry-definition")
    if isinstance(definition, StrawberryField) and hasattr(resolve, "_is_default"):  # it is Strawberry's own wrapper
        if definition.is_basic_field and definition.default_resolver is getattr:
            return Attribute(definition.python_name)
        if (plain := _function(definition)) is not None:
            return plain
    return Resolver(resolve, asynchronous=inspect.iscoroutinefunction(resolve))


def _function(definition: StrawberryField) -> Function | Batched | None:
    """A field whose resolver takes nothing but its object and info, with nothing wrapped around it."""
    resolver = definition.base_resolver
    if resolver is None or definition.extensions or definition.arguments or resolver.self_parameter:
        return None
    call = resolver.wrapped_func
    if isinstance(call, staticmethod | classmethod):
        return None
    if (batch := getattr(call, "batch", None)) is not None:
        return Batched(batch, definition)
    root = resolver.root_parameter or resolver.parent_parameter
    info = resolver.info_parameter
    return Function(
        call,
        root.name if root else None,
        info.name if info else None,
        definition,
        asynchronous=inspect.iscoroutinefunction(call),
    )


def info_for(definition: StrawberryField, raw: Any) -> strawberry.Info:
    return strawberry.Info(_raw_info=raw, _field=definition)
