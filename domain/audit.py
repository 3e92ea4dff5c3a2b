"""The audit chain: who saw and did what, each record bound by its hash to all before it, so that tampering shows.

A record's document is canonical JSON, its hash the SHA-256 of the hash before it (64 hexadecimal digits) followed by
the document's UTF-8: ``printf %s%s "$previous" "$document" | sha256sum`` checks one without any of our code.

Whoever can write the whole database can rewrite a chain from some record on, its head included, so that it is one
again. Only a checkpoint kept elsewhere shows that.
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

READ: Final = "read"
"""The action of a record that tells what was shown."""


DOWNLOAD: Final = "download"
"""That of a record that tells of a document's bytes."""


class Outcome(StrEnum):
    """SHOWN: let go to the caller, who may be gone by then. DONE: committed with this record. FAILED: asked for, and
    nothing was done.
    """

    SHOWN = "SHOWN"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Item:
    """Entities of one type ("Invoice"), by their owners' ids, that ``scope`` let the actor see or act upon. ``fields``:
    what was shown of each of them ("Invoice.balance", and of an order also "Line.unitPrice").
    """

    type: str
    scope: str
    ids: tuple[str, ...]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be recorded of one operation. ``actor``: the token's subject; ``account``: the one that bounds the
    actor; ``action``: READ, DOWNLOAD, or the mutation's name, and then ``said`` holds its arguments.
    """

    at: datetime
    actor: str
    actor_kind: str
    account: str | None
    action: str
    items: tuple[Item, ...]
    correlation_id: str
    outcome: Outcome
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """An entry at its place, counted from 1."""

    sequence: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Link:
    """A record as it is kept."""

    sequence: int
    at: datetime
    previous: str
    document: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends. ``sequence`` 0: it has no record."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a chain's end was at a time, to be kept where the database's keepers cannot write."""

    chain: str
    sequence: int
    hash: str
    at: datetime

    @property
    def head(self) -> Head:
        return Head(self.sequence, self.hash)


class Kind(StrEnum):
    """How a chain is broken."""

    ALTERED = "altered"
    MISSING = "missing"
    REORDERED = "reordered"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Break:
    """The first place at which a chain does not hold."""

    kind: Kind
    sequence: int
    why: str

    def __str__(self) -> str:
        return f"record {self.sequence} is {self.kind}: {self.why}"


# -- documents ---------------------------------------------------------------------------------------------------------

_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical(value: Mapping[str, Any]) -> str:
    """RFC 8785, for what we record: objects with ASCII keys, lists, strings, integers, null. Floats are the part left
    out. Strings stay as they are: nothing is normalised (NFC), as that standard has it. Raises ValueError for a
    lone surrogate, which no UTF-8 can hold.
    """
    document = _ENCODER.encode(value)
    document.encode()
    return document


def document(record: Record) -> str:
    """Raises ValueError for a time without an offset, or a text that is not Unicode."""
    entry = record.entry
    return canonical(
        {
            "account": entry.account,
            "action": entry.action,
            "actor": entry.actor,
            "actorKind": entry.actor_kind,
            "at": _told(entry.at),
            "correlationId": entry.correlation_id,
            "items": [
                {"fields": item.fields, "ids": item.ids, "scope": item.scope, "type": item.type} for item in entry.items
            ],
            "outcome": entry.outcome,
            "said": entry.said,
            "sequence": record.sequence,
        }
    )


def record(document: str) -> Record:
    """Raises ValueError for anything else than ``document`` makes."""
    try:
        told = json.loads(document)
        items = tuple(
            Item(item["type"], item["scope"], tuple(item["ids"]), tuple(item["fields"])) for item in told["items"]
        )
        return Record(
            told["sequence"],
            Entry(
                datetime.fromisoformat(told["at"]),
                told["actor"],
                told["actorKind"],
                told["account"],
                told["action"],
                items,
                told["correlationId"],
                Outcome(told["outcome"]),
                told["said"],
            ),
        )
    except (LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"no record of ours: {type(error).__name__}") from error


def _told(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError(f"{at} has no offset")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# -- the chain ---------------------------------------------------------------------------------------------------------


def genesis(chain: str) -> Head:
    """Where the chain of that name begins: no chain can stand in for another's."""
    return Head(0, sha256(f"crossdock audit {chain}".encode()).hexdigest())


def hash_of(previous: str, document: str) -> str:
    return sha256((previous + document).encode()).hexdigest()


def linked(entries: Iterable[Entry], head: Head) -> Iterator[Link]:
    """The links that go on from ``head``, in this order. Raises ValueError for what has no document."""
    previous = head.hash
    for sequence, entry in enumerate(entries, head.sequence + 1):
        text = document(Record(sequence, entry))
        link = Link(sequence, entry.at, previous, text, hash_of(previous, text))
        previous = link.hash
        yield link


class Verification:
    """Follows a chain from its first record, one link at a time in the order they are kept: linear, and nothing is
    held. ``checkpoint``: what it was at an earlier time.

    A record at a wrong place is told from a missing one by going on: it turns up later.
    """

    def __init__(self, chain: str, *, checkpoint: Checkpoint | None = None) -> None:
        self.head = genesis(chain)
        """As far as the chain holds."""
        self._checkpoint = checkpoint
        self._found: Break | None = None
        if checkpoint is not None:
            if checkpoint.chain != chain:
                self._found = Break(Kind.ALTERED, 0, f"the checkpoint is of the chain {checkpoint.chain!r}")
            self._check(self.head)

    def take(self, link: Link) -> None:
        if self._found is None:
            self._found = self._broken(link)
            if self._found is None:
                self.head = Head(link.sequence, link.hash)
                self._check(self.head)
        elif self._found.kind is Kind.MISSING and _sequence(link) == self._found.sequence:
            self._found = Break(Kind.REORDERED, self._found.sequence, "it stands later in the chain")

    def outcome(self, head: Head | None = None) -> Break | None:
        """None: the chain holds. ``head``: the end it was kept with. Without that and a checkpoint records may be
        missing from the end, and nobody can tell.
        """
        return self._found or (self._ends(head, "the chain's head") if head else None) or self._reaches()

    def _broken(self, link: Link) -> Break | None:
        place = self.head.sequence + 1
        if hash_of(link.previous, link.document) != link.hash:
            return Break(Kind.ALTERED, place, "its hash is not that of its content")
        try:
            told = record(link.document)
        except ValueError as error:
            return Break(Kind.ALTERED, place, str(error))
        if told.sequence != place:
            return Break(Kind.MISSING, place, f"record {told.sequence} stands in its place")
        if link.previous != self.head.hash:
            if place == 1:
                return Break(Kind.ALTERED, place, "it begins another chain")
            return Break(Kind.ALTERED, place - 1, f"record {place} continues another; one of the two was rewritten")
        if (link.sequence, link.at) != (place, told.entry.at):
            return Break(Kind.ALTERED, place, "it is filed under another place or time than it tells")
        return None

    def _check(self, head: Head) -> None:
        """Looks whether the chain is what it was at the checkpoint."""
        if self._found is None and self._checkpoint is not None and head.sequence == self._checkpoint.sequence:
            self._found = self._ends(self._checkpoint.head, "the checkpoint")

    def _reaches(self) -> Break | None:
        end = self._checkpoint
        return self._ends(end.head, "the checkpoint") if end and end.sequence > self.head.sequence else None

    def _ends(self, end: Head, name: str) -> Break | None:
        ours = self.head
        if end.sequence > ours.sequence:
            return Break(Kind.TRUNCATED, ours.sequence + 1, f"{name} tells of {end.sequence} records")
        if end.sequence < ours.sequence:
            return Break(Kind.ALTERED, end.sequence + 1, f"{name} tells of {end.sequence} records, and there are more")
        if end.hash != ours.hash:
            return Break(Kind.ALTERED, ours.sequence, f"{name} tells another hash: it, or one before it, was rewritten")
        return None


def verify(
    links: Iterable[Link], chain: str, *, head: Head | None = None, checkpoint: Checkpoint | None = None
) -> Break | None:
    """None: the chain holds, as far as ``head`` and ``checkpoint`` can tell."""
    verification = Verification(chain, checkpoint=checkpoint)
    for link in links:
        verification.take(link)
    return verification.outcome(head)


def _sequence(link: Link) -> int | None:
    try:
        return record(link.document).sequence
    except ValueError:
        return None


# -- checkpoints and exports -------------------------------------------------------------------------------------------


def sealed(checkpoint: Checkpoint, key: bytes | None = None) -> str:
    """A checkpoint as one line; with a key, signed by it (HMAC-SHA-256 over the line without its signature)."""
    told = asdict(checkpoint) | {"at": _told(checkpoint.at)}
    return canonical(told if key is None else told | {"signature": _signature(told, key)})


def unsealed(text: str, key: bytes | None = None) -> Checkpoint:
    """Raises ValueError for what is no checkpoint, or with a key for one not signed by it."""
    try:
        told = json.loads(text)
        signature = told.pop("signature", "")
        if key is not None and not hmac.compare_digest(str(signature).encode(), _signature(told, key).encode()):
            raise ValueError("the checkpoint is not signed by this key")
        return Checkpoint(told["chain"], int(told["sequence"]), told["hash"], datetime.fromisoformat(told["at"]))
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("this is no checkpoint") from error


def _signature(told: Mapping[str, Any], key: bytes) -> str:
    return hmac.new(key, canonical(told).encode(), sha256).hexdigest()


def exported(link: Link) -> str:
    """A link as one line. The record is told as it is kept, so that its hash can be checked from the line alone."""
    return canonical({"document": link.document, "hash": link.hash, "previous": link.previous})


def mention(id_: str) -> str:
    """How an id stands in a document."""
    return _ENCODER.encode(id_)


def saw(record: Record, type_: str, id_: str) -> Sequence[Item]:
    """What of the record is about this entity."""
    return [item for item in record.entry.items if item.type == type_ and id_ in item.ids]
