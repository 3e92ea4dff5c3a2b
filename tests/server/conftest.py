"""A small house for the tests of a module; log lines of what is under test go nowhere unless they are captured."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from tests.server.asking import Open, opened
from tests.server.house import House


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    with Path(os.devnull).open("w") as nowhere:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        yield
        structlog.configure(**before)


@pytest.fixture(scope="module")
def shared() -> Iterator[Open]:
    with opened() as both:
        yield both


@pytest.fixture
def house(shared: Open) -> House:
    shared[0].executed.clear()
    shared[0].exchanges.clear()
    return shared[0]


@pytest.fixture
def asker(shared: Open, house: House) -> httpx.Client:
    return shared[1]
