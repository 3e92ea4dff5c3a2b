"""Redis streams through FastStream: a consumer group, and a second reader that takes up what was left unacknowledged.

An entry's body is its field ``body``, else ``data``, else its only field; its other fields are the headers.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from json import dumps
from os import getpid
from socket import gethostname
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, RedisStreamMessage, StreamSub

from ingest.broker_lines import BrokerConfig, Line, Look, Outlet, PublishConfig, Report, Take
from ingest.broker_messages import Message

AT_ONCE = 256
LEFT_AFTER = 10_000
"""Milliseconds after which an entry that nobody acknowledged is taken up again."""

POLLED = 500
PING = 1.0
BODY = (b"body", b"data")


def line(config: BrokerConfig, take: Take, report: Report) -> Line:  # noqa: ARG001 (opening it tells what is wrong)
    return RedisLine(config, take)


def outlet(config: PublishConfig, report: Report) -> Outlet:  # noqa: ARG001 (as above)
    return RedisOutlet(config)


class RedisLine:
    patience = 5.0

    def __init__(self, config: BrokerConfig, take: Take) -> None:
        self._config = config
        self._take = take
        self._broker = _broker(config.url)
        us = f"{gethostname()}-{getpid()}"
        self._subscribers = tuple(
            self._broker.subscriber(
                stream=StreamSub(
                    config.subject,
                    group=config.durable,
                    consumer=us,
                    polling_interval=POLLED,
                    max_records=AT_ONCE,
                    min_idle_time=idle,
                ),
                ack_policy=AckPolicy.NACK_ON_ERROR,
                parser=_readable,
                decoder=_whole,
                no_reply=True,
                max_workers=AT_ONCE,
            )
            for idle in (None, LEFT_AFTER)
        )
        for subscriber in self._subscribers:
            subscriber(self._store)

    async def open(self) -> None:
        await ensure_group(self._broker, self._config.subject, self._config.durable)
        await self._broker.start()

    async def look(self) -> Look:
        running = all(subscriber.running for subscriber in self._subscribers)
        if not running or not await self._broker.ping(PING):
            raise ConnectionError("not connected")
        client = await self._broker.connect()
        for group in await client.xinfo_groups(self._config.subject):
            if group["name"] == self._config.durable.encode():
                return Look(None if group.get("lag") is None else group["pending"] + group["lag"])
        raise ConnectionError(f"group {self._config.durable} is gone")

    async def close(self) -> None:
        with suppress(Exception):
            await self._broker.stop()

    async def _store(self, message: RedisStreamMessage) -> None:
        body, headers = read_entry(message.raw_message["data"])
        place = f"{self._config.subject}/{_text(message.raw_message['message_ids'][0])}"
        await self._take([Message(body, headers, place=place)])


class RedisOutlet:
    risks: tuple[str, ...] = ()

    def __init__(self, config: PublishConfig) -> None:
        self._config = config
        self._broker = _broker(config.url)

    async def open(self) -> None:
        client = await self._broker.connect()
        await client.ping()

    async def send(self, id_: str, key: str, content_type: str, body: bytes) -> None:
        """Returns once the server has it; whether on its disk is for its ``appendfsync`` to say."""
        client = await self._broker.connect()
        fields: dict[Any, Any] = {"ce-id": id_, "key": key, "content-type": content_type, "body": body}
        await client.xadd(self._config.subject, fields)

    async def close(self) -> None:
        with suppress(Exception):
            await self._broker.stop()


async def ensure_group(broker: RedisBroker, stream: str, group: str) -> None:
    """The group reads from the stream's beginning, so that what came before we were there is not passed over."""
    client = await broker.connect()
    groups = await client.xinfo_groups(stream) if await client.exists(stream) else []
    if group.encode() not in {each["name"] for each in groups}:
        await client.xgroup_create(stream, group, id="0", mkstream=True)


def read_entry(fields: Mapping[bytes, bytes]) -> tuple[bytes, Mapping[str, str]]:
    """An entry's body and headers; where no field is the body, all of them are, as JSON."""
    names = [name for name in BODY if name in fields] or (list(fields) if len(fields) == 1 else [])
    told = {_text(name): _text(value) for name, value in fields.items() if name not in names[:1]}
    return (fields[names[0]], told) if names else (dumps(told).encode(), {})


def _broker(url: str) -> RedisBroker:
    return RedisBroker(url, graceful_timeout=5.0, logger=None, apply_types=False)  # type: ignore[arg-type] # None: silent


async def _readable(raw: Any, original: Callable[..., Awaitable[RedisStreamMessage]]) -> RedisStreamMessage:
    """FastStream's parser looks for its own envelope, and would fail at fields that are no text."""
    message = await original({**raw, "data": {b"__data__": b" "}})
    message.raw_message = raw
    return message


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


async def _whole(message: RedisStreamMessage) -> RedisStreamMessage:
    """Decodes nothing: what a message says is for its feed to read, once it is stored."""
    return message
