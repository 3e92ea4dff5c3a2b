"""The HTTP door against an upstream that does its worst, over real sockets."""

import asyncio
import gzip
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from itertools import count, islice
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from sources.transport import CORRELATION_ID, as_one_call, as_one_operation
from tests.sources.doors import Door, door
from tests.sources.hostile import (
    MIB,
    Behaviour,
    Hostile,
    bomb,
    drip,
    drip_head,
    endless,
    endless_nothing,
    hang,
    held,
    hostile,
    raw,
    reset,
    slow,
    status,
)

OK = status(200, b"{}")
OVERLOADED = {"429": status(429), "502": status(502), "503": status(503), "504": status(504)}
BROKEN = {"reset": reset, "closed": raw(b"")}
STUCK = {"hang": hang, "drip": drip, "drip head": drip_head, "slow": slow(60, OK)}
TOO_LARGE = {
    "endless": endless,
    "endless nothing": endless_nothing,
    "bomb": bomb(64 * MIB),
    "long": status(200, bytes(2 * MIB)),
}
NONSENSE = {
    "another protocol": raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "status in words": raw(b"HTTP/1.1 two hundred\r\n\r\n"),
    "negative length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
    "cut short": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"),
    "bad chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "long header": raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    "many headers": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"),
    "not gzip": status(200, b"not gzip", Content_Encoding="gzip"),
    "brotli": status(200, b"x", Content_Encoding="br"),
    "gzip twice": status(200, b"x", Content_Encoding="gzip, gzip"),
    "gzip in two headers": status(200, gzip.compress(b"x"), Content_Encoding="gzip", content_encoding="gzip"),
    "gzip cut short": status(200, b"\x1f\x8b\x08\x00", Content_Encoding="gzip"),
}


def each(name: str, behaviours: Mapping[str, Behaviour]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(name, behaviours.values(), ids=behaviours)


@pytest.fixture
async def server() -> AsyncIterator[Hostile]:
    async with hostile() as here:
        yield here


async def get(here: Door, path: str, *, idempotent: bool = True) -> bytes:
    return (await here.send.send("GET", path, operation="read", idempotent=idempotent)).body


async def outcome(here: Door, path: str, *, idempotent: bool = True) -> str:
    """The code of the error raised, or "ok"."""
    try:
        await get(here, path, idempotent=idempotent)
    except SourceError as error:
        return error.code
    return "ok"


# -- what arrives ----------------------------------------------------------------------------------------------------


async def test_an_answer_says_when_it_was_asked_for(server: Hostile) -> None:
    server.on("/a", slow(0.05, status(200, b"body", X_Kind="t")))
    before = datetime.now(UTC)
    async with door(server.url) as here:
        reply = await here.send.send("GET", "/a", operation="read")
    assert (reply.status, reply.body, reply.headers["x-kind"]) == (200, b"body", "t")
    assert before <= reply.as_of <= datetime.now(UTC) - timedelta(seconds=0.05)
    assert [(c.source, c.operation, c.outcome, c.attempt) for c in here.facts.calls] == [("src", "read", "ok", 1)]


async def test_a_status_the_caller_accepts_is_an_answer(server: Hostile) -> None:
    server.on("/a", status(500, b"<fault/>"))
    async with door(server.url, breaker_failures=1) as here:
        ask = partial(here.send.send, "POST", "/a", operation="read", content=b"<q/>", accept=(200, 500))
        replies = [await ask() for _ in range(3)]
    assert {(reply.status, reply.body) for reply in replies} == {(500, b"<fault/>")}
    assert here.facts.moves == []
    assert server.seen[0].body == b"<q/>"


@pytest.mark.parametrize("code", [201, 206, 301, 400, 401, 404, 500, 501])
async def test_any_other_status_is_a_fault_and_is_not_repeated(server: Hostile, code: int) -> None:
    server.on("/a", status(code, b"secret"))
    async with door(server.url, earned=3) as here:
        with pytest.raises(SourceFault, match=f"read: HTTP {code}") as caught:
            await get(here, "/a")
    assert len(server.seen) == 1
    assert "secret" not in str(caught.value)


async def test_the_correlation_id_travels(server: Hostile) -> None:
    server.on("/a", OK)
    async with door(server.url) as here:
        await get(here, "/a")
        token = CORRELATION_ID.set("c-1")
        await get(here, "/a")
        CORRELATION_ID.reset(token)
    assert [seen.headers.get("x-correlation-id") for seen in server.seen] == [None, "c-1"]
    assert {seen.headers["accept-encoding"] for seen in server.seen} == {"gzip, deflate"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=30), st.text(max_size=30))
def test_values_arrive_byte_for_byte(name: str, value: str) -> None:
    name, value = (part.encode("utf-8", "ignore").decode() for part in (name, value))
    segment = quote(value, safe="")

    async def run() -> str:
        async with hostile() as server, door(server.url) as here:
            server.on("*", OK)
            await here.send.send("GET", f"/x/{segment}/y", operation="read", params=[(name, value)])
            return server.seen[0].target

    if value in (".", ".."):
        with pytest.raises(SourceFault, match="dot segments"):
            asyncio.run(run())
        return
    path, _, query = asyncio.run(run()).partition("?")
    assert unquote(path.removeprefix("/x/").removesuffix("/y"), errors="strict") == value
    assert parse_qsl(query, keep_blank_values=True, strict_parsing=True) == [(name, value)]


# -- where it may go -------------------------------------------------------------------------------------------------


async def test_a_redirect_is_not_followed(server: Hostile) -> None:
    async with hostile() as inside:
        inside.on("/secret", OK)
        for code in (301, 302, 303, 307, 308):
            server.on(f"/{code}", status(code, Location=f"{inside.url}/secret"))
        async with door(server.url) as here:
            for code in (301, 302, 303, 307, 308):
                assert await outcome(here, f"/{code}") == "SOURCE_FAULT"
        assert inside.seen == []


async def test_an_absolute_address_must_be_on_a_configured_origin(server: Hostile) -> None:
    async with hostile() as inside, hostile() as issuer:
        inside.on("/x", OK)
        issuer.on("/token", OK)
        server.on("/next", OK)
        async with door(f"{server.url}/api", token_url=f"{issuer.url}/token") as here:
            assert await outcome(here, f"{server.url}/next?page=2") == "ok"
            assert await outcome(here, f"{issuer.url}/token") == "ok"
            for address in (
                f"{inside.url}/x",
                inside.url.replace("://", f"://{server.url[7:]}@") + "/x",
                "http://[::1",
            ):
                assert await outcome(here, address) == "SOURCE_FAULT"
        assert inside.seen == []
        assert [seen.target for seen in server.seen] == ["/next?page=2"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "a\r\nX-B: b"), ("X-A", "a\nb"), ("X-A", "a\0"), ("X-A", "é"), ("X A", "a"), ("X-A:", "a"), ("", "a")],
)
async def test_a_header_that_could_become_two_is_refused(server: Hostile, name: str, value: str) -> None:
    server.on("/a", OK)
    async with door(server.url) as here:
        with pytest.raises(SourceFault, match="refused to send a header"):
            await here.send.send("GET", "/a", operation="read", headers={name: value})
    assert server.seen == []


async def test_cookies_are_not_kept(server: Hostile) -> None:
    server.on("/a", status(200, Set_Cookie="session=1"))
    async with door(server.url) as here:
        await get(here, "/a")
        await get(here, "/a")
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, None]


async def test_no_proxy_is_taken_from_the_environment(server: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    server.on("/a", OK)
    async with hostile() as proxy:
        proxy.on("*", OK)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with door(server.url) as here:
            await get(here, "/a")
        assert proxy.seen == []
    assert len(server.seen) == 1


# -- its connections -------------------------------------------------------------------------------------------------


@each("answer", {"read": OK, "empty": status(200), "refused": status(404, b"{}"), "overloaded": status(503)})
async def test_a_connection_serves_again_after(server: Hostile, answer: Behaviour) -> None:
    server.on("/a", answer)
    server.on("/b", OK)
    async with door(server.url) as here:
        for _ in range(5):
            await outcome(here, "/a")
            await get(here, "/b")
    assert (server.connections, len(server.seen)) == (1, 10)


@each(
    "answer", {"endless": endless, "too long": TOO_LARGE["long"], "refused": status(404, bytes(2 * MIB)), "hang": hang}
)
async def test_a_connection_whose_answer_was_not_read_is_closed(server: Hostile, answer: Behaviour) -> None:
    server.on("/a", answer)
    server.on("/b", OK)
    async with door(server.url, max_body=MIB, deadline=0.5) as here:
        for _ in range(3):
            assert await outcome(here, "/a") != "ok"
        assert server.connections == 3
        await get(here, "/b")
    assert server.connections == 4


# -- the deadline ----------------------------------------------------------------------------------------------------


@each("behaviour", STUCK)
async def test_the_deadline_ends_any_wait_and_leaves_nothing_behind(server: Hostile, behaviour: Behaviour) -> None:
    server.on("/a", behaviour)
    async with door(server.url, deadline=0.3, earned=3) as here:
        alive = asyncio.all_tasks()
        began = asyncio.get_running_loop().time()
        assert await outcome(here, "/a") == "SOURCE_TIMEOUT"
        assert 0.29 < asyncio.get_running_loop().time() - began < 2
        await asyncio.sleep(0)
        left = {task for task in asyncio.all_tasks() - alive if "connected" not in repr(task)}
        assert left == set()
        assert here.facts.outcomes == ["SOURCE_TIMEOUT"]


async def test_the_deadline_includes_the_wait_for_a_slot(server: Hostile) -> None:
    server.on("/a", hang)
    async with door(server.url, deadline=0.3, concurrency=1) as here:
        with as_one_call():
            callers = [asyncio.create_task(outcome(here, "/a")) for _ in range(5)]
        assert await asyncio.gather(*callers) == ["SOURCE_TIMEOUT"] * 5
    assert len(server.seen) == 1


async def test_the_deadline_includes_the_retries(server: Hostile) -> None:
    server.on("/a", status(503), hang)
    async with door(server.url, deadline=1.0, earned=3) as here:
        assert await outcome(here, "/a") == "SOURCE_TIMEOUT"
    assert here.facts.outcomes == ["SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT"]


async def test_requests_made_as_one_call_share_its_deadline(server: Hostile) -> None:
    server.on("/a", slow(0.35, OK))
    async with door(server.url, deadline=0.5) as here:
        with as_one_call():
            assert [await outcome(here, "/a") for _ in range(3)] == ["ok", "SOURCE_TIMEOUT", "SOURCE_TIMEOUT"]
        assert await outcome(here, "/a") == "ok"
    assert len(server.seen) == 3


async def test_an_operation_ends_its_calls_and_blames_nobody(server: Hostile) -> None:
    server.on("/a", hang)
    server.on("/b", OK)
    async with door(server.url, deadline=60, breaker_failures=1) as here:
        with as_one_operation(asyncio.get_running_loop().time() + 0.3):
            assert await outcome(here, "/b") == "ok"
            assert [await outcome(here, "/a") for _ in range(2)] == ["SOURCE_TIMEOUT"] * 2
        assert here.facts.outcomes == ["ok", "SOURCE_TIMEOUT"]
        assert await outcome(here, "/b") == "ok"


# -- the body --------------------------------------------------------------------------------------------------------


@each("behaviour", TOO_LARGE)
async def test_a_body_above_the_cap_is_refused(server: Hostile, behaviour: Behaviour) -> None:
    server.on("/a", behaviour)
    server.on("/b", OK)
    async with door(server.url, max_body=MIB, concurrency=1) as here:
        with pytest.raises(SourceFault, match="larger than 1048576 bytes"):
            await get(here, "/a")
        assert await get(here, "/b") == b"{}"


async def test_a_body_of_the_cap_is_accepted(server: Hostile) -> None:
    server.on("/a", status(200, bytes(MIB)))
    server.on("/b", status(200, gzip.compress(bytes(MIB)), Content_Encoding="gzip"))
    async with door(server.url, max_body=MIB) as here:
        assert await get(here, "/a") == bytes(MIB)
        assert await get(here, "/b") == bytes(MIB)


async def test_the_body_of_a_refused_status_is_not_read(server: Hostile) -> None:
    async def endless_error(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 503 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await writer.drain()

    server.on("/a", endless_error)
    async with door(server.url) as here:
        assert await outcome(here, "/a") == "SOURCE_UNAVAILABLE"


async def test_large_bodies_of_one_source_are_read_one_at_a_time(server: Hostile) -> None:
    server.on("/large", never_ends(MIB), status(200, bytes(MIB)))
    server.on("/small", never_ends(MIB // 4), status(200, bytes(MIB // 4)))
    async with door(server.url, deadline=0.5) as here:
        stuck = [asyncio.create_task(outcome(here, path)) for path in ("/large", "/small")]
        await server.reached(2)
        assert await outcome(here, "/small") == "ok"
        assert await outcome(here, "/large") in {"ok", "SOURCE_TIMEOUT"}
        assert stuck[0].done()
        assert await asyncio.gather(*stuck) == ["SOURCE_TIMEOUT"] * 2
        assert await outcome(here, "/large") == "ok"


def never_ends(size: int) -> Behaviour:
    """So many bytes of a body that has one more."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size + 1}\r\n\r\n".encode() + bytes(size))
        await hang(writer)

    return behave


VICTIM = """
import asyncio, sys
from datetime import UTC, datetime
from domain.errors import SourceFault
from sources.config import SourceConfig
from sources.observer import Silence
from sources.client import Client
from sources.transport import Transport

def memory(name):
    lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
    return int(lines[name].split()[0]) * 1024

async def main():
    async with Client() as pool:
        door = Transport(SourceConfig("src", sys.argv[1]), pool, observer=Silence(), now=lambda: datetime.now(UTC))
        await door.send("GET", "/warm", operation="read")
        before = memory("VmRSS")
        try:
            await door.send("GET", "/bomb", operation="read")
        except SourceFault:
            print(memory("VmHWM") - before)

asyncio.run(main())
"""


async def test_a_gzip_bomb_of_a_gigabyte_costs_less_than_64_mib(server: Hostile) -> None:
    server.on("/warm", OK)
    server.on("/bomb", bomb(1024 * MIB))
    root = Path(__file__).parents[2]
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", VICTIM, server.url, cwd=root, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await victim.communicate()
    assert victim.returncode == 0
    assert 0 < json.loads(printed) < 64 * MIB


@each("answer", NONSENSE | BROKEN)
async def test_what_is_not_an_http_answer_is_a_source_error(server: Hostile, answer: Behaviour) -> None:
    server.on("/a", answer)
    server.on("/b", OK)
    async with door(server.url, concurrency=1) as here:
        assert await outcome(here, "/a") in {"SOURCE_FAULT", "SOURCE_UNAVAILABLE"}
        assert await outcome(here, "/b") == "ok"


GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 4\r\n\r\nbody"
DAMAGE = st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 3), st.binary(max_size=4)), max_size=4)


@settings(max_examples=80, deadline=None)
@given(DAMAGE)
def test_a_damaged_answer_is_an_answer_or_a_source_error(damage: list[tuple[int, int, bytes]]) -> None:
    answer = GOOD
    for at, removed, put in damage:
        answer = answer[:at] + put + answer[at + removed :]

    async def run() -> None:
        async with hostile() as server, door(server.url, deadline=0.5) as here:
            server.on("/a", raw(answer))
            assert await outcome(here, "/a") in {"ok", "SOURCE_FAULT", "SOURCE_UNAVAILABLE", "SOURCE_TIMEOUT"}

    asyncio.run(run())


@pytest.mark.filterwarnings("ignore:Sending a large body")
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n"], ids=["silent", "early"])
async def test_a_source_that_does_not_read_what_it_is_sent(answer: bytes) -> None:
    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024)
    async with door(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", deadline=0.5) as here:
        with pytest.raises((SourceTimeout, SourceUnavailable)):
            await here.send.send("POST", "/a", operation="write", content=bytes(30 * MIB), idempotent=False)
        over.set()
    server.close()
    await server.wait_closed()


# -- retries ---------------------------------------------------------------------------------------------------------


@each("failure", OVERLOADED | BROKEN)
async def test_a_passing_failure_is_tried_again(server: Hostile, failure: Behaviour) -> None:
    server.on("/a", failure, failure, OK)
    async with door(server.url, earned=2) as here:
        assert await get(here, "/a") == b"{}"
    assert [(call.outcome, call.attempt) for call in here.facts.calls] == [
        ("SOURCE_UNAVAILABLE", 1),
        ("SOURCE_UNAVAILABLE", 2),
        ("ok", 3),
    ]


async def test_a_body_that_must_not_arrive_twice_is_made_anew(server: Hostile) -> None:
    server.on("/a", status(503), status(503), OK)
    numbers = count(1)
    async with door(server.url, earned=2) as here:
        await here.send.send("POST", "/a", operation="read", content=lambda: b"nonce %d" % next(numbers))
    assert [seen.body for seen in server.seen] == [b"nonce 1", b"nonce 2", b"nonce 3"]


async def test_an_overload_dressed_as_an_answer_is_tried_again(server: Hostile) -> None:
    fault = status(500, b"<ExceededConcurrentRequestLimitFault/>")
    server.on("/a", fault, status(500, b"<fault/>"), fault)

    async def ask() -> bytes:
        reply = await here.send.send(
            "POST", "/a", operation="read", accept=(200, 500), overloaded=lambda reply: b"Limit" in reply.body
        )
        return reply.body

    async with door(server.url, earned=1, breaker_failures=2) as here:
        assert await ask() == b"<fault/>"
        for _ in range(2):
            with pytest.raises(SourceUnavailable):
                await ask()
    assert [move.state for move in here.facts.moves] == ["open"]


@each("failure", {"503": status(503)} | BROKEN)
async def test_what_is_not_idempotent_is_sent_once(server: Hostile, failure: Behaviour) -> None:
    server.on("/a", failure, OK)
    async with door(server.url, earned=3) as here:
        assert await outcome(here, "/a", idempotent=False) == "SOURCE_UNAVAILABLE"
    assert len(server.seen) == 1


@each("failure", {"503": status(503)} | BROKEN)
async def test_attempts_are_bounded_and_unused_retries_kept(server: Hostile, failure: Behaviour) -> None:
    server.on("/a", failure)
    async with door(server.url, earned=3, attempts=3, retry_budget=0.0) as here:
        assert await outcome(here, "/a") == "SOURCE_UNAVAILABLE"
        assert len(server.seen) == 3
        assert await outcome(here, "/a") == "SOURCE_UNAVAILABLE"
        assert len(server.seen) == 5


@each("failure", {"503": status(503)} | BROKEN)
async def test_at_total_failure_the_upstream_sees_at_most_a_tenth_more(server: Hostile, failure: Behaviour) -> None:
    server.on("/a", failure)
    async with door(server.url, attempts=4) as here:
        calls, together = 200, 180
        assert set(await asyncio.gather(*(outcome(here, "/a") for _ in range(together)))) == {"SOURCE_UNAVAILABLE"}
        for _ in range(calls - together):
            await outcome(here, "/a")
    assert calls < len(server.seen) <= calls * 1.1


async def test_retry_after_is_kept_to_when_it_fits(server: Hostile) -> None:
    soon = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    server.on("/a", status(503, Retry_After="0"), status(429, Retry_After=soon), OK)
    async with door(server.url, earned=2) as here:
        assert await get(here, "/a") == b"{}"


async def test_retry_after_beyond_the_deadline_is_told_and_not_waited_for(server: Hostile) -> None:
    server.on("/a", status(503, Retry_After="120"))
    async with door(server.url, earned=3) as here:
        with pytest.raises(SourceUnavailable) as caught:
            await get(here, "/a")
    assert caught.value.retry_after == 120
    assert len(server.seen) == 1


async def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with door(f"http://127.0.0.1:{closed.getsockname()[1]}", earned=1) as here:
            assert await outcome(here, "/a") == "SOURCE_UNAVAILABLE"
    assert here.facts.outcomes == ["SOURCE_UNAVAILABLE"] * 2


# -- the concurrency limit -------------------------------------------------------------------------------------------


async def test_the_concurrency_limit_holds_for_everything_that_calls(server: Hostile) -> None:
    server.on("/a", slow(0.01, OK))
    server.on("/b", slow(0.01, status(503)))
    async with door(server.url, concurrency=4, earned=3, retry_budget=1.0) as here:
        await asyncio.gather(*(outcome(here, ("/a", "/b")[i % 2]) for i in range(100)))
    assert server.peak == 4


async def test_too_many_waiting_are_turned_away_at_once(server: Hostile) -> None:
    gate = asyncio.Event()
    server.on("/a", held(gate, OK))
    async with door(server.url, concurrency=1) as here:
        waiting = [asyncio.create_task(outcome(here, "/a")) for _ in range(70)]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert {task.result() for task in done} == {"SOURCE_UNAVAILABLE"}
        gate.set()
        results = await asyncio.gather(*waiting)
    assert (results.count("ok"), results.count("SOURCE_UNAVAILABLE")) == (65, 5)


async def test_cancelled_callers_leak_no_slot_and_blame_nobody(server: Hostile) -> None:
    server.on("/a", hang)
    server.on("/b", OK)
    async with door(server.url, concurrency=2, breaker_failures=1) as here:
        for turns in range(12):
            callers = [asyncio.create_task(get(here, "/a")) for _ in range(6)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for caller in callers:
                caller.cancel()
            results = await asyncio.gather(*callers, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        assert await asyncio.gather(*(outcome(here, "/b") for _ in range(4))) == ["ok"] * 4
        assert here.facts.moves == []
        assert here.send.health.last_failure is None


# -- the breaker -----------------------------------------------------------------------------------------------------


@each("failure", {"500": status(500), "hang": hang} | OVERLOADED | BROKEN)
async def test_failures_in_a_row_open_the_breaker(server: Hostile, failure: Behaviour) -> None:
    server.on("/a", failure)
    async with door(server.url, breaker_failures=3, deadline=0.2) as here:
        for _ in range(3):
            assert await outcome(here, "/a") != "ok"
        with pytest.raises(SourceUnavailable, match="breaker open") as caught:
            await get(here, "/a")
    assert caught.value.retry_after == 10.0
    assert [move.state for move in here.facts.moves] == ["open"]
    assert len(server.seen) == len(here.facts.calls) == 3
    assert here.send.health.breaker == "open"
    assert here.send.health.last_success is None
    assert here.send.health.last_failure is not None


async def test_a_refusal_is_no_failure(server: Hostile) -> None:
    server.on("/a", status(404))
    async with door(server.url, breaker_failures=2) as here:
        assert [await outcome(here, "/a") for _ in range(5)] == ["SOURCE_FAULT"] * 5
    assert here.facts.moves == []
    assert here.send.health.last_success is not None


async def test_of_fifty_callers_at_half_open_exactly_one_reaches_the_source(server: Hostile) -> None:
    gate = asyncio.Event()
    server.on("/a", status(503), held(gate, OK))
    async with door(server.url, breaker_failures=1, concurrency=50) as here:
        await outcome(here, "/a")
        here.clock.seconds += 10
        callers = [asyncio.create_task(outcome(here, "/a")) for _ in range(50)]
        refused = [await first for first in islice(asyncio.as_completed(callers), 49)]
        assert refused == ["SOURCE_UNAVAILABLE"] * 49
        await server.reached(2)
        assert len(server.seen) == 2
        gate.set()
        results = await asyncio.gather(*callers)
        assert (results.count("ok"), results.count("SOURCE_UNAVAILABLE")) == (1, 49)
        assert [move.state for move in here.facts.moves] == ["open", "half-open", "closed"]
        assert await asyncio.gather(*(outcome(here, "/a") for _ in range(10))) == ["ok"] * 10


async def test_a_cancelled_probe_leaves_the_probe_to_the_next_caller(server: Hostile) -> None:
    server.on("/a", status(503), hang, OK)
    async with door(server.url, breaker_failures=1) as here:
        await outcome(here, "/a")
        here.clock.seconds += 10
        probe = asyncio.create_task(get(here, "/a"))
        await server.reached(2)
        assert await outcome(here, "/a") == "SOURCE_UNAVAILABLE"
        probe.cancel()
        await asyncio.wait([probe])
        assert await outcome(here, "/a") == "ok"
    assert here.facts.outcomes == ["SOURCE_UNAVAILABLE", "CANCELLED", "ok"]


async def test_a_hanging_source_does_not_slow_its_neighbour(server: Hostile) -> None:
    server.on("/a", hang)
    server.on("/b", OK)
    async with door(server.url, deadline=0.5, concurrency=4) as erp, door(server.url, concurrency=4) as wms:
        stuck = [asyncio.create_task(outcome(erp, "/a")) for _ in range(40)]
        assert await asyncio.gather(*(outcome(wms, "/b") for _ in range(100))) == ["ok"] * 100
        assert not any(caller.done() for caller in stuck)
        assert set(await asyncio.gather(*stuck)) == {"SOURCE_TIMEOUT"}
