"""One ERP takes over from another in a running Crossdock, and nobody who asks, follows or turns pages notices."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.execute import Engine
from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from server import settings
from server.app import build
from server.telemetry import Telemetry
from store.database import Database
from store.shadow import Shadows
from tests.e2e.conftest import PATIENT
from tests.e2e.test_memory import AROUND, FOLLOW, Served, milestones, until
from tests.server.serving import served_at

CUT_OVER = START + timedelta(minutes=30)
PAGE = """query ($after: String) { orders(first: 40, after: $after) {
  pageInfo { endCursor hasNextPage } nodes { id number } } }"""
OWNER = "query ($n: String!) { order(number: $n) { number status source { system } } }"
BY_NODE = "query ($id: ID!) { node(id: $id) { ... on Order { number source { system } } } }"
ONE_SECRET = "one-secret-of-all-replicas-that-is-long-enough"
LONG = 300.0
"""Seconds in which all events of a stretch are acknowledged by a server that has much else to do."""
LIVE = {"READS__ORDERS__LISTS": "live", "INGEST__BACKFILL": "false", "SECRET": ONE_SECRET}


@pytest.fixture(scope="module")
def following() -> Iterator[Fleet]:
    """The ERP that takes over: everything has been migrated to it."""
    with Fleet.start(("erp",)) as started:
        yield started


def second(following: Fleet, given: Mapping[str, str]) -> dict[str, str]:
    """The settings of the second ERP, where the first one's are ``given``."""
    own = {"URL": f"{following.urls['erp']}/services/Distribution", "LIMITS__DEADLINE": "20"}
    first = {name: given[f"CROSSDOCK_ERP__{name}"] for name in ("KIND", "USERNAME", "PASSWORD")}
    return {f"COEXISTENCE__ERP__{name}": value for name, value in (first | own).items()}


class Company:
    """Both ERPs' clocks, which is the company's."""

    def __init__(self, served: Served, following: Fleet) -> None:
        self.served = served
        self._following = following

    async def move(self, to: datetime, *, told: bool = True) -> None:
        await asyncio.to_thread(self._following.set_clock, to)
        await (self.served.move(to, within=LONG) if told else self.served.skip(to))

    async def owner(self, number: str) -> str:
        answer = await self.served.ask("buyer", OWNER, n=number)
        assert "errors" not in answer, answer
        system: str = answer["data"]["order"]["source"]["system"]
        return system


@asynccontextmanager
async def serving(given: Mapping[str, str], engine: Engine, fleet: Fleet) -> AsyncIterator[Served]:
    async with served_at(lambda _: build(settings.load(given), engine, Telemetry())) as address:
        yield Served(address, given, fleet)


@pytest.fixture
async def company(fleet: Fleet, following: Fleet, engine: Engine, tmp_path: Path) -> AsyncIterator[Company]:
    fleet.clear_faults()
    for each in (fleet, following):
        each.thaw()
        each.set_clock(START)
    base = environment(fleet.urls, f"sqlite:///{tmp_path}/crossdock.db")
    own = PATIENT | LIVE | second(following, base)
    own |= {"COEXISTENCE__WAVES__ALL__BEGINS": CUT_OVER.isoformat(), "COEXISTENCE__SHADOW": "1"}
    given = base | {f"CROSSDOCK_{name}": value for name, value in own.items()}
    async with serving(given, engine, fleet) as served:
        await asyncio.to_thread(fleet.subscribe, f"{served.address}/webhooks")
        yield Company(served, following)
        await asyncio.to_thread(fleet.unsubscribe)
    fleet.set_clock(START)


async def turned(served: Served, cursor: str | None, pages: int = 10_000) -> tuple[list[str], str | None]:
    """The numbers of the next pages, and where to go on; None at the end."""
    numbers: list[str] = []
    for _ in range(pages):
        answer = await served.ask("buyer", PAGE, after=cursor)
        assert "errors" not in answer, answer
        connection = answer["data"]["orders"]
        numbers += [node["number"] for node in connection["nodes"]]
        cursor = connection["pageInfo"]["endCursor"]
        if not connection["pageInfo"]["hasNextPage"]:
            return numbers, None
    return numbers, cursor


@pytest.mark.parametrize(
    ("askers", "orders"), [(1, 6), pytest.param(3, 60, marks=pytest.mark.soak)], ids=["some load", "much load"]
)
@pytest.mark.timeout(4 * LONG)
async def test_a_cut_over_under_load_and_its_rollback_are_noticed_by_nobody(
    *, askers: int, orders: int, company: Company, fleet: Fleet, following: Fleet, engine: Engine, world: World
) -> None:
    served, number = company.served, world.examples["moving"]
    whole, _ = await turned(served, None)
    assert len(set(whole)) == len(whole) > 100
    before, cursor = await turned(served, None, pages=1)
    node = (await served.ask("buyer", PAGE))["data"]["orders"]["nodes"][-1]
    assert await company.owner(number) == "erp"

    stop, asked = asyncio.Event(), Counter[str]()

    async def ask(numbers: list[str]) -> None:
        while not stop.is_set():
            for each in numbers:
                asked[await company.owner(each)] += 1

    async with served.speaking("buyer") as speaker, asyncio.TaskGroup() as load:
        await speaker.subscribe("follow", FOLLOW, n=number)
        for start in range(askers):
            load.create_task(ask(whole[start:orders:askers]))
        during = load.create_task(turned(served, None))
        await company.move(CUT_OVER + timedelta(minutes=1))
        await until(lambda: company.owner(number), lambda system: system == "erp_next")
        last = milestones(world, number)[0]
        await company.move(last - AROUND, told=False)
        await company.move(last + AROUND)
        told = await speaker.told("orderUpdated")
        assert told["order"]["number"] == number
        stop.set()
    assert asked["erp"] > 0 < asked["erp_next"]
    assert sorted(asked) == ["erp", "erp_next"]

    new = {each.number for each in world.orders.values() if each.submitted_at > START}
    numbers, _ = during.result()
    assert [each for each in numbers if each not in new] == whole
    some, cursor = await turned(served, cursor, pages=1)
    assert (await served.ask("buyer", BY_NODE, id=node["id"]))["data"]["node"] == {
        "number": node["number"],
        "source": {"system": "erp_next"},
    }

    back = {name: value for name, value in served.given.items() if "WAVES" not in name}
    async with serving(back, engine, fleet) as rolled_back:
        rest, _ = await turned(rolled_back, cursor)
        assert await Company(rolled_back, following).owner(number) == "erp"
    assert [*before, *some, *rest] == whole

    database = await Database.open(served.given["CROSSDOCK_STORE__URL"])
    report = await until(Shadows(database).report, lambda found: found.compared)
    await database.close()
    assert report.compared
