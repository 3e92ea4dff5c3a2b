"""The simulated company's own books as the domain states them, told from the world and never through the adapter."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from domain.model import (
    Aging,
    Customer,
    CustomerId,
    Document,
    DocumentKind,
    Hold,
    Invoice,
    InvoiceId,
    InvoiceLine,
    InvoiceType,
    Lifecycle,
    Line,
    Order,
    OrderId,
    Receivables,
    Return,
    ReturnId,
    ReturnLine,
    ReturnStatus,
    ShipTo,
    Totals,
)
from domain.values import Address, Code, Moment, Money, Quantity
from examples.distributor.clock import START
from examples.distributor.world import World
from examples.distributor.world import accounts as world_accounts
from examples.distributor.world.erp import (
    BilledLineView,
    CreditMemoView,
    CustomerView,
    ErpOrderView,
    HoldView,
    InvoiceView,
    LineView,
    RmaView,
)
from tests.contract import erp, returns
from tests.examples.company import buyers_accounts

HEADQUARTERS = timedelta(hours=-6)

LIFECYCLES = {
    "_pendingApproval": Lifecycle.RECEIVED,
    "_pendingFulfillment": Lifecycle.CONFIRMED,
    "_partiallyFulfilled": Lifecycle.CONFIRMED,
    "_pendingBillingPartFulfilled": Lifecycle.CONFIRMED,
    "_pendingBilling": Lifecycle.CONFIRMED,
    "_fullyBilled": Lifecycle.CONFIRMED,
    "_closed": Lifecycle.CLOSED,
    "_cancelled": Lifecycle.CANCELLED,
}
RETURNED = {
    "_pendingApproval": ReturnStatus.REQUESTED,
    "_pendingReceipt": ReturnStatus.AUTHORIZED,
    "_partiallyReceived": ReturnStatus.PARTIALLY_RECEIVED,
    "_pendingRefund": ReturnStatus.RECEIVED,
    "_pendingRefundPartiallyReceived": ReturnStatus.PARTIALLY_RECEIVED,
    "_refunded": ReturnStatus.CREDITED,
    "_closed": ReturnStatus.CLOSED,
    "_cancelled": ReturnStatus.CANCELLED,
}
SAID = {
    "CREDIT": "On hold for a review of the account. Please contact accounts receivable.",
    "ADDRESS": "On hold until the delivery address is confirmed.",
    "PRICE": "On hold while the prices are confirmed.",
    "FRAUD": "On hold while the order is verified. Please contact customer service.",
    "CUSTOMER": "On hold at your request.",
}
"""What a customer may read of each hold."""
NOTICE = "New orders wait for a review of the account. Please contact accounts receivable."


class Counted(Protocol):
    @property
    def unit(self) -> str: ...
    @property
    def per_unit(self) -> Decimal: ...
    @property
    def base_unit(self) -> str: ...


def of_orders(world: World) -> erp.Books:
    """What the ERP knows when the clock starts, of the buyer's accounts, some others, and every awkward case."""
    family = buyers_accounts()
    accounts = family.union(list(world.accounts)[::8])
    awkward = {number for numbers in world.cases.values() for number in numbers}
    numbers = [n for n, facts in world.orders.items() if facts.account in accounts or n in awkward or facts.holds]
    views = [view for number in numbers if (view := world.erp_order(number, START))]
    customers = [one for number in world.accounts if (one := world.customer(number, START))]
    invoices = [invoice(view) for number in numbers for view in world.invoices_of(number, START)]
    memos = [credit_memo(view) for number in numbers for view in world.credit_memos_of(number, START)]
    return erp.Books(
        orders={OrderId(view.number): order(view) for view in views},
        customers={CustomerId(view.account.number): customer(view.account) for view in customers},
        receivables={CustomerId(view.account.number): receivables(view) for view in customers},
        invoices={each.id: each for each in (*invoices, *memos)},
        family=frozenset(map(CustomerId, family)),
    )


def of_returns(world: World) -> returns.Books:
    found = [rma(view) for number in world.orders for view in world.rmas_of(number, START)]
    family = frozenset(each.customer_id for each in found[-40:])
    return returns.Books(
        returns={each.id: each for each in found},
        family=family,
        orders=frozenset(
            OrderId(order.number)
            for order in world.orders.values()
            if order.account in family and order.submitted_at <= START
        ),
    )


def moment(at: datetime) -> Moment:
    return Moment(at.astimezone(UTC), HEADQUARTERS)


def quantity(line: Counted, count: Decimal) -> Quantity:
    return Quantity.of(count, line.unit, per_unit=line.per_unit, base_unit=line.base_unit)


def address(place: world_accounts.ShipTo) -> Address:
    return Address(place.name, place.lines, place.city, place.region, place.postal_code, place.country)


def customer(account: world_accounts.Account) -> Customer:
    hold = account.credit_hold
    return Customer(
        id=CustomerId(account.number),
        name=account.name,
        parent_id=None if account.parent is None else CustomerId(account.parent),
        ship_tos=tuple(ShipTo(place.id, place.name, address(place)) for place in account.ship_tos),
        terms=account.terms,
        territory=account.territory,
        subsidiary=account.subsidiary,
        currency=account.currency,
        notice=None if hold is None else NOTICE,
        credit_hold=None if hold is None else Code(hold, "erp/credit_hold", account.credit_note),
        source=erp.SOURCE,
    )


def receivables(view: CustomerView) -> Receivables:
    unit = view.account.currency
    aging = Aging(*(Money(amount, unit) for amount in view.aging))
    owed = Money(view.balance, unit), Money(view.overdue, unit)
    return Receivables(CustomerId(view.account.number), *owed, aging, erp.SOURCE)


def order(view: ErpOrderView) -> Order:
    amounts = (view.subtotal, view.freight, view.tax, view.total)
    return Order(
        id=OrderId(view.number),
        po_number=view.po_number,
        customer_id=CustomerId(view.account),
        ship_to_id=view.ship_to.id,
        ship_to=address(view.ship_to),
        lifecycle=LIFECYCLES[view.status],
        status_code=Code(view.status, "erp/order_status"),
        placed_at=moment(view.submitted_at),
        modified_at=moment(view.modified_at),
        revision=view.revision,
        requested_date=view.requested_date,
        promised_date=view.promised_date,
        hold=None if view.hold is None else held(view.hold),
        currency=view.currency,
        totals=Totals(*(Money(amount, view.currency) for amount in amounts)),
        lines=tuple(line(each, view) for each in view.lines),
        source=erp.SOURCE,
    )


def held(view: HoldView) -> Hold:
    return Hold(SAID[view.code], Code(view.code, "erp/hold", view.reason), view.reason, moment(view.since))


def line(view: LineView, of: ErpOrderView) -> Line:
    return Line(
        key=view.key,
        order_id=OrderId(of.number),
        number=view.number,
        sku=view.sku,
        customer_sku=view.customer_sku,
        description=view.description,
        ordered=quantity(view, view.ordered),
        allocated=quantity(view, view.committed),
        backordered=quantity(view, view.backordered),
        picked=quantity(view, view.picked),
        packed=quantity(view, view.packed),
        shipped=quantity(view, view.fulfilled),
        invoiced=quantity(view, view.billed),
        cancelled=quantity(view, view.cancelled),
        returned=quantity(view, view.returned),
        unit_price=Money(view.unit_price, of.currency),
        extended_price=Money(view.extended_price, of.currency),
        promised_date=view.promised_date,
        expected_ship_date=view.expected_ship_date,
        substitution_of=view.substitution_of,
        substituted_by=view.substituted_by,
        closed=view.closed,
    )


def billed(view: BilledLineView, currency: str) -> InvoiceLine:
    return InvoiceLine(
        view.number,
        view.order_line_key,
        view.sku,
        view.description,
        quantity(view, view.quantity),
        Money(view.unit_price, currency),
        Money(view.amount, currency),
    )


def invoice(view: InvoiceView) -> Invoice:
    return Invoice(
        id=InvoiceId(view.number),
        type=InvoiceType.INVOICE,
        customer_id=CustomerId(view.account),
        ship_to_id=view.ship_to_id,
        order_ids=(OrderId(view.order_number),),
        date=view.date,
        due_date=view.due_date,
        total=Money(view.total, view.currency),
        amount_paid=Money(view.amount_paid, view.currency),
        balance=Money(view.balance, view.currency),
        status_code=Code(view.status, "erp/document_status"),
        voided=False,
        applied_to=(),
        lines=tuple(billed(each, view.currency) for each in view.lines),
        documents=(_document(view.number, "Invoice"),),
        source=erp.SOURCE,
    )


def credit_memo(view: CreditMemoView) -> Invoice:
    return Invoice(
        id=InvoiceId(view.number),
        type=InvoiceType.CREDIT_MEMO,
        customer_id=CustomerId(view.account),
        ship_to_id=view.ship_to_id,
        order_ids=(OrderId(view.order_number),),
        date=view.date,
        due_date=None,
        total=Money(view.total, view.currency),
        amount_paid=Money(view.total - view.balance, view.currency),
        balance=Money(view.balance, view.currency),
        status_code=Code(view.status, "erp/document_status"),
        voided=False,
        applied_to=tuple(InvoiceId(each.invoice_number) for each in view.applied),
        lines=tuple(billed(each, view.currency) for each in view.lines),
        documents=(_document(view.number, "Credit memo"),),
        source=erp.SOURCE,
    )


def _document(number: str, title: str) -> Document:
    return Document(f"file-{number}", DocumentKind.INVOICE_PDF, f"{title} {number}", "application/pdf")


def rma(view: RmaView) -> Return:
    return Return(
        id=ReturnId(view.number),
        order_id=OrderId(view.order_number),
        customer_id=CustomerId(view.account),
        ship_to_id=view.ship_to_id,
        stated=RETURNED[view.status],
        status_code=Code(view.status, "erp/return_status"),
        requested_at=moment(view.requested_at),
        lines=tuple(
            ReturnLine(
                each.order_line_key,
                each.sku,
                quantity(each, each.requested),
                quantity(each, each.received),
                quantity(each, each.credited),
                each.reason,
                each.disposition,
            )
            for each in view.lines
        ),
        credit_memo_ids=tuple(InvoiceId(number) for number in view.credit_memo_numbers),
        source=erp.SOURCE,
    )
