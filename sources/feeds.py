"""What each kind of system sends us unasked: how it is verified at the door, and how it is read once it is stored.

A system that sends events has a fourth file beside its adapter, ``feed.py``, and a line in ``FEEDS``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

from domain.events import Delivery, Fact, Resolved, Want, Withdrawn
from sources import pushed
from sources.carriers.fedex.feed import FedexFeed
from sources.carriers.ups.feed import UpsFeed
from sources.carriers.x12_214.feed import X12Feed
from sources.erp_soap.feed import ErpFeed
from sources.estate import CODES
from sources.observer import Observer, UnknownCode
from sources.signatures import LONGEST_HEADER, SCHEMES, Scheme, by_name
from sources.wms.feed import WmsFeed

Told: TypeAlias = Sequence[Fact | Want]

ALWAYS_KEPT = ("content-type",)


class Feed(Protocol):
    """How one system's deliveries are read."""

    def parse(self, delivery: Delivery) -> Told:
        """What it says. Needs nothing but the delivery, so that a rebuild reads it as it was read first.

        Raises UnknownTopic for a kind of message nobody reads, SourceFault for one that is not what it should be;
        its detail names the path.
        """
        ...


class Reader(Feed, Protocol):
    """What a ``feed.py`` makes."""

    def topic(self, body: bytes) -> str:
        """What the sender calls this kind of message; never fails."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of system that sends events: the scheme it signs by unless it is told to be another."""

    scheme: str
    reader: Callable[[Path | None], Reader]


FEEDS: Mapping[tuple[str, str], Kind] = {
    ("erp", "soap"): Kind("standard", lambda _: ErpFeed()),
    ("wms", "rest"): Kind("shiphero", WmsFeed),
    ("carriers", "ups"): Kind("ups", UpsFeed),
    ("carriers", "fedex"): Kind("fedex", FedexFeed),
    ("carriers", "x12_214"): Kind("standard", X12Feed),
}
"""By the role in the settings and the kind of system; who is not here sends nothing and is polled."""


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """One configured source that may send events. ``secrets``: newest first; none: its door is shut. ``scheme`` None:
    its kind's.
    """

    role: str
    kind: str
    name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    scheme: str | None = None
    codes: Path | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A genuine message: its id, what its sender calls its kind, and the headers that are part of it."""

    external_id: str
    topic: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Door:
    """Where one source's webhooks come in. Nothing is read of a message but what makes it genuine, and its kind."""

    scheme: Scheme
    topic: Callable[[bytes], str]

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Verified:
        """``headers`` in any case and number; ``body`` as it came. Raises Forged."""
        named = by_name(headers)
        external_id = self.scheme.identify(named, body, now)
        kept = {name: named[name] for name in (*ALWAYS_KEPT, *self.scheme.keeps) if _is_plain(named.get(name, ""))}
        return Verified(external_id, self.topic(body), kept)


@dataclass(frozen=True, slots=True)
class Counted:
    """A feed whose codes that no table holds are counted, as the estate counts those of what we ask for."""

    reader: Reader
    observer: Observer

    def parse(self, delivery: Delivery) -> Told:
        pushed.check_text(delivery)
        told = self.reader.parse(delivery)
        for code in unknown_codes(told):
            self.observer.unknown_code(code)
        return told


def feeds(configs: Sequence[FeedConfig], observer: Observer) -> Mapping[str, Feed]:
    """By the source's name: all that send events. Those whose door is shut too: a broker may bring their messages."""
    return {
        config.name: Counted(FEEDS[config.role, config.kind].reader(config.codes), observer)
        for config in configs
        if (config.role, config.kind) in FEEDS
    }


def doors(configs: Sequence[FeedConfig]) -> Mapping[str, Door]:
    """By the source's name, those that are open. Raises ValueError as ``door`` does."""
    return {config.name: door(config) for config in configs if config.secrets}


def door(config: FeedConfig) -> Door:
    """Raises ValueError for a kind that sends nothing, and for secrets that its scheme cannot use. It says what to do
    about it, and repeats no secret.
    """
    kind = FEEDS.get((config.role, config.kind))
    if kind is None:
        raise ValueError(f"systems of kind {config.kind} send no events; remove it")
    return Door(SCHEMES[config.scheme or kind.scheme](config.secrets), kind.reader(config.codes).topic)


def unknown_codes(told: Told) -> Iterator[UnknownCode]:
    """The foreign codes in facts that no table holds."""
    for fact in told:
        if not isinstance(fact, Want | Withdrawn | Resolved) and (codes := CODES.get(type(fact))):
            for code in codes(fact):
                if code and not code.known:
                    yield UnknownCode(fact.source.system, code)


def _is_plain(value: str) -> bool:
    return 0 < len(value) <= LONGEST_HEADER and value.isprintable()
