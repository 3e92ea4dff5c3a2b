"""What the memory commands do: each opens the systems that the settings name, works, and tells lines for a terminal."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.access import Visibility
from domain.model import OrderId
from domain.projection import project
from ingest.backfill import Backfill, Rebuild
from server import explain
from server.crew import muster, work
from server.environment import Misconfigured, Problem
from server.memory_settings import OFF
from server.remembering import Remembering
from server.settings import Settings
from server.systems import STORE, Systems, company_clock, open_systems, usable_store
from server.telemetry import Telemetry
from store.database import Database
from store.discrepancies import Discrepancies
from store.inbox import Inbox, Letters
from store.memory import Memory
from store.runs import BACKFILL, REBUILD, RECONCILIATION, Run, Runs
from store.shadow import Shadows

EVERYBODY = Visibility(None)
"""Whoever may run a command with these settings may see all they lead to."""

TELL_EVERY = 2.0
"""Seconds between two lines of progress."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Open:
    """The systems, with memory over them."""

    systems: Systems
    remembering: Remembering
    telemetry: Telemetry


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Open]:
    """Raises Misconfigured where memory is off or its database is not to be had."""
    _url(settings)
    telemetry = Telemetry()
    async with AsyncExitStack() as stack:
        systems = await open_systems(stack, settings, telemetry)
        if systems.remembering is None:
            raise TypeError("memory is on")
        yield Open(systems, systems.remembering, telemetry)


def _url(settings: Settings, *, audit: bool = False) -> str:
    """Where memory is; or the audit's chain, which may stand alone."""
    url = settings.store.audit_url if audit and settings.store.url == OFF else settings.store.url
    if url == OFF:
        raise Misconfigured([Problem(STORE, "is off, so nothing is remembered; give a database")])
    return url


async def worker(settings: Settings, ready: Callable[[], None]) -> None:
    """Works on deliveries until SIGINT or SIGTERM."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with opened(settings) as here, AsyncExitStack() as stack:
        muster(stack, here.systems, settings.ingest, here.telemetry)
        ready()
        await stop.wait()


async def backfill(settings: Settings, say: Say) -> None:
    """Reads everything there is from the sources."""

    def begin(here: Open) -> Awaitable[Run]:
        memory = here.remembering
        return Backfill(
            memory.database, memory.inbox, here.systems.estate, now=here.systems.now, delivered=memory.worker.wake
        ).run()

    async with opened(settings) as here:
        run = await _watched(here, BACKFILL, begin, say)
        say(f"{run.id}: {run.outcome}, {_counted(run.counts)}")


async def rebuild(settings: Settings, say: Say) -> None:
    """Makes the read model anew from the deliveries that are kept."""

    def begin(here: Open) -> Awaitable[Run]:
        memory = here.remembering
        return Rebuild(memory.database, memory.inbox, now=here.systems.now, delivered=memory.worker.wake).run()

    async with opened(settings) as here:
        run = await _watched(here, REBUILD, begin, say)
        say(f"{run.id}: {run.outcome}, {_counted(run.counts)}")


async def reconcile(settings: Settings, say: Say, limit: int) -> int:
    """Compares memory with the sources and repairs it; tells each difference, and returns how many there were."""
    async with opened(settings) as here:
        run = await _watched(here, RECONCILIATION, lambda each: each.remembering.reconciliation.run(), say)
        found = Discrepancies(here.remembering.database)
        for each in await found.of(run.id, limit=limit):
            one = each.discrepancy
            part = f" {one.part}" if one.part else ""
            say(f"{one.kind:<16} {one.subject} {one.id}{part}: {one.remembered or '-'} is {one.told or '-'}")
        kinds = await found.counts(run.id)
        say(f"{run.id}: {sum(kinds.values())} differences, each repaired. {_counted(kinds)}".rstrip())
        return sum(kinds.values())


async def _watched(here: Open, kind: str, begin: Callable[[Open], Awaitable[Run]], say: Say) -> Run:
    """The run at its end; meanwhile deliveries are worked on here too, and its progress is told."""
    async with AsyncExitStack() as stack:
        memory = here.remembering
        work(stack, {"worker": memory.worker.run, "reader": memory.reader.run})
        running, last = asyncio.ensure_future(begin(here)), ""
        try:
            while not (await asyncio.wait({running}, timeout=TELL_EVERY))[0]:
                run = await Runs(memory.database).last(kind)
                if run and (told := f"{run.place} {_counted(run.counts)}".strip()) != last:
                    say(last := told)
            return await running
        finally:
            running.cancel()


@asynccontextmanager
async def shelf(settings: Settings, *, audit: bool = False) -> AsyncIterator[tuple[Database, datetime]]:
    """Memory alone, or the audit's chain, and the company's time; no source is asked. Raises Misconfigured like
    ``opened``.
    """
    async with AsyncExitStack() as stack:
        url, now = _url(settings, audit=audit), await company_clock(stack, settings, Telemetry())
        with usable_store():
            database = await Database.open(url, settings.store.tenant)
        stack.push_async_callback(database.close)
        yield database, now()


async def dead_letters(settings: Settings, which: Letters, limit: int) -> Sequence[str]:
    async with shelf(settings) as (database, _):
        return [
            f"{letter.died_at:%Y-%m-%d %H:%M:%S}  {letter.delivery.source}  {letter.delivery.external_id}  "
            f"{letter.delivery.topic or '-'}  {letter.reason}"
            for letter in await Inbox(database).dead(which, limit=limit)
        ]


async def delivery(settings: Settings, source: str, external_id: str) -> Sequence[str]:
    """A delivery as it came, dead or not; nothing: there is none of that name."""
    async with shelf(settings) as (database, _):
        found = await Inbox(database).show((source, external_id))
    if found is None:
        return ()
    told, state, reason = found
    headers = (f"{name}: {value}" for name, value in sorted(told.headers.items()))
    head = (f"received {told.received_at:%Y-%m-%d %H:%M:%S}, {state}", *([reason] if reason else []), *headers)
    return (*head, "", told.body.decode("utf-8", "backslashreplace"))


async def replay(settings: Settings, which: Letters) -> int:
    """How many dead letters will be worked on anew."""
    async with shelf(settings) as (database, now):
        return await Inbox(database).replay(which, now=now)


async def replay_since(settings: Settings, since: datetime, source: str | None) -> int:
    """How many deliveries will be worked on anew."""
    async with shelf(settings) as (database, now):
        return await Inbox(database).replay_since(since, source=source, now=now)


async def explained(settings: Settings, number: str) -> Sequence[str]:
    """An order's case; nothing: it is not in memory."""
    order_id = OrderId(number)
    async with shelf(settings) as (database, now):
        memory = Memory(database)
        dossier = (await memory.orders(EVERYBODY, [order_id])).get(order_id)
        found = dossier and project(dossier, now=now, carrier_grace=settings.ingest.carrier_grace)
        if not dossier or not found:
            return ()
        invoices = (await memory.invoices_by_order(EVERYBODY, [order_id])).get(order_id, ())
        returns = (await memory.returns_by_order(EVERYBODY, [order_id])).get(order_id, ())
        return [*explain.lines(dossier, found, invoices, returns, now=now)]


async def shadow_report(settings: Settings, examples: int) -> Sequence[str]:
    """What two ERPs say otherwise, by field, those that differ most first; nothing: nothing was compared."""
    async with shelf(settings) as (database, _):
        report = await Shadows(database).report(examples=examples)
    if not report.compared:
        return ()
    lines = [f"Compared: {_counted(report.compared)}."]
    for field in report.fields:
        lines.append(f"{field.subject} {field.field}: {field.records} of {report.compared[field.subject]}")
        lines += (
            f"    {each.id} {each.part}: {each.served or '-'} ({each.served_by}) is {each.told or '-'} ({each.told_by})"
            for each in field.examples
        )
    return lines if report.fields else [*lines, "No difference."]


async def shadow_forget(settings: Settings) -> None:
    """Forgets what was compared."""
    async with shelf(settings) as (database, _):
        await Shadows(database).forget()


def _counted(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{count} {name.lower()}" for name, count in sorted(counts.items()) if count)
