"""A Crossdock's memory over the simulated company, without a server: what comes in, who reads, and who folds."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.access import Visibility
from domain.model import CustomerId
from domain.queries import OrderQuery
from examples.distributor.clock import START, SimClock
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from ingest.backfill import Backfill
from ingest.observer import Silence as NobodyListens
from ingest.polling import Carrier, Polling
from ingest.reading import Reader
from ingest.worker import Worker
from server import settings
from sources import feeds
from sources.carriers.dhl.adapter import DhlCarrier
from sources.carriers.fedex.adapter import FedexCarrier
from sources.carriers.ups.adapter import UpsCarrier
from sources.carriers.usps.adapter import UspsCarrier
from sources.carriers.x12_214.adapter import X12Carrier
from sources.estate import Estate
from sources.observer import Silence
from sources.registry import open_estate
from store.database import Database
from store.inbox import Inbox
from store.memory import Memory
from store.wants import Wants

OWNERS = ("erp", "wms", "ups", "fedex", "usps", "dhl", "ltl", "idp")
PATIENT = {f"CROSSDOCK_{source}__LIMITS__DEADLINE": "20" for source in ("ERP", "WMS")} | {
    f"CROSSDOCK_CARRIERS__{name}__LIMITS__DEADLINE": "20" for name in ("UPS", "FEDEX", "USPS", "DHL", "LTL")
}
CARRIERS: Mapping[str, Carrier] = {
    scac: Carrier(name)
    for name, adapter in (
        ("ups", UpsCarrier),
        ("fedex", FedexCarrier),
        ("usps", UspsCarrier),
        ("dhl", DhlCarrier),
        ("ltl", X12Carrier),
    )
    for scac in adapter.scacs
}
ORDERS = 310
"""As many orders at least have the accounts that these tests look at."""


@dataclass
class House:
    database: Database
    inbox: Inbox
    estate: Estate
    clock: SimClock
    fleet: Fleet
    worker: Worker
    reader: Reader
    polling: Polling

    @property
    def memory(self) -> Memory:
        return Memory(self.database)

    @property
    def wants(self) -> Wants:
        return Wants(self.database)

    async def settle(self) -> None:
        """Reads and folds until there is nothing to do for either."""
        while await self.worker.drain() + await self.reader.drain():
            pass
        while await self.worker.review():
            pass


@asynccontextmanager
async def working(house: House) -> AsyncIterator[None]:
    """With a worker that folds whatever comes."""
    task = asyncio.create_task(house.worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], Awaitable[object]], within: float = 60) -> None:
    async with asyncio.timeout(within):
        while True:
            if await true():
                return
            await asyncio.sleep(0.01)


Houses = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture(scope="session")
def owners() -> Iterator[Fleet]:
    with Fleet.start(OWNERS) as fleet:
        yield fleet


@pytest.fixture
def fleet(owners: Fleet) -> Iterator[Fleet]:
    """At START, where time stands still unless a test moves it."""
    owners.clear_faults()
    owners.set_clock(START)
    owners.freeze()
    owners.reset_calls()
    yield owners
    owners.clear_faults()


@asynccontextmanager
async def opened(url: str, fleet: Fleet, carriers: Mapping[str, Carrier] = CARRIERS) -> AsyncIterator[House]:
    config = settings.load(environment(fleet.urls) | PATIENT)
    clock = SimClock(fleet.now())
    database = await Database.open(url)
    inbox, polling = Inbox(database), Polling(carriers)
    try:
        async with open_estate(config.estate(), observer=Silence(), now=clock.now) as estate:
            reader = Reader(database, estate, polling, now=clock.now)
            told = feeds.feeds(config.feeds(), Silence())
            worker = Worker(database, inbox, told, now=clock.now, observer=NobodyListens())
            yield House(database, inbox, estate, clock, fleet, worker, reader, polling)
    finally:
        await inbox.close()
        await database.close()


@pytest.fixture
def houses(fleet: Fleet, tmp_path: Path) -> Houses:
    """Opens an empty house, or the one of that name again."""
    return lambda name="new", **given: opened(f"sqlite:///{tmp_path}/{name}.db", fleet, **given)


@pytest.fixture
async def house(houses: Houses) -> AsyncIterator[House]:
    async with houses() as one:
        yield one


@pytest.fixture(scope="session")
def some_accounts(owners: Fleet) -> Visibility:
    """Accounts that have ORDERS orders at least."""
    owners.set_clock(START)
    owners.freeze()

    async def chosen() -> Visibility:
        config = settings.load(environment(owners.urls) | PATIENT)
        async with open_estate(config.estate(), observer=Silence(), now=SimClock().now) as estate:
            orders = (await estate.order_page(OrderQuery(Visibility(None), limit=250))).rows
            accounts: set[CustomerId] = set()
            for account in dict.fromkeys(order.customer_id for order in orders):
                accounts.add(account)
                if await estate.order_count(OrderQuery(Visibility(accounts))) >= ORDERS:
                    break
            return Visibility(frozenset(accounts))

    return asyncio.run(chosen())


@pytest.fixture(scope="session")
def filled_file(owners: Fleet, some_accounts: Visibility, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory that holds all of some accounts, carriers' words too."""
    file = tmp_path_factory.mktemp("filled") / "crossdock.db"
    owners.set_clock(START)
    owners.freeze()

    async def fill() -> None:
        async with opened(f"sqlite:///{file}", owners) as house:
            async with working(house):
                await Backfill(
                    house.database, house.inbox, house.estate, now=house.clock.now, scope=some_accounts
                ).run()
            await house.settle()

    asyncio.run(fill())
    return file


@pytest.fixture
async def filled(fleet: Fleet, filled_file: Path, tmp_path: Path) -> AsyncIterator[House]:
    """A house with a copy of the filled memory, an hour later, with nothing to do."""
    for each in filled_file.parent.iterdir():
        shutil.copy(each, tmp_path / each.name)
    async with opened(f"sqlite:///{tmp_path}/{filled_file.name}", fleet) as house:
        house.clock.advance(3600)
        await house.settle()
        fleet.reset_calls()
        yield house
