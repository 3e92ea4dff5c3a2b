"""Where an order line stands, row by row of the derivation table."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import SourceTimeout
from domain.explanation import Evidence
from domain.line_status import SUBSTITUTED, UNREAD, LineState, LineStatus, derive_line
from domain.model import Lifecycle, Line, ShipmentStatus, WarehouseStage, WarehouseTask
from domain.shipment_status import ShipmentState, derive_shipment
from domain.values import Quantity
from tests.domain.samples import NOW, NUMBER, event, line, moment, package, shipment, task, tracking


def derive(about: Line, *states: ShipmentState, tasks: tuple[WarehouseTask, ...] = (), **named: Any) -> LineState:
    return derive_line(about, states, tasks, **{"lifecycle": Lifecycle.CONFIRMED, **named})


def left(count: int, name: str = "P1", number: str = NUMBER) -> ShipmentState:
    return derive_shipment(shipment(package(name, number, {"1": count})), {})


def delivered(count: int, name: str = "P1", number: str = NUMBER) -> ShipmentState:
    about = shipment(package(name, number, {"1": count}))
    return derive_shipment(about, {number: tracking(event(ShipmentStatus.DELIVERED), number=number)})


# --- before the warehouse --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lifecycle", "status"),
    [
        (Lifecycle.RECEIVED, LineStatus.RECEIVED),
        (Lifecycle.CONFIRMED, LineStatus.CONFIRMED),
        (Lifecycle.UNKNOWN, LineStatus.UNKNOWN),
    ],
)
def test_with_nothing_allocated_the_line_stands_where_the_order_does(lifecycle: Lifecycle, status: LineStatus) -> None:
    assert derive(line(), lifecycle=lifecycle).status is status


def test_backordered_needs_open_beyond_allocated_and_the_erp_s_word() -> None:
    state = derive(line(backordered=6, allocated=4))
    assert state.status is LineStatus.BACKORDERED
    assert Evidence("erp", "backordered 6 of 10 EA", None) in state.explanation.evidence


def test_open_beyond_allocated_without_the_erp_s_word_is_not_backordered() -> None:
    assert derive(line(allocated=4)).status is LineStatus.PARTIALLY_ALLOCATED


def test_the_erp_s_word_without_anything_unallocated_is_not_backordered() -> None:
    assert derive(line(allocated=10, backordered=3)).status is LineStatus.ALLOCATED


def test_a_backorder_tells_when_stock_is_expected() -> None:
    state = derive(line(backordered=10, expected_ship_date=date(2026, 12, 4)))
    assert state.explanation.missing == ("stock, expected on 2026-12-04",)


def test_a_backorder_without_a_date_waits_for_stock() -> None:
    assert derive(line(backordered=10)).explanation.missing == ("stock for the rest",)


def test_all_open_allocated_is_allocated_and_the_erp_s_picked_is_no_warehouse_work() -> None:
    assert derive(line(allocated=10, picked=10, packed=10)).status is LineStatus.ALLOCATED


# --- in the warehouse ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [WarehouseStage.RELEASED, WarehouseStage.PICKED, WarehouseStage.PACKED])
def test_wave_pick_or_pack_evidence_is_in_the_warehouse(kind: WarehouseStage) -> None:
    state = derive(line(allocated=10), tasks=(task(kind),))
    assert state.status is LineStatus.IN_WAREHOUSE
    assert Evidence("wms", kind.value.lower(), moment(-4).at) in state.explanation.evidence


@pytest.mark.parametrize("kind", [WarehouseStage.PLANNED, WarehouseStage.VOIDED, WarehouseStage.UNKNOWN])
def test_a_plan_a_void_or_an_unknown_stage_is_no_work(kind: WarehouseStage) -> None:
    assert derive(line(allocated=10), tasks=(task(kind),)).status is LineStatus.ALLOCATED


def test_a_pick_that_found_nothing_is_no_work() -> None:
    nothing_found = task(count=0, short=Quantity.of(10))
    assert derive(line(backordered=10), tasks=(nothing_found,)).status is LineStatus.BACKORDERED


def test_work_on_another_line_is_not_this_line_s() -> None:
    assert derive(line("2", allocated=10), tasks=(task(key="1"),)).status is LineStatus.ALLOCATED


def test_a_shipment_being_packed_is_in_the_warehouse_and_a_planned_one_is_not() -> None:
    packed = derive_shipment(shipment(stage=WarehouseStage.PACKED), {})
    planned = derive_shipment(shipment(stage=WarehouseStage.PLANNED), {})
    assert derive(line(allocated=10), packed).status is LineStatus.IN_WAREHOUSE
    assert derive(line(allocated=10), planned).status is LineStatus.ALLOCATED


# --- shipped and delivered -------------------------------------------------------------------------------------------


def test_the_erp_s_word_alone_is_shipped_pending_carrier() -> None:
    state = derive(line(shipped=10))
    assert state.status is LineStatus.SHIPPED_PENDING_CARRIER
    assert (state.left.value, state.shipped.value) == (Decimal(0), Decimal(10))


def test_a_ship_confirm_without_carrier_is_shipped_pending_carrier_too() -> None:
    unproven = derive_shipment(shipment(package(number=None)), {})
    assert derive(line(), unproven).status is LineStatus.SHIPPED_PENDING_CARRIER


def test_all_left_is_shipped_whether_or_not_the_erp_has_heard() -> None:
    assert derive(line(shipped=10), left(10)).status is LineStatus.SHIPPED
    assert derive(line(), left(10)).status is LineStatus.SHIPPED


def test_less_than_due_left_is_partially_shipped() -> None:
    state = derive(line(shipped=4, backordered=6), left(4))
    assert state.status is LineStatus.PARTIALLY_SHIPPED
    assert (state.open.value, state.left.value) == (Decimal(6), Decimal(4))


def test_what_is_cancelled_is_not_waited_for() -> None:
    assert derive(line(shipped=7, cancelled=3), left(7)).status is LineStatus.SHIPPED
    assert derive(line(shipped=7, closed=True), left(7)).status is LineStatus.SHIPPED


def test_delivered_needs_every_unit_due() -> None:
    assert derive(line(), delivered(10)).status is LineStatus.DELIVERED
    assert derive(line(cancelled=3), delivered(7)).status is LineStatus.DELIVERED
    assert derive(line(), delivered(7)).status is LineStatus.PARTIALLY_DELIVERED
    assert derive(line(), delivered(7), left(3, "P2", "1Z2")).status is LineStatus.PARTIALLY_DELIVERED


def test_two_shipments_delivered_make_a_delivered_line() -> None:
    assert derive(line(), delivered(6), delivered(4, "P2", "1Z2")).status is LineStatus.DELIVERED


# --- cancelled and substituted ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", [{"cancelled": 10}, {"closed": True}, {"ordered": 0}], ids=["cancelled", "closed", "edited to none"]
)
def test_nothing_due_is_cancelled(given: dict[str, Any]) -> None:
    assert derive(line(**given)).status is LineStatus.CANCELLED


def test_a_cancelled_order_cancels_its_lines() -> None:
    assert derive(line(allocated=10), lifecycle=Lifecycle.CANCELLED).status is LineStatus.CANCELLED


def test_a_line_cancelled_for_another_is_substituted() -> None:
    state = derive(line(cancelled=10, substituted_by="2"))
    assert (state.status, state.explanation.rule) == (LineStatus.SUBSTITUTED, SUBSTITUTED)
    assert derive(line("2", allocated=10, substitution_of="1")).status is LineStatus.ALLOCATED


def test_a_line_substituted_in_part_goes_on_with_the_rest() -> None:
    assert derive(line(cancelled=6, allocated=4, substituted_by="2")).status is LineStatus.ALLOCATED


def test_what_left_after_all_is_not_cancelled() -> None:
    state = derive(line(cancelled=10), left(10))
    assert (state.status, state.cancelled.value) == (LineStatus.SHIPPED, Decimal(0))


# --- what could not be read ------------------------------------------------------------------------------------------


def test_with_the_warehouse_unread_the_erp_s_word_stands_and_the_gap_is_named() -> None:
    state = derive_line(line(shipped=10), None, None, lifecycle=Lifecycle.CONFIRMED)
    assert state.status is LineStatus.SHIPPED_PENDING_CARRIER
    assert state.explanation.missing[-1] == UNREAD
    assert state.delivered is None


def test_with_the_carrier_unread_delivered_is_not_known_rather_than_none() -> None:
    unread = derive_shipment(shipment(), {NUMBER: SourceTimeout("ups", "10 s")})
    state = derive(line(), unread)
    assert (state.status, state.delivered) == (LineStatus.SHIPPED, None)


def test_with_one_of_two_carriers_unread_delivered_is_not_known() -> None:
    unread = derive_shipment(shipment(package("P2", "1Z2", {"1": 4})), {"1Z2": SourceTimeout("ups", "10 s")})
    assert derive(line(), delivered(6), unread).delivered is None
    assert derive(line("2"), delivered(6), unread).delivered == Quantity.of(0)


def test_what_a_read_carrier_delivered_is_known_although_another_package_s_is_not() -> None:
    parcels = (package("P1", "1Z1", {"1": 10}), package("P2", "1Z2", {"2": 10}))
    state = derive_shipment(
        shipment(*parcels), {"1Z1": tracking(event(ShipmentStatus.DELIVERED)), "1Z2": SourceTimeout("ups", "10 s")}
    )
    assert derive(line("1"), state).delivered == Quantity.of(10)
    assert derive(line("2"), state).delivered is None


def test_with_all_carriers_read_delivered_is_a_number() -> None:
    assert derive(line(), left(10)).delivered == Quantity.of(0)


# --- units and evidence ----------------------------------------------------------------------------------------------


def test_shipped_in_pieces_against_a_line_sold_in_cases() -> None:
    cases = Quantity.of(2, "CS", per_unit=12, base_unit="EA")
    state = derive(line(ordered=cases), left(18))
    assert state.status is LineStatus.PARTIALLY_SHIPPED
    assert state.left == Quantity(Decimal("1.5"), "CS", Decimal(18), "EA")
    assert derive(line(ordered=cases), left(24)).status is LineStatus.SHIPPED


def test_more_shipped_than_ordered_counts_as_what_was_ordered() -> None:
    state = derive(line(), left(12))
    assert (state.left.value, state.in_shipments.value) == (Decimal(10), Decimal(12))


def test_sources_are_named_as_configured() -> None:
    state = derive(line(allocated=10), tasks=(task(),), erp="bc", wms="w2", as_of=NOW)
    assert [one.source for one in state.explanation.evidence] == ["bc", "w2"]
    assert state.explanation.evidence[0].at == NOW
