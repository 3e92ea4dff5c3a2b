"""Bounds what a document may cost before it runs: its text, its tokens, its shape, and the work of validating it.

Everything here is linear in the text. What fragments multiply is summed once per fragment, so an expansion of 2^60
fields is counted exactly and refused without being made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    ValueNode,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationRule, ValidationContext
from graphql.validation.validate import ValidationAbortedError

SAFE = 2**53 - 1
"""The largest number told to a client: what JSON carries everywhere. More is told as this."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Counts of one document; of depth, root fields, fields and aliases the most that one operation has with all its
    fragments spread in place.
    """

    operations: int = 0
    fragments: int = 0
    directives: int = 0
    values: int = 0
    """Values written as arguments, each member of a list or an object by itself."""
    depth: int = 0
    """Fields within fields; fragments add no level."""
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """The most a document may have. Besides the counts of ``Shape``: ``lines``, since each mistake is placed by
    counting them; ``comparisons``, what validation may spend on fields that could merge, in graphql-core's units;
    ``errors``, how many mistakes are told; ``variables``, the values in a request's variables, counted as
    ``Shape.values``.
    """

    characters: int = 50_000
    lines: int = 2_500
    tokens: int = 1_500
    operations: int = 10
    fragments: int = 50
    directives: int = 100
    values: int = 200
    depth: int = 20
    root_fields: int = 25
    fields: int = 1_000
    aliases: int = 100
    comparisons: int = 5_000
    errors: int = 10
    variables: int = 2_000

    @classmethod
    def none(cls) -> "Limits":
        """Bounds nothing: for documents of our own."""
        return cls(*[SAFE] * len(fields(cls)))


WORDS: Mapping[str, str] = {
    "characters": "characters",
    "lines": "lines",
    "tokens": "tokens",
    "operations": "operations",
    "fragments": "fragments",
    "directives": "directives",
    "values": "written values",
    "depth": "levels of fields",
    "root_fields": "root fields",
    "fields": "fields with its fragments spread",
    "aliases": "aliases with its fragments spread",
    "comparisons": "comparisons of fields that could merge",
    "variables": "values in its variables",
}
"""What each limit counts, as a refusal says it."""

DEPTH, COST = "DEPTH_LIMIT", "COST_LIMIT"


def refusal(limit: str, most: int, found: int | None = None) -> GraphQLError:
    """``limit``: its name in ``Limits``; ``found`` None: counting stopped at ``most``."""
    has = f"more than {most}" if found is None else str(min(found, SAFE))
    told: dict[str, Any] = {"code": DEPTH if limit == "depth" else COST, "limit": limit, "most": most}
    if found is not None:
        told["found"] = min(found, SAFE)
    return GraphQLError(f"The document has {has} {WORDS[limit]}; {most} are allowed.", extensions=told)


class Reader:
    """Reads documents of one schema from their text, within ``limits``."""

    def __init__(self, schema: GraphQLSchema, limits: Limits) -> None:
        self._schema = schema
        self._limits = limits
        self._rules = _rules(limits.comparisons)

    def read(self, text: str) -> DocumentNode | list[GraphQLError]:
        """The valid document, or why it is none."""
        limits = self._limits
        excess = _beyond(_size(text), limits)
        if excess is not None:
            return [excess]
        try:
            document = parse(text, max_tokens=limits.tokens)
        except GraphQLSyntaxError as error:
            return [_reason(error, limits)]
        excess = check(document, limits)
        if excess is not None:
            return [excess]
        try:
            return validate(self._schema, document, self._rules, max_errors=limits.errors) or document
        except GraphQLError as error:
            return [error]


def check(document: DocumentNode, limits: Limits) -> GraphQLError | None:
    """What refuses the document's shape, or None. A document whose fragments form a cycle is left to validation."""
    shape = measure(document)
    return _beyond({each.name: getattr(shape, each.name) for each in fields(Shape)}, limits)


def _size(text: str) -> Mapping[str, int]:
    return {"characters": len(text), "lines": text.count("\n") + text.count("\r") + 1}


def _beyond(counts: Mapping[str, int], limits: Limits) -> GraphQLError | None:
    for name, found in counts.items():
        most = getattr(limits, name)
        if found > most:
            return refusal(name, most, found)
    return None


def check_variables(variables: Mapping[str, Any], limits: Limits) -> GraphQLError | None:
    """What refuses the size of a request's variables, or None. Looks at no more than what is allowed."""
    left = limits.variables
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            left -= len(value)
            if left < 0:
                return refusal("variables", limits.variables)
            waiting += value.values() if isinstance(value, dict) else value
    return None


@dataclass(slots=True)
class _Part:
    """One operation or fragment. ``spreads``: each fragment it spreads, by name, with the fields above it."""

    spreads: list[tuple[str, int]]
    depth: int = 0
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0

    def add(self, other: "_Part", above: int) -> None:
        """Puts a fragment in place of a spread that has ``above`` fields above it."""
        self.depth = max(self.depth, above + other.depth)
        self.root_fields += 0 if above else other.root_fields
        self.fields += other.fields
        self.aliases += other.aliases


def measure(document: DocumentNode) -> Shape:
    """The counts of ``document``, in one pass over its nodes and one over its fragments."""
    fragments: dict[str, _Part] = {}
    operations: list[_Part] = []
    directives: list[DirectiveNode] = []
    values: list[ValueNode] = []
    named = 0
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            continue
        directives += definition.directives or ()
        for variable in definition.variable_definitions or ():
            directives += variable.directives or ()
            values += [variable.default_value] if variable.default_value else ()
        part = _walk(definition.selection_set, directives, values)
        if isinstance(definition, FragmentDefinitionNode):
            named += 1
            fragments[definition.name.value] = part
        else:
            operations.append(part)
    values += [argument.value for each in directives for argument in each.arguments or ()]
    _spread(fragments, operations)
    return Shape(
        operations=len(operations),
        fragments=named,
        directives=len(directives),
        values=_members(values),
        depth=max((part.depth for part in operations), default=0),
        root_fields=max((part.root_fields for part in operations), default=0),
        fields=max((part.fields for part in operations), default=0),
        aliases=max((part.aliases for part in operations), default=0),
    )


def _walk(selections: SelectionSetNode, directives: list[DirectiveNode], values: list[ValueNode]) -> _Part:
    """The part without what it spreads; what it has of directives and values is added to the lists."""
    part = _Part([])
    waiting = [(selections, 0)]
    while waiting:
        within, above = waiting.pop()
        for node in within.selections:
            directives += node.directives or ()
            match node:
                case FieldNode():
                    part.fields += 1
                    part.aliases += node.alias is not None
                    part.root_fields += not above
                    part.depth = max(part.depth, above + 1)
                    values += [argument.value for argument in node.arguments or ()]
                    if node.selection_set:
                        waiting.append((node.selection_set, above + 1))
                case InlineFragmentNode():
                    waiting.append((node.selection_set, above))
                case FragmentSpreadNode():
                    part.spreads.append((node.name.value, above))
    return part


def _spread(fragments: Mapping[str, _Part], operations: list[_Part]) -> None:
    """Puts all fragments in their places, each once it is whole itself; where they form a cycle, none."""
    uses = {name: [used for used, _ in part.spreads if used in fragments] for name, part in fragments.items()}
    try:
        order = [*TopologicalSorter(uses).static_order()]
    except CycleError:
        return
    for part in (*(fragments[name] for name in order), *operations):
        for name, above in part.spreads:
            if name in fragments:
                part.add(fragments[name], above)


def _members(values: list[ValueNode]) -> int:
    count = 0
    waiting = [*values]
    while waiting:
        value = waiting.pop()
        count += 1
        match value:
            case ListValueNode():
                waiting += value.values
            case ObjectValueNode():
                waiting += [field.value for field in value.fields]
    return count


def _reason(error: GraphQLSyntaxError, limits: Limits) -> GraphQLError:
    """The parser tells of its limits in words only."""
    if error.message.endswith(f"Document contains more than {limits.tokens} tokens. Parsing aborted."):
        return refusal("tokens", limits.tokens)
    if error.message.endswith("Document is nested too deeply. Parsing aborted."):
        return refusal("depth", limits.depth)
    return error


Rule: TypeAlias = type[ASTValidationRule]


def _rules(comparisons: int) -> tuple[Rule, ...]:
    """The specification's rules, of which the one that compares fields pairwise may make ``comparisons``; it raises
    the refusal.
    """

    class Bounded(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = comparisons

        def enter_selection_set(self, selection_set: SelectionSetNode, _key: Any, parent: Any, *others: Any) -> None:
            try:
                super().enter_selection_set(selection_set, _key, parent, *others)
            except ValidationAbortedError:
                if self.rule_context.remaining_complexity_budget < 0:
                    raise refusal("comparisons", comparisons) from None
                raise

    return tuple(Bounded if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules)
