"""What cannot be stored is refused and not there; what was accepted is; and with room to write all goes on by itself.

A disk is full in several ways: by the largest size of a file that the kernel allows a process, which needs no rights
and so runs everywhere; and, for whoever may mount one, on a file system that is too small.
"""

import asyncio
import resource
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from tests.durability.crowd import Crowd, Noted, crowd
from tests.durability.site import Order
from tests.durability.sites import Site, Sites
from tests.durability.verdict import judge, judge_inbox, kept_in, opened, worked_off
from tests.postgres import Cluster

PADDING = 60_000
FULL = 1 << 20
"""Bytes of the largest file that may be, when the disk is full."""

BALLAST = 16 << 20
SMALL = BALLAST + (3 << 20)

LONG = 600.0
"""Seconds of a lease that no test waits for: what was claimed when the disk was full is worked on without."""

MANY = 10


@asynccontextmanager
async def at_work(nursery: Sites, order: Order) -> AsyncIterator[tuple[Crowd, Site]]:
    async with crowd(padding=PADDING) as senders, nursery.running(order) as site:
        yield senders, site


async def judge_all(order: Order, senders: Crowd, site: Site) -> None:
    """The same process goes on, and in the end all is as if nothing had been."""
    async with senders.telling(site.address):
        await senders.accepted(MANY)
    await senders.settle_up(site.address)
    await worked_off(order.url, order.tenant)
    await judge(order.url, order.tenant, senders.noted)
    assert senders.noted.answers.keys() <= {202, 503}


async def refused_until(
    senders: Crowd, site: Site, order: Order, fill: Callable[[], None], give_back: Callable[[], None]
) -> None:
    """Tells until the disk is full and for a while after, looks, gives room back, and tells on."""
    async with senders.telling(site.address):
        await senders.accepted(MANY)
        await asyncio.to_thread(fill)
        await senders.refused(MANY)
    await judge_full(order, senders.noted)
    await asyncio.to_thread(give_back)
    await judge_all(order, senders, site)


async def judge_full(order: Order, noted: Noted) -> None:
    async with opened(order.url, order.tenant) as database:
        assert await database.is_sound()
        kept = await kept_in(database)
    judge_inbox(kept, noted)
    assert noted.refused
    assert noted.refused & kept.keys() == set()


async def test_a_sqlite_file_that_cannot_grow_refuses_and_goes_on_when_it_can(
    nursery: Sites, tmp_path: Path, tenant: str
) -> None:
    order = Order(f"sqlite:///{tmp_path}/crossdock.db", tenant, lease=LONG)
    async with at_work(nursery, order) as (senders, site):
        _, most = resource.prlimit(site.pid, resource.RLIMIT_FSIZE)

        def limit(size: int) -> None:
            resource.prlimit(site.pid, resource.RLIMIT_FSIZE, (size, most))

        await refused_until(senders, site, order, lambda: limit(FULL), lambda: limit(most))


async def test_a_sqlite_file_on_a_full_file_system_refuses_and_goes_on_when_there_is_room(
    nursery: Sites, small: Path, tenant: str
) -> None:
    order = Order(f"sqlite:///{small}/crossdock.db", tenant, lease=LONG)
    ballast = small / "ballast"
    async with at_work(nursery, order) as (senders, site):
        await refused_until(senders, site, order, lambda: _fill(ballast), ballast.unlink)


async def test_a_postgresql_whose_files_cannot_grow_refuses_and_goes_on_when_they_can(
    nursery: Sites, cluster: Cluster, tenant: str
) -> None:
    order = Order(cluster.url, tenant, lease=LONG)
    async with at_work(nursery, order) as (senders, site):
        await refused_until(senders, site, order, lambda: cluster.limit(FULL), lambda: cluster.limit(None))


async def test_a_sqlite_file_that_another_process_holds_refuses_and_goes_on_when_it_lets_go(
    nursery: Sites, tmp_path: Path, tenant: str
) -> None:
    order = Order(f"sqlite:///{tmp_path}/crossdock.db?timeout=0.5", tenant, lease=LONG)
    async with at_work(nursery, order) as (senders, site):
        async with senders.telling(site.address):
            await senders.accepted(MANY)
            with closing(sqlite3.connect(tmp_path / "crossdock.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await senders.refused(1)
                other.execute("ROLLBACK")
        await judge_all(order, senders, site)


async def test_a_table_of_postgresql_that_somebody_holds_refuses_and_goes_on_when_they_let_go(
    nursery: Sites, postgres_url: str, tenant: str
) -> None:
    order = Order(postgres_url, tenant, lease=LONG, patience=0.5)
    async with at_work(nursery, order) as (senders, site):
        async with senders.telling(site.address):
            await senders.accepted(MANY)
            async with opened(postgres_url, tenant) as other, other.writing() as connection:
                await connection.exec_driver_sql("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
                await senders.refused(1)
        await judge_all(order, senders, site)


async def test_a_stop_under_load_loses_nothing_and_leaves_nothing_claimed(
    nursery: Sites, url: str, tenant: str
) -> None:
    order = Order(url, tenant, lease=LONG)
    async with at_work(nursery, order) as (senders, site):
        for _ in range(3):
            stopped = await nursery.start(order)
            async with senders.telling(stopped.address):
                await senders.accepted(MANY)
                await stopped.stop()
            async with opened(url, tenant) as database:
                judge_inbox(await kept_in(database), senders.noted)
        await judge_all(order, senders, site)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, as large as the ballast and a little."""
    with _mounted(tmp_path) as mounted:
        yield mounted


@contextmanager
def _mounted(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={SMALL}", "crossdock-test"]
    done = subprocess.run(["mount", *options, place], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"only who may mount can: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _fill(ballast: Path) -> None:
    """Leaves room for a few pages."""
    with ballast.open("wb", buffering=0) as written:
        try:
            for _ in range(BALLAST // 4096):
                written.write(bytes(4096))
        except OSError:
            pass
