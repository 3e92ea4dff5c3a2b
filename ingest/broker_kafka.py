"""Kafka through FastStream: one consumer group, offsets committed only after their messages are stored, and publishing
that waits for every in-sync replica.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from ssl import create_default_context
from typing import Any
from urllib.parse import unquote, urlsplit

from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext

from ingest.broker_lines import BrokerConfig, Line, Look, Outlet, PublishConfig, Report, Take, addresses, scheme
from ingest.broker_messages import Message

AT_ONCE = 256


def line(config: BrokerConfig, take: Take, report: Report) -> Line:  # noqa: ARG001 (opening it tells what is wrong)
    return KafkaLine(config, take)


def outlet(config: PublishConfig, report: Report) -> Outlet:  # noqa: ARG001 (as above)
    return KafkaOutlet(config)


class KafkaLine:
    """Messages come in batches: a batch is stored as a whole or read again, as an offset acknowledges all before it."""

    patience = 0.0

    def __init__(self, config: BrokerConfig, take: Take) -> None:
        self._take = take
        self._broker = _broker(config.url, publishes=False)
        self._subscriber = self._broker.subscriber(
            config.subject,
            group_id=config.durable,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            batch=True,
            max_records=AT_ONCE,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            parser=_readable,
            decoder=_whole,
            no_reply=True,
        )
        self._subscriber(self._store)

    async def open(self) -> None:
        await self._broker.start()

    async def look(self) -> Look:
        consumer = self._subscriber.consumer
        if consumer is None or not self._subscriber.running:
            raise ConnectionError("not connected")
        await consumer.topics()
        return Look(await _lag(consumer))

    async def close(self) -> None:
        with suppress(Exception):
            await self._broker.stop()

    async def _store(self, message: KafkaMessage) -> None:
        records = message.raw_message if isinstance(message.raw_message, tuple) else (message.raw_message,)
        await self._take([message_of(record) for record in records])


class KafkaOutlet:
    """One key's events keep their order; events of different keys may lie in different partitions."""

    risks: tuple[str, ...] = ()

    def __init__(self, config: PublishConfig) -> None:
        self._config = config
        self._broker = _broker(config.url, publishes=True)

    async def open(self) -> None:
        await self._broker.start()

    async def send(self, id_: str, key: str, content_type: str, body: bytes) -> None:  # noqa: ARG002 (it is in the body)
        """Returns once every in-sync replica has it."""
        await self._broker.publish(
            body, self._config.subject, key=key.encode(), headers={"content-type": content_type}, no_confirm=False
        )

    async def close(self) -> None:
        with suppress(Exception):
            await self._broker.stop()


async def _lag(consumer: Any) -> int | None:
    """What lies behind our committed offsets in the partitions that are ours; None while we have none."""
    ours = consumer.assignment()
    if not ours:
        return None
    ends = await consumer.end_offsets(ours)
    starts = await consumer.beginning_offsets(ours)
    lag = 0
    for partition in ours:
        committed = await consumer.committed(partition)
        lag += ends[partition] - (starts[partition] if committed is None else committed)
    return lag


def _broker(url: str, *, publishes: bool) -> KafkaBroker:
    """Who only listens needs no right to write. Idempotence keeps a repetition by the client from being a second
    message.
    """
    return KafkaBroker(
        [urlsplit(each).netloc.rpartition("@")[2] for each in addresses(url)],
        security=_security(url),
        allow_auto_create_topics=False,
        consumer_only=not publishes,
        enable_idempotence=True,
        graceful_timeout=5.0,
        logger=None,
        apply_types=False,
    )


def _security(url: str) -> BaseSecurity | None:
    """User and password of the first address sign in by SASL PLAIN."""
    first = urlsplit(addresses(url)[0])
    context = create_default_context() if scheme(url) == "kafkas" else None
    if first.username:
        return SASLPlaintext(
            unquote(first.username), unquote(first.password or ""), ssl_context=context, use_ssl=context is not None
        )
    return BaseSecurity(context, use_ssl=True) if context else None


def message_of(record: Any) -> Message:
    place = f"{record.topic}/{record.partition}/{record.offset}/{record.timestamp}"
    return Message(record.value or b"", {name: _text(value) for name, value in record.headers}, place=place)


async def _readable(records: tuple[Any, ...], original: Callable[..., Awaitable[KafkaMessage]]) -> KafkaMessage:
    """A header that is no UTF-8 would fail FastStream's parser, and the batch would be passed over unread."""
    return await original(
        tuple(
            replace(record, headers=[(name, _text(value).encode()) for name, value in record.headers])
            for record in records
        )
    )


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")


async def _whole(message: KafkaMessage) -> KafkaMessage:
    """Decodes nothing: what a message says is for its feed to read, once it is stored."""
    return message
