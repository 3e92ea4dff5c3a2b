"""Compares memory with what its owners say now, names every difference, and repairs it the way everything comes in.

A difference is only one when it is still there once the inbox has been worked on and its owner has been asked again:
an event on its way is no drift, neither is what is about to be read. The repair is an observation like any other; it
wins because it is read later.

No port can be asked for what changed since an instant, so each run goes through everything, or through all of some
accounts. What only adds up in memory (packages, tasks, scans) is never one too many. What a carrier still can tell is
asked of consignments under way, within its quota; the warehouse forgets old orders, so that an order it does not know
is no difference.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import structlog

from domain.access import Visibility
from domain.differences import Kind, differences
from domain.discrepancies import Discrepancy
from domain.events import Fact, Subject, Want, Withdrawn, system_of, told_at, tracking_name
from domain.model import Tracking, WarehouseOrder, WarehouseStage
from domain.queries import Cursor
from domain.tracking import follow
from ingest.observing import ALL, Recalled, folded, observation, recall, room, want_of
from ingest.paging import NOWHEN, Place, turn
from ingest.polling import FINAL, Polling
from ingest.reading import NOT_YET, Answers, ask
from sources.estate import Estate
from store.database import Database, StoreError
from store.discrepancies import Discrepancies
from store.inbox import Inbox
from store.memory import Memory
from store.runs import RECONCILIATION, Run, Runs

log = structlog.get_logger("crossdock.reconcile")

COMPARED: Final = (Subject.CUSTOMER, Subject.ORDER, Subject.INVOICE, Subject.RETURN)
"""What is gone through: an order brings its warehouse work, with its shipments, and what carriers say of those."""

HELD: Final = "HELD_"
"""Begins the name of a step that goes through what memory holds, for what its owner has no more."""

ENDING: Final = "ENDING"

STEPS: Final = (*COMPARED, *(HELD + subject for subject in COMPARED), ENDING)
NEXT: Mapping[str, str] = dict(pairwise(STEPS))

TRACKED: Final = timedelta(days=30)
"""How long after it was made a shipment's carrier is asked about it."""

LOOK: Final = 60.0
"""Seconds between two looks whether a run is due, at most."""

UNREAD: Final = "UNREAD"
IN_FLIGHT: Final = "IN_FLIGHT"
DOUBTED: Final = "DOUBTED"
"""What a run counts beside the subjects compared and the kinds found: owners that did not answer, what was about to be
read anyway, and what an owner suddenly has not that tells of so little else that nobody believes it.
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """``page``: how many records at once; ``ahead``: how many deliveries may wait for a worker; ``pause``: seconds
    between two looks at them; ``grace``: seconds an event may be on its way before what it tells counts as a
    difference; ``abandoned``: how long a run may stand still before another process goes on with it; ``few``: of so
    few records remembered any may be deleted.
    """

    page: int = 200
    ahead: int = 2000
    pause: float = 0.2
    grace: float = 5.0
    abandoned: timedelta = timedelta(minutes=10)
    few: int = 50


class Reconciliation:
    """Goes through all that owners and memory have within ``scope``."""

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        estate: Estate,
        polling: Polling,
        *,
        now: Callable[[], datetime],
        rules: Rules = Rules(),
        scope: Visibility = ALL,
        delivered: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._estate = estate
        self._polling = polling
        self._memory = Memory(database)
        self._found = Discrepancies(database)
        self._runs = Runs(database)
        self._now = now
        self._rules = rules
        self._scope = scope
        self._delivered = delivered
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A run was begun, and waits for somebody to go on with it."""
        self._woken.set()

    async def run_every(self, interval: timedelta | None) -> None:
        """Runs until cancelled, each ``interval`` after the last one began, once memory holds everything; a run that
        was only begun, or that nobody goes on with, is taken over. None: nothing but those.
        """
        while True:
            try:
                if await self._is_due(interval):
                    await self.run()
            except StoreError as error:
                log.warning("store unavailable", detail=str(error))
            except Exception:  # whatever an owner answered that nobody foresaw, the next run is another
                log.exception("reconciliation failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK, interval.total_seconds() / 10) if interval else LOOK):
                    await self._woken.wait()
            self._woken.clear()

    async def _is_due(self, interval: timedelta | None) -> bool:
        last, now = await self._runs.last(RECONCILIATION), self._now()
        if last is not None and last.ended_at is None:
            return not last.place or now - last.moved_at >= self._rules.abandoned
        if interval is None or (last is not None and now - last.began_at < interval):
            return False
        return await self._memory.holds_everything()

    async def run(self) -> Run:
        """Goes on with the last run if that has not ended. Returns it once every repair is in memory; what it found is
        in ``store.discrepancies`` under its id.
        """
        run = await self._runs.begin(RECONCILIATION, now=self._now())
        place, counts = Place.read(run.place or STEPS[0]), Counter(run.counts)
        seen: dict[Subject, set[str]] = defaultdict(set)
        while place.step != ENDING:
            await room(self._inbox, self._rules.ahead, pause=self._rules.pause)
            subject = Subject(place.step.removeprefix(HELD))
            if place.step.startswith(HELD):
                after = await self._look_for_deleted(run, subject, place.after, seen[subject], counts)
            else:
                rows, after = await turn(self._estate, subject, self._scope, place.after, self._rules.page)
                seen[subject].update(row.id for row in rows)
                await self._compare(run, rows, counts)
            place = Place(place.step, after) if after else Place(NEXT[place.step])
            await self._runs.move(run, str(place), counts, now=self._now())
        await folded(self._inbox, self._now(), pause=self._rules.pause)
        counts.update(await self._found.counts(run.id))
        await self._runs.end(run, counts, now=self._now())
        log.info("reconciliation done", run=run.id, **counts)
        return await self._runs.last(RECONCILIATION) or run

    # -- what owners have --------------------------------------------------------------------------------------------

    async def _compare(self, run: Run, rows: Sequence[Fact], counts: Counter[str]) -> None:
        """A page of records, with all that belongs to them."""
        told = {want_of(row): row for row in rows}
        work = [Want(Subject.WORK, want.key) for want in told if want.subject is Subject.ORDER]
        answers = await ask(self._estate, work)
        told |= answers.told
        tracked = await ask(self._estate, await self._under_way(answers.told.values()))
        told |= tracked.told
        counts[UNREAD] += len(answers.failed) + len(tracked.failed)
        counts.update(want.subject.value for want in told)
        recalled = await recall(self._database, [*told])
        suspects = [want for want, fact in told.items() if differences(recalled.facts.get(want), fact)]
        if suspects:
            await self._confirm(run, suspects, counts)

    async def _under_way(self, work: Iterable[Fact]) -> Sequence[Want]:
        """The consignments of which their carriers may still tell something, as far as their quotas allow."""
        now = self._now()
        wanted = {
            Want(Subject.TRACKING, tracking_name(key)): key
            for each in work
            if isinstance(each, WarehouseOrder)
            for shipment in each.shipments
            if shipment.stage is not WarehouseStage.VOIDED and now - shipment.created_at.at < TRACKED
            for key in shipment.tracking_keys
        }
        remembered = (await recall(self._database, [*wanted])).facts
        for want, fact in remembered.items():
            if isinstance(fact, Tracking) and follow(fact.events).status in FINAL:
                del wanted[want]
        waiting = self._polling.admit([*wanted.values()], now)
        return [want for want, key in wanted.items() if key not in waiting]

    # -- what memory has ---------------------------------------------------------------------------------------------

    async def _look_for_deleted(
        self, run: Run, subject: Subject, after: Cursor | None, seen: Collection[str], counts: Counter[str]
    ) -> Cursor | None:
        """A page of what memory holds and no owner's page had. Returns where the next one begins."""
        limit = self._rules.page
        if after is None and await self._is_doubtful(subject, counts):
            return None
        ids = await self._memory.ids(subject, scope=self._scope, after=after.id if after else "", limit=limit)
        wanted = [Want(subject, id_) for id_ in ids if id_ not in seen]
        answers = await ask(self._estate, wanted)
        counts[UNREAD] += len(answers.failed)
        absent = [want for want in wanted if want not in answers.told and want not in answers.failed]
        if absent:
            await self._confirm(run, absent, counts)
        return Cursor(NOWHEN, ids[-1]) if len(ids) == limit else None

    async def _is_doubtful(self, subject: Subject, counts: Counter[str]) -> bool:
        """Whether the owner told so little of a subject that its silence on the rest is no deletion: an account that
        lost its permission to read looks the same. Nothing is withdrawn then, and people are told.
        """
        held, last = 0, ""
        while page := await self._memory.ids(subject, scope=self._scope, after=last, limit=10 * self._rules.page):
            held, last = held + len(page), page[-1]
        told = counts[subject]
        if held < self._rules.few or told >= held / 2:
            return False
        counts[DOUBTED] += held - told
        log.error("an owner has suddenly little left; nothing is withdrawn", subject=subject, told=told, held=held)
        return True

    # -- what differs ------------------------------------------------------------------------------------------------

    async def _confirm(self, run: Run, suspects: Sequence[Want], counts: Counter[str]) -> None:
        """Asks again after a while, and looks once all that came before is in memory; what differs then is a
        difference, and is repaired.
        """
        await asyncio.sleep(self._rules.grace)
        asked_at = self._now()
        answers = await ask(self._estate, suspects)
        coming = await self._coming(suspects)
        counts[IN_FLIGHT] += len(coming)
        await folded(self._inbox, self._now(), pause=self._rules.pause)
        checked = [want for want in suspects if want not in coming]
        recalled = await recall(self._database, checked)
        facts = [*_told(checked, answers, recalled), *_deleted(checked, answers, recalled, asked_at)]
        found = {fact: differences(recalled.facts.get(want_of(fact)), fact) for fact in facts}
        every = [each for differing in found.values() for each in differing]
        await self._found.add(run.id, [*_named(every, answers.told)], now=self._now())
        repairs = [fact for fact, differing in found.items() if differing]
        gone = [_gone(each, fact) for fact in repairs for each in found[fact] if _is_gone_shipment(each, fact)]
        now = self._now()
        if await self._inbox.accept([observation(fact, now=now) for fact in (*repairs, *gone)]):
            self._delivered()

    async def _coming(self, suspects: Collection[Want]) -> Collection[Want]:
        """What is about to be read anyway. A carrier is always to be asked again some time: that is no sign."""
        soon = self._now() + timedelta(minutes=2)
        wanted = await self._memory.wanted(suspects)
        return {want for want, due in wanted.items() if want.subject is not Subject.TRACKING or due <= soon}


def _told(checked: Iterable[Want], answers: Answers, recalled: Recalled) -> Iterator[Fact]:
    """What owners said, but for that of which memory has heard since."""
    for want in checked:
        fact, remembered = answers.told.get(want), recalled.facts.get(want)
        if fact and (remembered is None or told_at(remembered) <= told_at(fact)):
            yield fact


def _deleted(checked: Iterable[Want], answers: Answers, recalled: Recalled, asked_at: datetime) -> Iterator[Withdrawn]:
    """What memory holds and its owner, asked for it by number, does not have."""
    for want in checked:
        remembered = recalled.facts.get(want)
        if remembered and want.subject not in NOT_YET and want not in answers.told and want not in answers.failed:
            yield Withdrawn(want.subject, want.key, system_of(remembered), asked_at)


def _is_gone_shipment(found: Discrepancy, fact: Fact) -> bool:
    """Whether a shipment was found to be missing among those the warehouse tells of an order."""
    return isinstance(fact, WarehouseOrder) and found.subject is Subject.SHIPMENT and found.kind == Kind.DELETED


def _gone(found: Discrepancy, fact: Fact) -> Withdrawn:
    return Withdrawn(found.subject, found.id, system_of(fact), told_at(fact))


def _named(found: Collection[Discrepancy], told: Mapping[Want, Fact]) -> Iterator[Discrepancy]:
    """Each difference once: where a whole order or shipment is missing, so is what belongs to it."""
    missing = {Want(each.subject, each.id) for each in found if each.kind == Kind.MISSING}
    implied = {Want(Subject.WORK, want.key) for want in missing if want.subject is Subject.ORDER} & missing
    for fact in told.values():
        for shipment in fact.shipments if isinstance(fact, WarehouseOrder) else ():
            if missing & {Want(Subject.WORK, shipment.order_id), Want(Subject.SHIPMENT, shipment.id)}:
                implied |= {Want(Subject.TRACKING, tracking_name(key)) for key in shipment.tracking_keys}
    return (each for each in found if each.kind != Kind.MISSING or Want(each.subject, each.id) not in implied)
