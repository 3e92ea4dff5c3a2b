"""What the company's systems tell unasked: everything that changes in any of them, in order of time."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from examples.distributor.world import floor, ledger
from examples.distributor.world.facts import ConsignmentFacts, CreditMemoFacts, InvoiceFacts, OrderFacts, RmaFacts
from examples.distributor.world.itineraries import journey

ERP, WMS = "erp", "wms"
PUSHED_BY: Mapping[str, str] = {
    "UPSN": "ups",
    "FDEG": "fedex",
    "FDE": "fedex",
    "ODFL": "ltl",
    "SAIA": "ltl",
    "CDOF": "ltl",
}
"""By SCAC, the system that tells the carrier's scans; who is not here must be asked."""
SCAN = "scan"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that changed in one system, ``source``, which has its own word for it, ``kind``.

    ``number``: the ERP's record, the warehouse's order, the carrier's tracking number, which more than one consignment
    may have had (``unique_id``). ``order``: the order it belongs to; empty for an account's record.
    """

    at: datetime
    source: str
    kind: str
    number: str
    order: str
    unique_id: str = ""

    @property
    def rank(self) -> tuple[datetime, str, str, str, str]:
        return self.at, self.source, self.kind, self.number, self.unique_id

    @property
    def name(self) -> str:
        """Tells it from every other."""
        return f"{self.source}/{self.kind}/{self.number}/{self.unique_id}/{self.at.isoformat()}"


class Happenings:
    """All that ever happens, ordered once; questions are answered by bisection."""

    def __init__(self, orders: Iterable[OrderFacts]) -> None:
        told = list(orders)
        every = [each for order in told for each in (*_books(order), *_floor(order), *_scans(order))]
        self._all = sorted([*every, *_accounts(told)], key=lambda each: each.rank)
        self._times = [each.at for each in self._all]

    def between(self, after: datetime, until: datetime) -> Sequence[Happening]:
        """What happens later than ``after`` and not later than ``until``."""
        return self._all[bisect_right(self._times, after) : bisect_right(self._times, until)]


# --- the ERP ---------------------------------------------------------------------------------------------------------


def _books(order: OrderFacts) -> Iterator[Happening]:
    yield from _record("salesOrder", order.number, order.number, ledger.instants(order))
    for invoice in order.invoices:
        yield from _record("invoice", invoice.number, order.number, _invoice(invoice))
    for credit in order.credit_memos:
        yield from _record("creditMemo", credit.number, order.number, _credit_memo(credit))
    for rma in order.rmas:
        yield from _record("returnAuthorization", rma.number, order.number, _rma(rma))


def _record(type_: str, number: str, order: str, times: Iterable[datetime | None]) -> Iterator[Happening]:
    """Created when first something happens to it, then changed."""
    first, *later = sorted({at for at in times if at is not None})
    yield Happening(first, ERP, f"{type_}.created", number, order)
    for at in later:
        yield Happening(at, ERP, f"{type_}.changed", number, order)


def _invoice(invoice: InvoiceFacts) -> Iterator[datetime]:
    yield invoice.issued_at
    yield from (at for at, _ in invoice.settled)


def _credit_memo(credit: CreditMemoFacts) -> Iterator[datetime]:
    yield credit.issued_at
    yield from (at for at, _, _ in credit.applied)
    yield from (at for at, _ in credit.refunded)


def _rma(rma: RmaFacts) -> Iterator[datetime | None]:
    yield from (rma.requested_at, rma.authorized_at, rma.cancelled_at)
    yield from (at for line in rma.lines for at, _ in (*line.received, *line.credited))
    yield from (at for at, _ in rma.credit_memos)


def _accounts(orders: Iterable[OrderFacts]) -> Iterator[Happening]:
    """An account changes with what it owes."""
    moved = {
        (at, order.account)
        for order in orders
        for times in (*map(_invoice, order.invoices), *map(_credit_memo, order.credit_memos))
        for at in times
    }
    for at, account in moved:
        yield Happening(at, ERP, "customer.changed", account, "")


# --- the warehouse ---------------------------------------------------------------------------------------------------


def _floor(order: OrderFacts) -> Iterator[Happening]:
    """One for each instant at which the warehouse's view of the order changes, by the name of the greatest step."""
    named: dict[datetime | None, str] = {}
    for shipment in order.shipments:
        named |= {
            shipment.planned_at: "Order Allocated",
            shipment.released_at: "Order Released",
            shipment.packed_at: "Order Packed Out",
        }
    for at in floor.instants(order):
        yield Happening(at, WMS, named.get(at, "Shipment Update"), order.number, order.number)


# --- the carriers ----------------------------------------------------------------------------------------------------


def _scans(order: OrderFacts) -> Iterator[Happening]:
    for shipment in order.shipments:
        for consignment in shipment.consignments:
            if source := PUSHED_BY.get(consignment.scac):
                scans = journey(order, shipment, consignment).scans
                yield from (_scanned(at, source, order, consignment) for at in dict.fromkeys(s.at for s in scans))


def _scanned(at: datetime, source: str, order: OrderFacts, consignment: ConsignmentFacts) -> Happening:
    return Happening(at, source, SCAN, consignment.number, order.number, consignment.unique_id)
