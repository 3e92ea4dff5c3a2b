"""Minutes of mixed load while sources fail and recover: every answer is well-formed, and nothing piles up."""

import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from domain.errors import CrossdockError, SourceError
from examples.distributor.fleet import Fleet
from tests.e2e import personas

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("SOAK_SECONDS", "300"))
CLIENTS = 8
PERSONAS = ("buyer", "branch", "ap", "rep", "service", "analyst", "stranger")
SOURCES = ("erp", "wms", "ups", "fedex", "usps", "dhl", "ltl")
FAULTS: tuple[dict[str, Any], ...] = (
    {"latency_ms": 400},
    {"error_rate": 0.5, "status": 500},
    {"status": 429, "retry_after": 1},
    {"status": 503},
    {"hang": True},
    {"fault_with_200": True},
    {"malformed": True},
    {"drip": True},
    {"gzip_bomb": True},
)
QUERIES = Path(__file__).parents[2] / "examples" / "queries"
GROWTH = 64 * 1024 * 1024
"""Bytes that the server may grow by after its caches have filled."""
MOST = 200 * 1024 * 1024
"""Bytes that one worker may hold at any time."""
READINGS = 12


def codes(error: type[CrossdockError]) -> set[str]:
    return {error.code}.union(*(codes(each) for each in error.__subclasses__()))


def documents() -> list[dict[str, Any]]:
    """The example queries; a subscription has no answer to a POST."""
    return [
        {"query": text, "variables": json.loads(each.with_suffix(".json").read_text())}
        for each in sorted(QUERIES.glob("*.graphql"))
        if "\nsubscription " not in (text := each.read_text())
    ]


async def asks(url: str, bearers: list[str], until: float, chance: random.Random) -> int:
    """How many answers came; each was well-formed, and said nothing but what an answer may."""
    known, answered = codes(CrossdockError) - {"INTERNAL"}, 0
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        while time.monotonic() < until:
            reply = await client.post(
                f"{url}/graphql",
                json=chance.choice(documents()),
                headers={"Authorization": f"Bearer {chance.choice(bearers)}"},
            )
            answer = reply.json()
            told = {error["extensions"]["code"] for error in answer.get("errors", ())}
            assert told <= known, answer["errors"]
            assert reply.status_code == 200 or told == {"SOURCE_TIMEOUT"}, reply.text
            answered += 1
    return answered


async def trouble(fleet: Fleet, until: float, chance: random.Random) -> None:
    while time.monotonic() < until:
        fleet.fault(chance.choice(SOURCES), **chance.choice(FAULTS))
        await asyncio.sleep(chance.uniform(1, 4))
        if chance.random() < 0.5:
            fleet.clear_faults()
            await asyncio.sleep(chance.uniform(0, 3))


async def sizes(server: psutil.Process) -> list[int]:
    """What it held, at even distances over the time of the load."""
    found: list[int] = []
    for _ in range(READINGS):
        await asyncio.sleep(SECONDS / READINGS)
        found.append(server.memory_info().rss)
    return found


def server_of(url: str) -> psutil.Process:
    port = int(url.rpartition(":")[2])
    (found,) = {
        each.pid
        for each in psutil.net_connections("tcp")
        if each.laddr and each.laddr.port == port and each.status == "LISTEN"
    }
    assert found is not None
    return psutil.Process(found)


@pytest.mark.timeout(SECONDS + 300)
async def test_an_hour_of_bad_days_in_minutes(fleet: Fleet, served: str) -> None:
    chance = random.Random(2026)
    bearers = [await personas.token(fleet, persona) for persona in PERSONAS]
    server = server_of(served)
    warm = time.monotonic() + min(20.0, SECONDS / 3)
    await asyncio.gather(*(asks(served, bearers, warm, random.Random(client)) for client in range(CLIENTS)))
    before, files = server.memory_info().rss, server.num_fds()

    until = time.monotonic() + SECONDS
    asked = asyncio.gather(*(asks(served, bearers, until, random.Random(client)) for client in range(CLIENTS)))
    held, answered, _ = await asyncio.gather(sizes(server), asked, trouble(fleet, until, chance))
    fleet.clear_faults()
    await asyncio.sleep(15)

    after = server.memory_info().rss
    print(f"\n{sum(answered)} answers in {SECONDS:.0f} s under faults")  # noqa: T201
    print("RSS, MiB:", *(f"{each / 2**20:.0f}" for each in (before, *held, after)))  # noqa: T201
    assert max(held) < MOST
    assert after - before < GROWTH
    assert server.num_fds() <= files + CLIENTS
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for document in documents():
            reply = await client.post(
                f"{served}/graphql",
                json=document,
                headers={"Authorization": f"Bearer {bearers[PERSONAS.index('service')]}"},
            )
            told = {error["extensions"]["code"] for error in reply.json().get("errors", ())}
            assert not told & codes(SourceError), reply.text
