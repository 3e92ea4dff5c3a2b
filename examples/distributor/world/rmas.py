"""Returns in the ERP's books at an instant, derived from the facts."""

from collections.abc import Iterable
from datetime import datetime

from examples.distributor.world.erp import RmaLineView, RmaView
from examples.distributor.world.facts import OrderFacts, RmaFacts, come, sum_until
from examples.distributor.world.pricing import NOTHING


def rma_view(order: OrderFacts, rma: RmaFacts, now: datetime) -> RmaView | None:
    """None: not requested yet."""
    if rma.requested_at > now:
        return None
    ordered = {line.key: line for line in order.lines}
    lines = tuple(
        RmaLineView(
            number=number,
            order_line_key=line.line_key,
            sku=ordered[line.line_key].sku,
            description=ordered[line.line_key].description,
            unit=ordered[line.line_key].unit,
            per_unit=ordered[line.line_key].per_unit,
            base_unit=ordered[line.line_key].base_unit,
            requested=line.requested,
            received=sum_until(line.received, now),
            credited=sum_until(line.credited, now),
            reason=line.reason,
            disposition=line.disposition if sum_until(line.received, now) else None,
        )
        for number, line in enumerate(rma.lines, 1)
    )
    return RmaView(
        number=rma.number,
        internal_id=rma.internal_id,
        order_number=order.number,
        account=order.account,
        ship_to_id=order.ship_to_id,
        requested_at=rma.requested_at,
        status=_rma_status(rma, lines, now),
        credit_memo_numbers=tuple(number for at, number in rma.credit_memos if at <= now),
        lines=lines,
    )


def _rma_status(rma: RmaFacts, lines: Iterable[RmaLineView], now: datetime) -> str:
    if come(rma.cancelled_at, now):
        return "_cancelled"
    if not come(rma.authorized_at, now):
        return "_pendingApproval"
    received = sum((line.received for line in lines), NOTHING)
    credited = sum((line.credited for line in lines), NOTHING)
    if not received:
        return "_pendingReceipt"
    if received < sum((line.requested for line in lines), NOTHING):
        return "_pendingRefundPartiallyReceived" if credited else "_partiallyReceived"
    return "_refunded" if credited == received else "_pendingRefund"
