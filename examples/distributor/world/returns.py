"""How goods come back: a return's steps in time, what is received when, and the credit for it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from enum import IntEnum

from examples.distributor.world import words
from examples.distributor.world.draft import Draft
from examples.distributor.world.facts import BilledLine, Changes, RmaFacts, RmaLineFacts
from examples.distributor.world.pricing import NOTHING


class Reach(IntEnum):
    """How far a return comes."""

    REQUESTED = 0
    AUTHORIZED = 1
    PARTLY_RECEIVED = 2
    RECEIVED = 3
    CREDITED = 4


STEPS = (
    (Reach.AUTHORIZED, 4.0, 48.0),
    (Reach.PARTLY_RECEIVED, 48.0, 120.0),
    (Reach.RECEIVED, 24.0, 72.0),
    (Reach.CREDITED, 12.0, 48.0),
)
"""A return's steps after the request, each with the hours it takes at least and at most."""
CREDITED_AFTER = timedelta(hours=6)
"""How long after goods came back an eager credit for them is issued."""


def send_back(draft: Draft, reach: Reach = Reach.CREDITED, *, credit_first: bool = False) -> None:
    """The customer returns some of the first invoiced shipment, a day to a week after it arrived.

    ``credit_first``: what comes first is credited at once, before (or without) the rest.
    """
    line = _after_arrival(draft)
    requested = line.quantity if draft.rng.random() < 0.5 else _part(line.quantity)
    number, requested_at = draft.numbering.rma.next(), draft.at
    steps = _steps(draft, reach)
    received = _receipts(steps, requested)
    credited = _credits(steps, received, credit_first=credit_first)
    memos = []
    for draft.at, quantity in credited:
        memos.append((draft.at, draft.credit(line.line_key, quantity, memo="INTERNAL: per RMA", rma_number=number)))
    reason, disposition = draft.rng.choice(words.RETURN_REASONS), draft.rng.choice(words.DISPOSITIONS)
    draft.rmas.append(
        RmaFacts(
            number=number,
            internal_id=str(next(draft.numbering.internal)),
            requested_at=requested_at,
            authorized_at=steps.get(Reach.AUTHORIZED),
            cancelled_at=None,
            lines=(RmaLineFacts(line.line_key, requested, received, credited, reason, disposition),),
            credit_memos=tuple(memos),
        )
    )


def call_off(draft: Draft) -> None:
    """The last return is cancelled before anything came."""
    draft.wait(24, 72)
    draft.rmas.append(replace(draft.rmas.pop(), cancelled_at=draft.at))


def _after_arrival(draft: Draft) -> BilledLine:
    """Moves the cursor past the arrival of the first invoiced shipment; answers its largest line."""
    invoice = draft.invoices[0]
    shipment = next(shipment for shipment in draft.shipments if shipment.number == invoice.shipment_number)
    arrived = [consignment.arrives_at for consignment in shipment.consignments if consignment.arrives_at]
    draft.at = max(draft.at, invoice.issued_at, *arrived)
    draft.wait(24, 168)
    return max(invoice.lines, key=lambda line: line.quantity)


def _steps(draft: Draft, reach: Reach) -> dict[Reach, datetime]:
    times = {}
    for step, low, high in STEPS:
        if step <= reach:
            draft.wait(low, high)
            times[step] = draft.at
    return times


def _receipts(steps: Mapping[Reach, datetime], requested: Decimal) -> Changes:
    first = _part(requested)
    receipts = ((Reach.PARTLY_RECEIVED, first), (Reach.RECEIVED, requested - first))
    return tuple((steps[step], quantity) for step, quantity in receipts if step in steps and quantity)


def _credits(steps: Mapping[Reach, datetime], received: Changes, *, credit_first: bool) -> Changes:
    if not credit_first:
        whole = sum((quantity for _, quantity in received), NOTHING)
        return ((steps[Reach.CREDITED], whole),) if Reach.CREDITED in steps else ()
    (first_at, first), *rest = received
    at_once = (first_at + CREDITED_AFTER, first)
    return (at_once, *((steps[Reach.CREDITED], quantity) for _, quantity in rest if Reach.CREDITED in steps))


def _part(quantity: Decimal) -> Decimal:
    """A whole half where there is one, else all."""
    return (quantity / 2).to_integral(ROUND_FLOOR) or quantity
