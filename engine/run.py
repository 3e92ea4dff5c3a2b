"""One execution of a plan: what is to be awaited is started level by level, and each group goes on by itself.

Completing a value is synchronous and goes as far down as it can; fields that must be awaited are noted in a wave. All
of a wave's groups start before any is awaited, and each is completed as soon as it has come, so that a slow source
keeps nobody waiting but those who need it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry
from graphql import GraphQLError, GraphQLResolveInfo, OperationDefinitionNode
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import gather_with_cancel, is_awaitable
from graphql.type.definition import GraphQLResolveInfoHelpers

from engine.fields import Access, Batched, Function, info_for
from engine.guards import FieldKey
from engine.resting import Rest
from engine.settle import settle
from engine.values import Complete, Pending, Position, Selected, failed

if TYPE_CHECKING:
    from engine.compile import Plan


@dataclass(slots=True, eq=False)
class Slot:
    """A field that is awaited. ``key``: its name in the answer."""

    selected: Selected
    key: str
    access: Access
    position: Position
    complete: Complete


Waiting: TypeAlias = list[tuple[Any, dict[str, Any]]]
"""Objects, each with the part of the answer that is made of it."""


class Wave(defaultdict[int, Waiting]):
    """What is to be awaited next, by slot."""

    def __init__(self) -> None:
        super().__init__(list)


class Run:
    """``denied``: the fields that the caller may not read; ``refused`` gathers those of them that were reached."""

    def __init__(
        self,
        plan: "Plan",
        operation: OperationDefinitionNode,
        *,
        context: Any,
        variables: VariableValues,
        root: object,
        denied: Mapping[FieldKey, Any],
    ) -> None:
        self._plan = plan
        self._operation = operation
        self._context = context
        self._variables = variables
        self._root = root
        self.plain = plan.plain
        self.denied = denied
        self.seen = context.seen
        self.refused: dict[FieldKey, None] = {}
        self.marked = False
        self._raws: list[GraphQLResolveInfo[Any] | None] = [None] * len(plan.selected)
        self._infos: dict[int, strawberry.Info] = {}
        self._arguments: dict[int, dict[str, Any]] = {}
        self._left = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._idle: asyncio.Future[None] | None = None
        self._broken: BaseException | None = None
        self._come: list[tuple[Slot, dict[str, Any], asyncio.Task[Any]]] = []

    async def execute(self) -> tuple[Any, list[GraphQLError]]:
        """Data and errors. Cancelled, it leaves no task behind; nor does it leave a circle for the collector."""
        try:
            wave = Wave()
            data = self._plan.root(self._root, wave, self)
            if wave or self._left:
                await self._work_off(wave)
                if self._left:
                    self._idle = asyncio.get_running_loop().create_future()
                    await self._idle
        finally:
            if self._tasks:
                await self._abandon()
            self._raws.clear()
            self._infos.clear()
        if self._broken is not None:
            raise self._broken
        return settle(data) if self.marked else (data, [])

    # -- what generated code asks -----------------------------------------------------------------------------------

    def raw(self, index: int) -> GraphQLResolveInfo[Any]:
        """What graphql-core tells a resolver; ``path`` has no list positions."""
        known = self._raws[index]
        if known is None:
            known = self._raws[index] = self._told(self._plan.selected[index])
        return known

    def info(self, index: int) -> strawberry.Info:
        """What Strawberry tells a resolver."""
        known = self._infos.get(index)
        if known is None:
            known = self._infos[index] = info_for(self._plan.definitions[index], self.raw(index))
        return known

    def arguments(self, index: int) -> dict[str, Any]:
        """The field's arguments, coerced once. Raises GraphQLError."""
        known = self._arguments.get(index)
        if known is None:
            place = self._plan.selected[index]
            known = get_argument_values(place.definition, place.nodes[0], self._variables)
            self._arguments[index] = known
        return known

    def pending(self, awaitable: Awaitable[Any], position: Position, complete: Complete) -> Pending:
        """Stands for what ``awaitable`` will give."""
        self.marked = True
        pending = Pending()
        self._start(self._fill(pending, awaitable, position, complete))
        return pending

    def _told(self, selected: Selected) -> GraphQLResolveInfo[Any]:
        return GraphQLResolveInfo(
            selected.name,
            selected.nodes,
            selected.definition.type,
            selected.parent_type,
            selected.path,
            self._plan.schema,
            self._plan.fragments,
            self._root,
            self._operation,
            self._variables,
            self._context,
            is_awaitable,
            None,
            GraphQLResolveInfoHelpers(gather=lambda values: gather_with_cancel(*values), track=self._track),
        )

    def _track(self, values: Any) -> None:
        """Work that nobody will wait for, to be ended with the run."""
        for value in values:
            if is_awaitable(value):
                self._start(_ended(value))

    # -- waves -------------------------------------------------------------------------------------------------------

    async def _work_off(self, wave: Wave) -> None:
        """Starts every group, then goes on with the last of them by itself."""
        slots = self._plan.slots
        while wave:
            groups = [(slots[index], waiting) for index, waiting in wave.items()]
            wave = Wave()
            for slot, waiting in groups[:-1]:
                self._begin(slot, waiting)
            slot, waiting = groups[-1]
            if isinstance(slot.access, Batched):
                await self._batch(slot, slot.access, waiting, wave)
            elif len(waiting) == 1:
                await self._one(slot, *waiting[0], wave)
            else:
                self._each(slot, waiting)

    def _begin(self, slot: Slot, waiting: Waiting) -> None:
        if isinstance(slot.access, Batched):
            self._start(self._batch_on(slot, slot.access, waiting))
        else:
            self._each(slot, waiting)

    async def _batch_on(self, slot: Slot, access: Batched, waiting: Waiting) -> None:
        wave = Wave()
        await self._batch(slot, access, waiting, wave)
        await self._work_off(wave)

    async def _batch(self, slot: Slot, access: Batched, waiting: Waiting, wave: Wave) -> None:
        key, complete = slot.key, slot.complete
        try:
            values = await access.call([parent for parent, _ in waiting], self.info(slot.selected.index))
            rest = Rest()
            for (_, told), value in zip(waiting, values, strict=True):
                told[key] = complete(value, wave, self)
                if rest.due:
                    await rest.take()
        except Exception as error:  # noqa: BLE001 (told to the client)
            for _, told in waiting:
                told[key] = failed(error, slot.position, self)

    async def _one(self, slot: Slot, parent: Any, told: dict[str, Any], wave: Wave) -> None:
        try:
            value = await self._call(slot, parent)
        except Exception as error:  # noqa: BLE001 (told to the client)
            told[slot.key] = failed(error, slot.position, self)
        else:
            told[slot.key] = slot.complete(value, wave, self)

    def _each(self, slot: Slot, waiting: Waiting) -> None:
        """Each parent by itself; those that come at the same time are completed together."""
        for parent, told in waiting:
            try:
                task = asyncio.ensure_future(self._call(slot, parent))
            except Exception as error:  # noqa: BLE001 (told to the client)
                told[slot.key] = failed(error, slot.position, self)
                continue
            self._left += 1
            self._tasks.add(task)
            task.add_done_callback(partial(self._has_come, slot, told))

    def _call(self, slot: Slot, parent: Any) -> Awaitable[Any]:
        index, access = slot.selected.index, slot.access
        if isinstance(access, Function):
            given: dict[str, Any] = {access.root: parent} if access.root else {}
            if access.info:
                given[access.info] = self.info(index)
            called: Awaitable[Any] = access.call(**given)
            return called
        resolve: Callable[..., Awaitable[Any]] = access.call  # type: ignore[union-attr]  # an attribute is never a slot
        return resolve(parent, self.raw(index), **self.arguments(index))

    def _has_come(self, slot: Slot, told: dict[str, Any], task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not self._come:
            task.get_loop().call_soon(self._take)
        self._come.append((slot, told, task))

    def _take(self) -> None:
        """Completes what has come since the loop's last turn."""
        come, self._come = self._come, []
        wave = Wave()
        for slot, told, task in come:
            if task.cancelled():
                self._broken = self._broken or asyncio.CancelledError()
            elif (error := task.exception()) is None:
                told[slot.key] = slot.complete(task.result(), wave, self)
            elif isinstance(error, Exception):
                told[slot.key] = failed(error, slot.position, self)
            else:
                self._broken = error
        if wave:
            self._start(self._work_off(wave))
        self._ended(len(come))

    async def _fill(self, pending: Pending, awaitable: Awaitable[Any], position: Position, complete: Complete) -> None:
        wave = Wave()
        try:
            value = await awaitable
        except Exception as error:  # noqa: BLE001 (told to the client)
            pending.value = failed(error, position, self)
        else:
            pending.value = complete(value, wave, self)
        await self._work_off(wave)

    # -- tasks -------------------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._left += 1
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            self._broken = self._broken or asyncio.CancelledError()
        elif (error := task.exception()) is not None:
            self._broken = error
        self._ended(1)

    def _ended(self, count: int) -> None:
        self._left -= count
        idle = self._idle
        if idle is not None and not idle.done() and (not self._left or self._broken is not None):
            idle.set_result(None)

    async def _abandon(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _ended(work: Awaitable[Any]) -> None:
    with suppress(Exception):
        await work
