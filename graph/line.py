"""Order lines, one quantity per thing that happened to them."""

from datetime import date

import strawberry

from domain import line_status, model
from graph.directives import computed, guarded
from graph.node import Info, StatusExplanation
from graph.scalars import Money, Quantity
from resolvers import orders

strawberry.enum(line_status.LineStatus, description="Where an order line stands.")


@strawberry.type(description="What was ordered.")
class Item:
    sku: str
    customer_sku: str | None = strawberry.field(description="The customer's own number for the item.")
    description: str | None


async def _delivered(root: model.Line, info: Info) -> object:
    state = await orders.line_state(info.context, root)
    return state.delivered if state else None


async def _status(root: model.Line, info: Info) -> line_status.LineStatus:
    state = await orders.line_state(info.context, root)
    return state.status if state else line_status.LineStatus.UNKNOWN


async def _explanation(root: model.Line, info: Info) -> object:
    state = await orders.line_state(info.context, root)
    return state.explanation if state else None


async def _sibling(root: model.Line, info: Info, key: str | None) -> model.Line | None:
    order = await info.context.loaders.order_by_id.load(root.order_id) if key else None
    return next((line for line in order.lines if line.key == key), None) if order else None


async def _substitution_of(root: model.Line, info: Info) -> model.Line | None:
    return await _sibling(root, info, root.substitution_of)


async def _substituted_by(root: model.Line, info: Info) -> model.Line | None:
    return await _sibling(root, info, root.substituted_by)


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
    delivered: Quantity | None = computed(
        _delivered, description="From the carriers' word on the packages; null when they could not be read."
    )
    invoiced: Quantity | None = guarded("invoice:read")
    cancelled: Quantity
    returned: Quantity
    unit_price: Money | None = guarded("price:read")
    extended_price: Money | None = guarded("price:read")
    promised_date: date | None
    expected_ship_date: date | None
    status: line_status.LineStatus = computed(_status)
    status_explanation: StatusExplanation | None = computed(_explanation)
    substitution_of: "Line | None" = computed(
        _substitution_of, description="The line this one was shipped in place of."
    )
    substituted_by: "Line | None" = computed(_substituted_by)
