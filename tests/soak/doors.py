"""A door before a real system that passes bytes as they are until it is told to attack, and counts who came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.sources.hostile import Behaviour

STEP = 64 * 1024
CLOSING = 0.2
"""Seconds in which the loop surely closes what was aborted."""


@dataclass
class Door:
    """``attack`` answers, in the system's place, requests whose target holds ``where``."""

    url: str
    host: str
    port: int
    attack: Behaviour | None = None
    where: str = ""
    attacked: int = 0
    passed: int = 0
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    def strike(self, attack: Behaviour | None, where: str = "") -> None:
        self.attack, self.where, self.attacked, self.passed = attack, where, 0, 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection, so that what is attacked is never what was passed."""
        head = await reader.readuntil(b"\r\n\r\n")
        request, *fields = head.decode("latin-1").strip().split("\r\n")
        named = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
        body = await reader.readexactly(int(named.get("content-length", "0")))
        if self.attack and self.where in request:
            self.attacked += 1
            await self.attack(writer)
            await writer.drain()
        else:
            self.passed += 1
            await self._pass(head, body, writer)

    async def _pass(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(self.host, self.port)
        try:
            ours.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + body)
            while piece := await theirs.read(STEP):
                writer.write(piece)
                await writer.drain()
        finally:
            ours.close()


@asynccontextmanager
async def door(target: str) -> AsyncIterator[Door]:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        here.connections.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await here.serve(reader, writer)
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            here.connections.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    parts = urlsplit(target)
    assert parts.hostname
    assert parts.port
    here = Door(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", parts.hostname, parts.port)
    try:
        yield here
    finally:
        server.close()
        for task in list(here.connections):
            task.cancel()
        await asyncio.gather(*here.connections, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(CLOSING)
