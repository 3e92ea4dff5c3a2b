"""Sites as tests handle them: started, killed at any point, started again."""

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.durability.site import Order, Ready

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds until a process that does not do what it should is a failure."""


@dataclass(frozen=True)
class Site:
    """A running one. ``handle``: a file that becomes readable when the process has ended."""

    pid: int
    port: int
    handle: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def kill(self) -> None:
        """At once, whatever it is doing."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """As an operator does: what it has begun it may finish."""
        await self._end(signal.SIGTERM)

    async def _end(self, by: signal.Signals) -> None:
        signal.pidfd_send_signal(self.handle, by)
        ended, _, _ = await asyncio.to_thread(select.select, [self.handle], (), (), PATIENCE)
        os.close(self.handle)
        assert ended, f"the site did not end of {by.name}"


@dataclass
class Sites:
    """Where sites come from."""

    nursery: asyncio.subprocess.Process

    async def start(self, order: Order) -> Site:
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(msgspec.json.encode(order) + b"\n")
        async with asyncio.timeout(PATIENCE):
            told = msgspec.json.decode(await self.nursery.stdout.readline(), type=Ready)
        return Site(told.pid, told.port, os.pidfd_open(told.pid))

    @asynccontextmanager
    async def running(self, order: Order) -> AsyncIterator[Site]:
        """For the block; then stopped as an operator does."""
        site = await self.start(order)
        try:
            yield site
        finally:
            await site.stop()


@asynccontextmanager
async def sites(log: Path) -> AsyncIterator[Sites]:
    """``log``: where what they say goes, for people to read after a failure."""
    with log.open("ab") as told:
        nursery = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.durability.site",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=told,
            cwd=ROOT,
        )
    try:
        yield Sites(nursery)
    finally:
        nursery.kill()
        await nursery.communicate()
