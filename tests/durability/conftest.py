"""Durability is judged over processes that are killed, on SQLite and on a PostgreSQL that may be killed too."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests import postgres
from tests.durability.sites import Sites, sites


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/crossdock.db"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
def cluster() -> Iterator[postgres.Cluster]:
    """A PostgreSQL that a test may kill."""
    with postgres.cluster(segment=1) as ours:
        yield ours


@pytest.fixture
def tenant() -> str:
    return uuid4().hex


@pytest.fixture
async def nursery(tmp_path: Path) -> AsyncIterator[Sites]:
    async with sites(tmp_path / "sites.log") as started:
        yield started
