"""NATS JetStream through FastStream: a durable push consumer that never gives up on a message, and publishing with
acknowledgement.

Push, not pull: a pull takes a message with a ``Status`` header for one of its own signals and loses it (nats-py 2.16).
FastStream uses whatever consumer it finds, so we look ourselves whether it is the one we need; and it would overwrite
the configuration of a stream that exists, so it is told to make none.

What a client cannot see: whether the server syncs to the disk before it acknowledges. It must be configured with
``jetstream { sync_interval: always }``; by default an acknowledged message may be lost with the power.
"""

import asyncio
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from faststream import AckPolicy
from faststream.nats import AckPolicy as JetStreamAck
from faststream.nats import ConsumerConfig, DeliverPolicy, JStream, NatsBroker, NatsMessage, StorageType, StreamConfig
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from ingest.broker_lines import BrokerConfig, Line, Look, Outlet, PublishConfig, Report, Take, addresses
from ingest.broker_messages import Message

ACK_WAIT = 10.0
"""Seconds after which the server sends again what was not acknowledged; should storing ever take longer, what comes
again is a repetition.
"""

SETTLING = 0.05

ANSWERED_WITHIN = 5.0
AT_ONCE = 256
"""Messages under way: with 1 MiB each, what one broker may cost us in memory."""


def line(config: BrokerConfig, take: Take, report: Report) -> Line:
    return NatsLine(config, take, report)


def outlet(config: PublishConfig, report: Report) -> Outlet:
    return NatsOutlet(config, report)


class NatsLine:
    patience = 0.0

    def __init__(self, config: BrokerConfig, take: Take, report: Report) -> None:
        self._config = config
        self._take = take
        self._broker = _broker(config.url, report)
        self._stream = config.stream
        self._risks: tuple[str, ...] = ()

    async def open(self) -> None:
        config = self._config
        await self._broker.connect()
        stream = await ensure_stream(self._broker, config.stream, config.subject, f"CROSSDOCK_{config.name.upper()}")
        self._stream, self._risks = stream.name or "", risks(stream, self._config.subject)
        subscriber = self._broker.subscriber(
            config.subject,
            queue=config.durable,
            stream=JStream(self._stream, declare=False),
            config=wanted(config, self._stream),
            ack_policy=AckPolicy.NACK_ON_ERROR,
            decoder=_whole,
            max_workers=AT_ONCE,
            no_reply=True,
        )
        subscriber(self._store)
        await self._broker.start()
        while not (await self._consumer()).push_bound:  # noqa: ASYNC110 (the server tells nobody when it is)
            await asyncio.sleep(SETTLING)

    async def look(self) -> Look:
        """Raises too where the consumer was deleted: opened anew, the line makes it again."""
        info = await self._consumer()
        if not info.push_bound:
            raise ConnectionError(f"consumer {self._config.durable} delivers to nobody")
        pending = (info.num_pending or 0) + (info.num_ack_pending or 0)
        return Look(pending, (*self._risks, *drift(wanted(self._config, self._stream), info.config)))

    async def close(self) -> None:
        await _close(self._broker)

    async def _consumer(self) -> ConsumerInfo:
        client = self._broker.connection
        if not client.is_connected:
            raise ConnectionError("not connected")
        info: ConsumerInfo = await client.jetstream().consumer_info(self._stream, self._config.durable)
        return info

    async def _store(self, message: NatsMessage) -> None:
        at = message.raw_message.metadata
        place = f"{at.stream}/{at.sequence.stream}/{at.timestamp.isoformat()}"
        await self._take([Message(message.raw_message.data, message.raw_message.header or {}, place=place)])


class NatsOutlet:
    """Publishes to a stream, whose server drops what it has had by the same id for two minutes."""

    def __init__(self, config: PublishConfig, report: Report) -> None:
        self._config = config
        self._broker = _broker(config.url, report)
        self._stream = config.stream
        self.risks: tuple[str, ...] = ()

    async def open(self) -> None:
        await self._broker.connect()
        stream = await ensure_stream(self._broker, self._config.stream, self._config.subject, "CROSSDOCK_EVENTS")
        self._stream, self.risks = stream.name or "", risks(stream, self._config.subject)

    async def send(self, id_: str, key: str, content_type: str, body: bytes) -> None:  # noqa: ARG002 (one subject, one order)
        headers = {"Nats-Msg-Id": id_, "content-type": content_type}
        await self._broker.publish(
            body, self._config.subject, headers=headers, stream=self._stream, timeout=ANSWERED_WITHIN
        )

    async def close(self) -> None:
        await _close(self._broker)


def wanted(config: BrokerConfig, stream: str) -> ConsumerConfig:
    """The consumer as it must be: everything from the beginning, for ever, until it is acknowledged.

    It delivers to a fixed subject, so that replicas which make it at the same time make the same one.
    """
    return ConsumerConfig(
        durable_name=config.durable,
        deliver_group=config.durable,
        deliver_subject=f"_INBOX.crossdock.{stream}.{config.durable}",
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=JetStreamAck.EXPLICIT,
        ack_wait=ACK_WAIT,
        max_deliver=-1,
        max_ack_pending=AT_ONCE,
        filter_subject=config.subject,
    )


COMPARED = ("ack_policy", "ack_wait", "max_deliver", "filter_subject", "deliver_group", "headers_only")
"""What of a consumer could lose, hide or misdirect messages, were it otherwise."""


def drift(ours: ConsumerConfig, theirs: ConsumerConfig) -> tuple[str, ...]:
    """Where the consumer that exists differs from the one we would make."""
    pairs = ((name, _plain(getattr(theirs, name)), _plain(getattr(ours, name))) for name in COMPARED)
    return tuple(
        f"{name} of consumer {ours.durable_name} is {there}, not {here}" for name, there, here in pairs if there != here
    )


def risks(stream: StreamConfig, subject: str) -> tuple[str, ...]:
    """Why what is published on ``subject`` might not be in the stream, or not for long."""
    found = []
    if stream.storage != StorageType.FILE:
        found.append(f"stream {stream.name} is kept in memory: a restart of the broker loses it")
    if stream.subjects and not any(_covers(pattern, subject) for pattern in stream.subjects):
        found.append(f"stream {stream.name} does not hold {subject}")
    return tuple(found)


def _covers(pattern: str, subject: str) -> bool:
    for each, token in zip_longest(pattern.split("."), subject.split(".")):
        if each == ">":
            return token is not None
        if each != token and (each != "*" or token is None):
            return False
    return True


def _plain(value: Any) -> Any:
    return getattr(value, "value", value) or None


async def ensure_stream(broker: NatsBroker, name: str, subject: str, ours: str) -> StreamConfig:
    """The stream ``name``, or whichever holds ``subject``; where there is none, it is made, by the name ``ours`` if it
    has no other. One that exists belongs to whoever made it, and is left as it is.
    """
    jetstream = broker.connection.jetstream()
    try:
        found = await jetstream.stream_info(name or await jetstream.find_stream_name_by_subject(subject))
    except NotFoundError:
        made = StreamConfig(name=name or ours, subjects=[subject], storage=StorageType.FILE)
        found = await jetstream.add_stream(made)
    return found.config


def _broker(url: str, report: Report) -> NatsBroker:
    async def hear(error: Exception) -> None:
        report(error)

    return NatsBroker(
        addresses(url),
        error_cb=hear,
        max_reconnect_attempts=-1,
        reconnect_time_wait=1,
        graceful_timeout=5.0,
        logger=None,
        apply_types=False,
    )


async def _close(broker: NatsBroker) -> None:
    """Even where the server no longer answers a goodbye."""
    with suppress(Exception):
        client = broker.connection
        with suppress(Exception):
            await broker.stop()
        if not client.is_closed:
            await client.close()


async def _whole(message: NatsMessage) -> NatsMessage:
    """Decodes nothing: what a message says is for its feed to read, once it is stored."""
    return message
