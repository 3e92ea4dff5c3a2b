"""Finds the ERP's transactions by what a search names, in the order of (tranDate, externalId)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final, TypeVar

from examples.distributor.erp import documents, orders
from examples.distributor.world import World
from examples.distributor.world.accounts import Account
from examples.distributor.world.facts import OrderFacts

K = TypeVar("K")
V = TypeVar("V")

END: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When everything that ever happens has happened."""

View = Callable[[World, str, datetime], Any]
Write = Callable[[Any, Account, str, bool, bool], str]
"""(view, account, the order's internal id, amounts, lists)"""

KINDS: Final[Mapping[str, tuple[View, Write]]] = {
    "salesOrder": (
        World.erp_order,
        lambda view, account, _, amounts, lists: orders.sales_order(view, account, amounts=amounts, lists=lists),
    ),
    "invoice": (
        World.invoice,
        lambda view, account, order, _, lists: documents.invoice(view, account, order, lists=lists),
    ),
    "creditMemo": (
        World.credit_memo,
        lambda view, account, order, _, lists: documents.credit_memo(view, account, order, lists=lists),
    ),
    "returnAuthorization": (
        World.rma,
        lambda view, account, order, _, lists: documents.return_authorization(view, account, order, lists=lists),
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction. ``rank`` sorts it; it exists from ``since`` on."""

    type: str
    number: str
    rank: tuple[datetime, str]
    since: datetime
    order: OrderFacts


class Index:
    """All transactions of the world, those of the future included."""

    def __init__(self, world: World) -> None:
        self.world = world
        entries = sorted((each for order in world.orders.values() for each in self._of(order)), key=attrgetter("rank"))
        self._by_number = {(each.type, each.number): each for each in entries}
        self._all = _grouped((each.type, each) for each in entries)
        self._by_account = _grouped(((each.type, each.order.account), each) for each in entries)
        self._by_order = _grouped(((each.type, each.order.number), each) for each in entries)

    def find(self, type_: str, number: str, now: datetime) -> Entry | None:
        entry = self._by_number.get((type_, number))
        return entry if entry is not None and entry.since <= now else None

    def status(self, entry: Entry, now: datetime) -> str:
        return str(KINDS[entry.type][0](self.world, entry.number, now).status)

    def xml(self, entry: Entry, now: datetime, *, amounts: bool, lists: bool) -> str:
        view, write = KINDS[entry.type]
        account = self.world.accounts[entry.order.account]
        return write(view(self.world, entry.number, now), account, entry.order.internal_id, amounts, lists)

    def candidates(
        self,
        types: Iterable[str],
        *,
        numbers: Collection[str] | None,
        orders: Collection[str] | None,
        accounts: Collection[str] | None,
    ) -> Iterator[Entry]:
        """More than a search asks for, by way of its narrowest condition (None: no condition), in no order."""
        for type_ in dict.fromkeys(types):
            if numbers is not None:
                yield from (each for n in set(numbers) if (each := self._by_number.get((type_, n))) is not None)
            elif orders is not None:
                yield from (each for order in set(orders) for each in self._by_order.get((type_, order), ()))
            elif accounts is not None:
                yield from (each for account in set(accounts) for each in self._by_account.get((type_, account), ()))
            else:
                yield from self._all.get(type_, ())

    def _of(self, order: OrderFacts) -> Iterator[Entry]:
        yield Entry("salesOrder", order.number, (order.submitted_at, order.number), order.submitted_at, order)
        for invoice in self.world.invoices_of(order.number, END):
            yield Entry("invoice", invoice.number, (_midnight(invoice.date), invoice.number), invoice.issued_at, order)
        for memo in self.world.credit_memos_of(order.number, END):
            yield Entry("creditMemo", memo.number, (_midnight(memo.date), memo.number), memo.issued_at, order)
        for rma in order.rmas:
            rank = rma.requested_at, rma.number
            yield Entry("returnAuthorization", rma.number, rank, rma.requested_at, order)


def _midnight(day: dt.date) -> datetime:
    return datetime.combine(day, dt.time(), UTC)


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, Sequence[V]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
