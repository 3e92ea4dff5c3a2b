"""How much of an order is invoiced and paid (axes 3 and 4): by the ERP's receivables only, never from shipping."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from domain.explanation import Derived, Evidence, Explanation
from domain.invoice_status import PaymentStatus, payment_status
from domain.line_status import FINISHED
from domain.model import Invoice, InvoiceType, Order


class Billing(StrEnum):
    """How much is invoiced."""

    NOT_BILLED = "NOT_BILLED"
    PARTIALLY_BILLED = "PARTIALLY_BILLED"
    BILLED = "BILLED"


class Payment(StrEnum):
    """How much of what is invoiced is paid. NOTHING_DUE: there is no invoice that is not void."""

    NOTHING_DUE = "NOTHING_DUE"
    UNPAID = "UNPAID"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"


ALIKE: Mapping[frozenset[PaymentStatus], tuple[Payment, str, tuple[str, ...]]] = {
    frozenset(): (Payment.NOTHING_DUE, "no invoice that is not void", ()),
    frozenset({PaymentStatus.PAID}): (Payment.PAID, "every invoice is paid to the cent", ()),
    frozenset({PaymentStatus.UNPAID}): (Payment.UNPAID, "no invoice is paid", ("payment",)),
}
"""What invoices of one status make together; any mixture is PARTIALLY_PAID."""

MIXED = (Payment.PARTIALLY_PAID, "some of the invoices, or of an invoice, is paid", ("the rest of the payment",))


def derive_billing(order: Order) -> Billing:
    """By the quantities the ERP says are invoiced; a line the ERP has closed asks for no further invoice."""
    if not any(line.invoiced.base_value > 0 for line in order.lines):
        return Billing.NOT_BILLED
    finished = order.lifecycle in FINISHED or all(
        line.closed or line.invoiced.base_value >= line.ordered.base_value - line.cancelled.base_value
        for line in order.lines
    )
    return Billing.BILLED if finished else Billing.PARTIALLY_BILLED


def derive_payment(invoices: Sequence[Invoice]) -> Derived[Payment]:
    """By the stated balances of an order's invoices. Credit memos count through the balances they were applied to."""
    counted = sorted(
        (invoice for invoice in invoices if invoice.type is InvoiceType.INVOICE and not invoice.voided),
        key=lambda invoice: (invoice.date, invoice.id),
    )
    status, rule, missing = ALIKE.get(frozenset(map(payment_status, counted)), MIXED)
    evidence = (Evidence.of(invoice.source.system, invoice.status_code, invoice.source.as_of) for invoice in counted)
    return Derived(status, Explanation(rule, tuple(dict.fromkeys(evidence)), missing))
