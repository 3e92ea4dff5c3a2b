"""Nothing acknowledged is ever lost, nothing is worked on twice: across SIGKILL at any point, under load (law E5)."""

import asyncio

import pytest

from tests.durability.crowd import crowd
from tests.durability.site import Order
from tests.durability.sites import Sites
from tests.durability.verdict import judge, worked_off
from tests.postgres import Cluster

MOST_ANSWERS = 60
"""Messages that a site may answer before it is killed; it may also be killed before its store is open."""

MOST_SECONDS = 0.1
"""From the last of them; fold and commit go on meanwhile."""


async def killed(nursery: Sites, url: str, tenant: str, kills: int) -> None:
    """One site after the other."""
    order = Order(url, tenant)
    async with crowd() as senders:
        chance = senders.chance
        for _ in range(kills):
            site = await nursery.start(order)
            async with senders.telling(site.address):
                await senders.answered(chance.choice((0, chance.randrange(MOST_ANSWERS))))
                await asyncio.sleep(chance.uniform(0, MOST_SECONDS))
                await site.kill()
        async with nursery.running(order) as site:
            await senders.settle_up(site.address)
            await worked_off(url, tenant)
        await judge(url, tenant, senders.noted)


async def outlived(nursery: Sites, cluster: Cluster, tenant: str, kills: int) -> None:
    """One site, and a database that is killed under it."""
    order = Order(cluster.url, tenant)
    async with crowd() as senders, nursery.running(order) as site:
        chance = senders.chance
        for _ in range(kills):
            async with senders.telling(site.address):
                await senders.accepted(chance.randrange(MOST_ANSWERS))
                await asyncio.sleep(chance.uniform(0, MOST_SECONDS))
                await asyncio.to_thread(cluster.kill)
                await senders.refused(1)
                await asyncio.to_thread(cluster.start)
                await senders.accepted(1)
        await senders.settle_up(site.address)
        await worked_off(cluster.url, tenant)
        await judge(cluster.url, tenant, senders.noted)


async def test_what_was_acknowledged_is_remembered_once_whenever_the_process_is_killed(
    nursery: Sites, url: str, tenant: str
) -> None:
    await killed(nursery, url, tenant, kills=12)


async def test_what_was_acknowledged_is_remembered_once_whenever_postgresql_is_killed(
    nursery: Sites, cluster: Cluster, tenant: str
) -> None:
    await outlived(nursery, cluster, tenant, kills=3)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_what_was_acknowledged_is_remembered_once_after_two_hundred_kills(
    nursery: Sites, url: str, tenant: str
) -> None:
    await killed(nursery, url, tenant, kills=200)


@pytest.mark.soak
@pytest.mark.timeout(1800)
async def test_what_was_acknowledged_is_remembered_once_after_forty_kills_of_postgresql(
    nursery: Sites, cluster: Cluster, tenant: str
) -> None:
    await outlived(nursery, cluster, tenant, kills=40)
