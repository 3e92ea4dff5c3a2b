"""What comes to the door is verified, then stored, then acknowledged; every other end has a name and is counted."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from domain.events import Delivery
from ingest.intake import Intake
from ingest.observer import Outcome
from sources.feeds import FeedConfig, doors
from tests.senders import NOW, SENDERS, Message, Sender, Shelf

ERP, WMS, FEDEX, UPS, CENTRAL = SENDERS
KINDS = {"erp": ("erp", "soap"), "wms": ("wms", "rest"), "fedex": ("carriers", "fedex"), "ups": ("carriers", "ups")}
NAMED = {"erp": ERP, "wms": WMS, "fedex": FEDEX, "ups": UPS}


def intake(
    shelf: Shelf,
    *,
    accept: Callable[[Sequence[Delivery]], Awaitable[int]] | None = None,
    now: datetime = NOW,
    patience: float = 10,
) -> Intake:
    opened = doors([FeedConfig(*KINDS[name], name, (sender.secret,)) for name, sender in NAMED.items()])
    return Intake(
        opened, accept or shelf.accept, now=lambda: now, signed_at=lambda: now, observer=shelf, patience=patience
    )


async def deliver(door: Intake, name: str, message: Message) -> Outcome:
    return await door.deliver(name, message.headers, message.body, "corr-1")


@pytest.mark.parametrize(("name", "sender"), NAMED.items(), ids=NAMED)
async def test_a_genuine_message_is_kept_as_it_came(name: str, sender: Sender) -> None:
    shelf, message = Shelf(), sender.message()
    assert await deliver(intake(shelf), name, message) is Outcome.ACCEPTED
    (kept,) = shelf.kept
    assert (kept.source, kept.body, kept.received_at, kept.correlation_id) == (name, message.body, NOW, "corr-1")
    assert shelf.outcomes == [(name, Outcome.ACCEPTED)]


@pytest.mark.parametrize(("name", "sender"), NAMED.items(), ids=NAMED)
async def test_what_is_kept_holds_neither_signature_nor_credential(name: str, sender: Sender) -> None:
    shelf, message = Shelf(), sender.message()
    extra = {"Authorization": "Bearer us", "Cookie": "a=b", "Content-Type": "application/json"}
    await deliver(intake(shelf), name, Message({**message.headers, **extra}, message.body))
    (kept,) = shelf.kept
    assert kept.headers["content-type"] == "application/json"
    assert not {"authorization", "cookie", str(sender.where)} & kept.headers.keys()
    assert sender.secret not in str(kept.headers)


async def test_the_signed_id_is_the_id_and_what_the_sender_calls_the_message_its_topic() -> None:
    shelf = Shelf()
    await deliver(intake(shelf), "erp", ERP.message("a", id_="msg_2b4"))
    (kept,) = shelf.kept
    assert (kept.external_id, kept.topic) == ("msg_2b4", "salesOrder.changed")
    assert dict(kept.headers) == {"webhook-id": "msg_2b4", "webhook-timestamp": str(int(NOW.timestamp()))}


@pytest.mark.parametrize(
    ("body", "topic"),
    [
        (b'{"type": "salesOrder.changed"}', "salesOrder.changed"),
        (b'{"type": "never heard of"}', "never heard of"),
        (b'{"type": "crossdock.observation"}', "unreadable"),
        (b'{"type": "crossdock.oversized"}', "unreadable"),
        (b'{"type": ""}', "unreadable"),
        (b'{"type": "line\\nfeed"}', "unreadable"),
        (b'{"type": "\\u0000"}', "unreadable"),
        (b'{"type": 7}', "unreadable"),
        (b'{"type": "' + b"x" * 101 + b'"}', "unreadable"),
        (b"{", "unreadable"),
        (b"[" * 100_000, "unreadable"),
        ("{'type': 'Łódź'}".encode(), "unreadable"),
    ],
)
async def test_nothing_in_a_body_keeps_it_from_being_stored_and_nobody_takes_a_name_of_ours(
    body: bytes, topic: str
) -> None:
    shelf = Shelf()
    assert await deliver(intake(shelf), "erp", ERP.write(ERP.secret, body, NOW, "1")) is Outcome.ACCEPTED
    assert [(kept.topic, kept.body) for kept in shelf.kept] == [(topic, body)]


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x00", "Łódź".encode("utf-16")])
async def test_a_signed_body_that_is_no_utf_8_is_kept_byte_for_byte(body: bytes) -> None:
    shelf = Shelf()
    assert await deliver(intake(shelf), "wms", WMS.write(WMS.secret, body, NOW, "1")) is Outcome.ACCEPTED
    assert [kept.body for kept in shelf.kept] == [body]


@pytest.mark.parametrize(("name", "sender"), NAMED.items(), ids=NAMED)
async def test_a_repetition_changes_nothing(name: str, sender: Sender) -> None:
    shelf = Shelf()
    door = intake(shelf)
    told = [await deliver(door, name, sender.message(word)) for word in ("a", "a", "b", "a")]
    assert told == [Outcome.ACCEPTED, Outcome.REPEATED, Outcome.ACCEPTED, Outcome.REPEATED]
    assert len(shelf.kept) == 2


@pytest.mark.parametrize(("name", "sender"), NAMED.items(), ids=NAMED)
async def test_a_forgery_is_not_stored_and_the_log_says_why_without_what_was_sent(name: str, sender: Sender) -> None:
    shelf, message = Shelf(), sender.message(secret=sender.older)
    with capture_logs() as lines:
        assert await deliver(intake(shelf), name, message) is Outcome.FORGED
    assert shelf.kept == []
    (line,) = lines
    assert (line["log_level"], line["source"], line["outcome"]) == ("warning", name, "forged")
    assert sender.older not in str(line)
    assert str(sender.where) in line["detail"]


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_clock_that_is_wrong_by_more_than_five_minutes_makes_a_forgery(minutes: int) -> None:
    shelf = Shelf()
    door = intake(shelf, now=NOW + timedelta(minutes=minutes))
    assert await deliver(door, "erp", ERP.message()) is Outcome.FORGED
    assert shelf.kept == []


async def test_a_source_without_a_secret_is_as_unknown_as_one_that_is_not_there() -> None:
    shelf = Shelf()
    door = Intake(
        doors([FeedConfig("erp", "soap", "erp"), FeedConfig("carriers", "usps", "usps")]),
        shelf.accept,
        now=lambda: NOW,
        signed_at=lambda: NOW,
        observer=shelf,
    )
    for name in ("erp", "usps", "nobody", "../erp", "'; DROP TABLE inbox"):
        assert door.door(name) is None
        assert await deliver(door, name, ERP.message()) is Outcome.OFF
    assert shelf.kept == []
    assert shelf.outcomes == [("other", Outcome.OFF)] * 5


@pytest.mark.parametrize("failure", [OSError("disk full"), RuntimeError("bug"), TimeoutError()])
async def test_what_cannot_be_stored_is_not_acknowledged(failure: Exception) -> None:
    shelf = Shelf(failure=failure)
    door = intake(shelf)
    with capture_logs() as lines:
        assert await deliver(door, "erp", ERP.message()) is Outcome.UNAVAILABLE
    assert [line["log_level"] for line in lines] == ["error"]
    shelf.failure = None
    assert await deliver(door, "erp", ERP.message()) is Outcome.ACCEPTED
    assert shelf.outcomes == [("erp", Outcome.UNAVAILABLE), ("erp", Outcome.ACCEPTED)]


async def test_a_store_that_takes_too_long_is_left_to_finish_and_the_repetition_finds_it_done() -> None:
    shelf, opened, stored = Shelf(), asyncio.Event(), asyncio.Event()

    async def accept(deliveries: Sequence[Delivery]) -> int:
        await opened.wait()
        try:
            return await shelf.accept(deliveries)
        finally:
            stored.set()

    door = intake(shelf, accept=accept, patience=0.01)
    assert await deliver(door, "erp", ERP.message()) is Outcome.UNAVAILABLE
    opened.set()
    await asyncio.wait_for(stored.wait(), 10)
    assert await deliver(door, "erp", ERP.message()) is Outcome.REPEATED


async def test_a_sender_that_leaves_while_its_message_is_stored_interrupts_nobody() -> None:
    shelf, entered, opened, stored = Shelf(), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def accept(deliveries: Sequence[Delivery]) -> int:
        entered.set()
        await opened.wait()
        try:
            return await shelf.accept(deliveries)
        finally:
            stored.set()

    leaving = asyncio.create_task(deliver(intake(shelf, accept=accept), "erp", ERP.message()))
    await entered.wait()
    leaving.cancel()
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    opened.set()
    await asyncio.wait_for(stored.wait(), 10)
    assert len(shelf.kept) == 1


async def test_many_at_once_are_each_stored_once() -> None:
    shelf = Shelf()
    door = intake(shelf)
    messages = [ERP.message(str(number % 50)) for number in range(200)]
    outcomes = await asyncio.gather(*(deliver(door, "erp", message) for message in messages))
    assert outcomes.count(Outcome.ACCEPTED) == len(shelf.kept) == 50
    assert outcomes.count(Outcome.REPEATED) == 150


def test_a_delivery_shows_nothing_of_its_body() -> None:
    assert "Łódź" not in repr(Delivery("erp", "1", "t", NOW, ERP.message().body))


async def test_a_signature_is_judged_by_the_clock_that_signed_it_and_arrival_by_ours() -> None:
    shelf, late = Shelf(), NOW + timedelta(days=400)
    opened = doors([FeedConfig("erp", "soap", "erp", (ERP.secret,))])
    door = Intake(opened, shelf.accept, now=lambda: late, signed_at=lambda: NOW, observer=shelf)
    assert await deliver(door, "erp", ERP.message()) is Outcome.ACCEPTED
    assert shelf.kept[0].received_at == late
