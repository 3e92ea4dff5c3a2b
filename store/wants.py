"""What is still to be read from its owner: kept until it was, taken by one reader at a time."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, tuple_, update

from domain.events import Delivery, Subject, Want
from store.database import Database
from store.folding import add_wants
from store.inbox import inserting, rows
from store.tables import wants


@dataclass(frozen=True, slots=True)
class Taken:
    """A want that one reader has for itself until its lease ends. ``version`` tells whether it was wanted anew
    meanwhile; ``attempts``: how often it was taken since, this time included.
    """

    want: Want
    version: int
    attempts: int


class Wants:
    """The list of what is wanted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def want(self, wanted: Mapping[Want, datetime]) -> None:
        """Each by when it is to be read."""
        async with self._database.writing() as connection:
            await add_wants(connection, self._database, wanted)

    async def take(
        self, limit: int, *, now: datetime, lease: timedelta, subjects: Collection[Subject] = tuple(Subject)
    ) -> Sequence[Taken]:
        """Up to ``limit`` that are due, the longest due first, for the caller alone until ``lease`` is over."""
        table, tenant = wants.c, self._database.tenant
        due = (
            select(table.subject, table.key)
            .where(table.tenant == tenant, table.due_at <= now, table.subject.in_(sorted(subjects)))
            .order_by(table.due_at, table.subject, table.key)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        async with self._database.writing() as connection:
            names = [tuple(row) for row in await connection.execute(due)]
            if not names:
                return ()
            taken = (
                update(wants)
                .where(table.tenant == tenant, tuple_(table.subject, table.key).in_(names))
                .values(due_at=now + lease, attempts=table.attempts + 1)
                .returning(table.subject, table.key, table.version, table.attempts)
            )
            found = (await connection.execute(taken)).all()
        return [Taken(Want(Subject(row.subject), row.key), row.version, row.attempts) for row in found]

    async def fulfil(
        self, taken: Sequence[Taken], told: Sequence[Delivery], *, again: Mapping[Want, datetime] | None = None
    ) -> int:
        """What was read goes into the inbox and what was wanted is done, in one transaction; how many deliveries were
        new. ``again``: what is to be read again, and when. What was wanted anew meanwhile stays wanted.
        """
        table, again = wants.c, again or {}
        mine = (
            (table.tenant == self._database.tenant)
            & (table.subject == bindparam("b_subject"))
            & (table.key == bindparam("b_key"))
            & (table.version == bindparam("b_version"))
        )
        ordered = sorted(taken, key=lambda one: (one.want.subject, one.want.key))
        done = [_bound(each) for each in ordered if each.want not in again]
        later = [_bound(each) | {"to_due": again[each.want]} for each in ordered if each.want in again]
        new = 0
        async with self._database.writing() as connection:
            if told:
                stored = await connection.execute(inserting(self._database), rows(self._database, told))
                new = len(stored.all())
            if done:
                await connection.execute(delete(wants).where(mine), done)
            if later:
                put_off = (
                    update(wants).where(mine).values(due_at=bindparam("to_due", type_=table.due_at.type), attempts=0)
                )
                await connection.execute(put_off, later)
        return new

    async def put_off(self, taken: Sequence[Taken], *, until: datetime) -> None:
        """What could not be read is tried again then; what was wanted anew meanwhile, when that is due."""
        table = wants.c
        async with self._database.writing() as connection:
            for each in taken:
                await connection.execute(
                    update(wants)
                    .where(
                        table.tenant == self._database.tenant,
                        table.subject == each.want.subject,
                        table.key == each.want.key,
                        table.version == each.version,
                    )
                    .values(due_at=until)
                )

    async def forget(self, unwanted: Collection[Want]) -> None:
        """Whatever is known of them, they are not to be read any more."""
        table = wants.c
        async with self._database.writing() as connection:
            for want in unwanted:
                await connection.execute(
                    delete(wants).where(
                        table.tenant == self._database.tenant, table.subject == want.subject, table.key == want.key
                    )
                )

    async def count(self) -> Mapping[Subject, int]:
        """How much is wanted, by subject."""
        table = wants.c
        counted = (
            select(table.subject, func.count()).where(table.tenant == self._database.tenant).group_by(table.subject)
        )
        async with self._database.reading() as connection:
            return {Subject(row[0]): row[1] for row in await connection.execute(counted)}


def _bound(taken: Taken) -> dict[str, Any]:
    return {"b_subject": taken.want.subject, "b_key": taken.want.key, "b_version": taken.version}
