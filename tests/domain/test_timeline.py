"""The order's story: everything told once, in order, in public words."""

from itertools import permutations

import pytest

from domain.model import InvoiceId, InvoiceType, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.shipment_status import derive_shipment
from domain.timeline import MESSAGE, TimelineEvent, TimelineKind, fold
from domain.values import Precision, Quantity
from tests.domain.samples import (
    NUMBER,
    event,
    hold,
    invoice,
    moment,
    order,
    package,
    return_,
    shipment,
    task,
    tracking,
    warehouse,
)

K = TimelineKind


def kinds(told: tuple[TimelineEvent, ...]) -> list[TimelineKind]:
    return [one.kind for one in told]


def test_everything_that_happened_in_order() -> None:
    about = shipment(
        labelled_at=moment(-2.6),
        packed_at=moment(-2.8),
        manifested_at=moment(-2.4),
    )
    state = derive_shipment(about, {NUMBER: tracking(event(S.SHIPPED, -1.8), event(S.DELIVERED, -1))})
    work = [
        task(WarehouseStage.RELEASED, at=moment(-5)),
        task(WarehouseStage.PICKING, at=moment(-4.5)),
        task(WarehouseStage.PICKED, at=moment(-4)),
        task(WarehouseStage.PACKED, at=moment(-3.5)),
    ]
    held = order(revision=1, modified_at=moment(-6), hold=hold())
    receivables = [invoice(date=moment(-1).at.date())]
    told = fold(held, warehouse(about, tasks=work), [state], receivables, [return_(requested_at=moment(0))])
    assert kinds(told) == [
        K.ORDER_PLACED,
        K.ORDER_CHANGED,
        K.RELEASED_TO_WAREHOUSE,
        K.PICKING,
        K.PICKED,
        K.PACKED,
        K.ORDER_HELD,
        K.SHIPMENT_CREATED,
        K.SHIPMENT_PACKED,
        K.LABEL_CREATED,
        K.MANIFESTED,
        K.SHIP_CONFIRMED,
        K.TRACKING,
        K.TRACKING,
        K.INVOICED,
        K.RETURN_REQUESTED,
    ]


def test_an_unread_or_unseen_warehouse_leaves_the_rest_of_the_story() -> None:
    assert kinds(fold(order(), None, [], [], [])) == [K.ORDER_PLACED]


def test_what_is_told_twice_is_one_event() -> None:
    about = shipment()
    state = derive_shipment(about, {NUMBER: tracking(event(S.SHIPPED))})
    once = fold(order(), warehouse(about, tasks=[task()]), [state], [invoice()], [return_()])
    twice = fold(
        order(), warehouse(about, about, tasks=[task(), task()]), [state, state], [invoice()] * 2, [return_()] * 2
    )
    assert once == twice
    assert len({one.id for one in once}) == len(once)


def test_the_order_in_which_things_are_told_does_not_matter() -> None:
    first = derive_shipment(shipment(package("P1", "1Z1"), id="SH1"), {"1Z1": tracking(event(S.DELIVERED))})
    second = derive_shipment(shipment(package("P2", "1Z2"), id="SH2"), {"1Z2": tracking(event(S.DELIVERED))})
    bills = [invoice(), invoice(id=InvoiceId("INV2"))]
    work = [task(key="1"), task(key="2"), task(WarehouseStage.PACKED)]
    stories = {
        fold(order(), warehouse(tasks=tasks), states, invoices, [])
        for tasks in permutations(work)
        for states in permutations([first, second])
        for invoices in permutations(bills)
    }
    assert len(stories) == 1


def test_the_same_number_on_two_shipments_is_told_of_each() -> None:
    answers = {NUMBER: tracking(event(S.DELIVERED))}
    states = [derive_shipment(shipment(id=name), answers) for name in ("SH1", "SH2")]
    told = [one.shipment_id for one in fold(order(), None, states, [], []) if one.kind is K.TRACKING]
    assert told == ["SH1", "SH2"]


def test_a_late_event_is_told_and_not_applied() -> None:
    state = derive_shipment(shipment(), {NUMBER: tracking(event(S.DELIVERED, -1), event(S.SHIPPED, -0.5))})
    scans = [one for one in fold(order(), None, [state], [], []) if one.kind is K.TRACKING]
    assert [(one.applied, one.at) for one in scans] == [(True, moment(-1)), (False, moment(-0.5))]


def test_an_unknown_code_is_told_raw_and_in_our_words() -> None:
    state = derive_shipment(shipment(), {NUMBER: tracking(event(S.UNKNOWN, raw="ZZ", text="Internal hold"))})
    told = fold(order(), None, [state], [], [])[-1]
    assert (told.message, told.applied, told.source) == (MESSAGE[K.TRACKING], False, "ups")
    assert told.code is not None
    assert told.code.raw == "ZZ"


def test_a_short_pick_is_told() -> None:
    short = task(count=4, short=Quantity.of(6))
    told = fold(order(), warehouse(tasks=[short]), [], [], [])[-1]
    assert (told.kind, told.line_key) == (K.PICKED_SHORT, "1")
    in_full = task(short=Quantity.of(0))
    assert fold(order(), warehouse(tasks=[in_full]), [], [], [])[-1].kind is K.PICKED


@pytest.mark.parametrize("kind", [WarehouseStage.PLANNED, WarehouseStage.LABELLED, WarehouseStage.UNKNOWN])
def test_work_that_means_nothing_to_a_customer_is_left_out(kind: WarehouseStage) -> None:
    assert kinds(fold(order(), warehouse(tasks=[task(kind)]), [], [], [])) == [K.ORDER_PLACED]


def test_a_hold_tells_its_allow_listed_sentence_and_no_code() -> None:
    held = order(hold=hold("We are reviewing this order.", raw="CRED", reason="over the limit"))
    told = fold(held, None, [], [], [])[-1]
    assert (told.kind, told.message, told.code) == (K.ORDER_HELD, "We are reviewing this order.", None)


def test_an_invoice_has_a_date_and_follows_that_day_s_events() -> None:
    told = fold(order(placed_at=moment()), None, [], [invoice(date=moment().at.date())], [])
    assert kinds(told) == [K.ORDER_PLACED, K.INVOICED]
    assert told[-1].at.precision is Precision.DATE


def test_a_credit_memo_is_an_adjustment() -> None:
    told = fold(order(), None, [], [invoice(type=InvoiceType.CREDIT_MEMO)], [])
    assert kinds(told) == [K.INVOICE_ADJUSTED, K.ORDER_PLACED]


def test_an_order_never_edited_has_not_changed() -> None:
    assert K.ORDER_CHANGED not in kinds(fold(order(revision=0), None, [], [], []))


def test_a_void_is_told() -> None:
    state = derive_shipment(shipment(voided_at=moment(-1)), {})
    assert kinds(fold(order(), None, [state], [], []))[-1] is K.SHIPMENT_VOIDED


def test_every_kind_has_words() -> None:
    assert set(MESSAGE) == set(TimelineKind)
