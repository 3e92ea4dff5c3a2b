"""How long a page of orders and a search take, for whom and how deep: the same work whatever lies before the page."""

import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median, quantiles
from typing import Final

from benchmarks.memory_bulk import ACCOUNTS, BIG, SMALL
from domain.access import Visibility
from domain.model import CustomerId
from domain.order_status import OrderStatus
from domain.queries import Cursor, OrderFilter, OrderQuery
from store import pages
from store.database import Database
from store.memory import Memory
from store.tables import orders

PAGE: Final = 25
CURSORS: Final = 20
ROUNDS: Final = 10
DEEP: Final = 10_000
"""The page in the middle: this one, or the middle of what there is."""

ALL: Final = Visibility(None)


def accounts(count: int, first: int = 0) -> Visibility:
    return Visibility(frozenset(CustomerId(f"C{nth:05}") for nth in range(first, first + count)))


CASES: Final[Mapping[str, OrderQuery]] = {
    name: OrderQuery(scope, within, limit=PAGE)
    for name, scope, within in (
        ("everybody's", ALL, OrderFilter()),
        ("an account of 50 orders", Visibility(frozenset({SMALL})), OrderFilter()),
        ("an account of every 20th order", Visibility(frozenset({BIG})), OrderFilter()),
        ("a hierarchy of 40 accounts", accounts(40), OrderFilter()),
        ("a rep's 500 accounts", accounts(500), OrderFilter()),
        ("a common status", ALL, OrderFilter(statuses=frozenset({OrderStatus.DELIVERED}))),
        ("a rare status", ALL, OrderFilter(statuses=frozenset({OrderStatus.ON_HOLD}))),
        (
            "the big account's rare status",
            Visibility(frozenset({BIG})),
            OrderFilter(statuses=frozenset({OrderStatus.ON_HOLD})),
        ),
        ("a SKU", ALL, OrderFilter(sku="{sku}")),
        ("the big account's SKU", Visibility(frozenset({BIG})), OrderFilter(sku="{sku}")),
        ("a common SKU", ALL, OrderFilter(sku="{common}")),
        ("with an exception", ALL, OrderFilter(has_exception=True)),
        ("a rep's, with an exception", accounts(500), OrderFilter(has_exception=True)),
        ("without an exception", ALL, OrderFilter(has_exception=False)),
        ("bound to a busy ship-to", Visibility(frozenset({BIG}), frozenset({f"{BIG}/0"})), OrderFilter()),
        ("bound to a quiet ship-to", Visibility(frozenset({BIG}), frozenset({f"{BIG}/12"})), OrderFilter()),
    )
}


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds: by the clock, and of this process's CPU, where others on the machine make no difference."""

    p50: float
    p99: float
    cpu50: float
    cpu99: float

    def __str__(self) -> str:
        return f"{self.p50:.1f} / {self.p99:.1f} ({self.cpu50:.1f} / {self.cpu99:.1f})"


@dataclass(frozen=True, slots=True)
class Depths:
    """``rows``: how many there are to page through."""

    rows: int
    first: Times
    middle: Times
    last: Times


def times(taken: Sequence[tuple[float, float]]) -> Times:
    seconds, cpu = zip(*taken, strict=True)
    return Times(median(seconds), quantiles(seconds, n=100)[98], median(cpu), quantiles(cpu, n=100)[98])


async def measured(work: Sequence[Callable[[], Awaitable[object]]], rounds: int) -> Sequence[list[tuple[float, float]]]:
    """Each ``rounds`` times, one after the other, so that what else the machine does meets all alike."""
    taken: list[list[tuple[float, float]]] = [[] for _ in work]
    for _ in range(rounds):
        for each, found in zip(work, taken, strict=True):
            began, cpu = time.perf_counter(), time.process_time()
            await each()
            found.append(((time.perf_counter() - began) * 1000, (time.process_time() - cpu) * 1000))
    return taken


async def depths(database: Database, query: OrderQuery, rounds: int = ROUNDS) -> Depths:
    memory = Memory(database)
    rows = await memory.order_count(query)
    places = (0, min(DEEP * PAGE, rows // 2), max(0, rows - PAGE - CURSORS))
    work: list[Callable[[], Awaitable[object]]] = []
    for place in places:
        cursors = await _cursors(database, query, place) if place else [None] * CURSORS
        asked = [replace(query, after=cursor) for cursor in (cursors * CURSORS)[:CURSORS]]
        work += [lambda one=one: memory.order_page(one) for one in asked]  # type: ignore[misc]
    taken = await measured(work, rounds)
    first, middle, last = (
        times([each for one in taken[start : start + CURSORS] for each in one[1:]])
        for start in range(0, len(work), CURSORS)
    )
    return Depths(rows, first, middle, last)


async def _cursors(database: Database, query: OrderQuery, place: int) -> list[Cursor | None]:
    """Those of pages that begin there or a few rows later."""
    table = orders.c
    chosen = (
        pages.order_count(database.tenant, query)
        .with_only_columns(table.placed_at, table.id)
        .order_by(table.placed_at.desc(), table.id.desc())
        .offset(place)
        .limit(CURSORS)
    )
    async with database.reading() as connection:
        return [Cursor(row.placed_at, row.id) for row in await connection.execute(chosen)]


async def page_times(database: Database, skus: Sequence[str], rounds: int = ROUNDS) -> Mapping[str, Depths]:
    """``skus``: a rare one and a common one."""
    named = dict(zip(("{sku}", "{common}"), skus, strict=True))
    found = dict[str, Depths]()
    for name, query in CASES.items():
        sku = query.filter.sku
        asked = replace(query, filter=replace(query.filter, sku=named[sku])) if sku else query
        found[name] = await depths(database, asked, rounds)
    return found


async def search_times(
    database: Database, count: int, skus: Sequence[str], rounds: int = ROUNDS
) -> Mapping[str, Mapping[str, Times]]:
    """By what is searched for and who searches."""
    memory, chance = Memory(database), random.Random(4)
    some = [chance.randrange(count) for _ in range(CURSORS)]
    texts: Mapping[str, Sequence[str]] = {
        "an order's number": [f"so-{nth:08}" for nth in some],
        "a tracking number": [f"1z000z{nth:08}" for nth in some],
        "the beginning of a few": [f"so-{nth:08}"[:-2] for nth in some],
        "the beginning of all": ["so-", "so", "s"],
        "a SKU": [skus[0]],
        "a common SKU": [skus[1]],
        "a name": ["acme", "supply pipe", "northern"],
        "nothing there is": ["zzzz", "so-x"],
    }
    scopes = {"everybody": ALL, "one account": Visibility(frozenset({BIG})), "a rep": accounts(500)}
    found = dict[str, dict[str, Times]]()
    for name, sought in texts.items():
        for who, scope in scopes.items():
            work = [lambda text=text, scope=scope: memory.search(scope, text, 20) for text in sought]
            taken = await measured(work, max(rounds, 200 // len(sought)))
            found.setdefault(name, {})[who] = times([each for one in taken for each in one[1:]])
    return found


async def goods(database: Database) -> Sequence[str]:
    """A rare SKU and a common one."""
    async with database.reading() as connection:
        found = await connection.exec_driver_sql(
            "SELECT substr(term, 5), count(*) FROM terms WHERE term LIKE 'sku:%' GROUP BY 1 ORDER BY 2, 1"
        )
        told = [str(row[0]) for row in found]
    return told[len(told) // 2], told[-1]


__all__ = ["ACCOUNTS", "page_times", "search_times"]
