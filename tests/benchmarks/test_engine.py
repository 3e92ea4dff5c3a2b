"""What the engine's benchmarks time is the same answer each way, of the size they say."""

import asyncio
import json
from typing import Any

import pytest

from benchmarks import engine_alone, engine_growth

SELECTIONS = {
    "wide": engine_growth.wide(3),
    "deep": engine_growth.deep(4),
    "by parent": "key byParent",
    "together": "key together",
}


def counted(answer: Any) -> int:
    """Fields of an answer, an object's own counted with those in it."""
    if isinstance(answer, list):
        return sum(map(counted, answer))
    return sum(1 + counted(value) for value in answer.values()) if isinstance(answer, dict) else 0


@pytest.mark.parametrize("text", [engine_alone.MEMORY, engine_alone.AWAITED], ids=["in memory", "awaited"])
async def test_every_contender_of_the_engine_alone_gives_the_same_bytes(text: str) -> None:
    answers = [await work() for work in engine_alone.contenders(text, 2).values()]
    assert len(set(answers)) == 1
    assert len(json.loads(answers[0])["data"]["orders"]) == 2


@pytest.mark.parametrize(("orders", "fields"), [(1, 189), (50, 9_401)], ids=["1 order", "50 orders"])
async def test_an_answer_has_as_many_fields_as_is_said(orders: int, fields: int) -> None:
    work = engine_alone.contenders(engine_alone.MEMORY, orders)["compiled plan"]
    assert counted(json.loads(await work())["data"]) == fields


@pytest.mark.parametrize("selection", SELECTIONS.values(), ids=SELECTIONS.keys())
async def test_plan_and_core_give_the_same_bytes_of_what_grows(selection: str) -> None:
    size = {"count": 5, "depth": 4}
    ours, core = await engine_growth.by_plan(selection, size)(), await engine_growth.by_core(selection, size)()
    assert ours == core
    assert len(json.loads(ours)["nodes"]) == 5


async def test_keys_asked_for_in_one_turn_are_one_read() -> None:
    read = engine_growth.Read()
    one, many = await asyncio.gather(read.load(1), read.load_many([2, 1]))
    assert (one, many) == ("of 1", ["of 2", "of 1"])


async def test_growth_is_told_in_three_tables() -> None:
    told = await engine_growth.report(fields=(2,), depths=(3,), objects=(100,), keys=(100,))
    tables = [table.splitlines() for table in told.split("\n\n")]
    assert [len(table) - 2 for table in tables] == [2, 2, 1]
    assert all(len({row.count("|") for row in table}) == 1 for table in tables)
