"""Which of two ERPs owns an order while one takes over from the other: exactly one of them, at every instant."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from domain.model import CustomerId
from domain.queries import CustomerQuery, OrderQuery, RecordQuery

ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
"""From when the next ERP owns the orders of an account that it has taken over with all its past."""


class Side(StrEnum):
    """The ERP there is, and the one that takes over from it."""

    PRESENT = "PRESENT"
    NEXT = "NEXT"


@dataclass(frozen=True, slots=True)
class Wave:
    """A part of the business that the next ERP takes over; every condition given must hold, and none means everything.

    ``accounts`` and those of ``subsidiaries`` are one condition. ``placed_from``: only orders placed at it or later;
    ``begins``: from when on all this holds (None: already). Both aware.
    """

    accounts: frozenset[CustomerId] = frozenset()
    subsidiaries: frozenset[str] = frozenset()
    placed_from: datetime | None = None
    begins: datetime | None = None

    def has_begun(self, now: datetime) -> bool:
        return self.begins is None or self.begins <= now


@dataclass(frozen=True, slots=True)
class Division:
    """Who owns what at one instant: from when on the orders of each account are the next ERP's.

    ``accounts``: those that a wave names; ``rest``: every other's (None: never).
    """

    accounts: Mapping[CustomerId, datetime] = field(default_factory=dict)
    rest: datetime | None = None

    @property
    def sides(self) -> tuple[Side, ...]:
        """The ERPs that own something."""
        present = () if self.rest == ALWAYS else (Side.PRESENT,)
        return (*present, Side.NEXT) if self.accounts or self.rest else present

    def since(self, account: CustomerId) -> datetime | None:
        """From when on the account's orders are the next ERP's; None: never."""
        return self.accounts.get(account, self.rest)

    def owner(self, account: CustomerId, placed_at: datetime) -> Side:
        """Of an order; of an account itself, and what it owes, with now for ``placed_at``."""
        since = self.since(account)
        return Side.PRESENT if since is None or placed_at < since else Side.NEXT

    def orders(self, side: Side, query: OrderQuery) -> OrderQuery | None:
        """As little as can be asked of ``side`` and holds all that it owns of the query. None: it owns nothing of it.

        Where every account is asked for, those that are not its own cannot be left out.
        """
        bound = _bound(query.filter.customer_ids, query.visibility.accounts)
        named = {each: self.since(each) for each in (self.accounts if bound is None else bound)}
        own = {account: since for account, since in named.items() if _owns_some(side, since)}
        others = bound is None and _owns_some(side, self.rest)
        if not own and not others:
            return None
        instants = {*own.values(), *((self.rest,) if others else ())}
        if side is Side.NEXT:
            since = min(each for each in instants if each)
        else:
            since = None if None in instants else max(each for each in instants if each)
        return _within(side, query, None if others else own.keys(), since)

    def counts(self, side: Side, query: OrderQuery) -> Iterator[tuple[int, OrderQuery]]:
        """The queries whose counts, each times its sign, add up to how many orders of the query ``side`` owns."""
        bound = _bound(query.filter.customer_ids, query.visibility.accounts)
        groups: defaultdict[datetime | None, set[CustomerId]] = defaultdict(set)
        for account in self.accounts if bound is None else bound:
            groups[self.since(account)].add(account)
        parts = [(1, accounts, since) for since, accounts in groups.items()]
        every: list[tuple[int, AbstractSet[CustomerId] | None, datetime | None]] = [*parts]
        if bound is None:
            every.append((1, None, self.rest))
            if self.accounts:
                every.append((-1, self.accounts.keys(), self.rest))
        for sign, accounts, since in every:
            if _owns_some(side, since) and (asked := _within(side, query, accounts, since)):
                yield sign, asked

    def customers(self, side: Side, query: CustomerQuery, now: datetime) -> CustomerQuery | None:
        """As ``orders``, of accounts."""
        rest_moved = self.rest is not None and self.rest <= now
        if side is Side.PRESENT:
            return None if rest_moved else query
        if rest_moved:
            return query
        moved = {account for account, since in self.accounts.items() if since <= now}
        accounts = _both(query.visibility.accounts, moved)
        return replace(query, visibility=replace(query.visibility, accounts=accounts)) if accounts else None

    def records(self, side: Side, query: RecordQuery) -> RecordQuery | None:
        """As ``orders``, of what is billed: the present ERP may have billed whatever it ever owned, the next one only
        accounts that it owns something of.
        """
        if side is Side.PRESENT or self.rest is not None:
            return query
        bound = _bound(query.customer_ids, query.visibility.accounts)
        accounts = _both(bound, self.accounts.keys())
        return replace(query, customer_ids=accounts) if accounts else None


def division(waves: Sequence[Wave], members: Mapping[str, AbstractSet[CustomerId]], now: datetime) -> Division:
    """What the waves that have begun make of the business. ``members``: the accounts of each subsidiary they name."""
    accounts: dict[CustomerId, datetime] = {}
    rest: datetime | None = None
    for wave in waves:
        if not wave.has_begun(now):
            continue
        since = wave.placed_from or ALWAYS
        if not wave.accounts and not wave.subsidiaries:
            rest = since if rest is None else min(rest, since)
        for account in wave.accounts.union(*(members.get(each, frozenset()) for each in wave.subsidiaries)):
            accounts[account] = min(since, accounts.get(account, since))
    if rest is not None:
        accounts = {account: since for account, since in accounts.items() if since < rest}
    return Division(accounts, rest)


def _owns_some(side: Side, since: datetime | None) -> bool:
    return since is not None if side is Side.NEXT else since != ALWAYS


def _within(
    side: Side, query: OrderQuery, accounts: AbstractSet[CustomerId] | None, since: datetime | None
) -> OrderQuery | None:
    """The query, of these accounts (None: as it is) on that side of the instant. None: nothing is left of it."""
    asked, given = query.filter, since if since != ALWAYS else None
    if accounts is not None:
        asked = replace(asked, customer_ids=frozenset(accounts))
    if given and side is Side.NEXT:
        asked = replace(asked, placed_after=max(given, asked.placed_after or given))
    elif given:
        asked = replace(asked, placed_before=min(given, asked.placed_before or given))
    empty = asked.placed_after and asked.placed_before and asked.placed_after >= asked.placed_before
    return None if empty or accounts == frozenset() else replace(query, filter=asked)


def _bound(asked: frozenset[CustomerId], visible: AbstractSet[CustomerId] | None) -> AbstractSet[CustomerId] | None:
    return _both(visible, asked) if asked else visible


def _both(some: AbstractSet[CustomerId] | None, others: AbstractSet[CustomerId]) -> frozenset[CustomerId]:
    return frozenset(others if some is None else some & others)
