"""Makes a delivery of a broker's message without reading its body: which id it goes by, and what is kept of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from domain.events import OURS, Delivery

ID_HEADERS = ("nats-msg-id", "webhook-id")
EVENT_ID_HEADERS = ("ce-id", "ce_id", "cloudevents:id", "cloudevents_id")
"""As the bindings of CloudEvents 1.0 to HTTP and NATS, Kafka, and AMQP write it."""

EVENT_SOURCE_HEADERS = ("ce-source", "ce_source", "cloudevents:source", "cloudevents_source")
TYPE_HEADERS = ("ce-type", "ce_type", "cloudevents:type", "cloudevents_type")
CORRELATION_HEADERS = ("x-correlation-id", "correlation-id", "correlation_id")
KEPT = frozenset({*ID_HEADERS, "content-type", "traceparent", "webhook-timestamp", *CORRELATION_HEADERS})
KEPT_FAMILIES = ("ce-", "ce_", "cloudevents:", "cloudevents_")
LONGEST = 200
"""Characters of an id, above which its digest stands for it, and of a kept header."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as its broker hands it over.

    ``id``: the broker's own field for the sender's id, if it has one. ``place``: where the message lies in the broker's
    log, the same at each redelivery; empty where the broker has no log.
    """

    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    id: str | None = None
    place: str = ""


def delivery_of(message: Message, *, source: str, received_at: datetime) -> Delivery:
    """Any message makes one that can be stored, its body whole: a header that a store might refuse is left out, and its
    digest stands for such an id. So a poison message reaches the worker, which buries it where people find it.
    """
    headers = {name.lower(): value for name, value in message.headers.items()}
    kept = {name: value for name, value in headers.items() if _is_kept(name) and _is_plain(value)}
    return Delivery(
        source=source,
        external_id=_id(message, headers),
        topic=_topic(_first(kept, TYPE_HEADERS) or ""),
        received_at=received_at,
        body=message.body,
        headers=kept,
        correlation_id=_first(kept, CORRELATION_HEADERS),
    )


def _topic(told: str) -> str:
    """Names of ours are for what we observe ourselves: nobody else's word is a fact before it is read."""
    return "" if told.startswith(OURS) else told


def _id(message: Message, headers: Mapping[str, str]) -> str:
    """The sender's own id; else its place in the log, as two equal bodies may tell of two things; else its digest.

    A Kafka key is none of these: it names whom a message is about. An event's id is unique within its source only.
    """
    if given := _first(headers, ID_HEADERS):
        return _short(given)
    if given := _first(headers, EVENT_ID_HEADERS):
        origin = _first(headers, EVENT_SOURCE_HEADERS)
        return _short(f"{origin}#{given}" if origin else given)
    if given := message.id or message.place:
        return _short(given)
    return sha256(message.body).hexdigest()


def _short(id_: str) -> str:
    return id_ if _is_plain(id_) else sha256(id_.encode(errors="surrogatepass")).hexdigest()


def _is_kept(name: str) -> bool:
    return name in KEPT or (name.startswith(KEPT_FAMILIES) and _is_plain(name))


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= LONGEST and text.isprintable()


def _first(headers: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((headers[name] for name in names if headers.get(name)), None)
