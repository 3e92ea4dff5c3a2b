"""How one carrier's events apply (domain rules 1 to 5)."""

import pytest

from domain.model import ShipmentStatus as S
from domain.tracking import RANK, Course, follow
from domain.values import Precision
from tests.domain.samples import event, moment


def applied(course: Course) -> list[tuple[S, bool]]:
    return [(told.status, moved) for told, moved in course.events]


def test_the_same_event_twice_is_one_event() -> None:
    scan = event(S.IN_TRANSIT)
    assert follow([scan, scan, scan]) == follow([scan])
    assert len(follow([scan, scan]).events) == 1


def test_the_same_event_reworded_by_the_carrier_is_one_event_whichever_came_first() -> None:
    told, reworded = event(S.IN_TRANSIT, text="Arrived"), event(S.IN_TRANSIT, text="Arrival scan")
    assert follow([told, reworded]) == follow([reworded, told])
    assert len(follow([told, reworded]).events) == 1


def test_events_apply_in_order_of_occurrence_not_of_arrival() -> None:
    course = follow([event(S.DELIVERED, -1), event(S.LABEL_CREATED, -4), event(S.IN_TRANSIT, -2)])
    assert applied(course) == [(S.LABEL_CREATED, True), (S.IN_TRANSIT, True), (S.DELIVERED, True)]
    assert course.status is S.DELIVERED
    assert course.delivered_at == moment(-1)


@pytest.mark.parametrize("precision", [Precision.LOCAL, Precision.DATE])
def test_a_time_without_offset_never_outranks_an_instant_of_the_same_day(precision: Precision) -> None:
    later_on_paper = event(S.EXCEPTION, -1 + 0.1, precision=precision)
    scan = event(S.IN_TRANSIT, -1)
    assert follow([later_on_paper, scan]).conditions == frozenset()
    assert follow([event(S.EXCEPTION, -1 + 0.1), scan]).conditions == {S.EXCEPTION}


def test_a_time_without_offset_of_a_later_day_does_count() -> None:
    course = follow([event(S.IN_TRANSIT, -3), event(S.EXCEPTION, -1, precision=Precision.DATE)])
    assert course.conditions == {S.EXCEPTION}


@pytest.mark.parametrize("late", [status for status, rank in RANK.items() if rank < RANK[S.DELIVERED]])
def test_after_delivered_a_late_event_joins_the_story_unapplied(late: S) -> None:
    course = follow([event(S.DELIVERED, -2), event(late, -1)])
    assert course.status is S.DELIVERED
    assert applied(course) == [(S.DELIVERED, True), (late, False)]


@pytest.mark.parametrize("claim", [S.DELAYED, S.EXCEPTION, S.LOST, S.VOIDED])
def test_after_delivered_no_delay_exception_loss_or_void_applies(claim: S) -> None:
    course = follow([event(S.DELIVERED, -2), event(claim, -1)])
    assert (course.status, course.conditions) == (S.DELIVERED, frozenset())
    assert applied(course)[-1] == (claim, False)


def test_a_second_delivery_record_corrects_the_first() -> None:
    course = follow([event(S.DELIVERED, -2), event(S.DELIVERED, -1)])
    assert applied(course) == [(S.DELIVERED, True), (S.DELIVERED, True)]
    assert course.delivered_at == moment(-1)


def test_after_delivered_a_return_applies() -> None:
    course = follow([event(S.DELIVERED, -3), event(S.RETURNING, -2), event(S.RETURNED, -1)])
    assert course.status is S.RETURNED
    assert course.delivered_at is None
    assert all(moved for _, moved in course.events)


def test_a_delivery_after_the_return_began_is_at_the_sender_s() -> None:
    course = follow([event(S.IN_TRANSIT, -3), event(S.RETURNING, -2), event(S.DELIVERED, -1)])
    assert (course.status, course.delivered_at) == (S.RETURNED, None)


def test_rank_never_falls() -> None:
    course = follow([event(S.OUT_FOR_DELIVERY, -2), event(S.IN_TRANSIT, -1)])
    assert course.status is S.OUT_FOR_DELIVERY
    assert applied(course)[-1] == (S.IN_TRANSIT, False)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (S.DELIVERY_ATTEMPTED, S.AVAILABLE_FOR_PICKUP),
        (S.DELIVERY_ATTEMPTED, S.OUT_FOR_DELIVERY),
        (S.AVAILABLE_FOR_PICKUP, S.OUT_FOR_DELIVERY),
        (S.OUT_FOR_DELIVERY, S.DELIVERY_ATTEMPTED),
    ],
)
def test_on_the_last_mile_the_latest_scan_shows(first: S, then: S) -> None:
    assert follow([event(first, -2), event(then, -1)]).status is then


@pytest.mark.parametrize("condition", [S.DELAYED, S.EXCEPTION])
def test_a_delay_or_exception_is_a_condition_and_no_step_back(condition: S) -> None:
    course = follow([event(S.OUT_FOR_DELIVERY, -2), event(condition, -1)])
    assert (course.status, course.conditions) == (S.OUT_FOR_DELIVERY, frozenset({condition}))


@pytest.mark.parametrize("condition", [S.DELAYED, S.EXCEPTION])
@pytest.mark.parametrize("scan", [S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.DELIVERED, S.RETURNING])
def test_the_next_physical_scan_clears_a_condition(condition: S, scan: S) -> None:
    course = follow([event(S.SHIPPED, -3), event(condition, -2), event(scan, -1)])
    assert (course.status, course.conditions) == (scan, frozenset())


def test_a_scan_below_the_step_reached_still_clears_a_condition_and_so_counts_as_applied() -> None:
    course = follow([event(S.OUT_FOR_DELIVERY, -3), event(S.EXCEPTION, -2), event(S.IN_TRANSIT, -1)])
    assert (course.status, course.conditions) == (S.OUT_FOR_DELIVERY, frozenset())
    assert applied(course)[-1] == (S.IN_TRANSIT, True)


def test_even_the_pickup_scan_clears_a_condition_told_before_it() -> None:
    course = follow([event(S.IN_TRANSIT, -3), event(S.DELAYED, -2), event(S.SHIPPED, -1)])
    assert (course.status, course.conditions) == (S.IN_TRANSIT, frozenset())
    assert applied(course)[-1] == (S.SHIPPED, True)


def test_a_label_clears_no_condition() -> None:
    assert follow([event(S.EXCEPTION, -2), event(S.LABEL_CREATED, -1)]).conditions == {S.EXCEPTION}


def test_a_loss_stands_until_a_scan_finds_it() -> None:
    lost = [event(S.IN_TRANSIT, -3), event(S.LOST, -2)]
    assert follow(lost).status is S.LOST
    assert follow([*lost, event(S.IN_TRANSIT, -1)]).status is S.IN_TRANSIT


def test_an_unknown_code_moves_nothing_and_stays_in_the_story() -> None:
    known = [event(S.IN_TRANSIT, -2)]
    course = follow([*known, event(S.UNKNOWN, -1, raw="ZZ")])
    assert course.status is S.IN_TRANSIT
    assert applied(course)[-1] == (S.UNKNOWN, False)
    assert course.events[-1][0].code.raw == "ZZ"
    assert follow([event(S.UNKNOWN)]).status is None


def test_a_void_before_any_scan_is_a_void() -> None:
    course = follow([event(S.LABEL_CREATED, -2), event(S.VOIDED, -1)])
    assert course.status is S.VOIDED
    assert course.departed_at is None


@pytest.mark.parametrize("void_at", [-3, -1])
def test_a_physical_scan_defeats_a_void_told_before_or_after_it(void_at: float) -> None:
    course = follow([event(S.VOIDED, void_at), event(S.IN_TRANSIT, -2)])
    assert course.status is S.IN_TRANSIT
    assert (S.VOIDED, False) in applied(course)


def test_no_event_says_nothing() -> None:
    assert follow([]) == Course(None, frozenset(), (), None, None, None)
