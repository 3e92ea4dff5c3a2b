"""What we read ourselves, as deliveries, and what memory holds of it, so that nothing is told again in vain."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from hashlib import sha256
from typing import Any, Final

from domain.access import Visibility
from domain.differences import differences
from domain.dossier import Dossier, join_tracking
from domain.events import Delivery, Fact, Subject, Want, name_of, system_of, told_at, tracking_key
from domain.model import Shipment, TrackingKey
from ingest.parsing import OBSERVATION
from store.database import Database
from store.documents import encode_fact
from store.folding import Folding
from store.inbox import HUSHED, Backlog, Inbox
from store.memory import Memory

ALL: Final = Visibility(None)

RESTATE: Final = timedelta(hours=6)
"""How much older than a reading that says the same our word of a thing may be, before the reading is kept for its
age.
"""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is remembered of what was asked for. ``shipments``: by tracking number, those that have it now; ``whole``:
    no delivery was waiting that might say more.
    """

    facts: Mapping[Want, Fact]
    shipments: Mapping[str, Sequence[Shipment]]
    whole: bool

    def lacks(self, told: Fact, restate: timedelta = RESTATE) -> bool:
        """Whether ``told`` says what memory does not know, or has not heard for so long."""
        remembered = self.facts.get(want_of(told))
        if remembered is None or not self.whole or told_at(told) - told_at(remembered) >= restate:
            return True
        return bool(differences(remembered, told))

    def is_first(self, told: Fact) -> bool:
        """Whether memory knows nothing yet of what it is about."""
        return want_of(told) not in self.facts


def observation(fact: Fact, *, now: datetime, hushed: bool = False) -> Delivery:
    """Its id is the digest of all of it, its time included: what goes back to what it was is told again.

    ``hushed``: what it says is no news; nobody is told.
    """
    body = encode_fact(fact)
    headers = {HUSHED: "1"} if hushed else {}
    return Delivery(system_of(fact), sha256(body).hexdigest(), OBSERVATION, now, body, headers)


def want_of(fact: Fact) -> Want:
    """What has to be wanted to be told ``fact``."""
    return Want(*name_of(fact))


async def recall(database: Database, wanted: Collection[Want]) -> Recalled:
    """What its owner has deleted is not there."""
    waiting = (await Inbox(database).backlog()).pending
    memory = Memory(database)
    asked: dict[Subject, list[Any]] = {}
    for want in wanted:
        asked.setdefault(want.subject, []).append(want.key)
    facts: dict[Want, Fact] = {}
    for id_, dossier in (await _orders(memory, asked)).items():
        if dossier.order:
            facts[Want(Subject.ORDER, id_)] = dossier.order
        if dossier.warehouse:
            facts[Want(Subject.WORK, id_)] = dossier.warehouse
    for subject, read in (
        (Subject.INVOICE, memory.invoices),
        (Subject.RETURN, memory.returns),
        (Subject.CUSTOMER, memory.customers),
        (Subject.SHIPMENT, memory.shipments),
    ):
        if subject in asked:
            found: Mapping[Any, Any] = await read(ALL, asked[subject])
            facts |= {Want(subject, id_): record for id_, record in found.items()}
    keys = {name: tracking_key(name) for name in asked.get(Subject.TRACKING, ())}
    dossiers = await _with_numbers(database, memory, {key.number for key in keys.values()})
    for name, key in keys.items():
        told = [each for dossier in dossiers for each in dossier.tracking if _same_number(each.key, key)]
        if told:
            facts[Want(Subject.TRACKING, name)] = reduce(join_tracking, told)
    return Recalled(facts, _by_number(dossiers), whole=not waiting)


async def room(inbox: Inbox, most: int, *, pause: float) -> None:
    """Waits until not more than ``most`` deliveries wait for a worker; looks every ``pause`` seconds."""
    await _wait(inbox, lambda backlog: backlog.pending <= most, pause)


async def folded(inbox: Inbox, until: datetime, *, pause: float) -> None:
    """Waits until everything received up to ``until`` has been worked on, be it that it waits for its order."""
    await _wait(inbox, lambda backlog: backlog.oldest is None or backlog.oldest > until, pause)


async def _wait(inbox: Inbox, over: Callable[[Backlog], bool], pause: float) -> None:
    while True:
        if over(await inbox.backlog()):
            return
        await asyncio.sleep(pause)


async def _orders(memory: Memory, asked: Mapping[Subject, Collection[Any]]) -> Mapping[Any, Dossier]:
    ids = {*asked.get(Subject.ORDER, ()), *asked.get(Subject.WORK, ())}
    return await memory.orders(ALL, ids) if ids else {}


async def _with_numbers(database: Database, memory: Memory, numbers: Collection[str]) -> Sequence[Dossier]:
    owners = await Folding(database).orders_with(numbers)
    ids = frozenset().union(*owners.values())
    return [*(await memory.orders(ALL, sorted(ids))).values()] if ids else ()


def _same_number(one: TrackingKey, other: TrackingKey) -> bool:
    return (one.scac, one.number) == (other.scac, other.number)


def _by_number(dossiers: Iterable[Dossier]) -> Mapping[str, Sequence[Shipment]]:
    found: dict[str, list[Shipment]] = {}
    for work in (dossier.warehouse for dossier in dossiers):
        for shipment in work.shipments if work else ():
            for number in shipment.tracking_numbers:
                found.setdefault(number, []).append(shipment)
    return found
