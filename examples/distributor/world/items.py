"""What the distributor sells: stock-keeping units with their units of measure, prices and weights."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from examples.distributor.world.words import FLOURISHES

COUNT = 200
TURBINE = "TURBINE-13"
"""The item whose price takes an order's total near 10^13."""
ZERO_LED = "00123"

KINDS = (
    ("HB", 'Hex bolt {size}" zinc', "EA", (("EA", 1), ("BX", 100)), (0.0450, 1.2), 0.05),
    ("WN", "Wing nut M{size}", "EA", (("EA", 1), ("BX", 50), ("CS", 144)), (0.0300, 0.9), 0.03),
    ("PV", "PVC elbow {size} in.", "EA", (("EA", 1), ("CS", 12)), (0.85, 9.5), 0.4),
    ("BV", "Ball valve {size} brass", "EA", (("EA", 1), ("CS", 6)), (7.5, 88), 1.6),
    ("CB", "Copper cable {size} AWG", "FT", (("FT", 1), ("RL", 250)), (0.2150, 3.4), 0.2),
    ("GL", "Gloves, nitrile, size {size}", "PR", (("PR", 1), ("CS", 12)), (3.1, 14), 0.3),
    ("PU", "Centrifugal pump {size} hp", "EA", (("EA", 1),), (180, 2400), 48),
    ("LB", "Lubricant {size} oz", "EA", (("EA", 1), ("CS", 24)), (2.4, 19), 1.1),
)
"""SKU prefix, description, base unit, (unit, how many base units), price range per base unit, pounds per base unit."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of sale: its code, and how many base units one holds."""

    code: str
    per_unit: Decimal


@dataclass(frozen=True, slots=True)
class Item:
    """``price`` (US dollars) and ``weight_lb`` are per base unit; ``units`` are what it is sold in, base unit first."""

    sku: str
    description: str
    base_unit: str
    units: tuple[Unit, ...]
    price: Decimal
    weight_lb: Decimal


def catalogue(rng: Random) -> dict[str, Item]:
    """All items by SKU."""
    items = [_item(rng, at) for at in range(COUNT - 1)]
    each = (Unit("EA", Decimal(1)),)
    items.append(Item(TURBINE, "Turbine <13> & spares", "EA", each, Decimal("4999999999999.99"), Decimal(90_000)))
    return {item.sku: item for item in items}


def _item(rng: Random, at: int) -> Item:
    prefix, description, base_unit, units, (low, high), weight = KINDS[at % len(KINDS)]
    size = rng.randrange(1, 24)
    sku = f"{123 + at // 12:05d}" if at % 12 == 0 else f"{prefix}-{1000 + at * 7}"
    ending = FLOURISHES[at // 5 % len(FLOURISHES)] if at % 5 == 0 else ""
    places = Decimal("0.0001") if low < 1 else Decimal("0.01")
    return Item(
        sku,
        description.format(size=size) + ending,
        base_unit,
        tuple(Unit(code, Decimal(per_unit)) for code, per_unit in units),
        Decimal(str(rng.uniform(low, high))).quantize(places),
        Decimal(str(weight)),
    )
