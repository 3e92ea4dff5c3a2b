"""An upstream that hangs or fails costs its own part of an answer, and no more of anybody's time than it may."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from tests.e2e import personas
from tests.soak.doors import door
from tests.soak.figures import tell
from tests.soak.product import SECTIONS, Site, limits, product
from tests.sources.hostile import hang, status

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

DEADLINE = 3.0
PATIENT = limits(deadline=30, breaker_failures=1_000_000) | {"CROSSDOCK_DEADLINE": str(DEADLINE)}
HASTY = limits(deadline=1, breaker_failures=1_000_000)
QUIET = {"CROSSDOCK_LOG_LEVEL": "error"}
WHOLE = """query ($n: String!) @maxStaleness(seconds: 0) {
  viewer { kind } order(number: $n) { number customer { name } shipments { number events { status } } }
}"""
SHIPMENTS = "{ shipments(first: 5) { nodes { number packages { id } } } }"
SHIPMENT = "query ($n: String!) @maxStaleness(seconds: 0) { shipment(trackingNumber: $n) { number packages { id } } }"
EXAMPLES = {"erp": "delivered", "wms": "delivered", "ups": "delivered", "usps": "usps_parcel", "ltl": "ltl_freight"}
"""An order that each source has a part in."""


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as held:
        yield held


async def opened(stack: AsyncExitStack, fleet: Fleet, folder: Path, given: dict[str, str]) -> Site:
    doors = {name: await stack.enter_async_context(door(fleet.urls[name])) for name in SECTIONS}
    urls = {**fleet.urls, **{name: each.url for name, each in doors.items()}}
    here = await stack.enter_async_context(stack.enter_context(product(urls, folder, QUIET | given)))
    site = Site(doors, here, await personas.token(fleet, "service"))
    for _ in range(2):
        await here.ask(site.bearer, WHOLE, n="SO-1")
    return site


def told(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {(error["extensions"]["source"], error["extensions"]["code"]) for error in answer.get("errors", ())}


@pytest.mark.parametrize("arm", ["the operation ends first", "the source ends first"])
async def test_deadlines(arm: str, fleet: Fleet, world: World, tmp_path: Path, stack: AsyncExitStack) -> None:
    patient = arm == "the operation ends first"
    site = await opened(stack, fleet, tmp_path, PATIENT if patient else HASTY)
    for case in EXAMPLES.values():
        await site.here.ask(site.bearer, WHOLE, n=world.examples[case])
    before, bound, late = await site.here.left(), DEADLINE if patient else 1.0, 0.0
    for source, case in EXAMPLES.items():
        site.doors[source].strike(hang)
        began = time.monotonic()
        answer = await site.here.ask(site.bearer, WHOLE, n=world.examples[case])
        late = max(late, time.monotonic() - began - bound)
        tasks = (await site.here.left()).tasks - before.tasks
        site.doors[source].strike(None)
        assert told(answer) == {(source, "SOURCE_TIMEOUT")}
        assert answer["data"]["viewer"] == {"kind": "SERVICE"}
        assert tasks == Counter(), source
    moment = (
        f"{late * 1000:+.0f} ms after its deadline at most" if late > 0 else f"{-late * 1000:.0f} ms before at least"
    )
    tell(24, f"{arm}: {len(EXAMPLES)} upstreams hung in turn, answered {moment}, 0 orphan tasks")


async def test_bulkheads(fleet: Fleet, world: World, tmp_path: Path, stack: AsyncExitStack) -> None:
    """The same load on the warehouse, in turns while the ERP hangs under load of its own and while it is left alone."""
    site = await opened(stack, fleet, tmp_path, limits(breaker_failures=1_000_000))
    orders = sorted(world.orders)[:16]
    arms: dict[bool, list[float]] = {False: [], True: []}
    partial: list[dict[str, Any]] = []

    async def load(until: float, taken: list[float]) -> None:
        while time.monotonic() < until:
            began = time.monotonic()
            answer = await site.here.ask(site.bearer, SHIPMENTS)
            taken.append(time.monotonic() - began)
            assert "errors" not in answer, answer

    async def stuck(number: str, after: float) -> None:
        await asyncio.sleep(after)
        while True:
            partial.append(await site.here.ask(site.bearer, WHOLE, n=number))

    for turn in range(12):
        hanging = turn % 2 == 1
        site.doors["erp"].strike(hang if hanging else None)
        waiting = [asyncio.create_task(stuck(each, 3 * at / 16)) for at, each in enumerate(orders) if hanging]
        await asyncio.sleep(3 if hanging else 0)
        until = time.monotonic() + 5
        await asyncio.gather(*(load(until, arms[hanging]) for _ in range(4)))
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    alone, beside = (statistics.quantiles(arms[hanging], n=100)[98] for hanging in (False, True))
    figure = f"{alone * 1000:.0f} ms alone, {beside * 1000:.0f} ms beside a hanging ERP ({beside / alone - 1:+.0%})"
    tell(25, f"WMS p99 of {len(arms[False])} and {len(arms[True])} queries: {figure}")
    assert partial
    assert {each for answer in partial for each in told(answer)} == {("erp", "SOURCE_TIMEOUT")}
    assert all(answer["data"]["viewer"] for answer in partial)


async def test_breaker(fleet: Fleet, tmp_path: Path, stack: AsyncExitStack) -> None:
    cooldown, rounds, callers = 1.0, 5, 50
    site = await opened(stack, fleet, tmp_path, limits(deadline=2, breaker_failures=3, breaker_cooldown=cooldown))
    wms = site.doors["wms"]
    wms.strike(status(503))
    while wms.attacked < 3:
        await site.here.ask(site.bearer, SHIPMENT, n="1Z")
    reached = []
    for number in range(rounds):
        await asyncio.sleep(cooldown + 0.2)
        wms.strike(hang)
        asked = (site.here.ask(site.bearer, SHIPMENT, n=f"1Z{number}-{caller}") for caller in range(callers))
        answers = await asyncio.gather(*asked)
        reached.append(wms.attacked)
        assert Counter(code for answer in answers for _, code in told(answer)) == {
            "SOURCE_TIMEOUT": 1,
            "SOURCE_UNAVAILABLE": callers - 1,
        }
    tell(26, f"of {callers} callers at half-open, {rounds} times: {', '.join(map(str, reached))} reached the source")
    assert reached == [1] * rounds


async def test_retry_budget(fleet: Fleet, tmp_path: Path, stack: AsyncExitStack) -> None:
    site = await opened(stack, fleet, tmp_path, limits(deadline=5, breaker_failures=1_000_000))
    wms, asked = site.doors["wms"], 400
    wms.strike(status(503))
    for first in range(0, asked, 8):
        answers = await asyncio.gather(
            *(site.here.ask(site.bearer, SHIPMENT, n=f"1Z{first + caller}") for caller in range(8))
        )
        assert {each for answer in answers for each in told(answer)} == {("wms", "SOURCE_UNAVAILABLE")}
    tell(27, f"at 100% failure {wms.attacked} calls for {asked} asked: {wms.attacked / asked:.3f}x")
    assert asked <= wms.attacked <= 1.1 * asked
