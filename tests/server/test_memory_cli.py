"""The memory commands do over a database what they say, and tell a wrong setting by its name."""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from domain.comparison import Comparison, Difference
from domain.events import Delivery, Subject
from domain.model import ShipmentStatus as S
from examples.distributor.environment import environment
from examples.distributor.fleet import SIMULATORS
from server.cli import app
from store.database import Database
from store.inbox import Inbox, State
from store.shadow import Shadows
from tests.domain.samples import NOW, event, invoice, order, shipment, tracking
from tests.store.telling import tell, worker

NOWHERE = dict.fromkeys(SIMULATORS, "http://127.0.0.1:9")


class Desk:
    """Runs ``crossdock`` over a database of its own; nothing it is told here needs a source."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/crossdock.db"
        self.environ = {
            name: value for name, value in environment(NOWHERE, self.url).items() if "DEMO__CLOCK" not in name
        }

    def __call__(self, *words: str, code: int = 0) -> str:
        ran = CliRunner().invoke(app, words, env=self.environ)
        assert ran.exit_code == code, (ran.output, ran.exception)
        return ran.output

    async def open(self) -> Database:
        return await Database.open(self.url)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A command logs to the standard error of its own; the tests after it have another."""
    before = structlog.get_config()
    yield Desk(tmp_path)
    structlog.configure(**before)
    logging.basicConfig(force=True)


def given(desk: Desk, deliveries: Sequence[Delivery] = ()) -> None:
    """An order with all that belongs to it, and ``deliveries`` as the worker leaves them."""

    async def fill() -> None:
        database = await desk.open()
        await tell(database, order(), shipment(), tracking(event(S.IN_TRANSIT)), invoice())
        await Inbox(database).accept(deliveries)
        await worker(database).drain()
        await database.close()

    asyncio.run(fill())


def state(desk: Desk, source: str, id_: str) -> State:
    async def read() -> State:
        database = await desk.open()
        found = await Inbox(database).show((source, id_))
        await database.close()
        assert found is not None
        return found[1]

    return asyncio.run(read())


POISON = Delivery("wms", "evil", "Shipment Update", NOW, b"\xff{", {"content-type": "application/json"})
STRANGE = Delivery("fax", "1", "letter", NOW, b"Dear sirs")


def test_dead_letters_are_listed_shown_and_replayed(desk: Desk) -> None:
    given(desk, [POISON, STRANGE])
    listed = desk("dead-letters", "list")
    assert "wms  evil  Shipment Update  unknown source" in listed
    assert "fax  1  letter" in listed
    assert "evil" not in desk("dead-letters", "list", "--source", "fax")
    shown = desk("dead-letters", "show", "wms", "evil")
    assert "received 2026-11-20 15:00:00, dead" in shown
    assert "content-type: application/json" in shown
    assert "\\xff{" in shown
    assert "No delivery" in desk("dead-letters", "show", "wms", "other", code=1)
    assert desk("dead-letters", "replay", "--source", "wms", "--reason", "unknown source") == (
        "1 will be worked on anew.\n"
    )
    assert (state(desk, "wms", "evil"), state(desk, "fax", "1")) == (State.PENDING, State.DEAD)


def test_what_came_since_a_time_is_replayed(desk: Desk) -> None:
    given(desk)
    assert desk("events", "replay", "--since", "2026-11-21") == "0 will be worked on anew.\n"
    assert desk("events", "replay", "--since", "2026-11-20T15:00:00", "--source", "erp") == (
        "2 will be worked on anew.\n"
    )
    assert state(desk, "erp", "0") is State.PENDING


def test_an_order_is_explained_with_its_evidence_and_its_story(desk: Desk) -> None:
    given(desk)
    told = desk("order", "explain", "SO1")
    assert told.startswith("SO1  SHIPPED")
    assert "missing" in told
    assert "tracking 1Z999AA10123456784" in told
    assert told.index("Known from") < told.index("Line 1") < told.index("Shipment SH1") < told.index("Timeline")
    assert "No order 'SO9' is remembered." in desk("order", "explain", "SO9", code=1)


def test_what_two_erps_say_otherwise_is_reported_by_field_and_forgotten(desk: Desk) -> None:
    async def fill() -> None:
        database = await desk.open()
        flip = Difference("lifecycle", "lifecycle", "CONFIRMED", "RECEIVED")
        told = [Comparison(Subject.ORDER, id_, "erp", "erp_next", NOW, (flip,)) for id_ in ("SO1", "SO2")]
        await Shadows(database).add([*told, Comparison(Subject.ORDER, "SO3", "erp", "erp_next", NOW, ())])
        await database.close()

    assert "Nothing was compared yet: CROSSDOCK_COEXISTENCE__SHADOW" in desk("shadow", "report", code=1)
    asyncio.run(fill())
    assert desk("shadow", "report", "--examples", "1").splitlines() == [
        "Compared: 3 order.",
        "ORDER lifecycle: 2 of 3",
        "    SO1 lifecycle: CONFIRMED (erp) is RECEIVED (erp_next)",
    ]
    desk("shadow", "forget")
    desk("shadow", "report", code=1)


def test_the_catalogue_is_printed_as_a_page_and_as_asyncapi(desk: Desk) -> None:
    docs = Path(__file__).parents[2] / "docs"
    assert desk("event-catalogue") == (docs / "events.md").read_text()
    assert desk("event-catalogue", "--asyncapi") == (docs / "asyncapi.json").read_text()


@pytest.mark.parametrize("words", [("dead-letters", "list"), ("order", "explain", "SO1"), ("backfill",), ("worker",)])
def test_without_memory_the_setting_is_named(desk: Desk, words: tuple[str, ...]) -> None:
    desk.environ["CROSSDOCK_STORE__URL"] = "off"
    assert "CROSSDOCK_STORE__URL: is off" in desk(*words, code=2)


def test_a_database_that_is_not_to_be_had_is_a_wrong_setting(desk: Desk) -> None:
    desk.environ["CROSSDOCK_STORE__URL"] = "sqlite:////proc/nowhere/crossdock.db"
    assert "CROSSDOCK_STORE__URL: is not to be had" in desk("dead-letters", "list", code=2)
    desk.environ["CROSSDOCK_STORE__URL"] = "postgresql://crossdock:s3cret@127.0.0.1:9/crossdock"
    told = desk("dead-letters", "list", code=2)
    assert "CROSSDOCK_STORE__URL: is not to be had" in told
    assert "s3cret" not in told


def test_a_demo_that_does_not_run_is_told(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert "No demo runs at port 8123" in desk("order", "explain", "SO1", "--demo", "8123", code=2)


def test_a_server_without_its_database_does_not_start_and_names_the_setting(desk: Desk) -> None:
    plain = {name: value for name, value in desk.environ.items() if "CROSSDOCK_DEMO" not in name}
    given = os.environ | plain | {"CROSSDOCK_STORE__URL": "sqlite:////proc/nowhere/crossdock.db"}
    command = [sys.executable, "-m", "server.cli", "serve", "--port", "0"]
    ran = subprocess.run(command, env=given, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 3
    assert "CROSSDOCK_STORE__URL: is not to be had" in ran.stderr
