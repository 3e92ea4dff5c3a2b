"""A batch is joined with memory as a whole: order of arrival, neighbours and repetitions make no difference."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings

from domain.dossier import Dossier
from domain.events import Delivery, Fact, Subject, Want, Withdrawn
from domain.model import CustomerId, OrderId, ShipmentId, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.timeline import TimelineKind
from ingest.joining import Joined, Remembered, join, number_key, order_key, shipment_key, sought
from ingest.parsing import Reading
from store.folding import Kept, KeptRecord
from store.inbox import Claimed
from tests.domain.lifecycles import Life, lives
from tests.domain.samples import (
    GRACE,
    NOW,
    NUMBER,
    event,
    hold,
    invoice,
    line,
    order,
    provenance,
    return_,
    shipment,
    tracking,
    warehouse,
)

SO1 = OrderId("SO1")
NOTHING = Remembered({}, {}, {}, {})


def reading(*facts: Fact, name: str = "1", wants: tuple[Want, ...] = ()) -> Reading:
    return Reading(Claimed(Delivery("test", name, "", NOW, b""), 1), facts, wants)


def remember(*facts: Fact) -> Remembered:
    """What memory holds once ``facts`` of SO1 are in it."""
    dossier = Dossier(SO1)
    for fact in facts:
        dossier = dossier.absorb(fact)
    numbers = dict.fromkeys(dossier.numbers, frozenset({SO1}))
    made: dict[str, OrderId] = {kept.header.id: SO1 for kept in dossier.shipments}
    return Remembered({SO1: Kept(dossier, 3)}, numbers, made, {})


def joined(*readings: Reading, within: Remembered = NOTHING) -> Joined:
    return join(readings, within, now=NOW, carrier_grace=GRACE)


def statuses(result: Joined) -> Mapping[str, tuple[str | None, str | None]]:
    return {f"{change.subject} {change.id}": (change.before, change.after) for change in result.changes}


@settings(max_examples=60, deadline=None)
@given(lives())
def test_one_batch_or_many_in_any_order_come_to_the_same_dossier(life: Life) -> None:
    whole = joined(*(reading(fact, name=str(nth)) for nth, fact in enumerate(life.facts)))
    apart = NOTHING
    waiting = [reading(fact, name=f"again {nth}") for nth, fact in enumerate(life.retold)]
    while waiting:
        left = []
        for one in waiting:
            result = joined(one, within=apart)
            for row in result.rows:
                numbers = dict.fromkeys(row.dossier.numbers, frozenset({SO1}))
                made: dict[str, OrderId] = {kept.header.id: SO1 for kept in row.dossier.shipments}
                apart = Remembered({SO1: Kept(row.dossier, row.version + 1)}, numbers, made, {})
            if one.name in result.waiting:
                left.append(one)
        if len(left) == len(waiting):
            break
        waiting = left
    assert repr(whole.rows[0].dossier) == repr(apart.dossiers[SO1].value)


def test_what_must_be_loaded_is_named_by_the_facts() -> None:
    needed = sought(
        [
            reading(order(), tracking(), invoice(), return_()),
            reading(Withdrawn(Subject.SHIPMENT, "SH9", "wms", NOW), Withdrawn(Subject.INVOICE, "INV9", "erp", NOW)),
        ]
    )
    assert [set(each) for each in (needed.orders, needed.numbers, needed.shipments)] == [{SO1}, {NUMBER}, {"SH9"}]
    assert needed.records[Subject.INVOICE] == {"INV1", "INV9"}
    assert needed.records[Subject.RETURN] == {"RMA1"}


def test_an_event_of_an_unknown_order_waits_and_the_order_is_asked_for() -> None:
    result = joined(reading(shipment(), name="early"))
    assert result.waiting == {("test", "early"): order_key("SO1")}
    assert result.wants == {Want(Subject.ORDER, "SO1")}
    assert result.rows == []


def test_in_one_batch_with_its_order_nothing_waits_whatever_comes_first() -> None:
    result = joined(
        reading(tracking(event(S.DELIVERED)), name="a"), reading(shipment(), name="b"), reading(order(), name="c")
    )
    assert result.waiting == {}
    assert statuses(result) == {"ORDER SO1": (None, "DELIVERED"), "SHIPMENT SH1": (None, "DELIVERED")}
    assert result.arrived == {order_key("SO1"), shipment_key("SH1"), number_key(NUMBER)}


def test_a_scan_of_a_number_nobody_has_waits_for_the_shipment() -> None:
    result = joined(reading(tracking(event(S.DELIVERED)), name="scan"), within=remember(order()))
    assert result.waiting == {("test", "scan"): number_key(NUMBER)}
    arrived = joined(reading(shipment()), within=remember(order())).arrived
    assert arrived == {number_key(NUMBER), shipment_key("SH1")}


def test_the_same_again_changes_nothing_and_tells_nobody() -> None:
    facts = (order(), shipment(), tracking(event(S.IN_TRANSIT)))
    result = joined(reading(*facts), within=remember(*facts))
    assert (result.rows, result.changes, result.waiting) == ([], [], {})


def test_a_younger_reading_of_the_same_is_kept_and_tells_nobody() -> None:
    younger = replace(order(), source=provenance("erp", NOW + timedelta(minutes=1)))
    result = joined(reading(younger), within=remember(order()))
    assert len(result.rows) == 1
    assert result.changes == []


def test_a_change_tells_what_is_new_in_the_story() -> None:
    scan = tracking(event(S.DELIVERED, -0.5))
    result = joined(reading(scan), within=remember(order(line("1", 10)), shipment(), tracking(event(S.IN_TRANSIT))))
    about = {change.subject: change for change in result.changes}
    assert (about[Subject.ORDER].before, about[Subject.ORDER].after) == ("SHIPPED", "DELIVERED")
    assert (about[Subject.SHIPMENT].before, about[Subject.SHIPMENT].after) == ("IN_TRANSIT", "DELIVERED")
    assert [told.kind for told in about[Subject.ORDER].story] == [TimelineKind.TRACKING]
    assert about[Subject.SHIPMENT].story == about[Subject.ORDER].story
    assert (about[Subject.ORDER].customer_id, about[Subject.ORDER].order_id) == ("C100", "SO1")


def test_quantities_that_move_no_status_are_told_all_the_same() -> None:
    more = order(line("1", 10), line("2", 4, allocated=1), source=provenance("erp", NOW + timedelta(hours=1)))
    before = remember(order(line("1", 10), line("2", 4, allocated=2)))
    assert statuses(joined(reading(more), within=before)) == {"ORDER SO1": ("PARTIALLY_ALLOCATED",) * 2}


def test_a_deleted_order_is_told_as_gone() -> None:
    result = joined(reading(Withdrawn(Subject.ORDER, "SO1", "erp", NOW)), within=remember(order()))
    assert statuses(result) == {"ORDER SO1": ("CONFIRMED", None)}
    assert result.rows[0].projection is None


def test_a_deleted_shipment_is_told_as_gone() -> None:
    result = joined(reading(Withdrawn(Subject.SHIPMENT, "SH1", "wms", NOW)), within=remember(order(), shipment()))
    assert statuses(result) == {"ORDER SO1": ("SHIPPED", "CONFIRMED"), "SHIPMENT SH1": ("SHIPPED", None)}


def test_a_number_that_two_orders_share_is_told_to_both() -> None:
    other = replace(order(), id=OrderId("SO2"))
    theirs = replace(shipment(), id=ShipmentId("SH2"), order_id=OrderId("SO2"))
    result = joined(reading(order(), other, shipment(), theirs, tracking(event(S.DELIVERED))))
    assert {row.dossier.order_id for row in result.rows if row.dossier.tracking} == {"SO1", "SO2"}


def test_records_are_the_newest_and_their_deletion_a_tombstone() -> None:
    old, new = (
        invoice("100.00", "100.00"),
        invoice("100.00", "0.00", source=provenance("erp", NOW + timedelta(hours=1))),
    )
    for facts in ((old, new), (new, old)):
        result = joined(*(reading(fact, name=str(nth)) for nth, fact in enumerate(facts)))
        assert result.records[Subject.INVOICE]["INV1"].record == new
        assert statuses(result) == {"INVOICE INV1": (None, "PAID")}
    gone = Withdrawn(Subject.INVOICE, "INV1", "erp", NOW + timedelta(hours=2))
    within = Remembered({}, {}, {}, {Subject.INVOICE: {"INV1": KeptRecord(new, None, 1)}})
    result = joined(reading(gone), reading(new, name="late"), within=within)
    assert statuses(result) == {"INVOICE INV1": ("PAID", None)}
    assert result.records[Subject.INVOICE]["INV1"].withdrawn_at == gone.at


def test_a_return_and_its_invoice_tell_their_story_once() -> None:
    result = joined(reading(invoice(), return_()))
    stories = {change.subject: [told.kind for told in change.story] for change in result.changes}
    assert stories == {Subject.INVOICE: [TimelineKind.INVOICED], Subject.RETURN: [TimelineKind.RETURN_REQUESTED]}
    within = Remembered({}, {}, {}, {Subject.INVOICE: {"INV1": KeptRecord(invoice(), None, 1)}})
    paid = invoice("100.00", "0.00", source=provenance("erp", NOW + timedelta(hours=1)))
    again = joined(reading(paid), within=within)
    assert [(change.before, change.after, change.story) for change in again.changes] == [("UNPAID", "PAID", ())]


def test_a_hold_released_and_a_confirmed_shipment_tell_the_rows_their_version() -> None:
    result = joined(
        reading(order(hold=None, source=provenance("erp", NOW + timedelta(hours=1)))),
        within=remember(order(hold=hold())),
    )
    assert [row.version for row in result.rows] == [3]
    assert statuses(result) == {"ORDER SO1": ("ON_HOLD", "CONFIRMED")}


def test_wants_are_collected_once() -> None:
    want = Want(Subject.ORDER, "SO1")
    assert joined(reading(name="a", wants=(want,)), reading(name="b", wants=(want,))).wants == {want}


def test_work_of_a_known_order_is_joined() -> None:
    seen = warehouse(shipment(stage=WarehouseStage.PACKED))
    result = joined(reading(seen), within=remember(order()))
    assert statuses(result)["SHIPMENT SH1"] == (None, "PACKED")
    assert CustomerId("C100") == result.changes[0].customer_id
