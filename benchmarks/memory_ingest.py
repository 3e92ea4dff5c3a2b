"""How fast deliveries are accepted and folded: the inbox and the worker alone, without a door in front of them."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from benchmarks import memory_load
from domain.events import Delivery
from ingest.observer import Silence
from ingest.worker import Rules, Worker
from sources import feeds
from sources.observer import Silence as Quiet
from store.database import Database
from store.inbox import Inbox

SENDERS = 64
"""Who deliver at once, one delivery at a time."""

GRACE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Rate:
    """What so many deliveries took: seconds by the clock, and of this process's CPU."""

    deliveries: int
    seconds: float
    cpu: float

    @property
    def per_second(self) -> float:
        return self.deliveries / self.seconds

    def __str__(self) -> str:
        return f"{self.per_second:,.0f} a second ({self.cpu / self.deliveries * 1000:.2f} ms CPU each)"


def worker(database: Database, *, batch: int | None = None) -> Worker:
    rules = Rules(carrier_grace=GRACE) if batch is None else Rules(batch=batch, carrier_grace=GRACE)
    read = feeds.feeds(memory_load.FEEDS, Quiet())
    return Worker(database, Inbox(database), read, now=lambda: memory_load.NOW, observer=Silence(), rules=rules)


async def accept(database: Database, told: Sequence[Delivery], *, senders: int = SENDERS) -> Rate:
    """Each by itself, by senders that wait for the answer before they send the next."""
    inbox, waiting = Inbox(database), iter(told)

    async def sender() -> None:
        for each in waiting:
            await inbox.accept([each])

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(sender() for _ in range(senders)))
    rate = Rate(len(told), time.perf_counter() - began, time.process_time() - cpu)
    await inbox.close()
    return rate


async def store(database: Database, told: Sequence[Delivery], *, at_once: int = 1000) -> None:
    """As fast as can be."""
    inbox = Inbox(database)
    for start in range(0, len(told), at_once):
        await inbox.accept(told[start : start + at_once])


async def fold(database: Database, *, batch: int | None = None) -> Rate:
    """Everything that is due."""
    working = worker(database, batch=batch)
    began, cpu = time.perf_counter(), time.process_time()
    done = await working.drain()
    return Rate(done, time.perf_counter() - began, time.process_time() - cpu)


def load_of_machine() -> str:
    return f"{os.getloadavg()[0]:.1f}"
