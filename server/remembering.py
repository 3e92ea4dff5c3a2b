"""Memory in a running Crossdock: the store opened, deliveries folded, wants read, brokers heard, changes told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from domain.changes import Logged
from domain.events import Delivery
from ingest.brokers import Accept, Brokers
from ingest.publishing import Publisher
from ingest.worker import Worker
from resolvers.changes import Changes
from server.desk import Desk
from server.settings import Settings
from server.telemetry import Telemetry
from sources import feeds
from sources.estate import Estate
from store.database import Database, StoreUnavailable
from store.inbox import Inbox
from store.memory import Memory
from store.runs import Runs
from store.upkeep import Place

log = structlog.get_logger("crossdock.memory")

PUBLISHED: Final = "published"
"""The name of the place up to which the log has been published."""

COUNT_EVERY = 5.0
"""Seconds between two counts of what waits in the inbox."""

AGAIN_AFTER = 1.0
"""Seconds until what ended by an error of ours is begun again."""


@dataclass(frozen=True, slots=True)
class Remembering:
    """What there is of memory in this process."""

    settings: Settings
    telemetry: Telemetry
    now: Callable[[], datetime]
    database: Database
    inbox: Inbox
    memory: Memory
    changes: Changes
    worker: Worker
    brokers: Brokers
    publisher: Publisher | None
    accept: Accept
    desk: Desk

    def health(self) -> Mapping[str, Any]:
        """For operators."""
        told: dict[str, Any] = {"database": self.database.dialect, "listening": self.changes.listening}
        told["brokers"] = {name: asdict(health) for name, health in self.brokers.health().items()}
        if self.publisher:
            told["publishing"] = asdict(self.publisher.health)
        return told


async def remember(
    stack: AsyncExitStack, settings: Settings, estate: Estate, telemetry: Telemetry, now: Callable[[], datetime]
) -> Remembering:
    """Opens memory until ``stack`` is closed; nothing runs yet. Raises StoreUnavailable."""
    database = await Database.open(settings.store.url, settings.store.tenant)
    stack.push_async_callback(database.close)
    inbox, memory = Inbox(database), Memory(database)
    stack.push_async_callback(inbox.close)

    def forget(entries: Sequence[Logged]) -> None:
        for entry in entries:
            estate.forget(entry.change.subject, entry.change.id, entry.change.order_id)

    changes = Changes(memory, heard=forget)
    stack.push_async_callback(changes.close)
    sent = settings.publish.config(settings.store.tenant)
    publisher = Publisher(sent, memory, Place(database, PUBLISHED), now=now) if sent else None

    def changed() -> None:
        changes.wake()
        if publisher:
            publisher.wake()

    worker = Worker(
        database,
        inbox,
        feeds.feeds(settings.feeds(), telemetry),
        now=now,
        observer=telemetry,
        rules=settings.ingest.rules(),
        changed=changed,
    )

    async def accept(batch: Sequence[Delivery]) -> int:
        new = await inbox.accept(batch)
        if new:
            worker.wake()
        return new

    heard = [config for name, broker in settings.brokers.items() if (config := broker.config(name))]
    brokers = Brokers(heard, accept, now=now, observer=telemetry)
    return Remembering(
        settings,
        telemetry,
        now,
        database,
        inbox,
        memory,
        changes,
        worker,
        brokers,
        publisher,
        accept,
        Desk(inbox, Runs(database), accept, now, worker.wake),
    )


def at_work(stack: AsyncExitStack, remembering: Remembering) -> None:
    """What every process does that has memory open, and what those do that work on deliveries."""
    running: dict[str, Callable[[], Awaitable[None]]] = {
        "follow": lambda: follow(remembering.changes),
        "count": lambda: count(remembering.inbox, remembering.telemetry, remembering.now),
    }
    if remembering.settings.ingest.worker:
        running["worker"] = remembering.worker.run
        if remembering.publisher:
            running["publisher"] = remembering.publisher.run
        remembering.brokers.start()
        stack.push_async_callback(remembering.brokers.stop)
    start(stack, running)


def start(stack: AsyncExitStack, running: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Runs each until ``stack`` is closed; one that fails is begun again, and the log says so."""
    tasks = [asyncio.create_task(_kept_up(name, run), name=name) for name, run in running.items()]

    async def stop() -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(stop)


async def _kept_up(name: str, run: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await run()
        except StoreUnavailable as error:
            log.warning("store unavailable", task=name, detail=str(error))
        except Exception:
            log.exception("a task failed and is begun again", task=name)
        await asyncio.sleep(AGAIN_AFTER)


async def follow(changes: Changes) -> None:
    """Listens for good, so that caches forget what changed even while nobody subscribes."""
    listener = await changes.listen()
    while await listener.take():
        pass


async def count(inbox: Inbox, telemetry: Telemetry, now: Callable[[], datetime]) -> None:
    """Tells how much waits, again and again."""
    while True:
        backlog = await inbox.backlog()
        told = {"pending": backlog.pending, "parked": backlog.parked, "dead": backlog.dead}
        telemetry.stood(told, now() - backlog.oldest if backlog.oldest else timedelta())
        await asyncio.sleep(COUNT_EVERY)
