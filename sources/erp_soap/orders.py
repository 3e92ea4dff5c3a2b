"""Sales orders, from the ERP's records."""

from datetime import date
from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from domain.model import CustomerId, Hold, Lifecycle, Line, Order, OrderId, Totals
from domain.values import Moment, Money, Provenance
from sources.erp_soap.mapper import RawCode
from sources.erp_soap.wire import AddressRecord, Codes, Ref, Units, Wire, asked, currency, given, place

HELD: Final = "On hold. Please contact customer service."
"""What a customer reads of a hold whose code no table holds."""


class OrderLineRecord(Wire, frozen=True):
    line: int
    line_unique_key: str
    item: Ref
    customer_item: str | UnsetType | None
    description: str | UnsetType
    units: str
    unit_conversion: Decimal
    base_units: str
    quantity: Decimal
    quantity_committed: Decimal
    quantity_back_ordered: Decimal
    quantity_picked: Decimal
    quantity_packed: Decimal
    quantity_fulfilled: Decimal
    quantity_billed: Decimal
    quantity_cancelled: Decimal
    quantity_returned: Decimal
    rate: Decimal | UnsetType
    amount: Decimal | UnsetType
    is_closed: bool
    promised_date: date | UnsetType
    expected_ship_date: date | UnsetType | None
    substitution_of: str | UnsetType
    substituted_by: str | UnsetType

    def to_domain(self, order_id: OrderId, priced_in: str | None, units: Units) -> Line:
        """``priced_in``: the currency, None when amounts were not asked for."""
        unit = units.of(self.units, self.unit_conversion, self.base_units)
        return Line(
            key=self.line_unique_key,
            order_id=order_id,
            number=self.line,
            sku=self.item.external_id,
            customer_sku=given(self.customer_item),
            description=given(self.description),
            ordered=unit.of(self.quantity),
            allocated=unit.of(self.quantity_committed),
            backordered=unit.of(self.quantity_back_ordered),
            picked=unit.of(self.quantity_picked),
            packed=unit.of(self.quantity_packed),
            shipped=unit.of(self.quantity_fulfilled),
            invoiced=unit.of(self.quantity_billed),
            cancelled=unit.of(self.quantity_cancelled),
            returned=unit.of(self.quantity_returned),
            unit_price=None if priced_in is None else Money(asked(self.rate, "rate"), priced_in),
            extended_price=None if priced_in is None else Money(asked(self.amount, "amount"), priced_in),
            promised_date=given(self.promised_date),
            expected_ship_date=given(self.expected_ship_date),
            substitution_of=given(self.substitution_of),
            substituted_by=given(self.substituted_by),
            closed=self.is_closed,
        )


class OrderLines(Wire, frozen=True):
    item: tuple[OrderLineRecord, ...]


class HoldRecord(Wire, frozen=True):
    hold_code: RawCode
    hold_reason: str | UnsetType
    hold_since: Moment | UnsetType

    def to_domain(self, codes: Codes) -> Hold:
        reason = given(self.hold_reason)
        found = codes.translate("hold", self.hold_code, reason)
        return Hold(found.message or HELD, found.code, reason, given(self.hold_since))


class OrderRecord(Wire, frozen=True):
    external_id: str
    entity: Ref
    tran_date: Moment
    last_modified_date: Moment
    revision: int
    other_ref_num: str | UnsetType | None
    order_status: RawCode
    ship_address_list: Ref | UnsetType
    shipping_address: AddressRecord | UnsetType
    requested_date: date | UnsetType
    promised_date: date | UnsetType | None
    hold: HoldRecord | UnsetType
    currency: Ref
    sub_total: Decimal | UnsetType
    shipping_cost: Decimal | UnsetType
    tax_total: Decimal | UnsetType
    total: Decimal | UnsetType
    item_list: OrderLines | UnsetType

    def to_domain(self, source: Provenance, *, codes: Codes, amounts: bool, lines: bool = True) -> Order:
        """Raises ValueError when amounts or lines were asked for and did not come."""
        codes = codes.of(self.entity.external_id)
        status = codes.translate("order_status", self.order_status)
        order_id, unit = OrderId(self.external_id), currency(self.currency)
        return Order(
            id=order_id,
            po_number=given(self.other_ref_num),
            customer_id=CustomerId(self.entity.external_id),
            ship_to_id=place(self.ship_address_list),
            ship_to=None if self.shipping_address is UNSET else self.shipping_address.to_domain(),
            lifecycle=Lifecycle(status.meaning) if status.meaning else Lifecycle.UNKNOWN,
            status_code=status.code,
            placed_at=self.tran_date,
            modified_at=self.last_modified_date,
            revision=self.revision,
            requested_date=given(self.requested_date),
            promised_date=given(self.promised_date),
            hold=None if self.hold is UNSET else self.hold.to_domain(codes),
            currency=unit,
            totals=self._totals(unit) if amounts else None,
            lines=self._lines(order_id, unit if amounts else None) if lines else (),
            source=source,
        )

    def _lines(self, order_id: OrderId, priced_in: str | None) -> tuple[Line, ...]:
        units = Units()
        return tuple(line.to_domain(order_id, priced_in, units) for line in asked(self.item_list, "itemList").item)

    def _totals(self, unit: str) -> Totals:
        return Totals(
            Money(asked(self.sub_total, "subTotal"), unit),
            Money(asked(self.shipping_cost, "shippingCost"), unit),
            Money(asked(self.tax_total, "taxTotal"), unit),
            Money(asked(self.total, "total"), unit),
        )


class OrderName(Wire, frozen=True):
    """An order's number and its customer's number for it."""

    external_id: str
    other_ref_num: str | UnsetType | None
