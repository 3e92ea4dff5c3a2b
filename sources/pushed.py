"""How any system's pushed message is read: in its shape or not at all, and a fault says where it is not."""

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar

import msgspec

from domain.errors import SourceFault, UnknownTopic
from domain.events import OURS, Delivery
from domain.values import Provenance

T = TypeVar("T")

UNREADABLE = (ValueError, OverflowError, RecursionError)
"""What foreign bodies can raise: msgspec's errors and Unicode's are ValueErrors; a year beyond 1 or 9999 overflows."""

UNNAMED: Final = "unreadable"
"""The topic of a message that does not say what it is about."""

TOPIC = re.compile(rf"(?!{re.escape(OURS)})[\x20-\x7e]{{1,100}}")
"""What a sender may call a message. Names that begin with ours are for what we read ourselves, and believed."""

NUL = re.compile(rb"\x00|(?<!\\)(?:\\\\)*\\u0000")
"""A NUL, or JSON's escape for one: no text of ours may hold it, and PostgreSQL keeps none."""


class Head(Protocol):
    """As much of a message as it takes to know what kind it is."""

    @property
    def topic(self) -> str: ...


def topic(body: bytes, shape: type[Head]) -> str:
    """What its sender calls this kind of message, for people to find it by; never fails, and decides nothing."""
    try:
        told = msgspec.json.decode(body, type=shape).topic
    except UNREADABLE:
        return UNNAMED
    return told if TOPIC.fullmatch(told) else UNNAMED


def known(delivery: Delivery, shape: type[Head], topics: Collection[str]) -> str:
    """The delivery's topic. Raises UnknownTopic for one not in ``topics``, SourceFault for a message without any."""
    told = decode(delivery, shape).topic
    if told not in topics:
        raise UnknownTopic(delivery.source, told)
    return told


def decode(delivery: Delivery, shape: type[T]) -> T:
    """The body's JSON in its shape, what the shape does not name left out. Raises SourceFault, which names the path."""
    with reading(delivery, "the body"):
        return msgspec.json.decode(delivery.body, type=shape)


@contextmanager
def reading(delivery: Delivery, what: str) -> Iterator[None]:
    """Turns what an unreadable part raises into a SourceFault that says which; ``what`` is a path in the body."""
    try:
        yield
    except UNREADABLE as error:
        raise SourceFault(delivery.source, f"{what}: {error}") from error


def check_text(delivery: Delivery) -> None:
    """Raises SourceFault for a body whose text nothing could keep."""
    if NUL.search(delivery.body):
        raise SourceFault(delivery.source, "the body: holds a NUL")


def provenance(delivery: Delivery, told_at: datetime | None = None) -> Provenance:
    """Its facts are as of when it was told, and never later than when it came; some senders do not say when.

    Raises OverflowError.
    """
    as_of = delivery.received_at if told_at is None else min(told_at, delivery.received_at)
    return Provenance(delivery.source, as_of.astimezone(UTC))
