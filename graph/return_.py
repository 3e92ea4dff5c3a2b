"""Returns (RMAs), line by line: asked back, received, credited."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import strawberry

from domain import model, return_status
from domain.values import Moment
from graph.connection import Connection
from graph.costs import about, cost
from graph.directives import computed, guarded, guarded_for_all
from graph.invoice import Invoice
from graph.line import Line
from graph.node import Info, Node, Source, StatusExplanation, global_id, stands_for
from graph.scalars import Quantity
from resolvers import customers, invoices, returns

if TYPE_CHECKING:
    from graph.customer import Customer
    from graph.order import Order

strawberry.enum(model.ReturnStatus, description="Where a return stands, from its quantities.")


async def _order_line(roots: Sequence[returns.Part], info: Info) -> Sequence[object]:
    return await returns.order_lines(info.context, roots)


@strawberry.type(description="One line of a return.")
class ReturnLine:
    order_line: Line | None = guarded_for_all(
        "order:read",
        batch=_order_line,
        description="The order line it came from, matched by its key and never by SKU.",
    )
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


async def _customer(roots: Sequence[model.Return], info: Info) -> Sequence[object]:
    return await customers.of(info.context, roots)


async def _credit_memos(root: model.Return, info: Info) -> Sequence[model.Invoice]:
    return await invoices.by_ids(info.context, root.credit_memo_ids)


@strawberry.federation.type(
    keys=["id", "rmaNumber"], description="A return merchandise authorization.", directives=[cost(1)]
)
class Return(Node):
    id: strawberry.ID = global_id("Return")
    rma_number: str
    status: model.ReturnStatus = computed(_status)
    status_explanation: StatusExplanation = computed(_explanation)
    requested_at: Moment
    order: Annotated["Order", strawberry.lazy("graph.order")] | None = guarded("order:read", resolver=_order)
    customer: Annotated["Customer", strawberry.lazy("graph.customer")] | None = guarded_for_all(
        "order:read", batch=_customer
    )
    lines: list[ReturnLine] = computed(_lines)
    credit_memos: list[Invoice] | None = guarded("invoice:read", resolver=_credit_memos, costs=[about(1)])
    source: Source

    is_type_of = stands_for(model.Return)


@strawberry.type(description="One page of returns, newest first.")
class ReturnConnection(Connection[Return]):
    pass
