"""One `crossdock serve` as a process over whatever stands for the company's systems, and what shows of it outside."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from examples.distributor import environment as company
from tests.soak.doors import Door

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
STEP = 0.05
CARRIERS = ("ups", "fedex", "usps", "dhl", "ltl")
SECTIONS = {"erp": "ERP", "wms": "WMS"} | {name: f"CARRIERS__{name.upper()}" for name in CARRIERS}


def limits(**each: object) -> dict[str, str]:
    """The same limits for every source, as settings."""
    return {
        f"CROSSDOCK_{section}__LIMITS__{name.upper()}": str(value)
        for section in SECTIONS.values()
        for name, value in each.items()
    }


@dataclass(frozen=True)
class Left:
    """What a process holds: file descriptors, sockets among them, and tasks by the names of their coroutines."""

    files: int
    sockets: int
    tasks: Counter[str]


class Product:
    """``address``: where it serves. Sizes in bytes."""

    def __init__(self, process: psutil.Process, address: str, told: Path) -> None:
        self.address = address
        self._process = process
        self._told = told
        self._client = httpx.AsyncClient(trust_env=False, timeout=120, limits=httpx.Limits(max_keepalive_connections=0))

    async def ask(self, bearer: str, query: str, **variables: Any) -> dict[str, Any]:
        reply = await self._client.post(
            f"{self.address}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {bearer}"},
        )
        answer: dict[str, Any] = reply.json()
        return answer

    def memory(self) -> int:
        """What it holds now; from here on ``peak`` counts anew."""
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")
        return int(self._process.memory_info().rss)

    def peak(self) -> int:
        status = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        (line,) = (line for line in status if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    async def left(self) -> Left:
        self._told.unlink(missing_ok=True)
        self._process.send_signal(signal.SIGUSR1)
        while not self._told.exists():  # noqa: ASYNC110 (another process makes it)
            await asyncio.sleep(STEP)
        tasks = Counter(self._told.read_text().split())
        return Left(self._process.num_fds(), len(self._process.net_connections("tcp")), tasks)

    async def __aenter__(self) -> Self:
        """Waits until it serves."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                try:
                    if (await self._client.get(f"{self.address}/healthz")).status_code == 200:
                        return self
                except httpx.TransportError:
                    await asyncio.sleep(STEP)

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()


@dataclass(frozen=True)
class Site:
    """A product, a door before each of its sources, and the token of somebody who sees everything."""

    doors: Mapping[str, Door]
    here: Product
    bearer: str


@contextmanager
def product(urls: Mapping[str, str], folder: Path, given: Mapping[str, str]) -> Iterator[Product]:
    """``urls``: as ``Fleet.urls``; ``given``: settings, whole names. It remembers nothing; its log is in ``folder``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = folder / "tasks"
    command = [sys.executable, "-m", "tests.soak.watched", "serve", "--port", str(port)]
    audit = {"CROSSDOCK_STORE__AUDIT_URL": f"sqlite:///{folder}/audit.db"}
    environ = {**os.environ, **company.environment(urls), **audit, **given, "WATCHED": str(told)}
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environ, stderr=log, cwd=ROOT) as process:
        try:
            yield Product(psutil.Process(process.pid), f"http://127.0.0.1:{port}", told)
        finally:
            process.terminate()
            process.wait()
