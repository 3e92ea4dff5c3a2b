"""Sales orders, by ``contract/sales.xsd``."""

from examples.distributor.erp.markup import address, el, maybe, nillable, record, ref, ship_to_id, units, wrap
from examples.distributor.world.accounts import Account
from examples.distributor.world.erp import ErpOrderView, HoldView, LineView


def sales_order(order: ErpOrderView, account: Account, *, amounts: bool, lists: bool) -> str:
    return record(
        "s:SalesOrder",
        order.internal_id,
        order.number,
        (
            ref("s:entity", account.number, account.internal_id),
            el("s:tranDate", order.submitted_at),
            el("s:lastModifiedDate", order.modified_at),
            el("s:revision", order.revision),
            nillable("s:otherRefNum", order.po_number),
            el("s:orderStatus", order.status),
            ref("s:subsidiary", order.subsidiary, "1"),
            ref("s:territory", order.territory, f"t{order.territory}"),
            ref("s:terms", order.terms, f"p{account.due_days}", order.terms),
            ref("s:shipAddressList", order.ship_to.id, ship_to_id(order.ship_to, account.internal_id)),
            address("s:shippingAddress", order.ship_to),
            maybe("s:requestedDate", order.requested_date),
            nillable("s:promisedDate", order.promised_date),
            _hold(order.hold) if order.hold else "",
            el("s:memo", order.memo),
            ref("s:currency", order.currency, f"c{order.currency}"),
            _totals(order) if amounts else "",
            wrap("s:itemList", (_line(line, amounts=amounts) for line in order.lines)) if lists else "",
            wrap("s:fulfillmentList", (ref("s:recordRef", number, number) for number in order.fulfilments))
            if lists
            else "",
        ),
    )


def _hold(hold: HoldView) -> str:
    parts = el("s:holdCode", hold.code), el("s:holdReason", hold.reason), el("s:holdSince", hold.since)
    return wrap("s:hold", parts)


def _totals(order: ErpOrderView) -> str:
    return (
        el("s:subTotal", order.subtotal)
        + el("s:discountTotal", order.discount)
        + el("s:shippingCost", order.freight)
        + el("s:taxTotal", order.tax)
        + el("s:total", order.total)
    )


def _line(line: LineView, *, amounts: bool) -> str:
    return wrap(
        "s:item",
        (
            el("s:line", line.number),
            el("s:lineUniqueKey", line.key),
            ref("s:item", line.sku, f"i{line.sku}"),
            nillable("s:customerItem", line.customer_sku),
            el("s:description", line.description),
            units(line),
            el("s:quantity", line.ordered),
            el("s:quantityCommitted", line.committed),
            el("s:quantityBackOrdered", line.backordered),
            el("s:quantityPicked", line.picked),
            el("s:quantityPacked", line.packed),
            el("s:quantityFulfilled", line.fulfilled),
            el("s:quantityBilled", line.billed),
            el("s:quantityCancelled", line.cancelled),
            el("s:quantityReturned", line.returned),
            el("s:rate", line.unit_price) + el("s:amount", line.extended_price) if amounts else "",
            el("s:isClosed", line.closed),
            maybe("s:promisedDate", line.promised_date),
            nillable("s:expectedShipDate", line.expected_ship_date),
            maybe("s:substitutionOf", line.substitution_of),
            maybe("s:substitutedBy", line.substituted_by),
            ref("s:location", line.warehouse, f"w{line.warehouse}"),
        ),
    )
