"""Every test of the store runs on SQLite and on PostgreSQL, as a tenant of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from store.database import Database
from tests import postgres


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
def tenant() -> str:
    return uuid4().hex


@pytest.fixture
async def database(url: str, tenant: str) -> AsyncIterator[Database]:
    opened = await Database.open(url, tenant)
    yield opened
    await opened.close()
