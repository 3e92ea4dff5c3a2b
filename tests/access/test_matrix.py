"""Promise 9: of a random company, random callers see by every path what the requirements say, and nothing else."""

import os
import time
from pathlib import Path
from random import Random

import pytest

from tests.access.asking import WAYS, Crossdock, catalogue, compare, crossdocks
from tests.access.company import Company
from tests.access.oracle import Verdict, callers

SEED = int(os.environ.get("CROSSDOCK_ACCESS_SEED", "2026"))
CHECKS = int(os.environ.get("CROSSDOCK_ACCESS_CHECKS", "1000000"))


def agrees(verdict: Verdict, seed: int) -> None:
    """Nothing was seen that is not to be seen, and nothing was missing."""
    wrong = [*verdict.leaks, *verdict.denied, *verdict.differing]
    told = f"{len(verdict.leaks)} leaks, {len(verdict.denied)} denied, {len(verdict.differing)} differing"
    print(f"seed {seed}: {verdict.checks} checks, {told}")
    assert not wrong, f"CROSSDOCK_ACCESS_SEED={seed}: {told}\n" + "\n".join(wrong[:20])


@pytest.mark.parametrize("way", WAYS)
async def test_everybody_sees_what_the_requirements_say(tmp_path: Path, way: str) -> None:
    company, rng = Company.founded(SEED, accounts=9, orders=1), Random(SEED)
    t=time.time()
    async with crossdocks(company, tmp_path, [way]) as (crossdock,):
        print(time.time()-t)
        found = await catalogue(crossdock, near=1)
        await compare(crossdock, found, callers(rng, found.facts, 8))
        print(time.time()-t)
    agrees(crossdock.verdict, SEED)
    assert crossdock.verdict.checks >= 20_000
