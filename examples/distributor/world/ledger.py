"""Orders in the ERP's books at an instant, derived from the facts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from examples.distributor.world.accounts import Account
from examples.distributor.world.erp import ErpOrderView, HoldView, LineView
from examples.distributor.world.facts import LineFacts, OrderFacts, come, sum_until
from examples.distributor.world.pricing import NOTHING, cents, charge


def instants(order: OrderFacts) -> tuple[datetime, ...]:
    """All times at which the ERP's view of the order changes, ascending."""
    times = {order.submitted_at, order.approved_at, order.cancelled_at, order.closed_at, *order.edits}
    for line in order.lines:
        times.add(line.entered_at)
        times.update(at for changes in (line.ordered, line.allocated, line.cancelled) for at, _ in changes)
        times.update(at for at, _ in line.backorders)
    for hold in order.holds:
        times |= {hold.since, hold.released_at}
    for shipment in order.shipments:
        times |= {shipment.released_at, shipment.packed_at, shipment.voided_at, shipment.fulfilled_at}
    times.update(invoice.issued_at for invoice in order.invoices)
    times.update(at for rma in order.rmas for line in rma.lines for at, _ in line.received)
    return tuple(sorted(at for at in times if at is not None))


def order_view(order: OrderFacts, account: Account, now: datetime) -> ErpOrderView | None:
    """None: not submitted yet."""
    if order.submitted_at > now:
        return None
    lines = _lines(order, now)
    held = [hold for hold in order.holds if hold.since <= now and not come(hold.released_at, now)]
    adds_up = charge(
        (line.extended_price for line in lines),
        discount_rate=order.discount_rate,
        freight=order.freight,
        tax_rate=order.tax_rate,
    )
    return ErpOrderView(
        number=order.number,
        internal_id=order.internal_id,
        po_number=order.po_number,
        account=order.account,
        ship_to=order.ship_to,
        status=_status(order, lines, now),
        submitted_at=order.submitted_at,
        modified_at=max(at for at in instants(order) if at <= now),
        revision=sum(1 for at in order.edits if at <= now),
        requested_date=order.requested_date,
        promised_date=order.promised_date,
        hold=HoldView(held[-1].code, held[-1].reason, held[-1].since) if held else None,
        currency=account.currency,
        subsidiary=account.subsidiary,
        territory=account.territory,
        terms=account.terms,
        memo=order.memo,
        subtotal=adds_up.subtotal,
        discount=adds_up.discount,
        freight=adds_up.freight,
        tax=adds_up.tax,
        total=adds_up.total,
        lines=lines,
        fulfilments=tuple(shipment.number for shipment in order.shipments if come(shipment.fulfilled_at, now)),
    )


def _status(order: OrderFacts, lines: Iterable[LineView], now: datetime) -> str:
    if come(order.cancelled_at, now):
        return "_cancelled"
    if not come(order.approved_at, now):
        return "_pendingApproval"
    fulfilled = sum((line.fulfilled for line in lines), NOTHING)
    unbilled = fulfilled > sum((line.billed for line in lines), NOTHING)
    if not fulfilled:
        return "_closed" if come(order.closed_at, now) else "_pendingFulfillment"
    if any(line.open for line in lines):
        return "_pendingBillingPartFulfilled" if unbilled else "_partiallyFulfilled"
    if unbilled:
        return "_pendingBilling"
    return "_closed" if come(order.closed_at, now) else "_fullyBilled"


@dataclass(slots=True)
class _Moved:
    """How much of a line has come how far."""

    picked: Decimal = NOTHING
    packed: Decimal = NOTHING
    fulfilled: Decimal = NOTHING
    billed: Decimal = NOTHING
    returned: Decimal = NOTHING


def _lines(order: OrderFacts, now: datetime) -> tuple[LineView, ...]:
    moved = _moved(order, now)
    entered = [line for line in order.lines if line.entered_at <= now]
    keys = {line.key for line in entered}
    return tuple(
        _line(
            line,
            moved[line.key],
            now,
            promised_date=order.promised_date,
            substituted_by=line.substituted_by if line.substituted_by in keys else None,
        )
        for line in entered
    )


def _moved(order: OrderFacts, now: datetime) -> Mapping[str, _Moved]:
    moved = {line.key: _Moved() for line in order.lines}
    for shipment in order.shipments:
        if come(shipment.voided_at, now):
            continue
        for pick in shipment.picks:
            line = moved[pick.line_key]
            line.picked += pick.picked if come(shipment.released_at, now) else NOTHING
            line.packed += pick.picked if come(shipment.packed_at, now) else NOTHING
            line.fulfilled += pick.picked if come(shipment.fulfilled_at, now) else NOTHING
    for invoice in order.invoices:
        if invoice.issued_at <= now:
            for billed in invoice.lines:
                moved[billed.line_key].billed += billed.quantity
    for rma in order.rmas:
        for returned in rma.lines:
            moved[returned.line_key].returned += sum_until(returned.received, now)
    return moved


def _line(
    line: LineFacts, moved: _Moved, now: datetime, *, promised_date: date | None, substituted_by: str | None
) -> LineView:
    ordered, cancelled = sum_until(line.ordered, now), sum_until(line.cancelled, now)
    still_open = ordered - cancelled - moved.fulfilled
    committed = min(still_open, max(NOTHING, sum_until(line.allocated, now) - moved.fulfilled))
    waits = [expected for at, expected in line.backorders if at <= now]
    backordered = still_open - committed if waits else NOTHING
    return LineView(
        key=line.key,
        number=line.number,
        sku=line.sku,
        customer_sku=line.customer_sku,
        description=line.description,
        unit=line.unit,
        per_unit=line.per_unit,
        base_unit=line.base_unit,
        ordered=ordered,
        committed=committed,
        backordered=backordered,
        picked=moved.picked,
        packed=moved.packed,
        fulfilled=moved.fulfilled,
        billed=moved.billed,
        cancelled=cancelled,
        returned=moved.returned,
        closed=not still_open and cancelled > 0,
        unit_price=line.unit_price,
        extended_price=cents((ordered - cancelled) * line.unit_price),
        promised_date=promised_date,
        expected_ship_date=waits[-1] if backordered else promised_date if still_open else None,
        substitution_of=line.substitution_of,
        substituted_by=substituted_by,
        warehouse=line.warehouse,
    )
