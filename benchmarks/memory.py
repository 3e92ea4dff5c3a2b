"""``python -m benchmarks.memory``: how fast memory takes in, folds, pages and searches, and how that grows.

``--database sqlite postgresql``, ``--orders 10000 100000 1000000``; ``--record`` keeps the report in ``memory.md``.
"""

import argparse
import asyncio
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import memory_bulk, memory_door, memory_ingest, memory_load, memory_pages
from benchmarks.__main__ import machine
from examples.distributor.fleet import Fleet
from server.running import collect_seldom
from store.database import Database
from tests import postgres

RESULTS = Path(__file__).with_name("memory.md")
TOLD = 6000
"""Deliveries accepted and folded in each measurement."""

RATE = 300
"""Webhooks a second while their acknowledgements are timed."""


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    arguments.add_argument("--database", nargs="+", default=["sqlite", "postgresql"])
    arguments.add_argument("--orders", nargs="+", type=int, default=[10_000, 100_000])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--record", action="store_true")
    asked = arguments.parse_args()
    collect_seldom()
    report = "\n".join(asyncio.run(_report(asked, memory_load.lives())))
    print(report)
    if asked.record:
        RESULTS.write_text(report + "\n")


async def _report(asked: argparse.Namespace, lives: Sequence[memory_load.Life]) -> list[str]:
    command = shlex.join(["python", "-m", "benchmarks.memory", *sys.argv[1:]])
    lines = [
        "# Benchmarks of memory",
        "",
        f"{datetime.now(UTC):%Y-%m-%d} · `{command}` · {machine()} · load before {memory_ingest.load_of_machine()}",
        "",
        "Times are milliseconds, median / 99th percentile, of the clock (and of our process's CPU).",
    ]
    for kind in asked.database:
        with _place(kind) as url:
            lines += ["", f"## {kind}", "", *await _ingest(url, lives), "", *await _acks(url, lives)]
            for count in asked.orders:
                lines += ["", *await _grown(url, lives, count, asked.rounds)]
    return lines


@contextmanager
def _place(kind: str) -> Iterator[str]:
    if kind == "postgresql":
        with postgres.server() as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/crossdock.db"


def _another(url: str, name: str) -> tuple[str, str]:
    """A database of its own, or a tenant."""
    return (url.replace("crossdock.db", f"{name}.db"), "main") if url.startswith("sqlite") else (url, name)


async def _ingest(url: str, lives: Sequence[memory_load.Life]) -> list[str]:
    database = await Database.open(*_another(url, "ingest"))
    load = memory_load.load(lives, TOLD)
    await memory_ingest.store(database, memory_load.deliveries(load.known, tag="known-"))
    await memory_ingest.fold(database)
    accepted = await memory_ingest.accept(database, memory_load.deliveries(load.news, tag="news-"))
    folded = await memory_ingest.fold(database)
    await database.close()
    senders = f"accepted, one at a time by {memory_ingest.SENDERS} senders"
    return [f"- {what}: {rate}" for what, rate in ((senders, accepted), ("folded", folded))]


async def _acks(url: str, lives: Sequence[memory_load.Life]) -> list[str]:
    lines = []
    with Fleet.start(names=("erp", "idp")) as fleet:
        urls = dict.fromkeys(("wms", "ups", "fedex", "usps", "dhl", "ltl"), memory_door.NOWHERE) | dict(fleet.urls)
        for worker in memory_door.Worker:
            database = await Database.open(*_another(url, f"door-{worker.name.lower()}"))
            load = memory_load.load(lives, TOLD)
            await memory_ingest.store(database, memory_load.deliveries(load.known, tag="known-"))
            await memory_ingest.fold(database)
            said = [each for each in load.news if each.source in ("wms", "ups")]
            found = await memory_door.acks(urls, database, said, rate=RATE, worker=worker, tag=worker.name)
            await database.close()
            lines.append(
                f"- webhooks acknowledged, worker {worker}: {found.p50:.1f} / {found.p99:.1f} ms, "
                f"{found.answered:,.0f} of {found.offered:,.0f} a second answered, {found.folded:,.0f} folded, "
                f"{found.refused} refused, "
                f"{found.backlog} left to fold, {found.cpu:.2f} ms CPU each"
            )
    return lines


async def _grown(url: str, lives: Sequence[memory_load.Life], count: int, rounds: int) -> list[str]:
    database = await Database.open(*_another(url, f"grown-{count}"))
    await memory_bulk.fill(database, memory_bulk.originals(lives), count)
    skus = await memory_pages.goods(database)
    pages = await memory_pages.page_times(database, skus, rounds)
    found = await memory_pages.search_times(database, count, skus, rounds)
    await database.close()
    return [
        f"### {count:,} orders",
        "",
        "| a page of 25 | rows | the first | the 10,000th or the middle | the last |",
        "|---|---:|---:|---:|---:|",
        *(f"| {name} | {each.rows:,} | {each.first} | {each.middle} | {each.last} |" for name, each in pages.items()),
        "",
        "| a search for | " + " | ".join(next(iter(found.values()))) + " |",
        "|---|" + "---:|" * len(next(iter(found.values()))),
        *(f"| {name} | " + " | ".join(map(str, by.values())) + " |" for name, by in found.items()),
    ]


if __name__ == "__main__":
    main()
