"""Laws of derivation: whatever the sources say, in whatever order and however often."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.billing import derive_billing, derive_payment
from domain.errors import SourceError
from domain.invoice_status import derive_invoice
from domain.line_status import LineStatus
from domain.model import Invoice, Lifecycle, Order, Return, Shipment, Tracking, TrackingEvent, WarehouseOrder
from domain.model import ShipmentStatus as S
from domain.order_exceptions import derive_exceptions
from domain.order_status import OrderFacts, OrderStatus, derive_order
from domain.return_status import derive_return
from domain.shipment_status import derive_shipment
from domain.timeline import fold
from domain.tracking import DEPARTED, RANK, follow
from domain.values import Moment, Precision
from tests.domain import strategies
from tests.domain.samples import NOW, NUMBER, tracking
from tests.domain.strategies import law

WAY_OUT = [status for status, rank in RANK.items() if DEPARTED <= rank <= RANK[S.DELIVERED]]


@st.composite
def retold(draw: st.DrawFn) -> tuple[list[TrackingEvent], list[TrackingEvent]]:
    """The same events, once in some order, once shuffled with duplicates."""
    once = draw(st.lists(strategies.events(), max_size=7, unique_by=lambda event: event.id))
    again = draw(st.lists(st.sampled_from(once), max_size=7)) if once else []
    return once, draw(st.permutations(once + again))


@law
@given(retold(), strategies.shipments())
def test_any_permutation_and_duplication_of_events_gives_the_same_shipment(
    told: tuple[list[TrackingEvent], list[TrackingEvent]], about: Shipment
) -> None:
    once, shuffled = told
    numbered = replace(about, pro_number=NUMBER)
    numbers = numbered.tracking_numbers
    states = [
        derive_shipment(numbered, {number: tracking(*events, number=number) for number in numbers})
        for events in (once, shuffled)
    ]
    assert states[0] == states[1]


@law
@given(st.lists(strategies.events(), max_size=6), strategies.events(st.sampled_from(WAY_OUT)))
def test_a_later_physical_event_never_lowers_the_status(told: list[TrackingEvent], scan: TrackingEvent) -> None:
    later = replace(scan, occurred=Moment(NOW + timedelta(days=40)))
    before, after = follow(told), follow([*told, later])
    ranks = [RANK.get(course.status, -1) if course.status else -1 for course in (before, after)]
    assert ranks == sorted(ranks)
    assert after.conditions == frozenset()


@law
@given(strategies.shipments(), strategies.answers, st.sampled_from(WAY_OUT))
def test_a_later_physical_event_never_takes_a_departure_back(
    about: Shipment, answers: dict[str, Tracking | SourceError], status: S
) -> None:
    before = derive_shipment(about, answers)
    scan = TrackingEvent("later", status, about.stage_code, Moment(NOW + timedelta(days=15)), None, "Later.")
    scanned = {
        number: replace(answer, events=(*answer.events, scan)) if isinstance(answer, Tracking) else answer
        for number, answer in answers.items()
    }
    assert derive_shipment(about, scanned).left or not before.left


@law
@given(st.lists(strategies.events(), max_size=6), strategies.events(st.just(S.UNKNOWN)))
def test_an_unknown_code_never_moves_a_status(told: list[TrackingEvent], unknown: TrackingEvent) -> None:
    unknown = replace(unknown, id="unknown")
    before, after = follow(told), follow([*told, unknown])
    assert (before.status, before.conditions, before.decisive) == (after.status, after.conditions, after.decisive)
    assert (unknown, False) in after.events


@law
@given(st.lists(strategies.events(), max_size=6), strategies.events())
def test_a_vague_time_never_outranks_an_instant_of_its_day(told: list[TrackingEvent], vague: TrackingEvent) -> None:
    scan = TrackingEvent("scan", S.IN_TRANSIT, vague.code, Moment(vague.occurred.at.replace(hour=0)), None, "Scan.")
    vague = replace(vague, id="vague", occurred=Moment(vague.occurred.at, None, Precision.LOCAL))
    story = [event.id for event, _ in follow([*told, scan, vague]).events]
    assert story.index("vague") < story.index("scan")


@law
@given(strategies.shipments(), strategies.answers)
def test_of_a_shipment_delivered_is_part_of_left_part_of_confirmed_part_of_all(
    about: Shipment, answers: dict[str, Tracking | SourceError]
) -> None:
    state = derive_shipment(about, answers)
    assert all(0 <= one.delivered <= one.left <= one.confirmed <= one.total for one in state.shares.values())
    assert state.left is any(parcel.left for parcel in state.parcels)
    assert (state.status is S.VOIDED) is (not state.parcels)
    assert state.delivered_packages == {p.package.id for p in state.parcels if p.package and p.status is S.DELIVERED}


@law
@given(strategies.facts())
def test_delivered_is_part_of_shipped_is_part_of_ordered(facts: OrderFacts) -> None:
    for line in derive_order(facts).lines:
        counts = line.counts
        assert 0 <= counts.delivered <= counts.left <= counts.shipped <= counts.ordered
        assert counts.ordered == counts.cancelled + counts.open + counts.shipped
        assert min(counts.cancelled, counts.open, counts.allocated, counts.backordered) >= 0
        quantities = [line.shipped, line.left, line.open, line.cancelled, line.in_shipments]
        assert all(quantity.value >= 0 and quantity.base_value >= 0 for quantity in quantities)
        assert line.delivered is None or line.delivered.base_value == counts.delivered


@law
@given(strategies.facts())
def test_nothing_a_source_says_is_too_odd_to_be_judged_and_explained(facts: OrderFacts) -> None:
    state = derive_order(facts)
    assert state.summary
    assert state.explanation.rule
    assert state.explanation.evidence
    assert len(state.lines) == len(facts.order.lines)
    assert all(line.explanation.rule and line.explanation.evidence for line in state.lines)
    assert all(one.message for one in derive_exceptions(facts, state))
    assert derive_billing(facts.order) is state.billing


@law
@given(strategies.facts())
def test_the_order_in_which_sources_list_things_does_not_matter(facts: OrderFacts) -> None:
    shipments, warehouse = facts.shipments, facts.warehouse
    if isinstance(warehouse, WarehouseOrder):
        warehouse = replace(warehouse, tasks=warehouse.tasks[::-1], shipments=warehouse.shipments[::-1])
    other = replace(facts, shipments=shipments and shipments[::-1], warehouse=warehouse)
    one, two = derive_order(facts), derive_order(other)
    assert (one.status, one.fulfillment, one.summary) == (two.status, two.fulfillment, two.summary)
    assert [line.counts for line in one.lines] == [line.counts for line in two.lines]
    assert derive_exceptions(facts, one) == derive_exceptions(other, two)


@law
@given(strategies.facts())
def test_with_nobody_to_ask_no_step_is_claimed_that_needs_proof(facts: OrderFacts) -> None:
    alone = derive_order(replace(facts, shipments=None, warehouse=None))
    proof = {LineStatus.SHIPPED, LineStatus.PARTIALLY_SHIPPED, LineStatus.DELIVERED, LineStatus.PARTIALLY_DELIVERED}
    assert not proof & {line.status for line in alone.lines}
    assert alone.status not in {OrderStatus.SHIPPED, OrderStatus.DELIVERED}
    assert alone.status is not OrderStatus.COMPLETED or not alone.lines


@law
@given(strategies.facts())
def test_a_hold_hides_no_shipment(facts: OrderFacts) -> None:
    free = derive_order(replace(facts, order=replace(facts.order, hold=None)))
    state = derive_order(facts)
    assert state.status is free.status or not any(line.counts.shipped for line in state.lines)


@law
@given(
    strategies.facts(),
    st.lists(strategies.invoices, max_size=3, unique_by=lambda invoice: invoice.id),
    st.lists(strategies.returns, max_size=1),
)
def test_a_story_told_backwards_and_twice_is_the_same_story(
    facts: OrderFacts, invoices: list[Invoice], returns: list[Return]
) -> None:
    order, states = facts.order, list(facts.shipments or ())
    seen = facts.warehouse if isinstance(facts.warehouse, WarehouseOrder) else None
    again = replace(seen, tasks=(*seen.tasks[::-1], *seen.tasks)) if seen else None
    story = fold(order, seen, states, invoices, returns)
    assert story == fold(order, again, states[::-1] + states, invoices[::-1] + invoices, returns[::-1] + returns)
    assert len({event.id for event in story}) == len(story)
    assert all(event.message for event in story)


@law
@given(strategies.invoices, st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_every_invoice_is_judged(invoice: Invoice, today: date) -> None:
    state = derive_invoice(invoice, today)
    assert state.days_past_due >= 0
    assert (state.aging_bucket is None) or invoice.balance.amount > 0
    assert derive_payment([invoice]).explanation.rule


@law
@given(strategies.returns)
def test_every_return_is_judged(about: Return) -> None:
    derived = derive_return(about)
    assert derived.explanation.rule
    assert derived.explanation.evidence


@law
@given(strategies.orders(), st.sampled_from([Lifecycle.CLOSED, Lifecycle.CANCELLED]))
def test_a_finished_order_leaves_nothing_open(order: Order, lifecycle: Lifecycle) -> None:
    about = OrderFacts(replace(order, lifecycle=lifecycle), None, (), NOW, timedelta(hours=24))
    assert all(line.counts.open == 0 for line in derive_order(about).lines)
