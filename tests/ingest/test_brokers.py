"""What a broker hands over is stored before it is acknowledged, whatever happens to the broker, the store or us."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from nats.js.api import ConsumerConfig, StorageType, StreamConfig

from domain.events import Delivery
from ingest.broker_lines import BrokerConfig
from ingest.brokers import BrokerHealth, Brokers, Rhythm
from ingest.observer import Outcome, Silence
from tests.brokers import NatsServer, eventually, free_port, nats_client, nats_server

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
QUICK = Rhythm(look=0.1, pause=0.05, backoff=0.05, longest=0.2)
SUBJECT = "erp.events"


class Inbox:
    """Keeps deliveries by source and id, as the store does. ``failures``: how many more calls fail."""

    def __init__(self, failures: int = 0) -> None:
        self.kept: dict[tuple[str, str], Delivery] = {}
        self.offered: list[Delivery] = []
        self.failures = failures

    async def accept(self, deliveries: Sequence[Delivery]) -> int:
        self.offered.extend(deliveries)
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        before = len(self.kept)
        for each in deliveries:
            self.kept.setdefault((each.source, each.external_id), each)
        return len(self.kept) - before

    def bodies(self) -> set[bytes]:
        return {each.body for each in self.kept.values()}


class Outcomes(Silence):
    def __init__(self) -> None:
        self.seen: list[Outcome] = []

    def delivered(self, source: str, outcome: Outcome) -> None:
        self.seen.append(outcome)


@asynccontextmanager
async def listening(config: BrokerConfig, inbox: Inbox, outcomes: Outcomes | None = None) -> AsyncIterator[Brokers]:
    brokers = Brokers([config], inbox.accept, now=lambda: NOW, observer=outcomes or Outcomes(), rhythm=QUICK)
    brokers.start()
    try:
        yield brokers
    finally:
        await brokers.stop()


def erp(url: str, subject: str = SUBJECT, stream: str = "") -> BrokerConfig:
    return BrokerConfig("erp", url, subject, "erp", "crossdock-erp", stream)


async def connected(brokers: Brokers) -> BrokerHealth:
    await eventually(lambda: brokers.health()["erp"].connected)
    return brokers.health()["erp"]


async def settled(brokers: Brokers) -> None:
    """The broker has seen everything acknowledged."""
    await eventually(lambda: brokers.health()["erp"].pending == 0)


async def persistently(attempt: Callable[[], Awaitable[object]]) -> None:
    """As a sender does that must be heard: again until it is acknowledged."""
    async with asyncio.timeout(30):
        while True:
            try:
                await attempt()
            except Exception:  # noqa: BLE001 (whatever a broker that is down answers)
                await asyncio.sleep(0.05)
            else:
                return


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path) as server:
        yield server


async def test_nothing_is_lost_while_the_broker_is_killed_and_comes_back(nats: NatsServer) -> None:
    inbox = Inbox()
    async with listening(erp(nats.url), inbox) as brokers, nats_client(nats.url) as sender:
        await connected(brokers)
        jetstream = sender.jetstream()
        published: set[bytes] = set()
        for number in range(200):
            if number == 100:
                nats.kill()
                await eventually(lambda: not brokers.health()["erp"].connected)
                await nats.start()
            body = b"message %d" % number
            await persistently(partial(jetstream.publish, SUBJECT, body, timeout=1))
            published.add(body)
        await eventually(lambda: inbox.bodies() >= published)
        await settled(brokers)
    assert inbox.bodies() == published


async def test_a_message_that_cannot_be_stored_comes_again(nats: NatsServer) -> None:
    inbox, outcomes = Inbox(failures=1), Outcomes()
    async with listening(erp(nats.url), inbox, outcomes) as brokers, nats_client(nats.url) as sender:
        await connected(brokers)
        await sender.jetstream().publish(SUBJECT, b"once more")
        await eventually(lambda: inbox.bodies() == {b"once more"})
        await settled(brokers)
        assert brokers.health()["erp"].last_error is None
    assert outcomes.seen == [Outcome.UNAVAILABLE, Outcome.ACCEPTED]


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xfe", b"{" * 1000, b"x" * 1_000_000], ids=["empty", "binary", "truncated", "large"]
)
async def test_a_poison_message_is_kept_whole_and_does_not_come_again(nats: NatsServer, body: bytes) -> None:
    inbox = Inbox()
    async with listening(erp(nats.url), inbox) as brokers, nats_client(nats.url) as sender:
        await connected(brokers)
        await sender.jetstream().publish(SUBJECT, body, headers={"ce-type": "no\ttopic", "X-Correlation-Id": "c" * 500})
        await sender.jetstream().publish(SUBJECT, b"the next")
        await eventually(lambda: inbox.bodies() == {body, b"the next"})
        await settled(brokers)
    assert len(inbox.offered) == 2


async def test_two_messages_without_an_id_and_with_equal_bodies_are_two_deliveries(nats: NatsServer) -> None:
    inbox = Inbox()
    async with listening(erp(nats.url), inbox) as brokers, nats_client(nats.url) as sender:
        await connected(brokers)
        for _ in range(2):
            await sender.jetstream().publish(SUBJECT, b"again")
        await eventually(lambda: len(inbox.kept) == 2)


async def test_what_comes_twice_under_one_message_id_is_one_delivery(nats: NatsServer) -> None:
    inbox, outcomes = Inbox(), Outcomes()
    async with nats_client(nats.url) as sender:
        jetstream = sender.jetstream()
        forgetful = StreamConfig(name="ERP", subjects=["erp.>"], storage=StorageType.FILE, duplicate_window=0.1)
        await jetstream.add_stream(forgetful)
        async with listening(erp(nats.url), inbox, outcomes) as brokers:
            await connected(brokers)
            stored = 0
            async with asyncio.timeout(30):
                while stored < 2:
                    ack = await jetstream.publish(SUBJECT, b"one", headers={"Nats-Msg-Id": "4711"})
                    stored += not ack.duplicate
            await eventually(lambda: len(inbox.offered) == 2)
    assert set(inbox.kept) == {("erp", "4711")}
    assert outcomes.seen == [Outcome.ACCEPTED, Outcome.REPEATED]


async def test_a_consumer_that_was_deleted_is_noticed_and_made_again(nats: NatsServer) -> None:
    inbox = Inbox()
    async with listening(erp(nats.url), inbox) as brokers, nats_client(nats.url) as sender:
        await connected(brokers)
        jetstream = sender.jetstream()
        await jetstream.delete_consumer("CROSSDOCK_ERP", "crossdock-erp")
        await jetstream.publish(SUBJECT, b"while nobody listens")
        await eventually(lambda: inbox.bodies() == {b"while nobody listens"})
        assert (await jetstream.consumer_info("CROSSDOCK_ERP", "crossdock-erp")).config.max_deliver == -1


async def test_a_stream_that_was_deleted_is_made_again(nats: NatsServer) -> None:
    inbox = Inbox()
    async with listening(erp(nats.url), inbox) as brokers, nats_client(nats.url) as sender:
        await connected(brokers)
        jetstream = sender.jetstream()
        await jetstream.delete_stream("CROSSDOCK_ERP")
        await persistently(partial(jetstream.publish, SUBJECT, b"after all", timeout=1))
        await eventually(lambda: inbox.bodies() == {b"after all"})


async def test_what_came_before_we_were_there_is_heard(nats: NatsServer) -> None:
    inbox = Inbox()
    async with nats_client(nats.url) as sender:
        await sender.jetstream().add_stream(StreamConfig(name="ERP", subjects=["erp.>"], storage=StorageType.FILE))
        await sender.jetstream().publish(SUBJECT, b"early")
        async with listening(erp(nats.url), inbox):
            await eventually(lambda: inbox.bodies() == {b"early"})


async def test_two_replicas_share_the_messages_of_one_consumer(nats: NatsServer) -> None:
    inbox = Inbox()
    async with (
        listening(erp(nats.url), inbox) as one,
        listening(erp(nats.url), inbox) as other,
        nats_client(nats.url) as sender,
    ):
        await connected(one)
        await connected(other)
        for number in range(20):
            await sender.jetstream().publish(SUBJECT, b"%d" % number)
        await eventually(lambda: len(inbox.kept) == 20)
        await settled(one)
    assert len(inbox.offered) == 20


async def test_health_warns_of_a_stream_that_is_kept_in_memory(nats: NatsServer) -> None:
    async with nats_client(nats.url) as sender:
        await sender.jetstream().add_stream(StreamConfig(name="ERP", subjects=["erp.>"], storage=StorageType.MEMORY))
    async with listening(erp(nats.url), Inbox()) as brokers:
        assert (await connected(brokers)).warnings == (
            "stream ERP is kept in memory: a restart of the broker loses it",
        )


async def test_health_warns_of_a_consumer_that_gives_up_on_messages(nats: NatsServer) -> None:
    async with nats_client(nats.url) as sender:
        jetstream = sender.jetstream()
        await jetstream.add_stream(StreamConfig(name="ERP", subjects=["erp.>"], storage=StorageType.FILE))
        hasty = ConsumerConfig(
            durable_name="crossdock-erp",
            deliver_group="crossdock-erp",
            deliver_subject="_INBOX.hasty",
            ack_wait=10,
            max_deliver=3,
            filter_subject=SUBJECT,
        )
        await jetstream.add_consumer("ERP", hasty)
    async with listening(erp(nats.url), Inbox()) as brokers:
        assert (await connected(brokers)).warnings == ("max_deliver of consumer crossdock-erp is 3, not -1",)


@pytest.mark.parametrize(("held", "warned"), [("other", True), ("erp.*", False), ("erp", True), ("erp.>", False)])
async def test_health_warns_of_a_stream_that_does_not_hold_the_subject(
    nats: NatsServer, held: str, warned: bool
) -> None:
    async with nats_client(nats.url) as sender:
        await sender.jetstream().add_stream(StreamConfig(name="OTHER", subjects=[held], storage=StorageType.FILE))
    async with listening(erp(nats.url, stream="OTHER"), Inbox()) as brokers:
        warnings = (await connected(brokers)).warnings
        assert warnings == (("stream OTHER does not hold erp.events",) if warned else ())


async def test_a_broker_that_is_down_delays_no_other_and_is_heard_once_it_is_up(tmp_path: Path) -> None:
    inbox = Inbox()
    (tmp_path / "down").mkdir()
    down = NatsServer(tmp_path / "down", free_port())
    async with nats_server(tmp_path) as up:
        secret = down.url.replace("nats://", "nats://crossdock:hunter2@")
        configs = [erp(up.url), BrokerConfig("wms", secret, "wms.events", "wms")]
        brokers = Brokers(configs, inbox.accept, now=lambda: NOW, observer=Silence(), rhythm=QUICK)
        brokers.start()
        try:
            await connected(brokers)
            await eventually(lambda: brokers.health()["wms"].last_error is not None)
            assert not brokers.health()["wms"].connected
            assert "hunter2" not in repr((brokers.health(), configs))
            await down.start()
            await eventually(lambda: brokers.health()["wms"].connected)
            assert brokers.health()["wms"].last_error is None
        finally:
            await brokers.stop()
            down.kill()
