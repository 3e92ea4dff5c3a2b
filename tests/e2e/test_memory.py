"""Memory in a running Crossdock: events move an order, subscribers see each step, and a dead ERP stops neither."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from domain.access import Visibility
from domain.model import CustomerId
from engine.execute import Engine
from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from ingest.backfill import Backfill
from server import settings
from server.app import build
from server.systems import open_systems
from server.telemetry import Telemetry
from store.database import Database
from store.inbox import Inbox, State
from tests.domain.samples import order
from tests.e2e import personas
from tests.e2e.conftest import PATIENT
from tests.server.serving import served_at
from tests.server.speaking import PROTOCOL, Speaker
from tests.store.telling import observation

T = TypeVar("T")

CROSSDOCK = str(Path(sys.executable).with_name("crossdock"))

FOLLOW = """subscription ($n: String!) { orderUpdated(number: $n) {
  cursor before after events { kind message } order { number status } } }"""
LISTS = """query ($n: String!) {
  orders(first: 10) { totalCount nodes { number status source { system asOf stale } } }
  search(text: $n) { nodes { __typename ... on Order { number } } }
}"""
DETAIL = """query ($n: String!) { order(number: $n) {
  number status lines { lineNumber ordered { value } } source { system asOf stale ageSeconds } } }"""
STEPS = ("CONFIRMED", "ALLOCATED", "IN_WAREHOUSE", "SHIPPED_PENDING_CARRIER", "SHIPPED", "DELIVERED", "COMPLETED")
"""How an order without trouble moves on, each step at most once."""


AROUND = timedelta(minutes=4)


def milestones(world: World, number: str) -> Sequence[datetime]:
    """When something happens to an order that moves it on: a few instants of two days full of others' business."""
    moves = [each for each in world.happenings(START, START + timedelta(days=3)) if each.order == number]
    scans = [each.at for each in moves if each.kind == "scan"]
    work = [each.at for each in moves if each.kind == "Shipment Update"]
    named = [each.at for each in moves if each.kind in ("Order Allocated", "Order Released", "Order Packed Out")]
    return sorted((*named, work[0], work[-1], scans[1], scans[-1]))


class Served:
    """A Crossdock with memory, on a real port, told of everything by the company."""

    def __init__(self, address: str, given: Mapping[str, str], fleet: Fleet) -> None:
        self.address = address
        self.given = given
        self._fleet = fleet

    async def ask(self, persona: str, query: str, **variables: Any) -> dict[str, Any]:
        bearer = {"authorization": f"Bearer {await personas.token(self._fleet, persona)}"}
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            body = {"query": query, "variables": variables}
            reply = await client.post(f"{self.address}/graphql", json=body, headers=bearer)
        answer: dict[str, Any] = reply.json()
        return answer

    @asynccontextmanager
    async def speaking(self, persona: str) -> AsyncIterator[Speaker]:
        url = self.address.replace("http", "ws") + "/graphql"
        async with connect(url, subprotocols=[Subprotocol(PROTOCOL)], proxy=None) as socket:
            speaker = Speaker(socket)
            await speaker.acknowledged(f"Bearer {await personas.token(self._fleet, persona)}")
            yield speaker

    async def move(self, to: datetime, within: float = 60) -> None:
        """The company's clock; returns once all that happened until then is acknowledged, in ``within`` seconds."""
        await asyncio.to_thread(self._fleet.set_clock, to)
        await asyncio.to_thread(self._fleet.flush, within)

    async def skip(self, to: datetime) -> None:
        """The same, with nobody told of what happens on the way."""
        await asyncio.to_thread(self._fleet.unsubscribe)
        await asyncio.to_thread(self._fleet.set_clock, to)
        await asyncio.to_thread(self._fleet.subscribe, f"{self.address}/webhooks")


@pytest.fixture
async def served(fleet: Fleet, engine: Engine, tmp_path: Path) -> AsyncIterator[Served]:
    fleet.clear_faults()
    fleet.thaw()
    fleet.set_clock(START)
    own = {f"CROSSDOCK_{name}": value for name, value in (PATIENT | {"INGEST__BACKFILL": "false"}).items()}
    given = environment(fleet.urls, f"sqlite:///{tmp_path}/crossdock.db") | own
    async with served_at(lambda _: build(settings.load(given), engine, Telemetry())) as address:
        await asyncio.to_thread(fleet.subscribe, f"{address}/webhooks")
        yield Served(address, given, fleet)
        await asyncio.to_thread(fleet.unsubscribe)
    fleet.clear_faults()
    fleet.set_clock(START)


def codes(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


async def until(found: Callable[[], Awaitable[T]], condition: Callable[[T], object]) -> T:
    """What ``found`` gives once it fulfils the condition."""
    async with asyncio.timeout(60):
        while True:
            value = await found()
            if condition(value):
                return value
            await asyncio.sleep(0.1)


async def test_an_order_moves_from_release_to_delivered_while_a_subscriber_is_told_each_step(
    served: Served, world: World
) -> None:
    number, told = world.examples["moving"], list[dict[str, Any]]()
    async with served.speaking("buyer") as speaker:
        await speaker.subscribe("follow", FOLLOW, n=number)

        async def listen() -> None:
            while not told or told[-1]["after"] != "DELIVERED":
                told.append(await speaker.told("orderUpdated"))

        listening = asyncio.create_task(listen())
        for moment in milestones(world, number):
            await served.skip(moment - AROUND)
            await served.move(moment + AROUND)
        async with asyncio.timeout(90):
            await listening
    statuses = list(dict.fromkeys(update["after"] for update in told if update["after"]))
    assert statuses == [step for step in STEPS if step in statuses], statuses
    assert {"IN_WAREHOUSE", "SHIPPED", "DELIVERED"} <= set(statuses)
    kinds = {event["kind"] for update in told for event in update["events"]}
    assert {"RELEASED_TO_WAREHOUSE", "PICKED", "SHIPMENT_PACKED", "TRACKING"} <= kinds
    assert len({update["cursor"] for update in told}) == len(told)


async def test_without_the_erp_lists_and_search_work_and_detail_tells_its_age(
    served: Served, fleet: Fleet, world: World
) -> None:
    number = world.examples["moving"]
    account = world.orders[number].account
    family = frozenset(map(CustomerId, {account, *world.descendants(world.personas["buyer"].account or account)}))
    async with AsyncExitStack() as stack:
        systems = await open_systems(stack, settings.load(served.given), Telemetry())
        assert systems.remembering is not None
        memory = systems.remembering
        run = await Backfill(
            memory.database, memory.inbox, systems.estate, now=systems.now, scope=Visibility(family)
        ).run()
    assert run.outcome == "done"
    await served.move(START + timedelta(hours=1))

    async def listed() -> dict[str, Any]:
        return await served.ask("buyer", LISTS, n=number)

    before = await until(listed, lambda answer: not codes(answer))
    fleet.fault("erp", status=503)
    try:
        lists = await listed()
        assert codes(lists) <= {"STALE_DATA"}, lists
        assert lists["data"]["orders"]["totalCount"] == before["data"]["orders"]["totalCount"] > 10
        assert [node["number"] for node in lists["data"]["orders"]["nodes"]] == [
            node["number"] for node in before["data"]["orders"]["nodes"]
        ]
        assert {"__typename": "Order", "number": number} in lists["data"]["search"]["nodes"]
        await served.move(START + timedelta(hours=2))
        answer = await until(
            lambda: served.ask("buyer", DETAIL, n=number), lambda one: one["data"]["order"]["source"]["stale"]
        )
    finally:
        fleet.clear_faults()
    remembered = answer["data"]["order"]
    assert remembered["number"] == number
    assert remembered["lines"]
    read_within = timedelta(minutes=2)  # after the first move, as the clock goes on by itself
    assert remembered["source"]["ageSeconds"] >= (timedelta(hours=1) - read_within).total_seconds()
    assert codes(answer) == {"STALE_DATA"}


async def test_a_worker_beside_the_server_folds_what_comes_and_stops_when_it_is_told_to(
    fleet: Fleet, tmp_path: Path
) -> None:
    """`crossdock worker`, as it runs beside `crossdock serve --no-worker`."""
    given = environment(fleet.urls, f"sqlite:///{tmp_path}/crossdock.db") | {"CROSSDOCK_INGEST__BACKFILL": "false"}
    database = await Database.open(given["CROSSDOCK_STORE__URL"])
    inbox, told = Inbox(database), observation(order())
    worker = await asyncio.create_subprocess_exec(CROSSDOCK, "worker", env=os.environ | given)
    try:
        await inbox.accept([told])
        await until(
            lambda: inbox.show((told.source, told.external_id)), lambda found: found and found[1] is State.SETTLED
        )
        worker.terminate()
        async with asyncio.timeout(60):
            assert await worker.wait() == 0
    finally:
        if worker.returncode is None:
            worker.kill()
        await database.close()
