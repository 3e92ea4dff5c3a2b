"""The engine with nothing around it: CPU of one answer in memory, by compiled plan, by graphql-core and by Strawberry.

Run ``python -m benchmarks.engine_alone``. One order is 189 fields, 50 are 9,401; documents are parsed and validated
beforehand but for Strawberry, which is measured as installed. Rounds are interleaved and medians printed.
"""

import asyncio
import statistics
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import strawberry
from graphql import GraphQLError, execute
from graphql.execution.values import VariableValues
from strawberry.schema.config import StrawberryConfig

from engine.batching import batched
from engine.compile import Compiler
from engine.execute import Engine, Mode, Prepared
from engine.guards import Guards
from engine.wire import written
from graph.scalars import SCALARS

ROUNDS = 7
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@strawberry.type
class Money:
    amount: Decimal
    currency: str


@strawberry.type
class Line:
    number: int
    sku: str
    description: str | None
    ordered: int
    shipped: int
    price: Money
    promised: datetime | None
    backordered: bool


@strawberry.type
class Event:
    at: datetime
    code: str
    message: str
    location: str | None


@strawberry.type
class Shipment:
    id: strawberry.ID
    carrier: str
    tracking: str
    events: list[Event]


async def _notes(roots: Sequence[Any], _: strawberry.Info) -> Sequence[str]:
    await asyncio.sleep(0)
    return [f"note on {root.number}" for root in roots]


@strawberry.type
class Order:
    id: strawberry.ID
    number: str
    status: str
    placed: datetime
    total: Money
    customer: str
    lines: list[Line]
    shipments: list[Shipment]
    note: str = strawberry.field(resolver=batched(_notes))


ORDER = Order(
    id=strawberry.ID("T3JkZXI6MQ"),
    number="SO-1",
    status="SHIPPED",
    placed=AT,
    total=Money(amount=Decimal("1204.50"), currency="USD"),
    customer="Harbor Supply",
    lines=[
        Line(
            number=n,
            sku=f"SKU-{n}",
            description="a thing" if n % 3 else None,
            ordered=n,
            shipped=n - 1,
            price=Money(amount=Decimal("12.50"), currency="USD"),
            promised=AT if n % 2 else None,
            backordered=n % 4 == 0,
        )
        for n in range(1, 14)
    ],
    shipments=[
        Shipment(
            id=strawberry.ID(f"S{n}"),
            carrier="UPSN",
            tracking=f"1Z{n}",
            events=[Event(at=AT, code="X1", message="on its way", location="Reno") for _ in range(5)],
        )
        for n in range(2)
    ],
)
DEEP = """number sku description ordered shipped price { amount currency } promised backordered"""
FIELDS = f"""id number status placed total {{ amount currency }} customer lines {{ {DEEP} }}
shipments {{ id carrier tracking events {{ at code message location }} }}"""
MEMORY = f"query($count: Int!) {{ orders(count: $count) {{ {FIELDS} }} }}"
AWAITED = f"query($count: Int!) {{ orders(count: $count) {{ note {FIELDS} }} }}"


def _orders(count: int) -> list[Order]:
    return [ORDER] * count


@strawberry.type
class Query:
    orders: list[Order] = strawberry.field(resolver=_orders)


class Anybody:
    """A context that denies nothing."""

    def __init__(self) -> None:
        self.denied: Mapping[tuple[str, str], frozenset[str]] = {}
        self.seen: Mapping[tuple[str, str], list[object]] = {}

    def start(self, *_: object) -> None: ...
    def deny(self, _: object) -> None: ...
    def close(self) -> None: ...
    async def release(self) -> None: ...
    def finish(self) -> list[GraphQLError]:
        return []


SCHEMA = strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS))
GRAPH = SCHEMA._schema  # noqa: SLF001 (the only way to it)
Work = Callable[[], Awaitable[bytes]]


def contenders(text: str, count: int) -> dict[str, Work]:
    """Each gives the same bytes."""
    variables: dict[str, Any] = {"count": count}
    engine = Engine(
        GRAPH, format_errors=lambda errors, _: [dict(error.formatted) for error in errors], mode=Mode.COMPILED
    )
    prepared = engine.prepare(text)
    if not isinstance(prepared, Prepared):
        raise TypeError(prepared)

    async def plan() -> bytes:
        found = await engine.execute(prepared, context=Anybody(), variables=variables, operation_name=None)
        return written(found)

    async def core() -> bytes:
        outcome = execute(GRAPH, prepared.document, variable_values=variables)
        result = await outcome if isinstance(outcome, Awaitable) else outcome
        return written({"data": result.data})

    async def plain() -> bytes:
        return written({"data": (await SCHEMA.execute(text, variable_values=variables)).data})

    return {"compiled plan": plan, "graphql-core": core, "Strawberry as installed": plain}


async def measured(works: dict[str, Work], times: int) -> dict[str, float]:
    """Milliseconds of CPU for one answer."""
    answers = {name: await work() for name, work in works.items()}
    if len(set(answers.values())) != 1:
        raise ValueError("the answers differ")
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            began = time.process_time()
            for _ in range(times):
                await work()
            taken[name].append((time.process_time() - began) / times * 1e3)
    return {name: statistics.median(each) for name, each in taken.items()}


def compiling() -> str:
    """What a plan costs to make and to keep."""
    engine = Engine(GRAPH, format_errors=lambda *_: [])
    prepared = engine.prepare(MEMORY)
    if not isinstance(prepared, Prepared):
        raise TypeError(prepared)
    node, compiler = prepared.operation(None), Compiler(GRAPH, Guards(GRAPH))
    if node is None:
        raise TypeError("no operation")
    taken = []
    for _ in range(20):
        began = time.process_time()
        compiler.compile(node, prepared.fragments, VariableValues({}, {"count": 1}))
        taken.append((time.process_time() - began) * 1e3)
    tracemalloc.start()
    plans = [compiler.compile(node, prepared.fragments, VariableValues({}, {"count": 1})) for _ in range(20)]
    kept = tracemalloc.get_traced_memory()[0] / len(plans) / 1024
    tracemalloc.stop()
    fields = len(plans[0].selected)
    return f"A plan of {fields} fields: {statistics.median(taken):.1f} ms to compile, {kept:.0f} kB to keep."


async def report(orders: Sequence[int] = (1, 50, 500)) -> str:
    columns = "compiled plan | graphql-core | Strawberry as installed | core / plan | Strawberry / plan"
    rows = [f"| CPU ms per answer | orders | {columns} |"]
    rows += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for title, text in (("in memory", MEMORY), ("with a field awaited", AWAITED)):
        for count in orders:
            found = await measured(contenders(text, count), max(1, 200 // count))
            plan, core, plain = found.values()
            ratios = f"{core / plan:.1f}x | {plain / plan:.1f}x"
            rows.append(f"| {title} | {count} | {plan:.3f} | {core:.2f} | {plain:.2f} | {ratios} |")
    return "\n".join([*rows, "", compiling()])


if __name__ == "__main__":
    print(asyncio.run(report()))
