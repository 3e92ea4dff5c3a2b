"""Every difference has a name and a place, equal records have none, and no field is left out by oversight."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from domain.differences import COMPARED, PARTS, Kind, differences
from domain.discrepancies import Discrepancy
from domain.dossier import Dossier
from domain.events import Fact, Subject, Withdrawn, name_of
from domain.model import (
    Customer,
    CustomerId,
    Document,
    DocumentKind,
    InvoiceId,
    InvoiceLine,
    Lifecycle,
    Order,
    ProofOfDelivery,
    ShipTo,
    Tracking,
    WarehouseOrder,
    WarehouseStage,
)
from domain.model import ShipmentStatus as S
from domain.values import Address, Quantity
from tests.domain.lifecycles import Life, lives
from tests.domain.samples import (
    NOW,
    event,
    hold,
    invoice,
    line,
    moment,
    money,
    order,
    package,
    provenance,
    return_,
    return_line,
    shipment,
    task,
    tracking,
    warehouse,
)

UNCOMPARED = {
    "source": "ages always differ",
    "id": "whose records are compared",
    "key": "as id",
    "order_id": "a line's order, a shipment's and a warehouse order's are whose they are compared with",
    "line_key": "what parts are told apart by",
    "unique_id": "as key",
    "proof_of_delivery": "of several the best is kept",
    "shipments": "records of their own",
}
PLACE = Address("Acme", ("1 Main St",), "Springfield", "IL", "62701", "US")
CUSTOMER = Customer(
    CustomerId("C100"),
    "Acme",
    None,
    (ShipTo("S1", "Dock", PLACE),),
    "NET30",
    "MIDWEST",
    None,
    "USD",
    None,
    None,
    provenance("erp"),
)
BILL = InvoiceLine(1, "1", "BOLT-M8", None, Quantity.of(10), money("1.00"), money("10.00"))


@pytest.mark.parametrize("kind", dict.fromkeys((*COMPARED, *PARTS)), ids=lambda kind: kind.__name__)
def test_every_field_is_compared_or_is_known_not_to_be(kind: type) -> None:
    parts = {part.field for part in PARTS.get(kind, ())}
    keys = {"number"} if kind is InvoiceLine else {"sku"} if kind.__name__ == "ReturnLine" else set()
    told = {field.name for field in fields(kind)}
    assert told - {*COMPARED.get(kind, {}), *parts, *UNCOMPARED, *keys} == {"order_line_key"} & told - {
        *COMPARED.get(kind, {})
    }


FACTS: Sequence[Fact] = (
    order(line("1"), line("2"), hold=hold(), ship_to=PLACE),
    shipment(),
    warehouse(shipment(), tasks=(task(),)),
    tracking(event(S.IN_TRANSIT)),
    invoice(lines=(BILL,)),
    return_(),
    CUSTOMER,
)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_a_record_read_again_differs_in_nothing(fact: Any) -> None:
    assert differences(fact, replace(fact, source=provenance("erp", NOW + timedelta(days=1)))) == ()


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_what_is_on_one_side_only_is_missing_or_deleted_as_a_whole(fact: Any) -> None:
    [missing] = differences(None, fact)
    assert (missing.kind, missing.part, missing.remembered) == (Kind.MISSING, "", None)
    subject, id_ = name_of(fact)
    [deleted] = differences(fact, Withdrawn(subject, id_, "erp", NOW))
    assert (deleted.subject, deleted.id, deleted.kind, deleted.told) == (subject, id_, Kind.DELETED, None)
    assert differences(None, Withdrawn(subject, id_, "erp", NOW)) == ()


def changed(record: Any, **to: Any) -> Callable[[], tuple[Any, Any]]:
    return lambda: (record, replace(record, **to))


ORDER = order(line("1", 10), line("2", 4), promised_date=date(2026, 11, 20), ship_to=PLACE)
PAPER = Document("D1", DocumentKind.PROOF_OF_DELIVERY, "Proof of delivery", "application/pdf")
MADE = shipment(package("P1"), package("P2", "1Z2"))


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        (changed(ORDER, lifecycle=Lifecycle.CLOSED), (Kind.STATUS, "lifecycle", "CONFIRMED", "CLOSED")),
        (changed(ORDER, promised_date=date(2026, 11, 21)), (Kind.DATE, "promised_date", "2026-11-20", "2026-11-21")),
        (changed(ORDER, hold=hold()), (Kind.HOLD, "hold", None, "H1: We are reviewing this order.")),
        (
            changed(ORDER, ship_to=replace(PLACE, lines=("2 Main St",))),
            (
                Kind.ADDRESS,
                "ship_to",
                "Acme, 1 Main St, Springfield, IL, 62701, US",
                "Acme, 2 Main St, Springfield, IL, 62701, US",
            ),
        ),
        (changed(ORDER, customer_id=CustomerId("C9")), (Kind.ACCOUNT, "customer_id", "C100", "C9")),
        (
            changed(ORDER, lines=(line("1", 11), line("2", 4))),
            (Kind.QUANTITY, "lines.1.ordered", "10 EA", "11 EA"),
        ),
        (changed(ORDER, lines=(line("1", 10),)), (Kind.LINE, "lines.2", "4 EA BOLT-M8", None)),
        (changed(ORDER, revision=1), (Kind.VERSION, "revision", "0", "1")),
        (changed(invoice(), balance=money("99.99")), (Kind.AMOUNT, "balance", "100.00 USD", "99.99 USD")),
        (changed(invoice(), applied_to=(InvoiceId("INV9"),)), (Kind.LINK, "applied_to", "", "INV9")),
        (
            changed(invoice(lines=(BILL,)), lines=(replace(BILL, amount=money("10.01")),)),
            (Kind.AMOUNT, "lines.1.amount", "10.00 USD", "10.01 USD"),
        ),
        (
            changed(return_(), lines=(return_line(received=2),)),
            (Kind.QUANTITY, "lines.1/BOLT-M8.received", "0 EA", "2 EA"),
        ),
        (
            changed(CUSTOMER, ship_tos=()),
            (Kind.ADDRESS, "ship_tos.S1", "Dock: Acme, 1 Main St, Springfield, IL, 62701, US", None),
        ),
        (
            changed(MADE, packages=(package("P1", "1ZNEW"), package("P2", "1Z2"))),
            (Kind.TRACKING_NUMBER, "packages.P1.tracking_number", "1Z999AA10123456784", "1ZNEW"),
        ),
        (
            changed(MADE, packages=(*MADE.packages, package("P3", "1Z3"))),
            (Kind.PACKAGE, "packages.P3", None, "1Z3"),
        ),
        (
            changed(tracking(), estimated_delivery=moment(1)),
            (Kind.DATE, "estimated_delivery", None, "2026-11-21T15:00:00+00:00 (INSTANT)"),
        ),
        (
            changed(tracking(), proof_of_delivery=ProofOfDelivery("Smith", None, None)),
            (Kind.PROOF_MISSING, "", None, "received by Smith"),
        ),
        (changed(MADE, documents=(PAPER,)), (Kind.LINK, "documents", "", "D1")),
        (changed(tracking(), documents=(PAPER,)), (Kind.LINK, "documents.D1", None, "D1")),
    ],
    ids=lambda value: value[1] or value[0] if isinstance(value, tuple) else "",
)
def test_a_difference_is_named_with_both_values(
    pair: Callable[[], tuple[Any, Any]], expected: tuple[str, str, str | None, str | None]
) -> None:
    remembered, told = pair()
    [found] = differences(remembered, told)
    assert (found.kind, found.part, found.remembered, found.told) == expected


def test_a_version_is_told_only_where_nothing_else_differs() -> None:
    told = replace(ORDER, revision=1, modified_at=moment(0), lifecycle=Lifecycle.CLOSED)
    assert [each.kind for each in differences(ORDER, told)] == [Kind.STATUS]


def test_one_count_in_two_words_is_no_difference() -> None:
    assert differences(ORDER, replace(ORDER, lines=(line("1", Quantity.of("10.0")), line("2", 4)))) == ()  # type: ignore[arg-type]  # as a source may write it


def test_what_only_adds_up_is_never_one_too_many() -> None:
    remembered = warehouse(shipment(package("P1"), package("P2", "1Z2")), tasks=(task(), task(key="2")))
    told = warehouse(shipment(package("P1")), tasks=(task(),))
    kinds = {each.kind for each in differences(remembered, told)}
    assert Kind.PACKAGE not in kinds
    assert Kind.TASK_MISSING not in kinds
    scans = replace(tracking(event(S.IN_TRANSIT, -2), event(S.DELIVERED)), documents=(PAPER,))
    assert differences(scans, tracking(event(S.DELIVERED))) == ()
    assert [each.kind for each in differences(tracking(event(S.DELIVERED)), scans)] == [Kind.SCAN_MISSING, Kind.LINK]


def test_the_shipments_of_an_order_are_compared_one_by_one() -> None:
    other = shipment(package("P9", "1Z9"), id="SH2", stage=WarehouseStage.PACKED)
    voided = replace(shipment(), stage=WarehouseStage.VOIDED)
    found = differences(warehouse(shipment(), other), warehouse(voided, replace(other, id="SH3")))  # type: ignore[arg-type]
    assert {(each.subject, each.id, each.kind, each.part) for each in found} == {
        (Subject.SHIPMENT, "SH1", Kind.STATUS, "stage"),
        (Subject.SHIPMENT, "SH3", Kind.MISSING, ""),
        (Subject.SHIPMENT, "SH2", Kind.DELETED, ""),
    }


@settings(max_examples=60, deadline=None)
@given(lives())
def test_once_absorbed_a_record_read_later_differs_in_nothing(life: Life) -> None:
    """What reconciliation repairs it does not find again."""
    dossier = Dossier(next(fact.id for fact in life.facts if isinstance(fact, Order)))
    for fact in life.retold:
        dossier = dossier.absorb(fact)
    for day, fact in enumerate(life.facts):
        if isinstance(fact, Withdrawn):
            continue
        later: Any = _later(fact, day)
        dossier = dossier.absorb(later)
        assert [each for each in differences(_remembered(dossier, fact), later) if each.kind != Kind.DELETED] == []


def _later(fact: Any, day: int) -> Any:
    """Read after everything else, and after what was read so before."""
    source = provenance(fact.source.system, NOW + timedelta(days=99 + day))
    told = replace(fact, source=source)
    if isinstance(told, WarehouseOrder):
        return replace(told, shipments=tuple(replace(each, source=source) for each in told.shipments))
    return told


def _remembered(dossier: Dossier, fact: Fact) -> Fact | None:
    match fact:
        case Order():
            return dossier.order
        case WarehouseOrder():
            return dossier.warehouse
        case Tracking():
            [kept] = [each for each in dossier.tracking if each.key.number == fact.key.number]
            return kept
        case _:
            return next(kept.shipment for kept in dossier.shipments if kept.header.id == fact.id)  # type: ignore[union-attr]


def test_discrepancies_of_one_record_have_different_places() -> None:
    told = replace(ORDER, lines=(line("1", 1, sku="NUT"), line("3", 4)), po_number="X", currency="EUR")
    found: Sequence[Discrepancy] = differences(ORDER, told)
    assert len({(each.kind, each.part) for each in found}) == len(found)
