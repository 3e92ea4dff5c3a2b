"""The operators' desk of a running Crossdock: what they ask for goes the same way as everything else."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.events import Fact
from ingest.brokers import Accept
from ingest.observing import observation
from store.inbox import Inbox, Letters
from store.runs import RECONCILIATION, Run, Runs


@dataclass(frozen=True, slots=True)
class Desk:
    """``wake``: lets the worker look at once; ``wake_reconciliation``: likewise."""

    inbox: Inbox
    runs: Runs
    accept: Accept
    now: Callable[[], datetime]
    wake: Callable[[], None]
    wake_reconciliation: Callable[[], None]

    async def replay(self, which: Letters) -> int:
        again = await self.inbox.replay(which, now=self.now())
        self.wake()
        return again

    async def reconcile(self) -> Run:
        run = await self.runs.begin(RECONCILIATION, now=self.now())
        self.wake_reconciliation()
        return run

    async def tell(self, fact: Fact) -> None:
        await self.accept([observation(fact, now=self.now())])
