"""Every kind of broker keeps the same promise: what goes out by one of our outlets comes in by one of our lines.

Redis is Valkey, from its wheel. There is no wheel of RabbitMQ or Kafka that a build could rest on, so they are tested
where `TEST_AMQP_URL` and `TEST_KAFKA_URL` name one; the latter must make topics by itself.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from ingest.broker_lines import BrokerConfig, Outlet, PublishConfig, kind
from tests.brokers import eventually, free_port, nats_server, valkey_server
from tests.ingest.test_brokers import Inbox, connected, listening, persistently

JSON = "application/json"
BODIES = (b'{"a":1}', b"\x00\xff\xfe", b"{" * 100, b"x" * 900_000, b'{"a":1}')


@pytest.fixture(params=["nats", "redis", "amqp", "kafka"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    match request.param:
        case "nats":
            async with nats_server(tmp_path) as nats:
                yield nats.url
        case "redis":
            async with valkey_server(tmp_path) as valkey:
                yield valkey.url
        case name:
            variable = f"TEST_{name.upper()}_URL"
            if variable not in os.environ:
                pytest.skip(f"{variable} names no server")
            yield os.environ[variable]


@asynccontextmanager
async def open_outlet(url: str, subject: str) -> AsyncIterator[Outlet]:
    outlet = kind(url).outlet(PublishConfig(url, subject), lambda _: None)
    await outlet.open()
    try:
        yield outlet
    finally:
        await outlet.close()


async def test_what_is_published_is_heard_whole_and_once_though_storing_fails_at_first(url: str) -> None:
    inbox, subject = Inbox(failures=2), f"events_{uuid4().hex}"
    async with (
        open_outlet(url, subject) as outlet,
        listening(BrokerConfig("erp", url, subject, "erp", f"crossdock-{subject}"), inbox) as brokers,
    ):
        await connected(brokers)
        for number, body in enumerate(BODIES):
            await outlet.send(f"main/{number}/0", "4711", JSON, body)
        await eventually(lambda: len(inbox.kept) == len(BODIES))
        await eventually(lambda: brokers.health()["erp"].last_error is None)
    assert sorted(each.body for each in inbox.kept.values()) == sorted(BODIES)
    assert {each.headers.get("content-type") for each in inbox.kept.values()} == {JSON}


async def test_what_was_acknowledged_does_not_come_again_at_the_next_start(url: str) -> None:
    subject = f"events_{uuid4().hex}"
    config = BrokerConfig("erp", url, subject, "erp", f"crossdock-{subject}")
    before, after = Inbox(), Inbox()
    async with open_outlet(url, subject) as outlet:
        await outlet.send("main/1/0", "4711", JSON, b"first")
        async with listening(config, before) as brokers:
            await eventually(lambda: before.bodies() == {b"first"})
            await eventually(lambda: brokers.health()["erp"].connected and not brokers.health()["erp"].pending)
        async with listening(config, after):
            await outlet.send("main/2/0", "4711", JSON, b"second")
            await eventually(lambda: after.bodies() == {b"second"})
    assert len(after.offered) == 1


@pytest.mark.parametrize("scheme", ["nats", "redis", "amqp", "kafka"])
async def test_a_broker_that_is_down_is_told_in_health_and_without_its_password(scheme: str) -> None:
    url = f"{scheme}://crossdock:hunter2@127.0.0.1:{free_port()}"
    async with listening(BrokerConfig("erp", url, "erp.events", "erp"), Inbox()) as brokers:
        await eventually(lambda: brokers.health()["erp"].last_error is not None)
        assert not brokers.health()["erp"].connected
        assert "hunter2" not in repr(brokers.health())


async def test_redis_loses_nothing_while_it_is_killed_and_comes_back(tmp_path: Path) -> None:
    inbox = Inbox()
    async with valkey_server(tmp_path) as valkey:
        config = BrokerConfig("erp", valkey.url, "erp.events", "erp")
        async with listening(config, inbox) as brokers, open_outlet(valkey.url, "erp.events") as outlet:
            await connected(brokers)
            published: set[bytes] = set()
            for number in range(100):
                if number == 50:
                    valkey.kill()
                    await eventually(lambda: not brokers.health()["erp"].connected)
                    await valkey.start()
                body = b"message %d" % number
                await persistently(partial(outlet.send, f"main/{number}/0", "4711", JSON, body))
                published.add(body)
            await eventually(lambda: inbox.bodies() >= published)
    assert inbox.bodies() == published
