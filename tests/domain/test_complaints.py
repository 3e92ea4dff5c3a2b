"""What users complain of elsewhere, one test each."""

from decimal import Decimal

from domain.billing import Payment, derive_payment
from domain.errors import SourceTimeout, SourceUnavailable
from domain.invoice_status import PaymentStatus, payment_status
from domain.line_status import LineStatus
from domain.model import InvoiceType, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.order_status import OrderStatus, derive_order
from domain.shipment_status import derive_shipment
from tests.domain.samples import (
    NUMBER,
    event,
    facts,
    invoice,
    line,
    order,
    package,
    shipment,
    task,
    tracking,
)


def test_a_late_shipped_does_not_downgrade_delivered() -> None:
    arrived_late = tracking(event(S.DELIVERED, -1), event(S.SHIPPED, -0.5), event(S.SHIPPED, -2))
    state = derive_shipment(shipment(), {NUMBER: arrived_late})
    assert state.status is S.DELIVERED
    assert [(one.event.status, one.applied) for one in state.events] == [
        (S.SHIPPED, True),
        (S.DELIVERED, True),
        (S.SHIPPED, False),
    ]


def test_a_second_package_does_not_erase_the_first_s_tracking() -> None:
    parcels = (package("P1", "1Z1", {"1": 6}), package("P2", "1Z2", {"1": 4}))
    answers = {"1Z1": tracking(event(S.IN_TRANSIT, -1.5)), "1Z2": tracking(event(S.OUT_FOR_DELIVERY, -1))}
    state = derive_shipment(shipment(*parcels), answers)
    assert [one.tracking_number for one in state.events] == ["1Z1", "1Z2"]
    assert {parcel.package.id: parcel.status for parcel in state.parcels if parcel.package} == {
        "P1": S.IN_TRANSIT,
        "P2": S.OUT_FOR_DELIVERY,
    }


def test_in_transit_is_not_shown_as_delivered() -> None:
    parcels = (package("P1", "1Z1", {"1": 6}), package("P2", "1Z2", {"1": 4}))
    answers = {"1Z1": tracking(event(S.DELIVERED)), "1Z2": tracking(event(S.IN_TRANSIT))}
    state = derive_shipment(shipment(*parcels), answers)
    assert (state.status, state.delivered_at) == (S.IN_TRANSIT, None)
    assert derive_order(facts(order(), state)).status is OrderStatus.PARTIALLY_DELIVERED


def test_a_number_not_found_yet_is_no_dead_end_and_a_delivery_is_believed_at_once() -> None:
    before = derive_shipment(shipment(stage=WarehouseStage.PACKED), {})
    assert before.status is S.PACKED
    assert f"the carrier knows nothing of {NUMBER} yet" in before.explanation.missing
    after = derive_shipment(shipment(stage=WarehouseStage.PACKED), {NUMBER: tracking(event(S.DELIVERED))})
    state = derive_order(facts(order(line(allocated=10)), after))
    assert (after.status, state.status) == (S.DELIVERED, OrderStatus.DELIVERED)


def test_two_partial_shipments_become_shipped() -> None:
    first = derive_shipment(shipment(package("P1", "1Z1", {"1": 6}), id="SH1"), {})
    second = derive_shipment(shipment(package("P2", "1Z2", {"1": 4}), id="SH2"), {})
    assert derive_order(facts(order(line(shipped=6)), first)).status is OrderStatus.PARTIALLY_SHIPPED
    assert derive_order(facts(order(line(shipped=10)), first, second)).status is OrderStatus.SHIPPED


def test_splitting_does_not_turn_backordered_units_into_stock() -> None:
    split_off = derive_shipment(
        shipment(package(number=None, holds={"1": 6}), id="SH2", stage=WarehouseStage.PLANNED), {}
    )
    gone = derive_shipment(shipment(package(holds={"1": 4})), {})
    (before,) = derive_order(facts(order(line(backordered=10)), split_off)).lines
    assert before.status is LineStatus.BACKORDERED
    assert (before.counts.backordered, before.counts.allocated) == (Decimal(10), Decimal(0))
    (after,) = derive_order(facts(order(line(shipped=4, backordered=6)), gone, split_off)).lines
    assert after.status is LineStatus.PARTIALLY_SHIPPED
    assert (after.counts.left, after.counts.open, after.counts.backordered) == (Decimal(4), Decimal(6), Decimal(6))


def test_a_tracking_number_used_again_does_not_mix_two_shipments() -> None:
    last_year = shipment(
        id="SH0",
        created_at=event(S.UNKNOWN, -403).occurred,
        confirmed_at=event(S.UNKNOWN, -402).occurred,
    )
    told_together = tracking(event(S.DELIVERED, -400), event(S.IN_TRANSIT, -1))
    now, then = (derive_shipment(about, {NUMBER: told_together}) for about in (shipment(), last_year))
    assert (now.status, [one.event.status for one in now.events]) == (S.IN_TRANSIT, [S.IN_TRANSIT])
    assert (then.status, [one.event.status for one in then.events]) == (S.DELIVERED, [S.DELIVERED])


def test_lines_are_not_matched_by_sku_when_a_sku_repeats() -> None:
    about = order(line("1", sku="BOLT-M8", allocated=10), line("2", sku="BOLT-M8", shipped=10))
    state = derive_shipment(shipment(package(holds={"2": 10})), {})
    first, second = derive_order(facts(about, state, tasks=[task(key="2")])).lines
    assert (first.status, second.status) == (LineStatus.ALLOCATED, LineStatus.SHIPPED)
    assert first.in_shipments.value == 0


def test_several_packages_are_not_pressed_into_one_field() -> None:
    parcels = tuple(package(f"P{n}", f"1Z{n}", {"1": 1}) for n in range(10))
    answers = {f"1Z{n}": tracking(event(S.DELIVERED)) for n in range(10)}
    state = derive_shipment(shipment(*parcels), answers)
    assert state.status is S.DELIVERED
    assert len(state.delivered_packages) == 10
    assert len({one.tracking_number for one in state.events}) == 10
    assert state.shares["1"].delivered == 10


def test_invoice_and_credit_are_not_off_by_a_cent() -> None:
    settled = invoice(total="100.10", balance="0.00")
    a_cent_open = invoice(total="100.10", balance="0.01")
    memo = invoice(total="33.37", balance="0.00", type=InvoiceType.CREDIT_MEMO)
    assert (payment_status(settled), payment_status(a_cent_open)) == (PaymentStatus.PAID, PaymentStatus.PARTIALLY_PAID)
    assert derive_payment([settled, memo]).status is Payment.PAID
    assert derive_payment([settled, a_cent_open, memo]).status is Payment.PARTIALLY_PAID
    assert (settled.total - memo.total).amount.as_tuple() == invoice(total="66.73").total.amount.as_tuple()


def test_one_dead_source_does_not_fail_the_rest() -> None:
    dead_carrier = derive_shipment(shipment(), {NUMBER: SourceTimeout("ups", "10 s")})
    without_carrier = derive_order(facts(order(line(shipped=10)), dead_carrier))
    assert without_carrier.status is OrderStatus.SHIPPED
    assert "ups could not be read" in without_carrier.explanation.missing
    dead_warehouse = SourceUnavailable("wms", "connection refused")
    without_warehouse = derive_order(facts(order(line(allocated=10)), warehouse=dead_warehouse, shipments=None))
    assert without_warehouse.status is OrderStatus.ALLOCATED
    assert "wms could not be read" in without_warehouse.explanation.missing
