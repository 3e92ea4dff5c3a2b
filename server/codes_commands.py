"""What the commands about codes do: each looks at what is remembered of orders, and asks no source."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from domain.dossier import Dossier
from domain.model import OrderId
from domain.projection import project
from domain.queries import Cursor, OrderQuery
from domain.values import Code
from server.environment import Misconfigured, Problem, variable
from server.memory_commands import EVERYBODY, shelf
from server.settings import Settings
from sources import mappings
from sources.codes import BadCodes
from sources.mappings import Tables
from store.memory import Memory

AT_ONCE: Final = 200
"""Orders held at a time."""
EXAMPLES: Final = 3
CODES: Final = variable(("codes",))


async def unmapped(settings: Settings) -> Sequence[str]:
    """A line for each code that came with a remembered order, an invoice or a return of it, and no table holds."""
    tables = _tables(settings, settings.codes)
    counts: Counter[tuple[str, str, str]] = Counter()
    where: dict[tuple[str, str, str], str] = {}
    async with shelf(settings) as (database, _):
        memory = Memory(database)
        async for dossiers in _all(memory):
            for order_id, told in (await _codes(memory, dossiers)).items():
                for source, code in mappings.unknown(told, tables):
                    name = (source, code.table.partition("/")[2], code.raw)
                    counts[name] += 1
                    where.setdefault(name, order_id)
    return [
        f"{count:>7}  {source}  {table}  {raw}  such as in {where[source, table, raw]}"
        for (source, table, raw), count in counts.most_common()
    ]


@dataclass(slots=True)
class Preview:
    """What other tables would alter. ``changes``: by what was and what would be, the ids of those it is so of."""

    orders: int = 0
    changes: defaultdict[tuple[str, str, str], list[str]] = field(default_factory=lambda: defaultdict(list))

    def lines(self) -> Sequence[str]:
        ranked = sorted(self.changes.items(), key=lambda change: (-len(change[1]), change[0]))
        told = [
            f"{len(ids):>7}  {what}: {before} -> {after}  such as {', '.join(ids[:EXAMPLES])}"
            for (what, before, after), ids in ranked
        ]
        touched = sum(len(ids) for ids in self.changes.values())
        return [*told, f"{self.orders} orders looked at, {touched} changes."]


async def preview(settings: Settings, folder: Path) -> Preview:
    """What is remembered, derived with the tables in force and with those of ``folder``, status by status."""
    before, after = _tables(settings, settings.codes), _tables(settings, folder)
    found = Preview()
    async with shelf(settings) as (database, now):
        async for dossiers in _all(Memory(database)):
            for dossier in dossiers:
                found.orders += 1
                grace = settings.ingest.carrier_grace
                old, new = (_statuses(mappings.retold(dossier, each), now, grace) for each in (before, after))
                for name, was in old.items():
                    if new.get(name, was) != was:
                        found.changes[name[0], was, new[name]].append(name[1])
    return found


def _statuses(dossier: Dossier, now: datetime, carrier_grace: timedelta) -> Mapping[tuple[str, str], str]:
    """Each status that is derived of the order, by what it is of."""
    found = project(dossier, now=now, carrier_grace=carrier_grace)
    if found is None:
        return {}
    number = found.order.id
    statuses = {
        ("order", number): found.state.status.value,
        ("lifecycle", number): found.order.lifecycle.value,
    }
    return statuses | {("shipment", state.shipment.id): state.status.value for state in found.shipments}


async def _all(memory: Memory) -> AsyncIterator[Sequence[Dossier]]:
    """Every order there is, some at a time."""
    after: Cursor | None = None
    while True:
        page = await memory.order_page(OrderQuery(EVERYBODY, after=after, limit=AT_ONCE, amounts=True))
        if page.rows:
            yield page.rows
        last = page.rows[-1].order if page.rows else None
        if last is None or not page.more:
            return
        after = Cursor(last.placed_at.at, last.id)


async def _codes(memory: Memory, dossiers: Iterable[Dossier]) -> Mapping[OrderId, Sequence[tuple[str, str, Code]]]:
    """By order, every code in it and in its invoices and returns, each with its source and account."""
    found = {dossier.order_id: [*mappings.codes_of(dossier)] for dossier in dossiers}
    for records in (
        await memory.invoices_by_order(EVERYBODY, list(found)),
        await memory.returns_by_order(EVERYBODY, list(found)),
    ):
        for order_id, of_order in records.items():
            found[order_id] += [(each.source.system, each.customer_id, each.status_code) for each in of_order]
    return found


def _tables(settings: Settings, folder: Path | None) -> Tables:
    try:
        return settings.tables(folder)
    except BadCodes as error:
        raise Misconfigured([Problem(CODES if folder == settings.codes else str(folder), str(error))]) from error
