"""Whatever bad comes in has a named outcome, a metric, and loses nothing: as ``docs/deliveries.md`` lists it."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from domain.events import Delivery
from ingest.intake import Intake
from ingest.worker import Rules, Worker
from server.exchange import Exchanges
from server.telemetry import Telemetry
from server.webhooks import Webhooks, routes
from sources.feeds import FeedConfig, doors, feeds
from store.database import Database
from store.inbox import Inbox, State
from tests.domain.samples import GRACE, order
from tests.senders import NOW, SENDERS, Message
from tests.store.telling import observation

ERP, WMS, *_ = SENDERS
CONFIGS = [FeedConfig("erp", "soap", "erp", (ERP.secret,)), FeedConfig("wms", "rest", "wms", (WMS.secret,))]
FIXTURES = Path(__file__).parents[1] / "fixtures"
PUSH = (FIXTURES / "wms" / "push.json").read_bytes()
MAX_BODY = 200_000
PAGE = (Path(__file__).parents[2] / "docs" / "deliveries.md").read_text()


@dataclass
class Post:
    """A Crossdock's door with all that is behind it, at a time that a test may set."""

    database: Database
    telemetry: Telemetry = field(default_factory=Telemetry)
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.database)
        self.worker = Worker(
            self.database,
            self.inbox,
            feeds(CONFIGS, self.telemetry),
            now=lambda: self.now,
            observer=self.telemetry,
            rules=Rules(carrier_grace=GRACE),
        )
        intake = Intake(
            doors(CONFIGS),
            self.inbox.accept,
            now=lambda: self.now,
            signed_at=lambda: self.now,
            observer=self.telemetry,
        )
        webhooks = Webhooks(intake, max_body=MAX_BODY, deadline=5)
        exchanges = Middleware(Exchanges, report=self.telemetry.report, routes=["/webhooks"])
        self._app = Starlette(routes=routes(), middleware=[exchanges])
        self._state = {"webhooks": webhooks}

    async def send(self, source: str, message: Message) -> int:
        async def app(scope: dict[str, object], receive: object, send: object) -> None:
            await self._app({**scope, "state": self._state}, receive, send)  # type: ignore[arg-type]

        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://crossdock") as client:
            reply = await client.post(f"/webhooks/{source}", content=message.body, headers=dict(message.headers))
        await self.worker.drain()
        return reply.status_code

    def counted(self, metric: str, **labels: str) -> float:
        wanted = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        line = re.escape(f"{metric}_total{{{wanted}}}")
        found = re.search(rf"^{line} (\S+)$", self.telemetry.exposition().decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    database = await Database.open(f"sqlite:///{tmp_path}/crossdock.db")
    yield Post(database)
    await database.close()


def pushed(change: Callable[[bytes], bytes] = lambda body: body) -> Message:
    """A genuine push of the warehouse, its body changed before it was signed."""
    return WMS.write(WMS.secret, change(PUSH), NOW, "push-1")


def without(*path: object) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        told = json.loads(body)
        inner = told
        for step in path[:-1]:
            inner = inner[step]
        inner[f"renamed_{path[-1]}"] = inner.pop(path[-1])
        return json.dumps(told).encode()

    return change


def forged() -> Message:
    genuine = pushed()
    return Message(genuine.headers, genuine.body.replace(b"1", b"2", 1))


REFUSED: Mapping[str, tuple[str, Callable[[], Message], int, str]] = {
    "forged": ("wms", forged, 401, "forged"),
    "replayed later": ("erp", lambda: ERP.message(at=NOW - timedelta(minutes=6)), 401, "forged"),
    "from the future": ("erp", lambda: ERP.message(at=NOW + timedelta(minutes=6)), 401, "forged"),
    "oversized": ("wms", lambda: pushed(lambda body: body + b" " * MAX_BODY), 413, "too large"),
    "of a source that may not send": ("ups", pushed, 404, "off"),
}

BURIED: Mapping[str, tuple[Callable[[], Message], str]] = {
    "truncated": (lambda: pushed(lambda body: body[: len(body) // 2]), "malformed"),
    "not UTF-8": (lambda: pushed(lambda body: body.replace(b"EA", b"\xff\xfe")), "malformed"),
    "empty": (lambda: pushed(lambda _: b""), "malformed"),
    "of an unknown topic": (
        lambda: pushed(lambda body: body.replace(b"Shipment Update", b"Inventory Update")),
        "unknown topic",
    ),
    "of a drifted schema": (lambda: pushed(without("orders", 0, "orderNumber")), "malformed"),
    "with a field of another type": (
        lambda: pushed(lambda body: re.sub(rb'"occurred_at": ?"[^"]*"', b'"occurred_at": 7', body)),
        "malformed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_not_theirs_to_send_is_refused_counted_and_not_kept(post: Post, case: str) -> None:
    source, message, status, outcome = REFUSED[case]
    assert await post.send(source, message()) == status
    told = source if source in {"erp", "wms"} else "other"
    assert post.counted("crossdock_deliveries", outcome=outcome, source=told) == 1
    backlog = await post.inbox.backlog()
    assert (backlog.pending, backlog.parked, backlog.dead) == (0, 0, 0)
    assert f"| {case} | {status} | `{outcome}` |" in PAGE


@pytest.mark.parametrize("case", BURIED)
async def test_what_nobody_can_read_is_acknowledged_and_buried_whole(post: Post, case: str) -> None:
    message, reason = BURIED[case]
    sent = message()
    assert await post.send("wms", sent) == 202
    (letter,) = await post.inbox.dead()
    assert letter.delivery.body == sent.body
    assert letter.reason.startswith(f"{reason}: ")
    assert post.counted("crossdock_dead_letters", reason=reason, source="wms") == 1
    assert f"| {case} | 202, dead letter | `{reason}` |" in PAGE


async def test_schema_drift_names_the_path(post: Post) -> None:
    await post.send("wms", pushed(without("orders", 0, "orderNumber")))
    (letter,) = await post.inbox.dead()
    assert "orderNumber" in letter.reason
    assert "$.orders[0]" in letter.reason


async def test_what_is_told_twice_is_acknowledged_and_changes_nothing(post: Post) -> None:
    assert [await post.send("wms", pushed()), await post.send("wms", pushed())] == [202, 202]
    assert post.counted("crossdock_deliveries", outcome="repeated", source="wms") == 1
    assert "| told twice | 202 | `repeated` |" in PAGE


async def test_an_event_of_an_unknown_order_is_parked_and_folded_when_that_comes(post: Post) -> None:
    assert await post.send("wms", pushed()) == 202
    assert (await post.inbox.backlog()).parked == 1
    for record in json.loads(PUSH)["orders"]:
        await post.inbox.accept([observation(order(id=record["orderNumber"]), at=NOW)])
    await post.worker.drain()
    assert (await post.inbox.backlog()).parked == 0
    assert post.counted("crossdock_deliveries_folded", source="wms") == 1
    assert "| of an order nobody knows | 202, parked |" in PAGE


async def test_an_event_of_an_order_that_never_comes_is_buried_after_three_days(post: Post) -> None:
    await post.send("wms", pushed())
    for _ in range(200):
        post.now += timedelta(hours=1)
        await post.worker.drain()
    (letter,) = await post.inbox.dead()
    assert letter.reason.startswith("its order never came: ")
    assert "| of an order that never comes | 202, parked, then dead letter | `its order never came` |" in PAGE


async def test_a_clock_that_runs_ahead_gains_nothing(post: Post) -> None:
    ahead = re.sub(rb'"occurred_at": ?"[^"]*"', b'"occurred_at": "2031-01-01T00:00:00Z"', PUSH)
    number = json.loads(PUSH)["orders"][0]["orderNumber"]
    await post.inbox.accept([observation(order(id=number), at=NOW)])
    assert await post.send("wms", pushed(lambda _: ahead)) == 202
    async with post.database.reading() as connection:
        document = (await connection.exec_driver_sql("SELECT document FROM orders")).scalar()
    assert "2031" not in json.dumps(json.loads(document or "{}")["worked"])
    assert "| dated in the future by its sender | 202, dated by its arrival |" in PAGE


async def test_a_poison_delivery_shows_its_state_to_operators(post: Post) -> None:
    await post.send("wms", pushed(lambda _: b"\xff"))
    (letter,) = await post.inbox.dead()
    found = await post.inbox.show((letter.delivery.source, letter.delivery.external_id))
    assert found is not None
    told: Delivery = found[0]
    assert (told.body, found[1]) == (b"\xff", State.DEAD)
