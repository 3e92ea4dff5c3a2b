"""How the distributor gets its money: invoices, how customers pay them, and credit memos."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from examples.distributor.world.facts import (
    BilledLine,
    Changes,
    CreditMemoFacts,
    InvoiceFacts,
)
from examples.distributor.world.pricing import Charge, cents
from examples.distributor.world.shipping import hours

PAYING = (
    (70, ((-6.0, 2.0, None),)),
    (16, ((5.0, 45.0, None),)),
    (8, ((-3.0, 5.0, Decimal("0.5")), (50.0, 100.0, None))),
    (3, ((95.0, 140.0, None),)),
    (3, ()),
)
"""How often a customer pays so: at days after the due date (at least, at most), which share; None: the rest."""
PREPAYING = ((0.0, 0.2, None),)

APPLIED_AFTER = timedelta(hours=1)
REFUNDED_AFTER = timedelta(days=10)
"""How long after its issue a credit is applied to its invoice, and what that cannot take is paid out."""


@dataclass(slots=True)
class InvoiceDraft:
    """An invoice whose payments are still plans: (at, share of the total; None: all that is then open)."""

    number: str
    internal_id: str
    shipment_number: str
    issued_at: datetime
    due_date: dt.date
    lines: tuple[BilledLine, ...]
    charge: Charge
    payments: list[tuple[datetime, Decimal | None]] = field(default_factory=list)


@dataclass(slots=True)
class CreditDraft:
    """A credit memo, first applied to ``invoice``, what that cannot take refunded."""

    number: str
    internal_id: str
    rma_number: str | None
    invoice: str
    issued_at: datetime
    lines: tuple[BilledLine, ...]
    charge: Charge
    memo: str


def payment_plan(rng: Random, issued_at: datetime, due_days: int) -> list[tuple[datetime, Decimal | None]]:
    """When a customer is going to pay an invoice, and how much of it."""
    due = datetime.combine(issued_at.date() + timedelta(days=due_days), dt.time(17), UTC)
    habit = rng.choices([habit for _, habit in PAYING], [weight for weight, _ in PAYING])[0] if due_days else PREPAYING
    plan = [(max(issued_at, due + hours(rng, low * 24, high * 24)), share) for low, high, share in habit]
    return sorted(plan, key=lambda payment: payment[0])


@dataclass(frozen=True, slots=True)
class _Claim:
    """Money on its way to an invoice; ``share`` None takes all that is open, ``credit`` only what it has left."""

    at: datetime
    share: Decimal | None
    credit: CreditDraft | None = None


def settled(
    invoices: Iterable[InvoiceDraft], memos: Sequence[CreditDraft]
) -> tuple[tuple[InvoiceFacts, ...], tuple[CreditMemoFacts, ...]]:
    """What is paid and applied when the plans come true, never more than is open."""
    left = {credit.number: credit.charge.total for credit in memos}
    applied: dict[str, list[tuple[datetime, str, Decimal]]] = {credit.number: [] for credit in memos}
    facts = []
    for invoice in invoices:
        claims = [_Claim(at, share) for at, share in invoice.payments]
        claims += [_Claim(c.issued_at + APPLIED_AFTER, None, c) for c in memos if c.invoice == invoice.number]
        changes = []
        balance = invoice.charge.total
        for claim in sorted(claims, key=lambda claim: claim.at):
            amount = balance if claim.share is None else min(balance, cents(invoice.charge.total * claim.share))
            if claim.credit is not None:
                amount = min(amount, left[claim.credit.number])
                left[claim.credit.number] -= amount
                applied[claim.credit.number].append((claim.at, invoice.number, amount))
            balance -= amount
            changes.append((claim.at, amount))
        facts.append(_invoice(invoice, tuple(change for change in changes if change[1])))
    return tuple(facts), tuple(
        _credit_memo(credit, tuple(use for use in applied[credit.number] if use[2]), left[credit.number])
        for credit in memos
    )


def _invoice(invoice: InvoiceDraft, changes: Changes) -> InvoiceFacts:
    return InvoiceFacts(
        number=invoice.number,
        internal_id=invoice.internal_id,
        shipment_number=invoice.shipment_number,
        issued_at=invoice.issued_at,
        due_date=invoice.due_date,
        lines=invoice.lines,
        charge=invoice.charge,
        settled=changes,
    )


def _credit_memo(
    credit: CreditDraft, applied: tuple[tuple[datetime, str, Decimal], ...], left: Decimal
) -> CreditMemoFacts:
    return CreditMemoFacts(
        number=credit.number,
        internal_id=credit.internal_id,
        rma_number=credit.rma_number,
        issued_at=credit.issued_at,
        lines=credit.lines,
        charge=credit.charge,
        memo=credit.memo,
        applied=applied,
        refunded=((credit.issued_at + REFUNDED_AFTER, left),) if left else (),
    )


def billed_lines(quantities: Mapping[str, Decimal], unit_prices: Mapping[str, Decimal]) -> tuple[BilledLine, ...]:
    """Lines by order line key, in that order, each to the cent."""
    return tuple(
        BilledLine(key, quantity, cents(quantity * unit_prices[key])) for key, quantity in sorted(quantities.items())
    )
