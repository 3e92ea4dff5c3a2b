"""The inbox keeps what it accepted, once, hands it to one worker at a time, and gives dead letters a second life."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from domain.events import Delivery
from store.database import Database, StoreError
from store.folding import Folding
from store.inbox import Inbox, Letters, State
from tests.domain.samples import NOW

LEASE = timedelta(seconds=60)


def delivery(name: str, *, source: str = "wms", topic: str = "Shipment Update", body: bytes = b"{}") -> Delivery:
    return Delivery(source, name, topic, NOW, body, {"content-type": "application/json"}, "corr-1")


async def bury(database: Database, *names: str, reason: str = "malformed: no") -> None:
    folding = Folding(database)
    for name in names:
        folding.bury(("wms", name), reason=reason, at=NOW)
    await folding.commit()


async def test_what_is_told_twice_is_kept_once(database: Database) -> None:
    inbox = Inbox(database)
    assert await inbox.accept([delivery("1"), delivery("2")]) == 2
    assert await inbox.accept([delivery("2", body=b"altered"), delivery("3")]) == 1
    assert await inbox.accept([delivery("2", source="ups")]) == 1
    shown = await inbox.show(("wms", "2"))
    assert shown == (delivery("2"), State.PENDING, None)


async def test_many_at_once_are_each_told_what_was_new_of_theirs(database: Database) -> None:
    inbox = Inbox(database)
    counts = await asyncio.gather(
        *(inbox.accept([delivery(str(nth % 50)), delivery(f"own {nth}")]) for nth in range(200))
    )
    assert sum(counts) == 250
    assert (await inbox.backlog()).pending == 250


async def test_a_delivery_nothing_can_store_spoils_no_other(database: Database) -> None:
    inbox = Inbox(database)
    bad = delivery("bad", topic="\ud800")
    told = await asyncio.gather(
        inbox.accept([delivery("1")]), inbox.accept([bad]), inbox.accept([delivery("2")]), return_exceptions=True
    )
    assert told[0] == told[2] == 1
    assert isinstance(told[1], StoreError)


async def test_each_due_delivery_is_claimed_by_one(url: str, tenant: str, database: Database) -> None:
    await Inbox(database).accept([delivery(str(nth)) for nth in range(300)])
    other = await Database.open(url, tenant)
    try:
        rounds = await asyncio.gather(
            *(Inbox(each).claim(30, now=NOW, lease=LEASE) for each in (database, other) for _ in range(10))
        )
        claimed = Counter(one.delivery.external_id for batch in rounds for one in batch)
        while more := await Inbox(other).claim(30, now=NOW, lease=LEASE):
            claimed.update(one.delivery.external_id for one in more)
    finally:
        await other.close()
    assert len(claimed) == 300
    assert set(claimed.values()) == {1}


async def test_a_lease_that_is_over_lets_others_claim(database: Database) -> None:
    inbox = Inbox(database)
    await inbox.accept([delivery("1")])
    first = await inbox.claim(10, now=NOW, lease=LEASE)
    assert await inbox.claim(10, now=NOW + LEASE / 2, lease=LEASE) == ()
    again = await inbox.claim(10, now=NOW + LEASE, lease=LEASE)
    assert [each.attempts for each in (*first, *again)] == [1, 2]


async def test_the_oldest_due_come_first(database: Database) -> None:
    inbox = Inbox(database)
    for day in (3, 1, 2):
        told = delivery(str(day))
        await inbox.accept([Delivery(told.source, told.external_id, "", NOW + timedelta(days=day), b"")])
    claimed = await inbox.claim(2, now=NOW + timedelta(days=9), lease=LEASE)
    assert [each.delivery.external_id for each in claimed] == ["1", "2"]


async def test_what_is_settled_parked_or_put_off_is_not_due(database: Database) -> None:
    inbox = Inbox(database)
    await inbox.accept([delivery(name) for name in ("settled", "parked", "later", "dead")])
    folding = Folding(database)
    folding.settle([("wms", "settled")], at=NOW)
    folding.park(("wms", "parked"), waits_for="order:SO1", reason="waits", retry_at=NOW + timedelta(hours=1))
    folding.retry(("wms", "later"), at=NOW + timedelta(minutes=5), reason="it failed")
    folding.bury(("wms", "dead"), reason="malformed: $.orders", at=NOW)
    await folding.commit()
    assert await inbox.claim(10, now=NOW, lease=LEASE) == ()
    backlog = await inbox.backlog()
    assert (backlog.pending, backlog.parked, backlog.dead) == (1, 1, 1)
    arrival = Folding(database)
    arrival.unpark(["order:SO1"], now=NOW)
    await arrival.commit()
    assert [each.delivery.external_id for each in await inbox.claim(10, now=NOW, lease=LEASE)] == ["parked"]


async def test_dead_letters_are_listed_with_body_and_reason_and_replayed_by_what_they_have_in_common(
    database: Database,
) -> None:
    inbox = Inbox(database)
    await inbox.accept([delivery("1", body=b"\xff\x00raw"), delivery("2"), delivery("3", topic="Other")])
    await inbox.claim(10, now=NOW, lease=LEASE)
    await bury(database, "1", "2")
    await bury(database, "3", reason="unknown topic: 'Other'")
    letters = {letter.delivery.external_id: letter for letter in await inbox.dead()}
    assert letters["1"].delivery.body == b"\xff\x00raw"
    assert (letters["1"].reason, letters["1"].attempts) == ("malformed: no", 1)
    assert await inbox.replay(Letters(external_id="1"), now=NOW) == 1
    assert await inbox.replay(Letters(reason="unknown topic"), now=NOW) == 1
    assert await inbox.replay(Letters(source="ups"), now=NOW) == 0
    assert await inbox.replay(now=NOW) == 1
    claimed = await inbox.claim(10, now=NOW, lease=LEASE)
    assert sorted((each.delivery.external_id, each.attempts) for each in claimed) == [("1", 1), ("2", 1), ("3", 1)]


async def test_everything_since_a_time_can_be_told_again(database: Database) -> None:
    inbox = Inbox(database)
    old = Delivery("wms", "old", "", NOW - timedelta(days=1), b"")
    await inbox.accept([old, delivery("new"), delivery("pending")])
    folding = Folding(database)
    folding.settle([("wms", "old"), ("wms", "new")], at=NOW)
    await folding.commit()
    assert await inbox.replay_since(NOW, now=NOW) == 1
    assert await inbox.replay_since(NOW - timedelta(days=2), source="wms", now=NOW) == 1


async def test_what_was_settled_is_forgotten_but_never_within_a_week(database: Database) -> None:
    inbox = Inbox(database)
    for days in (1, 6, 8, 30):
        await inbox.accept([Delivery("wms", str(days), "", NOW - timedelta(days=days), b"")])
    await inbox.accept([Delivery("wms", "pending", "", NOW - timedelta(days=30), b"")])
    folding = Folding(database)
    folding.settle([("wms", str(days)) for days in (1, 6, 8, 30)], at=NOW)
    await folding.commit()
    assert await inbox.prune(before=NOW, now=NOW) == 2
    assert await inbox.accept([Delivery("wms", "6", "", NOW, b"")]) == 0
    assert await inbox.show(("wms", "pending")) is not None


async def test_tenants_of_one_database_know_nothing_of_each_other(url: str, database: Database) -> None:
    other = await Database.open(url, "another tenant of the same database")
    try:
        await Inbox(database).accept([delivery("1")])
        assert await Inbox(other).claim(10, now=NOW, lease=LEASE) == ()
        assert await Inbox(other).show(("wms", "1")) is None
        assert await Inbox(other).accept([delivery("1")]) == 1
    finally:
        await other.close()


@pytest.mark.parametrize("url", ["mysql://host/database"])
async def test_another_kind_of_database_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="neither sqlite nor postgresql"):
        await Database.open(url)
