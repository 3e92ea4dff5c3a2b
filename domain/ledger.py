"""The quantity ledger of one line: the laws its quantities obey in base units, and who broke which by saying what."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import SourceError
from domain.explanation import plain
from domain.fulfillment import NOTHING
from domain.line_status import LineState, in_units_of
from domain.model import Line
from domain.order_status import OrderFacts
from domain.values import Quantity


class DiscrepancyKind(StrEnum):
    """What does not add up."""

    BEYOND_ORDERED = "BEYOND_ORDERED"
    INVOICED_BEYOND_ORDERED = "INVOICED_BEYOND_ORDERED"
    RETURNED_BEYOND_SHIPPED = "RETURNED_BEYOND_SHIPPED"
    UNEQUAL_CONVERSIONS = "UNEQUAL_CONVERSIONS"
    SHIPPED_UNCONFIRMED = "SHIPPED_UNCONFIRMED"
    SHIPPED_DIFFERS = "SHIPPED_DIFFERS"


@dataclass(frozen=True, slots=True)
class Said:
    """One source's word. ``what``: which of a line's quantities it speaks of ("shipped")."""

    source: str
    what: str
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class LineDiscrepancy:
    """``rule``: the law that is broken. ``since``: when the last of those who spoke did, aware UTC; None: not known."""

    kind: DiscrepancyKind
    rule: str
    said: tuple[Said, ...]
    since: datetime | None = None


QUANTITIES: Mapping[str, Callable[[Line], Quantity]] = {
    "ordered": lambda line: line.ordered,
    "allocated": lambda line: line.allocated,
    "backordered": lambda line: line.backordered,
    "picked": lambda line: line.picked,
    "packed": lambda line: line.packed,
    "shipped": lambda line: line.shipped,
    "invoiced": lambda line: line.invoiced,
    "cancelled": lambda line: line.cancelled,
    "returned": lambda line: line.returned,
}
"""What the ERP says of a line."""

LAWS: Sequence[tuple[DiscrepancyKind, str, tuple[str, ...], Callable[[Line], bool]]] = (
    (
        DiscrepancyKind.BEYOND_ORDERED,
        "shipped + cancelled ≤ ordered",
        ("ordered", "shipped", "cancelled"),
        lambda line: line.shipped.base_value + line.cancelled.base_value <= line.ordered.base_value,
    ),
    (
        DiscrepancyKind.INVOICED_BEYOND_ORDERED,
        "invoiced ≤ ordered",
        ("ordered", "invoiced"),
        lambda line: line.invoiced.base_value <= line.ordered.base_value,
    ),
    (
        DiscrepancyKind.RETURNED_BEYOND_SHIPPED,
        "returned ≤ shipped",
        ("shipped", "returned"),
        lambda line: line.returned.base_value <= line.shipped.base_value,
    ),
)
"""What the ERP's own quantities obey. The rest of ordered = cancelled + open + shipped holds by how open is counted."""

CONVERSION = "every quantity in one unit holds as many base units"
AGREEMENT = "shipped by the ERP = confirmed by the warehouse"


def discrepancies(state: LineState, facts: OrderFacts) -> tuple[LineDiscrepancy, ...]:
    """In the order of the kinds. A warehouse that could not be read contradicts nobody."""
    own = _of_the_erp(state.line, facts.order.source.system)
    return (*own, *_conversions(state.line, facts.order.source.system), *_against_the_warehouse(state, facts))


def _of_the_erp(line: Line, system: str) -> Iterator[LineDiscrepancy]:
    for kind, rule, words, holds in LAWS:
        if not holds(line):
            yield LineDiscrepancy(kind, rule, tuple(Said(system, word, QUANTITIES[word](line)) for word in words))


def _conversions(line: Line, system: str) -> Iterator[LineDiscrepancy]:
    ordered = line.ordered
    if not ordered.value:
        return
    unequal = tuple(
        Said(system, word, quantity)
        for word, quantity in ((word, of(line)) for word, of in QUANTITIES.items())
        if (quantity.unit, quantity.base_unit) == (ordered.unit, ordered.base_unit)
        and quantity.base_value * ordered.value != ordered.base_value * quantity.value
    )
    if unequal:
        yield LineDiscrepancy(
            DiscrepancyKind.UNEQUAL_CONVERSIONS, CONVERSION, (Said(system, "ordered", ordered), *unequal)
        )


def _against_the_warehouse(state: LineState, facts: OrderFacts) -> Iterator[LineDiscrepancy]:
    """What the ERP and the warehouse say has shipped, once both have had time to hear of it."""
    if isinstance(facts.warehouse, SourceError) or facts.shipments is None:
        return None
    line = state.line
    holding = [one for one in facts.shipments if line.key in one.shares]
    confirmed = sum((one.shares[line.key].confirmed for one in holding), NOTHING)
    stated = line.shipped.base_value
    times = [facts.order.modified_at, *(one.shipment.confirmed_at for one in holding if one.shipment.confirmed_at)]
    since = max(moment.at for moment in times)
    if stated == confirmed or facts.now - since <= facts.carrier_grace:
        return
    unproven = stated > 0 and confirmed == 0
    said = (
        Said(facts.order.source.system, "shipped", line.shipped),
        Said(state.grounds.wms, "shipped", in_units_of(line, confirmed)),
    )
    kind = DiscrepancyKind.SHIPPED_UNCONFIRMED if unproven else DiscrepancyKind.SHIPPED_DIFFERS
    yield LineDiscrepancy(kind, AGREEMENT, said, since)


def told(discrepancy: LineDiscrepancy) -> str:
    """In one line, for those who look into it: "not invoiced ≤ ordered: erp ordered 5 EA, erp invoiced 6 EA"."""
    return f"not {discrepancy.rule}: {', '.join(map(_word, discrepancy.said))}"


def _word(said: Said) -> str:
    return f"{said.source} {said.what} {plain(said.quantity.base_value)} {said.quantity.base_unit}"
