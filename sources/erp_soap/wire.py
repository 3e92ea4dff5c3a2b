"""What all of the ERP's records share, as its WSDL declares it, and how values become the domain's.

Field names are the schema's, in snake case. UNSET: the element did not come; None: it came as nil.
"""

import re
from decimal import Context, Decimal
from enum import StrEnum
from typing import Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from domain.values import Address, Quantity
from sources.codes import CodeTable
from sources.erp_soap.lexical import LONGEST

V = TypeVar("V")


class Meaning(StrEnum):
    """What a code of any of the tables can mean: a Lifecycle, a ReturnStatus, a document's state, or a hold."""

    RECEIVED = "RECEIVED"
    CONFIRMED = "CONFIRMED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"
    REQUESTED = "REQUESTED"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_RECEIVED = "PARTIALLY_RECEIVED"
    CREDITED = "CREDITED"
    OPEN = "OPEN"
    SETTLED = "SETTLED"
    VOIDED = "VOIDED"
    HELD = "HELD"


Codes = CodeTable[Meaning]

EXACT: Final = Context(prec=2 * LONGEST)
CURRENCY: Final = re.compile("[A-Z]{3}")


class Wire(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A type of the ERP's schema. Made of an XML tree, so it holds no cycle that a collector must look for."""


class Ref(Wire, frozen=True):
    """A reference to a record by the number people know."""

    external_id: str


class NamedRef(Wire, frozen=True):
    external_id: str
    name: str | UnsetType

    def to_domain(self) -> str:
        return self.external_id if self.name is UNSET else self.name


class Refs(Wire, frozen=True):
    record_ref: tuple[Ref, ...]


class StatusDetail(Wire, frozen=True):
    code: str
    message: str


class Status(Wire, frozen=True):
    is_success: bool
    status_detail: tuple[StatusDetail, ...]


class AddressRecord(Wire, frozen=True):
    addressee: str | None
    addr_line: tuple[str, ...]
    city: str | UnsetType
    state: str | UnsetType
    zip: str | UnsetType
    country: str | UnsetType

    def to_domain(self) -> Address:
        parts = given(self.city), given(self.state), given(self.zip), given(self.country)
        return Address(self.addressee, self.addr_line, *parts)


class Unit(dict[str, Quantity]):
    """What lines count in: one of ``name`` holds ``holds`` of ``base``. Counts of it, by how they are written.

    A record's lines repeat the same few counts. 1 and 1.0 are equal, and yet written apart.
    """

    def __init__(self, name: str, holds: Decimal, base: str) -> None:
        self._name, self._holds, self._base = name, holds, base

    def of(self, count: Decimal) -> Quantity:
        return self[str(count)]

    def __missing__(self, written: str) -> Quantity:
        count = Decimal(written)
        found = self[written] = Quantity(count, self._name, EXACT.multiply(count, self._holds), self._base)
        return found


class Units(dict[tuple[str, str, str], Unit]):
    """The units of one record's lines, by their names and how what one holds is written."""

    def of(self, name: str, holds: Decimal, base: str) -> Unit:
        return self[name, str(holds), base]

    def __missing__(self, written: tuple[str, str, str]) -> Unit:
        name, holds, base = written
        found = self[written] = Unit(name, Decimal(holds), base)
        return found


def given(value: V | UnsetType | None) -> V | None:
    """The value; None for one that did not come, or came as nil."""
    return None if value is UNSET else value


def asked(value: V | UnsetType, name: str) -> V:
    if isinstance(value, UnsetType):
        raise ValueError(f"{name} was asked for and did not come")  # noqa: TRY004 (as every value that does not fit)
    return value


def place(ship_to: Ref | UnsetType) -> str | None:
    return None if ship_to is UNSET else ship_to.external_id


def currency(ref: Ref) -> str:
    """An ISO 4217 code."""
    if not CURRENCY.fullmatch(ref.external_id):
        raise ValueError(f"{ref.external_id!r} is no currency")
    return ref.external_id
