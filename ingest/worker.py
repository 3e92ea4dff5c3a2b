"""The one writer of memory: claims deliveries, reads and joins them, saves and settles a batch in one transaction."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

import structlog

from ingest.joining import Joined, Remembered, join, review, sought
from ingest.observer import IngestObserver
from ingest.parsing import Death, Reading, read
from sources.feeds import Feed
from store.database import Conflict, Database, StoreUnavailable
from store.folding import Folding
from store.inbox import RETOLD, Claimed, Inbox

log = structlog.get_logger("crossdock.worker")

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
"""Seconds until a store that is not to be had is tried again: the first time, and at most."""

GRACE: Final = 5.0
"""Seconds that the batch under way may still take when work is to stop."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How deliveries are worked on.

    ``batch``: how many at once; ``lease``: how long one worker may hold them; ``attempts``: how often one that fails is
    tried, ``retry_first`` later and then twice as long each time, up to ``retry_most``; ``park_for``: how long one may
    wait for its order. ``idle``: how long to sleep when nothing is due.
    """

    batch: int = 50
    lease: timedelta = timedelta(seconds=60)
    attempts: int = 8
    retry_first: timedelta = timedelta(seconds=1)
    retry_most: timedelta = timedelta(minutes=5)
    park_for: timedelta = timedelta(hours=72)
    park_retry: timedelta = timedelta(seconds=5)
    idle: timedelta = timedelta(milliseconds=200)
    carrier_grace: timedelta = timedelta(hours=24)
    reviews: int = 100


class Worker:
    """Several may run at once, here and in other processes: each delivery is claimed by one, each row guarded.

    ``changed`` is called after a commit that changed something, ``wanted`` after one that left something to be read, so
    that nobody need wait for their next look. What is told again for a rebuild is no news, and what it once made us
    want was read since.
    """

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        feeds: Mapping[str, Feed],
        *,
        now: Callable[[], datetime],
        observer: IngestObserver,
        rules: Rules = Rules(),
        changed: Callable[[], None] = lambda: None,
        wanted: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._feeds = feeds
        self._now = now
        self._observer = observer
        self._rules = rules
        self._changed = changed
        self._wanted = wanted
        self._woken = asyncio.Event()
        self._held: Sequence[Claimed] = ()

    def wake(self) -> None:
        """Something was delivered: look at once."""
        self._woken.set()

    async def run(self) -> None:
        """Works until cancelled, and then ends the batch it is at; a store that is not to be had is tried again."""
        failures = 0
        while True:
            try:
                await self._turn()
                failures = 0
            except StoreUnavailable as error:
                log.warning("store unavailable", detail=str(error))
                await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures))
                failures = min(failures + 1, 16)

    async def _turn(self) -> None:
        """What is due, or else a pause until something may be."""
        self._woken.clear()
        if await self._to_its_end() or await self.review():
            return
        try:
            async with asyncio.timeout(self._rules.idle.total_seconds()):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _to_its_end(self) -> int:
        """A step that a stop does not break off, so that nothing claimed waits for its lease to end."""
        step = asyncio.create_task(self.step())
        try:
            return await asyncio.shield(step)
        except asyncio.CancelledError:
            await asyncio.wait({step}, timeout=GRACE)
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
            raise

    async def drain(self) -> int:
        """Works until nothing is due; how many deliveries that were."""
        done = 0
        while worked := await self.step():
            done += worked
        return done

    async def step(self) -> int:
        """One batch; how many deliveries it was. Raises StoreUnavailable: what was not done of the batch is ours still,
        and comes first as soon as the store is back.
        """
        rules = self._rules
        claimed = self._held or await self._inbox.claim(rules.batch, now=self._now(), lease=rules.lease)
        self._held = ()
        try:
            for _, alike in groupby(sorted(claimed, key=_hearing), key=_hearing):
                await self._fold([read(each, self._feeds) for each in alike])
        except StoreUnavailable:
            self._held = claimed
            raise
        return len(claimed)

    async def review(self) -> int:
        """Looks again at orders that time alone may have changed; how many."""
        now = self._now()
        transaction = Folding(self._database)
        due = await transaction.due_reviews(now, self._rules.reviews)
        if due:
            kept = await transaction.dossiers(due)
            transaction.save_orders(review(kept, now=now, carrier_grace=self._rules.carrier_grace))
            await transaction.commit()
        return len(due)

    async def _fold(self, readings: Sequence[Reading]) -> None:
        """All at once; where that fails for a reason of their own, each by itself, so that one spoils no other."""
        try:
            await self._commit(readings)
        except StoreUnavailable:
            raise
        except Conflict:
            await asyncio.sleep(random.uniform(0.0, 0.05))  # noqa: S311 (two workers must not meet again at once)
            for reading in readings:
                await self._alone(reading)
        except Exception:
            if len(readings) == 1:
                await self._alone(readings[0])
                return
            log.exception("a batch failed; its deliveries are tried one by one")
            for reading in readings:
                await self._alone(reading)

    async def _alone(self, reading: Reading) -> None:
        try:
            await self._commit([reading])
        except StoreUnavailable:
            raise
        except Exception as error:
            if not isinstance(error, Conflict):
                log.exception("a delivery failed", source=reading.name[0], delivery=reading.name[1])
            await self._fail(reading, error)

    async def _fail(self, reading: Reading, error: Exception) -> None:
        rules, attempts, now = self._rules, reading.claimed.attempts, self._now()
        transaction, reason = Folding(self._database), f"{type(error).__name__}: {error}"
        if attempts >= rules.attempts and not isinstance(error, Conflict):
            self._bury(transaction, reading, Death.GAVE_UP, reason)
        else:
            delay = min(rules.retry_most, rules.retry_first * 2 ** min(attempts, 16))
            transaction.retry(reading.name, at=now + delay, reason=_marked(reading, reason))
        await transaction.commit()

    async def _commit(self, readings: Sequence[Reading]) -> None:
        now = self._now()
        alive = [reading for reading in readings if reading.death is None]
        transaction = Folding(self._database)
        remembered = await _load(transaction, alive)
        first = readings[0].claimed
        joined = join(alive, remembered, now=now, carrier_grace=self._rules.carrier_grace)
        if first.retold or first.hushed:
            joined.changes.clear()
        if first.retold:
            joined.wants.clear()
        transaction.save_orders(joined.rows)
        for subject, rows in joined.records.items():
            transaction.save_records(subject, rows)
        for reading in readings:
            if reading.death:
                self._bury(transaction, reading, reading.death, reading.detail)
            elif reading.name in joined.waiting:
                self._park(transaction, reading, joined.waiting[reading.name], now)
        transaction.settle([each.name for each in alive if each.name not in joined.waiting], at=now)
        transaction.unpark(joined.arrived, now=now)
        transaction.want(joined.wants, due=now)
        transaction.append(joined.changes)
        await transaction.commit()
        self._tell(readings, joined, now)

    def _park(self, transaction: Folding, reading: Reading, waits_for: str, now: datetime) -> None:
        waited = now - reading.claimed.delivery.received_at
        if waited >= self._rules.park_for:
            self._bury(transaction, reading, Death.ORDER_NEVER_CAME, f"waited {waited} for {waits_for}")
            return
        retry_at = now + max(self._rules.park_retry, waited / 4)
        reason = _marked(reading, f"waits for {waits_for}")
        transaction.park(reading.name, waits_for=waits_for, reason=reason, retry_at=retry_at)

    def _bury(self, transaction: Folding, reading: Reading, death: Death, detail: str) -> None:
        transaction.bury(reading.name, reason=f"{death}: {detail}", at=self._now())
        self._observer.died(reading.name[0], death)

    def _tell(self, readings: Sequence[Reading], joined: Joined, now: datetime) -> None:
        for reading in readings:
            if reading.death is None and reading.name not in joined.waiting:
                self._observer.folded(reading.name[0], now - reading.claimed.delivery.received_at)
        if joined.changes:
            self._changed()
        if joined.wants:
            self._wanted()


def _marked(reading: Reading, reason: str) -> str:
    """What is told again for a rebuild stays marked so until it is settled."""
    return f"{RETOLD}: {reason}" if reading.claimed.retold else reason


def _hearing(claimed: Claimed) -> tuple[bool, bool]:
    """Those who are told of a delivery in different ways are not folded together."""
    return not claimed.retold, claimed.hushed


async def _load(transaction: Folding, readings: Sequence[Reading]) -> Remembered:
    asked = sought(readings)
    by_number = await transaction.orders_with(asked.numbers)
    by_shipment = await transaction.orders_of_shipments(asked.shipments)
    orders = asked.orders.union(*by_number.values()) | set(by_shipment.values())
    return Remembered(
        dossiers=await transaction.dossiers(orders),
        by_number=by_number,
        by_shipment=by_shipment,
        records={subject: await transaction.records(subject, ids) for subject, ids in asked.records.items() if ids},
    )
