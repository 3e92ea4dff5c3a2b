"""What the one HTTP door costs: CPU per small call with 50 in flight, through Transport and through bare aiohttp.

Run ``python -m benchmarks.http_door``. The server is a process of its own, so that only the caller's CPU is counted;
rounds are interleaved and the medians printed, with their ratio.
"""

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from multiprocessing.connection import Connection

import aiohttp
import uvloop

from sources.config import Limits, SourceConfig
from sources.observer import Silence
from sources.transport import Transport, client

IN_FLIGHT = 50
CALLS = 2000
ROUNDS = 7
BODY = b'{"activity":[' + b",".join([b'{"type":"I","status":"in transit"}'] * 140) + b"]}"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


async def _serve(ready: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER)
                await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    ready.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _server(ready: Connection) -> None:
    with suppress(KeyboardInterrupt):
        uvloop.run(_serve(ready))


async def _cpu_per_call(call: Callable[[], Awaitable[bytes]]) -> float:
    """Microseconds of this process's CPU for each of ``CALLS`` calls."""

    async def caller() -> None:
        for _ in range(CALLS // IN_FLIGHT):
            assert await call() == BODY

    began = time.process_time()
    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return (time.process_time() - began) / CALLS * 1e6


async def measure(port: int) -> tuple[float, float]:
    """Median microseconds per call: through Transport, and through bare aiohttp."""
    url = f"http://127.0.0.1:{port}"
    config = SourceConfig("bench", url, Limits(deadline=30.0, concurrency=IN_FLIGHT))
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with (
        client(IN_FLIGHT) as pool,
        aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        door = Transport(config, pool, observer=Silence(), now=lambda: datetime.now(UTC))

        async def through_door() -> bytes:
            return (await door.send("GET", "/track/1", operation="track", params={"locale": "en_US"})).body

        async def bare() -> bytes:
            async with session.get(f"{url}/track/1", params={"locale": "en_US"}) as response:
                return await response.read()

        rounds = [(await _cpu_per_call(through_door), await _cpu_per_call(bare)) for _ in range(ROUNDS)][1:]
    ours, theirs = zip(*rounds, strict=True)
    return statistics.median(ours), statistics.median(theirs)


def main() -> None:
    ready, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_server, args=(theirs,), daemon=True)
    server.start()
    try:
        ours, bare = uvloop.run(measure(ready.recv()))
    finally:
        server.terminate()
        server.join()
    print(f"Transport {ours:.0f} µs, aiohttp {bare:.0f} µs a call: {ours / bare:.2f}x")


if __name__ == "__main__":
    main()
