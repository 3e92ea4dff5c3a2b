"""What an invoice still asks for, to the cent."""

from datetime import date, timedelta

import pytest

from domain.explanation import Evidence
from domain.invoice_status import RULE, AgingBucket, PaymentStatus, derive_invoice, payment_status
from domain.model import InvoiceType
from tests.domain.samples import NOW, code, invoice

DUE = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("balance", "status"),
    [
        ("100.00", PaymentStatus.UNPAID),
        ("99.99", PaymentStatus.PARTIALLY_PAID),
        ("0.01", PaymentStatus.PARTIALLY_PAID),
        ("0.00", PaymentStatus.PAID),
        ("-5.00", PaymentStatus.PAID),
        ("110.00", PaymentStatus.UNPAID),
    ],
)
def test_the_balance_decides_to_the_cent(balance: str, status: PaymentStatus) -> None:
    assert payment_status(invoice(balance=balance)) is status


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize(
    ("balance", "status"),
    [
        ("40.00", PaymentStatus.UNAPPLIED),
        ("0.01", PaymentStatus.PARTIALLY_APPLIED),
        ("0.00", PaymentStatus.APPLIED),
    ],
)
def test_a_credit_memo_is_applied_whichever_sign_its_erp_gives_it(
    sign: str, balance: str, status: PaymentStatus
) -> None:
    memo = invoice(total=f"{sign}40.00", balance=f"{sign}{balance}", type=InvoiceType.CREDIT_MEMO)
    assert payment_status(memo) is status


def test_an_invoice_over_nothing_is_paid() -> None:
    assert payment_status(invoice(total="0.00", balance="0.00")) is PaymentStatus.PAID


def test_a_void_invoice_asks_for_nothing() -> None:
    state = derive_invoice(invoice(voided=True), DUE + timedelta(days=400))
    assert (state.payment_status, state.aging_bucket, state.days_past_due) == (PaymentStatus.VOIDED, None, 0)


@pytest.mark.parametrize(
    ("days", "bucket", "late"),
    [
        (-10, AgingBucket.CURRENT, 0),
        (0, AgingBucket.CURRENT, 0),
        (1, AgingBucket.DAYS_1_30, 1),
        (30, AgingBucket.DAYS_1_30, 30),
        (31, AgingBucket.DAYS_31_60, 31),
        (60, AgingBucket.DAYS_31_60, 60),
        (61, AgingBucket.DAYS_61_90, 61),
        (90, AgingBucket.DAYS_61_90, 90),
        (91, AgingBucket.OVER_90, 91),
        (4000, AgingBucket.OVER_90, 4000),
    ],
)
def test_an_open_invoice_ages_from_the_day_after_it_is_due(days: int, bucket: AgingBucket, late: int) -> None:
    state = derive_invoice(invoice(balance="0.01"), DUE + timedelta(days=days))
    assert (state.aging_bucket, state.days_past_due) == (bucket, late)


def test_a_paid_invoice_does_not_age() -> None:
    state = derive_invoice(invoice(balance="0.00"), DUE + timedelta(days=45))
    assert (state.aging_bucket, state.days_past_due, state.explanation.missing) == (None, 0, ())


def test_without_a_due_date_nothing_is_late_and_the_date_is_missing() -> None:
    state = derive_invoice(invoice(due_date=None), DUE + timedelta(days=45))
    assert (state.aging_bucket, state.days_past_due) == (None, 0)
    assert state.explanation.missing == ("payment", "a due date")


def test_the_erp_s_own_status_is_evidence_and_decides_nothing() -> None:
    claimed = derive_invoice(invoice(balance="100.00", status_code=code("_invoicePaidInFull")), DUE)
    assert claimed.payment_status is PaymentStatus.UNPAID
    assert claimed.explanation.evidence == (Evidence("erp", "_invoicePaidInFull", NOW),)


def test_every_status_has_a_rule() -> None:
    assert set(RULE) == set(PaymentStatus)
