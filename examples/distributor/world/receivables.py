"""Invoices, credit memos and what accounts owe in the ERP's books at an instant, derived from the facts."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from examples.distributor.world.accounts import Account
from examples.distributor.world.erp import AppliedView, BilledLineView, CreditMemoView, CustomerView, InvoiceView
from examples.distributor.world.facts import BilledLine, CreditMemoFacts, InvoiceFacts, OrderFacts, sum_until
from examples.distributor.world.pricing import NOTHING, cents

AGING_DAYS = (0, 30, 60, 90)
"""Upper bounds, in days past due, of all aging buckets but the last."""


def invoice_view(order: OrderFacts, account: Account, invoice: InvoiceFacts, now: datetime) -> InvoiceView | None:
    """None: not issued yet."""
    if invoice.issued_at > now:
        return None
    paid = cents(sum_until(invoice.settled, now))
    total = invoice.charge.total
    return InvoiceView(
        number=invoice.number,
        internal_id=invoice.internal_id,
        order_number=order.number,
        shipment_number=invoice.shipment_number,
        account=order.account,
        ship_to_id=order.ship_to_id,
        issued_at=invoice.issued_at,
        date=invoice.issued_at.date(),
        due_date=invoice.due_date,
        currency=account.currency,
        status="_invoicePaidInFull" if paid == total else "_invoiceOpen",
        subtotal=invoice.charge.subtotal,
        discount=invoice.charge.discount,
        freight=invoice.charge.freight,
        tax=invoice.charge.tax,
        total=total,
        amount_paid=paid,
        balance=total - paid,
        lines=_billed(order, invoice.lines),
    )


def credit_memo_view(
    order: OrderFacts, account: Account, credit: CreditMemoFacts, now: datetime
) -> CreditMemoView | None:
    """None: not issued yet."""
    if credit.issued_at > now:
        return None
    applied = tuple(AppliedView(invoice, amount) for at, invoice, amount in credit.applied if at <= now)
    total = credit.charge.total
    balance = total - sum((use.amount for use in applied), NOTHING) - sum_until(credit.refunded, now)
    return CreditMemoView(
        number=credit.number,
        internal_id=credit.internal_id,
        order_number=order.number,
        rma_number=credit.rma_number,
        account=order.account,
        ship_to_id=order.ship_to_id,
        issued_at=credit.issued_at,
        date=credit.issued_at.date(),
        currency=account.currency,
        status="_creditMemoOpen" if balance else "_creditMemoFullyApplied",
        memo=credit.memo,
        subtotal=credit.charge.subtotal,
        discount=credit.charge.discount,
        tax=credit.charge.tax,
        total=total,
        applied=applied,
        balance=balance,
        lines=_billed(order, credit.lines),
    )


def _billed(order: OrderFacts, lines: Iterable[BilledLine]) -> tuple[BilledLineView, ...]:
    ordered = {line.key: line for line in order.lines}
    return tuple(
        BilledLineView(
            number=number,
            order_line_key=line.line_key,
            sku=ordered[line.line_key].sku,
            description=ordered[line.line_key].description,
            quantity=line.quantity,
            unit=ordered[line.line_key].unit,
            per_unit=ordered[line.line_key].per_unit,
            base_unit=ordered[line.line_key].base_unit,
            unit_price=ordered[line.line_key].unit_price,
            amount=line.amount,
        )
        for number, line in enumerate(lines, 1)
    )


def customer_view(account: Account, orders: Iterable[OrderFacts], now: datetime) -> CustomerView:
    """``orders`` are the account's own."""
    aging = [Decimal("0.00")] * (len(AGING_DAYS) + 1)
    for order in orders:
        for invoice in order.invoices:
            if invoice.issued_at <= now:
                overdue = (now.date() - invoice.due_date).days
                bucket = sum(1 for bound in AGING_DAYS if overdue > bound)
                aging[bucket] += invoice.charge.total - sum_until(invoice.settled, now)
        for credit in order.credit_memos:
            view = credit_memo_view(order, account, credit, now)
            aging[0] -= view.balance if view else NOTHING
    current, days_30, days_60, days_90, older = aging
    overdue_balance = days_30 + days_60 + days_90 + older
    return CustomerView(
        account, current + overdue_balance, overdue_balance, (current, days_30, days_60, days_90, older)
    )
