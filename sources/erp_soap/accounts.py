"""Accounts and what they owe, from the ERP's customer records and balances."""

from decimal import Decimal
from typing import Final

from msgspec import UNSET, UnsetType

from domain.model import Aging, Customer, CustomerId, Receivables, ShipTo
from domain.values import Code, Money, Provenance
from sources.erp_soap.mapper import RawCode
from sources.erp_soap.wire import AddressRecord, Codes, NamedRef, Ref, Wire, currency, given

NOTICE: Final = "Please contact customer service about this account."
"""What a customer reads of an account's hold whose code no table holds."""


class ShipToRecord(Wire, frozen=True):
    external_id: str
    label: str
    addressbook_address: AddressRecord


class ShipToList(Wire, frozen=True):
    addressbook: tuple[ShipToRecord, ...]


class CustomerRecord(Wire, frozen=True):
    external_id: str
    company_name: str
    parent: Ref | UnsetType | None
    subsidiary: Ref
    territory: Ref | UnsetType
    currency: Ref
    terms: NamedRef | UnsetType
    credit_hold: RawCode | UnsetType | None
    comments: str | UnsetType
    addressbook_list: ShipToList

    def to_domain(self, source: Provenance, *, codes: Codes) -> Customer:
        hold, notice = given(self.credit_hold), None
        code: Code | None = None
        if hold is not None:
            found = codes.of(self.external_id).translate("credit_hold", hold, given(self.comments))
            code, notice = found.code, found.message or NOTICE
        parent = given(self.parent)
        return Customer(
            id=CustomerId(self.external_id),
            name=self.company_name,
            parent_id=CustomerId(parent.external_id) if parent else None,
            ship_tos=tuple(
                ShipTo(place.external_id, place.label, place.addressbook_address.to_domain())
                for place in self.addressbook_list.addressbook
            ),
            terms=None if self.terms is UNSET else self.terms.to_domain(),
            territory=None if self.territory is UNSET else self.territory.external_id,
            subsidiary=self.subsidiary.external_id,
            currency=currency(self.currency),
            notice=notice,
            credit_hold=code,
            source=source,
        )


class AccountPlace(Wire, frozen=True):
    """Where an account stands: all that is read of it to find its family, its territory or its subsidiary."""

    external_id: str
    parent: Ref | UnsetType | None
    territory: Ref | UnsetType
    subsidiary: Ref

    def refers_to(self, field: str) -> str:
        """The number in "parent", "territory" or "subsidiary"; "" where it has none."""
        ref: Ref | None = given(getattr(self, field))
        return "" if ref is None else ref.external_id


class BalanceRecord(Wire, frozen=True):
    entity: Ref
    currency: Ref
    balance: Decimal
    overdue_balance: Decimal
    aging: Decimal
    aging1: Decimal
    aging2: Decimal
    aging3: Decimal
    aging4: Decimal

    def to_domain(self, source: Provenance) -> Receivables:
        unit = currency(self.currency)
        buckets = (self.aging, self.aging1, self.aging2, self.aging3, self.aging4)
        return Receivables(
            CustomerId(self.entity.external_id),
            Money(self.balance, unit),
            Money(self.overdue_balance, unit),
            Aging(*(Money(amount, unit) for amount in buckets)),
            source,
        )
