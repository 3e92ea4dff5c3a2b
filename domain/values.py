"""The small exact values every entity is made of, so that money, quantities, times and foreign codes keep what the
source said.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency (ISO 4217 code). Never a float."""

    amount: Decimal
    currency: str

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A count in the unit it was sold in and in the item's base (stocking) unit.

    ``value`` is in ``unit``; ``base_value`` is the same count in ``base_unit``. Units are the source's own codes ("EA",
    "CS").
    """

    value: Decimal
    unit: str
    base_value: Decimal
    base_unit: str

    @classmethod
    def of(
        cls, value: Decimal | int, unit: str = "EA", *, per_unit: Decimal | int = 1, base_unit: str | None = None
    ) -> "Quantity":
        """``per_unit``: how many base units one ``unit`` holds."""
        amount = Decimal(value)
        return cls(amount, unit, amount * Decimal(per_unit), base_unit or unit)


class Precision(StrEnum):
    """How much of a moment the source really gave."""

    INSTANT = "INSTANT"
    """Date, time and offset: a point in time."""
    LOCAL = "LOCAL"
    """Date and time without an offset: placed in UTC as if it were UTC, and never outranks an INSTANT of the same
    day.
    """
    DATE = "DATE"
    """A calendar date only: placed at 00:00 UTC, and never outranks an INSTANT of the same day."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: an aware UTC instant, the local offset where the source gave one, and how precise it
    is.
    """

    at: datetime
    offset: timedelta | None = None
    precision: Precision = Precision.INSTANT

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a moment needs an aware datetime")
        if self.at.tzinfo is not UTC:
            object.__setattr__(self, "at", self.at.astimezone(UTC))

    @classmethod
    def from_aware(cls, value: datetime) -> "Moment":
        """A moment that keeps the offset of ``value`` (an aware datetime)."""
        return cls(value.astimezone(UTC), value.utcoffset(), Precision.INSTANT)

    @property
    def local(self) -> datetime | None:
        """The wall-clock time where it happened, when the source told the offset."""
        return None if self.offset is None else (self.at + self.offset).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Code:
    """A source's own code, kept raw. A code means nothing without its table: ``table`` names system and table
    ("ups/MOVEMENT_ULD_I").

    ``known`` is False when no mapping table holds it: such a code moves no status, is shown raw and is counted.
    """

    raw: str
    table: str
    text: str | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an object came from and how fresh it is. ``as_of``: when the source answered with it (aware UTC)."""

    system: str
    as_of: datetime
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the source keeps it; absent parts are None, empty ones are empty."""

    name: str | None
    lines: tuple[str, ...]
    city: str | None
    region: str | None
    postal_code: str | None
    country: str | None
