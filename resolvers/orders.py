"""Orders: found by any of their numbers, paged by account, with every status derived from what all systems say."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

from domain import billing, ledger, order_exceptions, order_status, timeline
from domain.errors import BadInput, SourceError
from domain.line_status import LineState
from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    Lifecycle,
    Line,
    Order,
    OrderId,
    Return,
    Shipment,
    ShipmentId,
    WarehouseOrder,
)
from domain.queries import Cursor, OrderFilter, OrderQuery, Page
from domain.shipment_status import ShipmentState
from resolvers import nodes, pagination, recall, shipments, visible
from resolvers.context import Context
from resolvers.deriving import derived

Conditions: TypeAlias = OrderFilter
"""What narrows a page of orders."""

UNANSWERABLE = "Filtering by status or exception is answered from memory: leave @maxStaleness out, or ask again later."
"""No source system knows what is derived from several."""


ATTENTION = "OrderException"
"""The kind of an exception's global id."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An order with everything its status was derived from."""

    facts: order_status.OrderFacts
    state: order_status.OrderState
    lines: dict[str, LineState]


@dataclass(frozen=True, slots=True)
class Attention:
    """An exception with the order it is of."""

    order_id: OrderId
    exception: order_exceptions.OrderException

    @property
    def id(self) -> str:
        """What ``resolveException`` is told; no node, as it has no life without its order."""
        return nodes.encode(ATTENTION, f"{self.order_id}|{self.exception.kind}|{self.exception.part}")

    @property
    def kind(self) -> order_exceptions.ExceptionKind:
        return self.exception.kind

    @property
    def severity(self) -> order_exceptions.Severity:
        return self.exception.severity

    @property
    def message(self) -> str:
        return self.exception.message

    @property
    def since(self) -> datetime | None:
        return self.exception.since

    @property
    def internal(self) -> str | None:
        return self.exception.internal


async def find(context: Context, *, id: str | None, number: str | None, po_number: str | None) -> Order | None:
    """By global id, order number, or the customer's PO number (the newest visible one, where a PO number repeats)."""
    name, value = nodes.exactly_one(id=id, number=number, poNumber=po_number)
    if name == "poNumber":
        return next(iter(await by_po(context, value)), None)
    local = nodes.local_id("Order", value) if name == "id" else value
    return await visible.order(context, OrderId(local)) if local else None


async def by_po(context: Context, po_number: str) -> Sequence[Order]:
    """Newest first."""
    candidates = await context.loaders.order_ids_by_po.load(po_number) or ()
    found = await asyncio.gather(*(visible.order(context, candidate) for candidate in candidates))
    return sorted((order for order in found if order), key=lambda order: order.placed_at.at, reverse=True)


async def page(
    context: Context, within: OrderFilter, *, first: int | None, after: str | None, ascending: bool = False
) -> pagination.Connection[Order]:
    """The caller's orders by (placed at, number), newest first unless ``ascending``."""
    places = pagination.Places(context, "orders", within, ascending)
    query = OrderQuery(
        visibility=await context.visibility(),
        filter=within,
        after=places.place(after),
        limit=pagination.size(first, default=context.policy.page_size, limit=context.policy.page_limit),
        ascending=ascending,
        amounts=context.amounts,
        lines=context.lines,
    )
    if memory := await context.lists_from_memory("orders"):
        known = await memory.order_page(query)
        recall.remember(context, known.rows)
        rows = Page([order for dossier in known.rows if (order := dossier.current)], known.more)
        return places.connection(rows, _position, after=after, count=lambda: memory.order_count(query))
    if within.derived:
        raise BadInput(UNANSWERABLE)
    rows = await context.estate.order_page(query)
    for order in rows.rows:
        context.loaders.order_by_id.prime(order.id, order)
    return places.connection(rows, _position, after=after, count=lambda: context.estate.order_count(query))


def conditions(
    *,
    lifecycles: Iterable[Lifecycle] | None = None,
    placed_after: datetime | None = None,
    placed_before: datetime | None = None,
    customer_numbers: Iterable[str] | None = None,
    ship_to_ids: Iterable[str] | None = None,
    sku: str | None = None,
    po_number: str | None = None,
    statuses: Iterable[order_status.OrderStatus] | None = None,
    exceptions: Iterable[order_exceptions.ExceptionKind] | None = None,
    has_exception: bool | None = None,
) -> OrderFilter:
    """A filter from what a client gave; what it left out does not narrow."""
    return OrderFilter(
        lifecycles=frozenset(lifecycles or ()),
        placed_after=placed_after,
        placed_before=placed_before,
        customer_ids=frozenset(CustomerId(number) for number in customer_numbers or ()),
        ship_to_ids=frozenset(ship_to_ids or ()),
        sku=sku,
        po_number=po_number,
        statuses=frozenset(statuses or ()),
        exceptions=frozenset(exceptions or ()),
        has_exception=has_exception,
    )


async def of_customer(
    context: Context, customer: Customer, within: OrderFilter, *, first: int | None, after: str | None
) -> pagination.Connection[Order]:
    """The account's own orders; a filter on accounts cannot widen it."""
    if within.customer_ids and customer.id not in within.customer_ids:
        return pagination.Places(context, "orders", within).connection(Page((), more=False), _position, after=after)
    return await page(context, replace(within, customer_ids=frozenset({customer.id})), first=first, after=after)


async def standings(context: Context, orders: Sequence[Order]) -> Sequence[Standing | Exception]:
    """Each order's derived state, computed once per operation from the warehouse and the carriers."""
    return await context.each_once("standing", orders, partial(_derive, context))


async def standing(context: Context, order: Order) -> Standing:
    (found,) = await standings(context, [order])
    return context.told(found)


async def _derive(context: Context, orders: Sequence[Order]) -> Sequence[Standing | Exception]:
    ids = [order.id for order in orders]
    work = [context.without(seen) for seen in await context.loaders.warehouse_by_order.load_many(ids)]
    seen_there = (seen.shipments for seen in work if isinstance(seen, WarehouseOrder))
    shipped = {shipment.id: shipment for found in seen_there for shipment in found}
    states = dict(zip(shipped, await shipments.states(context, list(shipped.values())), strict=True))
    return await derived(lambda each: _standing(context, *each, states), zip(orders, work, strict=True))


def _standing(
    context: Context,
    order: Order,
    warehouse: WarehouseOrder | SourceError | None,
    states: Mapping[ShipmentId, ShipmentState | Exception],
) -> Standing:
    own = None
    if not isinstance(warehouse, SourceError):
        own = tuple(context.told(states[shipment.id]) for shipment in (warehouse.shipments if warehouse else ()))
    facts = order_status.OrderFacts(order, warehouse, own, context.now, context.policy.carrier_grace)
    state = order_status.derive_order(facts)
    return Standing(facts, state, {line.line.key: line for line in state.lines})


async def line_states(context: Context, lines: Sequence[Line]) -> Sequence[LineState | Exception | None]:
    """Each line's derived state, from its order's."""
    ids = list(dict.fromkeys(line.order_id for line in lines))
    owners = dict(zip(ids, await context.loaders.order_by_id.load_many(ids), strict=True))
    known = [order for order in owners.values() if isinstance(order, Order)]
    found = {order.id: each for order, each in zip(known, await standings(context, known), strict=True)}
    return [_line_state(line, found.get(line.order_id, owners[line.order_id])) for line in lines]


def _line_state(line: Line, found: Standing | Order | Exception | None) -> LineState | Exception | None:
    return found.lines.get(line.key) if isinstance(found, Standing) else found if isinstance(found, Exception) else None


async def discrepancies(
    context: Context, lines: Sequence[Line]
) -> Sequence[Sequence[ledger.LineDiscrepancy] | Exception]:
    """Where each line's quantities do not add up; nothing of a line that no order has any more."""
    ids = list(dict.fromkeys(line.order_id for line in lines))
    owners = [one for one in await context.loaders.order_by_id.load_many(ids) if isinstance(one, Order)]
    found = dict(zip((order.id for order in owners), await standings(context, owners), strict=True))
    return [_discrepancies(line, found.get(line.order_id)) for line in lines]


def _discrepancies(line: Line, found: Standing | Exception | None) -> Sequence[ledger.LineDiscrepancy] | Exception:
    if not isinstance(found, Standing):
        return found or ()
    state = found.lines.get(line.key)
    return ledger.discrepancies(state, found.facts) if state else ()


async def siblings(
    context: Context, lines: Sequence[Line], keys: Sequence[str | None]
) -> Sequence[Line | Exception | None]:
    """For each line the one of its order that has the key beside it."""
    asked = [line.order_id for line, key in zip(lines, keys, strict=True) if key]
    owners = dict(zip(asked, await context.loaders.order_by_id.load_many(asked), strict=True))
    return [_sibling(owners.get(line.order_id), key) if key else None for line, key in zip(lines, keys, strict=True)]


def _sibling(owner: Order | Exception | None, key: str) -> Line | Exception | None:
    if not isinstance(owner, Order):
        return owner
    return next((line for line in owner.lines if line.key == key), None)


async def shipments_of(context: Context, orders: Sequence[Order]) -> Sequence[Sequence[Shipment] | Exception]:
    """What the warehouse shipped for each; empty when the warehouse never saw the order."""
    found = await context.loaders.warehouse_by_order.load_many([order.id for order in orders])
    return [seen if isinstance(seen, Exception) else seen.shipments if seen else () for seen in found]


async def payments(context: Context, orders: Sequence[Order]) -> Sequence[billing.Payment | Exception]:
    found = await context.loaders.invoices_by_order.load_many([order.id for order in orders])
    return [rows if isinstance(rows, Exception) else billing.derive_payment(rows or ()).status for rows in found]


async def exceptions(context: Context, order: Order) -> Sequence[Attention]:
    """Those that nobody has dealt with yet."""
    found = await standing(context, order)
    left = order_exceptions.derive_exceptions(found.facts, found.state)
    if left and context.memory:
        dossier = (await recall.dossiers(context, [order.id])).get(order.id)
        left = order_exceptions.unresolved(left, dossier.resolved if dossier else ())
    return [Attention(order.id, one) for one in left]


async def events(context: Context, order: Order) -> Sequence[timeline.TimelineEvent]:
    """The order's story as far as the caller may read it: receivables and returns only with their scopes."""
    found, invoices, returns = await asyncio.gather(
        standing(context, order), _invoices(context, order), _returns(context, order)
    )
    warehouse = found.facts.warehouse
    return timeline.fold(
        order, None if isinstance(warehouse, SourceError) else warehouse, found.facts.shipments or (), invoices, returns
    )


async def _invoices(context: Context, order: Order) -> Sequence[Invoice]:
    if not context.caller.may("invoice:read"):
        return ()
    context.audit.saw("Order", [order.id], "invoice:read", "Order.timeline")
    found = await context.attempt(context.loaders.invoices_by_order.load(order.id))
    return () if found is None or isinstance(found, SourceError) else found


async def _returns(context: Context, order: Order) -> Sequence[Return]:
    if not context.caller.may("return:read"):
        return ()
    found = await context.attempt(context.loaders.returns_by_order.load(order.id))
    return () if found is None or isinstance(found, SourceError) else found


def _position(order: Order) -> Cursor:
    return Cursor(order.placed_at.at, order.id)
