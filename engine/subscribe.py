"""Runs a subscription: its source is opened once, and each event is answered as an operation of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from graphql import (
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    located_error,
)
from graphql.execution.execute import create_source_event_stream
from graphql.execution.executor import Executor

from engine.execute import Context, Engine, Prepared
from engine.guards import FieldKey

Answer: TypeAlias = dict[str, Any]


class Stream:
    """The answers of a subscription, one for each event; ends with the source, or with an answer without ``data``.

    ``aclose`` must be called, whether it was iterated or not. ``contexts`` makes a context for each event, so that
    nothing is allowed because it once was. ``patience``: seconds one event may take, then TimeoutError.
    """

    def __init__(
        self,
        engine: Engine,
        prepared: Prepared,
        *,
        contexts: Callable[[], Context],
        variables: dict[str, Any] | None,
        operation_name: str | None,
        patience: float | None,
    ) -> None:
        self._engine = engine
        self._prepared = prepared
        self._contexts = contexts
        self._variables = variables
        self._operation_name = operation_name
        self._patience = patience
        self._opener = contexts()
        self._source: AsyncIterator[object] | None = None
        self._over = False

    async def open(self) -> Answer | None:
        """Opens the source; the answer that refuses it, or None."""
        engine, context = self._engine, self._opener
        started = engine.begin(self._prepared, context, self._variables, self._operation_name)
        if isinstance(started, dict):
            return started
        self._field = root_field(self._prepared, self._operation_name)
        name = self._field.alias or self._field.name
        self._path: list[str | int] = [name.value]
        if self._key in context.denied:
            context.deny(self._key)
            return engine.refusal(context.finish(), context)
        executor = Executor.build(
            engine.schema,
            self._prepared.document,
            context_value=context,
            raw_variable_values=self._variables,
            operation_name=self._operation_name,
        )
        if isinstance(executor, list):
            return engine.refusal(executor, context)
        opened = create_source_event_stream(executor)
        source = await opened if isinstance(opened, Awaitable) else opened
        if isinstance(source, ExecutionResult):
            return engine.refusal(source.errors or (), context)
        self._source = aiter(source)
        return None

    @property
    def _key(self) -> FieldKey:
        kind = self._engine.schema.subscription_type
        return (kind.name if kind else "", self._field.name.value)

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Answer:
        if self._over or self._source is None:
            raise StopAsyncIteration
        try:
            event = await anext(self._source)
        except StopAsyncIteration:
            raise
        except Exception as error:  # noqa: BLE001 (told to the client as what it is)
            self._over = True
            return self._engine.refusal([located_error(error, [self._field], self._path)], self._opener)
        return await self._answer(event)

    async def _answer(self, event: object) -> Answer:
        context = self._contexts()
        async with asyncio.timeout(self._patience):
            answer = await self._engine.execute(
                self._prepared,
                context=context,
                variables=self._variables,
                operation_name=self._operation_name,
                root=event,
            )
        if self._key in context.denied:
            answer.pop("data", None)
        self._over = "data" not in answer
        return answer

    async def aclose(self) -> None:
        self._over = True
        close = getattr(self._source, "aclose", None)
        try:
            if close is not None:
                await close()
        finally:
            self._opener.close()


async def subscribe(
    engine: Engine,
    prepared: Prepared,
    *,
    contexts: Callable[[], Context],
    variables: dict[str, Any] | None,
    operation_name: str | None,
    patience: float | None = None,
) -> Stream | Answer:
    """A subscription's answers to come, or the one answer that refuses it. See ``Stream``."""
    stream = Stream(
        engine, prepared, contexts=contexts, variables=variables, operation_name=operation_name, patience=patience
    )
    try:
        async with asyncio.timeout(patience):
            refusal = await stream.open()
    except BaseException:
        await stream.aclose()
        raise
    if refusal is not None:
        await stream.aclose()
        return refusal
    return stream


def root_field(prepared: Prepared, operation_name: str | None) -> FieldNode:
    """The one field that a valid subscription selects, through whatever fragments."""
    definitions = prepared.document.definitions
    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    node: Any = prepared.operation(operation_name)
    while not isinstance(node, FieldNode):
        inner = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        node = inner.selection_set.selections[0]
    return node
