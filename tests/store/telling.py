"""Puts facts into memory the way they come in life: as deliveries that a worker folds."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.events import Delivery, Fact, name_of, system_of
from ingest.observer import Silence
from ingest.parsing import OBSERVATION
from ingest.worker import Rules, Worker
from store.database import Database
from store.documents import encode_fact
from store.inbox import Inbox
from tests.domain.samples import GRACE, NOW


def observation(fact: Fact, name: str | None = None, *, at: datetime = NOW) -> Delivery:
    subject, id_ = name_of(fact)
    return Delivery(system_of(fact), name or f"{subject}/{id_}", OBSERVATION, at, encode_fact(fact))


def worker(database: Database, *, now: datetime = NOW, batch: int = 50) -> Worker:
    rules = Rules(batch=batch, carrier_grace=GRACE, park_retry=timedelta(minutes=1))
    return Worker(database, Inbox(database), {}, now=lambda: now, observer=Silence(), rules=rules)


async def tell(database: Database, *facts: Fact, now: datetime = NOW, tag: str = "") -> None:
    """Each as one delivery, folded by the time this returns."""
    told: Sequence[Delivery] = [observation(fact, f"{tag}{nth}", at=now) for nth, fact in enumerate(facts)]
    await Inbox(database).accept(told)
    await worker(database, now=now).drain()
