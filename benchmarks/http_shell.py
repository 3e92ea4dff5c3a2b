"""What the HTTP shell costs: CPU per request for an answer that costs nothing, against the same bytes precomputed.

Run ``python -m benchmarks.http_shell``. ``{ __typename }`` is answered by the composed application, access log and
metrics included, to a caller whose token is not verified; beside it an ASGI application that sends the same bytes at
once. Both are asked in process (nothing but the application) and through uvicorn on the loopback, from another process
whose CPU is not counted. Rounds are interleaved and the medians printed.
"""

import asyncio
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from benchmarks.contender.app import Everybody
from domain.access import Principal
from graph import schema
from resolvers.context import Context
from server import logs, running
from server.app import build
from server.graphql_http import GraphQLEndpoint
from server.graphql_operations import Operations
from server.settings import load
from server.systems import wall_clock
from server.telemetry import Telemetry
from sources.estate import Estate

NOWHERE = "http://127.0.0.1:9"
GIVEN = {
    "CROSSDOCK_OIDC__MAIN__ISSUER": NOWHERE,
    "CROSSDOCK_OIDC__MAIN__AUDIENCE": "crossdock",
    "CROSSDOCK_ERP__KIND": "soap",
    "CROSSDOCK_ERP__URL": NOWHERE,
    "CROSSDOCK_WMS__KIND": "rest",
    "CROSSDOCK_WMS__URL": NOWHERE,
    "CROSSDOCK_STORE__URL": "off",
    "CROSSDOCK_GRAPHIQL": "false",
}
QUESTION = b'{"query":"{ __typename }"}'
ANSWER = b'{"data":{"__typename":"Query"},"extensions":{"cost":{"requested":0,"limit":5000}}}'
HEADERS = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"portal/1.0"),
    (b"accept", b"application/graphql-response+json, application/json;q=0.9"),
    (b"accept-encoding", b"gzip, deflate, br, zstd"),
    (b"connection", b"keep-alive"),
    (b"content-type", b"application/json"),
    (b"content-length", str(len(QUESTION)).encode()),
    (b"authorization", b"Bearer " + b"x" * 700),
]
REQUEST = b"POST /graphql HTTP/1.1\r\n" + b"".join(b"%s: %s\r\n" % each for each in HEADERS) + b"\r\n" + QUESTION
SCOPE: Mapping[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.3"},
    "http_version": "1.1",
    "server": ("127.0.0.1", 8000),
    "client": ("127.0.0.1", 50000),
    "scheme": "http",
    "root_path": "",
    "method": "POST",
    "path": "/graphql",
    "raw_path": b"/graphql",
    "query_string": b"",
}
CALLS = 4000
CONNECTIONS = 16
ROUNDS = 7


@asynccontextmanager
async def composed() -> AsyncIterator[ASGIApp]:
    """The application as ``crossdock serve`` composes it, for callers who are anybody; its lifespan runs."""
    engine = schema.engine(schema.build())
    app = build(load(GIVEN), engine, Telemetry())
    estate: Any = Estate

    def context(principal: Principal, correlation_id: str) -> Context:
        return Context(principal, estate, now=wall_clock, correlation_id=correlation_id)

    endpoint = GraphQLEndpoint(Operations(engine, context, deadline=10.0), Everybody(), max_body=1_048_576)
    async with app.router.lifespan_context(app) as state:
        opened = {**(state or {}), "graphql": endpoint}

        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": opened}, receive, send)

        yield asked


async def precomputed(_scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and sends the answer."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


def _medians(rounds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    ours, least = zip(*rounds, strict=True)
    return statistics.median(ours), statistics.median(least)


# -- in process --------------------------------------------------------------------------------------------------------


async def cpu_in_process(app: ASGIApp) -> float:
    """Microseconds for each of ``CALLS`` calls of the application."""
    gone, sent = asyncio.Event(), bytearray()

    async def send(message: Message) -> None:
        sent.extend(message.get("body", b""))

    began = time.process_time()
    for _ in range(CALLS):
        messages = iter(({"type": "http.request", "body": QUESTION, "more_body": False},))

        async def receive(messages: Any = messages) -> Message:
            for message in messages:
                return dict(message)
            await gone.wait()
            return {"type": "http.disconnect"}

        await app({**SCOPE, "headers": HEADERS[:]}, receive, send)
        await asyncio.sleep(0)  # a loop that never turns keeps its cancelled timers
    spent = time.process_time() - began
    assert sent == ANSWER * CALLS
    return spent / CALLS * 1e6


async def in_process() -> tuple[float, float]:
    async with composed() as app:
        rounds = [(await cpu_in_process(app), await cpu_in_process(precomputed)) for _ in range(ROUNDS)][1:]
    return _medians(rounds)


# -- through uvicorn ---------------------------------------------------------------------------------------------------


def _serve(pipe: Connection, ours: bool) -> None:
    """Serves in this process; each word that comes through ``pipe`` is answered with the CPU spent so far."""
    quiet()

    async def serve() -> None:
        with running.listen("127.0.0.1", 0) as listener:
            if ours:
                async with composed() as app:
                    await _until_told(app, listener, pipe)
            else:
                await _until_told(precomputed, listener, pipe)

    async def _until_told(app: ASGIApp, listener: Any, pipe: Connection) -> None:
        config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, server_header=False)
        server = uvicorn.Server(config)
        running.collect_seldom()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        pipe.send(listener.getsockname()[1])
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def told() -> None:
            if pipe.recv():
                pipe.send(time.process_time())
            else:
                over.set()

        loop.add_reader(pipe.fileno(), told)
        await over.wait()
        loop.remove_reader(pipe.fileno())
        server.should_exit = True
        await serving

    uvloop.run(serve())


async def _load(port: int) -> None:
    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(CALLS // CONNECTIONS):
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            assert await reader.readexactly(length) == ANSWER
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(caller() for _ in range(CONNECTIONS)))


def through_uvicorn() -> tuple[float, float]:
    spawn = multiprocessing.get_context("spawn")
    servers = []
    for ours in (True, False):
        here, there = spawn.Pipe()
        process = spawn.Process(target=_serve, args=(there, ours), daemon=True)
        process.start()
        servers.append((process, here, here.recv()))

    def cpu(pipe: Any, port: int) -> float:
        pipe.send(True)
        began: float = pipe.recv()
        uvloop.run(_load(port))
        pipe.send(True)
        spent: float = pipe.recv() - began
        return spent / (CALLS // CONNECTIONS * CONNECTIONS) * 1e6

    try:
        (_, *composed_one), (_, *least) = servers
        rounds = [(cpu(*composed_one), cpu(*least)) for _ in range(ROUNDS)][1:]
    finally:
        for process, pipe, _ in servers:
            pipe.send(False)
            process.join()
    return _medians(rounds)


def quiet() -> None:
    """The access log as it is in production, written nowhere."""
    logs.configure("info", Path(os.devnull).open("wb"))  # noqa: SIM115 (for as long as the process runs)


def main() -> None:
    quiet()
    measures: Mapping[str, Callable[[], tuple[float, float]]] = {
        "process": lambda: uvloop.run(in_process()),
        "uvicorn": through_uvicorn,
    }
    for name in sys.argv[1:] or measures:
        ours, least = measures[name]()
        print(f"{name:<8} ours {ours:6.1f} µs, precomputed {least:6.1f} µs a request: {ours - least:6.1f} µs more")


if __name__ == "__main__":
    main()
