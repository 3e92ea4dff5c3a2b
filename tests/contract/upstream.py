"""A door before somebody's system: it counts the calls that pass, and misbehaves in the system's place when told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from examples.distributor.faults import gzip_bomb

DRIP_PAUSE = 0.05
HOP_BY_HOP = frozenset({"host", "content-length", "transfer-encoding", "connection", "keep-alive"})

Truth = Callable[[], Awaitable[web.Response]]
"""Asks the system behind the door and gives its answer."""

Fault = Callable[[web.Request, Truth], Awaitable[web.StreamResponse]]


class Upstream:
    """``url`` is the door's, where it answers; a source is configured with ``address``, which is there or below.

    ``fault`` answers in the system's place until it is None again.
    """

    def __init__(self, target: str) -> None:
        self.target = target.rstrip("/")
        self.url = ""
        self.address = ""
        self.calls: list[str] = []
        self.fault: Fault | None = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.raw_path}")
        body = await request.read()

        async def truth() -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
            async with (
                aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.request(
                    request.method,
                    URL(self.target + request.raw_path, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                ) as answer,
            ):
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
                return web.Response(status=answer.status, headers=kept, body=await answer.read())

        return await (self.fault(request, truth) if self.fault else truth())


@asynccontextmanager
async def upstream(target: str) -> AsyncIterator[Upstream]:
    door = Upstream(target)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", door._handle)
    async with TestServer(app, handler_cancellation=True, shutdown_timeout=1) as server:
        door.url = door.address = str(server.make_url("/")).rstrip("/")
        yield door


# -- faults -----------------------------------------------------------------------------------------------------------


async def hang(_: web.Request, __: Truth) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def drip(request: web.Request, truth: Truth) -> web.StreamResponse:
    """The truth, byte by byte."""
    told = await truth()
    answer = web.StreamResponse(headers={"Content-Type": told.content_type})
    await answer.prepare(request)
    for byte in bytes(told.body or b"?" * 1000):  # type: ignore[arg-type]  # a payload only when streamed
        await answer.write(bytes([byte]))
        await asyncio.sleep(DRIP_PAUSE)
    return answer


async def bomb(request: web.Request, _: Truth) -> web.StreamResponse:
    """Few bytes that inflate to 64 MiB."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    await answer.prepare(request)
    async for chunk in gzip_bomb(64):
        await answer.write(chunk)
    return answer


def status(code: int, **headers: str) -> Fault:
    """Underscores in header names stand for hyphens."""

    async def answer(_: web.Request, __: Truth) -> web.StreamResponse:
        return web.Response(status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def body(content: bytes) -> Fault:
    async def answer(_: web.Request, __: Truth) -> web.StreamResponse:
        return web.Response(body=content, content_type="application/json")

    return answer


def altered(change: Callable[[bytes], bytes]) -> Fault:
    """The truth, changed on its way."""

    async def answer(_: web.Request, truth: Truth) -> web.StreamResponse:
        told = await truth()
        assert isinstance(told.body, bytes)
        return web.Response(status=told.status, body=change(told.body), content_type=told.content_type)

    return answer


def once(fault: Fault) -> Fault:
    """The first call only."""
    left = [fault]

    async def answer(request: web.Request, truth: Truth) -> web.StreamResponse:
        return await (left.pop()(request, truth) if left else truth())

    return answer
