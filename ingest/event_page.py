"""Writes the catalogue for people: docs/events.md."""

from collections.abc import Iterator, Mapping

from domain.events import Subject
from ingest.business_events import BusinessEvent
from ingest.catalogue import EVENTS

HEADINGS: Mapping[Subject, str] = {
    Subject.ORDER: "Orders",
    Subject.SHIPMENT: "Shipments",
    Subject.INVOICE: "Invoices",
    Subject.RETURN: "Returns",
    Subject.CUSTOMER: "Customers",
}

TOP = """\
# Business events

Crossdock tells of these events: in the customer's list and timeline, to GraphQL subscribers, and, where
`CROSSDOCK_PUBLISH__URL` names a broker, as CloudEvents to the company's other systems.
[asyncapi.json](asyncapi.json) says the same to tools. Both are written from `ingest/catalogue.py`.

**Told by**: the source systems, each with its own words for what tells of the event; *asked* where a system sends
nothing. **Within**: the latency target, in seconds from when Crossdock hears of it until subscribers do, for 99 of 100
events.
"""

BOTTOM = """\
## What goes out

Each event is one message: CloudEvents 1.0 in structured JSON. Its `type` is `com.crossdock.`, its name, and `.v1`;
what would break a subscriber gets a new version. Its `data` says whose it is (`orderId`, `customerId`), how its status
moved (`before`, `after`) and what is new in the story, in public words. No amount and no price is in it.

- **At least once.** An `id` is `tenant/position/n` and stays the same whenever the event is sent again: drop those you
  have had. NATS drops them for you for two minutes (`Nats-Msg-Id`).
- **In order** over one subject, queue or stream; on Kafka within one order, which is the key.
- **Nothing skipped.** How far the log has been published is kept durably, and moves only once the broker has confirmed.
- Several events may tell of one change: a scan is `shipment.tracked`, and `shipment.delivered` too if the status moved.

## What comes in

Source systems post to `/webhooks/{source}`, signed, or publish to a broker that `CROSSDOCK_BROKERS__<NAME>__URL` names.
Either way a message is stored as it came before it is acknowledged, and read later; one that cannot be read becomes a
dead letter with its raw body. A message is known again by its sender's own id: `webhook-id`, `Nats-Msg-Id`, a
CloudEvents `id`, or AMQP's `message_id`; else by its place in the broker's log, else by its digest.

| Broker | URL | Kept for us while we are away by | Where storing a message fails |
|---|---|---|---|
| NATS JetStream | `nats://` | a durable consumer | it is sent again at once, for ever |
| Kafka | `kafka://`, `kafkas://` | a consumer group | its batch is read again, for ever |
| RabbitMQ | `amqp://`, `amqps://` | the queue | it is held for 20 minutes, then put back |
| Redis | `redis://`, `rediss://` | a consumer group of the stream | it is taken up again after 10 seconds, for ever |

A broker is only as durable as it is configured: JetStream needs file storage and `sync_interval: always`, Redis
`appendonly yes` and `appendfsync always`, RabbitMQ durable queues, Kafka `min.insync.replicas` of 2 or more. Only the
first of these can be seen from outside: a stream that is kept in memory shows as a warning in the broker's health.
"""


def page() -> str:
    """The page, as Markdown."""
    tables = "\n".join(_table(subject) for subject in HEADINGS)
    return f"{TOP}\n{tables}\n{BOTTOM}"


def _table(subject: Subject) -> str:
    return "".join(f"{line}\n" for line in _lines(subject))


def _lines(subject: Subject) -> Iterator[str]:
    yield f"## {HEADINGS[subject]}"
    yield ""
    yield "| Event | Told by | Within | The customer sees |"
    yield "|---|---|---|---|"
    for event in EVENTS:
        if event.subject is subject:
            yield f"| `{event.name}` | {_told_by(event)} | {event.within} s | {event.customer} |"


def _told_by(event: BusinessEvent) -> str:
    return "; ".join(
        f"{teller.system}: {', '.join(f'`{topic}`' for topic in teller.topics) or '*asked*'}"
        for teller in event.tellers
    )
