"""How the engine's costs grow: a plan's with fields and depth, an answer's with objects, depth and loader keys.

Run ``python -m benchmarks.engine_growth``. All in memory, documents parsed and validated beforehand; milliseconds of
CPU, medians of interleaved rounds; kB are what a plan keeps.
"""

import asyncio
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
import strawberry
from graphql import execute
from graphql.execution.values import VariableValues

from benchmarks.engine_alone import Anybody
from engine.batching import batched
from engine.compile import Compiler
from engine.execute import Engine, Mode, Prepared
from engine.guards import Guards
from engine.limits import Limits

ROUNDS = 7
FIELDS = (10, 100, 250)
DEPTHS = (1, 10, 40)
OBJECTS = (10, 100, 1000)
KEYS = (65, 650, 6500)


class Read:
    """A loader at its least: the keys asked for in one turn of the loop are one read."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[str]] = {}

    async def load(self, key: int) -> str:
        return await self._landing(key)

    async def load_many(self, keys: Sequence[int]) -> Sequence[str]:
        landings = [self._landing(key) for key in keys]
        return [await landing for landing in landings]

    def _landing(self, key: int) -> asyncio.Future[str]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._land)
        if key not in self._waiting:
            self._waiting[key] = loop.create_future()
        return self._waiting[key]

    def _land(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for key, landing in waiting.items():
            landing.set_result(f"of {key}")


class Asking(Anybody):
    """A context with one loader."""

    def __init__(self) -> None:
        super().__init__()
        self.read = Read()


async def _by_parent(root: Any, info: strawberry.Info) -> str:
    found: str = await info.context.read.load(root.key)
    return found


async def _together(roots: Sequence[Any], info: Any) -> Sequence[str]:
    found: Sequence[str] = await info.context.read.load_many([root.key for root in roots])
    return found


@strawberry.type
class Node:
    key: int
    name: str
    below: "Node | None"
    by_parent: str = strawberry.field(resolver=_by_parent)
    together: str = strawberry.field(resolver=batched(_together))


def _nodes(count: int, depth: int = 1) -> list[Node]:
    found: list[Node] = []
    for key in range(count):
        node = None
        for _ in range(depth):
            node = Node(key=key, name=f"node {key}", below=node)
        found += [node] if node else []
    return found


@strawberry.type
class Query:
    nodes: list[Node] = strawberry.field(resolver=_nodes)


GRAPH = strawberry.Schema(query=Query)._schema  # noqa: SLF001 (the only way to it)
ENGINE = Engine(
    GRAPH,
    format_errors=lambda errors, _: [dict(error.formatted) for error in errors],
    mode=Mode.COMPILED,
    limits=Limits.none(),
    cost_limit=10**9,
)


def wide(fields: int) -> str:
    return " ".join(f"f{n}: name" for n in range(fields))


def deep(depth: int, leaves: str = "key name") -> str:
    return f"{leaves} below {{ " * (depth - 1) + leaves + " }" * (depth - 1)


def document(selection: str) -> str:
    return f"query($count: Int!, $depth: Int! = 1) {{ nodes(count: $count, depth: $depth) {{ {selection} }} }}"


def _prepared(selection: str) -> Prepared:
    prepared = ENGINE.prepare(document(selection))
    if not isinstance(prepared, Prepared):
        raise TypeError(prepared)
    return prepared


# -- plans -------------------------------------------------------------------------------------------------------------


def plan(selection: str) -> tuple[float, float]:
    """Milliseconds to compile, and kB to keep."""
    prepared = _prepared(selection)
    node, compiler = prepared.operation(None), Compiler(GRAPH, Guards(GRAPH))
    if node is None:
        raise TypeError("no operation")
    values = VariableValues({}, {"count": 1, "depth": 1})
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        compiler.compile(node, prepared.fragments, values)
        taken.append((time.process_time() - began) * 1e3)
    tracemalloc.start()
    kept = compiler.compile(node, prepared.fragments, values)
    size = tracemalloc.get_traced_memory()[0] / 1024
    tracemalloc.stop()
    assert kept.selected
    return statistics.median(taken), size


# -- answers -----------------------------------------------------------------------------------------------------------

Work = Callable[[], Awaitable[bytes]]


def by_plan(selection: str, variables: Mapping[str, int]) -> Work:
    prepared = _prepared(selection)

    async def work() -> bytes:
        found = await ENGINE.execute(prepared, context=Asking(), variables=dict(variables), operation_name=None)
        return orjson.dumps(found["data"])

    return work


def by_core(selection: str, variables: Mapping[str, int]) -> Work:
    prepared = _prepared(selection)

    async def work() -> bytes:
        outcome = execute(GRAPH, prepared.document, context_value=Asking(), variable_values=dict(variables))
        result = await outcome if isinstance(outcome, Awaitable) else outcome
        return orjson.dumps(result.data)

    return work


async def answer(works: Sequence[Work], times: int) -> list[float]:
    """Milliseconds of CPU for one answer of each."""
    taken: list[list[float]] = [[] for _ in works]
    for work in works:
        assert b"null" not in await work()
    for _ in range(ROUNDS):
        for work, each in zip(works, taken, strict=True):
            began = time.process_time()
            for _ in range(times):
                await work()
            each.append((time.process_time() - began) / times * 1e3)
    return [statistics.median(each) for each in taken]


async def _compared(selection: str, **variables: int) -> str:
    size = variables["count"] * variables.get("depth", 1)
    ours, core = await answer([by_plan(selection, variables), by_core(selection, variables)], max(1, 300 // size))
    return f"{ours:.3f} | {core:.2f} | {core / ours:.1f}x"


async def report(
    fields: Sequence[int] = FIELDS,
    depths: Sequence[int] = DEPTHS,
    objects: Sequence[int] = OBJECTS,
    keys: Sequence[int] = KEYS,
) -> str:
    rows = ["| a plan of | | ms to compile | kB to keep |", "| --- | ---: | ---: | ---: |"]
    shapes = [("fields on one level", count, wide(count)) for count in fields]
    shapes += [("levels of two fields", depth, deep(depth)) for depth in depths]
    for shape, size, selection in shapes:
        taken, kept = plan(selection)
        rows.append(f"| {shape} | {size} | {taken:.1f} | {kept:.0f} |")

    rows += ["", "| an answer of | | compiled plan, ms | graphql-core, ms | core / plan |"]
    rows.append("| --- | ---: | ---: | ---: | ---: |")
    for count in objects:
        rows.append(f"| objects of ten fields | {count} | {await _compared(wide(10), count=count)} |")
    for depth in depths:
        told = await _compared(deep(depth), count=20, depth=depth)
        rows.append(f"| twenty objects, levels of two fields | {depth} | {told} |")

    rows += [
        "",
        "| loader keys | asked for together, ms | asked for by each parent, ms | graphql-core, ms | core / together |",
    ]
    rows.append("| ---: | ---: | ---: | ---: | ---: |")
    for count in keys:
        asked = {"count": count}
        works = [by_plan("key together", asked), by_plan("key byParent", asked), by_core("key byParent", asked)]
        together, parent, core = await answer(works, max(1, 650 // count))
        rows.append(f"| {count} | {together:.3f} | {parent:.2f} | {core:.2f} | {core / together:.1f}x |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(asyncio.run(report()))
