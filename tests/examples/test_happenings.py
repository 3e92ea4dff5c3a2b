"""What is told unasked is what would be answered if asked: nothing else, nothing less, and our own feeds read it so."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

import sources.carriers
from domain.errors import Forged
from domain.events import Delivery, Subject, Want
from domain.model import ShipmentStatus, Tracking, TrackingKey, WarehouseOrder
from domain.values import Provenance
from examples.distributor import fedex, ltl, signing, ups, wms
from examples.distributor.clock import START
from examples.distributor.journeys import Journey, ScanKind
from examples.distributor.pushes import Push, Pushes
from examples.distributor.subscription import message_id
from examples.distributor.world.happenings import ERP, PUSHED_BY, SCAN, WMS, Happening
from sources import feeds, x12
from sources.carriers.fedex import wire as fedex_wire
from sources.carriers.ups import wire as ups_wire
from sources.carriers.x12_214 import wire as x12_wire
from sources.codes import CodeTable
from tests.examples.company import all_journeys, buyers_accounts, journeys, world
from tests.examples.doors import doors, readers

DAY = timedelta(days=1)
UNTIL = START + DAY
REAL_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
PUSHING = ("ups", "fedex", "ltl")


@cache
def window() -> Sequence[Happening]:
    return world().happenings(START, UNTIL)


@cache
def pushes() -> Pushes:
    return Pushes(world())


def headers(happening: Happening, push: Push, secret: str | None = None) -> dict[str, str]:
    signed = signing.signed(happening.source, message_id(happening), push.body, REAL_NOW, secret=secret)
    return signed | {"content-type": push.content_type}


def told(happening: Happening) -> feeds.Told:
    """Through the door and the feed, as if it came when it happened."""
    push = pushes().of(happening)
    genuine = doors()[happening.source].verify(headers(happening, push), push.body, REAL_NOW)
    delivery = Delivery(
        happening.source, genuine.external_id, genuine.topic, happening.at, push.body, dict(genuine.headers)
    )
    return readers()[happening.source].parse(delivery)


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [1, 2, 7, 24 * 60])
def test_windows_that_follow_each_other_tell_what_one_window_tells(parts: int) -> None:
    cuts = [START + DAY * nth / parts for nth in range(parts + 1)]
    assert [each for pair in pairwise(cuts) for each in world().happenings(*pair)] == list(window())


def test_a_window_begins_after_its_first_instant_and_ends_with_its_last() -> None:
    first = window()[0]
    assert first not in world().happenings(first.at, UNTIL)
    assert first in world().happenings(first.at - INSTANT, first.at)
    assert world().happenings(UNTIL, START) == []


def test_all_is_in_order_of_time_and_nothing_is_told_twice() -> None:
    assert list(window()) == sorted(window(), key=lambda each: each.at)
    assert len({each.name for each in window()}) == len({message_id(each) for each in window()}) == len(window())


def test_every_source_that_sends_events_tells_something_every_day() -> None:
    assert {each.source for each in window()} == {ERP, WMS, *PUSHING} == set(doors())


# --- every message is genuine and understood -------------------------------------------------------------------------


def test_every_message_passes_the_door_and_is_read() -> None:
    assert all(told(happening) for happening in window())


def test_no_message_passes_the_door_with_another_secret_or_another_body() -> None:
    for happening in {each.source: each for each in window()}.values():
        push = pushes().of(happening)
        with pytest.raises(Forged):
            doors()[happening.source].verify(
                headers(happening, push, signing.FORGERS[happening.source]), push.body, REAL_NOW
            )
        if happening.source != "ups":  # its credential signs nothing
            with pytest.raises(Forged):
                doors()[happening.source].verify(headers(happening, push), push.body + b" ", REAL_NOW)


def test_the_secrets_are_all_different() -> None:
    assert len({*signing.SECRETS.values(), *signing.FORGERS.values()}) == 2 * len(signing.SECRETS)


# --- the ERP ---------------------------------------------------------------------------------------------------------

VIEWS: Mapping[str, Callable[[str, datetime], Any]] = {
    "salesOrder": world().erp_order,
    "invoice": world().invoice,
    "creditMemo": world().credit_memo,
    "returnAuthorization": world().rma,
    "customer": world().customer,
}
SUBJECTS = {
    "salesOrder": Subject.ORDER,
    "invoice": Subject.INVOICE,
    "creditMemo": Subject.INVOICE,
    "returnAuthorization": Subject.RETURN,
    "customer": Subject.CUSTOMER,
}


def erp_records() -> Mapping[tuple[str, str], list[Happening]]:
    found = defaultdict(list)
    for each in window():
        if each.source == ERP:
            found[each.kind.partition(".")[0], each.number].append(each)
    return found


def test_a_record_is_told_when_it_changes_and_only_then() -> None:
    times = sorted({each.at for each in window()})[::10]
    for (type_, number), happened in erp_records().items():
        view = partial(VIEWS[type_], number)
        for each in happened:
            before, after = view(each.at - INSTANT), view(each.at)
            assert (before is None) is each.kind.endswith(".created")
            assert before != after or type_ == "customer"
        if type_ != "customer":  # what an account owes grows older by itself
            changes = {each.at for each in happened}
            for earlier, later in pairwise(times):
                assert view(earlier) == view(later) or any(earlier < at <= later for at in changes)


def test_every_record_that_comes_into_being_is_told() -> None:
    created = {each.number for each in window() if each.kind.endswith(".created")}
    orders = world().orders.values()
    assert created == {
        *(order.number for order in orders if START < order.submitted_at <= UNTIL),
        *(invoice.number for order in orders for invoice in order.invoices if START < invoice.issued_at <= UNTIL),
        *(credit.number for order in orders for credit in order.credit_memos if START < credit.issued_at <= UNTIL),
        *(rma.number for order in orders for rma in order.rmas if START < rma.requested_at <= UNTIL),
    }


def test_the_erps_message_makes_us_read_the_record_and_the_order_it_was_made_from() -> None:
    for (type_, number), happened in erp_records().items():
        for each in happened:
            made_from = [Want(Subject.ORDER, each.order)] if each.order and each.order != number else []
            assert told(each) == [Want(SUBJECTS[type_], number), *made_from]


# --- the warehouse ---------------------------------------------------------------------------------------------------


def test_the_warehouse_tells_an_order_as_its_service_would_answer_then() -> None:
    warehouse = wms.Warehouse(world())
    for each in window():
        if each.source == WMS:
            query = wms.OrdersQuery([each.number], frozenset({"work", "shipments"}))
            answer = msgspec.json.decode(msgspec.json.encode(warehouse.orders(query, each.at)))
            assert msgspec.json.decode(pushes().of(each).body)["orders"] == answer["orders"]
            assert world().warehouse_order(each.number, each.at - INSTANT) != world().warehouse_order(
                each.number, each.at
            )


def test_the_warehouse_tells_as_of_when_it_happened() -> None:
    for each in window():
        if each.source == WMS:
            (order,) = told(each)
            assert isinstance(order, WarehouseOrder)
            assert (order.order_id, order.source) == (each.number, Provenance(WMS, each.at))


# --- the carriers ----------------------------------------------------------------------------------------------------


def codes(kind: str) -> CodeTable[ShipmentStatus]:
    return CodeTable.read(kind, Path(sources.carriers.__path__[0]) / kind / "codes.tsv", ShipmentStatus)


def polled_ups(key: TrackingKey, known: Sequence[Journey], now: datetime) -> Tracking | None:
    body = msgspec.json.encode(ups.answer(key.number, known, now))
    return msgspec.json.decode(body, type=ups_wire.TrackReply).to_domain(key, codes("ups"), Provenance("ups", now))


def polled_fedex(key: TrackingKey, known: Sequence[Journey], now: datetime) -> Tracking | None:
    body = msgspec.json.encode(fedex.answer([key.number], {key.number: known}, now))
    ((_, result),) = msgspec.json.decode(body, type=fedex_wire.TrackReply).results("fedex")
    assert isinstance(result, fedex_wire.CompleteResult)
    return result.to_domain(key, codes("fedex"), Provenance("fedex", now))


def polled_ltl(key: TrackingKey, known: Sequence[Journey], now: datetime) -> Tracking | None:
    body = "".join(ltl.interchange(journey, journey.until(now), now) for journey in known if journey.until(now))
    read = [x12_wire.Message.of(one) for told in x12.read(body.encode()) for one in told.sets]  # type: ignore[union-attr]
    return x12_wire.to_domain(read, key, codes("x12_214"), Provenance("ltl", now))


POLLED = {"ups": polled_ups, "fedex": polled_fedex, "ltl": polled_ltl}


def polled_ids(source: str, journey: Journey, now: datetime) -> set[str]:
    key = TrackingKey(journey.scac, journey.number, journey.shipped_on)
    tracking = POLLED[source](key, all_journeys()[journey.number], now)
    return {event.id for event in tracking.events} if tracking else set()


@pytest.mark.parametrize("source", PUSHING)
def test_a_scan_that_is_pushed_and_polled_is_the_same_event(source: str) -> None:
    pushed: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in window():
        if each.source == source:
            (tracking,) = told(each)
            assert isinstance(tracking, Tracking)
            assert tracking.key.number == each.number
            pushed[each.number, each.unique_id] |= {event.id for event in tracking.events}
    assert pushed
    for (number, unique_id), ids in pushed.items():
        (journey,) = (each for each in all_journeys()[number] if each.unique_id == unique_id)
        before = polled_ids(source, journey, START)
        after = polled_ids(source, journey, UNTIL)
        assert before < after
        assert ids - before == after - before
        assert ids <= after


def test_every_scan_of_a_carrier_that_pushes_is_told_and_none_of_the_others() -> None:
    scanned = {
        (journey.number, scan.at)
        for known in all_journeys().values()
        for journey in known
        for scan in journey.scans
        if journey.scac in PUSHED_BY and START < scan.at <= UNTIL
    }
    assert {(each.number, each.at) for each in window() if each.kind == SCAN} == scanned


# --- the order to watch ----------------------------------------------------------------------------------------------


def test_the_moving_example_goes_from_release_to_delivery_in_days() -> None:
    number = world().examples["moving"]
    order = world().orders[number]
    assert order.account in buyers_accounts()
    assert world().erp_order(number, START) is not None
    assert world().warehouse_order(number, START) is None
    seen = [each.kind for each in world().happenings(START, START + 3 * DAY) if each.order == number]
    steps = ["Order Allocated", "Order Released", "Order Packed Out", SCAN, "invoice.created"]
    assert [seen.index(step) for step in steps] == sorted(seen.index(step) for step in steps)
    (way,) = (journey for _, journey in journeys(order))
    assert PUSHED_BY[way.scac] in ("ups", "fedex")
    assert way.until(START) == ()
    assert [scan.kind for scan in way.until(START + 3 * DAY)][-2:] == [ScanKind.OUT_FOR_DELIVERY, ScanKind.DELIVERED]
