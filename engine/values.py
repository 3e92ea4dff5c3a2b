"""What stands in an answer before it is settled, and how values that are not what a plan expected are completed.

A plan's generated code handles what it expects. Everything else comes here: nulls, exceptions, awaitables, iterables,
and leaves that want coercion; each ends as graphql-core would end it.
"""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, Undefined
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.executor import Executor
from graphql.language import FieldNode
from graphql.pyutils import Path, inspect, is_async_iterable, is_awaitable, is_iterable
from graphql.type import GraphQLAbstractType, GraphQLField, GraphQLLeafType

if TYPE_CHECKING:
    from engine.run import Run, Wave


@dataclass(slots=True, eq=False)
class Selected:
    """One field of one object type, as an operation selects it. ``path`` has response names and no list positions."""

    index: int
    parent_type: GraphQLObjectType
    name: str
    definition: GraphQLField
    details: list[FieldDetails]
    path: Path
    nodes: list[FieldNode] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = [detail.node for detail in self.details]


@dataclass(slots=True, eq=False)
class Position:
    """A place in every answer of a plan: a field's value, or the items of a list in it. ``parent``: that of the object
    or list it stands in; None: the answer itself.
    """

    parent: "Position | None"
    nullable: bool
    selected: Selected


@dataclass(slots=True, eq=False)
class Failure:
    """Stands for a value that could not be had. ``partial``: the items of a list before its iteration failed."""

    error: Exception
    position: Position
    partial: Any = None


@dataclass(slots=True, eq=False)
class Pending:
    """Stands for a value that nobody expected to be awaitable; ``value`` is there once its task has ended."""

    value: Any = None


Complete: TypeAlias = "Callable[[Any, Wave, Run], Any]"
"""Makes of a resolved value what stands in the answer. Never raises."""


class _Plain:
    """The answer of ``odd``: the value is an ordinary one."""


PLAIN = _Plain()


def failed(error: Exception, position: Position, run: "Run") -> Failure:
    run.marked = True
    return Failure(error, position)


def null(position: Position, run: "Run") -> Failure | None:
    """What becomes of a null at ``position``."""
    if position.nullable:
        return None
    place = position.selected
    return failed(
        TypeError(f"Cannot return null for non-nullable field {place.parent_type}.{place.name}."), position, run
    )


def odd(value: Any, position: Position, complete: Complete, run: "Run") -> Any:
    """What stands for a value that needs no further look; else PLAIN, and its class is remembered as ordinary."""
    if value is None or value is Undefined:
        return null(position, run)
    if isinstance(value, Exception):
        return failed(value, position, run)
    if is_awaitable(value):
        return run.pending(value, position, complete)
    if type(value) is not GeneratorType:
        run.plain.add(type(value))
    return PLAIN


def leaf(type_: GraphQLLeafType, position: Position) -> Complete:
    """Completes whatever is not already what ``type_`` shows."""
    coerce = type_.coerce_output_value

    def complete(value: Any, _: "Wave", run: "Run") -> Any:
        ready = odd(value, position, complete, run)
        if ready is not PLAIN:
            return ready
        try:
            told = coerce(value)
        except Exception as error:  # noqa: BLE001 (told to the client)
            return failed(error, position, run)
        if told is not None and told is not Undefined:
            return told
        asked = f"`{inspect(type_)}.coerce_output_value({inspect(value)})`"
        return failed(
            TypeError(f"Expected {asked} to return non-nullable value, returned: {inspect(told)}"), position, run
        )

    return complete


def listed(value: Any, position: Position, complete: Complete, wave: "Wave", run: "Run") -> Any:
    """A list made of any iterable, or what stands for it."""
    if value is None or value is Undefined:
        return null(position, run)
    if isinstance(value, Exception):
        return failed(value, position, run)
    if is_awaitable(value):
        return run.pending(value, position, complete)
    if is_async_iterable(value):
        return run.pending(_collected(value), position, _of_collected(position, complete))
    if not is_iterable(value):
        place = position.selected
        message = f"Expected Iterable, but did not find one for field '{place.parent_type}.{place.name}'."
        return failed(GraphQLError(message), position, run)
    items = list[Any]()
    try:
        for item in value:
            items.append(item)
    except Exception as error:  # noqa: BLE001 (told to the client)
        failure = failed(error, position, run)
        failure.partial = complete(items, wave, run)
        return failure
    return items


async def _collected(values: AsyncIterable[Any]) -> tuple[list[Any], Exception | None]:
    iterator, items = aiter(values), list[Any]()
    try:
        while True:
            try:
                items.append(await anext(iterator))
            except StopAsyncIteration:
                return items, None
    except Exception as error:  # noqa: BLE001 (told to the client)
        close: Callable[[], Awaitable[None]] | None = getattr(iterator, "aclose", None)
        if close is not None:
            with suppress(Exception):
                await close()
        return items, error


def _of_collected(position: Position, complete: Complete) -> Complete:
    """What came before an iteration failed is completed for the errors in it."""

    def of_collected(found: tuple[list[Any], Exception | None], wave: "Wave", run: "Run") -> Any:
        items, error = found
        done = complete(items, wave, run)
        if error is None:
            return done
        failure = failed(error, position, run)
        failure.partial = done
        return failure

    return of_collected


def judged(answer: Any, value: Any, position: Position, shape: tuple[GraphQLObjectType, Complete], run: "Run") -> Any:
    """What stands for ``value`` after an ``is_type_of`` that did not plainly say True; PLAIN: it is of the type."""
    type_, complete = shape
    if is_awaitable(answer):

        async def awaited() -> Any:
            if not await answer:
                raise _not_of(type_, value, position)
            return value

        return run.pending(awaited(), position, complete)
    return PLAIN if answer else failed(_not_of(type_, value, position), position, run)


def _not_of(type_: GraphQLObjectType, value: Any, position: Position) -> GraphQLError:
    return GraphQLError(f"Expected value of type '{type_}' but got: {inspect(value)}.", position.selected.nodes)


@dataclass(slots=True, eq=False)
class Abstract:
    """An interface or union at one position. ``shapes``: what completes each of its possible types."""

    type_: GraphQLAbstractType
    schema: GraphQLSchema
    position: Position
    shapes: dict[str, Complete] = field(default_factory=dict)

    def unsure(self, name: Any, value: Any, wave: "Wave", run: "Run") -> Any:
        """What stands for ``value`` when its type's name is no plain name of a possible type."""
        if is_awaitable(name):
            return run.pending(name, self.position, partial(self._named, value))
        return self._named(value, name, wave, run)

    def _named(self, value: Any, name: Any, wave: "Wave", run: "Run") -> Any:
        place = self.position.selected
        try:
            valid = Executor.ensure_valid_runtime_type(
                cast(Executor[Any], self), name, self.type_, place.details, run.raw(place.index), value
            )
        except GraphQLError as error:
            return failed(error, self.position, run)
        return self.shapes[valid.name](value, wave, run)
