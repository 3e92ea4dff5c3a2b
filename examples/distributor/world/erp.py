"""What the ERP knows at an instant: its orders, receivables, returns and accounts as it would state them."""

import datetime as dt
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from examples.distributor.world.accounts import Account, ShipTo


@dataclass(frozen=True, slots=True)
class HoldView:
    """``code`` and ``reason`` are for the inside only."""

    code: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class LineView:
    """Quantities are in ``unit``; one ``unit`` holds ``per_unit`` of ``base_unit``.

    ordered = cancelled + fulfilled + open, and open = committed + backordered + what is neither. ``fulfilled`` is the
    ERP's word. ``picked`` and ``packed`` grow with the shipments and include what is fulfilled since.
    ``substitution_of`` and ``substituted_by`` are line keys of the same order.
    """

    key: str
    number: int
    sku: str
    customer_sku: str | None
    description: str
    unit: str
    per_unit: Decimal
    base_unit: str
    ordered: Decimal
    committed: Decimal
    backordered: Decimal
    picked: Decimal
    packed: Decimal
    fulfilled: Decimal
    billed: Decimal
    cancelled: Decimal
    returned: Decimal
    closed: bool
    unit_price: Decimal
    extended_price: Decimal
    promised_date: dt.date | None
    expected_ship_date: dt.date | None
    substitution_of: str | None
    substituted_by: str | None
    warehouse: str

    @property
    def open(self) -> Decimal:
        return self.ordered - self.cancelled - self.fulfilled


@dataclass(frozen=True, slots=True)
class ErpOrderView:
    """``status`` is NetSuite's SalesOrderOrderStatus. ``modified_at``: the last change the ERP knows of.

    total = subtotal - discount + freight + tax; subtotal = the lines' extended prices, each (ordered - cancelled) times
    unit price to the cent, half up. ``memo`` is internal. ``fulfilments`` are the numbers of the shipments the ERP has
    fulfilled.
    """

    number: str
    internal_id: str
    po_number: str | None
    account: str
    ship_to: ShipTo
    status: str
    submitted_at: datetime
    modified_at: datetime
    revision: int
    requested_date: dt.date | None
    promised_date: dt.date | None
    hold: HoldView | None
    currency: str
    subsidiary: str
    territory: str
    terms: str
    memo: str
    subtotal: Decimal
    discount: Decimal
    freight: Decimal
    tax: Decimal
    total: Decimal
    lines: tuple[LineView, ...]
    fulfilments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BilledLineView:
    """A line of an invoice or credit memo; ``amount`` = quantity times unit price to the cent."""

    number: int
    order_line_key: str
    sku: str
    description: str
    quantity: Decimal
    unit: str
    per_unit: Decimal
    base_unit: str
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """``status`` is NetSuite's TransactionStatus. total = subtotal - discount + freight + tax; balance = total - paid.

    ``amount_paid`` counts payments and credits applied.
    """

    number: str
    internal_id: str
    order_number: str
    shipment_number: str
    account: str
    ship_to_id: str
    issued_at: datetime
    date: dt.date
    due_date: dt.date
    currency: str
    status: str
    subtotal: Decimal
    discount: Decimal
    freight: Decimal
    tax: Decimal
    total: Decimal
    amount_paid: Decimal
    balance: Decimal
    lines: tuple[BilledLineView, ...]


@dataclass(frozen=True, slots=True)
class AppliedView:
    """An amount of a credit memo applied to an invoice."""

    invoice_number: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CreditMemoView:
    """Amounts are positive; ``balance`` is what is not applied yet. ``memo`` is internal."""

    number: str
    internal_id: str
    order_number: str
    rma_number: str | None
    account: str
    ship_to_id: str
    issued_at: datetime
    date: dt.date
    currency: str
    status: str
    memo: str
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    total: Decimal
    applied: tuple[AppliedView, ...]
    balance: Decimal
    lines: tuple[BilledLineView, ...]


@dataclass(frozen=True, slots=True)
class RmaLineView:
    number: int
    order_line_key: str
    sku: str
    description: str
    unit: str
    per_unit: Decimal
    base_unit: str
    requested: Decimal
    received: Decimal
    credited: Decimal
    reason: str
    disposition: str | None


@dataclass(frozen=True, slots=True)
class RmaView:
    """``status`` is a NetSuite RMA status ("_pendingReceipt", "_partiallyReceived" ...)."""

    number: str
    internal_id: str
    order_number: str
    account: str
    ship_to_id: str
    requested_at: datetime
    status: str
    credit_memo_numbers: tuple[str, ...]
    lines: tuple[RmaLineView, ...]


@dataclass(frozen=True, slots=True)
class CustomerView:
    """An account with what it owes by itself (its children owe for themselves), in its currency.

    ``aging``: open invoices by days past due (not due, 1-30, 31-60, 61-90, over 90); credit not applied yet lowers the
    first. balance = their sum; ``overdue`` = the last four.
    """

    account: Account
    balance: Decimal
    overdue: Decimal
    aging: tuple[Decimal, Decimal, Decimal, Decimal, Decimal]
