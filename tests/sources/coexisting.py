"""Two simulated ERPs of one company, over real sockets, each with a part of its orders."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import httpx

from domain.ownership import Wave
from examples.distributor.clock import START
from examples.distributor.erp import PASSWORD, USERNAME
from examples.distributor.erp.web import application
from examples.distributor.world import World
from examples.distributor.world.facts import OrderFacts
from sources.client import Client
from sources.coexistence import Coexistence
from sources.config import Limits, SourceConfig
from sources.erp_soap.adapter import SoapErp
from sources.transport import Transport
from tests.examples.company import world
from tests.server.serving import served
from tests.sources.doors import Facts

LIMITS = Limits(deadline=20, attempts=1, breaker_failures=1_000_000, max_body=64 * 1024 * 1024)


class Part(World):
    """What one ERP holds of the company: the orders that it ``holds``, each as ``changed`` there."""

    def __init__(
        self, holds: Callable[[OrderFacts], bool], changed: Callable[[OrderFacts], OrderFacts] = lambda order: order
    ) -> None:
        whole = world()
        held = {order.number: changed(order) for order in whole.orders.values() if holds(order)}
        super().__init__(whole.accounts, whole.items, replace(whole._book, orders=held))


@dataclass
class TwoErps:
    """``waves`` may be changed between two reads, and so may the time."""

    present: SoapErp
    following: SoapErp
    waves: list[Wave]
    facts: Facts
    now: datetime = START
    urls: dict[str, str] = field(default_factory=dict)

    def both(self) -> Coexistence:
        return Coexistence(self.present, self.following, self.waves, now=lambda: self.now)

    def calls(self) -> dict[str, list[str]]:
        """What each was asked since the last time."""
        told = {
            name: [call.operation for call in self.facts.calls if call.source == name and call.operation != "wsdl"]
            for name in self.urls
        }
        self.facts.calls.clear()
        return told

    @asynccontextmanager
    async def broken(self, name: str) -> AsyncIterator[None]:
        """One of both answers nothing but errors, until left."""
        async with httpx.AsyncClient(trust_env=False) as control:
            (await control.put(f"{self.urls[name]}/__faults", json={"status": 503})).raise_for_status()
            yield
            (await control.delete(f"{self.urls[name]}/__faults")).raise_for_status()


@asynccontextmanager
async def two_erps(present: World, following: World) -> AsyncIterator[TwoErps]:
    apps = {"erp": application(present), "erp_next": application(following)}
    for app in apps.values():
        app.state.clock.freeze()
    facts = Facts()
    async with served(apps["erp"]) as first, served(apps["erp_next"]) as second, Client() as pool:

        def adapter(name: str, url: str) -> SoapErp:
            config = SourceConfig(name, url, LIMITS, username=USERNAME, password=PASSWORD)
            return SoapErp(config, Transport(config, pool, observer=facts, now=lambda: datetime.now(UTC)))

        erps = [adapter("erp", first), adapter("erp_next", second)]
        for erp in erps:
            await erp.warm()
        yield TwoErps(erps[0], erps[1], [], facts, urls={"erp": first, "erp_next": second})
