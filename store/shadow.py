"""What two ERPs said otherwise of each record when it was last compared: counted by field, with examples."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, func, select

from domain.comparison import Comparison, Difference
from domain.events import Subject
from store.database import Database
from store.tables import shadow

COMPARED: Final = ""
"""Stands for the field in the row that each record compared has, differences or none."""


@dataclass(frozen=True, slots=True)
class Example:
    """One record's difference in a field."""

    id: str
    part: str
    served_by: str
    served: str | None
    told_by: str
    told: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Field:
    """How many records differ in it, and the latest of them."""

    subject: Subject
    field: str
    records: int
    examples: Sequence[Example]


@dataclass(frozen=True, slots=True)
class Report:
    """``compared``: records of each kind. Fields that differ most come first."""

    compared: dict[Subject, int]
    fields: Sequence[Field]


class Shadows:
    """The comparisons of one tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, comparisons: Sequence[Comparison]) -> None:
        """The last word on each record: what was said of it before is forgotten."""
        latest = {(each.subject, each.id): each for each in comparisons}
        if not latest:
            return
        tenant, table = self._database.tenant, shadow.c
        rows = [row for each in latest.values() for row in self._rows(each)]
        async with self._database.writing() as connection:
            for subject, id_ in latest:
                await connection.execute(
                    delete(shadow).where(table.tenant == tenant, table.subject == subject, table.id == id_)
                )
            await connection.execute(self._database.insert(shadow).on_conflict_do_nothing(), rows)

    async def forget(self) -> None:
        """All of it, such as when a mapping was corrected."""
        async with self._database.writing() as connection:
            await connection.execute(delete(shadow).where(shadow.c.tenant == self._database.tenant))

    async def report(self, *, examples: int = 3) -> Report:
        """``examples``: of each field, at most."""
        table, own = shadow.c, shadow.c.tenant == self._database.tenant
        counted = select(table.subject, table.field, func.count()).where(own).group_by(table.subject, table.field)
        place = func.row_number().over(
            partition_by=(table.subject, table.field), order_by=(table.compared_at.desc(), table.id)
        )
        placed = select(shadow, place.label("place")).where(own, table.field != COMPARED).subquery()
        shown = select(placed).where(placed.c.place <= examples).order_by(placed.c.place)
        async with self._database.reading() as connection:
            counts = [tuple(row) for row in await connection.execute(counted)]
            rows = (await connection.execute(shown)).all()
        found: defaultdict[tuple[str, str], list[Example]] = defaultdict(list)
        for row in rows:
            found[row.subject, row.field].append(
                Example(row.id, row.part, row.served_by, row.served, row.told_by, row.told, row.compared_at)
            )
        fields = [
            Field(Subject(subject), field, count, found[subject, field])
            for subject, field, count in counts
            if field != COMPARED
        ]
        fields.sort(key=lambda each: (-each.records, each.subject, each.field))
        return Report({Subject(subject): count for subject, field, count in counts if field == COMPARED}, fields)

    def _rows(self, each: Comparison) -> Sequence[dict[str, Any]]:
        """One for the record, and one for each field: of several lines that differ in it, the first."""
        same = Difference(COMPARED, "", None, None)
        return [
            {
                "tenant": self._database.tenant,
                "subject": each.subject,
                "id": each.id,
                "field": difference.field,
                "part": difference.part,
                "served_by": each.served_by,
                "served": difference.served,
                "told_by": each.told_by,
                "told": difference.told,
                "compared_at": each.at,
            }
            for difference in {one.field: one for one in reversed((same, *each.differences))}.values()
        ]
