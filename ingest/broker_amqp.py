"""RabbitMQ and other AMQP 0-9-1 brokers through FastStream: one durable queue, and publishing with confirmation.

A message that cannot be stored is held, not sent back: quorum queues drop what was sent back too often (20 times by
default since RabbitMQ 4.0).
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aio_pika.exceptions import ChannelNotFoundEntity
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

from ingest.broker_lines import BrokerConfig, Line, Look, Outlet, PublishConfig, Report, Take
from ingest.broker_messages import Message

AT_ONCE = 256
HELD = 1_200.0
"""Seconds a message is held; RabbitMQ takes it back after 30 minutes (``consumer_timeout``)."""

CONFIRMED_WITHIN = 5.0
PING = 1.0


def line(config: BrokerConfig, take: Take, report: Report) -> Line:  # noqa: ARG001 (opening it tells what is wrong)
    return AmqpLine(config, take)


def outlet(config: PublishConfig, report: Report) -> Outlet:  # noqa: ARG001 (as above)
    return AmqpOutlet(config)


class AmqpLine:
    patience = HELD

    def __init__(self, config: BrokerConfig, take: Take) -> None:
        self._queue = config.subject
        self._take = take
        self._broker = _broker(config.url)
        self._subscriber = self._broker.subscriber(
            RabbitQueue(config.subject, declare=False),
            channel=Channel(prefetch_count=AT_ONCE),
            ack_policy=AckPolicy.NACK_ON_ERROR,
            decoder=_whole,
            no_reply=True,
        )
        self._subscriber(self._store)

    async def open(self) -> None:
        await ensure_queue(self._broker, self._queue)
        await self._broker.start()

    async def look(self) -> Look:
        """How much waits is the queue's business and not ours to know."""
        if not self._subscriber.running or not await self._broker.ping(PING):
            raise ConnectionError("not connected")
        return Look()

    async def close(self) -> None:
        with suppress(Exception):
            await self._broker.stop()

    async def _store(self, message: RabbitMessage) -> None:
        raw = message.raw_message
        await self._take([Message(raw.body, _headers(raw.headers, raw.content_type), id=raw.message_id)])


class AmqpOutlet:
    risks: tuple[str, ...] = ()

    def __init__(self, config: PublishConfig) -> None:
        self._config = config
        self._broker = _broker(config.url)

    async def open(self) -> None:
        await ensure_queue(self._broker, self._config.subject)
        await self._broker.start()

    async def send(self, id_: str, key: str, content_type: str, body: bytes) -> None:  # noqa: ARG002 (one queue, one order)
        """Returns once the queue has it on its disk."""
        await self._broker.publish(
            body,
            self._config.subject,
            message_id=id_,
            content_type=content_type,
            persist=True,
            mandatory=True,
            timeout=CONFIRMED_WITHIN,
        )

    async def close(self) -> None:
        with suppress(Exception):
            await self._broker.stop()


async def ensure_queue(broker: RabbitBroker, name: str) -> None:
    """Makes the queue if there is none; one that exists, of whatever kind, is left as it is."""
    connection = await broker.connect()
    try:
        async with connection.channel() as channel:
            await channel.declare_queue(name, passive=True)
    except ChannelNotFoundEntity:
        async with connection.channel() as channel:
            await channel.declare_queue(name, durable=True)


def _broker(url: str) -> RabbitBroker:
    return RabbitBroker(
        url,
        default_channel=Channel(publisher_confirms=True, on_return_raises=True),
        graceful_timeout=5.0,
        logger=None,
        apply_types=False,
    )


def _headers(headers: Mapping[str, Any], content_type: str | None) -> Mapping[str, str]:
    told = {name: value for name, value in headers.items() if isinstance(value, str)}
    return told | ({"content-type": content_type} if content_type else {})


async def _whole(message: RabbitMessage) -> RabbitMessage:
    """Decodes nothing: what a message says is for its feed to read, once it is stored."""
    return message
