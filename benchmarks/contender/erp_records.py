"""The benchmark ERP's records (`sim/erp.wsdl`) and how they become domain objects."""

from decimal import Decimal

import msgspec
from msgspec import UNSET, UnsetType

from benchmarks.contender import NO_ACCOUNT
from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    InvoiceType,
    Lifecycle,
    Line,
    Order,
    OrderId,
    Totals,
)
from domain.values import Code, Moment, Money, Provenance, Quantity
from sources.codes import CodeTable
from sources.erp_soap.mapper import RawCode

NOTHING = Quantity.of(0)


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """A type of the WSDL; what its struct leaves out is passed over."""


class LineRecord(Record, frozen=True):
    line_number: int
    sku: str
    description: str | UnsetType | None
    quantity: int
    unit_price: Decimal

    def to_domain(self, order: OrderId, currency: str | None) -> Line:
        """``currency`` None: without amounts. The ERP counts nothing but what was ordered."""
        return Line(
            key=str(self.line_number),
            order_id=order,
            number=self.line_number,
            sku=self.sku,
            customer_sku=None,
            description=None if self.description is UNSET else self.description,
            ordered=Quantity.of(self.quantity),
            allocated=NOTHING,
            backordered=NOTHING,
            picked=NOTHING,
            packed=NOTHING,
            shipped=NOTHING,
            invoiced=NOTHING,
            cancelled=NOTHING,
            returned=NOTHING,
            unit_price=Money(self.unit_price, currency) if currency else None,
            extended_price=Money(self.quantity * self.unit_price, currency) if currency else None,
            promised_date=None,
            expected_ship_date=None,
            substitution_of=None,
            substituted_by=None,
            closed=False,
        )


class LinesRecord(Record, frozen=True):
    line: tuple[LineRecord, ...]


class HeaderRecord(Record, frozen=True):
    """An order as it is listed: without its lines."""

    number: str
    customer_id: str
    status: RawCode
    order_date: Moment
    currency: str
    total: Decimal

    def to_domain(self, codes: CodeTable[Lifecycle], source: Provenance, *, amounts: bool) -> Order:
        """The total is the sum of the lines: the ERP knows neither freight nor tax."""
        status = codes.translate("order", self.status)
        total, none = Money(self.total, self.currency), Money(Decimal(0), self.currency)
        return Order(
            id=OrderId(self.number),
            po_number=None,
            customer_id=CustomerId(self.customer_id),
            ship_to_id=None,
            ship_to=None,
            lifecycle=status.meaning or Lifecycle.UNKNOWN,
            status_code=status.code,
            placed_at=self.order_date,
            modified_at=self.order_date,
            revision=0,
            requested_date=None,
            promised_date=None,
            hold=None,
            currency=self.currency,
            totals=Totals(total, none, none, total) if amounts else None,
            lines=self.own_lines(self.currency if amounts else None),
            source=source,
        )

    def own_lines(self, currency: str | None) -> tuple[Line, ...]:  # noqa: ARG002 (a whole order's have prices in it)
        return ()


class OrderRecord(HeaderRecord, frozen=True):
    lines: LinesRecord

    def own_lines(self, currency: str | None) -> tuple[Line, ...]:
        return tuple(line.to_domain(OrderId(self.number), currency) for line in self.lines.line)


class CustomerRecord(Record, frozen=True):
    """Email, segment and country have no place in our model."""

    id: str
    name: str

    def to_domain(self, source: Provenance) -> Customer:
        """The ERP tells no currency of an account."""
        return Customer(CustomerId(self.id), self.name, None, (), None, None, None, "", None, None, source)


class InvoiceRecord(Record, frozen=True):
    number: str
    order_number: str
    amount: Decimal
    currency: str
    issued_at: Moment
    paid: bool

    def to_domain(self, source: Provenance) -> Invoice:
        total, none = Money(self.amount, self.currency), Money(Decimal(0), self.currency)
        return Invoice(
            id=InvoiceId(self.number),
            type=InvoiceType.INVOICE,
            customer_id=NO_ACCOUNT,
            ship_to_id=None,
            order_ids=(OrderId(self.order_number),),
            date=self.issued_at.at.date(),
            due_date=None,
            total=total,
            amount_paid=total if self.paid else none,
            balance=none if self.paid else total,
            status_code=Code("paid" if self.paid else "open", "erp/invoice"),
            voided=False,
            applied_to=(),
            lines=(),
            documents=(),
            source=source,
        )
