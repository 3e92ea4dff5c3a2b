"""Order lines, one quantity per thing that happened to them."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

import strawberry

from domain import ledger, line_status, model
from engine.batching import Batch
from graph.directives import computed_for_all, guarded, guarded_for_all
from graph.node import Info, StatusExplanation
from graph.scalars import Money, Quantity
from resolvers import orders

strawberry.enum(line_status.LineStatus, description="Where an order line stands.")


@strawberry.type(description="What was ordered.")
class Item:
    sku: str
    customer_sku: str | None = strawberry.field(description="The customer's own number for the item.")
    description: str | None


def _of_state(pick: Callable[[line_status.LineState], object], unknown: object = None) -> Batch:
    """A part of each line's derived state; ``unknown``: of a line that no order has any more."""

    async def resolve(roots: Sequence[model.Line], info: Info) -> Sequence[object]:
        found = await orders.line_states(info.context, roots)
        return [pick(each) if isinstance(each, line_status.LineState) else each or unknown for each in found]

    return resolve


async def _substitution_of(roots: Sequence[model.Line], info: Info) -> Sequence[object]:
    return await orders.siblings(info.context, roots, [line.substitution_of for line in roots])


async def _substituted_by(roots: Sequence[model.Line], info: Info) -> Sequence[object]:
    return await orders.siblings(info.context, roots, [line.substituted_by for line in roots])


async def _discrepancies(roots: Sequence[model.Line], info: Info) -> Sequence[object]:
    return await orders.discrepancies(info.context, roots)


strawberry.enum(ledger.DiscrepancyKind, description="What about a line's quantities does not add up.")


@strawberry.type(description="One system's word on a quantity of a line.")
class StatedQuantity:
    source: str
    what: str = strawberry.field(description='Which quantity it speaks of: "ordered", "shipped" and so on.')
    quantity: Quantity


@strawberry.type(description="A law of a line's quantities that is broken, with what each system said.")
class LineDiscrepancy:
    kind: ledger.DiscrepancyKind
    rule: str
    said: list[StatedQuantity]
    since: datetime | None


@strawberry.type(description="One line of an order. In base units: ordered = cancelled + open + shipped.")
class Line:
    line_number: int
    item: Item
    ordered: Quantity
    allocated: Quantity
    backordered: Quantity
    picked: Quantity = strawberry.field(description="The ERP's word: a pick ticket printed, not yet goods moved.")
    packed: Quantity
    shipped: Quantity
    delivered: Quantity | None = computed_for_all(
        _of_state(lambda state: state.delivered),
        description="From the carriers' word on the packages; null when they could not be read.",
    )
    invoiced: Quantity | None = guarded("invoice:read")
    cancelled: Quantity
    returned: Quantity
    unit_price: Money | None = guarded("price:read")
    extended_price: Money | None = guarded("price:read")
    promised_date: date | None
    expected_ship_date: date | None
    status: line_status.LineStatus = computed_for_all(
        _of_state(lambda state: state.status, line_status.LineStatus.UNKNOWN)
    )
    status_explanation: StatusExplanation | None = computed_for_all(_of_state(lambda state: state.explanation))
    substitution_of: "Line | None" = computed_for_all(
        _substitution_of, description="The line this one was shipped in place of."
    )
    substituted_by: "Line | None" = computed_for_all(_substituted_by)
    discrepancies: list[LineDiscrepancy] | None = guarded_for_all(
        "internal:read",
        batch=_discrepancies,
        description="Where the systems' quantities of this line do not add up; empty where all is well.",
    )
