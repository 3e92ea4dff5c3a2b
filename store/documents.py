"""Domain objects as text and back: canonical JSON, so that equal objects are equal bytes in every database."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from domain.changes import Change
from domain.dossier import Dossier
from domain.events import SUBJECTS, Fact, Resolved, Subject, Withdrawn
from domain.model import Customer, Invoice, Return

ENCODER: Final = msgspec.json.Encoder(decimal_format="string")

NAMES: Mapping[type, str] = {**SUBJECTS, Withdrawn: "WITHDRAWN", Resolved: "RESOLVED"}
FACTS: Mapping[str, type] = {name: kind for kind, name in NAMES.items()}
"""What a fact's envelope says it holds."""


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    subject: str
    fact: msgspec.Raw


_FACTS: Mapping[str, msgspec.json.Decoder[Any]] = {name: msgspec.json.Decoder(kind) for name, kind in FACTS.items()}
_ENVELOPE = msgspec.json.Decoder(Envelope)
_DOSSIER = msgspec.json.Decoder(Dossier)
_CHANGE = msgspec.json.Decoder(Change)
_RECORDS: Mapping[Subject, msgspec.json.Decoder[Any]] = {
    Subject.INVOICE: msgspec.json.Decoder(Invoice),
    Subject.RETURN: msgspec.json.Decoder(Return),
    Subject.CUSTOMER: msgspec.json.Decoder(Customer),
}
_COUNTS = msgspec.json.Decoder(dict[str, int])
_HEADERS = msgspec.json.Decoder(dict[str, str])


def encode(value: object) -> str:
    return ENCODER.encode(value).decode()


def encode_fact(fact: Fact) -> bytes:
    """A fact in an envelope that says what it is: the body of an observation."""
    return ENCODER.encode({"subject": NAMES[type(fact)], "fact": fact})


def decode_fact(body: bytes) -> Fact:
    """Raises ValueError, which names the path, for anything else than ``encode_fact`` makes."""
    envelope = _ENVELOPE.decode(body)
    if envelope.subject not in _FACTS:
        raise ValueError(f"$.subject: {envelope.subject[:100]!r} is none of {', '.join(FACTS)}")
    fact: Fact = _FACTS[envelope.subject].decode(envelope.fact)
    return fact


def decode_dossier(document: str) -> Dossier:
    return _DOSSIER.decode(document)


def decode_record(subject: Subject, document: str) -> Invoice | Return | Customer:
    record: Invoice | Return | Customer = _RECORDS[subject].decode(document)
    return record


def decode_change(document: str) -> Change:
    return _CHANGE.decode(document)


def decode_counts(document: str) -> dict[str, int]:
    return _COUNTS.decode(document)


def decode_headers(document: str) -> dict[str, str]:
    return _HEADERS.decode(document)
