"""Runs an operation from its text to a plain answer: parse and validate once per document, guard, execute, tell
errors.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from cachetools import LRUCache
from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    execute,
    get_operation_ast,
    visit,
)
from graphql.execution.values import VariableValues, get_directive_values, get_variable_values
from graphql.language import FieldNode

from engine.compile import Compiler, Plan, Unsupported
from engine.cost import Costs, Price, summary
from engine.cost import refusal as too_dear
from engine.guards import FieldKey, Guarded, Guards, Watch
from engine.limits import Limits, Reader, check_variables, measure
from engine.pricing import Pricing
from engine.run import Run


class Mode(StrEnum):
    """What runs operations."""

    ADAPTIVE = "adaptive"
    """A document's first run is graphql-core's; from its second on, a compiled plan's."""
    COMPILED = "compiled"
    """A compiled plan from the first run on."""
    CORE = "core"
    """graphql-core alone."""


COST_LIMIT = 5_000
"""The most that an operation may cost unless it is told otherwise: three pages of 100 orders with all about each."""

PLANNED_FIELDS = 30_000
"""The most fields that all plans kept have together, at about 1.7 kB a field."""

COMPILED_AT_ONCE = 100
"""Fields of an operation, its fragments spread, up to which it is compiled where it stands: 6 ms and less."""

SWITCHES = frozenset(("skip", "include"))


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

    async def release(self) -> None:
        """Called once the answer is complete, before any of it is sent. May raise GraphQLError to refuse it."""
        ...

    def close(self) -> None:
        """Called once at the end, however it came; leaves no task behind."""
        ...


@dataclass(slots=True, eq=False)
class Prepared:
    """A document that parsed and validated. ``switches``: the variables that decide what is skipped or included, each
    with the value that shows more; ``runs``: how often it was executed; ``warm``: it is planned before it runs.
    """

    document: DocumentNode
    fields: frozenset[FieldKey]
    fragments: dict[str, FragmentDefinitionNode]
    switches: Mapping[str, bool]
    runs: int = 0
    warm: bool = False

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation that ``name`` picks; None when there is none, or several and no name."""
        return get_operation_ast(self.document, name)


@dataclass(frozen=True, slots=True)
class Started:
    """One operation of a document with its variables' values. ``cost``: what it may cost at most."""

    node: OperationDefinitionNode
    values: VariableValues
    cost: int


ErrorFormat = Callable[[Sequence[GraphQLError], Any], list[dict[str, Any]]]
"""Turns all errors of one answer into what the client is told; receives the context, or None when execution never
started.
"""


PlanKey: TypeAlias = tuple[Prepared, str | None, tuple[Any, ...]]


class Engine:
    """One schema, ready to execute documents within ``limits`` that cost at most ``cost_limit`` by ``costs``. Keeps at
    most ``cache_size`` documents. ``tells_cost``: whether each answer has ``extensions.cost``.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        format_errors: ErrorFormat,
        mode: Mode | str = Mode.ADAPTIVE,
        watch: Watch | None = None,
        cache_size: int = 512,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        costs: Costs = Costs(),  # noqa: B008 (as above)
        cost_limit: int = COST_LIMIT,
        tells_cost: bool = False,
    ) -> None:
        self.schema = schema
        self.guards = Guards(schema, watch)
        self._format = format_errors
        self._mode = Mode(mode)
        self._limits = limits
        self._cost_limit = cost_limit
        self._tells_cost = tells_cost
        self._reader = Reader(schema, limits)
        self._pricing = Pricing(schema, costs)
        self._prices: LRUCache[PlanKey, Price] = LRUCache(4 * cache_size)
        self._documents: LRUCache[str, Prepared] = LRUCache(cache_size)
        self._warm: dict[str, Prepared] = {}
        self._compiler = Compiler(schema, self.guards)
        self._compiling: set[PlanKey] = set()
        self._plans: LRUCache[PlanKey, Plan | None] = LRUCache(
            PLANNED_FIELDS, getsizeof=lambda plan: len(plan.selected) + 1 if plan else 1
        )

    def prepare(self, query: str) -> Prepared | list[GraphQLError]:
        """Parses and validates, or tells why not."""
        known = self._warm.get(query) or self._documents.get(query)
        if known is not None:
            return known
        document = self._reader.read(query)
        if isinstance(document, list):
            return document
        prepared = _prepared(self.schema, document)
        self._documents[query] = prepared
        return prepared

    def warm(self, query: str) -> Prepared | list[GraphQLError]:
        """As ``prepare``, for a document that is kept for good: its operations are planned now, as they usually run."""
        prepared = self.prepare(query)
        if isinstance(prepared, list):
            return prepared
        self._warm[query] = prepared
        prepared.warm = True
        for node in prepared.document.definitions:
            if isinstance(node, OperationDefinitionNode) and self._plannable(prepared, node):
                values = _usual(prepared, node)
                self._plans[_plan_key(prepared, node, values)] = self._compiled(prepared, node, values)
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
        started = self.begin(prepared, context, variables, operation_name)
        if isinstance(started, dict):
            return started
        try:
            data, failures = await self._executed(prepared, started, context, variables, root)
            await context.release()
        except GraphQLError as error:
            return self.refusal([error], context)
        finally:
            context.close()
        if data is None and failures and all(error.path is None for error in failures):
            return self.refusal(failures, context)
        errors = self._format([*failures, *context.finish()], context)
        answer = {"data": data, "errors": errors} if errors else {"data": data}
        return answer | self._told(started) if self._tells_cost else answer

    def appraise(
        self, prepared: Prepared, variables: dict[str, Any] | None, operation_name: str | None
    ) -> dict[str, Any]:
        """What the operation would cost, as an answer for which nothing is executed; or the answer that refuses it."""
        try:
            started = self.start(prepared, variables, operation_name)
        except GraphQLError as error:
            started = [error]
        return self.refusal(started) if isinstance(started, list) else {"data": None} | self._told(started)

    def _told(self, started: Started) -> dict[str, Any]:
        return {"extensions": {"cost": summary(started.cost, self._cost_limit)}}

    async def _executed(
        self, prepared: Prepared, started: Started, context: Context, variables: dict[str, Any] | None, root: object
    ) -> tuple[Any, Sequence[GraphQLError]]:
        node = started.node
        prepared.runs += 1
        if self._plannable(prepared, node):
            plan = await self._plan(prepared, node, started.values)
            if plan is not None:
                run = Run(plan, node, context=context, variables=started.values, root=root, denied=context.denied)
                found = await run.execute()
                for key in run.refused:
                    context.deny(key)
                return found
        outcome = execute(
            self.schema,
            prepared.document,
            root_value=root,
            context_value=context,
            variable_values=variables,
            operation_name=node.name.value if node.name else None,
        )
        result = await outcome if isinstance(outcome, Awaitable) else outcome
        return result.data, result.errors or ()

    def _plannable(self, prepared: Prepared, node: OperationDefinitionNode) -> bool:
        """Mutations are serial and few: graphql-core's."""
        known = prepared.warm or prepared.runs > 1
        wanted = self._mode is Mode.COMPILED or (self._mode is Mode.ADAPTIVE and known)
        return wanted and node.operation is not OperationType.MUTATION

    async def _plan(self, prepared: Prepared, node: OperationDefinitionNode, values: VariableValues) -> Plan | None:
        """The operation's plan, compiled when first asked for; None: graphql-core must run it.

        A large operation is compiled in a thread, and whoever asks for it meanwhile runs on graphql-core.
        """
        key = _plan_key(prepared, node, values)
        if key in self._plans or key in self._compiling:
            return self._plans.get(key)
        if measure(prepared.document).fields <= COMPILED_AT_ONCE:
            plan = self._compiled(prepared, node, values)
        else:
            self._compiling.add(key)
            try:
                plan = await asyncio.to_thread(self._compiled, prepared, node, values)
            finally:
                self._compiling.discard(key)
        self._plans[key] = plan
        return plan

    def _compiled(self, prepared: Prepared, node: OperationDefinitionNode, values: VariableValues) -> Plan | None:
        try:
            return self._compiler.compile(node, prepared.fragments, values)
        except Unsupported:
            return None

    def _price(self, prepared: Prepared, node: OperationDefinitionNode, values: VariableValues) -> Price:
        key = _plan_key(prepared, node, values)
        if key not in self._prices:
            self._prices[key] = self._pricing.price(node, prepared.fragments, values.coerced)
        return self._prices[key]

    def begin(
        self, prepared: Prepared, context: Context, variables: dict[str, Any] | None, operation_name: str | None
    ) -> Started | dict[str, Any]:
        """Starts the context of an operation, or gives the answer that refuses it."""
        try:
            started = self.start(prepared, variables, operation_name)
            if isinstance(started, list):
                return self.refusal(started, context)
            context.start(self._operation(prepared, started), self.guards)
        except GraphQLError as error:
            return self.refusal([error], context)
        return started

    def start(
        self, prepared: Prepared, variables: dict[str, Any] | None, operation_name: str | None
    ) -> Started | list[GraphQLError]:
        """The operation with its values and its cost, or why it must not run. May raise GraphQLError, likewise."""
        node = prepared.operation(operation_name)
        if node is None:
            return [GraphQLError("Name the operation to run: operationName does not pick one.")]
        given = variables or {}
        excess = check_variables(given, self._limits)
        if excess is not None:
            return [excess]
        definitions = node.variable_definitions or ()
        most = self._limits.errors
        values = get_variable_values(self.schema, definitions, given, most, hide_suggestions=True)
        if isinstance(values, list):
            return values
        price = self._price(prepared, node, values)
        dear = too_dear(price, values.coerced, self._cost_limit)
        return Started(node, values, price(values.coerced)) if dear is None else [dear]

    def _operation(self, prepared: Prepared, started: Started) -> Operation:
        asked = {each.name.value: self.schema.get_directive(each.name.value) for each in started.node.directives or ()}
        directives = {
            name: get_directive_values(directive, started.node, started.values) or {}
            for name, directive in asked.items()
            if directive
        }
        return Operation(started.node, started.node.operation.value, prepared.fields, directives)

    def refusal(self, errors: Sequence[GraphQLError], context: Context | None = None) -> dict[str, Any]:
        """The answer to a request that was not executed."""
        return {"errors": self._format(errors, context)}


def _plan_key(prepared: Prepared, node: OperationDefinitionNode, values: VariableValues) -> PlanKey:
    switched = tuple(values.coerced.get(name) for name in prepared.switches)
    return prepared, node.name.value if node.name else None, switched


def _usual(prepared: Prepared, node: OperationDefinitionNode) -> VariableValues:
    """The switches as they are set by default, and where there is none, so that more is shown."""
    defaults = {each.variable.name.value: each.default_value for each in node.variable_definitions or ()}
    switched = {
        name: default.value if isinstance(default := defaults.get(name), BooleanValueNode) else shows
        for name, shows in prepared.switches.items()
        if name in defaults
    }
    return VariableValues({}, switched)


def _prepared(schema: GraphQLSchema, document: DocumentNode) -> Prepared:
    info = TypeInfo(schema)
    fields: set[FieldKey] = set()
    switches: dict[str, bool] = {}

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = info.get_parent_type()
            if parent is not None:
                fields.add((parent.name, node.name.value))

        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value in SWITCHES:
                for argument in node.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        switches.setdefault(argument.value.name.value, node.name.value == "include")

    visit(document, TypeInfoVisitor(info, Collect()))
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    return Prepared(document, frozenset(fields), fragments, switches)
