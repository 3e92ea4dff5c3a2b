"""Invoices, credit memos and returns, by ``contract/sales.xsd``."""

from collections.abc import Iterator

from examples.distributor.erp.markup import attributes, el, nillable, record, ref, units, wrap
from examples.distributor.world.accounts import Account
from examples.distributor.world.erp import (
    AppliedView,
    BilledLineView,
    CreditMemoView,
    InvoiceView,
    RmaLineView,
    RmaView,
)


def invoice(view: InvoiceView, account: Account, order_internal_id: str, *, lists: bool) -> str:
    return record(
        "s:Invoice",
        view.internal_id,
        view.number,
        (
            ref("s:entity", account.number, account.internal_id),
            ref("s:createdFrom", view.order_number, order_internal_id),
            el("s:tranDate", view.date),
            el("s:dueDate", view.due_date),
            el("s:status", view.status),
            ref("s:shipAddressList", view.ship_to_id, f"{account.internal_id}.{view.ship_to_id}"),
            ref("s:currency", view.currency, f"c{view.currency}"),
            el("s:subTotal", view.subtotal),
            el("s:discountTotal", view.discount),
            el("s:shippingCost", view.freight),
            el("s:taxTotal", view.tax),
            el("s:total", view.total),
            el("s:amountPaid", view.amount_paid),
            el("s:amountRemaining", view.balance),
            wrap("s:itemList", map(_billed, view.lines)) + _file(view.number, "Invoice") if lists else "",
        ),
    )


def credit_memo(view: CreditMemoView, account: Account, order_internal_id: str, *, lists: bool) -> str:
    return record(
        "s:CreditMemo",
        view.internal_id,
        view.number,
        (
            ref("s:entity", account.number, account.internal_id),
            ref("s:createdFrom", view.order_number, order_internal_id),
            ref("s:returnAuthorization", view.rma_number, view.rma_number) if view.rma_number else "",
            el("s:tranDate", view.date),
            el("s:status", view.status),
            ref("s:shipAddressList", view.ship_to_id, f"{account.internal_id}.{view.ship_to_id}"),
            el("s:memo", view.memo),
            ref("s:currency", view.currency, f"c{view.currency}"),
            el("s:subTotal", view.subtotal),
            el("s:discountTotal", view.discount),
            el("s:taxTotal", view.tax),
            el("s:total", view.total),
            el("s:applied", view.total - view.balance),
            el("s:unapplied", view.balance),
            *(_credited(view) if lists else ()),
        ),
    )


def _credited(view: CreditMemoView) -> Iterator[str]:
    yield wrap("s:itemList", map(_billed, view.lines))
    yield wrap("s:applyList", map(_applied, view.applied))
    yield _file(view.number, "Credit memo")


def _applied(applied: AppliedView) -> str:
    doc = ref("s:doc", applied.invoice_number, applied.invoice_number)
    return wrap("s:apply", (doc, el("s:amount", applied.amount)))


def _billed(line: BilledLineView) -> str:
    return wrap(
        "s:item",
        (
            el("s:line", line.number),
            el("s:orderLine", line.order_line_key),
            ref("s:item", line.sku, f"i{line.sku}"),
            el("s:description", line.description),
            el("s:quantity", line.quantity),
            units(line),
            el("s:rate", line.unit_price),
            el("s:amount", line.amount),
        ),
    )


def _file(number: str, title: str) -> str:
    parts = (el("s:name", f"{title} {number}"), el("s:mediaType", "application/pdf"), el("s:kind", "_invoice"))
    return f"<s:fileList><s:file{attributes(internalId=f'file-{number}')}>{''.join(parts)}</s:file></s:fileList>"


def return_authorization(view: RmaView, account: Account, order_internal_id: str, *, lists: bool) -> str:
    return record(
        "s:ReturnAuthorization",
        view.internal_id,
        view.number,
        (
            ref("s:entity", account.number, account.internal_id),
            ref("s:createdFrom", view.order_number, order_internal_id),
            el("s:tranDate", view.requested_at),
            el("s:orderStatus", view.status),
            ref("s:shipAddressList", view.ship_to_id, f"{account.internal_id}.{view.ship_to_id}"),
            wrap("s:itemList", map(_returned, view.lines)) if lists else "",
            wrap("s:creditMemoList", (ref("s:recordRef", number, number) for number in view.credit_memo_numbers))
            if lists
            else "",
        ),
    )


def _returned(line: RmaLineView) -> str:
    return wrap(
        "s:item",
        (
            el("s:line", line.number),
            el("s:orderLine", line.order_line_key),
            ref("s:item", line.sku, f"i{line.sku}"),
            el("s:description", line.description),
            el("s:quantity", line.requested),
            el("s:quantityReceived", line.received),
            el("s:quantityBilled", line.credited),
            units(line),
            el("s:reason", line.reason),
            nillable("s:disposition", line.disposition),
        ),
    )
