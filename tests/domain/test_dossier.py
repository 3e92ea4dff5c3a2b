"""Law 8: any permutation, duplication or delay of the same facts gives the same dossier, story and statuses."""

from dataclasses import replace
from datetime import date, timedelta
from functools import reduce
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.dossier import Dossier, newest
from domain.events import Fact, Subject, Want, Withdrawn, name_of, tracking_key, tracking_name
from domain.model import Invoice, OrderId, TrackingKey, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.order_status import OrderStatus
from domain.projection import project
from domain.values import Provenance, Quantity
from tests.domain import strategies
from tests.domain.lifecycles import Life, lives, odd_facts
from tests.domain.samples import (
    GRACE,
    NOW,
    NUMBER,
    event,
    line,
    moment,
    order,
    package,
    provenance,
    shipment,
    task,
    tracking,
    warehouse,
)

law = settings(max_examples=200, deadline=None)


def told(*facts: Fact) -> Dossier:
    return reduce(Dossier.absorb, facts, Dossier(OrderId("SO1")))


def later(days: float, system: str = "erp") -> Provenance:
    return provenance(system, NOW + timedelta(days=days))


@law
@given(lives())
def test_any_permutation_and_duplication_of_a_life_gives_the_same_dossier_to_the_byte(life: Life) -> None:
    assert repr(told(*life.facts)) == repr(told(*life.retold))


@law
@given(lives())
def test_and_so_the_same_statuses_exceptions_and_story(life: Life) -> None:
    one = project(told(*life.facts), now=NOW, carrier_grace=GRACE)
    two = project(told(*life.retold), now=NOW, carrier_grace=GRACE)
    assert one == two


@law
@given(odd_facts(), st.randoms(use_true_random=False))
def test_what_sources_say_oddly_is_joined_as_firmly(facts: list[Fact], chance: Random) -> None:
    shuffled = [*facts, *facts[: len(facts) // 2]]
    chance.shuffle(shuffled)
    assert repr(told(*facts)) == repr(told(*shuffled))
    assert project(told(*facts), now=NOW, carrier_grace=GRACE) == project(told(*shuffled), now=NOW, carrier_grace=GRACE)


@law
@given(lives(), st.data())
def test_a_delay_changes_nothing_in_the_end(life: Life, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(life.facts)))
    late, rest = life.facts[:cut], life.facts[cut:]
    assert repr(told(*rest, *late)) == repr(told(*life.facts))


@law
@given(lives())
def test_between_two_reviews_time_alone_changes_nothing(life: Life) -> None:
    dossier, at = told(*life.facts), NOW
    for _ in range(20):
        first = project(dossier, now=at, carrier_grace=GRACE)
        if first is None or first.review_at is None:
            return
        just_before = project(dossier, now=first.review_at - timedelta(microseconds=1), carrier_grace=GRACE)
        assert just_before is not None
        assert (just_before.state.status, just_before.exceptions) == (first.state.status, first.exceptions)
        assert first.review_at > at
        at = first.review_at
    raise AssertionError("reviews have no end")


@law
@given(st.lists(strategies.invoices, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_a_record_is_the_one_told_last_in_whatever_order_it_came(invoices: list[Invoice], chance: Random) -> None:
    same = [replace(each, id=invoices[0].id) for each in invoices]
    first = reduce(newest, same[1:], same[0])
    chance.shuffle(same)
    assert repr(first) == repr(reduce(newest, same[1:], same[0]))


def test_package_lists_merge_and_are_never_replaced() -> None:
    first = shipment(package("P1", "1Z1", {"1": 6}), source=later(-2, "wms"))
    second = shipment(package("P2", "1Z2", {"1": 4}), source=later(-1, "wms"))
    merged = told(second, first).warehouse
    assert merged is not None
    assert [(each.id, each.tracking_number) for each in merged.shipments[0].packages] == [("P1", "1Z1"), ("P2", "1Z2")]


def test_a_package_is_as_its_newest_record_tells() -> None:
    before = shipment(package("P1", "1Z1"), source=later(-2, "wms"))
    after = shipment(package("P1", "1Z2", voided=True), source=later(-1, "wms"))
    for dossier in (told(before, after), told(after, before)):
        seen = dossier.warehouse
        assert seen is not None
        assert (seen.shipments[0].packages[0].tracking_number, seen.shipments[0].packages[0].voided) == ("1Z2", True)
        assert dossier.numbers == {"1Z1", "1Z2"}


def test_a_void_before_any_scan_takes_shipped_back_whenever_it_is_heard_of() -> None:
    confirmed = shipment(source=later(-2, "wms"))
    void = shipment(stage=WarehouseStage.VOIDED, source=later(-1, "wms"))
    about = order(line("1", 10))
    for facts in ((about, confirmed, void), (void, confirmed, about)):
        found = project(told(*facts), now=NOW, carrier_grace=GRACE)
        assert found is not None
        assert found.state.status is OrderStatus.CONFIRMED


def test_a_late_shipped_does_not_downgrade_delivered() -> None:
    about = order(line("1", 10, shipped=10))
    scans = tracking(event(S.DELIVERED, -1)), tracking(event(S.IN_TRANSIT, -1.5)), tracking(event(S.SHIPPED, -0.5))
    found = project(told(about, shipment(), *scans), now=NOW, carrier_grace=GRACE)
    assert found is not None
    assert found.state.status is OrderStatus.DELIVERED
    assert [told_.applied for told_ in found.shipments[0].events] == [True, True, False]


def test_a_delivery_without_its_order_waits_in_the_dossier() -> None:
    dossier = told(shipment(), tracking(event(S.DELIVERED)))
    assert dossier.current is None
    assert project(dossier, now=NOW, carrier_grace=GRACE) is None
    found = project(dossier.absorb(order(line("1", 10))), now=NOW, carrier_grace=GRACE)
    assert found is not None
    assert found.state.status is OrderStatus.DELIVERED


def test_a_deleted_order_is_gone_until_its_owner_tells_of_it_again() -> None:
    gone = Withdrawn(Subject.ORDER, "SO1", "erp", NOW)
    assert told(order(source=later(-1)), gone).current is None
    assert told(gone, order(source=later(-1))).current is None
    assert told(gone, order(source=later(1))).current is not None


def test_a_deleted_shipment_leaves_the_order() -> None:
    seen = told(order(), shipment(), Withdrawn(Subject.SHIPMENT, "SH1", "wms", NOW)).warehouse
    assert seen is not None
    assert seen.shipments == ()


def test_the_owner_s_newer_quantities_win_and_statuses_follow_them() -> None:
    old = order(line("1", 10, backordered=10), source=later(-2))
    new = order(line("1", 10, allocated=10), source=later(-1))
    for facts in ((old, new), (new, old)):
        found = project(told(*facts), now=NOW, carrier_grace=GRACE)
        assert found is not None
        assert found.state.status is OrderStatus.ALLOCATED


def test_an_unknown_code_read_anew_by_a_corrected_table_is_known() -> None:
    unread = replace(event(S.UNKNOWN, -1, key="E1"))
    read = event(S.DELIVERED, -1, key="E1")
    for facts in ((tracking(unread), tracking(read)), (tracking(read), tracking(unread))):
        assert [each.status for each in told(*facts).tracking[0].events] == [S.DELIVERED]


def test_two_consignments_of_one_number_are_kept_apart_and_told_together() -> None:
    first = replace(tracking(event(S.DELIVERED, -200, key="A")), unique_id="2025~1")
    second = replace(tracking(event(S.IN_TRANSIT, -1, key="B")), unique_id="2026~1")
    dossier = told(order(), shipment(), first, second)
    assert len(dossier.tracking) == 2
    found = project(dossier, now=NOW, carrier_grace=GRACE)
    assert found is not None
    assert found.shipments[0].status is S.IN_TRANSIT


def test_work_told_twice_is_one_work_and_two_ways_to_write_a_count_are_one_of_them() -> None:
    plain = task(WarehouseStage.PICKED, count=5)
    spelled = replace(plain, quantity=Quantity(plain.quantity.value * 1, "EA", plain.quantity.base_value, "EA"))
    dossier = told(warehouse(tasks=(plain,)), warehouse(tasks=(spelled, task(WarehouseStage.PACKED, at=moment(-3)))))
    assert len(dossier.tasks) == 2


def test_every_fact_names_whom_it_is_about() -> None:
    assert name_of(order()) == (Subject.ORDER, "SO1")
    assert name_of(warehouse()) == (Subject.WORK, "SO1")
    assert name_of(shipment()) == (Subject.SHIPMENT, "SH1")
    assert name_of(tracking()) == (Subject.TRACKING, f"UPSN/{NUMBER}/")
    assert name_of(Withdrawn(Subject.INVOICE, "INV1", "erp", NOW)) == (Subject.INVOICE, "INV1")
    assert Want(*name_of(order())).key == "SO1"


@given(st.text(min_size=1), st.none() | st.dates())
def test_a_tracking_key_and_its_name_are_one_another_s(number: str, day: date | None) -> None:
    key = TrackingKey("UPSN", number, day)
    assert tracking_key(tracking_name(key)) == key
