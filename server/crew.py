"""Who works on memory in this process, from start to stop: deliveries, wants, brokers, reconciliation, upkeep."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

import structlog

from ingest.backfill import Backfill
from resolvers.changes import Changes
from server.memory_settings import Ingest
from server.systems import Systems
from server.telemetry import Telemetry
from sources.shadow import Shadow
from store.database import StoreUnavailable
from store.inbox import Inbox
from store.runs import BACKFILL, Runs
from store.shadow import Shadows
from store.upkeep import prune_changes

log = structlog.get_logger("crossdock.memory")

COUNT_EVERY = 5.0
"""Seconds between two counts of what waits in the inbox."""

COMPARED_EVERY = 2.0
"""Seconds between two times that what was compared is kept."""

AGAIN_AFTER = 1.0
"""Seconds until what ended by an error of ours is begun again."""

PRUNE_EVERY = 3600.0

Work = Callable[[], Awaitable[None]]


def muster(stack: AsyncExitStack, systems: Systems, ingest: Ingest, telemetry: Telemetry) -> None:
    """Starts what every process does that has memory open, and, if this one is to, all the work on it."""
    remembering = systems.remembering
    if remembering is None:
        return
    work(
        stack,
        {
            "follow": lambda: follow(remembering.changes),
            "count": lambda: count(remembering.inbox, systems, telemetry),
        },
    )
    if shadow := systems.estate.shadow:
        comparisons = Shadows(remembering.database)
        work(stack, {"shadow": shadow.run, "comparisons": lambda: keep_compared(shadow, comparisons)})
    if not ingest.worker:
        return
    working: dict[str, Work] = {
        "worker": remembering.worker.run,
        "reader": remembering.reader.run,
        "upkeep": lambda: keep(systems, ingest),
    }
    if remembering.publisher:
        working["publisher"] = remembering.publisher.run
    interval = timedelta(hours=ingest.reconcile_hours) if ingest.reconcile_hours else None
    working["reconciliation"] = lambda: remembering.reconciliation.run_every(interval)
    if ingest.backfill:
        working["backfill"] = lambda: fill(systems)
    work(stack, working)
    remembering.brokers.start()
    stack.push_async_callback(remembering.brokers.stop)


def work(stack: AsyncExitStack, running: Mapping[str, Work]) -> None:
    """Runs each until ``stack`` is closed; one that fails is begun again, and the log says so."""
    tasks = [asyncio.create_task(_kept_up(name, run), name=name) for name, run in running.items()]

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(stop)


async def _kept_up(name: str, run: Work) -> None:
    while True:
        try:
            await run()
        except StoreUnavailable as error:
            log.warning("store unavailable", task=name, detail=str(error))
        except Exception:
            log.exception("a task failed and is begun again", task=name)
        else:
            return
        await asyncio.sleep(AGAIN_AFTER)


async def follow(changes: Changes) -> None:
    """Listens for good, so that caches forget what changed even while nobody subscribes."""
    listener = await changes.listen()
    while await listener.take():
        pass


async def count(inbox: Inbox, systems: Systems, telemetry: Telemetry) -> None:
    """Tells how much waits, again and again."""
    while True:
        backlog = await inbox.backlog()
        told = {"pending": backlog.pending, "parked": backlog.parked, "dead": backlog.dead}
        telemetry.stood(told, systems.now() - backlog.oldest if backlog.oldest else timedelta())
        await asyncio.sleep(COUNT_EVERY)


async def keep(systems: Systems, ingest: Ingest) -> None:
    """Forgets what is too old, again and again."""
    remembering = systems.remembering
    while remembering:
        now = systems.now()
        await remembering.inbox.prune(before=now - timedelta(days=ingest.keep_days), now=now)
        await prune_changes(remembering.database, before=now - timedelta(days=ingest.keep_changes_days))
        await asyncio.sleep(PRUNE_EVERY)


async def keep_compared(shadow: Shadow, comparisons: Shadows) -> None:
    """Keeps what shadow mode has compared, again and again."""
    try:
        while True:
            await asyncio.sleep(COMPARED_EVERY)
            await comparisons.add(shadow.take())
    finally:
        await comparisons.add(shadow.take())


async def fill(systems: Systems) -> None:
    """A memory that never was filled, or not to the end, is."""
    remembering = systems.remembering
    if remembering is None:
        return
    last = await Runs(remembering.database).last(BACKFILL)
    if last is None or last.ended_at is None:
        await Backfill(
            remembering.database,
            remembering.inbox,
            systems.estate,
            now=systems.now,
            delivered=remembering.worker.wake,
        ).run()
