"""Invoices and credit memos as the ERP's receivables state them; every field that tells an amount is guarded."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import invoice_status, model, values
from graph.connection import Connection
from graph.costs import about, cost
from graph.directives import computed, guarded, guarded_for_all
from graph.document import Document
from graph.node import Info, Node, Source, StatusExplanation, global_id, stands_for
from graph.scalars import Code, Money, Quantity
from resolvers import customers, documents, invoices

if TYPE_CHECKING:
    from graph.customer import Customer
    from graph.order import Order

strawberry.enum(model.InvoiceType, description="What the receivables document is.")
strawberry.enum(invoice_status.PaymentStatus, description="From the ERP's receivables only.")
strawberry.enum(invoice_status.AgingBucket, description="Days past due.")


def _line_number(root: model.InvoiceLine) -> int:
    return root.number


@strawberry.type(description="One line of an invoice.")
class InvoiceLine:
    line_number: int = computed(_line_number)
    sku: str | None
    description: str | None
    quantity: Quantity
    unit_price: Money | None = guarded("invoice:read")
    amount: Money | None = guarded("invoice:read")


def _erp_status(root: model.Invoice) -> values.Code:
    return root.status_code


def _payment_status(root: model.Invoice, info: Info) -> invoice_status.PaymentStatus:
    return invoices.state(info.context, root).payment_status


def _aging_bucket(root: model.Invoice, info: Info) -> invoice_status.AgingBucket | None:
    return invoices.state(info.context, root).aging_bucket


def _days_past_due(root: model.Invoice, info: Info) -> int | None:
    return invoices.state(info.context, root).days_past_due


def _explanation(root: model.Invoice, info: Info) -> object:
    return invoices.state(info.context, root).explanation


def _documents(root: model.Invoice) -> Sequence[object]:
    return documents.of(root)


async def _orders(root: model.Invoice, info: Info) -> Sequence[model.Order]:
    return await invoices.orders_of(info.context, root)


async def _applied_to(root: model.Invoice, info: Info) -> Sequence[model.Invoice]:
    return await invoices.by_ids(info.context, root.applied_to)


async def _customer(roots: Sequence[model.Invoice], info: Info) -> Sequence[object]:
    return await customers.of(info.context, roots)


@strawberry.federation.type(keys=["id", "number"], description="An invoice or a credit memo.", directives=[cost(1)])
class Invoice(Node):
    id: strawberry.ID = global_id("Invoice")
    number: str
    type: model.InvoiceType
    date: dt.date
    due_date: dt.date | None
    total: Money | None = guarded("invoice:read")
    amount_paid: Money | None = guarded("invoice:read")
    balance: Money | None = guarded("invoice:read")
    payment_status: invoice_status.PaymentStatus | None = guarded("invoice:read", resolver=_payment_status)
    status_explanation: StatusExplanation | None = guarded("invoice:read", resolver=_explanation)
    erp_status: Code | None = guarded("internal:read", resolver=_erp_status, description="The ERP's own status, raw.")
    aging_bucket: invoice_status.AgingBucket | None = guarded("invoice:read", resolver=_aging_bucket)
    days_past_due: int | None = guarded("invoice:read", resolver=_days_past_due)
    lines: list[InvoiceLine] | None = guarded("invoice:read")
    documents: list[Document] | None = guarded("document:read", resolver=_documents)
    applied_to: "list[Invoice] | None" = guarded(
        "invoice:read", resolver=_applied_to, description="The invoices a credit memo was applied to.", costs=[about(2)]
    )
    orders: list[Annotated["Order", strawberry.lazy("graph.order")]] | None = guarded(
        "order:read", resolver=_orders, costs=[about(2)]
    )
    customer: Annotated["Customer", strawberry.lazy("graph.customer")] | None = guarded_for_all(
        "order:read", batch=_customer
    )
    source: Source

    is_type_of = stands_for(model.Invoice)


@strawberry.type(description="One page of invoices and credit memos, newest first.")
class InvoiceConnection(Connection[Invoice]):
    pass


@strawberry.input(description="Every condition given must hold.")
class InvoiceFilter:
    order_numbers: list[str] | None = None
