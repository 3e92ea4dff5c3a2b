"""What a business event is, and how it is known in a change; which ones there are, ``ingest.catalogue`` says."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from domain.changes import Change
from domain.events import Subject
from domain.timeline import TimelineEvent, TimelineKind
from domain.values import Precision

Status: TypeAlias = str | None
"""A derived status; None: the subject is not there."""


@dataclass(frozen=True, slots=True)
class Teller:
    """A source system, and its own words for what tells of an event; none: it sends nothing and is asked.

    ``within``: seconds from when we hear it until subscribers do, the target for 99 of 100.
    """

    system: str
    topics: tuple[str, ...]
    within: int


@dataclass(frozen=True, slots=True)
class Sign:
    """By what an event is known: new lines of the story of these kinds, or a status left for another.

    An empty set of statuses holds any. Both must fit, and the status must have changed.
    """

    story: AbstractSet[TimelineKind] = frozenset()
    before: AbstractSet[Status] = frozenset()
    after: AbstractSet[Status] = frozenset()

    def lines(self, change: Change) -> tuple[TimelineEvent, ...]:
        """The new lines that are this sign. An order's story holds those of its shipments too, not its own."""
        own = change.subject is Subject.SHIPMENT
        return tuple(line for line in change.story if line.kind in self.story and (own or line.shipment_id is None))

    def moved(self, change: Change) -> bool:
        return (
            bool(self.before or self.after)
            and change.before != change.after
            and (not self.before or change.before in self.before)
            and (not self.after or change.after in self.after)
        )


@dataclass(frozen=True, slots=True)
class BusinessEvent:
    """``name``: the subject and what happened to it; ``customer``: what the customer sees of it. Without a sign:
    whatever else is different.
    """

    name: str
    signs: tuple[Sign, ...]
    tellers: tuple[Teller, ...]
    customer: str

    @property
    def subject(self) -> Subject:
        return Subject(self.name.partition(".")[0].upper())

    @property
    def type(self) -> str:
        """Its CloudEvents type; what would break a subscriber gets a new version."""
        return f"com.crossdock.{self.name}.v1"

    @property
    def within(self) -> int:
        """The latency target whichever system tells it, in seconds."""
        return max(teller.within for teller in self.tellers)


@dataclass(frozen=True, slots=True)
class Recognised:
    """An event in a change. ``at``: when it occurred, else when we learned of it; ``lines``: its part of the story."""

    event: BusinessEvent
    at: datetime
    lines: tuple[TimelineEvent, ...] = field(default=())


def told(*kinds: TimelineKind) -> Sign:
    return Sign(story=frozenset(kinds))


def became(*after: Status, before: AbstractSet[Status] = frozenset()) -> Sign:
    return Sign(before=before, after=frozenset(after))


def recognise(change: Change, events: Sequence[BusinessEvent]) -> Sequence[Recognised]:
    """The events that ``change`` is, in the order given. One that is nothing by its signs, and of which the story tells
    nothing, is what else is different.
    """
    own = [event for event in events if event.subject is change.subject]
    found = []
    for event in own:
        lines = tuple(dict.fromkeys(line for sign in event.signs for line in sign.lines(change)))
        if lines or any(sign.moved(change) for sign in event.signs):
            found.append(Recognised(event, _occurred(change, lines), lines))
    if found or change.story:
        return found
    return [Recognised(event, change.at) for event in own if not event.signs]


def _occurred(change: Change, lines: Sequence[TimelineEvent]) -> datetime:
    """The latest instant the story gives; a bare date or a local time is none."""
    return max((line.at.at for line in lines if line.at.precision is Precision.INSTANT), default=change.at)
