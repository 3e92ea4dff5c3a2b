"""Carriers that send nothing are asked as often as it pays, never beyond their quota, and no more once all is said."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.model import ShipmentStatus as S
from ingest.polling import Allowance, Carrier, Pace, Polling, Quota, next_poll
from tests.domain.samples import NOW, event, tracking

PACE = Pace()
HOUR = timedelta(hours=1)
USPS = Carrier("usps")
SINCE = NOW - timedelta(days=3)


def wait(told: Tracking | None, carrier: Carrier = USPS, since: datetime = SINCE) -> timedelta | None:
    at = next_poll(told, carrier, since=since, now=NOW)
    return None if at is None else at - NOW


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (S.LABEL_CREATED, PACE.unscanned),
        (S.SHIPPED, PACE.moving),
        (S.IN_TRANSIT, PACE.moving),
        (S.OUT_FOR_DELIVERY, PACE.last_mile),
        (S.DELIVERY_ATTEMPTED, PACE.moving),
        (S.AVAILABLE_FOR_PICKUP, PACE.waiting),
        (S.RETURNING, PACE.returning),
        (S.DELIVERED, None),
        (S.RETURNED, None),
        (S.LOST, None),
        (S.VOIDED, None),
    ],
)
def test_how_a_consignment_stands_sets_the_pace(status: ShipmentStatus, expected: timedelta | None) -> None:
    assert wait(tracking(event(status))) == expected


def test_what_the_carrier_does_not_know_yet_is_asked_for_slowly() -> None:
    assert wait(None) == wait(tracking()) == PACE.unscanned


@pytest.mark.parametrize("trouble", [S.EXCEPTION, S.DELAYED])
def test_trouble_is_followed_until_it_is_over(trouble: ShipmentStatus) -> None:
    assert wait(tracking(event(S.IN_TRANSIT, -2), event(trouble, -1))) == PACE.troubled
    assert wait(tracking(event(trouble, -2), event(S.OUT_FOR_DELIVERY, -1))) == PACE.last_mile


def test_after_a_month_without_a_word_nothing_more_is_expected() -> None:
    long_ago = NOW - PACE.silence
    assert wait(None, since=long_ago) is None
    assert wait(tracking(event(S.IN_TRANSIT, -30)), since=long_ago) is None
    assert wait(tracking(event(S.IN_TRANSIT, -29)), since=long_ago) == PACE.moving


@pytest.mark.parametrize("status", [S.IN_TRANSIT, S.OUT_FOR_DELIVERY])
def test_a_carrier_that_tells_by_itself_is_asked_only_to_be_safe(status: ShipmentStatus) -> None:
    assert wait(tracking(event(status)), Carrier("ups", pushes=True)) == PACE.net
    assert wait(tracking(event(S.DELIVERED)), Carrier("ups", pushes=True)) is None


def test_who_is_not_configured_is_not_polled() -> None:
    polling = Polling({"USPS": USPS})
    key = TrackingKey("NONE", "1")
    assert polling.again(key, None, since=SINCE, now=NOW) is None
    assert polling.admit([key], NOW) == {}


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 60),
    st.sampled_from([timedelta(seconds=10), HOUR, timedelta(days=1)]),
    st.lists(st.floats(0, 0.3), min_size=1, max_size=200),
)
def test_no_stretch_of_time_sees_more_calls_than_the_quota(calls: int, per: timedelta, pauses: list[float]) -> None:
    allowance, now = Allowance(Quota(calls, per)), NOW
    made: list[datetime] = []
    for pause in pauses:
        now += per * pause
        while allowance.turn(now) <= now:
            allowance.spend(now)
            made.append(now)
    assert made, "the first call is free"
    for first in made:
        assert sum(first <= at < first + per for at in made) <= calls


def test_who_must_wait_gets_a_turn_of_its_own_and_is_admitted_then() -> None:
    polling = Polling({"USPS": Carrier("usps", quotas=(Quota(20, HOUR),))})
    keys = [TrackingKey("USPS", str(nth)) for nth in range(100)]
    waiting = polling.admit(keys, NOW)
    assert len(keys) - len(waiting) == 2, "a tenth at once"
    assert list(waiting.values()) == sorted(set(waiting.values()))
    assert max(waiting.values()) - NOW >= 4 * HOUR
    for key, turn in waiting.items():
        assert polling.admit([key], turn) == {}


def test_the_codes_of_one_carrier_share_its_quotas_and_the_strictest_counts() -> None:
    fedex = Carrier("fedex", quotas=(Quota(1000, HOUR), Quota(1, timedelta(days=1))))
    polling = Polling({"FDEG": fedex, "FDE": fedex, "USPS": USPS})
    assert polling.admit([TrackingKey("FDEG", "1")], NOW) == {}
    other, free = TrackingKey("FDE", "2"), TrackingKey("USPS", "3")
    assert polling.admit([other, free], NOW) == {other: NOW + timedelta(days=1)}
