"""Faults on demand, acting on the real bytes of a simulator's answers, so that adapters meet what production meets."""

import asyncio
import random
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Literal

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DRIP_PAUSE = 0.2
"""Seconds between two bytes of a dripped body."""
BOMB_BLOCKS = 1100
"""How many mebibytes of zeros a gzip bomb inflates to."""

VendorFault = Callable[[str, int], Response]
"""(operation, HTTP status) to the error answer this vendor would send with that status."""


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``PUT /__faults`` takes. ``latency_ms`` delays every call of ``operations`` (empty: all).

    Of the others the first one set, in the order below, strikes a share ``error_rate`` (0 to 1; default all) of those
    calls, ``times`` times at most. ``error_rate`` alone answers 503. ``retry_after`` (seconds) goes with ``status``.
    ``malformed`` True cuts the body in half, "garble" overwrites every seventh byte.
    """

    hang: bool = False
    fault_with_200: bool = False
    status: int | None = None
    gzip_bomb: bool = False
    malformed: bool | Literal["truncate", "garble"] = False
    drip: bool = False
    error_rate: float | None = None
    retry_after: int | None = None
    latency_ms: int = 0
    operations: frozenset[str] = frozenset()
    times: int | None = None

    def concern(self, operation: str) -> bool:
        return not self.operations or operation in self.operations


class FaultBox:
    """The faults now in force in one simulator, and how often they may still strike."""

    def __init__(self, vendor: VendorFault, random: random.Random) -> None:
        self.vendor = vendor
        self.random = random
        self.set(Faults())

    def set(self, faults: Faults) -> None:
        self.faults = faults
        self.left = faults.times

    def strikes(self, operation: str) -> bool:
        """Whether the fault in force hits this call; counts the hit."""
        if not self.faults.concern(operation) or self.left == 0:
            return False
        if self.faults.error_rate is not None and self.random.random() >= self.faults.error_rate:
            return False
        if self.left is not None:
            self.left -= 1
        return True

    async def answer(self, operation: str, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call with ``app``, or as the fault in force has it."""
        faults = self.faults
        if faults.latency_ms and faults.concern(operation):
            await asyncio.sleep(faults.latency_ms / 1000)
        if not self.strikes(operation):
            await app(scope, receive, send)
        elif faults.hang:
            await _hang(receive)
        elif faults.fault_with_200:
            await self.vendor(operation, 200)(scope, receive, send)
        elif faults.status is not None:
            await self._refusal(operation, faults.status, faults.retry_after)(scope, receive, send)
        elif faults.gzip_bomb:
            await _bomb(send)
        elif faults.malformed:
            broken = _garbled if faults.malformed == "garble" else _truncated
            await _rewritten(app, scope, receive, send, broken)
        elif faults.drip:
            await _dripped(app, scope, receive, send)
        elif faults.error_rate is not None:
            await self._refusal(operation, 503, faults.retry_after)(scope, receive, send)
        else:
            await app(scope, receive, send)

    def _refusal(self, operation: str, status: int, retry_after: int | None) -> Response:
        response = self.vendor(operation, status)
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response


async def _hang(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _truncated(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _garbled(body: bytes) -> bytes:
    return bytes(0xFF if at % 7 == 3 else byte for at, byte in enumerate(body))


async def _buffered(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """The head and the whole body of what ``app`` answers."""
    head: Message = {}
    chunks: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, keep)
    return head, b"".join(chunks)


async def _rewritten(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, change: Callable[[bytes], bytes]
) -> None:
    head, body = await _buffered(app, scope, receive)
    body = change(body)
    MutableHeaders(scope=head)["Content-Length"] = str(len(body))
    await send(head)
    await send({"type": "http.response.body", "body": body})


async def _dripped(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    head, body = await _buffered(app, scope, receive)
    await send(head)
    gone = asyncio.ensure_future(_hang(receive))
    try:
        for at in range(len(body)):
            await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": True})
            if gone in (await asyncio.wait({gone}, timeout=DRIP_PAUSE))[0]:
                return
        await send({"type": "http.response.body"})
    finally:
        gone.cancel()


async def _bomb(send: Send) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for chunk in gzip_bomb(BOMB_BLOCKS):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body"})


async def gzip_bomb(blocks: int) -> AsyncIterator[bytes]:
    """A valid gzip stream of ``blocks`` mebibytes of zeros, about a kilobyte each, made as it is read (RFC 1952)."""
    zeros = bytes(1 << 20)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = deflate.compress(zeros) + deflate.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    for _ in range(blocks):
        crc = zlib.crc32(zeros, crc)
        yield block
        await asyncio.sleep(0)
    yield deflate.flush(zlib.Z_FINISH) + struct.pack("<LL", crc, (blocks << 20) & 0xFFFFFFFF)
