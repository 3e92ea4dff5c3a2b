"""What a line to a message broker is, in and out; what it must be told; and which kind a URL asks for."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, TypeAlias, cast
from urllib.parse import urlsplit

from ingest.broker_messages import Message

SCHEMES: Mapping[str, str] = {
    "nats": "ingest.broker_nats",
    "kafka": "ingest.broker_kafka",
    "kafkas": "ingest.broker_kafka",
    "amqp": "ingest.broker_amqp",
    "amqps": "ingest.broker_amqp",
    "redis": "ingest.broker_redis",
    "rediss": "ingest.broker_redis",
}
"""The brokers there are, by the scheme of their URL, and the module that speaks to each; those that end in s over TLS,
while NATS asks for TLS itself. A module is loaded when it is asked for: its client library takes a second to load.
"""

CLUSTERS = frozenset({"nats", "kafka", "kafkas"})
"""Where several addresses may be given, separated by commas."""


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """One subject of one broker, and whose messages are in it.

    ``url`` may hold a password. ``source``: the configured source that sends them. ``durable``: who we are there, so
    that what came while we were down is kept for us; equal for all replicas. ``stream``: JetStream's; empty: whichever
    holds the subject, else one of our own.
    """

    name: str
    url: str = field(repr=False)
    subject: str
    source: str
    durable: str = "crossdock"
    stream: str = ""


@dataclass(frozen=True, slots=True)
class PublishConfig:
    """Where canonical events go. ``tenant``: whose they are; part of every event's id."""

    url: str = field(repr=False)
    subject: str
    stream: str = ""
    tenant: str = "main"


Take: TypeAlias = Callable[[Sequence[Message]], Awaitable[None]]
"""Stores messages. When it returns they are safe and may be acknowledged; when it raises they must be sent again."""

Report: TypeAlias = Callable[[Exception], None]
"""Hears what goes wrong while a line is being opened or mended."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the broker says of us. ``pending``: messages we have yet to acknowledge; None: it does not tell.

    ``warnings``: what of its set-up may lose or hide messages.
    """

    pending: int | None = None
    warnings: tuple[str, ...] = ()


class Line(Protocol):
    """A connection to one broker that hears one subject."""

    @property
    def patience(self) -> float:
        """Seconds for which a message that cannot be stored is held before it is sent back."""

    async def open(self) -> None:
        """Connects and subscribes; may take for ever where the broker is down."""

    async def look(self) -> Look:
        """Raises when the line is dead and must be opened anew."""

    async def close(self) -> None: ...


class Outlet(Protocol):
    """A connection to one broker that publishes on one subject."""

    @property
    def risks(self) -> tuple[str, ...]:
        """Once it is open: what of the broker's set-up may lose events."""

    async def open(self) -> None:
        """Connects; may take for ever where the broker is down."""

    async def send(self, id_: str, key: str, content_type: str, body: bytes) -> None:
        """Returns once the broker has it for good; raises when it may not have. ``id_``: by which a repetition is
        known; ``key``: what keeps its order, where the broker keeps it by key only.
        """

    async def close(self) -> None: ...


class Kind(Protocol):
    """What the module of one kind of broker offers."""

    def line(self, config: BrokerConfig, take: Take, report: Report) -> Line: ...

    def outlet(self, config: PublishConfig, report: Report) -> Outlet: ...


def kind(url: str) -> Kind:
    """Raises ValueError as ``addresses`` does."""
    addresses(url)
    return cast(Kind, import_module(SCHEMES[scheme(url)]))


def scheme(url: str) -> str:
    return urlsplit(url).scheme


def addresses(url: str) -> tuple[str, ...]:
    """The broker's addresses, each with its scheme. Raises ValueError, which repeats nothing of ``url``."""
    given = tuple(each.strip() for each in url.split(","))
    spoken = scheme(given[0])
    if spoken not in SCHEMES:
        raise ValueError(f"begins with none of {' '.join(f'{each}://' for each in SCHEMES)}")
    if len(given) > 1 and spoken not in CLUSTERS:
        raise ValueError(f"may hold one {spoken} address only")
    whole = tuple(each if "://" in each else f"{spoken}://{each}" for each in given)
    for each in whole:
        parts = urlsplit(each)
        if parts.scheme != spoken:
            raise ValueError("mixes brokers of different kinds")
        if not parts.hostname or not _has_port(each):
            raise ValueError(f"names no host, as in {spoken}://broker.example.com")
    return whole


def cancelled() -> bool:
    """Whether this task is to end. To be asked after a client library was called: some of them swallow it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def told_of(error: Exception, url: str) -> str:
    """An error in at most 200 characters, without the passwords that ``url`` may hold."""
    told = f"{type(error).__name__}: {error}"
    for each in addresses(url):
        if password := urlsplit(each).password:
            told = told.replace(password, "***")
    return told[:200]


def _has_port(url: str) -> bool:
    """Whether the port, if one is given, is a port."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False
