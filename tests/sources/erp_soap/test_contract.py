"""The SOAP adapter meets the simulated ERP over a real socket."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio

from domain.errors import SourceUnavailable
from domain.model import Hold, Order
from examples.distributor.clock import START
from examples.distributor.erp import PASSWORD, USERNAME
from examples.distributor.fleet import Fleet
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.erp_soap.adapter import SoapErp
from sources.observer import Silence
from sources.transport import Transport
from tests.contract import erp, returns
from tests.contract.erp import ErpContract, Trouble
from tests.contract.returns import ReturnsContract
from tests.examples.company import world
from tests.sources.erp_soap import books

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMITS = Limits(deadline=1.5, attempts=1, breaker_failures=1_000_000, max_body=16 * 1024 * 1024)


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(("erp",)) as fleet:
        fleet.set_clock(START)
        fleet.freeze()
        yield fleet


@pytest.fixture(scope="module")
def orders() -> erp.Books:
    return books.of_orders(world())


@pytest.fixture(scope="module")
def rmas() -> returns.Books:
    return books.of_returns(world())


@dataclass
class Simulated:
    """The simulated ERP as a site of both contracts: it owns returns too."""

    books: erp.Books
    returned: returns.Books
    source: SoapErp
    trusted_wrongly: SoapErp
    fleet: Fleet

    @property
    def owner(self) -> SoapErp:
        return self.source

    async def calls(self) -> int:
        told = self.fleet.calls("erp")
        return told.total - told.by_operation.get("wsdl", 0)

    @asynccontextmanager
    async def faults(self, **faults: object) -> AsyncIterator[None]:
        """The WSDL is read already: what fails is the operation."""
        self.fleet.fault("erp", **{"operations": ["getList", "search", "getCustomerBalance"], **faults})
        try:
            yield
        finally:
            self.fleet.clear_faults()

    def trouble(self, number: str, kind: Trouble) -> "Control":
        return Control(f"{self.fleet.urls['erp']}/__records", {number: kind})

    def full(self) -> "Control":
        return Control(f"{self.fleet.urls['erp']}/__capacity", {"concurrency": 0})


@dataclass
class Control:
    """A control of the simulator, in force until left."""

    url: str
    value: object

    async def __aenter__(self) -> None:
        async with httpx.AsyncClient(trust_env=False) as control:
            (await control.put(self.url, json=self.value)).raise_for_status()

    async def __aexit__(self, *_: object) -> None:
        async with httpx.AsyncClient(trust_env=False) as control:
            (await control.delete(self.url)).raise_for_status()


@pytest.fixture(scope="module")
def config(fleet: Fleet) -> SourceConfig:
    return SourceConfig("erp", fleet.urls["erp"], LIMITS, username=USERNAME, password=PASSWORD)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(fleet: Fleet, config: SourceConfig, orders: erp.Books, rmas: returns.Books) -> AsyncIterator[Simulated]:
    async with Client() as pool:

        def adapter(config: SourceConfig) -> SoapErp:
            return SoapErp(config, Transport(config, pool, observer=Silence(), now=lambda: datetime.now(UTC)))

        told = Simulated(orders, rmas, adapter(config), adapter(replace(config, password="wrong")), fleet)
        assert await told.source.returns(list(rmas.returns)[:1])
        yield told


class TestSoapErp(ErpContract):
    """What this system has beyond the contract."""

    async def test_too_many_at_once_meet_the_limit_fault(self, site: Simulated, config: SourceConfig) -> None:
        crowd = replace(config, limits=replace(LIMITS, concurrency=30))
        async with Client() as pool, site.faults(latency_ms=300):
            erp = SoapErp(crowd, Transport(crowd, pool, observer=Silence(), now=lambda: datetime.now(UTC)))
            await erp.customers(list(site.books.customers)[:1])
            asked = [erp.customers([number]) for number in list(site.books.customers)[:20]]
            answers = await asyncio.gather(*asked, return_exceptions=True)
        turned_away = [answer for answer in answers if isinstance(answer, SourceUnavailable)]
        served = sum(isinstance(answer, dict) for answer in answers)
        assert 1 <= served <= 8, "calls that an earlier test gave up may still be running there"
        assert served + len(turned_away) == 20

    async def test_a_turn_is_waited_for_where_there_is_time(self, site: Simulated, config: SourceConfig) -> None:
        patient = replace(config, limits=replace(LIMITS, attempts=5, retry_budget=1.0))
        async with Client() as pool:
            door = Transport(patient, pool, observer=Silence(), now=lambda: datetime.now(UTC))
            erp = SoapErp(patient, door)
            numbers = list(site.books.customers)[:1]
            await erp.customers(numbers)
            async with site.full():
                waiting = asyncio.create_task(erp.customers(numbers))
                await asyncio.sleep(0.02)
            assert list(await waiting) == numbers

    async def test_holds_say_one_allowed_sentence(self, site: Simulated) -> None:
        held = [order for order in site.books.orders.values() if order.hold]
        found = await site.source.orders([order.id for order in held], amounts=False)
        assert len({order.hold.code.raw for order in held if order.hold}) == len(books.SAID)
        for order in found.values():
            assert isinstance(order, Order)
            assert isinstance(order.hold, Hold)
            assert order.hold.message in books.SAID.values()
            assert order.hold.reason
            assert order.hold.reason not in order.hold.message

    async def test_the_service_is_found_by_either_address(self, site: Simulated, config: SourceConfig) -> None:
        base = config.url
        numbers = list(site.books.customers)[:1]
        async with Client() as pool:
            for url in (base, f"{base}/", f"{base}/services/Distribution", f"{base}/services/Distribution?wsdl"):
                given = replace(config, url=url)
                erp = SoapErp(given, Transport(given, pool, observer=Silence(), now=lambda: datetime.now(UTC)))
                assert list(await erp.customers(numbers)) == numbers, url


class TestSoapReturns(ReturnsContract):
    """The same ERP owns returns."""
