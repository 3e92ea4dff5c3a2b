"""Nothing of the inside leaves (requirement A4): every public word is walked, whatever the sources send."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum

from hypothesis import given
from hypothesis import strategies as st

from domain import billing, fulfillment, invoice_status, line_status, order_status, return_status, shipment_status
from domain.explanation import INSIDE, WITHHELD, Evidence, Explanation
from domain.model import Hold, Invoice, Return
from domain.order_exceptions import PUBLIC, derive_exceptions
from domain.order_status import OrderFacts, derive_order
from domain.timeline import MESSAGE, fold
from tests.domain import strategies
from tests.domain.samples import code, facts, hold, order
from tests.domain.strategies import law

DENIED = re.compile(
    r"credit|collect|fraud|margin|profit|cost|dunning|delinquen|debt|past.?due|over.?due|bankrupt|limit|risk",
    re.IGNORECASE,
)
"""Wider than what codes are withheld for: our own words need none of these."""


def texts(value: object) -> Iterator[str]:
    """Every string a value holds, enumerations' names apart."""
    if isinstance(value, Enum):
        return
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, tuple | list | frozenset):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))


def test_our_own_words_hold_nothing_of_the_inside() -> None:
    tables = (
        PUBLIC,
        MESSAGE,
        order_status.WORDS,
        order_status.DISPLAY,
        fulfillment.LINE_RULES,
        line_status.WAITING,
        line_status.SUBSTITUTED,
        shipment_status.RULE,
        shipment_status.NEXT,
        invoice_status.RULE,
        return_status.NEXT,
        return_status.NOT_STARTED,
        billing.ALIKE,
        billing.MIXED,
    )
    said = [text for table in tables for text in texts(table)]
    assert len(said) > 100
    assert [text for text in said if DENIED.search(text)] == []


@law
@given(strategies.facts())
def test_no_explanation_summary_or_exception_lets_a_code_or_text_of_the_inside_out(about: OrderFacts) -> None:
    state = derive_order(about)
    explanations: list[Explanation] = [state.explanation, *(line.explanation for line in state.lines)]
    explanations += [shipment.explanation for shipment in about.shipments or ()]
    public = [state.summary, *texts(explanations)]
    public += [one.message for one in derive_exceptions(about, state)]
    assert [text for text in public if INSIDE.search(text)] == []


@law
@given(strategies.facts(), st.lists(strategies.invoices, max_size=2), st.lists(strategies.returns, max_size=2))
def test_no_story_lets_a_text_of_the_inside_out(
    about: OrderFacts, invoices: list[Invoice], returns: list[Return]
) -> None:
    story = fold(about.order, None, about.shipments or (), invoices, returns)
    assert [event.message for event in story if DENIED.search(event.message)] == []


@law
@given(strategies.invoices, strategies.returns)
def test_no_explanation_of_an_invoice_or_return_lets_the_inside_or_an_amount_out(about: Invoice, back: Return) -> None:
    asked = invoice_status.derive_invoice(about, about.date).explanation
    assert [text for text in texts(asked) if INSIDE.search(text)] == []
    assert all(str(about.total.amount) not in text for text in texts(asked))
    assert [text for text in texts(return_status.derive_return(back).explanation) if INSIDE.search(text)] == []


def test_a_hold_says_that_it_is_one_and_never_why() -> None:
    secret: Hold = hold(raw="CRLIM", reason="Credit limit exceeded by 12,000")
    state = derive_order(facts(replace(order(), hold=secret)))
    told = " ".join(texts(state.explanation)) + state.summary
    assert "hold" in told.lower()
    assert "CRLIM" not in told
    assert "12,000" not in told


def test_a_code_of_the_inside_is_withheld_and_others_are_shown_raw() -> None:
    for raw in ("CREDIT HOLD", "creditReview", "Collections", "FRAUD?", "LOW_MARGIN", "past due", "PAST_DUE"):
        assert Evidence.of("erp", code(raw), None).code == WITHHELD
    for raw in ("_pendingFulfillment", "DP", "_creditMemoOpen", "Credit Memo", "00", ""):
        assert Evidence.of("erp", code(raw), None).code == raw
