"""Durability is judged over processes that are killed, on SQLite and on a PostgreSQL that may be killed too."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.durability.sites import Sites, sites
from tests.store.conftest import postgres_url, tenant, url

__all__ = ["postgres_url", "tenant", "url"]


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL that a test may kill."""
    with postgres.cluster(segment=1) as ours:
        yield ours


@pytest.fixture
async def nursery(tmp_path: Path) -> AsyncIterator[Sites]:
    async with sites(tmp_path / "sites.log") as started:
        yield started
