"""What an invoice still asks for, by the balance the ERP's receivables state: to the cent, and never from shipping."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from domain.explanation import Evidence, Explanation
from domain.model import Invoice, InvoiceType


class PaymentStatus(StrEnum):
    """The first three are an invoice's, the next three a credit memo's."""

    UNPAID = "UNPAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    UNAPPLIED = "UNAPPLIED"
    PARTIALLY_APPLIED = "PARTIALLY_APPLIED"
    APPLIED = "APPLIED"
    VOIDED = "VOIDED"


class AgingBucket(StrEnum):
    """Days past due of an open invoice."""

    CURRENT = "CURRENT"
    DAYS_1_30 = "DAYS_1_30"
    DAYS_31_60 = "DAYS_31_60"
    DAYS_61_90 = "DAYS_61_90"
    OVER_90 = "OVER_90"


BUCKETS = (
    (0, AgingBucket.CURRENT),
    (30, AgingBucket.DAYS_1_30),
    (60, AgingBucket.DAYS_31_60),
    (90, AgingBucket.DAYS_61_90),
)
"""The last day past due of each bucket; anything older is OVER_90."""

RULE = {
    PaymentStatus.UNPAID: "the balance is the whole amount",
    PaymentStatus.PARTIALLY_PAID: "0 < balance < amount",
    PaymentStatus.PAID: "nothing is left to pay, to the cent",
    PaymentStatus.UNAPPLIED: "none of it is applied to an invoice",
    PaymentStatus.PARTIALLY_APPLIED: "some of it is applied to invoices",
    PaymentStatus.APPLIED: "all of it is applied to invoices, to the cent",
    PaymentStatus.VOIDED: "the ERP voided it",
}
OPEN = {PaymentStatus.UNPAID: ("payment",), PaymentStatus.PARTIALLY_PAID: ("the rest of the payment",)}
"""What is still owed, and what is missing."""


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """``aging_bucket`` None: nothing is open, or no due date is known. ``days_past_due``: 0 up to the due date."""

    payment_status: PaymentStatus
    aging_bucket: AgingBucket | None
    days_past_due: int
    explanation: Explanation


def derive_invoice(invoice: Invoice, today: date) -> InvoiceState:
    """``today``: the calendar day the receivables are aged at."""
    status = payment_status(invoice)
    due = invoice.due_date if status in OPEN else None
    late = max((today - due).days, 0) if due else 0
    undated = ("a due date",) if status in OPEN and due is None else ()
    evidence = Evidence.of(invoice.source.system, invoice.status_code, invoice.source.as_of)
    return InvoiceState(
        payment_status=status,
        aging_bucket=_bucket(late) if due else None,
        days_past_due=late,
        explanation=Explanation(RULE[status], (evidence,), OPEN.get(status, ()) + undated),
    )


def payment_status(invoice: Invoice) -> PaymentStatus:
    """By the stated balance alone. A credit memo's sign differs between ERPs, so only its size counts."""
    if invoice.voided:
        return PaymentStatus.VOIDED
    if invoice.type is InvoiceType.CREDIT_MEMO:
        left, whole = abs(invoice.balance.amount), abs(invoice.total.amount)
        none, some, all_ = PaymentStatus.UNAPPLIED, PaymentStatus.PARTIALLY_APPLIED, PaymentStatus.APPLIED
    else:
        left, whole = invoice.balance.amount, invoice.total.amount
        none, some, all_ = PaymentStatus.UNPAID, PaymentStatus.PARTIALLY_PAID, PaymentStatus.PAID
    if left <= 0:
        return all_
    return some if left < whole else none


def _bucket(days: int) -> AgingBucket:
    return next((bucket for last, bucket in BUCKETS if days <= last), AgingBucket.OVER_90)
