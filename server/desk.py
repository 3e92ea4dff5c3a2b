"""The operators' desk of a running Crossdock: what they ask for goes the same way as everything else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.audit import Entry
from domain.events import Fact
from ingest.observing import observation
from store.inbox import Inbox, Letters
from store.runs import RECONCILIATION, Run, Runs


@dataclass(frozen=True, slots=True)
class Desk:
    """``wake``: lets the worker look at once; ``wake_reconciliation``: likewise."""

    inbox: Inbox
    runs: Runs
    now: Callable[[], datetime]
    wake: Callable[[], None]
    wake_reconciliation: Callable[[], None]

    async def replay(self, which: Letters, entry: Entry) -> int:
        again = await self.inbox.replay(which, now=self.now(), audited=[entry])
        self.wake()
        return again

    async def reconcile(self, entry: Entry) -> Run:
        run = await self.runs.begin(RECONCILIATION, now=self.now(), audited=[entry])
        self.wake_reconciliation()
        return run

    async def tell(self, fact: Fact, entry: Entry) -> None:
        await self.inbox.accept([observation(fact, now=self.now())], [entry])
        self.wake()
