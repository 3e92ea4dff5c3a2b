"""How far goods have come (axis 2), recomputed from quantities and evidence, never from the last event that came in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

NOTHING = Decimal(0)


class Fulfillment(StrEnum):
    """The steps of a quantity from order to door. CANCELLED: there is nothing left to fulfil."""

    PENDING = "PENDING"
    BACKORDERED = "BACKORDERED"
    PARTIALLY_ALLOCATED = "PARTIALLY_ALLOCATED"
    ALLOCATED = "ALLOCATED"
    IN_WAREHOUSE = "IN_WAREHOUSE"
    SHIPPED_PENDING_CARRIER = "SHIPPED_PENDING_CARRIER"
    PARTIALLY_SHIPPED = "PARTIALLY_SHIPPED"
    SHIPPED = "SHIPPED"
    PARTIALLY_DELIVERED = "PARTIALLY_DELIVERED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Counts:
    """One line's quantities in base units, or the sum of many: ordered = cancelled + open + shipped.

    ``shipped`` is what anyone says has shipped, ``left`` what is proven to have: delivered ≤ left ≤ shipped.
    ``worked``: the warehouse works on what is open. ``outstanding``: a package that left is not delivered, whatever the
    quantities say.
    """

    lines: int = 0
    ordered: Decimal = NOTHING
    cancelled: Decimal = NOTHING
    shipped: Decimal = NOTHING
    left: Decimal = NOTHING
    delivered: Decimal = NOTHING
    allocated: Decimal = NOTHING
    backordered: Decimal = NOTHING
    worked: bool = False
    outstanding: bool = False

    @property
    def due(self) -> Decimal:
        return self.ordered - self.cancelled

    @property
    def open(self) -> Decimal:
        return self.due - self.shipped


def total(parts: Sequence[Counts], *, outstanding: bool) -> Counts:
    """The sum over lines. Units differ between lines: a sum only tells whether all, some or none of it is done."""
    return Counts(
        lines=sum([part.lines for part in parts]),
        ordered=sum([part.ordered for part in parts], NOTHING),
        cancelled=sum([part.cancelled for part in parts], NOTHING),
        shipped=sum([part.shipped for part in parts], NOTHING),
        left=sum([part.left for part in parts], NOTHING),
        delivered=sum([part.delivered for part in parts], NOTHING),
        allocated=sum([part.allocated for part in parts], NOTHING),
        backordered=sum([part.backordered for part in parts], NOTHING),
        worked=any(part.worked for part in parts),
        outstanding=outstanding,
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """``sentence`` explains ``step``; ``missing`` is what the next step waits for."""

    step: Fulfillment
    sentence: str
    missing: tuple[str, ...]
    holds: Callable[[Counts], bool]


DEPARTURE = "warehouse ship confirm with a carrier manifest or tracking number, or a carrier scan"

_FAR: Sequence[Rule] = (
    Rule(
        Fulfillment.PENDING,
        "no line is known",
        ("the order's lines",),
        lambda c: c.lines == 0,
    ),
    Rule(
        Fulfillment.CANCELLED,
        "everything ordered is cancelled and nothing has shipped",
        (),
        lambda c: c.due == 0,
    ),
    Rule(
        Fulfillment.DELIVERED,
        "every package that is not void is delivered, and shipped = ordered - cancelled",
        (),
        lambda c: c.delivered >= c.due and not c.outstanding,
    ),
    Rule(
        Fulfillment.PARTIALLY_DELIVERED,
        "some of it is delivered, and not every package or not all of ordered - cancelled",
        ("delivery of everything ordered and not cancelled",),
        lambda c: c.delivered > 0,
    ),
    Rule(
        Fulfillment.SHIPPED,
        "all of it: warehouse ship confirm and carrier manifest or tracking number, or a physical carrier scan",
        ("delivery of every package",),
        lambda c: c.left >= c.due,
    ),
    Rule(
        Fulfillment.PARTIALLY_SHIPPED,
        "0 < shipped < ordered - cancelled",
        (f"for the rest: {DEPARTURE}",),
        lambda c: c.left > 0,
    ),
    Rule(
        Fulfillment.SHIPPED_PENDING_CARRIER,
        "stated as shipped, without carrier manifest, tracking number or scan",
        (DEPARTURE,),
        lambda c: c.shipped > 0,
    ),
    Rule(
        Fulfillment.IN_WAREHOUSE,
        "the warehouse has wave, pick or pack evidence",
        (DEPARTURE,),
        lambda c: c.worked,
    ),
)
_BACKORDERED = Rule(
    Fulfillment.BACKORDERED,
    "open - allocated > 0, and the ERP says backordered",
    ("stock for the rest",),
    lambda c: c.open > c.allocated and c.backordered > 0,
)
_PARTIALLY_ALLOCATED = Rule(
    Fulfillment.PARTIALLY_ALLOCATED,
    "0 < allocated < open",
    ("allocation of the rest",),
    lambda c: 0 < c.allocated < c.open,
)
_NEAR: Sequence[Rule] = (
    Rule(
        Fulfillment.ALLOCATED,
        "all that is open is allocated; the ERP's release alone is not warehouse work",
        ("a warehouse wave, pick or pack",),
        lambda c: c.allocated > 0,
    ),
    Rule(
        Fulfillment.PENDING,
        "nothing is allocated yet",
        ("allocation",),
        lambda _: True,
    ),
)

LINE_RULES: Sequence[Rule] = (*_FAR, _BACKORDERED, _PARTIALLY_ALLOCATED, *_NEAR)
"""The first that holds is the step. A line that waits for stock says so, even where some of it is allocated."""
ORDER_RULES: Sequence[Rule] = (*_FAR, _PARTIALLY_ALLOCATED, _BACKORDERED, *_NEAR)
"""As for lines, but an order is BACKORDERED only where nothing of it is allocated."""


def furthest(counts: Counts, rules: Sequence[Rule]) -> Rule:
    """The first rule that holds; the last one always does."""
    return next(rule for rule in rules if rule.holds(counts))
