"""Log lines of applications under test go nowhere; tests that read them capture them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    with Path(os.devnull).open("w") as nowhere:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(nowhere))
        yield
        structlog.configure(**before)
