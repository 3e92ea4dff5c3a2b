"""A hundred thousand requests that nobody would send, and not one answer of a server at fault."""

import os
import time

import pytest

from examples.distributor.fleet import Fleet
from tests.e2e import fuzzing, personas

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "100000"))


async def test_no_request_makes_us_fail(served: str, fleet: Fleet) -> None:
    seed = int(os.environ.get("FUZZ_SEED", str(int(time.time()))))
    verdict = await fuzzing.fuzz(served, await personas.token(fleet, "service"), REQUESTS, seed=seed)
    print(f"\nfuzzed with seed {seed}: {verdict}")  # noqa: T201
    assert verdict.failures == [], verdict.failures[:5]
