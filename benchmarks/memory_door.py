"""What senders of webhooks wait for their answer while a Crossdock folds what they send, its worker inside or beside.

The deliveries are posted on a timetable, whether or not earlier ones were answered, and each answer's time counts from
when its delivery was due: a server that stalls is charged for everybody who waits.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from statistics import median, quantiles
from typing import Final

import psutil
from sqlalchemy import func, select

from benchmarks.memory_load import Said
from examples.distributor.environment import environment
from examples.distributor.fleet import SIMULATORS
from examples.distributor.signing import signed
from store.database import Database
from store.inbox import State
from store.tables import deliveries

CONNECTIONS: Final = 64
STARTED: Final = 30.0
"""Seconds a Crossdock may take to answer."""
CLI: Final = ("-c", "from server.cli import app; app()")
NOWHERE: Final = "http://127.0.0.1:9"


class Worker(StrEnum):
    """Where deliveries are folded meanwhile."""

    NONE = "nowhere"
    INSIDE = "inside"
    APART = "apart"


@dataclass(frozen=True, slots=True)
class Acks:
    """Milliseconds until the answer; deliveries a second that were due, answered and folded; how many were not
    answered 202; how many were not folded yet in the end. ``cpu``: milliseconds a delivery of the serving process.
    """

    p50: float
    p99: float
    offered: float
    answered: float
    folded: float
    refused: int
    backlog: int
    cpu: float


def settings(urls: Mapping[str, str], store: str) -> Mapping[str, str]:
    """A Crossdock whose warehouse and carriers only tell, and are not there when they are asked."""
    given = environment({**dict.fromkeys(SIMULATORS, NOWHERE), **urls}, store)
    own = {name: value for name, value in given.items() if not name.startswith("CROSSDOCK_DEMO")}
    quiet = {"INGEST__BACKFILL": "false", "INGEST__RECONCILE_HOURS": "0", "LOG_LEVEL": "error"}
    return os.environ | own | {f"CROSSDOCK_{name}": value for name, value in quiet.items()}


@contextmanager
def crossdock(urls: Mapping[str, str], store: str, worker: Worker) -> Iterator[tuple[int, int]]:
    """The port of one that runs, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    own = settings(urls, store)
    serve = ("serve", "--port", str(port), *(() if worker is Worker.INSIDE else ("--no-worker",)))
    commands = [serve, *([("worker",)] if worker is Worker.APART else [])]
    running = [subprocess.Popen([sys.executable, *CLI, *each], env=own) for each in commands]  # noqa: S603
    try:
        _wait(port, running)
        yield port, running[0].pid
    finally:
        for each in running:
            each.send_signal(signal.SIGTERM)
        for each in running:
            try:
                each.wait(20)
            except subprocess.TimeoutExpired:
                each.kill()


def _wait(port: int, running: Sequence["subprocess.Popen[bytes]"]) -> None:
    ends = time.monotonic() + STARTED
    while time.monotonic() < ends:
        if any(each.poll() is not None for each in running):
            break
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("Crossdock did not start")


def requests(said: Sequence[Said], tag: str) -> Sequence[bytes]:
    """Signed and ready to be sent. UPS gives no ids, so that each body is its own id."""
    now = datetime.now(UTC)
    made = list[bytes]()
    for nth, each in enumerate(said):
        headers = signed(each.source, f"{tag}{nth}", each.body, now) | {"content-type": "application/json"}
        lines = [f"POST /webhooks/{each.source} HTTP/1.1", "host: crossdock", f"content-length: {len(each.body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        made.append("\r\n".join([*lines, "", ""]).encode() + each.body)
    return made


async def post(port: int, sent: Sequence[bytes], rate: float) -> tuple[Sequence[float], int, float]:
    """Milliseconds of each, how many were not answered 202, and the seconds it all took."""
    waiting: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    taken, refused = list[float](), 0

    async def sender() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (each := await waiting.get()) is not None:
            due, request = each
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if length := next(
                (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b""
            ):
                await reader.readexactly(int(length.partition(b":")[2]))
            refused += not head.startswith(b"HTTP/1.1 202")
            taken.append((time.perf_counter() - due) * 1000)
        writer.close()

    senders = [asyncio.create_task(sender()) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.2)
    began = time.perf_counter()
    for nth, request in enumerate(sent):
        due = began + nth / rate
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        waiting.put_nowait((due, request))
    for _ in senders:
        waiting.put_nowait(None)
    await asyncio.gather(*senders)
    return taken, refused, time.perf_counter() - began


async def acks(
    urls: Mapping[str, str], database: Database, said: Sequence[Said], *, rate: float, worker: Worker, tag: str
) -> Acks:
    """``said``: by those who send webhooks, of orders that are known."""
    with crossdock(urls, database.url, worker) as (port, process):
        before = await _settled(database)
        await post(port, requests(said[:200], f"{tag}-warm"), 200)
        told = requests(said[200:], tag)
        start = await _settled(database)
        cpu = _cpu(process)
        taken, refused, seconds = await post(port, told, rate)
        cpu = (_cpu(process) - cpu) / len(told)
        folded = (await _settled(database) - start) / seconds
        backlog = len(said) - (await _settled(database) - before)
    p99 = quantiles(taken, n=100)[98]
    return Acks(median(taken), p99, rate, len(taken) / seconds, folded, refused, max(0, backlog), cpu)


def _cpu(process: int) -> float:
    """Milliseconds."""
    times = psutil.Process(process).cpu_times()
    return (times.user + times.system) * 1000


async def _settled(database: Database) -> int:
    table = deliveries.c
    counted = select(func.count()).where(table.tenant == database.tenant, table.state == State.SETTLED)
    async with database.reading() as connection:
        return int((await connection.execute(counted)).scalar_one())
