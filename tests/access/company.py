"""A small random company, served on real sockets: accounts in trees of any depth, ship-tos of equal numbers, and orders
with all that belongs to them.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final, Self

import httpx
from starlette.applications import Starlette

from examples.distributor import dhl, fedex, ltl, ups, usps, wms
from examples.distributor.clock import START
from examples.distributor.erp.web import application
from examples.distributor.harness import simulator
from examples.distributor.idp import Provider
from examples.distributor.world import World
from examples.distributor.world.accounts import Account, account
from examples.distributor.world.cases import CASES
from examples.distributor.world.facts import OrderFacts
from examples.distributor.world.items import catalogue
from examples.distributor.world.numbers import Numbering
from examples.distributor.world.orderbook import Orderbook, Placement, told
from tests.access.oracle import Facts
from tests.server.serving import served

ROOTS: Final = 0.2
"""How many accounts have no parent, besides the first; the second always has."""

TELLING: Final = (
    "rma_partly_received",
    "rma_credited",
    "credit_memo",
    "delivered",
    "delivery_exception",
    "on_hold",
    "split_shipment",
    "substitution",
)
"""Cases that are always among the orders: between them they have an object of every type."""


class Company(World):
    """A world whose accounts can move."""

    @classmethod
    def founded(cls, seed: int, *, accounts: int, orders: int) -> Self:
        """Everything follows from the seed. ``orders``: besides the ``TELLING``."""
        rng, items = Random(seed), catalogue(Random(seed))
        customers = _accounts(rng, accounts)
        chosen = [*TELLING, *rng.choices(tuple(CASES), k=orders)]
        numbering, book = Numbering(), Orderbook()
        for name in chosen:
            at = START - timedelta(days=CASES[name].age_days, seconds=rng.randrange(20_000))
            order = told(rng, numbering, Placement(at, rng.choice(tuple(customers.values())), CASES[name]), items)
            book.orders[order.number] = order
        book.orders = dict(sorted(book.orders.items(), key=lambda each: each[1].submitted_at))
        return cls(customers, items, book)

    def move(self, number: str, parent: str | None) -> None:
        """From now on ``number`` is a child of ``parent``."""
        self.accounts = {**self.accounts, number: replace(self.accounts[number], parent=parent)}
        self.__dict__.pop("_children", None)

    def movable(self, rng: Random) -> tuple[str, str | None]:
        """An account below whoever has the most below it, and a place elsewhere: a parent, or none."""
        widest = max(self.accounts, key=lambda each: len(self.descendants(each)))
        below = self.descendants(widest)
        elsewhere = [None, *(each for each in self.accounts if each != widest and each not in below)]
        return rng.choice(sorted(below)), rng.choice(elsewhere)

    def belongings(self) -> Mapping[tuple[str, str], OrderFacts]:
        """The order that each object belongs to, by kind and number."""
        found: dict[tuple[str, str], OrderFacts] = {}
        for order in self.orders.values():
            found["Order", order.number] = order
            found |= {("Shipment", shipment.number): order for shipment in order.shipments}
            found |= {("Invoice", invoice.number): order for invoice in order.invoices}
            found |= {("Invoice", memo.number): order for memo in order.credit_memos}
            found |= {("Return", rma.number): order for rma in order.rmas}
        return found

    def facts(self) -> Facts:
        """Whose everything is, as the oracle wants to know it."""
        owners: dict[tuple[str, str], tuple[str, str | None]] = {
            named: (order.account, order.ship_to_id) for named, order in self.belongings().items()
        }
        owners |= {("Customer", number): (number, None) for number in self.accounts}
        return Facts(
            parents={number: each.parent for number, each in self.accounts.items()},
            territories={number: each.territory for number, each in self.accounts.items()},
            subsidiaries={number: each.subsidiary for number, each in self.accounts.items()},
            owners=owners,
        )


def _accounts(rng: Random, count: int) -> dict[str, Account]:
    accounts: dict[str, Account] = {}
    for nth in range(count):
        number = "00" if nth == 3 else f"C-{nth}" if nth % 4 == 1 else f"{417 + nth:07d}"
        root = not accounts or (nth > 1 and rng.random() < ROOTS)
        parent = None if root else rng.choice(tuple(accounts))
        seat = number, parent, f"Harrow & Vale {nth}", "CA" if nth == 1 else rng.choice(("US", "US", "CA"))
        accounts[number] = account(rng, 40_001 + nth, seat, accounts[parent].company if parent else number)
    return accounts


class Systems:
    """Where the company's systems are. ``provider`` signs whoever is asked for."""

    def __init__(self, urls: Mapping[str, str], provider: Provider) -> None:
        self.urls = urls
        self.provider = provider
        self._http = httpx.AsyncClient(trust_env=False)

    async def calls(self) -> dict[str, Mapping[str, int]]:
        """The calls of the ERP and the warehouse since the last time, by operation; reading a contract aside."""
        return dict(await asyncio.gather(*(self._calls(name) for name in ("erp", "wms"))))

    async def _calls(self, name: str) -> tuple[str, Mapping[str, int]]:
        address = f"{self.urls[name]}/__calls"
        told: Mapping[str, int] = (await self._http.get(address)).json()["by_operation"]
        if told:
            await self._http.delete(address)
        return name, {operation: each for operation, each in told.items() if operation != "wsdl"}

    async def set_clock(self, now: datetime) -> None:
        """Every clock stands still at ``now``."""
        for url in self.urls.values():
            await self._http.put(f"{url}/__clock", json={"now": now.isoformat(), "frozen": True})

    async def close(self) -> None:
        await self._http.aclose()


@asynccontextmanager
async def served_company(company: Company) -> AsyncIterator[Systems]:
    """Each system of the company on a port of its own, at the clock's start."""
    provider = Provider()
    apps: Mapping[str, Starlette] = {
        "erp": application(company),
        "wms": simulator("wms", wms.routes(wms.Warehouse(company)), operation=wms.operation, fault=wms.fault),
        "ups": simulator("ups", ups.routes(company.journeys({"UPSN"})), operation=ups.operation, fault=ups.fault),
        "fedex": simulator(
            "fedex", fedex.routes(company.journeys({"FDEG", "FDE"})), operation=fedex.operation, fault=fedex.fault
        ),
        "usps": simulator("usps", usps.routes(company.journeys({"USPS"})), operation=usps.operation, fault=usps.fault),
        "dhl": simulator("dhl", dhl.routes(company.journeys({"DHLE"})), operation=dhl.operation, fault=dhl.fault),
        "ltl": simulator("ltl", ltl.routes(company.journeys(ltl.DIALECTS)), operation=ltl.operation, fault=ltl.fault),
        "idp": provider.app(),
    }
    async with AsyncExitStack() as stack:
        urls = {name: await stack.enter_async_context(served(app)) for name, app in apps.items()}
        systems = Systems(urls, provider)
        stack.push_async_callback(systems.close)
        await systems.set_clock(START)
        yield systems
