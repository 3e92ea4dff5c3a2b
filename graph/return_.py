"""Returns (RMAs), line by line: asked back, received, credited."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import model, return_status
from domain.values import Moment
from graph.connection import Connection
from graph.directives import guarded
from graph.invoice import Invoice
from graph.line import Line
from graph.node import Info, Node, Source, StatusExplanation, global_id, stands_for
from graph.scalars import Quantity
from resolvers import customers, invoices, returns

if TYPE_CHECKING:
    from graph.customer import Customer
    from graph.order import Order

ReturnStatus = strawberry.enum(model.ReturnStatus, description="Where a return stands, from its quantities.")


@strawberry.type(description="One line of a return.")
class ReturnLine:
    @strawberry.field(description="The order line it came from, matched by its key and never by SKU.")
    async def order_line(root: strawberry.Parent[returns.Part], info: Info) -> Line | None:  # noqa: N805
        return await returns.order_line(info.context, root)  # type: ignore[return-value]

    sku: str
    requested: Quantity
    received: Quantity
    credited: Quantity | None = guarded("invoice:read")
    reason: str | None
    disposition: str | None


def _status(root: model.Return) -> model.ReturnStatus:
    return return_status.derive_return(root).status


def _explanation(root: model.Return) -> object:
    return return_status.derive_return(root).explanation


def _lines(root: model.Return) -> Sequence[returns.Part]:
    return returns.parts(root)


async def _order(root: model.Return, info: Info) -> model.Order | None:
    return await returns.order_of(info.context, root)


async def _customer(root: model.Return, info: Info) -> model.Customer | None:
    return await customers.of(info.context, root)


async def _credit_memos(root: model.Return, info: Info) -> Sequence[model.Invoice]:
    return await invoices.by_ids(info.context, root.credit_memo_ids)


@strawberry.federation.type(keys=["id", "rmaNumber"], description="A return merchandise authorization.")
class Return(Node):
    id: strawberry.ID = global_id("Return")
    rma_number: str
    status: ReturnStatus = strawberry.field(resolver=_status)
    status_explanation: StatusExplanation = strawberry.field(resolver=_explanation)
    requested_at: Moment
    order: Annotated["Order", strawberry.lazy("graph.order")] | None = strawberry.field(resolver=_order)
    customer: Annotated["Customer", strawberry.lazy("graph.customer")] | None = strawberry.field(resolver=_customer)
    lines: list[ReturnLine] = strawberry.field(resolver=_lines)
    credit_memos: list[Invoice] | None = guarded("invoice:read", resolver=_credit_memos)
    source: Source

    is_type_of = stands_for(model.Return)


@strawberry.type(description="One page of returns, newest first.")
class ReturnConnection(Connection[Return]):
    pass
