"""Two ERPs as one while one takes over from the other: each is asked for what it owns, once for any number of keys."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time
from operator import attrgetter
from typing import Any, Final, TypeVar

from domain.errors import SourceError
from domain.model import Customer, CustomerId, Invoice, InvoiceId, Order, OrderId, Receivables
from domain.ownership import Division, Side, Wave, division
from domain.queries import Cursor, CustomerQuery, OrderQuery, Page, RecordQuery
from sources.caching import Cached
from sources.config import Lifetimes
from sources.ports import Batch, ErpSource

K = TypeVar("K", bound=str)
V = TypeVar("V")
R = TypeVar("R", Order, Customer)
Q = TypeVar("Q", OrderQuery, CustomerQuery, RecordQuery)

READ_ON: Final = 250
"""Rows to ask for at once where a first page was mostly the other ERP's."""


class Coexistence:
    """An ``ErpSource`` that is two. What each owns is what ``waves`` say at ``now``, and no other order of it is shown:
    so one that is in both, having moved, is told by its owner alone.

    Pages are keyset pages over both, so a place in one is a place in the other, before and after a cut-over.
    """

    def __init__(
        self,
        present: ErpSource,
        following: ErpSource,
        waves: Sequence[Wave],
        *,
        now: Callable[[], datetime],
        lifetimes: Lifetimes | None = None,
    ) -> None:
        kept = lifetimes or Lifetimes()
        self._erps: Mapping[Side, ErpSource] = {Side.PRESENT: present, Side.NEXT: following}
        self._waves = waves
        self._now = now
        self._members: Cached[str, frozenset[CustomerId]] = Cached(
            self._read_members,
            lifetime=lambda _: kept.hierarchy,
            not_found=kept.not_found,
            stale_for=kept.stale_for,
            size=kept.entries,
            now=now,
        )

    # -- orders ------------------------------------------------------------------------------------------------------

    async def orders(self, ids: Collection[OrderId], *, amounts: bool, lines: bool = True) -> Batch[OrderId, Order]:
        """A number does not tell its owner, so both are asked: at once, and each once."""
        divided = await self._division()
        told = await self._ask(
            dict.fromkeys(divided.sides, ids), lambda erp, own: erp.orders(own, amounts=amounts, lines=lines)
        )

        def choose(copies: Mapping[Side, Order], errors: Mapping[Side, SourceError]) -> Order | SourceError | None:
            for side, order in copies.items():
                if divided.owner(order.customer_id, order.placed_at.at) is side:
                    return order
            return next(iter(errors.values()), None)

        return _each(ids, told, choose)

    async def orders_by_po(self, po_numbers: Collection[str]) -> Batch[str, Sequence[OrderId]]:
        """An ERP that fails spoils only the numbers that the other does not know."""
        divided = await self._division()
        told = await self._ask(dict.fromkeys(divided.sides, po_numbers), lambda erp, own: erp.orders_by_po(own))

        def choose(
            found: Mapping[Side, Sequence[OrderId]], errors: Mapping[Side, SourceError]
        ) -> Sequence[OrderId] | SourceError | None:
            numbers = tuple(dict.fromkeys(number for numbers in found.values() for number in numbers))
            return numbers or next(iter(errors.values()), None)

        return _each(po_numbers, told, choose)

    async def order_page(self, query: OrderQuery) -> Page[Order]:
        divided = await self._division()
        return await self._page(
            {side: divided.orders(side, query) for side in Side},
            lambda erp, asked: erp.order_page(asked),
            lambda side, order: divided.owner(order.customer_id, order.placed_at.at) is side,
            _order_place,
            query,
            descending=not query.ascending,
        )

    async def order_count(self, query: OrderQuery) -> int:
        """One call for each instant that divides the accounts asked for, however many orders there are."""
        divided = await self._division()
        parts = [(sign, self._erps[side], asked) for side in Side for sign, asked in divided.counts(side, query)]
        counts = await asyncio.gather(*(erp.order_count(asked) for _, erp, asked in parts))
        return sum(sign * count for (sign, _, _), count in zip(parts, counts, strict=True))

    # -- accounts ----------------------------------------------------------------------------------------------------

    async def customers(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Customer]:
        return await self._of_owners(ids, lambda erp, own: erp.customers(own))

    async def receivables(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Receivables]:
        """As the account's owner states them: what is open moves with the account."""
        return await self._of_owners(ids, lambda erp, own: erp.receivables(own))

    async def children(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Sequence[CustomerId]]:
        found = await self._families(ids, lambda erp, own: erp.children(own))
        return {key: value if isinstance(value, SourceError) else tuple(sorted(value)) for key, value in found.items()}

    async def descendants(self, ids: Collection[CustomerId]) -> Batch[CustomerId, frozenset[CustomerId]]:
        return await self._families(ids, lambda erp, own: erp.descendants(own))

    async def accounts_in_territories(self, territories: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        return await self._accounts_in(territories, lambda erp, own: erp.accounts_in_territories(own))

    async def accounts_in_subsidiaries(self, subsidiaries: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        return await self._accounts_in(subsidiaries, lambda erp, own: erp.accounts_in_subsidiaries(own))

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]:
        divided, now = await self._division(), self._now()
        return await self._page(
            {side: divided.customers(side, query, now) for side in Side},
            lambda erp, asked: erp.customer_page(asked),
            lambda side, customer: divided.owner(customer.id, now) is side,
            attrgetter("id"),
            query,
        )

    # -- receivables documents ---------------------------------------------------------------------------------------

    async def invoices(self, ids: Collection[InvoiceId]) -> Batch[InvoiceId, Invoice]:
        """Of whichever has it; the account's owner's where both have."""
        divided, now = await self._division(), self._now()
        told = await self._ask(dict.fromkeys(_billing(divided), ids), lambda erp, own: erp.invoices(own))

        def choose(copies: Mapping[Side, Invoice], errors: Mapping[Side, SourceError]) -> Invoice | SourceError | None:
            shown = _shown(copies.items(), divided, now)
            return shown[0] if shown else next(iter(errors.values()), None)

        return _each(ids, told, choose)

    async def invoices_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Invoice]]:
        """Of both: an order that began in one may be billed in the other. What one of them did not tell is missed
        unless the account has nothing there.
        """
        divided, now = await self._division(), self._now()
        told = await self._ask(dict.fromkeys(_billing(divided), ids), lambda erp, own: erp.invoices_by_order(own))

        def choose(
            found: Mapping[Side, Sequence[Invoice]], errors: Mapping[Side, SourceError]
        ) -> Sequence[Invoice] | SourceError | None:
            rows = [(side, invoice) for side, invoices in found.items() for invoice in invoices]
            stays = bool(rows) and all(divided.since(invoice.customer_id) is None for _, invoice in rows)
            if errors and not (stays and Side.PRESENT not in errors):
                return next(iter(errors.values()))
            return tuple(_shown(rows, divided, now))

        return _each(ids, told, choose)

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]:
        """Of both, as ``invoices_by_order``; a copy has the date and the number of the other."""
        divided, now = await self._division(), self._now()
        asked = {side: divided.records(side, query) for side in _billing(divided)}
        pages = await self._pages(asked, lambda erp, part: erp.invoice_page(part))
        rows = _shown([(side, row) for side, page in pages.items() for row in page.rows], divided, now)
        rows.sort(key=_invoice_rank, reverse=True)
        more = len(rows) > query.limit or any(page.more for page in pages.values())
        return Page(rows[: query.limit], more)

    # -- how both are asked ------------------------------------------------------------------------------------------

    async def _division(self) -> Division:
        """Who owns what now. Raises SourceError where a wave names a subsidiary that neither ERP can tell the accounts
        of, and nothing is remembered.
        """
        now = self._now()
        begun = [wave for wave in self._waves if wave.has_begun(now)]
        named = {name for wave in begun for name in wave.subsidiaries}
        members: dict[str, frozenset[CustomerId]] = {}
        for name, accounts in (await self._members.load(named)).values.items() if named else ():
            if isinstance(accounts, SourceError):
                raise accounts
            members[name] = accounts
        return division(begun, members, now)

    async def _read_members(self, subsidiaries: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        told = await self._ask(dict.fromkeys(Side, subsidiaries), lambda erp, own: erp.accounts_in_subsidiaries(own))

        def choose(
            found: Mapping[Side, frozenset[CustomerId]], errors: Mapping[Side, SourceError]
        ) -> frozenset[CustomerId] | SourceError | None:
            return frozenset[CustomerId]().union(*found.values()) if found else next(iter(errors.values()), None)

        return _each(subsidiaries, told, choose)

    async def _ask(
        self, keys: Mapping[Side, Collection[K]], read: Callable[[ErpSource, Collection[K]], Awaitable[Batch[K, V]]]
    ) -> Mapping[Side, Batch[K, V]]:
        """Asks the ERPs at once, each for its keys. One that fails as a whole has failed for each of them."""

        async def ask(side: Side) -> Batch[K, V]:
            try:
                return await read(self._erps[side], keys[side])
            except SourceError as error:
                return dict.fromkeys(keys[side], error)

        return dict(zip(keys, await asyncio.gather(*map(ask, keys)), strict=True))

    async def _of_owners(
        self,
        ids: Collection[CustomerId],
        read: Callable[[ErpSource, Collection[CustomerId]], Awaitable[Batch[CustomerId, V]]],
    ) -> Batch[CustomerId, V]:
        """Each account of its owner; the other is not asked for it."""
        divided, now = await self._division(), self._now()
        owned: defaultdict[Side, list[CustomerId]] = defaultdict(list)
        for id_ in ids:
            owned[divided.owner(id_, now)].append(id_)
        told = await self._ask(owned, read)
        return {key: value for answer in told.values() for key, value in answer.items()}

    async def _families(
        self,
        ids: Collection[CustomerId],
        read: Callable[[ErpSource, Collection[CustomerId]], Awaitable[Batch[CustomerId, Collection[CustomerId]]]],
    ) -> Batch[CustomerId, frozenset[CustomerId]]:
        """The accounts below each, as both know them; where one fails, as the account's owner does."""
        divided, now = await self._division(), self._now()
        told = await self._ask(dict.fromkeys(divided.sides, ids), read)
        answers: dict[CustomerId, frozenset[CustomerId] | SourceError] = {}
        for id_ in ids:
            owners = told[divided.owner(id_, now)].get(id_)
            found = [batch[id_] for batch in told.values() if id_ in batch]
            if isinstance(owners, SourceError):
                answers[id_] = owners
            elif found:
                answers[id_] = frozenset(
                    below for family in found if not isinstance(family, SourceError) for below in family
                )
        return answers

    async def _accounts_in(
        self,
        names: Collection[str],
        read: Callable[[ErpSource, Collection[str]], Awaitable[Batch[str, frozenset[CustomerId]]]],
    ) -> Batch[str, frozenset[CustomerId]]:
        """As both know them; none is left out in silence."""
        divided = await self._division()
        told = await self._ask(dict.fromkeys(divided.sides, names), read)

        def choose(
            found: Mapping[Side, frozenset[CustomerId]], errors: Mapping[Side, SourceError]
        ) -> frozenset[CustomerId] | SourceError | None:
            return next(iter(errors.values()), None) or frozenset[CustomerId]().union(*found.values())

        return _each(names, told, choose)

    async def _page(
        self,
        asked: Mapping[Side, Q | None],
        read: Callable[[ErpSource, Q], Awaitable[Page[R]]],
        owns: Callable[[Side, R], bool],
        place: Callable[[R], Any],
        query: Q,
        *,
        descending: bool = False,
    ) -> Page[R]:
        """The first rows of both as if they were one list."""

        async def own(side: Side, part: Q) -> Page[R]:
            rows: list[R] = []
            while True:
                page = await read(self._erps[side], part)
                rows += (row for row in page.rows if owns(side, row))
                if len(rows) >= query.limit or not page.more or not page.rows:
                    return Page(rows, page.more)
                part = replace(part, after=place(page.rows[-1]), limit=max(query.limit, READ_ON))

        parts = [(side, part) for side, part in asked.items() if part]
        pages = await asyncio.gather(*(own(side, part) for side, part in parts))
        rows = {row.id: row for page in reversed(pages) for row in page.rows}
        merged = sorted(rows.values(), key=lambda row: _rank(place(row)), reverse=descending)
        return Page(merged[: query.limit], len(merged) > query.limit or any(page.more for page in pages))

    async def _pages(
        self, asked: Mapping[Side, Q | None], read: Callable[[ErpSource, Q], Awaitable[Page[V]]]
    ) -> Mapping[Side, Page[V]]:
        parts = [(side, part) for side, part in asked.items() if part]
        pages = await asyncio.gather(*(read(self._erps[side], part) for side, part in parts))
        return {side: page for (side, _), page in zip(parts, pages, strict=True)}


def _each(
    keys: Collection[K],
    told: Mapping[Side, Batch[K, V]],
    choose: Callable[[Mapping[Side, V], Mapping[Side, SourceError]], V | SourceError | None],
) -> Batch[K, V]:
    """The answer for each key, chosen from the values and the errors of those that had one; None: it is absent."""
    answers: dict[K, V | SourceError] = {}
    for key in keys:
        answered = [(side, batch[key]) for side, batch in told.items() if key in batch]
        errors = {side: value for side, value in answered if isinstance(value, SourceError)}
        values = {side: value for side, value in answered if not isinstance(value, SourceError)}
        if answered and (chosen := choose(values, errors)) is not None:
            answers[key] = chosen
    return answers


def _billing(divided: Division) -> tuple[Side, ...]:
    """Who may have billed something: the present ERP has, whoever owns its orders now."""
    return tuple(dict.fromkeys((Side.PRESENT, *divided.sides)))


def _shown(rows: Collection[tuple[Side, Invoice]], divided: Division, now: datetime) -> list[Invoice]:
    """Each invoice once: its account's owner's, where both have it; none of an account that is not the next ERP's yet,
    which is only there for rehearsal.
    """
    shown: dict[InvoiceId, Invoice] = {}
    for side, invoice in rows:
        rehearsed = side is Side.NEXT and divided.since(invoice.customer_id) is None
        if not rehearsed and (invoice.id not in shown or divided.owner(invoice.customer_id, now) is side):
            shown[invoice.id] = invoice
    return list(shown.values())


def _order_place(order: Order) -> Cursor:
    return Cursor(order.placed_at.at, order.id)


def _rank(place: Cursor | str) -> tuple[datetime, str] | str:
    return (place.at, place.id) if isinstance(place, Cursor) else place


def _invoice_rank(invoice: Invoice) -> tuple[datetime, str]:
    return datetime.combine(invoice.date, time(), UTC), invoice.id
