"""What the one HTTP door costs: CPU per small call with 50 in flight, through Transport and through bare aiohttp.

Run ``python -m benchmarks.http_door``. The server is a process of its own, so that only the caller's CPU is counted;
rounds are interleaved and the medians printed, with their ratio. Three kinds of call: the same address again and again,
as when 50 callers ask for one thing; another address each, as tracking does; and a small POST, as SOAP does.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from multiprocessing.connection import Connection
from typing import TypeAlias

import aiohttp
import uvloop

from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.observer import Silence
from sources.transport import Transport

Call: TypeAlias = Callable[[], Awaitable[bytes]]

IN_FLIGHT = 50
CALLS = 2000
ROUNDS = 7
QUESTION = b'{"orderNumbers":["4500012345"]}'
JSON = {"Content-Type": "application/json"}
PARAMS = {"locale": "en_US"}
BODY = b'{"activity":[' + b",".join([b'{"type":"I","status":"in transit"}'] * 140) + b"]}"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


async def _serve(ready: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"POST"):
                    await reader.readexactly(len(QUESTION))
                writer.write(ANSWER)
                await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _server(ready: Connection) -> None:
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(ready))


async def _cpu_per_call(call: Call) -> float:
    """Microseconds of this process's CPU for each of ``CALLS`` calls."""

    async def caller() -> None:
        for _ in range(CALLS // IN_FLIGHT):
            assert await call() == BODY

    began = time.process_time()
    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return (time.process_time() - began) / CALLS * 1e6


def _through(door: Transport) -> dict[str, Call]:
    numbers = count(2)

    async def track(number: int) -> bytes:
        return (await door.send("GET", f"/track/{number}", operation="track", params=PARAMS)).body

    async def ask() -> bytes:
        return (await door.send("POST", "/orders", operation="orders", headers=JSON, content=QUESTION)).body

    return {"GET, same": lambda: track(1), "GET, another": lambda: track(next(numbers)), "POST": ask}


def _bare(session: aiohttp.ClientSession, url: str) -> dict[str, Call]:
    numbers = count(2)

    async def track(number: int) -> bytes:
        async with session.get(f"{url}/track/{number}", params=PARAMS) as response:
            return await response.read()

    async def ask() -> bytes:
        async with session.post(f"{url}/orders", headers=JSON, data=QUESTION) as response:
            return await response.read()

    return {"GET, same": lambda: track(1), "GET, another": lambda: track(next(numbers)), "POST": ask}


async def measure(port: int) -> dict[str, tuple[float, float]]:
    """Median microseconds of each kind of call: through Transport, and through bare aiohttp."""
    url = f"http://127.0.0.1:{port}"
    config = SourceConfig("bench", url, Limits(deadline=30.0, concurrency=IN_FLIGHT))
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with (
        Client(IN_FLIGHT) as pool,
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        ours = _through(Transport(config, pool, observer=Silence(), now=lambda: datetime.now(UTC)))
        theirs = _bare(session, url)
        rounds = [
            {kind: (await _cpu_per_call(ours[kind]), await _cpu_per_call(theirs[kind])) for kind in ours}
            for _ in range(ROUNDS)
        ][1:]
    return {kind: _medians([figures[kind] for figures in rounds]) for kind in ours}


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(first for first, _ in pairs), statistics.median(second for _, second in pairs)


def main() -> None:
    ready, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_server, args=(theirs,), daemon=True)
    server.start()
    try:
        figures = uvloop.run(measure(ready.recv()))
    finally:
        server.terminate()
        server.join()
    print(f"µs of CPU a call, {IN_FLIGHT} in flight: Transport, aiohttp, ratio")
    for kind, (ours, bare) in figures.items():
        print(f"{kind:12} {ours:5.0f} {bare:5.0f} {ours / bare:6.2f}")


if __name__ == "__main__":
    main()
