"""Runs an operation from its text to a plain answer: parse and validate once per document, guard, execute, tell
errors.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    execute,
    get_operation_ast,
    parse,
    validate,
    visit,
)
from graphql.execution.values import get_directive_values, get_variable_values
from graphql.language import FieldNode

from engine.guards import FieldKey, Guarded, Guards


@dataclass(frozen=True, slots=True)
class Operation:
    """What is known of an operation before it runs: every field any part of its document selects."""

    node: OperationDefinitionNode
    kind: str
    fields: frozenset[FieldKey]
    directives: Mapping[str, Mapping[str, Any]]
    """The arguments of each directive on the operation itself."""


class Context(Guarded, Protocol):
    """What the engine asks of the context that resolvers see."""

    def start(self, operation: Operation, guards: Guards) -> None:
        """Called once before anything is resolved; sets ``denied``. May raise GraphQLError to refuse the operation."""
        ...

    def finish(self) -> Sequence[GraphQLError]:
        """Called once after everything is resolved; errors that belong to the whole answer."""
        ...

    def close(self) -> None:
        """Called once at the end, however it came; leaves no task behind."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document that parsed and validated."""

    document: DocumentNode
    fields: frozenset[FieldKey]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation that ``name`` picks; None when there is none, or several and no name."""
        return get_operation_ast(self.document, name)


ErrorFormat = Callable[[Sequence[GraphQLError], Any], list[dict[str, Any]]]
"""Turns all errors of one answer into what the client is told; receives the context, or None when execution never
started.
"""


class Engine:
    """One schema, ready to execute documents. Keeps at most ``cache_size`` documents; refuses those above
    ``max_tokens`` tokens.
    """

    def __init__(
        self, schema: GraphQLSchema, *, format_errors: ErrorFormat, cache_size: int = 512, max_tokens: int = 10_000
    ) -> None:
        self.schema = schema
        self.guards = Guards(schema)
        self._format = format_errors
        self._max_tokens = max_tokens
        self._documents: LRUCache[str, Prepared] = LRUCache(cache_size)

    def prepare(self, query: str) -> Prepared | list[GraphQLError]:
        """Parses and validates, or tells why not."""
        known = self._documents.get(query)
        if known is not None:
            return known
        try:
            document = parse(query, max_tokens=self._max_tokens)
        except GraphQLError as error:
            return [error]
        except RecursionError:
            return [GraphQLError("The document is nested too deeply.")]
        errors = validate(self.schema, document)
        if errors:
            return errors
        prepared = Prepared(document, _selected(self.schema, document))
        self._documents[query] = prepared
        return prepared

    async def execute(
        self,
        prepared: Prepared,
        *,
        context: Context,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        root: object = None,
    ) -> dict[str, Any]:
        """The answer as plain data. An error before execution (unknown operation, bad variables) leaves out
        ``data``. ``root``: what the root fields start from, which is a subscription's event.
        """
        refusal = self.begin(prepared, context, variables, operation_name)
        if refusal is not None:
            return refusal
        try:
            outcome = execute(
                self.schema,
                prepared.document,
                root_value=root,
                context_value=context,
                variable_values=variables,
                operation_name=operation_name,
            )
            result = await outcome if isinstance(outcome, Awaitable) else outcome
        finally:
            context.close()
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            return self.refusal(result.errors, context)
        errors = self._format([*(result.errors or ()), *context.finish()], context)
        return {"data": result.data, "errors": errors} if errors else {"data": result.data}

    def begin(
        self, prepared: Prepared, context: Context, variables: dict[str, Any] | None, operation_name: str | None
    ) -> dict[str, Any] | None:
        """Starts the context of an operation; the answer that refuses it, or None when it may go on."""
        node = prepared.operation(operation_name)
        if node is None:
            return self.refusal([GraphQLError("Name the operation to run: operationName does not pick one.")], context)
        try:
            directives = self._directives(node, variables or {})
            context.start(Operation(node, node.operation.value, prepared.fields, directives), self.guards)
        except GraphQLError as error:
            return self.refusal([error], context)
        return None

    def _directives(self, node: OperationDefinitionNode, variables: dict[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        if not node.directives:
            return {}
        values = get_variable_values(self.schema, node.variable_definitions or (), variables)
        if isinstance(values, list):
            raise values[0]
        asked = {each.name.value: self.schema.get_directive(each.name.value) for each in node.directives}
        return {
            name: get_directive_values(directive, node, values) or {} for name, directive in asked.items() if directive
        }

    def refusal(self, errors: Sequence[GraphQLError], context: Context | None = None) -> dict[str, Any]:
        """The answer to a request that was not executed."""
        return {"errors": self._format(errors, context)}


def _selected(schema: GraphQLSchema, document: DocumentNode) -> frozenset[FieldKey]:
    info = TypeInfo(schema)
    fields: set[FieldKey] = set()

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = info.get_parent_type()
            if parent is not None:
                fields.add((parent.name, node.name.value))

    visit(document, TypeInfoVisitor(info, Collect()))
    return frozenset(fields)
