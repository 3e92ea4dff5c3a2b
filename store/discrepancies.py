"""What reconciliation found: every difference between memory and its owner, by name, and how many of each kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from domain.discrepancies import Discrepancy
from domain.events import Subject
from store.database import Database
from store.tables import discrepancies


@dataclass(frozen=True, slots=True)
class Found:
    """A difference, when it was found, and by which run."""

    run_id: str
    at: datetime
    discrepancy: Discrepancy


class Discrepancies:
    """The differences of one tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, run_id: str, found: Sequence[Discrepancy], *, now: datetime) -> None:
        """A run that is resumed finds some again: they are told once."""
        if not found:
            return
        rows = [
            {
                "tenant": self._database.tenant,
                "run_id": run_id,
                "subject": each.subject,
                "id": each.id,
                "kind": each.kind,
                "part": each.part,
                "remembered": each.remembered,
                "told": each.told,
                "found_at": now,
            }
            for each in found
        ]
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(discrepancies).on_conflict_do_nothing(), rows)

    async def of(self, run_id: str, *, limit: int = 1000) -> Sequence[Found]:
        table = discrepancies.c
        chosen = (
            select(discrepancies)
            .where(table.tenant == self._database.tenant, table.run_id == run_id)
            .order_by(table.subject, table.id, table.kind, table.part)
            .limit(limit)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(chosen)).all()
        return [
            Found(
                row.run_id,
                row.found_at,
                Discrepancy(Subject(row.subject), row.id, row.kind, row.part, row.remembered, row.told),
            )
            for row in rows
        ]

    async def counts(self, run_id: str) -> Mapping[str, int]:
        """How many of each kind."""
        table = discrepancies.c
        counted = (
            select(table.kind, func.count())
            .where(table.tenant == self._database.tenant, table.run_id == run_id)
            .group_by(table.kind)
        )
        async with self._database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(counted)}
