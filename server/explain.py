"""One order's case for an operator's terminal: its status, the evidence, what is missing and from whom, its story."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.dossier import Dossier
from domain.explanation import Explanation
from domain.model import Invoice, Return
from domain.projection import Projection
from domain.timeline import TimelineEvent, fold
from domain.values import Moment, Precision, Provenance

WIDTH = {Precision.INSTANT: "%Y-%m-%d %H:%M:%SZ", Precision.LOCAL: "%Y-%m-%d %H:%M:%S ", Precision.DATE: "%Y-%m-%d"}
"""A time is shown as precisely as it was told."""


def lines(
    dossier: Dossier, found: Projection, invoices: Sequence[Invoice], returns: Sequence[Return], *, now: datetime
) -> Iterator[str]:
    """``now``: what ages are counted from."""
    order, state = found.order, found.state
    yield f"{order.number}  {state.status}  {state.summary}"
    yield f"  account {order.customer_id}, PO {order.po_number or '-'}, placed {_at(order.placed_at)}"
    yield from _why(state.explanation)
    yield ""
    yield "Known from"
    yield from (f"  {line}" for line in _sources(dossier, invoices, returns, now))
    for line in state.lines:
        yield ""
        yield f"Line {line.line.number}  {line.line.sku}  {line.status}"
        yield from _why(line.explanation)
    for shipment in found.shipments:
        yield ""
        facets = " ".join(sorted(shipment.conditions))
        yield f"Shipment {shipment.shipment.id}  {shipment.status}  {facets}".rstrip()
        yield from _why(shipment.explanation)
    if found.exceptions:
        yield ""
        yield "Wants attention"
    for one in found.exceptions:
        yield f"  {one.severity} {one.kind}: {one.internal or one.message}"
    yield ""
    yield "Timeline"
    yield from map(_told, fold(order, dossier.warehouse, found.shipments, invoices, returns))


def _why(explanation: Explanation) -> Iterator[str]:
    yield f"  because  {explanation.rule}"
    for one in explanation.evidence:
        yield f"  {one.source:<8} {one.code}" + (f"  ({one.at:%Y-%m-%d %H:%M:%SZ})" if one.at else "")
    for missing in explanation.missing:
        yield f"  missing  {missing}"


def _sources(dossier: Dossier, invoices: Sequence[Invoice], returns: Sequence[Return], now: datetime) -> Iterator[str]:
    told: list[tuple[str, Provenance]] = []
    if dossier.order:
        told.append(("order", dossier.order.source))
    if dossier.worked:
        told.append(("warehouse", dossier.worked))
    told += [(f"tracking {one.key.number}", one.source) for one in dossier.tracking]
    told += [(f"invoice {one.id}", one.source) for one in invoices]
    told += [(f"return {one.id}", one.source) for one in returns]
    for what, source in told:
        age = max(0, int((now - source.as_of).total_seconds()))
        yield f"{source.system:<8} {what}, {age} s ago"


def _told(event: TimelineEvent) -> str:
    late = "" if event.applied else "  (changed nothing)"
    code = f"  [{event.code.table} {event.code.raw}]" if event.code else ""
    return f"  {_at(event.at):<20}  {event.source:<8} {event.message}{code}{late}"


def _at(moment: Moment) -> str:
    return moment.at.strftime(WIDTH[moment.precision])
