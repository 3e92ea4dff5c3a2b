"""A line's ledger: what does not add up is named, with each system's word; what adds up is not."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SourceTimeout
from domain.ledger import AGREEMENT, CONVERSION, DiscrepancyKind, LineDiscrepancy, Said, discrepancies, told
from domain.model import Line, WarehouseStage
from domain.model import ShipmentStatus as S
from domain.order_status import derive_order
from domain.shipment_status import ShipmentState, derive_shipment
from domain.values import Quantity
from tests.domain.samples import NUMBER, event, facts, line, order, package, shipment, tracking

K = DiscrepancyKind
CASES = Quantity.of(2, "CS", per_unit=12, base_unit="EA")


def found(of: Line, *shipments: ShipmentState) -> tuple[LineDiscrepancy, ...]:
    about = facts(order(of), *shipments)
    (state,) = derive_order(about).lines
    return discrepancies(state, about)


def sent(count: int) -> ShipmentState:
    return derive_shipment(shipment(package(holds={"1": count})), {NUMBER: tracking(event(S.IN_TRANSIT))})


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"shipped": 10, "cancelled": 3}, K.BEYOND_ORDERED, ("ordered", "shipped", "cancelled")),
        ({"shipped": 10, "invoiced": 11}, K.INVOICED_BEYOND_ORDERED, ("ordered", "invoiced")),
        ({"shipped": 10, "returned": 11}, K.RETURNED_BEYOND_SHIPPED, ("shipped", "returned")),
    ],
)
def test_the_erps_own_quantities(given: dict[str, int], kind: DiscrepancyKind, words: tuple[str, ...]) -> None:
    one, *others = found(line("1", 10, **given), sent(10))
    assert others == []
    assert (one.kind, one.since) == (kind, None)
    assert [(each.source, each.what) for each in one.said] == [("erp", word) for word in words]
    assert [each.quantity.base_value for each in one.said[1:]] == [Decimal(given[word]) for word in words[1:]]


def test_erp_and_warehouse_each_with_its_word() -> None:
    (one,) = found(line(shipped=10), sent(4))
    assert (one.kind, one.rule) == (K.SHIPPED_DIFFERS, AGREEMENT)
    assert one.said == (Said("erp", "shipped", Quantity.of(10)), Said("wms", "shipped", Quantity.of(4)))
    assert one.since is not None
    assert told(one) == f"not {AGREEMENT}: erp shipped 10 EA, wms shipped 4 EA"


def test_what_no_warehouse_confirmed_is_unconfirmed() -> None:
    planned = derive_shipment(shipment(stage=WarehouseStage.PLANNED, confirmed_at=None), {})
    assert [one.kind for one in found(line(shipped=10), planned)] == [K.SHIPPED_UNCONFIRMED]


def test_a_warehouse_that_could_not_be_read_contradicts_nobody() -> None:
    about = facts(order(line(shipped=10)), warehouse=SourceTimeout("wms", "hangs"), shipments=None)
    (state,) = derive_order(about).lines
    assert discrepancies(state, about) == ()


def test_a_unit_that_holds_more_in_one_quantity_than_in_another() -> None:
    of = line(ordered=CASES, shipped=Quantity.of(1, "CS", per_unit=10, base_unit="EA"))
    one = next(each for each in found(of) if each.kind is K.UNEQUAL_CONVERSIONS)
    assert one.rule == CONVERSION
    assert [(each.what, each.quantity.base_value) for each in one.said] == [
        ("ordered", Decimal(24)),
        ("shipped", Decimal(10)),
    ]


def test_units_that_differ_are_compared_by_what_they_hold() -> None:
    of = line(ordered=CASES, shipped=Quantity.of(24), invoiced=Quantity.of(25))
    about = facts(order(of), warehouse=SourceTimeout("wms", "hangs"), shipments=None)
    (state,) = derive_order(about).lines
    assert [one.kind for one in discrepancies(state, about)] == [K.INVOICED_BEYOND_ORDERED]


counts = st.integers(0, 6)


@given(st.tuples(counts, counts, counts, counts, counts, counts))
def test_nothing_is_told_but_what_is_broken(quantities: tuple[int, ...]) -> None:
    ordered, shipped, cancelled, invoiced, returned, confirmed = quantities
    of = line("1", ordered, shipped=shipped, cancelled=cancelled, invoiced=invoiced, returned=returned)
    expected = {
        K.BEYOND_ORDERED: shipped > ordered - cancelled,
        K.INVOICED_BEYOND_ORDERED: invoiced > ordered,
        K.RETURNED_BEYOND_SHIPPED: returned > shipped,
        K.SHIPPED_UNCONFIRMED: shipped > 0 and confirmed == 0,
        K.SHIPPED_DIFFERS: confirmed > 0 and shipped != confirmed,
    }
    states = [sent(confirmed)] if confirmed else []
    assert {one.kind for one in found(of, *states)} == {kind for kind, broken in expected.items() if broken}
