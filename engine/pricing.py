"""Makes the price of an operation once, so that what each request pays is a little arithmetic over its variables.

The same selection of the same type is priced once however often it is met, so fragments and abstract types within
abstract types do not multiply the work.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_list_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from engine.cost import FREE, Choice, Cost, Costs, Group, Line, Price, Size, Slice, Variables, length

Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]
Selections: TypeAlias = tuple[SelectionSetNode, ...]
Merged: TypeAlias = dict[str, list[FieldNode]]
"""The fields of one object by their names in the answer."""

Sized: TypeAlias = tuple[tuple[str, Size], ...]
"""The lists of an object whose size was told by the field that gives the object."""

Met: TypeAlias = tuple[str, tuple[int, ...], Sized]
"""A type, what is selected of it (the nodes' identities), and the lists told of."""


class Pricing:
    """Prices operations of one schema."""

    def __init__(self, schema: GraphQLSchema, costs: Costs) -> None:
        self.schema = schema
        self.costs = costs

    def price(self, operation: OperationDefinitionNode, fragments: Fragments, switches: Variables) -> Price:
        """The price of a valid operation. ``switches``: the values of the variables in its @skip and @include; what is
        absent skips nothing. Raises GraphQLError where a list needs exactly one slicing argument.
        """
        root = self.schema.get_root_type(operation.operation)
        making = _Making(self.schema, self.costs, fragments, switches)
        making.root(cast(GraphQLObjectType, root), operation.selection_set)
        return Price(tuple(making.choices), tuple(making.fixed))


class _Making:
    def __init__(self, schema: GraphQLSchema, costs: Costs, fragments: Fragments, switches: Variables) -> None:
        self.choices: list[Choice] = []
        self.fixed: list[int | None] = []
        self._schema = schema
        self._costs = costs
        self._fragments = fragments
        self._switches = switches
        self._places: dict[Met, int] = {}

    def root(self, type_: GraphQLObjectType, selections: SelectionSetNode) -> None:
        self._add((self._group(type_, 0, (selections,), ()),))

    def _add(self, choice: Choice) -> int:
        still = not any(group.moving for group in choice)
        self.choices.append(choice)
        self.fixed.append(max(group.fixed for group in choice) if still else None)
        return len(self.choices) - 1

    def _choice(self, type_: GraphQLNamedType, selections: Selections, sized: Sized) -> int:
        """The place of what is selected of ``type_``."""
        met = (type_.name, tuple(map(id, selections)), sized)
        if met not in self._places:
            types = self._schema.get_possible_types(type_) if is_abstract_type(type_) else (type_,)
            groups = (self._group(each, self._weight(each), selections, sized) for each in types)
            self._places[met] = self._add(tuple(groups))
        return self._places[met]

    def _weight(self, type_: GraphQLNamedType) -> int:
        return self._costs.types.get(type_.name, self._costs.object_weight)

    def _group(self, type_: GraphQLNamedType, weight: int, selections: Selections, sized: Sized) -> Group:
        object_type = cast(GraphQLObjectType, type_)
        merged: Merged = {}
        spread: set[str] = set()
        for each in selections:
            self._collect(object_type, each, merged, spread)
        told = dict(sized)
        lines = [self._line(object_type, nodes, told) for nodes in merged.values() if self._known(object_type, nodes)]
        fixed, moving = weight, []
        for line in lines:
            fixed += line.weight
            if line.below is None:
                continue
            below = self.fixed[line.below]
            if below is not None and isinstance(line.size, int):
                fixed += line.size * below
            else:
                moving.append((line.size, line.below if below is None else below, below is None))
        return Group(weight, tuple(lines), fixed, tuple(moving))

    def _known(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> bool:
        """Introspection is free: it asks no source."""
        return nodes[0].name.value in type_.fields

    def _line(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode], told: Mapping[str, Size]) -> Line:
        name = nodes[0].name.value
        key, field = (type_.name, name), type_.fields[name]
        cost = self._costs.fields.get(key, FREE)
        size = told[name] if name in told else self._size(nodes[0], field, cost)
        selections = tuple(node.selection_set for node in nodes if node.selection_set)
        if not selections:
            return Line(key, cost.weight, 1, None)
        sized = tuple((each, size) for each in cost.sized_fields)
        below = self._choice(get_named_type(field.type), selections, sized)
        return Line(key, cost.weight, 1 if sized else size, below)

    def _size(self, node: FieldNode, field: GraphQLField, cost: Cost) -> Size:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        slicing = [name for name in cost.slicing_arguments if name in given]
        if cost.require_one_slicing_argument and len(slicing) != 1:
            raise GraphQLError(
                f"`{node.name.value}` needs exactly one of the arguments {', '.join(cost.slicing_arguments)}.",
                nodes=node,
                extensions={"code": "BAD_USER_INPUT"},
            )
        assumed = self._costs.list_size if is_list_type(get_nullable_type(field.type)) else 1
        if cost.assumed_size is not None:
            assumed = cost.assumed_size
        variables = []
        known = []
        for name in cost.slicing_arguments:
            default = _default(field.args[name])
            value = given.get(name)
            if isinstance(value, VariableNode):
                variables.append((value.name.value, default))
            else:
                known.append(default if value is None else _literal(value))
        least = max((size for size in known if size is not None), default=None)
        if variables:
            return Slice(tuple(variables), least, assumed)
        return assumed if least is None else least

    def _collect(
        self, type_: GraphQLObjectType, selections: SelectionSetNode, merged: Merged, spread: set[str]
    ) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            match node:
                case FieldNode():
                    merged.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                case InlineFragmentNode():
                    if node.type_condition is None or self._applies(type_, node.type_condition):
                        self._collect(type_, node.selection_set, merged, spread)
                case FragmentSpreadNode() if node.name.value not in spread:
                    spread.add(node.name.value)
                    fragment = self._fragments[node.name.value]
                    if self._applies(type_, fragment.type_condition):
                        self._collect(type_, fragment.selection_set, merged, spread)

    def _applies(self, type_: GraphQLObjectType, condition: NamedTypeNode) -> bool:
        name = condition.name.value
        return name == type_.name or any(each.name == type_.name for each in self._possible(name))

    def _possible(self, name: str) -> Sequence[GraphQLObjectType]:
        type_ = self._schema.type_map[name]
        return self._schema.get_possible_types(type_) if is_abstract_type(type_) else ()

    def _included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            includes = _INCLUDES.get(directive.name.value)
            told = self._told(directive) if includes is not None else None
            if told is not None and told is not includes:
                return False
        return True

    def _told(self, switch: DirectiveNode) -> bool | None:
        """The value of ``if``; None: not known."""
        match (switch.arguments or ())[0].value:
            case BooleanValueNode(value=value):
                return value
            case VariableNode(name=name):
                return cast(bool | None, self._switches.get(name.value))
        return None


_INCLUDES: Mapping[str, bool] = {"include": True, "skip": False}
"""The value of ``if`` with which a field is part of the answer."""


def _default(argument: GraphQLArgument) -> int | None:
    return length(coerce_default_value(argument))


def _literal(value: ValueNode) -> int | None:
    match value:
        case IntValueNode():
            return max(int(value.value), 0)
        case ListValueNode():
            return len(value.values)
        case NullValueNode():
            return None
    return 1
