"""The one status of an order: each row of the derivation table, the precedence of axes, and what cannot be read."""

from datetime import timedelta
from decimal import Decimal

import pytest

from domain.errors import SourceUnavailable
from domain.explanation import WITHHELD, Evidence
from domain.fulfillment import Fulfillment
from domain.line_status import UNREAD, LineStatus
from domain.model import Lifecycle, Line, ShipmentMode, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.order_status import CARRIER_MEMORY, DISPLAY, WORDS, OrderStatus, derive_order
from domain.shipment_status import ShipmentState, derive_shipment
from domain.values import Quantity
from tests.domain.samples import (
    GRACE,
    NUMBER,
    code,
    event,
    facts,
    hold,
    line,
    moment,
    order,
    package,
    shipment,
    task,
    tracking,
)

BEFORE_WORK = (line(), line(allocated=4), line(backordered=10), line(allocated=10))


def sent(*scans: S, count: int = 10, number: str = "1Z1", key: str = "1", name: str = "SH1") -> ShipmentState:
    """A confirmed shipment of one parcel, scanned so far."""
    about = shipment(package(name, number, {key: count}), id=name)
    events = [event(scan, -1 + index / 10) for index, scan in enumerate(scans)]
    return derive_shipment(about, {number: tracking(*events, number=number)} if scans else {})


# --- one row each ----------------------------------------------------------------------------------------------------


def test_received() -> None:
    state = derive_order(facts(order(lifecycle=Lifecycle.RECEIVED, status_code=code("_pendingApproval"))))
    assert (state.status, state.explanation.missing) == (OrderStatus.RECEIVED, ("approval",))
    assert state.explanation.rule == "the ERP has it, approval pending"
    assert state.explanation.evidence[0] == Evidence("erp", "_pendingApproval", moment(-5).at)


@pytest.mark.parametrize("lines", BEFORE_WORK, ids=["open", "partly allocated", "backordered", "allocated"])
def test_approval_pending_is_received_whatever_is_reserved_for_it(lines: Line) -> None:
    assert derive_order(facts(order(lines, lifecycle=Lifecycle.RECEIVED))).status is OrderStatus.RECEIVED


def test_confirmed() -> None:
    assert derive_order(facts(order())).status is OrderStatus.CONFIRMED


def test_backordered_when_nothing_is_allocated() -> None:
    assert derive_order(facts(order(line(backordered=10)))).status is OrderStatus.BACKORDERED


def test_partially_allocated_when_some_of_it_is() -> None:
    state = derive_order(facts(order(line("1", allocated=10), line("2", backordered=10))))
    assert state.status is OrderStatus.PARTIALLY_ALLOCATED
    assert [one.status for one in state.lines] == [LineStatus.ALLOCATED, LineStatus.BACKORDERED]
    assert Evidence("erp", "allocated on 1 of 2 lines", moment(-5).at) in state.explanation.evidence


def test_allocated_and_the_erp_s_release_is_no_more() -> None:
    state = derive_order(facts(order(line(allocated=10, picked=10), status_code=code("Released"))))
    assert (state.status, state.explanation.missing) == (OrderStatus.ALLOCATED, ("a warehouse wave, pick or pack",))


def test_in_warehouse() -> None:
    state = derive_order(
        facts(order(line(allocated=10)), tasks=[task(WarehouseStage.RELEASED, at=moment(-4.5)), task()])
    )
    assert state.status is OrderStatus.IN_WAREHOUSE
    assert Evidence("wms", "picked", moment(-4).at) in state.explanation.evidence


def test_work_on_one_line_of_two_is_in_the_warehouse() -> None:
    about = order(line("1", allocated=10), line("2", backordered=10))
    assert derive_order(facts(about, tasks=[task()])).status is OrderStatus.IN_WAREHOUSE


def test_work_on_what_is_cancelled_since_does_not_count() -> None:
    about = order(line("1", cancelled=10), line("2", allocated=10))
    assert derive_order(facts(about, tasks=[task(key="1")])).status is OrderStatus.ALLOCATED


def test_once_shipped_the_warehouse_s_tasks_are_no_evidence() -> None:
    state = derive_order(facts(order(line(shipped=10)), sent(), tasks=[task()]))
    assert not any(one.code == "picked" for one in state.explanation.evidence)


def test_the_erp_s_word_alone_is_shipped_pending_carrier() -> None:
    state = derive_order(facts(order(line(shipped=10)), warehouse=None))
    assert (state.status, state.fulfillment) == (
        OrderStatus.SHIPPED_PENDING_CARRIER,
        Fulfillment.SHIPPED_PENDING_CARRIER,
    )
    assert Evidence("erp", "shipped on 1 of 1 lines", moment(-5).at) in state.explanation.evidence


def test_partially_shipped() -> None:
    state = derive_order(facts(order(line(shipped=4, backordered=6)), sent(count=4)))
    assert (state.status, state.summary) == (OrderStatus.PARTIALLY_SHIPPED, "Partly shipped, 4 of 10, 6 backordered")


def test_shipped() -> None:
    assert derive_order(facts(order(line(shipped=10)), sent())).status is OrderStatus.SHIPPED


def test_partially_delivered() -> None:
    states = (sent(S.DELIVERED, count=6), sent(count=4, number="1Z2", name="SH2"))
    state = derive_order(facts(order(), *states))
    assert (state.status, state.summary) == (OrderStatus.PARTIALLY_DELIVERED, "Partly delivered, 6 of 10")


def test_delivered() -> None:
    state = derive_order(facts(order(), sent(S.DELIVERED)))
    assert (state.status, state.explanation.missing) == (OrderStatus.DELIVERED, ())
    assert state.explanation.rule == "every package that is not void is delivered, and shipped = ordered - cancelled"


def test_delivered_needs_every_package_that_is_not_void() -> None:
    extra = sent(S.IN_TRANSIT, count=2, key="free gift", number="1Z2", name="SH2")
    assert derive_order(facts(order(), sent(S.DELIVERED), extra)).status is OrderStatus.PARTIALLY_DELIVERED
    void = derive_shipment(shipment(stage=WarehouseStage.VOIDED), {})
    assert derive_order(facts(order(), sent(S.DELIVERED), void)).status is OrderStatus.DELIVERED


def test_delivered_needs_shipped_to_equal_ordered_less_cancelled() -> None:
    state = sent(S.DELIVERED, count=7)
    assert derive_order(facts(order(line()), state)).status is OrderStatus.PARTIALLY_DELIVERED
    assert derive_order(facts(order(line(cancelled=3)), state)).status is OrderStatus.DELIVERED


def test_completed() -> None:
    about = order(line(shipped=10), lifecycle=Lifecycle.CLOSED)
    assert derive_order(facts(about, sent(S.DELIVERED))).summary == "Completed"


def test_completed_short_says_how_many_were_cancelled() -> None:
    about = order(line(shipped=7), lifecycle=Lifecycle.CLOSED)
    state = derive_order(facts(about, sent(S.DELIVERED, count=7)))
    assert (state.status, state.summary) == (OrderStatus.COMPLETED, "Completed, 3 cancelled")


def test_completed_short_on_one_line_of_two() -> None:
    about = order(line("1", shipped=10), line("2", ordered=5, shipped=2), lifecycle=Lifecycle.CLOSED)
    gone = (sent(S.DELIVERED), sent(S.DELIVERED, count=2, key="2", number="1Z2", name="SH2"))
    assert derive_order(facts(about, *gone)).summary == "Completed, 3 cancelled"


def test_cancelled() -> None:
    state = derive_order(facts(order(line(allocated=10), lifecycle=Lifecycle.CANCELLED)))
    assert (state.status, state.summary) == (OrderStatus.CANCELLED, "Cancelled")


@pytest.mark.parametrize("lifecycle", [Lifecycle.CONFIRMED, Lifecycle.CLOSED])
def test_cancelled_line_by_line(lifecycle: Lifecycle) -> None:
    about = order(line("1", cancelled=10), line("2", cancelled=10), lifecycle=lifecycle)
    assert derive_order(facts(about)).status is OrderStatus.CANCELLED


def test_unknown_when_nothing_says_more() -> None:
    about = order(lifecycle=Lifecycle.UNKNOWN, status_code=code("Zz", known=False))
    state = derive_order(facts(about))
    assert state.status is OrderStatus.UNKNOWN
    assert state.explanation.evidence[0].code == "Zz"


# --- holds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lifecycle", [Lifecycle.RECEIVED, Lifecycle.CONFIRMED, Lifecycle.UNKNOWN])
@pytest.mark.parametrize("lines", BEFORE_WORK, ids=["open", "partly allocated", "backordered", "allocated"])
def test_a_hold_is_shown_before_anything_ships(lifecycle: Lifecycle, lines: Line) -> None:
    state = derive_order(facts(order(lines, lifecycle=lifecycle, hold=hold())))
    assert (state.status, state.summary.partition(",")[0]) == (OrderStatus.ON_HOLD, "On hold")
    assert Evidence("erp", "hold", moment(-3).at) in state.explanation.evidence


def test_a_hold_is_shown_while_the_warehouse_has_the_goods() -> None:
    about = order(line(allocated=10), hold=hold())
    assert derive_order(facts(about, tasks=[task()])).status is OrderStatus.ON_HOLD


def test_a_hold_does_not_hide_shipments_already_made() -> None:
    state = derive_order(facts(order(line(shipped=4), hold=hold()), sent(count=4)))
    assert (state.status, state.summary) == (
        OrderStatus.PARTIALLY_SHIPPED,
        "Partly shipped, 4 of 10, the rest on hold",
    )
    assert derive_order(facts(order(hold=hold()), sent(S.DELIVERED))).status is OrderStatus.DELIVERED


@pytest.mark.parametrize(
    ("lifecycle", "status"), [(Lifecycle.CANCELLED, OrderStatus.CANCELLED), (Lifecycle.CLOSED, OrderStatus.CANCELLED)]
)
def test_a_hold_on_what_is_over_is_over_too(lifecycle: Lifecycle, status: OrderStatus) -> None:
    assert derive_order(facts(order(lifecycle=lifecycle, hold=hold()))).status is status


# --- closed, and still under way -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lifecycle", [Lifecycle.CLOSED, Lifecycle.CANCELLED])
@pytest.mark.parametrize("scan", [S.IN_TRANSIT, S.OUT_FOR_DELIVERY, S.RETURNING, S.RETURNED, S.LOST])
def test_a_closed_order_is_not_completed_while_its_goods_are_elsewhere(lifecycle: Lifecycle, scan: S) -> None:
    about = order(line(shipped=10), lifecycle=lifecycle)
    assert derive_order(facts(about, sent(S.SHIPPED, scan))).status is OrderStatus.SHIPPED


def test_a_closed_order_waits_for_a_carrier_that_could_not_be_read() -> None:
    about = shipment()
    state = derive_shipment(about, {about.tracking_numbers[0]: SourceUnavailable("ups", "503")})
    closed = derive_order(facts(order(line(shipped=10), lifecycle=Lifecycle.CLOSED), state))
    assert (closed.status, closed.explanation.missing[-1]) == (OrderStatus.SHIPPED, "ups could not be read")


def test_a_closed_order_whose_carrier_forgot_it_long_ago_is_completed() -> None:
    about = order(line(shipped=10), lifecycle=Lifecycle.CLOSED)
    forgets = moment(-2).at + CARRIER_MEMORY
    assert derive_order(facts(about, sent(), now=forgets)).status is OrderStatus.SHIPPED
    assert derive_order(facts(about, sent(), now=forgets + timedelta(seconds=1))).status is OrderStatus.COMPLETED


@pytest.mark.parametrize("scans", [[S.IN_TRANSIT], [S.LOST]])
def test_a_closed_order_whose_carrier_last_spoke_of_trouble_or_transit_is_never_completed(scans: list[S]) -> None:
    about = order(line(shipped=10), lifecycle=Lifecycle.CLOSED)
    years_later = moment().at + 10 * CARRIER_MEMORY
    assert derive_order(facts(about, sent(*scans), now=years_later)).status is OrderStatus.SHIPPED


@pytest.mark.parametrize(
    ("mode", "age", "status"),
    [
        (ShipmentMode.PICKUP, timedelta(hours=1), OrderStatus.COMPLETED),
        (ShipmentMode.OWN_FLEET, timedelta(hours=1), OrderStatus.SHIPPED),
        (ShipmentMode.OWN_FLEET, GRACE + timedelta(hours=1), OrderStatus.COMPLETED),
    ],
)
def test_a_closed_order_without_a_carrier_to_ask(mode: ShipmentMode, age: timedelta, status: OrderStatus) -> None:
    state = derive_shipment(shipment(package(number=None), mode=mode, carrier=None), {})
    about = order(line(shipped=10), lifecycle=Lifecycle.CLOSED)
    assert derive_order(facts(about, state, now=moment(-2).at + age)).status is status


def test_a_closed_order_the_warehouse_never_saw_is_not_completed() -> None:
    about = order(line(shipped=10), lifecycle=Lifecycle.CLOSED)
    assert derive_order(facts(about, warehouse=None)).status is OrderStatus.SHIPPED_PENDING_CARRIER


def test_goods_that_left_a_cancelled_order_are_shown() -> None:
    state = derive_order(facts(order(lifecycle=Lifecycle.CANCELLED), sent(count=4)))
    assert (state.status, state.summary) == (OrderStatus.SHIPPED, "Shipped, 6 cancelled")


# --- what could not be read ------------------------------------------------------------------------------------------


def test_with_the_warehouse_unread_the_status_is_what_the_erp_gives_and_the_source_is_named() -> None:
    unread = SourceUnavailable("wms-east", "connect refused")
    allocated = derive_order(facts(order(line(allocated=10)), warehouse=unread, shipments=None))
    assert (allocated.status, allocated.explanation.missing[-1]) == (
        OrderStatus.ALLOCATED,
        "wms-east could not be read",
    )
    shipped = derive_order(facts(order(line(shipped=10)), warehouse=unread, shipments=None))
    assert shipped.status is OrderStatus.SHIPPED_PENDING_CARRIER


def test_shipments_unread_without_an_error_to_name() -> None:
    assert UNREAD in derive_order(facts(order(), warehouse=None, shipments=None)).explanation.missing


def test_a_planned_shipment_adds_nothing_to_what_is_missing() -> None:
    planned = derive_shipment(shipment(stage=WarehouseStage.PLANNED), {})
    state = derive_order(facts(order(line(allocated=10)), planned))
    assert state.explanation.missing == ("a warehouse wave, pick or pack",)
    unread = derive_shipment(planned.shipment, {NUMBER: SourceUnavailable("ups", "503")})
    state = derive_order(facts(order(line(allocated=10)), unread))
    assert state.explanation.missing == ("a warehouse wave, pick or pack", "ups could not be read")


def test_an_unread_source_never_shows_in_an_order_that_needs_nothing() -> None:
    assert derive_order(facts(order(), sent(S.DELIVERED))).explanation.missing == ()


def test_an_unknown_erp_status_moves_nothing() -> None:
    about = order(line(allocated=10), lifecycle=Lifecycle.UNKNOWN)
    assert derive_order(facts(about)).status is OrderStatus.ALLOCATED
    assert derive_order(facts(about, sent(S.DELIVERED))).status is OrderStatus.DELIVERED


# --- substitutions, edits, units -------------------------------------------------------------------------------------


def test_a_substituted_line_is_not_counted_as_cancelled() -> None:
    original = line("1", cancelled=10, substituted_by="2")
    about = order(original, line("2", shipped=10, substitution_of="1"), lifecycle=Lifecycle.CLOSED)
    state = derive_order(facts(about, sent(S.DELIVERED, key="2")))
    assert (state.status, state.summary) == (OrderStatus.COMPLETED, "Completed")
    assert state.lines[0].status is LineStatus.SUBSTITUTED


def test_an_order_edited_after_submission_is_judged_by_what_it_asks_for_now() -> None:
    about = order(line("1", ordered=0), line("2", ordered=4, shipped=4), revision=2)
    assert derive_order(facts(about, sent(S.DELIVERED, key="2", count=4))).status is OrderStatus.DELIVERED


def test_an_order_without_lines_stands_where_the_erp_says() -> None:
    for lifecycle, status in (
        (Lifecycle.CONFIRMED, OrderStatus.CONFIRMED),
        (Lifecycle.CANCELLED, OrderStatus.CANCELLED),
        (Lifecycle.CLOSED, OrderStatus.COMPLETED),
    ):
        about = order(lifecycle=lifecycle)
        bare = facts(order(lines=(), lifecycle=about.lifecycle))
        assert derive_order(bare).status is status


def test_a_summary_counts_lines_where_units_differ() -> None:
    cases = Quantity.of(2, "CS", per_unit=12, base_unit="EA")
    reels = Quantity.of(1, "RL", per_unit=250, base_unit="FT")
    about = order(line("1", ordered=reels, shipped=reels), line("2", ordered=cases, backordered=cases))
    state = derive_order(facts(about, sent(count=250)))
    assert state.summary == "Partly shipped, 1 of 2 lines, 1 line backordered"


def test_a_summary_counts_base_units_where_a_case_is_broken() -> None:
    cases = Quantity.of(2, "CS", per_unit=12, base_unit="EA")
    state = derive_order(facts(order(line(ordered=cases)), sent(count=7)))
    assert state.summary == "Partly shipped, 7 of 24 EA"
    assert state.lines[0].left.base_value == Decimal(7)


# --- the table itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lifecycle", Lifecycle)
@pytest.mark.parametrize("step", Fulfillment)
@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("settled", [True, False])
def test_every_combination_of_the_axes_has_a_row(
    lifecycle: Lifecycle, step: Fulfillment, held: bool, settled: bool
) -> None:
    rows = [
        row
        for row in DISPLAY
        if lifecycle in row.lifecycles and step in row.steps and held >= row.held and settled >= row.settled
    ]
    assert rows


def test_every_status_has_words_and_a_row() -> None:
    assert set(WORDS) == set(OrderStatus) == {row.status for row in DISPLAY}


def test_a_status_code_that_speaks_of_what_stays_inside_is_withheld() -> None:
    state = derive_order(facts(order(status_code=code("CREDIT HOLD"))))
    assert state.explanation.evidence[0].code == WITHHELD
