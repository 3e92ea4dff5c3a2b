"""What an operation showed and did, gathered while it runs and recorded before its answer goes out: no audit, no data.

No setting changes that: where a record cannot be written, or nothing is remembered at all, an answer that holds an
invoice, a price, a balance or a document is refused as SOURCE_UNAVAILABLE. An answer that holds none is not recorded.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Protocol

from domain.access import Principal
from domain.audit import READ, Entry, Item, Outcome
from domain.errors import SourceUnavailable
from store.database import StoreError

AUDIT: Final = "audit"
"""What the error names that refuses an answer."""

AUDITED: Final = frozenset(("price:read", "invoice:read", "balance:read", "document:read"))
"""What a field shows that is guarded by one of these is recorded."""

WHOLE: Final[Mapping[str, str]] = {"Invoice": "invoice:read"}
"""Types of which every field counts, its number too, and the scope that all ways to them ask for."""

_id = attrgetter("id")
_order_id = attrgetter("order_id")

NAMED: Final[Mapping[str, tuple[str, Callable[[Any], str | None]]]] = {
    "Customer": ("Customer", _id),
    "Document": ("Document", _id),
    "Invoice": ("Invoice", _id),
    "Line": ("Order", _order_id),
    "Order": ("Order", _id),
    "Return": ("Return", _id),
    "ReturnLine": ("Order", _order_id),
    "Shipment": ("Shipment", _id),
}
"""By the type that declares a field: the entity that is named for it, and its id. What stands in another type is
reached through a field of one of these, which is recorded.
"""

FieldKey = tuple[str, str]


class Recorder(Protocol):
    """``store.audit.Ledger``."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Returns once they are recorded. Raises StoreError."""
        ...


class ScopeTable(Protocol):
    """The part of ``engine.guards.Guards`` that tells which scopes a field asks for."""

    def scopes_of(self, fields: frozenset[FieldKey]) -> frozenset[str]: ...

    def __hash__(self) -> int: ...


def watched(field: FieldKey, scopes: frozenset[str]) -> bool:
    """Whether what a field shows is recorded. ``scopes``: what its guard asks for."""
    return field[0] in NAMED and (field[0] in WHOLE or not AUDITED.isdisjoint(scopes))


@lru_cache(maxsize=1024)
def _scope(field: FieldKey, guards: ScopeTable) -> str:
    return " ".join(sorted(AUDITED & guards.scopes_of(frozenset((field,))))) or WHOLE[field[0]]


class Audit:
    """One per operation. ``ledger`` None: nothing can be recorded, so nothing of the kind may be shown."""

    def __init__(
        self,
        ledger: Recorder | None,
        principal: Principal | None,
        *,
        correlation_id: str,
        now: Callable[[], datetime],
    ) -> None:
        self.seen: defaultdict[FieldKey, list[Any]] = defaultdict(list)
        """The objects whose field was shown, by field, added to by whoever resolves a watched one."""
        self._ledger = ledger
        self._principal = principal
        self._correlation_id = correlation_id
        self._now = now
        self._told: list[Item] = []
        self._failed: list[Entry] = []

    def saw(self, type_: str, ids: Iterable[str], scope: str, *fields: str) -> None:
        """Notes entities that were shown otherwise than by a watched field of theirs."""
        self._told.append(Item(type_, scope, tuple(sorted(set(ids))), tuple(sorted(fields))))

    @contextmanager
    def acting(self, action: str, *items: Item, **said: str | None) -> Iterator[Entry]:
        """The entry to be committed with what the block does; where that fails, the attempt is recorded instead.
        ``said``: the mutation's arguments.
        """
        given = {name: value for name, value in said.items() if value is not None}
        entry = self._entry(action, items, Outcome.DONE, given)
        try:
            yield entry
        except BaseException:
            self._failed.append(replace(entry, outcome=Outcome.FAILED))
            raise

    async def flush(self, guards: ScopeTable) -> None:
        """Call it when the answer is complete, before any of it is sent. Raises SourceUnavailable: it must not be."""
        items, entries = self._items(guards), self._failed
        if items:
            entries = [*entries, self._entry(READ, items, Outcome.SHOWN, {})]
        if not entries:
            return
        if self._ledger is None:
            raise SourceUnavailable(AUDIT, "nothing is remembered here, so nothing can be recorded")
        try:
            await self._ledger.append(entries)
        except StoreError as error:
            raise SourceUnavailable(AUDIT, f"what was to be shown cannot be recorded: {error}") from error
        self.seen.clear()
        self._told, self._failed = [], []

    def _items(self, guards: ScopeTable) -> Sequence[Item]:
        """Fields that were shown of the same entities stand together."""
        found: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
        for field, objects in self.seen.items():
            type_, id_of = NAMED[field[0]]
            ids = {id_ for each in objects if (id_ := id_of(each))}
            found.setdefault((type_, _scope(field, guards), tuple(sorted(ids))), []).append(".".join(field))
        items = [Item(*key, tuple(sorted(fields))) for key, fields in found.items() if key[2]]
        return items + [item for item in self._told if item.ids]

    def _entry(self, action: str, items: Sequence[Item], outcome: Outcome, said: Mapping[str, str]) -> Entry:
        who = self._principal
        return Entry(
            self._now(),
            who.subject if who else "",
            who.kind if who else "",
            who.account if who else None,
            action,
            tuple(items),
            self._correlation_id,
            outcome,
            said,
        )
