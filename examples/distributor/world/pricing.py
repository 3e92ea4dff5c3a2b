"""How the distributor computes money: to the cent, half up, and never a float."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
NOTHING = Decimal(0)


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Charge:
    """What a document adds up to: total = subtotal - discount + freight + tax."""

    subtotal: Decimal
    discount: Decimal
    freight: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount + self.freight + self.tax


def charge(amounts: Iterable[Decimal], *, discount_rate: Decimal, freight: Decimal, tax_rate: Decimal) -> Charge:
    """Line ``amounts`` with the order's conditions; freight is neither discounted nor taxed."""
    subtotal = sum(amounts, Decimal("0.00"))
    discount = cents(subtotal * discount_rate)
    return Charge(subtotal, discount, freight, cents((subtotal - discount) * tax_rate))
