"""Whatever a source might say: model objects that need not agree with each other, for laws that hold all the same."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from domain.model import (
    Carrier,
    CustomerId,
    Hold,
    Invoice,
    InvoiceId,
    InvoiceType,
    Lifecycle,
    Line,
    Order,
    OrderId,
    Package,
    ProofOfDelivery,
    Return,
    ReturnId,
    ReturnLine,
    ReturnStatus,
    Shipment,
    ShipmentId,
    ShipmentLine,
    ShipmentMode,
    ShipmentStatus,
    Tracking,
    TrackingEvent,
    TrackingKey,
    WarehouseOrder,
    WarehouseStage,
    WarehouseTask,
)
from domain.order_status import OrderFacts
from domain.shipment_status import derive_shipment
from domain.values import Code, Moment, Money, Precision, Quantity
from tests.domain.samples import NOW, provenance

T = TypeVar("T")

law = settings(max_examples=60, deadline=None)
"""Laws count examples and never milliseconds: the machine is shared."""

LINES = ("1", "2", "3")
NUMBERS = ("1Z1", "1Z2", "1Z3")
INSIDE_WORDS = ("CREDIT HOLD", "Collections", "suspected fraud", "low margin", "past-due")

words = st.sampled_from(("A", "x", "", *INSIDE_WORDS))
moments = st.builds(
    Moment,
    st.builds(lambda minutes: NOW + timedelta(minutes=minutes), st.integers(-15_000, 15_000)),
    st.none() | st.builds(lambda hours: timedelta(hours=hours), st.integers(-12, 14)),
    st.sampled_from(Precision),
)
ends_of_time = (Moment(datetime(1, 1, 1, tzinfo=UTC)), Moment(datetime(9999, 1, 1, tzinfo=UTC)))
any_moments = moments | st.sampled_from(ends_of_time)
codes = st.builds(Code, words, st.sampled_from(("erp/status", "wms/stage")), st.none() | words, st.booleans())
counts = st.integers(0, 12)
quantities = st.builds(Quantity.of, counts)
odd_counts = counts | st.sampled_from([Decimal("0.001"), Decimal(-3), Decimal("1E+12"), Decimal("2.5")])


odd_quantities = st.builds(
    lambda value, unit, per: Quantity.of(value, unit, per_unit=per, base_unit="EA"),
    odd_counts,
    st.sampled_from(("EA", "CS")),
    st.sampled_from((1, 12, Decimal("0.3"), 0)),
)
money = st.builds(Money, st.decimals(-1000, 1000, places=2), st.just("USD"))


def rarely(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.one_of(st.none(), st.none(), st.none(), strategy)


NAMES = ("allocated", "backordered", "picked", "packed", "shipped", "invoiced", "cancelled", "returned")


@st.composite
def lines(draw: st.DrawFn, key: str, *, odd: bool) -> Line:
    """``odd``: any quantities in any units; else what a sound ERP could state of one line, in EA."""
    count = draw(st.integers(1, 12))
    part = st.sampled_from((0, 0, 0, count // 2, count)).map(Quantity.of)
    return Line(
        key=key,
        order_id=OrderId("SO1"),
        number=1,
        sku=draw(words),
        customer_sku=None,
        description=draw(words),
        ordered=draw(odd_quantities) if odd else Quantity.of(count),
        **{name: draw(odd_quantities if odd else part) for name in NAMES},
        unit_price=draw(st.none() | money),
        extended_price=None,
        promised_date=draw(st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1))),
        expected_ship_date=draw(st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1))),
        substitution_of=None,
        substituted_by=draw(rarely(st.just("2"))),
        closed=draw(rarely(st.just(True))) is True,
    )


holds = st.builds(Hold, st.just("We are reviewing this order."), codes, st.none() | words, st.none() | moments)


@st.composite
def orders(draw: st.DrawFn, *, odd: bool = True) -> Order:
    keys = draw(st.lists(st.sampled_from(LINES), unique=True, min_size=0 if odd else 1))
    return Order(
        id=OrderId("SO1"),
        po_number=draw(words),
        customer_id=CustomerId("C1"),
        ship_to_id=None,
        ship_to=None,
        lifecycle=draw(st.sampled_from(Lifecycle)),
        status_code=draw(codes),
        placed_at=draw(moments),
        modified_at=draw(any_moments if odd else moments),
        revision=draw(st.integers(0, 3)),
        requested_date=None,
        promised_date=draw(st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1))),
        hold=draw(rarely(holds)),
        currency="USD",
        totals=None,
        lines=tuple(draw(lines(key, odd=odd)) for key in keys),
        source=provenance("erp"),
    )


shipment_lines = st.builds(ShipmentLine, st.sampled_from((*LINES, "9")), st.just("BOLT-M8"), quantities)
packages = st.builds(
    Package,
    id=st.sampled_from(("P1", "P2", "P3")),
    tracking_number=st.sampled_from((*NUMBERS, "1Z1", None)),
    weight=st.none(),
    contents=st.lists(shipment_lines, min_size=1, max_size=3).map(tuple),
    voided=rarely(st.just(True)).map(bool),
)


@st.composite
def shipments(draw: st.DrawFn) -> Shipment:
    stamp = st.none() | moments
    return Shipment(
        id=ShipmentId(draw(st.sampled_from(("SH1", "SH2", "SH3")))),
        order_id=OrderId("SO1"),
        customer_id=CustomerId("C1"),
        ship_to_id=None,
        warehouse="W1",
        stage=draw(st.sampled_from(WarehouseStage)),
        stage_code=draw(codes),
        mode=draw(st.sampled_from(ShipmentMode)),
        carrier=draw(st.none() | st.just(Carrier("UPSN", "UPS"))),
        service=None,
        pro_number=draw(st.none() | st.sampled_from(NUMBERS)),
        created_at=draw(any_moments),
        labelled_at=draw(stamp),
        packed_at=draw(stamp),
        manifested_at=draw(stamp),
        confirmed_at=draw(stamp),
        voided_at=draw(rarely(moments)),
        lines=draw(st.lists(shipment_lines, max_size=3).map(tuple)),
        packages=draw(st.lists(packages, max_size=3, unique_by=lambda one: one.id).map(tuple)),
        source=provenance("wms"),
    )


SCANS = (ShipmentStatus.IN_TRANSIT, ShipmentStatus.OUT_FOR_DELIVERY, ShipmentStatus.DELIVERED)
statuses = st.sampled_from(ShipmentStatus) | st.sampled_from(SCANS)


@st.composite
def events(draw: st.DrawFn, status: st.SearchStrategy[ShipmentStatus] = statuses) -> TrackingEvent:
    """Ids are digests: two events share one only when they are the same event."""
    told, at = draw(status), draw(moments)
    raw = draw(words)
    return TrackingEvent(
        id=f"{told}{raw}{at.at.isoformat()}{at.precision}",
        status=told,
        code=Code(raw, "ups/activity", draw(st.none() | words), told is not ShipmentStatus.UNKNOWN),
        occurred=Moment(at.at, None, at.precision),
        location=None,
        message="The carrier says so.",
    )


proofs = st.builds(ProofOfDelivery, st.none() | words, st.none() | words, st.none() | moments)


def trackings(number: str) -> st.SearchStrategy[Tracking]:
    return st.builds(
        Tracking,
        key=st.just(TrackingKey("UPSN", number)),
        unique_id=st.none(),
        events=st.lists(events(), max_size=6).map(tuple),
        estimated_delivery=st.none() | moments,
        proof_of_delivery=st.none() | proofs,
        source=st.just(provenance("ups")),
    )


def failures(source: str) -> st.SearchStrategy[SourceError]:
    kinds = st.sampled_from((SourceTimeout, SourceUnavailable, SourceFault))
    return st.builds(lambda kind: kind(source, "the inside"), kinds)


told = {number: st.one_of(trackings(number), trackings(number), failures("ups")) for number in NUMBERS}
answers = st.fixed_dictionaries({"1Z1": told["1Z1"]}, optional={number: told[number] for number in NUMBERS[1:]})
tasks = st.builds(
    WarehouseTask,
    kind=st.sampled_from(WarehouseStage),
    code=codes,
    line_key=st.sampled_from(LINES),
    quantity=quantities,
    short=st.none() | quantities,
    at=moments,
)


@st.composite
def facts(draw: st.DrawFn) -> OrderFacts:
    """An order with whatever its warehouse and carriers said, or failed to say; half of them of a sound ERP."""
    made = draw(st.lists(shipments(), max_size=3, unique_by=lambda one: one.id))
    states = tuple(derive_shipment(one, draw(answers)) for one in made)
    seen = WarehouseOrder(OrderId("SO1"), draw(st.lists(tasks, max_size=4).map(tuple)), tuple(made), provenance("wms"))
    warehouse = draw(st.sampled_from((seen, seen, seen, None)) | failures("wms"))
    unread = isinstance(warehouse, SourceError)
    return OrderFacts(
        order=draw(orders(odd=draw(st.booleans()))),
        warehouse=warehouse,
        shipments=None if unread else states,
        now=NOW,
        carrier_grace=timedelta(hours=24),
    )


invoices = st.builds(
    Invoice,
    id=st.sampled_from((InvoiceId("INV1"), InvoiceId("INV2"))),
    type=st.sampled_from(InvoiceType),
    customer_id=st.just(CustomerId("C1")),
    ship_to_id=st.none(),
    order_ids=st.just((OrderId("SO1"),)),
    date=st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    due_date=st.none() | st.dates(),
    total=money,
    amount_paid=money,
    balance=money,
    status_code=codes,
    voided=st.booleans(),
    applied_to=st.just(()),
    lines=st.just(()),
    documents=st.just(()),
    source=st.just(provenance("erp")),
)
returns = st.builds(
    Return,
    id=st.just(ReturnId("RMA1")),
    order_id=st.just(OrderId("SO1")),
    customer_id=st.just(CustomerId("C1")),
    ship_to_id=st.none(),
    stated=st.sampled_from(ReturnStatus),
    status_code=codes,
    requested_at=moments,
    lines=st.lists(
        st.builds(
            ReturnLine,
            order_line_key=st.none() | st.sampled_from(LINES),
            sku=words,
            requested=odd_quantities,
            received=odd_quantities,
            credited=odd_quantities,
            reason=st.none() | words,
            disposition=st.none() | words,
        ),
        max_size=3,
    ).map(tuple),
    credit_memo_ids=st.just(()),
    source=st.just(provenance("erp")),
)
