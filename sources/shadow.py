"""Shadow mode: what one ERP served is asked of the other too, in the background, and compared field by field.

Whoever was served waits for nothing of it and is told nothing of it: what is served is only put aside, some of it, and
what there is no room for is left out.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from domain.comparison import Comparison, Record, compare
from domain.errors import SourceError
from domain.model import Customer, CustomerId, Invoice, InvoiceId, Order, OrderId
from sources.ports import Batch, ErpSource

ROOM: Final = 1000
"""Records that wait to be compared; more are left out."""
KEPT: Final = 10_000
"""Comparisons that wait to be taken; more are left out."""
AT_ONCE: Final = 50
"""Records that are asked of the other ERP in one call."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a record is to be asked for, so that it can be compared with what was served."""

    kind: type
    by: str
    lines: bool = True
    amounts: bool = True

    @classmethod
    def of(cls, record: Record) -> Self:
        """As it was asked for itself, by what there is of it."""
        if isinstance(record, Order):
            return cls(Order, record.source.system, bool(record.lines), record.totals is not None)
        return cls(type(record), record.source.system)


class Shadow:
    """``chosen``: whether a record that was served is compared, asked of each; ``now``: the clock of comparisons."""

    def __init__(
        self, erps: Mapping[str, ErpSource], chosen: Callable[[], bool], *, now: Callable[[], datetime]
    ) -> None:
        """``erps``: both, by the names they give what they tell."""
        self._others = {name: other for name in erps for other in erps if other != name}
        self._erps = erps
        self._chosen = chosen
        self._now = now
        self._waiting: dict[tuple[_Way, str], Record] = {}
        self._some = asyncio.Event()
        self._done: list[Comparison] = []
        self.left_out = 0
        """Records that were not compared, for want of room or because the other ERP failed."""

    def served(self, record: object) -> None:
        """May put it aside; at once, and whatever it is."""
        if not isinstance(record, Record) or record.source.system not in self._others or not self._chosen():
            return
        if len(self._waiting) >= ROOM:
            self.left_out += 1
            return
        self._waiting[_Way.of(record), record.id] = record
        self._some.set()

    def take(self) -> Sequence[Comparison]:
        """What has been compared since the last time."""
        done, self._done = self._done, []
        return done

    async def run(self) -> None:
        """Compares what is put aside, one call after the other, until cancelled."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                await self._compare(self._next())

    def _next(self) -> Mapping[tuple[_Way, str], Record]:
        """Records that can be asked for in one call."""
        alike: defaultdict[_Way, list[str]] = defaultdict(list)
        for way, id_ in self._waiting:
            alike[way].append(id_)
        way, ids = max(alike.items(), key=lambda each: len(each[1]))
        return {(way, id_): self._waiting.pop((way, id_)) for id_ in ids[:AT_ONCE]}

    async def _compare(self, served: Mapping[tuple[_Way, str], Record]) -> None:
        way = next(iter(served))[0]
        other = self._others[way.by]
        try:
            told = await _ask(self._erps[other], way, {id_ for _, id_ in served})
        except SourceError:
            self.left_out += len(served)
            return
        for (_, id_), record in served.items():
            twin = told.get(id_)
            if isinstance(twin, SourceError) or len(self._done) >= KEPT:
                self.left_out += 1
            else:
                self._done.append(compare(record, twin, other, self._now()))


async def _ask(erp: ErpSource, way: _Way, ids: AbstractSet[str]) -> Mapping[str, Record | SourceError]:
    answers: Batch[OrderId, Order] | Batch[InvoiceId, Invoice] | Batch[CustomerId, Customer]
    if way.kind is Order:
        answers = await erp.orders([OrderId(id_) for id_ in ids], amounts=way.amounts, lines=way.lines)
    elif way.kind is Invoice:
        answers = await erp.invoices([InvoiceId(id_) for id_ in ids])
    else:
        answers = await erp.customers([CustomerId(id_) for id_ in ids])
    return {str(id_): answer for id_, answer in answers.items()}
