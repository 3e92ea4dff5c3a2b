"""Promises 9 and 10: of a random company, random callers see by every path what the requirements say, and nothing else.

``CROSSDOCK_ACCESS_SEED`` chooses the company and who asks, ``CROSSDOCK_ACCESS_CHECKS`` how long the soak goes on.
"""

import asyncio
import os
from pathlib import Path
from random import Random

import pytest

from tests.access.asking import HIERARCHY, WAYS, Crossdock, catalogue, compare, crossdocks
from tests.access.company import Company
from tests.access.following import follow
from tests.access.oracle import Verdict, bound, callers

SEED = int(os.environ.get("CROSSDOCK_ACCESS_SEED", "2026"))
CHECKS = int(os.environ.get("CROSSDOCK_ACCESS_CHECKS", "1000000"))
FEWEST = 20_000
"""Checks of one company by one way."""


def agrees(verdict: Verdict, seed: int) -> str:
    """Nothing was seen that is not to be seen, and nothing was missing; the figures."""
    wrong = [*verdict.leaks, *verdict.denied, *verdict.differing]
    told = (
        f"seed {seed}: {verdict.checks:,} checks, of which {verdict.withheld:,} of what is not to be seen: "
        f"{len(verdict.leaks)} leaks, {len(verdict.denied)} denied, {len(verdict.differing)} differing"
    )
    assert not wrong, f"CROSSDOCK_ACCESS_SEED={seed}: {told}\n" + "\n".join(wrong[:20])
    return told


async def ask_all(crossdock: Crossdock, rng: Random, *, asking: int, near: int, every: int = 1) -> None:
    """Everything by every path; some of it again once an account has moved to another parent."""
    found = await catalogue(crossdock, near, every)
    who = [*bound(found.facts), *callers(rng, found.facts, asking)]
    await compare(crossdock, found, who)
    crossdock.company.move(*crossdock.company.movable(rng))
    await asyncio.sleep(HIERARCHY + 0.1)
    moved = found.some(rng).under(crossdock.company.facts())
    await compare(crossdock, moved, who)
    await follow(crossdock, moved, who, near)


@pytest.mark.parametrize("way", ["live", "memory"])
async def test_everybody_sees_what_the_requirements_say(tmp_path: Path, way: str) -> None:
    company = Company.founded(SEED, accounts=5, orders=0)
    async with crossdocks(company, tmp_path, [way]) as (crossdock,):
        await ask_all(crossdock, Random(SEED), asking=0, near=1, every=8)
    agrees(crossdock.verdict, SEED)
    assert crossdock.verdict.checks >= FEWEST
    assert crossdock.verdict.withheld >= FEWEST / 10


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_nobody_sees_more_in_a_million_checks(tmp_path: Path) -> None:
    """One company after another; of each the caches and memories are new."""
    whole, seed = Verdict(), SEED
    while whole.checks < CHECKS:
        seed += 1
        rng = Random(seed)
        company = Company.founded(seed, accounts=rng.randrange(4, 12), orders=rng.randrange(4))
        near = 2 if seed % 4 == 0 else 1
        async with crossdocks(company, tmp_path, list(WAYS)) as opened:
            for crossdock in opened:
                await ask_all(crossdock, rng, asking=5, near=near, every=4)
                agrees(crossdock.verdict, seed)
                whole.add(crossdock.verdict)
    print(f"\n{seed - SEED} companies, the last of {agrees(whole, seed)}")  # noqa: T201 (a soak's figure)
