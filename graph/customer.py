"""Accounts: their hierarchy, their ship-tos, and what they owe."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import model
from graph.connection import Connection
from graph.costs import PAGE, about, cost
from graph.directives import computed, guarded
from graph.invoice import InvoiceConnection
from graph.node import Info, Node, Source, global_id, stands_for
from graph.return_ import ReturnConnection
from graph.scalars import Address, Money
from resolvers import customers, invoices, orders, pagination, returns

if TYPE_CHECKING:
    from graph.order import OrderConnection, OrderFilter


@strawberry.type(description="A place an account receives goods.")
class ShipTo:
    id: str = strawberry.field(description="The account's own number for the place.")
    name: str | None = guarded("personal:read")
    address: Address

    is_type_of = stands_for(model.ShipTo)


@strawberry.type(description="Open receivables by days past due.")
class Aging:
    current: Money | None = guarded("balance:read")
    days_1_30: Money | None = guarded("balance:read", name="days1To30")
    days_31_60: Money | None = guarded("balance:read", name="days31To60")
    days_61_90: Money | None = guarded("balance:read", name="days61To90")
    over_90: Money | None = guarded("balance:read", name="over90")


async def _balance(root: model.Customer, info: Info) -> object:
    found = await customers.receivables(info.context, root)
    return found.balance if found else None


async def _overdue(root: model.Customer, info: Info) -> object:
    found = await customers.receivables(info.context, root)
    return found.overdue if found else None


async def _aging(root: model.Customer, info: Info) -> object:
    found = await customers.receivables(info.context, root)
    return found.aging if found else None


async def _parent(root: model.Customer, info: Info) -> model.Customer | None:
    return await customers.parent(info.context, root)


async def _children(root: model.Customer, info: Info) -> Sequence[model.Customer]:
    return await customers.children(info.context, root)


async def _ship_tos(root: model.Customer, info: Info) -> Sequence[model.ShipTo]:
    return await customers.ship_tos(info.context, root)


async def _orders(
    root: model.Customer,
    info: Info,
    first: int | None = None,
    after: str | None = None,
    filter: Annotated["OrderFilter", strawberry.lazy("graph.order")] | None = None,
) -> pagination.Connection[model.Order]:
    return await orders.of_customer(
        info.context, root, filter.conditions() if filter else orders.conditions(), first=first, after=after
    )


async def _invoices(
    root: model.Customer, info: Info, first: int | None = None, after: str | None = None
) -> pagination.Connection[model.Invoice]:
    return await invoices.page(info.context, customer=root, first=first, after=after)


async def _returns(
    root: model.Customer, info: Info, first: int | None = None, after: str | None = None
) -> pagination.Connection[model.Return]:
    return await returns.page(info.context, customer=root, first=first, after=after)


@strawberry.federation.type(keys=["id", "number"], description="An account of the distributor.", directives=[cost(1)])
class Customer(Node):
    id: strawberry.ID = global_id("Customer")
    number: str
    name: str
    parent: "Customer | None" = computed(_parent, description="Null at the top of what you may see.")
    children: "list[Customer] | None" = computed(_children, costs=[about(10)])
    ship_tos: list[ShipTo] = computed(_ship_tos)
    terms: str | None
    territory: str | None = guarded("internal:read")
    subsidiary: str | None = guarded("internal:read")
    balance: Money | None = guarded("balance:read", resolver=_balance)
    overdue_balance: Money | None = guarded("balance:read", resolver=_overdue)
    aging: Aging | None = guarded("balance:read", resolver=_aging)
    notice: str | None = strawberry.field(description="One allow-listed sentence about the account, if there is one.")
    orders: Annotated["OrderConnection", strawberry.lazy("graph.order")] | None = guarded(
        "order:read", resolver=_orders, costs=[PAGE]
    )
    invoices: InvoiceConnection | None = guarded("invoice:read", resolver=_invoices, costs=[PAGE])
    returns: ReturnConnection | None = guarded("return:read", resolver=_returns, costs=[PAGE])
    source: Source

    is_type_of = stands_for(model.Customer)


@strawberry.type(description="One page of accounts, in number order.")
class CustomerConnection(Connection[Customer]):
    pass


@strawberry.input(description="Every condition given must hold.")
class CustomerFilter:
    name: str | None = strawberry.field(default=None, description="A fragment of the name, any case.")
