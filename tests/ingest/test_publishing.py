"""What changes goes out as CloudEvents in the log's order, none skipped, whatever happens to the broker or to us."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from nats.aio.client import Client
from nats.js.api import StorageType, StreamConfig

from domain.changes import Change, Logged
from domain.events import Subject
from domain.model import CustomerId, OrderId
from domain.timeline import TimelineEvent, TimelineKind
from domain.values import Code, Moment
from ingest.broker_lines import PublishConfig
from ingest.canonical_events import canonical
from ingest.publishing import Pace, Publisher
from tests.brokers import NatsServer, eventually, nats_client, nats_server

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
QUICK = Pace(page=10, poll=0.02, backoff=0.05, longest=0.2)
SUBJECT = "crossdock.events"
STREAM = "CROSSDOCK_EVENTS"


def change(number: int, before: str | None = "ALLOCATED", after: str | None = "SHIPPED", **changes: Any) -> Change:
    told: dict[str, Any] = {
        "subject": Subject.ORDER,
        "id": f"SO-{number}",
        "order_id": OrderId(f"SO-{number}"),
        "customer_id": CustomerId("C-1"),
        "ship_to_id": None,
        "at": NOW,
        "before": before,
        "after": after,
    }
    return Change(**(told | changes))


class Log:
    """The change log and the place in it, as the store keeps them. ``stuck``: the place cannot be moved."""

    def __init__(self, changes: Sequence[Change], first: int = 1) -> None:
        self.entries = [Logged(first + number, each) for number, each in enumerate(changes)]
        self.position = 0
        self.stuck = False
        self.moves: list[int] = []

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        return [entry for entry in self.entries if entry.position > after][:limit]

    async def head(self) -> int:
        return self.entries[-1].position if self.entries else 0

    async def place(self) -> int:
        return self.position

    async def move(self, position: int) -> None:
        if self.stuck:
            raise OSError("the disk is full")
        self.moves.append(position)
        self.position = max(self.position, position)


@asynccontextmanager
async def publishing(url: str, log: Log) -> AsyncIterator[Publisher]:
    publisher = Publisher(PublishConfig(url, SUBJECT), log, log, now=lambda: NOW, pace=QUICK)
    task = asyncio.create_task(publisher.run())
    try:
        yield publisher
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def published(client: Client) -> list[dict[str, Any]]:
    """All that is in the stream, in its order."""
    jetstream = client.jetstream()
    held = (await jetstream.stream_info(STREAM)).state.messages
    messages = [await jetstream.get_msg(STREAM, number + 1) for number in range(held)]
    return [json.loads(message.data or b"") for message in messages]


def ids(events: Sequence[dict[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with nats_server(tmp_path) as server:
        yield server


async def test_every_change_goes_out_in_the_order_of_the_log(nats: NatsServer) -> None:
    log = Log([change(number) for number in range(25)])
    async with publishing(nats.url, log) as publisher, nats_client(nats.url) as client:
        await eventually(lambda: log.position == 25)
        log.entries.append(Logged(26, change(26)))
        publisher.wake()
        await eventually(lambda: log.position == 26)
        events = await published(client)
        await eventually(lambda: publisher.health.pending == 0)
        assert publisher.health.connected
        assert publisher.health.last_error is None
        assert publisher.health.last_published_at == NOW
    assert ids(events) == [f"main/{position}/0" for position in range(1, 27)]
    assert {event["type"] for event in events} == {"com.crossdock.order.shipped.v1"}


async def test_a_broker_killed_before_the_place_moves_has_each_event_once_and_in_order(nats: NatsServer) -> None:
    log = Log([change(number) for number in range(30)])
    log.stuck = True
    async with publishing(nats.url, log) as publisher, nats_client(nats.url) as client:
        await eventually(lambda: publisher.health.last_error is not None)
        assert ids(await published(client)) == [f"main/{position}/0" for position in range(1, 11)]
        nats.kill()
        await eventually(lambda: not publisher.health.connected)
        log.stuck = False
        await nats.start()
        await eventually(lambda: log.position == 30)
        assert ids(await published(client)) == [f"main/{position}/0" for position in range(1, 31)]
    assert log.moves == [10, 20, 30]


async def test_a_broker_killed_again_and_again_skips_nothing(nats: NatsServer) -> None:
    log = Log([change(number) for number in range(300)])
    async with publishing(nats.url, log), nats_client(nats.url) as client:
        for part in (60, 120, 180):
            await eventually(lambda part=part: log.position >= part)  # type: ignore[misc]
            nats.kill()
            await nats.start()
        await eventually(lambda: log.position == 300)
        assert ids(await published(client)) == [f"main/{position}/0" for position in range(1, 301)]


async def test_two_publishers_over_one_log_are_heard_as_one(nats: NatsServer) -> None:
    log = Log([change(number) for number in range(40)])
    async with publishing(nats.url, log), publishing(nats.url, log), nats_client(nats.url) as client:
        await eventually(lambda: log.position == 40)
        assert ids(await published(client)) == [f"main/{position}/0" for position in range(1, 41)]


async def test_health_tells_of_entries_that_left_the_log_unpublished(nats: NatsServer) -> None:
    log = Log([change(1)], first=8)
    async with publishing(nats.url, log) as publisher:
        await eventually(lambda: log.position == 8)
        assert publisher.health.warnings == ("entries 1 to 7 left the log before they were published",)


async def test_health_warns_of_a_stream_that_is_kept_in_memory(nats: NatsServer) -> None:
    async with nats_client(nats.url) as client:
        await client.jetstream().add_stream(StreamConfig(name=STREAM, subjects=[SUBJECT], storage=StorageType.MEMORY))
    async with publishing(nats.url, Log([])) as publisher:
        await eventually(lambda: publisher.health.connected)
        assert publisher.health.warnings == (
            "stream CROSSDOCK_EVENTS is kept in memory: a restart of the broker loses it",
        )


def test_an_event_holds_its_change_and_nothing_of_the_inside() -> None:
    scan = TimelineEvent(
        id="tracking:S-1:1Z:9",
        at=Moment(NOW - timedelta(hours=1)),
        kind=TimelineKind.TRACKING,
        source="ups",
        message="Out for delivery.",
        code=Code("OT", "ups/I", text="internal words"),
        shipment_id="S-1",
    )
    told = change(1, "IN_TRANSIT", "OUT_FOR_DELIVERY", subject=Subject.SHIPMENT, id="S-1", story=(scan,))
    tracked, moved = (json.loads(each.body) for each in canonical(Logged(7, told), "north/east"))
    assert tracked == {
        "specversion": "1.0",
        "id": "north/east/7/0",
        "source": "/crossdock/north%2Feast",
        "type": "com.crossdock.shipment.tracked.v1",
        "subject": "S-1",
        "time": "2026-11-25T11:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "subject": "SHIPMENT",
            "id": "S-1",
            "orderId": "SO-1",
            "customerId": "C-1",
            "shipToId": None,
            "before": "IN_TRANSIT",
            "after": "OUT_FOR_DELIVERY",
            "learnedAt": "2026-11-25T12:00:00Z",
            "story": [
                {
                    "id": "tracking:S-1:1Z:9",
                    "kind": "TRACKING",
                    "at": "2026-11-25T11:00:00Z",
                    "precision": "INSTANT",
                    "message": "Out for delivery.",
                    "shipmentId": "S-1",
                    "lineKey": None,
                }
            ],
        },
    }
    assert (moved["id"], moved["type"]) == ("north/east/7/1", "com.crossdock.shipment.out_for_delivery.v1")


def test_an_event_written_again_is_the_same_to_the_byte_and_any_reader_of_cloudevents_reads_it() -> None:
    logged = Logged(7, change(1))
    once, again = list(canonical(logged, "main")), list(canonical(logged, "main"))
    assert once == again
    event = JSONFormat().read(None, once[0].body)
    assert event.get_time() == NOW
