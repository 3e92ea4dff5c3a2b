"""A subscriber is told what happens as the clock moves, genuine and until it acknowledges, however rough the way."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import nats
import pytest

from domain.errors import Forged
from examples.distributor.chaos import Chaos
from examples.distributor.clock import START
from examples.distributor.fleet import Fleet, FleetError, Sent
from examples.distributor.pushes import Pushes
from examples.distributor.sending import Counts
from examples.distributor.subscription import message_id
from examples.distributor.world.happenings import ERP, Happening
from tests.brokers import nats_server
from tests.examples.company import world
from tests.examples.doors import doors
from tests.examples.subscriber import Delivered, Subscriber, subscriber

HOURS = timedelta(hours=3)
PATIENCE = 60.0


@pytest.fixture(scope="module")
def running() -> Iterator[Fleet]:
    with Fleet.start(("events",)) as started:
        yield started


@pytest.fixture
def fleet(running: Fleet) -> Iterator[Fleet]:
    """The clock stands at the start and nobody is told anything."""
    running.set_clock(START)
    running.freeze()
    running.set_rate(1)
    running.chaos()
    yield running
    running.unsubscribe()


@pytest.fixture
def told(fleet: Fleet) -> Iterator[Subscriber]:
    with subscriber() as listening:
        fleet.subscribe(listening.url, settle=0)
        yield listening
        fleet.unsubscribe()


def happened(until: datetime = START + HOURS) -> Sequence[Happening]:
    return world().happenings(START, until)


def external_id(delivered: Delivered) -> str:
    """Raises Forged."""
    return doors()[delivered.source].verify(delivered.headers, delivered.body, datetime.now(UTC)).external_id


def bodies(delivered: Sequence[Delivered]) -> Counter[tuple[str, bytes]]:
    return Counter((each.source, each.body) for each in delivered)


def expected(happenings: Sequence[Happening]) -> Counter[tuple[str, bytes]]:
    pushes = Pushes(world())
    return Counter((each.source, pushes.of(each).body) for each in happenings)


def total(sent: Sent) -> Counts:
    summed = Counter[str]()
    for kinds in sent.values():
        for counts in kinds.values():
            summed.update(counts)
    return Counts(**summed)


def eventually(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def verifying(delivered: Delivered) -> int:
    try:
        external_id(delivered)
    except Forged:
        return 401
    return 202


# --- without trouble -------------------------------------------------------------------------------------------------


def test_all_that_happens_is_told_once_and_genuine(fleet: Fleet, told: Subscriber) -> None:
    told.answer = verifying
    fleet.advance(HOURS.total_seconds())
    counts = fleet.flush()
    assert bodies(told.taken) == expected(happened())
    assert not told.refused
    kinds = Counter((each.source, each.kind) for each in happened())
    assert {(source, kind): Counts(**counts[source][kind]) for source, kind in kinds} == {
        key: Counts(sent=number, acknowledged=number) for key, number in kinds.items()
    }
    assert fleet.sent() == counts


def test_what_the_erp_and_the_freight_station_send_bears_an_id_of_its_own(fleet: Fleet, told: Subscriber) -> None:
    fleet.advance(HOURS.total_seconds())
    fleet.flush()
    signed = [each for each in told.taken if each.source in (ERP, "ltl")]
    ids = {message_id(each) for each in happened() if each.source in (ERP, "ltl")}
    assert {external_id(each) for each in signed} == ids


def test_nothing_is_told_of_what_was_before(fleet: Fleet) -> None:
    fleet.advance(HOURS.total_seconds())
    with subscriber() as listening:
        fleet.subscribe(listening.url, settle=0)
        fleet.advance(HOURS.total_seconds())
        fleet.flush()
        fleet.unsubscribe()
        assert bodies(listening.taken) == expected(world().happenings(START + HOURS, START + 2 * HOURS))


def test_it_follows_the_clock_at_its_rate(fleet: Fleet, told: Subscriber) -> None:
    fleet.thaw()
    fleet.set_rate(3600)
    eventually(lambda: len(told.taken) > 50)
    fleet.freeze()
    fleet.flush()
    assert bodies(told.taken) == expected(happened(fleet.now()))


def test_a_clock_that_is_set_back_begins_another_history(fleet: Fleet, told: Subscriber) -> None:
    for _ in range(2):
        fleet.set_clock(START + HOURS)
        fleet.flush()
        fleet.set_clock(START)
        fleet.flush()
    assert bodies(told.taken) == expected([*happened(), *happened()])


def test_nobody_is_told_before_they_can_have_noticed_that_the_clock_jumped(fleet: Fleet) -> None:
    with subscriber() as listening:
        fleet.subscribe(listening.url, settle=3600)
        fleet.advance(HOURS.total_seconds())
        with pytest.raises(FleetError, match="not all is acknowledged"):
            fleet.flush(within=0.5)
        fleet.unsubscribe()
        assert not listening.taken


def test_who_has_left_is_told_no_more(fleet: Fleet, told: Subscriber) -> None:
    fleet.unsubscribe()
    fleet.advance(HOURS.total_seconds())
    assert fleet.flush() == {}
    assert not told.taken


# --- with trouble ----------------------------------------------------------------------------------------------------


def test_what_is_refused_is_sent_again_until_it_is_acknowledged(fleet: Fleet, told: Subscriber) -> None:
    seen = set[tuple[str, bytes]]()

    def hesitating(delivered: Delivered) -> int:
        known = (delivered.source, delivered.body) in seen
        seen.add((delivered.source, delivered.body))
        return 202 if known else 503

    told.answer = hesitating
    fleet.advance(HOURS.total_seconds())
    counts = total(fleet.flush())
    assert bodies(told.taken) == bodies(told.refused) == expected(happened())
    assert counts == Counts(sent=len(happened()), acknowledged=len(happened()), refused=len(happened()))


def test_a_subscriber_that_is_down_is_told_when_it_is_back(fleet: Fleet, told: Subscriber) -> None:
    told.answer = lambda _: 503
    fleet.advance(HOURS.total_seconds())
    with pytest.raises(FleetError, match="not all is acknowledged"):
        fleet.flush(within=0.5)
    assert total(fleet.sent()).pending == len(happened())
    told.answer = verifying
    fleet.flush()
    assert bodies(told.taken) == expected(happened())


def test_duplicates_are_second_copies_under_the_same_id(fleet: Fleet, told: Subscriber) -> None:
    fleet.chaos(duplicates=0.5, seed=3)
    fleet.advance(HOURS.total_seconds())
    counts = total(fleet.flush())
    fates = {each: Chaos(duplicates=0.5, seed=3).fate(each.name) for each in happened()}
    twice = [each for each, fate in fates.items() if len(fate.delays) == 2]
    assert 0 < len(twice) < len(happened())
    assert bodies(told.taken) == expected([*happened(), *twice])
    assert counts == Counts(sent=len(happened()), duplicates=len(twice), acknowledged=len(happened()) + len(twice))
    assert len({(each.source, external_id(each)) for each in told.taken}) == len(happened())


def test_what_is_lost_is_never_sent_and_counted(fleet: Fleet, told: Subscriber) -> None:
    fleet.chaos(loss=0.3, seed=1)
    fleet.advance(HOURS.total_seconds())
    counts = total(fleet.flush())
    kept = [each for each in happened() if Chaos(loss=0.3, seed=1).fate(each.name).delays]
    assert bodies(told.taken) == expected(kept)
    assert counts == Counts(sent=len(kept), acknowledged=len(kept), lost=len(happened()) - len(kept))
    assert 0 < counts.lost < len(happened())


def test_a_delayed_message_comes_when_it_is_due(fleet: Fleet, told: Subscriber) -> None:
    chaos = Chaos(delay=7200, seed=5)
    fleet.chaos(delay=7200, seed=5)
    fleet.advance(HOURS.total_seconds())
    due = [each for each in happened() if each.at + timedelta(seconds=chaos.fate(each.name).delays[0]) <= START + HOURS]
    eventually(lambda: len(told.taken) >= len(due))
    assert bodies(told.taken) == expected(due)
    assert total(fleet.sent()).pending == len(happened()) - len(due) > 0
    fleet.flush()
    assert bodies(told.taken) == expected(happened())


def overtaken_by(held: Happening, sent: Collection[Happening]) -> int:
    """How many of ``sent`` are later messages of its source."""
    return sum(one.source == held.source and one.rank > held.rank for one in sent)


def test_what_is_held_back_comes_after_later_ones(fleet: Fleet, told: Subscriber) -> None:
    fleet.chaos(disorder=0.2, seed=2)
    fleet.advance(HOURS.total_seconds())
    behind = {each: Chaos(disorder=0.2, seed=2).fate(each.name).behind for each in happened()}
    free = {each for each in happened() if not behind[each]}
    while released := {one for one in behind if one not in free and overtaken_by(one, free) >= behind[one]}:
        free |= released
    eventually(lambda: total(fleet.sent()).acknowledged >= len(free))
    assert bodies(told.taken) == expected([*free])

    pushes = Pushes(world())
    by_body = {(each.source, pushes.of(each).body): each for each in free}
    arrived = [by_body[each.source, each.body] for each in told.taken]
    late = [each for each in arrived if behind[each]]
    assert late
    assert all(overtaken_by(each, arrived[: arrived.index(each)]) >= behind[each] for each in late)

    fleet.flush()
    assert bodies(told.taken) == expected(happened())


def test_forged_copies_say_something_else_and_are_refused_at_the_door(fleet: Fleet, told: Subscriber) -> None:
    told.answer = verifying
    fleet.chaos(forged=1.0)
    fleet.advance(HOURS.total_seconds())
    counts = total(fleet.flush())
    assert bodies(told.taken) == expected(happened())
    assert len(told.refused) == len(happened())
    assert not bodies(told.refused) & expected(happened())
    assert (counts.forged, counts.forged_accepted, counts.refused) == (len(happened()), 0, 0)


def test_a_subscriber_that_takes_forged_messages_is_found_out(fleet: Fleet, told: Subscriber) -> None:
    fleet.chaos(forged=1.0)
    fleet.advance(HOURS.total_seconds())
    assert total(fleet.flush()).forged_accepted == len(happened())
    assert len(told.taken) == 2 * len(happened())


def test_in_any_trouble_the_counts_add_up(fleet: Fleet, told: Subscriber) -> None:
    told.answer = verifying
    fleet.chaos(duplicates=0.2, disorder=0.3, delay=900, loss=0.1, forged=0.2, seed=7)
    fleet.advance(HOURS.total_seconds())
    counts = total(fleet.flush())
    assert counts.sent + counts.lost == len(happened())
    assert counts.acknowledged == counts.sent + counts.duplicates == len(told.taken)
    assert (counts.pending, counts.forged_accepted) == (0, 0)


@pytest.mark.parametrize("knobs", [{"loss": 2}, {"delay": -1}, {"gravity": 1}])
def test_nonsense_is_refused(fleet: Fleet, knobs: dict[str, float]) -> None:
    with pytest.raises(FleetError, match="events refused PUT /__chaos"):
        fleet.chaos(**knobs)


# --- the broker ------------------------------------------------------------------------------------------------------


async def test_the_erps_events_go_through_a_broker_where_one_is_named(fleet: Fleet, tmp_path: Path) -> None:
    async with nats_server(tmp_path) as broker:
        client = await nats.connect(broker.url)
        await client.jetstream().add_stream(name="erp", subjects=["erp.events"])
        reading = await client.jetstream().subscribe("erp.events", ordered_consumer=True)
        with subscriber() as listening:
            fleet.subscribe(listening.url, nats=broker.url, settle=0)
            fleet.advance(HOURS.total_seconds())
            counts = fleet.flush()
            fleet.unsubscribe()
            assert bodies(listening.taken) == expected([each for each in happened() if each.source != ERP])
        theirs = [each for each in happened() if each.source == ERP]
        published = [await reading.next_msg(timeout=PATIENCE) for _ in theirs]
        await client.close()
    assert {(each.headers or {})["Nats-Msg-Id"] for each in published} == {message_id(each) for each in theirs}
    assert Counter((ERP, each.data) for each in published) == expected(theirs)
    assert {msgspec.json.decode(each.data)["recordType"] for each in published} > {"salesOrder", "invoice"}
    assert sum(kind["acknowledged"] for kind in counts[ERP].values()) == len(theirs)
