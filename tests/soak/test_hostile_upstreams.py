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
from server.jwks import PAUSE
from tests.e2e import personas
from tests.soak.attacks import JSON, STUCK, WIRE, X12, XML
from tests.soak.doors import door
from tests.soak.figures import tell
from tests.soak.forged import forged
from tests.soak.product import CARRIERS, SECTIONS, Left, Product, Site, limits, product
from tests.sources.hostile import Behaviour, hostile, reset, status

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
            if name in STUCK and told == {"SOURCE_TIMEOUT"}:
                figures.waits.append(took)
            if took > figures.longest:
                figures.longest, figures.slowest = took, name
    strike(None)
    return figures


class Attacked(Site):
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
async def site(fleet: Fleet, tmp_path: Path) -> AsyncIterator[Attacked]:
    async with AsyncExitStack() as stack:
        doors = {name: await stack.enter_async_context(door(fleet.urls[name])) for name in SECTIONS}
        doors["erp"].strike(reset, "wsdl")
        urls = {**fleet.urls, **{name: each.url for name, each in doors.items()}}
        with product(urls, tmp_path, SETTINGS) as process:
            async with process as here:
                yield Attacked(doors, here, await personas.token(fleet, "service"))


async def test_sources(site: Attacked) -> None:
    here = site.here
    told: dict[str, Figures] = {}

    async def attack(kind: str, names: str, where: str, attacks: Mapping[str, Behaviour], ask: Asking) -> None:
        told[kind] = await attacked(here, site.striking(names.split(), where), attacks, ask)
        tell(16, f"{kind}: {told[kind]}")

    await attack("WSDL", "erp", "wsdl", WIRE | XML, site.asking(ORDER, [f"SO-{number}" for number in range(ASKERS)]))
    served = await site.by_carrier()
    for carrier in ("ups", "fedex", "usps"):
        await attack(f"{carrier}'s tokens", carrier, "oauth", WIRE | JSON, site.asking(EVENTS, served[carrier]))
    orders = sorted({number for each in served.values() for number in each})
    for query in (ORDER, SHIPMENTS, EVENTS):
        await asyncio.gather(*(here.ask(site.bearer, query, n=number) for number in orders[:20]))
    await asyncio.sleep(IDLE)
    before = await here.left()
    await attack("ERP", "erp", "POST", WIRE | XML, site.asking(ORDER, orders))
    await attack("WMS", "wms", "", WIRE | JSON, site.asking(SHIPMENTS, orders))
    for carrier in CARRIERS:
        own = X12 if carrier == "ltl" else JSON
        await attack(carrier, carrier, "", WIRE | own, site.asking(EVENTS, served[carrier]))
    await asyncio.sleep(IDLE)
    _nothing_left(before, await here.left())
    assert {kind: figures.growth // MIB for kind, figures in told.items() if figures.growth > GROWTH} == {}


def _nothing_left(before: Left, after: Left) -> None:
    tasks, files = after.tasks - before.tasks, after.files - before.files
    tell(16, f"left behind: {tasks.total()} tasks, {after.sockets - before.sockets} sockets, {files} file descriptors")
    assert tasks == Counter()
    assert after.sockets <= before.sockets
    assert files <= 0


async def test_identity_providers(fleet: Fleet, tmp_path: Path) -> None:
    """Each attack comes from an issuer of its own, by its key set and by its discovery document."""
    attacks = WIRE | JSON
    async with hostile() as provider:
        provider.on("*", status(404))
        given = {"CROSSDOCK_LOG_LEVEL": "error"}
        for number in range(len(attacks)):
            for way in "kd":
                section = f"CROSSDOCK_OIDC__{way.upper()}{number}__"
                given |= {f"{section}ISSUER": f"{provider.url}/{way}{number}", f"{section}AUDIENCE": "crossdock"}
            given[f"CROSSDOCK_OIDC__K{number}__JWKS_URL"] = f"{provider.url}/k{number}"
        with product(fleet.urls, tmp_path, given) as process:
            async with process as here:
                await here.ask(await personas.token(fleet, "service"), ORDER, n="SO-1")
                await asyncio.sleep(PAUSE + 1)
                before, base = await here.left(), here.memory()
                waits: list[float] = []
                for number, (name, attack) in enumerate(attacks.items()):
                    provider.on(f"/k{number}", attack)
                    provider.on(f"/d{number}/.well-known/openid-configuration", attack)
                    began = time.monotonic()
                    await asyncio.gather(
                        *(here.ask(forged(f"{provider.url}/{way}{number}", provider.url), ORDER, n="1") for way in "kd")
                    )
                    if name in STUCK:
                        waits.append(time.monotonic() - began)
                growth = here.peak() - base
                await asyncio.sleep(IDLE)
                after = await here.left()
    figure = f"{2 * len(attacks)} attacks, memory +{growth / MIB:.0f} MiB"
    tell(16, f"identity providers: {figure}, stuck ones answered in {min(waits):.2f} to {max(waits):.2f} s of 5")
    _nothing_left(before, after)
    assert growth <= GROWTH
