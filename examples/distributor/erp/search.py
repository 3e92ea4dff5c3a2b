"""Answers the ERP's searches: conditions that must all hold, in pages that stay as they were found."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml.etree import _Element

from examples.distributor.erp.accounts import customer
from examples.distributor.erp.index import Entry, Index
from examples.distributor.erp.markup import NAMESPACES
from examples.distributor.world import World

MESSAGES: Final = f"{{{NAMESPACES['m']}}}"
REMEMBERED: Final = 500
"""How many searches may be asked for more."""
MOST_VALUES: Final = 1000

Row = Callable[[], str]
"""A record found, written when its page is asked for."""


class TooMany(Exception):
    """A condition with more values than the ERP takes."""


@dataclass(frozen=True, slots=True)
class Preferences:
    amounts: bool
    lists: bool

    @classmethod
    def of(cls, element: _Element | None) -> "Preferences":
        def said(name: str, default: str) -> bool:
            text = default if element is None else (element.findtext(MESSAGES + name) or default)
            return text.strip() in ("true", "1")

        return cls(said("includeAmounts", "true"), not said("bodyFieldsOnly", "false"))


@dataclass(frozen=True, slots=True)
class Found:
    """A search's rows, to be read page by page."""

    rows: Sequence[tuple[str, Row]]
    """Number and record."""
    page_size: int

    @property
    def pages(self) -> int:
        return -(-len(self.rows) // self.page_size)

    def page(self, place: int) -> Sequence[tuple[str, Row]]:
        """``place`` counts from 1."""
        return self.rows[(place - 1) * self.page_size : place * self.page_size]


class Searches:
    """The searches that may still be asked for more, by id."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, Found] = OrderedDict()
        self._count = 0

    def keep(self, found: Found) -> str:
        self._count += 1
        search_id = f"WEBSERVICES_{self._count:012d}"
        self._found[search_id] = found
        if len(self._found) > REMEMBERED:
            self._found.popitem(last=False)
        return search_id

    def get(self, search_id: str) -> Found | None:
        return self._found.get(search_id)


def transactions(index: Index, search: _Element, preferences: Preferences, now: datetime) -> list[tuple[str, Row]]:
    """``search``: a TransactionSearch."""
    descending = search.get("direction") == "descending"
    entries = sorted(_matching(index, search, now), key=lambda entry: entry.rank, reverse=descending)
    start = search.find(MESSAGES + "startAfter")
    if start is not None:
        last = _instant(start.findtext(MESSAGES + "tranDate", "")), start.findtext(MESSAGES + "externalId", "")
        entries = [entry for entry in entries if (entry.rank < last if descending else entry.rank > last)]

    def row(entry: Entry) -> Row:
        return lambda: index.xml(entry, now, amounts=preferences.amounts, lists=preferences.lists)

    return [(entry.number, row(entry)) for entry in entries]


def _matching(index: Index, search: _Element, now: datetime) -> Iterator[Entry]:
    numbers, orders, accounts = (_any_of(search, name) for name in ("externalId", "createdFrom", "entity"))
    types = [type_.text or "" for type_ in search.iterfind(MESSAGES + "type")]
    conditions: Sequence[tuple[str, Callable[[Entry], str | None]]] = (
        ("externalId", lambda entry: entry.number),
        ("createdFrom", lambda entry: None if entry.type == "salesOrder" else entry.order.number),
        ("entity", lambda entry: entry.order.account),
        ("territory", lambda entry: index.world.accounts[entry.order.account].territory),
        ("shipAddress", lambda entry: entry.order.ship_to_id),
        ("otherRefNum", lambda entry: entry.order.po_number if entry.type == "salesOrder" else None),
        ("status", lambda entry: index.status(entry, now)),
    )
    wanted = [(*condition, of) for name, of in conditions if (condition := _listed(search, name))]
    skus = _any_of(search, "item")
    bounds = [
        (field.get("operator") == "before", _instant(field.findtext(MESSAGES + "searchValue", "")))
        for field in search.iterfind(MESSAGES + "tranDate")
    ]
    for entry in index.candidates(types, numbers=numbers, orders=orders, accounts=accounts):
        if (
            entry.since <= now
            and all((entry.rank[0] < bound) is before for before, bound in bounds)
            and (skus is None or not entry.order.skus.isdisjoint(skus))
            and all((of(entry) in values) is one_of for one_of, values, of in wanted)
        ):
            yield entry


def customers(world: World, search: _Element, preferences: Preferences) -> list[tuple[str, Row]]:
    """``search``: a CustomerSearch."""
    entity, parents, ancestors, territories, subsidiaries = (
        _listed(search, name) for name in ("entity", "parent", "ancestor", "territory", "subsidiary")
    )
    found: Iterable[str] = sorted(world.accounts)
    if ancestors is not None:
        below = frozenset[str]().union(*(world.descendants(str(ancestor)) for ancestor in ancestors[1]))
        found = (number for number in found if (number in below) is ancestors[0])
    for condition, of in (
        (entity, lambda number: number),
        (parents, lambda number: world.accounts[number].parent),
        (territories, lambda number: world.accounts[number].territory),
        (subsidiaries, lambda number: world.accounts[number].subsidiary),
    ):
        if condition is not None:
            found = [number for number in found if (of(number) in condition[1]) is condition[0]]
    for name, told in (("companyName", lambda number: world.accounts[number].name), ("externalId", str)):
        field = search.find(MESSAGES + name)
        if field is not None:
            holds, value = TEXT[field.get("operator", "is")], field.findtext(MESSAGES + "searchValue", "")
            found = [number for number in found if holds(told(number), value)]

    def row(number: str) -> Row:
        account = world.accounts[number]
        parent = world.accounts[account.parent] if account.parent else None
        return lambda: customer(account, parent, lists=preferences.lists)

    return [(number, row(number)) for number in found]


TEXT: Final[dict[str, Callable[[str, str], bool]]] = {
    "is": lambda told, value: told == value,
    "contains": lambda told, value: value.casefold() in told.casefold(),
    "greaterThan": lambda told, value: told > value,
}


def _listed(search: _Element, name: str) -> tuple[bool, frozenset[str | None]] | None:
    """Whether one of the values is wanted (or none of them), and the values; None: no such condition."""
    field = search.find(MESSAGES + name)
    if field is None:
        return None
    values = [value.get("externalId", value.text or "") for value in field.iterfind(MESSAGES + "searchValue")]
    if len(values) > MOST_VALUES:
        raise TooMany(f"{name} has {len(values)} values, and at most {MOST_VALUES} are taken")
    return field.get("operator") == "anyOf", frozenset(values)


def _any_of(search: _Element, name: str) -> frozenset[str] | None:
    condition = _listed(search, name)
    return frozenset(map(str, condition[1])) if condition and condition[0] else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
