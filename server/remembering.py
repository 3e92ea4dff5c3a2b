"""Opens memory with everything that works on it; who works is decided by ``server.crew``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from domain.changes import Logged
from domain.events import Delivery
from ingest.brokers import Accept, Brokers
from ingest.polling import Polling
from ingest.publishing import Publisher
from ingest.reading import Reader
from ingest.reconcile import Reconciliation
from ingest.worker import Worker
from resolvers.changes import Changes
from server.desk import Desk
from server.settings import Settings
from server.telemetry import Telemetry
from sources import feeds
from sources.estate import Estate
from store.database import Database
from store.inbox import Inbox
from store.memory import Memory
from store.runs import Runs
from store.upkeep import Place

PUBLISHED: Final = "published"
"""The name of the place up to which the log has been published."""


@dataclass(frozen=True, slots=True)
class Remembering:
    """What there is of memory in this process."""

    now: Callable[[], datetime]
    database: Database
    inbox: Inbox
    memory: Memory
    changes: Changes
    worker: Worker
    brokers: Brokers
    publisher: Publisher | None
    reader: Reader
    reconciliation: Reconciliation
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

    def wanted() -> None:
        reader.wake()

    worker = Worker(
        database,
        inbox,
        feeds.feeds(settings.feeds(), telemetry),
        now=now,
        observer=telemetry,
        rules=settings.ingest.rules(),
        changed=changed,
        wanted=wanted,
    )
    polling = Polling(settings.polled())
    reader = Reader(database, estate, polling, now=now, delivered=worker.wake)
    reconciliation = Reconciliation(database, inbox, estate, polling, now=now, delivered=worker.wake)

    async def accept(batch: Sequence[Delivery]) -> int:
        new = await inbox.accept(batch)
        if new:
            worker.wake()
        return new

    heard = [config for name, broker in settings.brokers.items() if (config := broker.config(name))]
    brokers = Brokers(heard, accept, now=now, observer=telemetry)
    return Remembering(
        now,
        database,
        inbox,
        memory,
        changes,
        worker,
        brokers,
        publisher,
        reader,
        reconciliation,
        accept,
        Desk(inbox, Runs(database), now, worker.wake, reconciliation.wake),
    )
