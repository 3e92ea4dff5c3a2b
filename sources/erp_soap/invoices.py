"""Invoices and credit memos, from the ERP's receivables."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from domain.model import CustomerId, Document, DocumentKind, Invoice, InvoiceId, InvoiceLine, InvoiceType, OrderId
from domain.values import Money, Provenance
from sources.erp_soap.mapper import RawCode
from sources.erp_soap.wire import Codes, Meaning, Ref, Units, Wire, currency, given, place

FILE_KINDS: Final[Mapping[str, DocumentKind]] = {
    "_invoice": DocumentKind.INVOICE_PDF,
    "_packingList": DocumentKind.PACKING_LIST,
    "_proofOfDelivery": DocumentKind.PROOF_OF_DELIVERY,
}


class BilledLineRecord(Wire, frozen=True):
    line: int
    order_line: str | UnsetType
    item: Ref | UnsetType
    description: str | UnsetType
    quantity: Decimal
    units: str
    unit_conversion: Decimal
    base_units: str
    rate: Decimal
    amount: Decimal

    def to_domain(self, unit: str, units: Units) -> InvoiceLine:
        return InvoiceLine(
            number=self.line,
            order_line_key=given(self.order_line),
            sku=None if self.item is UNSET else self.item.external_id,
            description=given(self.description),
            quantity=units.of(self.units, self.unit_conversion, self.base_units).of(self.quantity),
            unit_price=Money(self.rate, unit),
            amount=Money(self.amount, unit),
        )


class BilledLines(Wire, frozen=True):
    item: tuple[BilledLineRecord, ...]

    def to_domain(self, unit: str) -> tuple[InvoiceLine, ...]:
        units = Units()
        return tuple(line.to_domain(unit, units) for line in self.item)


class FileRecord(Wire, frozen=True):
    internal_id: str
    name: str
    media_type: str
    kind: str

    def to_domain(self) -> Document:
        return Document(self.internal_id, FILE_KINDS[self.kind], self.name, self.media_type)


class Files(Wire, frozen=True):
    file: tuple[FileRecord, ...]

    def to_domain(self) -> tuple[Document, ...]:
        return tuple(file.to_domain() for file in self.file)


class InvoiceRecord(Wire, frozen=True):
    external_id: str
    entity: Ref
    created_from: tuple[Ref, ...]
    tran_date: date
    due_date: date | UnsetType
    status: RawCode
    ship_address_list: Ref | UnsetType
    currency: Ref
    total: Decimal
    amount_paid: Decimal
    amount_remaining: Decimal
    item_list: BilledLines
    file_list: Files | UnsetType

    def to_domain(self, source: Provenance, *, codes: Codes) -> Invoice:
        status, unit = (
            codes.of(self.entity.external_id).translate("document_status", self.status),
            currency(self.currency),
        )
        return Invoice(
            id=InvoiceId(self.external_id),
            type=InvoiceType.INVOICE,
            customer_id=CustomerId(self.entity.external_id),
            ship_to_id=place(self.ship_address_list),
            order_ids=tuple(OrderId(order.external_id) for order in self.created_from),
            date=self.tran_date,
            due_date=given(self.due_date),
            total=Money(self.total, unit),
            amount_paid=Money(self.amount_paid, unit),
            balance=Money(self.amount_remaining, unit),
            status_code=status.code,
            voided=status.meaning is Meaning.VOIDED,
            applied_to=(),
            lines=self.item_list.to_domain(unit),
            documents=() if self.file_list is UNSET else self.file_list.to_domain(),
            source=source,
        )


class ApplyRecord(Wire, frozen=True):
    doc: Ref


class Applies(Wire, frozen=True):
    apply: tuple[ApplyRecord, ...]


class CreditMemoRecord(Wire, frozen=True):
    external_id: str
    entity: Ref
    created_from: tuple[Ref, ...]
    tran_date: date
    status: RawCode
    ship_address_list: Ref | UnsetType
    currency: Ref
    total: Decimal
    applied: Decimal
    unapplied: Decimal
    item_list: BilledLines
    apply_list: Applies | UnsetType
    file_list: Files | UnsetType

    def to_domain(self, source: Provenance, *, codes: Codes) -> Invoice:
        status, unit = (
            codes.of(self.entity.external_id).translate("document_status", self.status),
            currency(self.currency),
        )
        applied = () if self.apply_list is UNSET else self.apply_list.apply
        return Invoice(
            id=InvoiceId(self.external_id),
            type=InvoiceType.CREDIT_MEMO,
            customer_id=CustomerId(self.entity.external_id),
            ship_to_id=place(self.ship_address_list),
            order_ids=tuple(OrderId(order.external_id) for order in self.created_from),
            date=self.tran_date,
            due_date=None,
            total=Money(self.total, unit),
            amount_paid=Money(self.applied, unit),
            balance=Money(self.unapplied, unit),
            status_code=status.code,
            voided=status.meaning is Meaning.VOIDED,
            applied_to=tuple(InvoiceId(each.doc.external_id) for each in applied),
            lines=self.item_list.to_domain(unit),
            documents=() if self.file_list is UNSET else self.file_list.to_domain(),
            source=source,
        )
