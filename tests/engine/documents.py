"""Random operations over any schema, from a seed: aliases, fragments, directives, variables, whatever is valid."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)

STRINGS = ("", "x", 'quo"te', "back\\slash", "__class__", "new\nline", "ünïcode", "{}", "'); raise SystemExit  #")
ALIASES = ("class", "None", "def", "_", "__dunder", "lambda", "True", "o", "w", "run", "d", "plain")


@dataclass(frozen=True, slots=True)
class Asked:
    """A document with its variables and the operation to run."""

    text: str
    variables: Mapping[str, Any]
    operation: str | None


@dataclass
class Writer:
    """Writes one document. ``depth``: how deep selections nest."""

    schema: GraphQLSchema
    chance: Random
    depth: int = 5
    declared: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    aliases: int = 0

    def document(self) -> Asked:
        root = cast(GraphQLObjectType, self.schema.query_type)
        body = self.selection(root, self.depth)
        declared = ", ".join(f"${name}: {type_}" for name, type_ in self.declared.items())
        head = f"query Asked({declared})" if declared else "query Asked"
        operation = None
        text = f"{head} {body}\n" + "\n".join(self.fragments.values())
        if self.chance.random() < 0.1:
            text, operation = f"{text}\nquery Other {{ __typename }}", "Asked"
        return Asked(text, self.variables, operation)

    def selection(self, type_: GraphQLNamedType, depth: int) -> str:
        parts = [self.part(type_, depth) for _ in range(self.chance.randint(1, 4))]
        return "{ " + " ".join(parts) + " }"

    def part(self, type_: GraphQLNamedType, depth: int) -> str:
        choice = self.chance.random()
        if choice < 0.08:
            return f"__typename{self.switch()}"
        if depth <= 0:
            return self.field(type_, depth)
        if is_abstract_type(type_) and choice < 0.6:
            within = self.chance.choice([*self.schema.get_possible_types(type_), type_])
            return f"... on {within.name}{self.switch()} {self.selection(within, depth - 1)}"
        if choice < 0.16:
            return f"...{self.switch()} {self.selection(type_, depth - 1)}"
        if choice < 0.26:
            return f"...{self.fragment(type_, depth - 1)}{self.switch()}"
        return self.field(type_, depth)

    def fragment(self, type_: GraphQLNamedType, depth: int) -> str:
        name = f"F{len(self.fragments)}"
        self.fragments[name] = ""
        self.fragments[name] = f"fragment {name} on {type_.name} {self.selection(type_, depth)}"
        return name

    def field(self, type_: GraphQLNamedType, depth: int) -> str:
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            return "__typename"
        fields = {
            name: found
            for name, found in type_.fields.items()
            if depth > 0 or not is_composite_type(get_named_type(found.type))
        }
        if not fields:
            return "__typename"
        deep = [name for name, each in fields.items() if is_composite_type(get_named_type(each.type))]
        name = self.chance.choice(deep if deep and self.chance.random() < 0.5 else list(fields))
        found: GraphQLField = fields[name]
        given = self.arguments(found)
        alias = self.alias() if found.args or self.chance.random() < 0.25 else ""
        named = get_named_type(found.type)
        below = f" {self.selection(named, depth - 1)}" if is_composite_type(named) else ""
        return f"{alias}{name}{given}{self.switch()}{below}"

    def alias(self) -> str:
        self.aliases += 1
        if self.chance.random() < 0.1:
            return f"{self.chance.choice(ALIASES)}{self.aliases}: "
        return f"a{self.aliases}: "

    def switch(self) -> str:
        if self.chance.random() < 0.85:
            return ""
        value = self.chance.choice(["true", "false", "variable", "variable"])
        if value == "variable":
            value = self.variable("Boolean!", self.chance.random() < 0.5)
        return f" @{self.chance.choice(['skip', 'include'])}(if: {value})"

    def arguments(self, found: GraphQLField) -> str:
        given = [
            f"{name}: {self.argument(each)}"
            for name, each in found.args.items()
            if (is_non_null_type(each.type) and each.default_value is Undefined) or self.chance.random() < 0.5
        ]
        return f"({', '.join(given)})" if given else ""

    def argument(self, argument: GraphQLArgument) -> str:
        value = self.value(argument.type)
        if self.chance.random() < 0.4:
            return self.variable(str(argument.type), value)
        return literal(value, argument.type)

    def variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.declared)}"
        self.declared[name] = type_
        if type_.endswith("!") or self.chance.random() < 0.8:
            self.variables[name] = value
        return f"${name}"

    def value(self, type_: Any) -> Any:
        if is_non_null_type(type_):
            return self.present(type_.of_type)
        return None if self.chance.random() < 0.1 else self.present(type_)

    def present(self, type_: Any) -> Any:
        if is_list_type(type_):
            return [self.value(type_.of_type) for _ in range(self.chance.randint(0, 3))]
        if isinstance(type_, GraphQLEnumType):
            return self.chance.choice(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            return {
                name: self.value(each.type)
                for name, each in type_.fields.items()
                if is_non_null_type(each.type) or self.chance.random() < 0.5
            }
        values: Mapping[str, Any] = {
            "Int": self.chance.randint(-5, 5),
            "Float": self.chance.choice([0.5, -1.25, 3]),
            "Boolean": self.chance.random() < 0.5,
            "DateTime": "2026-03-02T12:00:00Z",
            "Date": "2026-03-02",
            "Decimal": "1.50",
        }
        return values.get(type_.name, self.chance.choice(STRINGS))


def literal(value: Any, type_: Any) -> str:
    """A value as it is written in a document."""
    if is_non_null_type(type_):
        type_ = type_.of_type
    if value is None:
        return "null"
    if is_list_type(type_):
        return "[" + ", ".join(literal(each, type_.of_type) for each in value) + "]"
    if isinstance(type_, GraphQLEnumType):
        return str(value)
    if isinstance(type_, GraphQLInputObjectType):
        members = (f"{name}: {literal(each, type_.fields[name].type)}" for name, each in value.items())
        return "{" + ", ".join(members) + "}"
    return json.dumps(value, ensure_ascii=False)


def document(schema: GraphQLSchema, seed: object, depth: int = 5) -> Asked:
    return Writer(schema, Random(str(seed)), depth).document()
