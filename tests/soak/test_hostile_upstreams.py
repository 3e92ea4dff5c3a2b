"""Every kind of upstream turns hostile, in every way known: what it costs the process, how long, and what stays."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from examples.distributor.fleet import Fleet
from tests.e2e import personas
from tests.soak.attacks import JSON, STUCK, WIRE, X12, XML
from tests.soak.doors import Door, door
from tests.soak.figures import tell
from tests.soak.product import CARRIERS, SECTIONS, Product, limits, product
from tests.sources.hostile import Behaviour, reset

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

MIB = 1024 * 1024
SOURCE_ERRORS = {"SOURCE_TIMEOUT", "SOURCE_UNAVAILABLE", "SOURCE_FAULT", "STALE_DATA"}
GROWTH = 64 * MIB
DEADLINE = 2.0
ASKERS = 8
IDLE = 6.0
"""Seconds after which connections that were kept are closed."""
SETTINGS = limits(deadline=DEADLINE, breaker_failures=1_000_000) | {"CROSSDOCK_LOG_LEVEL": "error"}
SCACS = {"ups": {"UPSN"}, "fedex": {"FDEG", "FDE"}, "usps": {"USPS"}, "dhl": {"DHLE"}, "ltl": {"ODFL", "SAIA", "CDOF"}}
ORDER = "query ($n: String!) @maxStaleness(seconds: 0) { order(number: $n) { number lines { lineNumber } } }"
SHIPMENTS = (
    "query ($n: String!) @maxStaleness(seconds: 0) { order(number: $n) { shipments { number packages { id } } } }"
)
EVENTS = "query ($n: String!) @maxStaleness(seconds: 0) { order(number: $n) { shipments { events { status } } } }"
WHICH = """query ($after: String) { orders(first: 100, after: $after, orderBy: PLACED_AT_ASC) {
  nodes { number shipments { carrier { scac } } } pageInfo { endCursor }
} }"""


@dataclass
class Figures:
    """``growth`` in bytes; ``waits``: seconds of the answers to what is stuck; ``longest``: of any; ``codes`` told."""

    attacks: int = 0
    growth: int = 0
    worst: str = ""
    waits: list[float] = field(default_factory=list)
    longest: float = 0.0
    slowest: str = ""
    codes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        waits = f"{min(self.waits):.2f} to {max(self.waits):.2f} s" if self.waits else "none"
        return (
            f"{self.attacks} attacks, memory +{self.growth / MIB:.0f} MiB ({self.worst}), stuck ones answered in"
            f" {waits} of {DEADLINE:g}, any in {self.longest:.2f} s ({self.slowest})"
        )


Asking = Callable[[int], Awaitable[dict[str, Any]]]


async def attacked(
    here: Product, strike: Callable[[Behaviour | None], None], attacks: Mapping[str, Behaviour], ask: Asking
) -> Figures:
    """What each of ``attacks`` does to ``ASKERS`` at once."""
    figures = Figures()
    base = here.memory()
    for name, attack in attacks.items():
        strike(attack)
        began = time.monotonic()

        async def timed(number: int, began: float = began) -> tuple[dict[str, Any], float]:
            return await ask(number), time.monotonic() - began

        answers = await asyncio.gather(*map(timed, range(ASKERS)))
        figures.attacks += 1
        grown = here.peak() - base
        if grown > figures.growth:
            figures.growth, figures.worst = grown, name
        for answer, took in answers:
            told = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert told, (name, answer)
            assert told <= SOURCE_ERRORS, (name, answer)
            figures.codes.update(told)
            if name in STUCK:
                figures.waits.append(took)
            if took > figures.longest:
                figures.longest, figures.slowest = took, name
    strike(None)
    return figures


@dataclass
class Site:
    doors: Mapping[str, Door]
    here: Product
    bearer: str

    def striking(self, names: Sequence[str], where: str) -> Callable[[Behaviour | None], None]:
        def strike(attack: Behaviour | None) -> None:
            for name in names:
                self.doors[name].strike(attack, where)

        return strike

    def asking(self, query: str, numbers: Sequence[str]) -> Asking:
        return lambda at: self.here.ask(self.bearer, query, n=numbers[at % len(numbers)])

    async def by_carrier(self) -> Mapping[str, list[str]]:
        """At least one order for each carrier."""
        found: dict[str, list[str]] = {name: [] for name in CARRIERS}
        after = None
        while not all(found.values()):
            page = (await self.here.ask(self.bearer, WHICH, after=after))["data"]["orders"]
            after = page["pageInfo"]["endCursor"]
            self._sort(page["nodes"], found)
        return found

    @staticmethod
    def _sort(orders: Sequence[dict[str, Any]], found: Mapping[str, list[str]]) -> None:
        for order in orders:
            scacs = {each["carrier"]["scac"] for each in order["shipments"] or () if each["carrier"]}
            for name, theirs in SCACS.items():
                if scacs & theirs:
                    found[name].append(order["number"])


@pytest.fixture
async def site(fleet: Fleet, tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        doors = {name: await stack.enter_async_context(door(fleet.urls[name])) for name in SECTIONS}
        doors["erp"].strike(reset, "wsdl")
        urls = {**fleet.urls, **{name: each.url for name, each in doors.items()}}
        with product(urls, tmp_path, SETTINGS) as process:
            async with process as here:
                yield Site(doors, here, await personas.token(fleet, "service"))


async def test_sources(site: Site) -> None:
    here = site.here
    told: dict[str, Figures] = {}
    numbers = [f"SO-{number}" for number in range(ASKERS)]
    told["WSDL"] = await attacked(here, site.striking(["erp"], "wsdl"), WIRE | XML, site.asking(ORDER, numbers))
    served = await site.by_carrier()
    for carrier, path in (("ups", "oauth"), ("fedex", "oauth"), ("usps", "oauth2")):
        ask = site.asking(EVENTS, served[carrier])
        told[f"{carrier} token"] = await attacked(here, site.striking([carrier], path), WIRE | JSON, ask)
    orders = sorted({number for each in served.values() for number in each})
    for query in (ORDER, SHIPMENTS, EVENTS):
        await asyncio.gather(*(here.ask(site.bearer, query, n=number) for number in orders[:20]))
    await asyncio.sleep(IDLE)
    before = await here.left()
    told["ERP"] = await attacked(here, site.striking(["erp"], "POST"), WIRE | XML, site.asking(ORDER, orders))
    told["WMS"] = await attacked(here, site.striking(["wms"], ""), WIRE | JSON, site.asking(SHIPMENTS, orders))
    for carrier in CARRIERS:
        own = X12 if carrier == "ltl" else JSON
        ask = site.asking(EVENTS, served[carrier])
        told[carrier] = await attacked(here, site.striking([carrier], ""), WIRE | own, ask)
    await asyncio.sleep(IDLE)
    after = await here.left()
    for kind, figures in told.items():
        tell(16, f"{kind}: {figures}")
    left = f"{after.tasks.total() - before.tasks.total()} tasks, {after.sockets - before.sockets} sockets"
    tell(16, f"left behind: {left}, {after.files - before.files} file descriptors")
    assert {kind: figures.growth // MIB for kind, figures in told.items() if figures.growth > GROWTH} == {}
    assert after.tasks - before.tasks == Counter()
    assert after.sockets <= before.sockets
    assert after.files <= before.files
