"""Returns (RMAs), from the ERP's records."""

from decimal import Decimal

from msgspec import UNSET, UnsetType

from domain.model import CustomerId, InvoiceId, OrderId, Return, ReturnId, ReturnLine, ReturnStatus
from domain.values import Moment, Provenance
from sources.erp_soap.mapper import RawCode
from sources.erp_soap.wire import Codes, Ref, Refs, Units, Wire, given, place


class ReturnLineRecord(Wire, frozen=True):
    order_line: str | UnsetType
    item: Ref
    quantity: Decimal
    quantity_received: Decimal
    quantity_billed: Decimal
    units: str
    unit_conversion: Decimal
    base_units: str
    reason: str | UnsetType
    disposition: str | UnsetType | None

    def to_domain(self, units: Units) -> ReturnLine:
        unit = units.of(self.units, self.unit_conversion, self.base_units)
        return ReturnLine(
            order_line_key=given(self.order_line),
            sku=self.item.external_id,
            requested=unit.of(self.quantity),
            received=unit.of(self.quantity_received),
            credited=unit.of(self.quantity_billed),
            reason=given(self.reason),
            disposition=given(self.disposition),
        )


class ReturnLines(Wire, frozen=True):
    item: tuple[ReturnLineRecord, ...]

    def to_domain(self) -> tuple[ReturnLine, ...]:
        units = Units()
        return tuple(line.to_domain(units) for line in self.item)


class ReturnRecord(Wire, frozen=True):
    external_id: str
    entity: Ref
    created_from: Ref | UnsetType
    tran_date: Moment
    order_status: RawCode
    ship_address_list: Ref | UnsetType
    item_list: ReturnLines
    credit_memo_list: Refs | UnsetType

    def to_domain(self, source: Provenance, *, codes: Codes) -> Return:
        status = codes.of(self.entity.external_id).translate("return_status", self.order_status)
        memos = () if self.credit_memo_list is UNSET else self.credit_memo_list.record_ref
        return Return(
            id=ReturnId(self.external_id),
            order_id=None if self.created_from is UNSET else OrderId(self.created_from.external_id),
            customer_id=CustomerId(self.entity.external_id),
            ship_to_id=place(self.ship_address_list),
            stated=ReturnStatus(status.meaning) if status.meaning else ReturnStatus.UNKNOWN,
            status_code=status.code,
            requested_at=self.tran_date,
            lines=self.item_list.to_domain(),
            credit_memo_ids=tuple(InvoiceId(memo.external_id) for memo in memos),
            source=source,
        )
