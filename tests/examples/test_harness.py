"""What every simulator has in common, over real sockets: counted calls, a clock, and faults in the bytes themselves."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from examples.distributor.clock import START
from examples.distributor.faults import BOMB_BLOCKS, gzip_bomb
from examples.distributor.fleet import Fleet


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(("echo",), package="tests.examples") as running:
        yield running


@pytest.fixture
async def echo(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    fleet.clear_faults()
    fleet.reset_calls()
    async with httpx.AsyncClient(base_url=fleet.urls["echo"], timeout=20) as client:
        yield client


def calling(operation: str) -> bytes:
    return json.dumps({"operation": operation}).encode()


# --- calls -----------------------------------------------------------------------------------------------------------


async def test_calls_are_counted_by_operation(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    await echo.get("/a")
    for operation in ("getList", "search", "getList"):
        answer = await echo.post("/b", content=calling(operation))
        assert answer.json()["body"] == calling(operation).decode()
    calls = fleet.calls("echo")
    assert calls.total == 4
    assert calls.by_operation == {"get": 1, "getList": 2, "search": 1}
    fleet.reset_calls()
    assert fleet.calls("echo").total == 0


async def test_correlation_ids_are_remembered_once_each(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    for correlation_id in ("c-1", "c-2", "c-1"):
        await echo.get("/a", headers={"X-Correlation-Id": correlation_id})
    assert set(fleet.calls("echo").correlation_ids) == {"c-1", "c-2"}


async def test_the_peak_of_concurrent_calls_is_known(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", latency_ms=300)
    await asyncio.gather(*(echo.get("/a") for _ in range(4)))
    assert fleet.calls("echo").peak_concurrency == 4
    fleet.reset_calls()
    await echo.get("/a")
    assert fleet.calls("echo").peak_concurrency == 1


# --- the clock -------------------------------------------------------------------------------------------------------


async def test_handlers_tell_the_simulated_time(echo: httpx.AsyncClient) -> None:
    moved = await echo.put("/__clock", json={"now": "2026-11-25T08:00:00Z", "frozen": True})
    assert moved.json().items() >= {"now": "2026-11-25T08:00:00+00:00", "frozen": True, "rate": 1.0}.items()
    assert (await echo.get("/a")).json()["now"] == "2026-11-25T08:00:00+00:00"
    await echo.put("/__clock", json={"advance_s": 90})
    assert (await echo.get("/__clock")).json()["now"] == "2026-11-25T08:01:30+00:00"
    running = (await echo.put("/__clock", json={"now": START.isoformat(), "frozen": False})).json()
    assert not running["frozen"]
    assert datetime.fromisoformat(running["now"]) - START < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("control", "body"),
    [
        ("/__clock", b"{"),
        ("/__clock", b'{"now": "2026-11-25T08:00:00"}'),
        ("/__clock", b'{"advance_s": -1}'),
        ("/__clock", b'{"advance_s": 1e300}'),
        ("/__clock", b'{"rate": 0}'),
        ("/__faults", b'{"latency": 5}'),
        ("/__faults", b'{"times": "many"}'),
        ("/__faults", b"\xff"),
    ],
)
async def test_a_control_that_makes_no_sense_is_refused(echo: httpx.AsyncClient, control: str, body: bytes) -> None:
    refused = await echo.put(control, content=body)
    assert refused.status_code == 400
    assert refused.text.strip()


# --- faults ----------------------------------------------------------------------------------------------------------


async def test_a_status_comes_with_the_vendors_words_and_retry_after(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", status=429, retry_after=7)
    refused = await echo.get("/a")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "7")
    assert refused.json() == {"vendorError": "get"}
    fleet.clear_faults()
    assert (await echo.get("/a")).status_code == 200


async def test_a_fault_may_come_with_200(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", fault_with_200=True)
    answer = await echo.post("/a", content=calling("getList"))
    assert (answer.status_code, answer.json()) == (200, {"vendorError": "getList"})


async def test_a_fault_strikes_some_operations_and_so_many_times(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", status=503, operations=["search"], times=2)
    statuses = [
        (await echo.post("/a", content=calling(operation))).status_code
        for operation in ("getList", "search", "getList", "search", "search")
    ]
    assert statuses == [200, 503, 200, 503, 200]
    assert fleet.calls("echo").total == 5


async def test_an_error_rate_strikes_about_that_share(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", error_rate=0.5)
    statuses = [(await echo.get("/a")).status_code for _ in range(60)]
    assert set(statuses) == {200, 503}
    assert 10 < statuses.count(503) < 50


async def test_latency_delays_the_answer(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", latency_ms=400)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await echo.get("/a")).status_code == 200
    assert loop.time() - began >= 0.4


async def test_a_hanging_call_never_answers_and_blocks_no_other(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", hang=True, operations=["search"])
    with pytest.raises(httpx.ReadTimeout):
        await echo.post("/a", content=calling("search"), timeout=0.5)
    assert (await echo.get("/a")).status_code == 200


async def test_a_truncated_body_says_its_own_length(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", malformed=True, times=1)
    cut = await echo.get("/a")
    whole = await echo.get("/a")
    assert int(cut.headers["Content-Length"]) == len(cut.content) == len(whole.content) // 2
    with pytest.raises(json.JSONDecodeError):
        cut.json()


async def test_a_garbled_body_is_as_long_as_the_true_one(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", malformed="garble", times=1)
    garbled, whole = await echo.get("/a"), await echo.get("/a")
    assert len(garbled.content) == len(whole.content)
    assert b"\xff" in garbled.content


async def test_a_dripped_body_comes_byte_by_byte(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", drip=True)
    async with echo.stream("GET", "/a") as answer:
        assert int(answer.headers["Content-Length"]) > 20
        chunks = answer.aiter_raw()
        assert [await anext(chunks) for _ in range(3)] == [b"{", b'"', b"p"]


async def test_a_gzip_bomb_inflates_past_all_bounds(echo: httpx.AsyncClient, fleet: Fleet) -> None:
    fleet.fault("echo", gzip_bomb=True)
    inflating = zlib.decompressobj(zlib.MAX_WBITS | 16)
    received = inflated = 0
    async with echo.stream("GET", "/a") as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        async for chunk in answer.aiter_raw():
            received += len(chunk)
            inflated += len(inflating.decompress(chunk))
            if inflated > 50 << 20:
                break
    assert inflated > 500 * received
    assert BOMB_BLOCKS << 20 > 10**9


async def test_a_gzip_bomb_is_valid_gzip() -> None:
    assert gzip.decompress(b"".join([chunk async for chunk in gzip_bomb(3)])) == bytes(3 << 20)
