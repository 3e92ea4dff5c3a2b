"""No request makes a real server fail: whatever comes in is answered as its sender's mistake, or with data."""

from examples.distributor.fleet import Fleet
from tests.e2e import fuzzing, personas

REQUESTS = 2_000


async def test_no_request_makes_us_fail(served: str, fleet: Fleet) -> None:
    verdict = await fuzzing.fuzz(served, await personas.token(fleet, "service"), REQUESTS, seed=7)
    assert verdict.failures == [], verdict
    assert verdict.statuses.total() == REQUESTS
    assert {200, 400, 401, 403, 406, 413, 415} <= verdict.statuses.keys()
