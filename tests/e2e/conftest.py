"""A simulated company for the whole session, and a Crossdock over it for each test."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from engine.execute import Engine
from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from graph import schema
from server import settings
from server.app import build
from server.telemetry import Telemetry
from tests.e2e.asking import Ask, running
from tests.engine.mode import MODE

START_SECONDS = 60
CARRIERS = tuple(f"CARRIERS__{name}" for name in ("UPS", "FEDEX", "USPS", "DHL", "LTL"))
PATIENT = {f"{source}__LIMITS__DEADLINE": "20" for source in ("ERP", "WMS", *CARRIERS)} | {"DEADLINE": "60"}
"""A busy machine is not what these tests are about; those about deadlines set their own."""

Crossdock = Callable[..., AbstractAsyncContextManager[Ask]]


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    with Fleet.start() as started:
        yield started


@pytest.fixture(scope="session")
def world() -> World:
    return World.build()


@pytest.fixture(scope="session")
def engine() -> Engine:
    return schema.engine(schema.build(), mode=MODE)


@pytest.fixture
def crossdock(fleet: Fleet, world: World, engine: Engine, tmp_path: Path) -> Iterator[Crossdock]:
    """Opens a Crossdock with nothing remembered; keyword arguments are settings (``ERP__LIMITS__DEADLINE="1"``)."""
    fleet.clear_faults()
    fleet.thaw()
    fleet.set_clock(START)

    @asynccontextmanager
    async def opened(**given: str) -> AsyncIterator[Ask]:
        own = {f"CROSSDOCK_{name}": value for name, value in (PATIENT | given).items()}
        audited = {"CROSSDOCK_STORE__AUDIT_URL": f"sqlite:///{tmp_path}/audit.db"}
        app = build(settings.load(environment(fleet.urls) | audited | own), engine, Telemetry())
        async with running(app) as state:
            yield Ask(app, state, fleet, world, START)

    yield opened
    fleet.clear_faults()


@pytest.fixture(scope="session")
def served(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real `crossdock serve` over the fleet; its memory begins empty and is filled by events alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("crossdock")), "serve", "--port", str(port)]
    store = f"sqlite:///{tmp_path_factory.mktemp('served')}/crossdock.db"
    quiet = {"CROSSDOCK_LOG_LEVEL": "warning", "CROSSDOCK_INGEST__BACKFILL": "false"}
    own = {**os.environ, **environment(fleet.urls, store), **quiet}
    with subprocess.Popen(command, env=own) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _await_ready(process, f"{address}/readyz")
            yield address
        finally:
            process.terminate()


def _await_ready(process: subprocess.Popen[bytes], url: str) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        assert process.poll() is None, "crossdock serve has ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as reply:
            if reply.status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"{url} did not answer within {START_SECONDS} s")


@pytest.fixture
async def ask(crossdock: Crossdock) -> AsyncIterator[Ask]:
    async with crossdock() as asking:
        yield asking
