"""What wants attention, when it does, and in whose words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.errors import SourceTimeout
from domain.model import Lifecycle, Shipment, ShipmentMode, Tracking, TrackingEvent, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.order_exceptions import PUBLIC, ExceptionKind, OrderException, Severity, derive_exceptions
from domain.order_status import CARRIER_MEMORY, OrderFacts, derive_order
from domain.shipment_status import derive_shipment
from tests.domain.samples import (
    GRACE,
    NOW,
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

K = ExceptionKind


def found(about: OrderFacts) -> Sequence[OrderException]:
    return derive_exceptions(about, derive_order(about))


def kinds(about: OrderFacts) -> list[ExceptionKind]:
    return [one.kind for one in found(about)]


def sent(about: Shipment, *events: TrackingEvent) -> OrderFacts:
    """An order of ten, stated as shipped, with one shipment scanned so far."""
    answers: dict[str, Tracking] = {NUMBER: tracking(*events)} if events else {}
    return facts(order(line(shipped=10)), derive_shipment(about, answers))


def test_an_order_on_its_way_wants_no_attention() -> None:
    assert found(sent(shipment(), event(S.IN_TRANSIT))) == ()


# --- silence ---------------------------------------------------------------------------------------------------------


def test_shipped_by_the_erp_s_word_alone_beyond_the_grace() -> None:
    about, until = order(line(shipped=10)), moment(-5).at + GRACE
    assert kinds(facts(about, warehouse=None, now=until)) == []
    late = found(facts(about, warehouse=None, now=until + timedelta(seconds=1)))
    assert [(one.kind, one.since, one.line_key) for one in late] == [(K.SHIPPED_PENDING_CARRIER, moment(-5).at, "1")]


def test_a_warehouse_that_could_not_be_read_contradicts_nobody() -> None:
    unread = facts(order(line(shipped=10)), warehouse=SourceTimeout("wms", "10 s"), shipments=None)
    assert found(unread) == ()


@pytest.mark.parametrize(("confirmed", "expected"), [(-0.5, []), (-2, [K.NO_MANIFEST])])
def test_no_manifest_within_the_grace(confirmed: float, expected: list[ExceptionKind]) -> None:
    freight = shipment(package(number=None), mode=ShipmentMode.LTL, confirmed_at=moment(confirmed))
    assert kinds(sent(freight)) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (moment(-2).at + GRACE, []),
        (NOW, [K.NO_CARRIER_SCAN]),
        (moment(-2).at + CARRIER_MEMORY, [K.NO_CARRIER_SCAN]),
        (moment(-2).at + CARRIER_MEMORY + timedelta(seconds=1), []),
    ],
)
def test_no_scan_within_the_grace_until_the_carrier_forgets(now: datetime, expected: list[ExceptionKind]) -> None:
    state = derive_shipment(shipment(), {})
    assert kinds(facts(order(line(shipped=10)), state, now=now)) == expected


def test_no_scan_is_expected_of_own_fleet_nor_of_a_carrier_that_could_not_be_read() -> None:
    assert kinds(sent(shipment(mode=ShipmentMode.OWN_FLEET))) == []
    unread = derive_shipment(shipment(), {NUMBER: SourceTimeout("ups", "10 s")})
    assert kinds(facts(order(line(shipped=10)), unread)) == []


# --- trouble on the way ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (S.EXCEPTION, K.DELIVERY_EXCEPTION),
        (S.DELAYED, K.DELIVERY_DELAYED),
        (S.RETURNING, K.RETURNING_TO_SENDER),
        (S.RETURNED, K.RETURNING_TO_SENDER),
        (S.LOST, K.LOST),
    ],
)
def test_trouble_the_carrier_reports(status: S, kind: ExceptionKind) -> None:
    (one,) = found(sent(shipment(), event(S.IN_TRANSIT, -1.5), event(status, -1, raw="C2", text="Credit Hold")))
    assert (one.kind, one.since, one.shipment_id) == (kind, moment(-1).at, "SH1")
    assert one.message == PUBLIC[kind][1]
    assert one.internal == "ups/activity C2 Credit Hold"


def test_trouble_is_dated_by_what_applied_and_not_by_a_late_record() -> None:
    story = (event(S.RETURNING, -1.5), event(S.RETURNED, -1), event(S.RETURNING, -0.5))
    (one,) = found(sent(shipment(), *story))
    assert one.since == moment(-1).at


def test_each_trouble_has_its_own_date() -> None:
    story = (event(S.IN_TRANSIT, -1.8), event(S.EXCEPTION, -1.5), event(S.DELAYED, -1))
    one, other = found(sent(shipment(), *story))
    assert (one.kind, one.since) == (K.DELIVERY_EXCEPTION, moment(-1.5).at)
    assert (other.kind, other.since) == (K.DELIVERY_DELAYED, moment(-1).at)


def test_trouble_that_a_scan_has_cleared_is_over() -> None:
    assert found(sent(shipment(), event(S.EXCEPTION, -1.5), event(S.IN_TRANSIT, -1))) == ()


def test_one_lost_package_of_two_is_told_while_the_other_travels() -> None:
    parcels = (package("P1", "1Z1", {"1": 6}), package("P2", "1Z2", {"1": 4}))
    answers = {"1Z1": tracking(event(S.IN_TRANSIT)), "1Z2": tracking(event(S.SHIPPED, -1.5), event(S.LOST))}
    about = facts(order(line(shipped=10)), derive_shipment(shipment(*parcels), answers))
    assert kinds(about) == [K.LOST]


# --- contradictions --------------------------------------------------------------------------------------------------


def test_erp_and_warehouse_disagree_on_a_quantity() -> None:
    state = derive_shipment(shipment(package(holds={"1": 4})), {NUMBER: tracking(event(S.IN_TRANSIT))})
    (one,) = found(facts(order(line(shipped=10)), state))
    assert (one.kind, one.line_key, one.severity) == (K.QUANTITY_MISMATCH, "1", Severity.WARNING)
    assert one.internal == ("not shipped by the ERP = confirmed by the warehouse: erp shipped 10 EA, wms shipped 4 EA")


def test_the_erp_has_time_to_hear_of_a_ship_confirm() -> None:
    just_now = shipment(confirmed_at=moment(-0.5))
    state = derive_shipment(just_now, {NUMBER: tracking(event(S.IN_TRANSIT, -0.2))})
    assert found(facts(order(line()), state)) == ()
    assert kinds(facts(order(line()), state, now=NOW + GRACE)) == [K.QUANTITY_MISMATCH]


def test_the_warehouse_ships_a_line_the_order_does_not_have() -> None:
    parcel = package(holds={"1": 10, "9": 1})
    state = derive_shipment(shipment(parcel), {NUMBER: tracking(event(S.IN_TRANSIT))})
    (one,) = found(facts(order(line(shipped=10)), state))
    assert one.internal == "ships line 9, which the order does not have"


@pytest.mark.parametrize(
    ("given", "law"),
    [
        ({"shipped": 10, "cancelled": 3}, "shipped + cancelled ≤ ordered"),
        ({"shipped": 10, "invoiced": 11}, "invoiced ≤ ordered"),
        ({"shipped": 10, "returned": 11}, "returned ≤ shipped"),
    ],
)
def test_the_erp_contradicts_itself(given: dict[str, int], law: str) -> None:
    state = derive_shipment(shipment(), {NUMBER: tracking(event(S.IN_TRANSIT))})
    (one,) = found(facts(order(line("1", 10, **given)), state))
    assert one.kind is K.QUANTITY_MISMATCH
    assert (one.internal or "").startswith(f"not {law}: erp ")


def test_an_erp_at_the_limit_of_its_own_laws_wants_no_attention() -> None:
    state = derive_shipment(shipment(package(holds={"1": 7})), {NUMBER: tracking(event(S.IN_TRANSIT))})
    about = line("1", 10, shipped=7, cancelled=3, invoiced=10, returned=7)
    assert found(facts(order(about), state)) == ()


def test_goods_left_a_cancelled_order() -> None:
    state = derive_shipment(shipment(), {NUMBER: tracking(event(S.IN_TRANSIT))})
    about = facts(order(line(shipped=10), lifecycle=Lifecycle.CANCELLED), state)
    assert kinds(about) == [K.SHIPPED_AFTER_CANCELLATION]


def test_the_carrier_has_what_the_warehouse_voided() -> None:
    voided = shipment(stage=WarehouseStage.VOIDED)
    state = derive_shipment(voided, {NUMBER: tracking(event(S.IN_TRANSIT))})
    assert K.VOIDED_IN_TRANSIT in kinds(facts(order(line(shipped=10)), state))


def test_a_void_shipment_wants_no_attention() -> None:
    assert kinds(facts(order(), derive_shipment(shipment(voided_at=moment(-1)), {}))) == []


# --- the rest --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("promised", "expected"),
    [(None, []), (date(2026, 11, 20), []), (date(2026, 11, 19), [K.BACKORDERED_PAST_PROMISE])],
)
def test_backordered_past_the_promise(promised: date | None, expected: list[ExceptionKind]) -> None:
    of_line = found(facts(order(line(backordered=10, promised_date=promised))))
    of_order = found(facts(order(line(backordered=10), promised_date=promised)))
    assert [one.kind for one in of_line] == [one.kind for one in of_order] == expected
    assert [one.since for one in of_line] == [datetime(2026, 11, 19, tzinfo=UTC) for _ in expected]


def test_what_is_late_and_not_backordered_is_no_backorder() -> None:
    assert kinds(facts(order(line(allocated=10, promised_date=date(2026, 11, 1))))) == []


def test_a_package_without_tracking_beside_one_that_has_it() -> None:
    parcels = (package("P1", NUMBER, {"1": 6}), package("P2", None, {"1": 4}), package("P3", None, {}, voided=True))
    (one,) = found(sent(shipment(*parcels), event(S.IN_TRANSIT)))
    assert (one.kind, one.internal) == (K.PACKAGE_WITHOUT_TRACKING, "without tracking number: P2")


def test_freight_needs_no_number_on_each_pallet() -> None:
    freight = shipment(package(number=None), mode=ShipmentMode.LTL, pro_number=NUMBER)
    assert found(sent(freight, event(S.IN_TRANSIT))) == ()


def test_unknown_codes_of_every_source_are_told_once_each() -> None:
    scans = [event(S.UNKNOWN, day, raw="ZZ") for day in (-1, -0.5)]
    about = shipment(stage_code=code("98", "wms/stage", known=False))
    state = derive_shipment(about, {NUMBER: tracking(event(S.IN_TRANSIT, -2), *scans)})
    unknown = order(line(shipped=10), status_code=code("Q", known=False), hold=hold())
    work = task(code=code("X9", "wms/task", known=False))
    told = found(facts(unknown, state, tasks=[work, work]))
    assert {one.internal for one in told} == {"erp/orderStatus Q", "wms/stage 98", "wms/task X9", "ups/activity ZZ"}
    assert all(one.kind is K.UNKNOWN_CODE and one.severity is Severity.INFO for one in told)


def test_the_gravest_come_first() -> None:
    parcels = (package("P1", "1Z1", {"1": 6}), package("P2", "1Z2", {"1": 4}))
    answers = {"1Z1": tracking(event(S.DELAYED)), "1Z2": tracking(event(S.SHIPPED, -1.5), event(S.LOST))}
    about = facts(order(line(shipped=10)), derive_shipment(shipment(*parcels), answers))
    assert kinds(about) == [K.LOST, K.DELIVERY_DELAYED]


def test_every_kind_has_words_and_severities_never_rise_along_the_list() -> None:
    assert list(PUBLIC) == list(ExceptionKind)
    grave = list(Severity)
    order_of_severity = [grave.index(severity) for severity, _ in PUBLIC.values()]
    assert order_of_severity == sorted(order_of_severity)
