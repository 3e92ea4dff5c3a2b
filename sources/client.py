"""The one module that knows the HTTP library: exchanges over a shared pool of connections, with nothing done unasked.

It uses aiohttp's connector, request and response, below ``ClientSession``: there are no redirects, cookies, proxies,
``netrc`` or repeated requests to switch off, and a call costs a quarter less.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import NamedTuple, Self, cast

import aiohttp
import certifi
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from sources.bodies import STEP, Body
from sources.pace import Pace

LARGE = 512 * 1024
"""Bytes of a body beyond which it waits until no other of its source is that large."""

KEEPALIVE = 4.0
"""Seconds; below the 5 that common servers keep an idle connection, so that we close first."""


class Lost(Exception):
    """No complete answer came: refused, reset, closed or cut short. Another try may get one."""


class Foreign(Exception):
    """What came is not an HTTP answer, or what should be sent is not an HTTP request."""


class Answer(NamedTuple):
    """``headers`` ignore case; ``body`` is decompressed, and empty when its status was not accepted."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Stream(NamedTuple):
    """``pieces``: the body, not decompressed, whatever the status."""

    status: int
    headers: Mapping[str, str]
    pieces: AsyncIterator[bytes]


def patience(connect: float) -> aiohttp.ClientTimeout:
    """How long ``Client.exchange`` waits for a connection to be made, in seconds. It waits for all else for ever."""
    return aiohttp.ClientTimeout(total=None, sock_connect=connect)


class Client:
    """The pool of connections all sources share, an async context manager.

    ``connections`` must be at least the sum of all sources' concurrency limits, or one slow source starves the others.
    """

    _pool: aiohttp.TCPConnector

    def __init__(self, connections: int = 100) -> None:
        self._connections = connections
        self.pace = Pace()

    async def __aenter__(self) -> Self:
        trusted = ssl.create_default_context(cafile=certifi.where())
        self._pool = aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEPALIVE, ssl=trusted)
        self._loop = asyncio.get_running_loop()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    async def exchange(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str],
        content: bytes | None,
        *,
        accept: Collection[int],
        cap: int,
        large: asyncio.Lock,
        patience: aiohttp.ClientTimeout,
    ) -> Answer:
        """Sends one request, and reads the body of an accepted answer, at most ``cap`` bytes of it; what is beyond
        ``LARGE`` only while holding ``large``.

        Raises ``Lost``, ``Foreign`` and ``bodies.Unreadable``. A connection whose answer was not read is closed.
        """
        request = self._request(method, address, headers, content)
        with _told():
            response = await self._answered(request, patience)
            try:
                body = await _read(response, cap, large) if response.status in accept else b""
                return Answer(response.status, response.headers, body)
            finally:
                await _closed(response)

    @asynccontextmanager
    async def stream(
        self, address: str, headers: Mapping[str, str], *, patience: aiohttp.ClientTimeout
    ) -> AsyncIterator[Stream]:
        """The answer to a GET as soon as its headers are here, its body still to come. Raises ``Lost``, ``Foreign``."""
        request = self._request("GET", address, headers, None)
        with _told():
            response = await self._answered(request, patience)
        try:
            yield Stream(response.status, response.headers, _pieces(response))
        finally:
            await _closed(response)

    def _request(
        self, method: str, address: str, headers: Mapping[str, str], content: bytes | None
    ) -> aiohttp.ClientRequest:
        try:
            return aiohttp.ClientRequest(method, URL(address), headers=headers, data=content or None, loop=self._loop)
        except ValueError as error:
            raise Foreign(type(error).__name__) from error

    async def _answered(
        self, request: aiohttp.ClientRequest, patience: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """The answer as soon as its headers are here. When they do not come, its connection is closed."""
        connection = await self._pool.connect(request, traces=[], timeout=patience)
        try:
            cast(ResponseHandler, connection.protocol).set_response_params(
                skip_payload=request.method == "HEAD", read_until_eof=True, auto_decompress=False
            )
            response = await request.send(connection)
            try:
                return await response.start(connection)
            except BaseException:
                response.close()
                raise
        except BaseException:
            connection.close()
            raise


@contextmanager
def _told() -> Iterator[None]:
    """The library's errors in our words."""
    try:
        yield
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as error:
        raise Lost(type(error).__name__) from error
    except aiohttp.ClientError as error:
        raise Foreign(type(error).__name__) from error


async def _closed(response: aiohttp.ClientResponse) -> None:
    if not response.closed:
        response.close()
        await response.wait_for_close()


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body as sent, at most ``STEP`` bytes at a time; raises ``Lost`` where less comes than was announced."""
    while not response.content.at_eof():
        with _told():
            piece = await response.content.read(STEP)
        yield piece


async def _read(response: aiohttp.ClientResponse, cap: int, large: asyncio.Lock) -> bytes:
    arriving = response.content
    body = Body(encoding=", ".join(response.headers.getall("Content-Encoding", ())), cap=cap)
    async with AsyncExitStack() as turn:
        waited = False
        while not arriving.at_eof():
            body.feed(await arriving.read(STEP))
            if body.size > LARGE and not waited:
                await turn.enter_async_context(large)
                waited = True
        return body.whole()
