"""Billing and payment: the ERP's receivables only, never from shipping."""

import pytest

from domain.billing import Billing, Payment, derive_billing, derive_payment
from domain.model import InvoiceId, InvoiceType, Lifecycle, Line
from tests.domain.samples import code, invoice, line, order


@pytest.mark.parametrize(
    ("lines", "billing"),
    [
        ([line()], Billing.NOT_BILLED),
        ([line(shipped=10)], Billing.NOT_BILLED),
        ([line(invoiced=4)], Billing.PARTIALLY_BILLED),
        ([line(invoiced=10)], Billing.BILLED),
        ([line(invoiced=7, cancelled=3)], Billing.BILLED),
        ([line(invoiced=7, closed=True)], Billing.BILLED),
        ([line("1", invoiced=10), line("2")], Billing.PARTIALLY_BILLED),
        ([line("1", invoiced=10), line("2", cancelled=10)], Billing.BILLED),
        ([line(cancelled=10)], Billing.NOT_BILLED),
    ],
)
def test_billing_follows_the_invoiced_quantities(lines: list[Line], billing: Billing) -> None:
    assert derive_billing(order(*lines)) is billing


def test_a_closed_order_is_billed_as_far_as_it_ever_will_be() -> None:
    assert derive_billing(order(line(invoiced=7), lifecycle=Lifecycle.CLOSED)) is Billing.BILLED


@pytest.mark.parametrize(
    ("balances", "payment"),
    [
        ([], Payment.NOTHING_DUE),
        (["100.00"], Payment.UNPAID),
        (["100.00", "100.00"], Payment.UNPAID),
        (["0.00", "0.00"], Payment.PAID),
        (["0.00", "100.00"], Payment.PARTIALLY_PAID),
        (["0.00", "0.01"], Payment.PARTIALLY_PAID),
    ],
)
def test_payment_follows_the_invoices_balances(balances: list[str], payment: Payment) -> None:
    invoices = [invoice(balance=balance, id=InvoiceId(f"INV{n}")) for n, balance in enumerate(balances)]
    assert derive_payment(invoices).status is payment


def test_void_invoices_and_credit_memos_are_not_asked_to_be_paid() -> None:
    memo = invoice(type=InvoiceType.CREDIT_MEMO, id=InvoiceId("CM1"))
    assert derive_payment([invoice(voided=True), memo]).status is Payment.NOTHING_DUE
    assert derive_payment([invoice(balance="0.00"), memo]).status is Payment.PAID


def test_payment_does_not_depend_on_the_order_invoices_come_in() -> None:
    first = invoice(balance="0.00", id=InvoiceId("INV1"), status_code=code("_invoicePaidInFull"))
    second = invoice(balance="5.00", id=InvoiceId("INV2"))
    assert derive_payment([first, second]) == derive_payment([second, first])


def test_the_explanation_tells_codes_and_no_amounts() -> None:
    explanation = derive_payment([invoice(total="1234.56", balance="1234.56")]).explanation
    assert [one.code for one in explanation.evidence] == ["_invoiceOpen"]
    assert "1234" not in str(explanation)
