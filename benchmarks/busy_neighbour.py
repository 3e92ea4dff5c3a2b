"""What a small query waits while a query for 500 orders runs beside it: its p99 against idle, and the loop's stalls.

Run ``python -m benchmarks.busy_neighbour``. One worker over the shared harness's upstream, nothing remembered: the
server on one core, upstream and callers on another. The neighbour asks again as soon as it is answered.
"""

import asyncio
import multiprocessing
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType

import aiohttp
import uvicorn
import uvloop

from server import running

SIMULATOR = Path(__file__).resolve().parent.parent.parent / "shared" / "bench" / "sim" / "sim.js"
UPSTREAM_PORT = 9158
SMALL = "query($number: String!) { order(number: $number) { number erpStatus { raw } customer { name } } }"
OWNER = "query($number: String!) { order(number: $number) { customer { number } } }"
DEEP = """fragment deep on OrderConnection { nodes {
  number erpStatus { raw } totals { total { amount } } customer { name }
  lines { lineNumber item { sku description } ordered { value } unitPrice { amount } }
  shipments {
    trackingNumber carrier { name } stage { raw }
    events { occurredAt code { raw } message location }
  }
  invoices { number total { amount } paymentStatus }
} }"""
"""As deep as the harness's Q2."""

ACCOUNTS = 20
ORDERS = 25
"""What each of the data set's large accounts has."""
PACE = 0.01
"""Seconds from one small query's answer to the next."""
OTHERS = 300
"""How many orders of other accounts the small queries go round: what one caller reads, the other does not."""
STALLED = 0.02
"""Seconds of CPU without a turn of the loop from which on its thread is asked what it is at."""
OURS = ("domain", "sources", "resolvers", "engine", "graph", "server", "benchmarks")


def large(accounts: int = ACCOUNTS) -> str:
    """One query for every order of some large accounts."""
    each = f'orders(first: {ORDERS}, filter: {{ customerNumbers: ["C%04d"] }}, orderBy: PLACED_AT_ASC) {{ ...deep }}'
    asked = " ".join(f"a{n}: {each % n}" for n in range(1, accounts + 1))
    return f"query {{ {asked} }} {DEEP}"


# -- the worker --------------------------------------------------------------------------------------------------------


class Watch:
    """How long the loop's thread ran without a turn of the loop, and what it was at when that was long.

    Measured in the thread's CPU, so that other work on the machine is no stall of ours.
    """

    def __init__(self) -> None:
        self._beat = time.thread_time()
        self._longest = 0.0
        self._at: Counter[str] = Counter()

    def start(self) -> None:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, 0.005, 0.005)
        self._turned()

    def taken(self) -> tuple[float, list[tuple[str, int]]]:
        """The longest stall in seconds and the places most often met in one, since this was last asked."""
        found = self._longest, self._at.most_common(6)
        self._longest, self._at = 0.0, Counter()
        return found

    def _turned(self) -> None:
        now = time.thread_time()
        self._longest = max(self._longest, now - self._beat)
        self._beat = now
        asyncio.get_running_loop().call_later(0.001, self._turned)

    def _sample(self, _number: int, frame: FrameType | None) -> None:
        if time.thread_time() - self._beat > STALLED:
            self._at[_place(frame)] += 1


def _place(frame: FrameType | None) -> str:
    """The innermost function of ours on the stack; elsewhere, the innermost of all."""
    innermost = frame
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] in OURS or frame.f_code.co_filename == "<plan>":
            return f"{name or 'plan'}.{frame.f_code.co_name}"
        frame = frame.f_back
    return innermost.f_code.co_name if innermost else "?"


def _serve(pipe: Connection, upstream: str, core: int) -> None:
    """Serves in this process; each True that comes through ``pipe`` is answered with what the watch has taken."""
    os.environ["UPSTREAM"] = upstream  # read when the contender is imported
    os.sched_setaffinity(0, {core})
    from benchmarks.contender.app import app  # noqa: PLC0415 (after its environment)

    async def serve() -> None:
        loop, over, watch = asyncio.get_running_loop(), asyncio.Event(), Watch()
        with running.listen("127.0.0.1", 0) as listener:
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started and not serving.done():  # noqa: ASYNC110 (uvicorn tells it by this alone)
                await asyncio.sleep(0.01)

            def told() -> None:
                if pipe.recv():
                    pipe.send(watch.taken())
                else:
                    over.set()

            loop.add_reader(pipe.fileno(), told)
            watch.start()
            pipe.send(listener.getsockname()[1])
            await over.wait()
            loop.remove_reader(pipe.fileno())
            server.should_exit = True
            await serving

    uvloop.run(serve())


@contextmanager
def worker() -> Iterator[tuple[Connection, str]]:
    """The simulator and one worker over it: the pipe to its watch, and its address."""
    cores = sorted(os.sched_getaffinity(0))
    simulator = ["taskset", "-c", str(cores[0]), "node", str(SIMULATOR), "--port", str(UPSTREAM_PORT)]
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(there, f"http://127.0.0.1:{UPSTREAM_PORT}", cores[-1]), daemon=True)
    with subprocess.Popen(simulator, stdout=subprocess.DEVNULL) as upstream:  # noqa: S603 (our words)
        process.start()
        try:
            if not here.poll(60):
                raise TimeoutError("the worker does not start")
            yield here, f"http://127.0.0.1:{here.recv()}/graphql"
            here.send(False)
            process.join(20)
        finally:
            process.kill()
            upstream.send_signal(signal.SIGTERM)


# -- the callers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waited:
    """Milliseconds: the small query's, the large one's median, and of CPU the loop's longest stall."""

    small: tuple[float, ...]
    large: float | None
    longest: float
    at: tuple[tuple[str, int], ...]

    def rank(self, percent: int) -> float:
        return statistics.quantiles(self.small, n=100)[percent - 1]


async def _post(session: aiohttp.ClientSession, url: str, query: str, **variables: str) -> float:
    """Milliseconds until the whole answer; it must be one without errors."""
    began = time.monotonic()
    async with session.post(url, json={"query": query, "variables": variables}) as reply:
        body = await reply.read()
    assert reply.status == 200
    assert b'"errors"' not in body, body[:500]
    return (time.monotonic() - began) * 1e3


async def of_others(url: str) -> list[str]:
    """Numbers of orders that are none of the large accounts'."""
    large_ones = {f"C{n:04d}" for n in range(1, ACCOUNTS + 1)}
    found = list[str]()
    async with aiohttp.ClientSession() as session:
        for number in (f"SO-{each}" for each in range(100001, 120001)):
            async with session.post(url, json={"query": OWNER, "variables": {"number": number}}) as reply:
                if (await reply.json())["data"]["order"]["customer"]["number"] not in large_ones:
                    found.append(number)
            if len(found) == OTHERS:
                break
    return found


async def waited(pipe: Connection, url: str, numbers: Sequence[str], *, seconds: float, accounts: int) -> Waited:
    """``numbers``: of the orders that small queries ask for; ``accounts`` 0: nobody beside."""
    over = time.monotonic() + seconds
    async with aiohttp.ClientSession() as session:
        await _post(session, url, SMALL, number=numbers[0])
        if accounts:
            await _post(session, url, large(accounts))
        pipe.send(True)
        pipe.recv()
        taken, beside = list[float](), list[float]()

        async def small() -> None:
            while time.monotonic() < over or len(taken) < 2:
                taken.append(await _post(session, url, SMALL, number=numbers[len(taken) % len(numbers)]))
                await asyncio.sleep(PACE)

        async def neighbour() -> None:
            while time.monotonic() < over:
                beside.append(await _post(session, url, large(accounts)))

        await asyncio.gather(small(), *([neighbour()] if accounts else []))
    pipe.send(True)
    longest, at = pipe.recv()
    return Waited(tuple(taken), statistics.median(beside) if beside else None, longest * 1e3, tuple(at))


def report(*, seconds: float = 8, accounts: int = ACCOUNTS) -> str:
    for tool, there in (("node", shutil.which("node")), ("taskset", shutil.which("taskset")), ("sim.js", SIMULATOR)):
        if there is None or not Path(there).exists():
            return f"Skipped: no {tool}."
    with worker() as (pipe, url):
        numbers = uvloop.run(of_others(url))
        uvloop.run(waited(pipe, url, numbers, seconds=1, accounts=accounts))
        idle = uvloop.run(waited(pipe, url, numbers, seconds=seconds, accounts=0))
        busy = uvloop.run(waited(pipe, url, numbers, seconds=seconds, accounts=accounts))
    rows = ["| a small query | asked | p50 ms | p99 ms | longest stall of the loop, ms of CPU |"]
    rows.append("| --- | ---: | ---: | ---: | ---: |")
    for name, found in (("alone", idle), (f"beside one for {accounts * ORDERS} orders", busy)):
        waits = f"{found.rank(50):.1f} | {found.rank(99):.1f} | {found.longest:.0f}"
        rows.append(f"| {name} | {len(found.small)} | {waits} |")
    places = ", ".join(f"{place} ({count})" for place, count in busy.at) or "nowhere"
    rows += [
        "",
        f"p99 beside / alone: {busy.rank(99) / idle.rank(99):.1f}x; the large answer takes {busy.large or 0:.0f} ms.",
        f"Where its thread was when it had run {STALLED * 1e3:.0f} ms without a turn (samples): {places}.",
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    print(report())
