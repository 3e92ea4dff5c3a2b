"""The root fields. Each that can fail with its source is nullable, so that one dead source never takes the whole
answer.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import strawberry

from domain import access, model
from domain.errors import BadInput
from graph.connection import Connection
from graph.costs import PAGE, cost
from graph.customer import Customer, CustomerConnection, CustomerFilter
from graph.directives import computed, guarded, signed_in
from graph.invoice import Invoice, InvoiceConnection, InvoiceFilter
from graph.node import Info, Node
from graph.order import Order, OrderConnection, OrderFilter, OrderOrder
from graph.return_ import Return, ReturnConnection
from graph.shipment import Shipment, ShipmentConnection, ShipmentFilter
from graph.viewer import Viewer
from resolvers import customers, entities, invoices, orders, pagination, returns, search, shipments

SearchHit: TypeAlias = Annotated[
    Order | Shipment | Invoice | Return | Customer,
    strawberry.union("SearchHit", description="Anything a search can find."),
]

NODES = 100
"""The most ids that `nodes` takes."""


@strawberry.type(description="What a search found, best first.")
class SearchConnection(Connection[SearchHit]):
    pass


def _viewer(info: Info) -> access.Principal:
    return info.context.caller


async def _order(
    info: Info,
    id: strawberry.ID | None = None,
    number: str | None = None,
    po_number: str | None = None,
) -> model.Order | None:
    return await orders.find(info.context, id=id, number=number, po_number=po_number)


async def _orders(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    filter: OrderFilter | None = None,
    order_by: OrderOrder = OrderOrder.PLACED_AT_DESC,
) -> pagination.Connection[model.Order]:
    within = filter.conditions() if filter else orders.conditions()
    return await orders.page(
        info.context, within, first=first, after=after, ascending=order_by is OrderOrder.PLACED_AT_ASC
    )


async def _shipment(
    info: Info,
    id: strawberry.ID | None = None,
    tracking_number: str | None = None,
) -> model.Shipment | None:
    return await shipments.find(info.context, id=id, tracking_number=tracking_number)


async def _shipments(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    filter: ShipmentFilter | None = None,
) -> pagination.Connection[model.Shipment]:
    return await shipments.page(info.context, order_numbers=_numbers(filter), first=first, after=after)


async def _invoice(
    info: Info,
    id: strawberry.ID | None = None,
    number: str | None = None,
) -> model.Invoice | None:
    return await invoices.find(info.context, id=id, number=number)


async def _invoices(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    filter: InvoiceFilter | None = None,
) -> pagination.Connection[model.Invoice]:
    return await invoices.page(info.context, order_numbers=_numbers(filter), first=first, after=after)


async def _return(
    info: Info,
    id: strawberry.ID | None = None,
    rma_number: str | None = None,
) -> model.Return | None:
    return await returns.find(info.context, id=id, rma_number=rma_number)


async def _returns(
    info: Info, first: int | None = None, after: str | None = None
) -> pagination.Connection[model.Return]:
    return await returns.page(info.context, first=first, after=after)


async def _customer(
    info: Info,
    id: strawberry.ID | None = None,
    number: str | None = None,
) -> model.Customer | None:
    return await customers.find(info.context, id=id, number=number)


async def _customers(
    info: Info,
    first: int | None = None,
    after: str | None = None,
    filter: CustomerFilter | None = None,
) -> pagination.Connection[model.Customer]:
    return await customers.page(info.context, name=filter.name if filter else None, first=first, after=after)


async def _search(info: Info, text: str, first: int | None = None) -> pagination.Connection[search.Hit]:
    return await search.find(info.context, text, first=first)


async def _node(info: Info, id: strawberry.ID) -> entities.Entity | None:
    return await entities.node(info.context, id)


async def _nodes(info: Info, ids: list[strawberry.ID]) -> Sequence[entities.Entity | None]:
    if len(ids) > NODES:
        raise BadInput(f"`nodes` takes at most {NODES} ids.")
    return await asyncio.gather(*(entities.node(info.context, each) for each in ids))


def _numbers(filter_: ShipmentFilter | InvoiceFilter | None) -> frozenset[model.OrderId]:
    given = filter_.order_numbers if filter_ else None
    return frozenset(model.OrderId(number) for number in given or ())


@strawberry.type(description="One graph over the systems a distributor runs.")
class Query:
    viewer: Viewer = computed(_viewer, description="Who you are here.")
    order: Order | None = guarded("order:read", resolver=_order, description="By exactly one of its numbers.")
    orders: OrderConnection | None = guarded("order:read", resolver=_orders, costs=[PAGE])
    shipment: Shipment | None = guarded("order:read", resolver=_shipment, description="By exactly one of its numbers.")
    shipments: ShipmentConnection | None = guarded("order:read", resolver=_shipments, costs=[PAGE])
    invoice: Invoice | None = guarded("invoice:read", resolver=_invoice, description="By exactly one of its numbers.")
    invoices: InvoiceConnection | None = guarded("invoice:read", resolver=_invoices, costs=[PAGE])
    return_: Return | None = guarded(
        "return:read", resolver=_return, name="return", description="By exactly one of its numbers."
    )
    returns: ReturnConnection | None = guarded("return:read", resolver=_returns, costs=[PAGE])
    customer: Customer | None = guarded("order:read", resolver=_customer, description="By exactly one of its numbers.")
    customers: CustomerConnection | None = guarded("order:read", resolver=_customers, costs=[PAGE])
    search: SearchConnection | None = guarded(
        "order:read",
        resolver=_search,
        costs=[cost(5), PAGE],
        description="Order, PO, tracking, invoice, RMA and account numbers, SKUs, and fragments of customer names.",
    )
    node: Node | None = signed_in(
        resolver=_node, description="Any object by its global id, if its kind and row are yours to see."
    )
    nodes: list[Node | None] | None = signed_in(resolver=_nodes)
