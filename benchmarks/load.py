"""A closed-loop load for machines without wrk: ``python -m benchmarks.load URL BODIES CONNECTIONS SECONDS``.

Each connection posts the next body of the file as soon as it has its answer. Prints one line of JSON with the figures
that the shared harness reads from wrk.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import uvloop


def against(url: str, bodies: str, connections: int, seconds: int, core: str) -> dict[str, Any]:
    """The figures of a load from a process of its own, on its own core."""
    command = [sys.executable, "-m", "benchmarks.load", url, bodies, str(connections), str(seconds)]
    pinned = ["taskset", "-c", core, *command]
    root = Path(__file__).resolve().parent.parent
    found = subprocess.run(pinned, check=True, capture_output=True, text=True, timeout=seconds + 60, cwd=root)  # noqa: S603
    figures: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
    return figures


async def load(url: str, bodies: list[bytes], connections: int, seconds: float) -> dict[str, int]:
    taken, counts = list[float](), {"bytes": 0, "status": 0, "read": 0, "timeout": 0}
    upcoming, began = cycle(bodies), time.monotonic()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    timeout = aiohttp.ClientTimeout(total=20)

    async def caller(session: aiohttp.ClientSession) -> None:
        while time.monotonic() - began < seconds:
            started = time.monotonic()
            try:
                async with session.post(url, data=next(upcoming), headers=headers) as reply:
                    counts["bytes"] += len(await reply.read())
                    counts["status"] += reply.status != 200
            except TimeoutError:
                counts["timeout"] += 1
            except aiohttp.ClientError:
                counts["read"] += 1
            else:
                taken.append((time.monotonic() - started) * 1e6)

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        await asyncio.gather(*(caller(session) for _ in range(connections)))
    ranks = statistics.quantiles(taken, n=100) if len(taken) > 1 else [0.0] * 99
    places = {"p50_us": ranks[49], "p90_us": ranks[89], "p99_us": ranks[98], "max_us": max(taken, default=0)}
    whole = {"requests": len(taken), "duration_us": (time.monotonic() - began) * 1e6, "connect": 0, "write": 0}
    return {name: int(value) for name, value in (whole | places | counts).items()}


if __name__ == "__main__":
    address, path, wide, long = sys.argv[1:]
    lines = Path(path).read_bytes().splitlines()
    print(json.dumps(uvloop.run(load(address, lines, int(wide), float(long)))))
