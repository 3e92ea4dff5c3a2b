"""Fills memory from the sources, or makes it anew from the deliveries it was made of; resumable wherever it stops."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

import structlog

from domain.access import Visibility
from domain.errors import SourceError
from domain.events import Fact, Subject, Want
from domain.model import OrderId
from domain.queries import Cursor
from ingest.observing import ALL, folded, observation, recall, room, want_of
from ingest.paging import Place, turn
from sources.estate import Estate
from store import upkeep
from store.database import Database
from store.inbox import Inbox
from store.memory import Memory
from store.runs import BACKFILL, REBUILD, Run, Runs
from store.wants import Wants

log = structlog.get_logger("crossdock.backfill")

STEPS: Final = (Subject.CUSTOMER, Subject.ORDER, Subject.INVOICE, Subject.RETURN, Subject.SHIPMENT)
"""Accounts before what belongs to them. Each order brings its warehouse work, so that of the shipments in the end only
those remain to be told whose orders nobody had.
"""

FOLDING: Final = "FOLDING"
"""All is told, and not all of it is in memory yet."""

NEXT: Mapping[str, str] = dict(pairwise((*STEPS, FOLDING)))

CLEARED: Final = "CLEARED"
"""The read model is gone, and every delivery waits to be told again."""

DELIVERIES: Final = "DELIVERIES"
LEFT: Final = "LEFT"
"""What a rebuild counts: how many deliveries it tells again, and how many wait now."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``page``: how many records at once; ``ahead``: how many deliveries may wait for a worker; ``pause``: seconds
    between two looks at them.
    """

    page: int = 200
    ahead: int = 2000
    pause: float = 0.2


class Backfill:
    """Reads page after page of everything there is within ``scope``; one call is under way at a time, so that live
    reads hardly notice. What memory knows already is not told again, so it may be run on a memory that lacks little.
    The first one tells nobody what it finds: it has long been so.

    A page is told before the place moves on: a run that is killed tells its last page again, and nothing twice.
    """

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        estate: Estate,
        *,
        now: Callable[[], datetime],
        rules: Rules = Rules(),
        scope: Visibility = ALL,
        delivered: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._estate = estate
        self._runs = Runs(database)
        self._now = now
        self._rules = rules
        self._scope = scope
        self._delivered = delivered
        self._hushed = False

    async def run(self) -> Run:
        """Goes on with the last backfill if that has not ended. Returns once all of it is in memory."""
        self._hushed = not await Memory(self._database).holds_everything()
        run = await self._runs.begin(BACKFILL, now=self._now())
        place, counts = Place.read(run.place or STEPS[0]), Counter(run.counts)
        while place.step != FOLDING:
            subject = Subject(place.step)
            told, after = await self._page(subject, place.after)
            counts[subject] += told
            place = Place(subject, after) if after else Place(NEXT[subject])
            await self._runs.move(run, str(place), counts, now=self._now())
        await folded(self._inbox, self._now(), pause=self._rules.pause)
        await self._runs.end(run, counts, now=self._now())
        log.info("backfill done", run=run.id, **counts)
        return await self._runs.last(BACKFILL) or run

    async def _page(self, subject: Subject, after: Cursor | None) -> tuple[int, Cursor | None]:
        """How many records the page had, and where the next one begins."""
        await room(self._inbox, 0 if subject is Subject.SHIPMENT else self._rules.ahead, pause=self._rules.pause)
        rows, after = await turn(self._estate, subject, self._scope, after, self._rules.page)
        await self._tell(rows)
        if subject is Subject.ORDER:
            await self._tell(await self._work([order.id for order in rows]))
        return len(rows), after

    async def _work(self, ids: Collection[OrderId]) -> Sequence[Fact]:
        """What the warehouse knows of orders. Where it fails to answer for one, that is wanted, and will be read."""
        answer = await self._estate.warehouse_orders(ids, max_age=0)
        failed = [id_ for id_, value in answer.values.items() if isinstance(value, SourceError)]
        await Wants(self._database).want({Want(Subject.WORK, id_): self._now() for id_ in failed})
        return [value for value in answer.values.values() if not isinstance(value, SourceError)]

    async def _tell(self, facts: Collection[Fact]) -> None:
        recalled = await recall(self._database, [want_of(fact) for fact in facts])
        now = self._now()
        if await self._inbox.accept(
            [observation(fact, now=now, hushed=self._hushed) for fact in facts if recalled.lacks(fact)]
        ):
            self._delivered()


class Rebuild:
    """Drops the read model and makes it anew from every delivery that is kept, while new ones go on coming in.

    A running worker does the work: what is told again bears a mark, by which nobody is told its news twice.
    """

    def __init__(
        self,
        database: Database,
        inbox: Inbox,
        *,
        now: Callable[[], datetime],
        rules: Rules = Rules(),
        delivered: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._runs = Runs(database)
        self._now = now
        self._rules = rules
        self._delivered = delivered

    async def run(self) -> Run:
        """Goes on with the last rebuild if that has not ended. Returns once all is told again."""
        run = await self._runs.begin(REBUILD, now=self._now())
        counts = Counter(run.counts)
        if run.place != CLEARED:
            counts[DELIVERIES] = await upkeep.clear(self._database, now=self._now())
            await self._runs.move(run, CLEARED, counts, now=self._now())
            self._delivered()
        while (oldest := (backlog := await self._inbox.backlog()).oldest) is not None and oldest <= run.began_at:
            counts[LEFT] = backlog.pending
            await self._runs.move(run, CLEARED, counts, now=self._now())
            await asyncio.sleep(self._rules.pause)
        counts[LEFT] = 0
        await self._runs.end(run, counts, now=self._now())
        log.info("rebuild done", run=run.id, **counts)
        return await self._runs.last(REBUILD) or run
