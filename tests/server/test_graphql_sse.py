"""GraphQL over server-sent events on a real socket: what is told, to whom, until when, and from where it goes on."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from server import graphql_sse
from server.streams import Ending
from tests.server.live import PATIENCE, Live, cursor, one, replicas, until
from tests.server.provider import NOW
from tests.server.speaking import ACTIVITY, listening

VIEWER = "{ viewer { kind } }"
BARE = "subscription { customerActivity { cursor after } }"
COMPLETE = {"event": "complete", "data": ""}


def answered(data: Any, *, cost: int) -> str:
    """An answer as it is written."""
    told = {"data": data, "extensions": {"cost": {"requested": cost, "limit": 5_000}}}
    return json.dumps(told, separators=(",", ":"))


async def asked(live: Live, query: str, *, method: str = "POST", **headers: str) -> httpx.Response:
    given = {"accept": "text/event-stream", "authorization": live.bearer()} | headers
    body: dict[str, Any] = {"params": {"query": query}} if method == "GET" else {"json": {"query": query}}
    async with httpx.AsyncClient(base_url=live.url, timeout=PATIENCE) as client:
        return await client.request(method, "/graphql", headers=given, **body)


def events(answer: httpx.Response) -> list[list[str]]:
    """Each event's lines, comments left out."""
    blocks = (block.splitlines() for block in answer.text.split("\n\n"))
    return [lines for block in blocks if (lines := [line for line in block if not line.startswith(":")])]


# -- the protocol ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_query_is_one_event_and_the_end(method: str) -> None:
    async with one() as live:
        answer = await asked(live, VIEWER, method=method)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        assert events(answer) == [
            ["event: next", f"data: {answered({'viewer': {'kind': 'PORTAL_USER'}}, cost=0)}"],
            ["event: complete", "data:"],
        ]
        assert live.seen.answered == [("sse", "query", [])]
        assert live.seen.endings == [("sse", Ending.COMPLETED)]


@pytest.mark.parametrize("query", ["{", "{ nothing }", "subscription { orderUpdated { cursor } }"])
async def test_what_cannot_run_is_one_event_with_its_errors(query: str) -> None:
    async with one() as live:
        *_, told, end = events(await asked(live, query))
        answer = json.loads(told[1].removeprefix("data: "))
        assert answer.keys() == {"errors"}
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert answer["errors"][0]["extensions"]["correlationId"]
        assert end == ["event: complete", "data:"]


async def test_each_update_is_an_event_whose_id_is_its_cursor() -> None:
    async with one() as live, listening(live) as stream:
        assert await stream.event() == {"id": cursor(0)}
        await until(lambda: live.changes.listening)
        live.company.happens("SO1")
        told = await stream.told()
        assert (told["kind"], told["before"], told["after"], told["missed"]) == ("ORDER", "CONFIRMED", "SHIPPED", False)
        assert told["cursor"] == cursor(1)


async def test_a_silent_stream_shows_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphql_sse, "KEEPALIVE", 0.01)
    async with one() as live, listening(live) as stream:
        lines = stream.response.aiter_lines()
        async with asyncio.timeout(PATIENCE):
            signs = 0
            async for line in lines:
                signs += line == ":"
                if signs == 5:
                    break


async def test_a_subscription_needs_a_transport_that_streams() -> None:
    async with one() as live:
        answer = await asked(live, ACTIVITY, accept="application/json")
        assert answer.status_code == 406
        both = {"accept": "application/json, text/event-stream"}
        query = await asked(live, VIEWER, **both)
        assert query.headers["content-type"].startswith("application/json")


async def test_a_foreign_page_hears_nothing() -> None:
    async with one(origins=frozenset(("https://portal.example",))) as live:
        refused = await asked(live, ACTIVITY, origin="https://evil.example")
        assert refused.status_code == 403
        assert live.seen.opened == []
        async with (
            httpx.AsyncClient(base_url=live.url) as client,
            client.stream(
                "POST",
                "/graphql",
                json={"query": ACTIVITY},
                headers={
                    "accept": "text/event-stream",
                    "authorization": live.bearer(),
                    "origin": "https://portal.example",
                },
            ) as allowed,
        ):
            assert allowed.status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer a.b.c"])
async def test_without_a_good_token_nothing_begins(authorization: str) -> None:
    async with one() as live:
        answer = await asked(live, ACTIVITY, authorization=authorization)
        assert answer.status_code == 401
        assert live.seen.opened == []


async def test_a_caller_has_so_many_streams() -> None:
    async with one(streams={"per_caller": 1}) as live:
        async with listening(live) as stream:
            await stream.event()
            refused = await asked(live, VIEWER)
            assert refused.status_code == 429
            assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        await until(lambda: not live.streams.open)
        assert (await asked(live, VIEWER)).status_code == 200


# -- until when --------------------------------------------------------------------------------------------------------


async def test_when_the_token_expires_the_stream_ends_and_nothing_later_is_told() -> None:
    async with one() as live:
        token = live.bearer(exp=int(NOW.timestamp()) + 60)
        async with listening(live, authorization=token) as stream:
            await stream.event()
            await until(lambda: live.changes.listening)
            live.company.happens("SO1")
            await stream.told()
            live.now = NOW + timedelta(seconds=60)
            live.company.happens("SO2")
            told, end = await stream.rest()
            (error,) = json.loads(told["data"])["errors"]
            assert error["extensions"]["code"] == "UNAUTHENTICATED"
            assert error["message"] == "The bearer token has expired."
            assert end == COMPLETE
        assert live.seen.endings == [("sse", Ending.EXPIRED)]
        assert live.changes.listening == 0


async def test_a_silent_stream_ends_too_when_the_token_is_revoked() -> None:
    async with one() as live, listening(live) as stream:
        await stream.event()
        live.revoked.add("u-17")
        told, end = await stream.rest()
        assert json.loads(told["data"])["errors"][0]["message"] == "The bearer token is not valid."
        assert end == COMPLETE


async def test_a_server_that_stops_breaks_the_stream_off_so_that_the_client_comes_back() -> None:
    async with one() as live, listening(live) as stream:
        await stream.event()
        stopping = asyncio.create_task(live.streams.stop(within=10))
        assert await stream.rest() == [{"retry": "1000"}]
        await stopping
        assert live.streams.open == 0
        assert live.seen.endings == [("sse", Ending.STOPPING)]


async def test_a_server_that_stops_lets_a_query_finish() -> None:
    async with one() as live:
        live.company.gate = asyncio.Event()
        asking = asyncio.create_task(asked(live, 'query { order(number: "SO1") { number } }'))
        await until(lambda: live.company.asking)
        stopping = asyncio.create_task(live.streams.stop(within=20))
        await asyncio.sleep(0)
        live.company.gate.set()
        answer = await asking
        assert events(answer)[0] == ["event: next", f"data: {answered({'order': None}, cost=2)}"]
        await stopping


async def test_nothing_is_left_of_a_client_that_leaves() -> None:
    async with one() as live:
        async with listening(live) as stream:
            await stream.event()
            await until(lambda: live.changes.listening)
        await until(lambda: live.exchanges)
        assert (live.changes.listening, live.streams.open) == (0, 0)
        assert live.seen.endings == [("sse", Ending.LEFT)]


async def test_a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it() -> None:
    async with one(streams={"sending": 0.3}) as live:
        request = (
            f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: {live.bearer()}\r\nAccept: text/event-stream\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(json.dumps({'query': BARE}))}\r\n\r\n"
            f"{json.dumps({'query': BARE})}"
        )
        host, port = live.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        writer.write(request.encode())
        async with listening(live, authorization=live.bearer(sub="u-18")) as good:
            await good.event()
            await until(lambda: live.changes.listening == 2)
            for _ in range(40):
                live.company.happens("SO1", after="x" * 500_000)
                assert len((await good.told())["after"]) == 500_000
            await until(lambda: ("sse", Ending.SLOW) in live.seen.endings)
            live.company.happens("SO2")
            assert (await good.told())["after"] == "SHIPPED"
            assert live.changes.listening == 1
        writer.transport.abort()


# -- from where it goes on ---------------------------------------------------------------------------------------------


async def test_a_stream_goes_on_at_another_replica_without_loss_or_repetition() -> None:
    async with replicas(2) as (first, second):
        company, token = first.company, first.bearer()
        async with listening(first, authorization=token) as stream:
            await stream.event()
            await until(lambda: first.changes.listening)
            for number in range(3):
                company.happens(f"SO{number}")
            heard = [await stream.told() for _ in range(2)]
        for number in range(3, 6):
            company.happens(f"SO{number}")
        async with listening(second, authorization=token, last_event_id=heard[-1]["cursor"]) as stream:
            heard += [await stream.told() for _ in range(4)]
            company.happens("SO6")
            heard.append(await stream.told())
        assert [each["cursor"] for each in heard] == [cursor(position) for position in range(1, 8)]
        assert not any(each["missed"] for each in heard)


async def test_a_stream_that_broke_before_its_first_update_loses_none() -> None:
    async with replicas(2) as (first, second):
        token = first.bearer()
        async with listening(first, authorization=token) as stream:
            begun = await stream.event()
        first.company.happens("SO1")
        async with listening(second, authorization=token, last_event_id=begun["id"]) as stream:
            assert (await stream.told())["cursor"] == cursor(1)


async def test_the_last_event_counts_for_more_than_the_first_request() -> None:
    """A browser that reconnects repeats the request of its first time."""
    async with one() as live:
        for number in range(3):
            live.company.happens(f"SO{number}")
        last = cursor(2)
        async with listening(live, last_event_id=last, after=cursor(0)) as stream:
            assert (await stream.told())["cursor"] == cursor(3)
        async with listening(live, after=cursor(1)) as stream:
            assert (await stream.told())["cursor"] == cursor(2)


async def test_what_was_pruned_while_away_is_told_as_missed() -> None:
    async with one() as live:
        for number in range(5):
            live.company.happens(f"SO{number}")
        live.company.log.prune(3)
        async with listening(live, after=cursor(1)) as stream:
            first, second = await stream.told(), await stream.told()
        assert (first["cursor"], first["missed"]) == (cursor(4), True)
        assert (second["cursor"], second["missed"]) == (cursor(5), False)
