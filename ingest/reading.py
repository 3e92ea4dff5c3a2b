"""Reads what is wanted from its owner, in batches, and puts the answers into the inbox, where everything comes in."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final, TypeAlias

import structlog

from domain.errors import SourceError
from domain.events import Fact, Subject, Want, Withdrawn, system_of, told_at, tracking_key
from domain.model import Tracking, TrackingKey, WarehouseStage
from ingest.observing import RESTATE, Recalled, observation, recall
from ingest.polling import Polling
from sources.estate import Answer, Estate
from store.database import Database, StoreError
from store.runs import BACKFILL, Runs
from store.wants import Taken, Wants

log = structlog.get_logger("crossdock.reading")

Read: TypeAlias = Callable[[Estate, Collection[Any]], Awaitable[Answer[Any, Any]]]
Lane: TypeAlias = tuple[Subject, ...]

READS: Mapping[Subject, Read] = {
    Subject.ORDER: lambda estate, keys: estate.orders(keys, amounts=True, max_age=0),
    Subject.WORK: lambda estate, keys: estate.warehouse_orders(keys, max_age=0),
    Subject.SHIPMENT: lambda estate, keys: estate.shipments(keys, max_age=0),
    Subject.TRACKING: lambda estate, keys: estate.tracking(keys, max_age=0),
    Subject.INVOICE: lambda estate, keys: estate.invoices(keys, max_age=0),
    Subject.RETURN: lambda estate, keys: estate.returns(keys, max_age=0),
    Subject.CUSTOMER: lambda estate, keys: estate.customers(keys, max_age=0),
}
"""How each subject's owner is asked: many keys, one read, nothing from a cache."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What owners said when they were asked; what is in neither, they do not have."""

    told: Mapping[Want, Fact]
    failed: Mapping[Want, SourceError]


async def ask(estate: Estate, wanted: Collection[Want]) -> Answers:
    """One batch read for each subject, all at once."""
    groups: dict[Subject, dict[Want, Any]] = defaultdict(dict)
    for want in wanted:
        groups[want.subject][want] = tracking_key(want.key) if want.subject is Subject.TRACKING else want.key
    read = await asyncio.gather(*(READS[subject](estate, keys.values()) for subject, keys in groups.items()))
    told: dict[Want, Fact] = {}
    failed: dict[Want, SourceError] = {}
    for keys, answer in zip(groups.values(), read, strict=True):
        for want, key in keys.items():
            value = answer.values.get(key)
            if isinstance(value, SourceError):
                failed[want] = value
            elif value is not None:
                told[want] = value
    return Answers(told, failed)


NOT_YET: Final = frozenset({Subject.WORK, Subject.TRACKING})
"""What is not there has not come yet. Of anything else it means that its owner has deleted it."""

LANES: Final[tuple[Lane, Lane]] = (
    tuple(subject for subject in Subject if subject is not Subject.TRACKING),
    (Subject.TRACKING,),
)
"""What is read independently of each other: a slow carrier must not keep an order waiting."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How what is wanted is read.

    ``batch``: how much at once; ``lease``: how long one reader may hold it; what fails is tried ``retry_first`` later,
    then twice as long each time, up to ``retry_most``. ``work_age``: how old the warehouse's word of an order may be
    when the order itself is read. ``idle``: how long to sleep when nothing is due.
    """

    batch: int = 200
    lease: timedelta = timedelta(minutes=2)
    retry_first: timedelta = timedelta(seconds=2)
    retry_most: timedelta = timedelta(minutes=30)
    restate: timedelta = RESTATE
    work_age: timedelta = timedelta(hours=1)
    idle: timedelta = timedelta(seconds=1)


class Reader:
    """Several may run at once, here and in other processes: what is wanted is taken by one. It reads nothing else.

    ``delivered`` is called when an answer was put into the inbox, so that a worker need not wait for its next look.
    """

    def __init__(
        self,
        database: Database,
        estate: Estate,
        polling: Polling,
        *,
        now: Callable[[], datetime],
        rules: Rules = Rules(),
        delivered: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._wants = Wants(database)
        self._runs = Runs(database)
        self._estate = estate
        self._polling = polling
        self._now = now
        self._rules = rules
        self._delivered = delivered
        self._woken = {lane: asyncio.Event() for lane in LANES}

    def wake(self) -> None:
        """Something is wanted: look at once."""
        for woken in self._woken.values():
            woken.set()

    async def run(self) -> None:
        """Reads until cancelled; a store that is not to be had is tried again."""
        async with asyncio.TaskGroup() as lanes:
            for lane in LANES:
                lanes.create_task(self._run(lane))

    async def drain(self) -> int:
        """Reads until nothing is due; how much that was."""
        done = 0
        while read := await self.step():
            done += read
        return done

    async def step(self) -> int:
        """One batch of each lane; how much was taken. Raises StoreError."""
        return sum([await self._step(lane) for lane in LANES])

    async def _run(self, lane: Lane) -> None:
        failures = 0
        while True:
            self._woken[lane].clear()
            try:
                if not await self._step(lane):
                    await self._rest(lane)
                failures = 0
            except StoreError as error:
                failures += 1
                log.warning("store unavailable", detail=str(error))
                await asyncio.sleep(min(30.0, 0.2 * 2 ** min(failures, 8)))

    async def _rest(self, lane: Lane) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._rules.idle.total_seconds()):
                await self._woken[lane].wait()

    async def _step(self, lane: Lane) -> int:
        rules, now = self._rules, self._now()
        taken = await self._wants.take(rules.batch, now=now, lease=rules.lease, subjects=lane)
        groups: dict[Subject, list[Taken]] = defaultdict(list)
        for each in taken:
            groups[each.want.subject].append(each)
        ended = await asyncio.gather(*(self._read(*group, now) for group in groups.items()), return_exceptions=True)
        for group, error in zip(groups.items(), ended, strict=True):
            if isinstance(error, StoreError):
                raise error
            if error is not None:  # what nobody foresaw of one source must not keep the others waiting
                log.error("read failed", subject=group[0], exc_info=error)
                await self._put_off(group[1], now)
        return len(taken)

    async def _read(self, subject: Subject, taken: Sequence[Taken], now: datetime) -> None:
        """What has an answer is told; what failed, or has to wait for its carrier's quota, is put off."""
        if subject is Subject.TRACKING:
            taken = await self._admitted(taken, now)
        answers = await ask(self._estate, [each.want for each in taken])
        if answers.failed:
            first = next(iter(answers.failed.values()))
            log.warning("not read", subject=subject, source=first.source, count=len(answers.failed), detail=str(first))
        await self._put_off([each for each in taken if each.want in answers.failed], now)
        await self._tell([each for each in taken if each.want not in answers.failed], answers.told, now)

    async def _admitted(self, taken: Sequence[Taken], now: datetime) -> Sequence[Taken]:
        names = {each.want.key: key for each in taken if (key := _consignment(each.want))}
        waiting = self._polling.admit(list(names.values()), now)
        nameless = [each.want for each in taken if each.want.key not in names]
        if nameless:
            log.warning("forgotten, for they name no consignment", keys=[want.key for want in nameless])
            await self._wants.forget(nameless)
        turns = {each: waiting[key] for each in taken if (key := names.get(each.want.key)) in waiting and key}
        for each, turn in turns.items():
            await self._wants.put_off([each], until=turn)
        return [each for each in taken if each.want.key in names and each not in turns]

    async def _tell(self, taken: Sequence[Taken], facts: Mapping[Want, Fact], now: datetime) -> None:
        """What a carrier first says of a consignment is no news while memory is being filled."""
        work = {want: Want(Subject.WORK, want.key) for want in facts if want.subject is Subject.ORDER}
        recalled = await recall(self._database, [*(each.want for each in taken), *work.values()])
        told, unsure = dict(facts), []
        for each in taken:
            if each.want not in facts and each.want.subject not in NOT_YET:
                if remembered := recalled.facts.get(each.want):
                    told[each.want] = Withdrawn(each.want.subject, each.want.key, system_of(remembered), now)
                elif not recalled.whole:
                    unsure.append(each)
        await self._put_off(unsure, now)
        await self._wants.want({wanted: now for wanted in work.values() if self._is_old(recalled, wanted, now)})
        done = [each for each in taken if each not in unsure]
        filling = await self._runs.is_open(BACKFILL)
        fresh = [
            observation(
                fact, now=self._now(), hushed=filling and isinstance(fact, Tracking) and recalled.is_first(fact)
            )
            for fact in told.values()
            if recalled.lacks(fact, self._rules.restate)
        ]
        if await self._wants.fulfil(done, fresh, again=self._again(done, told, recalled, now)):
            self._delivered()

    def _is_old(self, recalled: Recalled, work: Want, now: datetime) -> bool:
        known = recalled.facts.get(work)
        return known is None or now - told_at(known) >= self._rules.work_age

    def _again(
        self, taken: Sequence[Taken], told: Mapping[Want, Fact], recalled: Recalled, now: datetime
    ) -> Mapping[Want, datetime]:
        """Consignments that go on being polled: by the key their shipment has now, until it is void or at its end."""
        again: dict[Want, datetime] = {}
        for each in taken:
            key = _consignment(each.want)
            if key is None:
                continue
            fact = told.get(each.want) or recalled.facts.get(each.want)
            for shipment in recalled.shipments.get(key.number, ()):
                if key in shipment.tracking_keys and shipment.stage is not WarehouseStage.VOIDED:
                    at = self._polling.again(
                        key, fact if isinstance(fact, Tracking) else None, since=shipment.created_at.at, now=now
                    )
                    if at:
                        again[each.want] = at
        return again

    async def _put_off(self, taken: Sequence[Taken], now: datetime) -> None:
        rules = self._rules
        for attempts, failed in groupby(sorted(taken, key=_attempts), key=_attempts):
            delay = min(rules.retry_most, rules.retry_first * 2 ** min(attempts - 1, 16))
            await self._wants.put_off(list(failed), until=now + delay)


def _attempts(taken: Taken) -> int:
    return taken.attempts


def _consignment(want: Want) -> TrackingKey | None:
    """None: it is about none, or names none."""
    with suppress(ValueError):
        return tracking_key(want.key) if want.subject is Subject.TRACKING else None
    return None
