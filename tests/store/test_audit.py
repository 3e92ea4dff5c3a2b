"""The audit chain is written by one at a time, with the action it tells of or not at all, and shows any tampering."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, delete, insert, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit import READ, Break, Entry, Item, Kind, Outcome, genesis, record
from store.audit import PAGE, TOGETHER, Ledger, Trail, append
from store.database import Database, StoreError, StoreUnavailable
from store.runs import BACKFILL, Runs
from store.tables import audit, audit_heads, metadata, runs
from tests.domain.samples import NOW

ROOT = Path(__file__).parents[2]


def entry(actor: str = "buyer", *ids: str, at: float = 0) -> Entry:
    items = (Item("Invoice", "invoice:read", ids or ("INV-1",), ("Invoice.total",)),)
    moment = NOW + timedelta(seconds=at)
    return Entry(moment, actor, "PORTAL_USER", "C1", READ, items, "c-1", Outcome.SHOWN)


async def recorded(database: Database) -> Sequence[Entry]:
    return [record(link.document).entry async for link in Trail(database).links()]


async def held(database: Database) -> int:
    """How many records the chain has, all of which hold."""
    head, found = await Trail(database).verify()
    assert found is None, found
    return head.sequence


# -- writing -----------------------------------------------------------------------------------------------------------


async def test_what_is_recorded_is_read_back_in_its_order(database: Database) -> None:
    ledger = Ledger(database)
    told = [entry(str(nth), at=nth) for nth in range(5)]
    await ledger.append(told[:3])
    await ledger.append(told[3:])
    assert await recorded(database) == told
    assert await held(database) == 5


async def test_a_chain_without_records_holds(database: Database) -> None:
    assert await held(database) == 0
    assert await Trail(database).head() == genesis(database.tenant)


async def test_many_who_record_at_once_in_several_processes_make_one_chain(
    url: str, tenant: str, database: Database
) -> None:
    other = await Database.open(url, tenant)
    try:
        ledgers = [Ledger(database, pace=0), Ledger(other, pace=0), Ledger(other)]
        await asyncio.gather(
            *(ledger.append([entry(f"{nth}/{own}")]) for own, ledger in enumerate(ledgers) for nth in range(100))
        )
        for ledger in ledgers:
            await ledger.close()
    finally:
        await other.close()
    assert await held(database) == 300
    assert Counter(each.actor for each in await recorded(database)).most_common(1)[0][1] == 1


async def test_who_comes_while_another_records_goes_on_from_there(url: str, tenant: str, database: Database) -> None:
    other = await Database.open(url, tenant)
    await Ledger(database).append([entry("first")])

    async def third() -> None:
        async with other.writing() as connection:
            await append(connection, other, [entry("third")])

    try:
        async with database.writing() as connection:
            await append(connection, database, [entry("second")])
            waiting = asyncio.create_task(third())
            done, _ = await asyncio.wait({waiting}, timeout=0.3)
            assert not done
        await waiting
    finally:
        await other.close()
    assert [each.actor for each in await recorded(database)] == ["first", "second", "third"]
    assert await held(database) == 3


async def test_those_who_wait_are_recorded_by_one_commit(database: Database) -> None:
    ledger, moved = Ledger(database), [0]
    told = [asyncio.create_task(ledger.append([entry(str(nth))])) for nth in range(TOGETHER + 1)]
    async for head in heads(database, told):
        if head != moved[-1]:
            moved.append(head)
    assert moved in ([0, TOGETHER, TOGETHER + 1], [0, TOGETHER + 1])


async def heads(database: Database, running: Sequence["asyncio.Task[None]"]) -> AsyncIterator[int]:
    trail = Trail(database)
    while not all(each.done() for each in running):
        yield (await trail.head()).sequence
    yield (await trail.head()).sequence


async def test_what_nothing_can_tell_spoils_no_other(database: Database) -> None:
    ledger = Ledger(database)
    told = await asyncio.gather(
        *(ledger.append([entry(actor)]) for actor in ("1", "\ud800", "2")), return_exceptions=True
    )
    assert isinstance(told[1], StoreError)
    assert [each.actor for each in await recorded(database)] == ["1", "2"]
    assert await held(database) == 2


async def test_what_was_told_before_the_close_is_recorded(database: Database) -> None:
    ledger = Ledger(database)
    telling = [asyncio.create_task(ledger.append([entry(str(nth))])) for nth in range(20)]
    await asyncio.sleep(0)
    await ledger.close()
    assert await held(database) == 20
    await asyncio.gather(*telling)


async def test_who_gives_up_waiting_keeps_nobody_else_from_it(database: Database) -> None:
    ledger = Ledger(database)
    impatient, patient = (asyncio.create_task(ledger.append([entry(who)])) for who in ("impatient", "patient"))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    assert "patient" in [each.actor for each in await recorded(database)]


async def test_an_action_and_its_record_are_committed_together_or_not_at_all(database: Database) -> None:
    run = {"tenant": database.tenant, "kind": BACKFILL, "began_at": NOW, "moved_at": NOW, "place": "", "counts": "{}"}

    async def act(id_: str) -> None:
        async with database.writing() as connection:
            await connection.execute(insert(runs).values(run | {"id": id_}))
            await append(connection, database, [entry(id_)])
            if id_ == "fails":
                raise ZeroDivisionError

    await act("first")
    with pytest.raises(ZeroDivisionError):
        await act("fails")
    await act("second")
    assert sorted(each.id for each in await Runs(database).all()) == ["first", "second"]
    assert [each.actor for each in await recorded(database)] == ["first", "second"]
    assert await held(database) == 2


async def test_a_database_that_cannot_write_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crossdock.db?timeout=0.05"
    database, other = await Database.open(url), await Database.open(url)
    try:
        ledger = Ledger(database)
        async with other.writing():
            with pytest.raises(StoreUnavailable):
                await ledger.append([entry()])
        await ledger.append([entry()])
        assert await held(database) == 1
    finally:
        await database.close()
        await other.close()


async def test_tenants_have_chains_of_their_own(url: str, database: Database) -> None:
    other = await Database.open(url, uuid4().hex)
    try:
        await Ledger(database).append([entry("ours")])
        await Ledger(other).append([entry("theirs")])
        assert [each.actor for each in await recorded(other)] == ["theirs"]
        assert (await held(database), await held(other)) == (1, 1)
    finally:
        await other.close()


# -- reading -----------------------------------------------------------------------------------------------------------


async def test_an_export_is_from_a_time_on_and_before_another(database: Database) -> None:
    await Ledger(database).append([entry(str(nth), at=nth) for nth in range(10)])
    since, until = NOW + timedelta(seconds=3), NOW + timedelta(seconds=5)
    links = [link async for link in Trail(database).links(since=since, until=until)]
    assert [link.sequence for link in links] == [4, 5]
    assert links[1].previous == links[0].hash


async def test_a_chain_of_several_pages_is_read_whole(database: Database) -> None:
    length = 2 * PAGE
    await Ledger(database).append([entry(str(nth)) for nth in range(length)])
    assert await held(database) == length
    assert [each.actor for each in await recorded(database)] == [str(nth) for nth in range(length)]


ODD = ('50%_"\\', "INV-1", "inv-1", "INV-10", "☃\n")


@pytest.mark.parametrize("nth", range(len(ODD)))
async def test_who_saw_an_entity_is_told_by_its_exact_id(database: Database, nth: int) -> None:
    await Ledger(database).append([*(entry(f"saw {id_}", id_) for id_ in ODD), entry("saw two", *ODD[:2])])
    seen = [told.entry.actor async for told in Trail(database).who_saw("Invoice", ODD[nth])]
    assert seen == [f"saw {ODD[nth]}", *(["saw two"] if nth < 2 else [])]
    assert [told async for told in Trail(database).who_saw("Order", ODD[nth])] == []
    since = NOW + timedelta(seconds=1)
    assert [told async for told in Trail(database).who_saw("Invoice", ODD[nth], since=since)] == []


async def test_a_chain_is_verified_while_others_record(database: Database) -> None:
    ledger = Ledger(database, pace=0)

    async def record_some() -> None:
        for nth in range(20):
            await ledger.append([entry(str(nth))])

    recording = asyncio.gather(*(record_some() for _ in range(5)))
    lengths = [await held(database) for _ in range(5)]
    await recording
    assert lengths == sorted(lengths)
    assert await held(database) == 100


# -- tampering ---------------------------------------------------------------------------------------------------------

REFUSED = {
    "sqlite": (
        "UPDATE audit SET document = ''",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT tenant, sequence, at, previous, '', hash FROM audit",
    ),
    "postgresql": ("UPDATE audit SET document = ''", "DELETE FROM audit", "TRUNCATE audit"),
}


@pytest.mark.parametrize("nth", range(3))
async def test_the_database_refuses_to_alter_or_delete_a_record(database: Database, nth: int) -> None:
    await Ledger(database).append([entry()])
    with pytest.raises((DBAPIError, StoreError), match=r"append-only|not to be had|already exists|UNIQUE"):
        async with database.writing() as connection:
            await connection.execute(text(REFUSED[database.dialect][nth]))
    assert await recorded(database) == [entry()]


@asynccontextmanager
async def tampering(database: Database) -> AsyncIterator[AsyncConnection]:
    """As whoever may do everything with the database."""
    async with database.writing() as connection:
        if database.dialect == "postgresql":
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for name in ("audit_keeps_rows", "audit_loses_none", "audit_replaces_none"):
                await connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection


async def flip(database: Database, connection: AsyncConnection) -> None:
    link = [link async for link in Trail(database).links()][4]
    here = audit.c.sequence == 5, audit.c.tenant == database.tenant
    await connection.execute(update(audit).where(*here).values(document=link.document.replace("buyer", "nobody")))


async def file_elsewhere(database: Database, connection: AsyncConnection) -> None:
    here = audit.c.sequence == 5, audit.c.tenant == database.tenant
    await connection.execute(update(audit).where(*here).values(at=NOW - timedelta(days=365)))


async def remove(database: Database, connection: AsyncConnection) -> None:
    await connection.execute(delete(audit).where(audit.c.tenant == database.tenant, audit.c.sequence == 5))


async def swap(database: Database, connection: AsyncConnection) -> None:
    for place, to in ((5, 0), (8, 5), (0, 8)):
        here = audit.c.tenant == database.tenant, audit.c.sequence == place
        await connection.execute(update(audit).where(*here).values(sequence=to))


async def cut(database: Database, connection: AsyncConnection) -> None:
    await connection.execute(delete(audit).where(audit.c.tenant == database.tenant, audit.c.sequence >= 5))


async def behead(database: Database, connection: AsyncConnection) -> None:
    await connection.execute(delete(audit_heads).where(audit_heads.c.tenant == database.tenant))


async def cut_with_head(database: Database, connection: AsyncConnection) -> None:
    await cut(database, connection)
    last = [link async for link in Trail(database).links()][3]
    head = update(audit_heads).where(audit_heads.c.tenant == database.tenant)
    await connection.execute(head.values(sequence=4, hash=last.hash))


async def wipe(database: Database, connection: AsyncConnection) -> None:
    await connection.execute(delete(audit).where(audit.c.tenant == database.tenant))
    await behead(database, connection)


TAMPERING = {
    flip: (Kind.ALTERED, 5),
    file_elsewhere: (Kind.ALTERED, 5),
    remove: (Kind.MISSING, 5),
    swap: (Kind.REORDERED, 5),
    cut: (Kind.TRUNCATED, 5),
    behead: (Kind.ALTERED, 1),
}
HIDDEN = {cut_with_head: (Kind.TRUNCATED, 5), wipe: (Kind.TRUNCATED, 1)}
"""What only a checkpoint shows."""


def named(found: Break | None) -> tuple[Kind, int] | None:
    return (found.kind, found.sequence) if found else None


@pytest.mark.parametrize("tamper", [*TAMPERING, *HIDDEN], ids=lambda each: each.__name__)
async def test_whatever_is_done_to_the_tables_shows(database: Database, tamper: object) -> None:
    assert callable(tamper)
    trail = Trail(database)
    await Ledger(database).append([entry(f"buyer-{nth}") for nth in range(10)])
    checkpoint = await trail.checkpoint(now=NOW)
    async with tampering(database) as connection:
        await tamper(database, connection)
    _, alone = await trail.verify()
    _, found = await trail.verify(checkpoint)
    assert named(alone) == TAMPERING.get(tamper)
    assert named(found) == (TAMPERING | HIDDEN)[tamper]


async def test_nobody_records_after_a_head_that_was_set_back(database: Database) -> None:
    await Ledger(database).append([entry(str(nth)) for nth in range(3)])
    async with database.writing() as connection:
        start = genesis(database.tenant)
        head = update(audit_heads).where(audit_heads.c.tenant == database.tenant)
        await connection.execute(head.values(sequence=0, hash=start.hash))
    with pytest.raises(StoreError):
        await Ledger(database).append([entry("more")])
    assert [each.actor for each in await recorded(database)] == ["0", "1", "2"]


# -- the whole ---------------------------------------------------------------------------------------------------------


async def test_the_migrations_make_the_tables_we_describe(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(differences) == []


SCRIBE = """
import asyncio, sys
from store.audit import Ledger
from store.database import Database
from tests.store.test_audit import entry

async def scribe(url, tenant, life):
    ledger = Ledger(await Database.open(url, tenant), pace=0)

    async def write(who):
        nth = 0
        while True:
            actor = f"{life}/{who}/{(nth := nth + 1)}"
            await ledger.append([entry(actor)])
            print(actor, flush=True)

    await asyncio.gather(*map(write, range(8)))

asyncio.run(scribe(*sys.argv[1:]))
"""


async def test_a_chain_holds_what_was_acknowledged_whenever_its_writer_is_killed(
    url: str, tenant: str, database: Database
) -> None:
    acknowledged, kept = list[str](), set[str]()
    for life, most in enumerate((1, 100, 333)):
        scribe = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SCRIBE, url, tenant, str(life), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert scribe.stdout is not None
        for _ in range(most):
            acknowledged.append((await scribe.stdout.readline()).decode().strip())
        scribe.send_signal(signal.SIGKILL)
        rest = (await scribe.stdout.read()).decode()
        acknowledged += rest[: rest.rfind("\n") + 1].split()
        assert await scribe.wait() == -signal.SIGKILL
        kept = {each.actor for each in await recorded(database)}
        assert kept >= set(acknowledged)
        assert await held(database) == len(kept)
    await Ledger(database).append([replace(entry(), outcome=Outcome.DONE)])
    assert await held(database) == len(kept) + 1
