"""Compiles an operation to straight-line Python: one function for each selection of one object type.

Generated code reads an attribute, checks that the value is what its type shows, and writes it into the answer; whatever
is not as expected goes to ``engine.values``. Names from a document reach generated code only as bound constants, or as
literals after they were checked to be GraphQL names.
"""

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    FragmentDefinitionNode,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    default_type_resolver,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.collect_fields import FragmentDetails, GroupedFieldSet, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from graphql.type import GraphQLLeafType, GraphQLList, GraphQLOutputType

from engine.fields import Access, Attribute, Batched, Function, Resolver, access
from engine.guards import Guards
from engine.run import Slot
from engine.values import PLAIN, Abstract, Complete, Position, Selected, failed, judged, leaf, listed, null, odd

NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*", re.ASCII)
MOST_FIELDS: Final = 1000
"""The most fields a plan may have, over all object types; larger operations run on graphql-core."""


class Unsupported(Exception):
    """The operation is one that plans are not made for; graphql-core runs it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An operation, compiled. ``root`` completes the root value; ``plain``: classes known to be ordinary values."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    root: Complete
    selected: list[Selected]
    definitions: Mapping[int, Any]
    slots: list[Slot]
    plain: set[type]
    source: str


class Compiler:
    """Compiles the operations of one schema. ``guards`` knows each field's resolver without its guard."""

    def __init__(self, schema: GraphQLSchema, guards: Guards) -> None:
        self.schema = schema
        self.guards = guards
        self.plain: set[type] = set()
        self._access: dict[tuple[str, str], Access] = {}
        self._enums: dict[str, dict[int, str]] = {}
        self._members: list[object] = []  # alive, so that no other object gets their identity

    def compile(
        self,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> Plan:
        """The plan for these values of the variables that @skip and @include use. Raises Unsupported."""
        root_type = self.schema.get_root_type(operation.operation)
        if root_type is None:
            raise Unsupported(operation.operation.value)
        details = {name: FragmentDetails(node) for name, node in fragments.items()}
        writer = _Writer(self, operation, details, variables)
        try:
            collected = collect_fields(self.schema, details, variables, root_type, operation)
            root = writer.selection(root_type, _grouped(collected), None, None)
            return writer.plan(root, fragments)
        except (GraphQLError, RecursionError) as error:
            raise Unsupported(str(error)) from error

    def access(self, type_: GraphQLObjectType, name: str) -> Access:
        key = (type_.name, name)
        known = self._access.get(key)
        if known is None:
            field = type_.fields[name]
            known = self._access[key] = access(field, self.guards.resolver(key, field))
        return known

    def enum(self, type_: GraphQLEnumType) -> Mapping[int, str]:
        """What each of an enum's values is told as, by the value's identity."""
        known = self._enums.get(type_.name)
        if known is None:
            members = [*(value.value for value in type_.values.values()), *getattr(type_, "wrapped_cls", ())]
            known = {id(member): type_.coerce_output_value(member) for member in members}
            self._enums[type_.name] = known
            self._members += members
        return known


class _Writer:
    """Writes the functions of one plan."""

    def __init__(
        self,
        compiler: Compiler,
        operation: OperationDefinitionNode,
        fragments: dict[str, FragmentDetails],
        variables: VariableValues,
    ) -> None:
        self._compiler = compiler
        self._operation = operation
        self._fragments = fragments
        self._variables = variables
        self._lines: list[str] = []
        self._selected: list[Selected] = []
        self._definitions: dict[int, Any] = {}
        self._slots: list[tuple[Slot, str]] = []
        self._direct: dict[str, str] = {}
        """What completes an ordinary value, by the name of what completes any."""
        self._names: dict[str, object] = {
            "plain": compiler.plain,
            "PLAIN": PLAIN,
            "Undefined": Undefined,
            "failed": failed,
            "judged": judged,
            "listed": listed,
            "null": null,
            "odd": odd,
        }

    def plan(self, root: str, fragments: dict[str, FragmentDefinitionNode]) -> Plan:
        source = "\n".join(self._lines)
        exec(compile(source, "<plan>", "exec"), self._names)  # noqa: S102 (our own lines; see the module's docstring)
        found: Mapping[str, Any] = self._names
        for slot, name in self._slots:
            slot.complete = found[name]
        return Plan(
            self._compiler.schema,
            fragments,
            found[root],
            self._selected,
            self._definitions,
            [slot for slot, _ in self._slots],
            self._compiler.plain,
            source,
        )

    # -- objects -----------------------------------------------------------------------------------------------------

    def selection(
        self, type_: GraphQLObjectType, grouped: GroupedFieldSet, within: Position | None, path: Path | None
    ) -> str:
        """The function that makes an object of ``type_`` into its part of the answer."""
        before, entries, after = list[str](), list[str](), list[str]()
        guarded = False
        for nth, (key, details) in enumerate(grouped.items()):
            literal, name = _literal(key), details[0].node.name.value
            if name == "__typename":
                entries.append(f"{literal}: {_literal(type_.name)}")
                continue
            if name not in type_.fields:
                if name.startswith("__"):
                    raise Unsupported("introspection")
                continue
            if len(self._selected) == MOST_FIELDS:
                raise Unsupported("too many fields")
            definition = type_.fields[name]
            selected = Selected(len(self._selected), type_, name, definition, details, Path(path, key, type_.name))
            self._selected.append(selected)
            place = Position(within, not is_non_null_type(definition.type), selected)
            how = self._compiler.access(type_, name)
            guard, seen = self._guard(type_, name), self._seen(type_, name)
            guarded = guarded or guard is not None
            if isinstance(how, Batched) or (isinstance(how, Function | Resolver) and how.asynchronous):
                entries.append(f"{literal}: None")
                after += self._unless(guard, f"d[{literal}]", place, [*seen, self._awaited(key, how, place)])
            else:
                entries.append(f"{literal}: v{nth}")
                before += self._unless(guard, f"v{nth}", place, [*seen, *self._resolved(f"v{nth}", how, place)])
        own = self._name("s")
        head = ["denied = run.denied"] if guarded else []
        self._define(own, "o", [*head, *before, f"d = {{{', '.join(entries)}}}", *after, "return d"])
        return own

    def _guard(self, type_: GraphQLObjectType, name: str) -> str | None:
        key = (type_.name, name)
        return self._bind("k", key) if key in self._compiler.guards.by_field else None

    def _seen(self, type_: GraphQLObjectType, name: str) -> list[str]:
        key = (type_.name, name)
        return [f"run.seen[{self._bind('k', key)}].append(o)"] if key in self._compiler.guards.watched else []

    def _unless(self, guard: str | None, target: str, place: Position, lines: list[str]) -> list[str]:
        """``lines``, unless the guard refuses."""
        if guard is None:
            return lines
        return [*_refused(guard, target, self._bind("p", place)), *(f" {line}" for line in lines)]

    def _awaited(self, key: str, how: Access, place: Position) -> str:
        if isinstance(how, Batched | Function):
            self._definitions[place.selected.index] = how.definition
        complete = self._completes(place.selected.definition.type, place)
        slot = len(self._slots)
        self._slots.append((Slot(place.selected, key, how, place, _never), complete))
        return f"w[{slot}].append((o, d))"

    def _resolved(self, var: str, how: Access, place: Position) -> list[str]:
        position = self._bind("p", place)
        return [
            "try:",
            f" {var} = {self._expression(how, place)}",
            *(f" {line}" for line in self._inline(var, place.selected.definition.type, place)),
            "except Exception as error:",
            f" {var} = failed(error, {position}, run)",
        ]

    def _expression(self, how: Access, place: Position) -> str:
        index = place.selected.index
        match how:
            case Attribute(name):
                plain = NAME.fullmatch(name) and not keyword.iskeyword(name)
                return f"o.{name}" if plain else f"getattr(o, {self._bind('n', name)})"
            case Function(call, root, info, definition):
                self._definitions[index] = definition
                given = [f"{root}=o"] if root else []
                given += [f"{info}=run.info({index})"] if info else []
                return f"{self._bind('f', call)}({', '.join(given)})"
            case Resolver(call):
                node = place.selected.nodes[0]
                given = [f"**run.arguments({index})"] if place.selected.definition.args or node.arguments else []
                return f"{self._bind('f', call)}({', '.join(['o', f'run.raw({index})', *given])})"
            case Batched():
                raise TypeError("a batch is awaited")

    # -- values ------------------------------------------------------------------------------------------------------

    def _inline(self, var: str, type_: GraphQLOutputType, place: Position) -> list[str]:
        """Lines that complete ``var`` where it stands; they may raise what the field then fails with."""
        named = type_.of_type if is_non_null_type(type_) else type_
        if is_leaf_type(named):
            return self._inline_leaf(var, named, place)
        complete = self._completes(type_, place)
        otherwise = f"{var} = {complete}({var}, w, run)"
        if (direct := self._direct.get(complete)) is not None:
            head = [f"if type({var}) in plain: {var} = {direct}({var}, w, run)"]
            return [*head, f"elif {var} is not None: {otherwise}" if place.nullable else f"else: {otherwise}"]
        return [f"if {var} is not None: {otherwise}" if place.nullable else otherwise]

    def _inline_leaf(self, var: str, type_: GraphQLLeafType, place: Position) -> list[str]:
        otherwise = f"{var} = {self._bind('l', leaf(type_, place))}({var}, w, run)"
        or_null = f" and {var} is not None" if place.nullable else ""
        if (check := _check(type_, var)) is not None:
            return [f"if ({check}){or_null}: {otherwise}"]
        if isinstance(type_, GraphQLEnumType):
            known = self._bind("e", self._compiler.enum(type_))
            lines = [f"t = {known}.get(id({var}))", f"if t is not None: {var} = t", f"else: {otherwise}"]
            return [f"if {var} is not None:", *(f" {line}" for line in lines)] if place.nullable else lines
        coerce = self._bind("x", type_.coerce_output_value)
        return [
            f"if type({var}) in plain:",
            f" t = {coerce}({var})",
            f" if t is not None and t is not Undefined: {var} = t",
            f" else: {otherwise}",
            f"elif {var} is not None: {otherwise}" if place.nullable else f"else: {otherwise}",
        ]

    def _completes(self, type_: GraphQLOutputType, place: Position) -> str:
        """The name of the function that completes any value at ``place``."""
        named = type_.of_type if is_non_null_type(type_) else type_
        if is_leaf_type(named):
            return self._completes_leaf(named, place)
        if is_list_type(named):
            return self._completes_list(named, place)
        if is_abstract_type(named):
            return self._completes_abstract(named, place)
        return self._completes_object(cast(GraphQLObjectType, named), place)

    def _completes_leaf(self, type_: GraphQLLeafType, place: Position) -> str:
        own, position = self._name("c"), self._bind("p", place)
        lines = self._inline_leaf("v", type_, place)
        body = ["try:", *(f" {line}" for line in lines), "except Exception as error:"]
        self._define(own, "v", [*body, f" return failed(error, {position}, run)", "return v"])
        return own

    def _completes_list(self, type_: GraphQLList[Any], place: Position) -> str:
        item_type = type_.of_type
        item = Position(place, not is_non_null_type(item_type), place.selected)
        complete = self._completes(item_type, item)
        own, position = self._name("c"), self._bind("p", place)
        direct, each = self._direct.get(complete), f"{complete}(x, w, run)"
        self._define(
            own,
            "v",
            [
                "if type(v) is not list and type(v) is not tuple:",
                f" v = listed(v, {position}, {own}, w, run)",
                " if type(v) is not list: return v",
                f"return [{f'{direct}(x, w, run) if type(x) in plain else {each}' if direct else each} for x in v]",
            ],
        )
        return own

    def _completes_object(self, type_: GraphQLObjectType, place: Position) -> str:
        own, position = self._name("c"), self._bind("p", place)
        select = self._sub_selection(type_, place)
        lines = self._look(own, position)
        if type_.is_type_of is None:
            self._direct[own] = select
        else:
            lines += self._is_type_of(type_, place, position, select)
        self._define(own, "v", [*lines, f"return {select}(v, w, run)"])
        return own

    def _is_type_of(self, type_: GraphQLObjectType, place: Position, position: str, select: str) -> list[str]:
        ask, shape = self._bind("f", type_.is_type_of), self._name("h")
        self._lines.append(f"{shape} = ({self._bind('t', type_)}, {select})")
        return [
            "try:",
            f" a = {ask}(v, run.raw({place.selected.index}))",
            " if a is not True:",
            f"  a = judged(a, v, {position}, {shape}, run)",
            "  if a is not PLAIN: return a",
            "except Exception as error:",
            f" return failed(error, {position}, run)",
        ]

    def _completes_abstract(self, type_: Any, place: Position) -> str:
        own, position = self._name("c"), self._bind("p", place)
        shapes: dict[str, str] = {}
        for possible in self._compiler.schema.get_possible_types(type_):
            select = self._sub_selection(possible, place)
            if possible.is_type_of is None:
                shapes[possible.name] = select
                continue
            shape = shapes[possible.name] = self._name("c")
            lines = self._is_type_of(possible, place, position, select)
            self._define(shape, "v", [*lines, f"return {select}(v, w, run)"])
        abstract = self._bind("a", Abstract(type_, self._compiler.schema, place))
        ask, table = self._bind("f", type_.resolve_type or default_type_resolver), self._name("h")
        kind = self._bind("t", type_)
        rows = ", ".join(f"{_literal(name)}: {shape}" for name, shape in shapes.items())
        self._lines.append(f"{table} = {{{rows}}}")
        self._lines.append(f"{abstract}.shapes = {table}")
        self._define(
            own,
            "v",
            [
                *self._look(own, position),
                "try:",
                f" n = {ask}(v, run.raw({place.selected.index}), {kind})",
                "except Exception as error:",
                f" return failed(error, {position}, run)",
                f"shape = {table}.get(n) if type(n) is str else None",
                f"return {abstract}.unsure(n, v, w, run) if shape is None else shape(v, w, run)",
            ],
        )
        return own

    def _look(self, own: str, position: str) -> list[str]:
        """Lets ordinary values pass."""
        return [
            "if type(v) not in plain:",
            f" a = odd(v, {position}, {own}, run)",
            " if a is not PLAIN: return a",
        ]

    def _sub_selection(self, type_: GraphQLObjectType, place: Position) -> str:
        collected = collect_subfields(
            self._compiler.schema,
            self._fragments,
            self._variables,
            self._operation,
            type_,
            place.selected.details,
        )
        return self.selection(type_, _grouped(collected), place, place.selected.path)

    # -- text --------------------------------------------------------------------------------------------------------

    def _define(self, name: str, parameter: str, lines: list[str]) -> None:
        self._lines += [f"def {name}({parameter}, w, run):", *(f" {line}" for line in lines)]

    def _name(self, kind: str) -> str:
        name = f"{kind}_{len(self._names)}"
        self._names[name] = None
        return name

    def _bind(self, kind: str, value: object) -> str:
        name = self._name(kind)
        self._names[name] = value
        return name


def _grouped(collected: Any) -> GroupedFieldSet:
    if collected.new_defer_usages:
        raise Unsupported("@defer")
    grouped: GroupedFieldSet = collected.grouped_field_set
    return grouped


def _check(type_: GraphQLLeafType, var: str) -> str | None:
    """An expression that is true where ``var`` is not plainly what a built-in scalar shows."""
    checks: Mapping[Callable[..., Any], str] = {
        GraphQLString.coerce_output_value: f"type({var}) is not str",
        GraphQLID.coerce_output_value: f"type({var}) is not str",
        GraphQLInt.coerce_output_value: f"type({var}) is not int or not -2147483648 <= {var} <= 2147483647",
        GraphQLFloat.coerce_output_value: f"type({var}) is not float or {var} - {var} != 0.0",
        GraphQLBoolean.coerce_output_value: f"{var} is not True and {var} is not False",
    }
    return None if isinstance(type_, GraphQLEnumType) else checks.get(type_.coerce_output_value)


def _refused(guard: str, target: str, position: str) -> list[str]:
    return [
        f"if {guard} in denied:",
        f" run.refused[{guard}] = None",
        f" {target} = null({position}, run)",
        "else:",
    ]


def _literal(name: str) -> str:
    """A GraphQL name as a Python literal."""
    if not NAME.fullmatch(name):
        raise Unsupported(f"{name!r} is no name")
    return repr(name)


def _never(*_: Any) -> Any:
    raise AssertionError("a slot without its function")
