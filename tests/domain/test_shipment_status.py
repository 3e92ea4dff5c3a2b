"""Where a shipment is: what the warehouse's word is worth, what the carrier's adds, and package by package."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.errors import SourceError, SourceTimeout
from domain.explanation import Evidence
from domain.model import ProofOfDelivery, Shipment, ShipmentMode, Tracking, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.parcels import LineShare
from domain.shipment_status import (
    BY_CONFIRM,
    BY_OURSELVES,
    DELIVERY,
    DEPARTURE,
    NEXT,
    PICKUP,
    RULE,
    SHOWN,
    UNPROVEN,
    ShipmentState,
    derive_shipment,
)
from domain.tracking import RANK
from domain.values import Moment
from tests.domain.samples import NUMBER, event, moment, package, shipment, tracking

BARE = package(number=None)


def derive(about: Shipment, *answers: Tracking | SourceError, **named: Tracking | SourceError) -> ShipmentState:
    numbers = list(dict.fromkeys(about.tracking_numbers))
    return derive_shipment(about, {**dict(zip(numbers, answers, strict=False)), **named})


def share(*, total: int, left: int, delivered: int) -> LineShare:
    """Of a shipment the warehouse confirmed."""
    return LineShare(Decimal(total), Decimal(total), Decimal(left), Decimal(delivered))


TWO = (package("P1", "1Z1", {"1": 6}), package("P2", "1Z2", {"1": 4}))


# --- the warehouse's word --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "status"),
    [
        (WarehouseStage.PLANNED, S.PLANNED),
        (WarehouseStage.RELEASED, S.PLANNED),
        (WarehouseStage.PICKING, S.PLANNED),
        (WarehouseStage.PICKED, S.PLANNED),
        (WarehouseStage.PACKED, S.PACKED),
        (WarehouseStage.LABELLED, S.LABEL_CREATED),
        (WarehouseStage.LOADED, S.PACKED),
        (WarehouseStage.MANIFESTED, S.MANIFESTED),
        (WarehouseStage.CONFIRMED, S.SHIPPED),
        (WarehouseStage.VOIDED, S.VOIDED),
        (WarehouseStage.UNKNOWN, S.UNKNOWN),
    ],
)
def test_a_stage_proves_this_much(stage: WarehouseStage, status: S) -> None:
    state = derive(shipment(stage=stage))
    assert state.status is status
    assert state.left is (status is S.SHIPPED)


def test_every_warehouse_stage_is_judged() -> None:
    assert all(derive(shipment(stage=stage)).status in {*SHOWN, S.VOIDED} for stage in WarehouseStage)


def test_loaded_on_a_truck_is_not_shipped() -> None:
    assert not derive(shipment(stage=WarehouseStage.LOADED, packed_at=moment(-3))).left


def test_ship_confirm_with_a_tracking_number_is_shipped() -> None:
    state = derive(shipment())
    assert (state.status, state.left, state.shipped_at) == (S.SHIPPED, True, moment(-2))
    assert state.explanation.rule == BY_CONFIRM
    assert Evidence("wms", "ship confirm", moment(-2).at) in state.explanation.evidence


def test_ship_confirm_with_a_carrier_manifest_is_shipped() -> None:
    assert derive(shipment(BARE, manifested_at=moment(-2))).status is S.SHIPPED


def test_ship_confirm_alone_is_not_shipped_and_says_what_is_missing() -> None:
    state = derive(shipment(BARE))
    assert (state.status, state.left, state.shipped_at) == (S.PACKED, False, None)
    assert state.explanation.rule == UNPROVEN
    assert state.explanation.missing == (DEPARTURE,)


def test_a_manifest_or_tracking_number_without_ship_confirm_is_not_shipped() -> None:
    state = derive(shipment(stage=WarehouseStage.PACKED, manifested_at=moment(-2)))
    assert (state.status, state.left) == (S.MANIFESTED, False)


def test_a_printed_label_is_not_departure() -> None:
    assert derive(shipment(stage=WarehouseStage.LABELLED, labelled_at=moment(-2))).status is S.LABEL_CREATED


@pytest.mark.parametrize("mode", [ShipmentMode.OWN_FLEET, ShipmentMode.PICKUP])
def test_for_own_fleet_and_pickup_the_ship_confirm_is_enough(mode: ShipmentMode) -> None:
    state = derive(shipment(BARE, mode=mode, carrier=None))
    assert (state.status, state.left) == (S.SHIPPED, True)
    assert state.explanation.rule == BY_OURSELVES
    assert state.explanation.missing == (PICKUP if mode is ShipmentMode.PICKUP else DELIVERY,)


def test_an_unknown_stage_leaves_what_the_stamps_prove() -> None:
    assert derive(shipment(stage=WarehouseStage.UNKNOWN, packed_at=moment(-2))).status is S.PACKED
    assert derive(shipment(stage=WarehouseStage.UNKNOWN, confirmed_at=moment(-2))).status is S.SHIPPED


# --- the carrier's word ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scan", [status for status, rank in RANK.items() if rank >= RANK[S.SHIPPED]])
def test_a_physical_scan_is_enough_whatever_the_warehouse_says(scan: S) -> None:
    state = derive(shipment(stage=WarehouseStage.PLANNED), tracking(event(scan)))
    assert (state.status, state.left, state.scanned_at) == (scan, True, moment(-1))
    assert state.shipped_at == moment(-1)


def test_a_label_at_the_carrier_s_is_no_scan() -> None:
    state = derive(shipment(stage=WarehouseStage.PICKED), tracking(event(S.LABEL_CREATED)))
    assert (state.status, state.left) == (S.LABEL_CREATED, False)


def test_the_carrier_s_label_does_not_take_the_warehouse_s_word_back() -> None:
    assert derive(shipment(), tracking(event(S.LABEL_CREATED))).status is S.SHIPPED


def test_shipped_at_is_the_earlier_of_ship_confirm_and_first_scan() -> None:
    assert derive(shipment(), tracking(event(S.IN_TRANSIT, -1))).shipped_at == moment(-2)
    assert derive(shipment(), tracking(event(S.IN_TRANSIT, -2.5))).shipped_at == moment(-2.5)


def test_a_void_confirm_is_not_when_it_shipped() -> None:
    voided = shipment(voided_at=moment(-1.5))
    assert derive(voided, tracking(event(S.IN_TRANSIT, -1))).shipped_at == moment(-1)


def test_a_number_the_carrier_does_not_know_yet_is_missing_and_not_an_error() -> None:
    state = derive(shipment())
    assert not state.carrier_unread
    assert f"the carrier knows nothing of {NUMBER} yet" in state.explanation.missing


def test_a_carrier_that_could_not_be_read_is_named_and_takes_no_step_back() -> None:
    state = derive(shipment(), SourceTimeout("ups", "10.2 s"))
    assert (state.status, state.carrier_unread) == (S.SHIPPED, True)
    assert "ups could not be read" in state.explanation.missing
    assert not any("knows nothing" in text for text in state.explanation.missing)


def test_a_delivery_is_explained_by_the_carrier_s_own_code() -> None:
    state = derive(shipment(), tracking(event(S.IN_TRANSIT, -2), event(S.DELIVERED, -1, raw="FS")))
    assert (state.status, state.delivered_at) == (S.DELIVERED, moment(-1))
    assert state.explanation.rule == RULE[S.DELIVERED]
    assert state.explanation.evidence[-1] == Evidence("ups", "FS", moment(-1).at)
    assert state.explanation.missing == ()


def test_proof_of_delivery_is_separate_from_delivery() -> None:
    proof = ProofOfDelivery("RECEIVING", "DOCK", moment(-1))
    with_proof = derive(shipment(), tracking(event(S.IN_TRANSIT), proof=proof))
    assert (with_proof.status, with_proof.proof_of_delivery) == (S.IN_TRANSIT, proof)
    without = derive(shipment(), tracking(event(S.DELIVERED)))
    assert (without.status, without.proof_of_delivery) == (S.DELIVERED, None)


def test_proof_of_delivery_after_delivered_joins_it() -> None:
    proof = ProofOfDelivery("RECEIVING", None, None)
    state = derive(shipment(), tracking(event(S.DELIVERED), proof=proof))
    assert (state.status, state.proof_of_delivery) == (S.DELIVERED, proof)


def test_of_several_proofs_the_latest_is_shown() -> None:
    early, late = ProofOfDelivery("A", None, moment(-2)), ProofOfDelivery("B", None, moment(-1))
    undated = ProofOfDelivery("C", None, None)
    for first, second in ((early, late), (late, undated)):
        answers = (tracking(event(S.DELIVERED), proof=first), tracking(event(S.DELIVERED), proof=second))
        assert derive(shipment(*TWO), *answers).proof_of_delivery == late
        assert derive(shipment(*TWO), *answers[::-1]).proof_of_delivery == late


def test_conditions_stand_beside_the_status() -> None:
    state = derive(shipment(), tracking(event(S.IN_TRANSIT, -2), event(S.EXCEPTION, -1.5), event(S.DELAYED, -1)))
    assert (state.status, state.conditions) == (S.IN_TRANSIT, (S.DELAYED, S.EXCEPTION))


def test_the_estimate_is_shown_until_the_shipment_has_arrived() -> None:
    due = moment(2)
    assert derive(shipment(), tracking(event(S.IN_TRANSIT), estimated=due)).estimated_delivery == due
    assert derive(shipment(), tracking(event(S.DELIVERED), estimated=due)).estimated_delivery is None
    assert derive(shipment(), tracking(event(S.RETURNING), estimated=due)).estimated_delivery is None


def test_every_status_has_a_rule_and_every_open_one_a_next_step() -> None:
    assert set(RULE) == {*SHOWN, S.VOIDED}
    assert set(NEXT) == set(RULE) - {S.DELIVERED, S.RETURNED, S.VOIDED}


# --- voids -----------------------------------------------------------------------------------------------------------


def test_a_carrier_void_before_any_scan_takes_shipped_back() -> None:
    state = derive(shipment(), tracking(event(S.LABEL_CREATED, -2), event(S.VOIDED, -1)))
    assert (state.status, state.left, state.shares) == (S.VOIDED, False, {})


def test_a_warehouse_void_before_any_scan_takes_shipped_back() -> None:
    state = derive(shipment(voided_at=moment(-1)))
    assert (state.status, state.left, state.shipped_at, state.shares) == (S.VOIDED, False, None, {})


def test_a_void_at_the_moment_of_the_confirm_is_a_void() -> None:
    assert derive(shipment(voided_at=moment(-2))).status is S.VOIDED


def test_a_confirm_after_the_void_stands() -> None:
    assert derive(shipment(voided_at=moment(-2.5))).status is S.SHIPPED


def test_a_void_after_a_scan_changes_nothing() -> None:
    state = derive(shipment(stage=WarehouseStage.VOIDED), tracking(event(S.IN_TRANSIT, -2), event(S.VOIDED, -1)))
    assert (state.status, state.left) == (S.IN_TRANSIT, True)
    assert state.shares["1"].left == 10


def test_a_shipment_of_void_packages_is_void() -> None:
    assert derive(shipment(package(voided=True))).status is S.VOIDED


# --- several packages ------------------------------------------------------------------------------------------------


def test_one_package_of_two_delivered_is_not_a_delivered_shipment() -> None:
    state = derive(shipment(*TWO), tracking(event(S.DELIVERED)), tracking(event(S.IN_TRANSIT)))
    assert (state.status, state.delivered_at, state.delivered_packages) == (S.IN_TRANSIT, None, frozenset({"P1"}))
    assert state.shares == {"1": share(total=10, left=10, delivered=6)}


def test_all_packages_delivered_is_delivered_when_the_last_one_was() -> None:
    state = derive(shipment(*TWO), tracking(event(S.DELIVERED, -1)), tracking(event(S.DELIVERED, -0.5)))
    assert (state.status, state.delivered_at) == (S.DELIVERED, moment(-0.5))
    assert state.delivered_packages == {"P1", "P2"}


def test_a_void_package_counts_for_nothing() -> None:
    parcels = (package("P1", "1Z1", {"1": 6}), package("P2", "1Z2", {"1": 4}, voided=True))
    state = derive(shipment(*parcels), tracking(event(S.DELIVERED)))
    assert state.status is S.DELIVERED
    assert state.shares["1"].total == 6


def test_a_package_voided_by_its_carrier_counts_for_nothing() -> None:
    state = derive(shipment(*TWO), tracking(event(S.DELIVERED)), tracking(event(S.VOIDED)))
    assert state.status is S.DELIVERED
    assert state.shares["1"].total == 6


def test_a_scan_of_one_package_without_ship_confirm_ships_that_package_alone() -> None:
    state = derive(shipment(*TWO, stage=WarehouseStage.PACKED), tracking(event(S.IN_TRANSIT)))
    assert (state.status, state.left) == (S.SHIPPED, True)
    assert state.shares["1"].left == 6


def test_a_returned_package_beside_a_delivered_one_is_not_a_delivered_shipment() -> None:
    state = derive(shipment(*TWO), tracking(event(S.DELIVERED)), tracking(event(S.RETURNED)))
    assert state.status is S.RETURNED
    assert state.shares["1"].delivered == 6


def test_packages_that_do_not_tell_their_contents_are_delivered_only_all_together() -> None:
    parcels = (package("P1", "1Z1", {}), package("P2", "1Z2", {}))
    lines = shipment().lines
    one = derive(shipment(*parcels, lines=lines), tracking(event(S.DELIVERED)))
    assert one.shares == {"1": share(total=10, left=10, delivered=0)}
    both = derive(shipment(*parcels, lines=lines), tracking(event(S.DELIVERED)), tracking(event(S.DELIVERED)))
    assert both.shares["1"].delivered == 10


def test_a_scan_of_one_of_two_packages_that_hide_their_contents_ships_the_shipment() -> None:
    parcels = (package("P1", "1Z1", {}), package("P2", "1Z2", {}))
    about = shipment(*parcels, lines=shipment().lines, stage=WarehouseStage.PACKED)
    assert derive(about, tracking(event(S.IN_TRANSIT))).shares["1"].left == 10


def test_the_estimate_of_several_packages_is_the_last_one_s() -> None:
    early, late = tracking(event(S.IN_TRANSIT), estimated=moment(1)), tracking(estimated=moment(3))
    assert derive(shipment(*TWO), early, late).estimated_delivery == moment(3)
    arrived = tracking(event(S.DELIVERED), estimated=moment(4))
    assert derive(shipment(*TWO), arrived, late).estimated_delivery == moment(3)


def test_freight_is_followed_by_its_pro_number() -> None:
    pallets = (package("P1", None, {"1": 6}), package("P2", None, {"1": 4}))
    state = derive(shipment(*pallets, mode=ShipmentMode.LTL, pro_number="PRO1"), tracking(event(S.DELIVERED)))
    assert (state.status, state.delivered_packages) == (S.DELIVERED, frozenset({"P1", "P2"}))
    assert state.events[0].package_id is None


def test_events_of_all_packages_are_told_in_order_of_occurrence_with_their_package() -> None:
    first = tracking(event(S.SHIPPED, -3), event(S.DELIVERED, -1))
    second = tracking(event(S.SHIPPED, -2))
    state = derive(shipment(*TWO), first, second)
    assert [one.package_id for one in state.events] == ["P1", "P2", "P1"]
    assert [one.tracking_number for one in state.events] == ["1Z1", "1Z2", "1Z1"]


def test_one_number_for_several_packages_moves_them_all() -> None:
    parcels = (package("P1", "1Z1", {"1": 6}), package("P2", "1Z1", {"1": 4}))
    state = derive(shipment(*parcels), tracking(event(S.DELIVERED)))
    assert (state.status, state.delivered_packages) == (S.DELIVERED, frozenset({"P1", "P2"}))
    assert [one.package_id for one in state.events] == [None]


# --- reused numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("elsewhen", [-200, 200])
def test_events_of_another_parcel_under_a_reused_number_are_not_told(elsewhen: float) -> None:
    state = derive(shipment(), tracking(event(S.DELIVERED, elsewhen), event(S.IN_TRANSIT, -1)))
    assert state.status is S.IN_TRANSIT
    assert [one.event.status for one in state.events] == [S.IN_TRANSIT]


def test_a_ship_confirm_that_came_late_does_not_hide_the_scans_before_it() -> None:
    state = derive(shipment(created_at=moment(-1), confirmed_at=moment(-1)), tracking(event(S.DELIVERED, -6)))
    assert state.status is S.DELIVERED


@pytest.mark.parametrize("stamp", ["confirmed_at", "manifested_at", "labelled_at"])
def test_the_reuse_of_a_number_counts_from_when_the_shipment_left(stamp: str) -> None:
    stamps = {"confirmed_at": None, "created_at": moment(-300), stamp: moment(-125)}
    scans = tracking(event(S.SHIPPED, -124), event(S.DELIVERED, -1))
    state = derive(shipment(stage=WarehouseStage.PACKED, **stamps), scans)
    assert [one.event.status for one in state.events] == [S.SHIPPED]


def test_a_shipment_labelled_long_before_it_left_hears_of_its_delivery() -> None:
    state = derive(shipment(created_at=moment(-300), labelled_at=moment(-200)), tracking(event(S.DELIVERED, -1)))
    assert state.status is S.DELIVERED


def test_a_shipment_created_at_the_beginning_of_time_is_judged_all_the_same() -> None:
    nil = Moment(datetime(1, 1, 1, tzinfo=UTC))
    assert derive(shipment(created_at=nil), tracking(event(S.IN_TRANSIT))).status is S.IN_TRANSIT


def test_a_shipment_planned_long_ago_still_hears_of_its_first_scan() -> None:
    planned = shipment(stage=WarehouseStage.PLANNED, created_at=moment(-300))
    assert derive(planned, tracking(event(S.IN_TRANSIT))).status is S.IN_TRANSIT
