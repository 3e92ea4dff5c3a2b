"""The audit commands verify, export and ask the chain of the database that the settings name, and say what is wrong."""

import asyncio
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
import typer
from sqlalchemy import text
from typer.testing import CliRunner, Result

from domain.audit import Entry, Item, Outcome
from examples.distributor.environment import environment
from examples.distributor.fleet import SIMULATORS
from server import audit_cli
from store.audit import Ledger
from store.database import Database
from tests.domain.samples import NOW

NOWHERE = dict.fromkeys(SIMULATORS, "http://127.0.0.1:9")
PAGE = Path(__file__).parents[2] / "docs" / "audit.md"

crossdock = typer.Typer()
audit_cli.add_to(crossdock)


def entry(nth: int) -> Entry:
    item = Item("Invoice", "invoice:read", (f"INV-{nth}",), ("Invoice.balance", "Invoice.total"))
    return Entry(NOW + timedelta(hours=nth), "ann", "SERVICE", None, "read", (item,), f"c-{nth}", Outcome.SHOWN)


class Chain:
    """A chain of five, and ``crossdock audit`` over it."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder}/crossdock.db"
        self.url = url
        self.folder = folder
        self.environ = {name: value for name, value in environment(NOWHERE, url).items() if "DEMO__CLOCK" not in name}
        self.do()

    def do(self, *statements: str, records: range = range(1, 6)) -> None:
        """``statements``: by whoever may do everything with the database; without any, ``records`` are recorded."""

        async def doing() -> None:
            database = await Database.open(self.url)
            if not statements:
                await Ledger(database).append([entry(nth) for nth in records])
            async with database.writing() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
            await database.close()

        asyncio.run(doing())

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(crossdock, ["audit", *words], env=self.environ)

    def __call__(self, *words: str, code: int = 0) -> str:
        ran = self.run(*words)
        assert ran.exit_code == code, (ran.output, ran.exception)
        return ran.output

    def file(self, name: str, content: str) -> str:
        path = self.folder / name
        path.write_text(content)
        return str(path)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    """A command logs to the standard error of its own; the tests after it have another."""
    before = structlog.get_config()
    yield Chain(tmp_path)
    structlog.configure(**before)
    logging.basicConfig(force=True)


def test_a_chain_that_holds_is_told_to(chain: Chain) -> None:
    ran = chain.run("verify")
    assert (ran.exit_code, ran.stdout) == (0, "The chain holds: 5 records.\n")
    assert "Without a checkpoint" in ran.stderr


def test_the_place_where_it_does_not_hold_is_told(chain: Chain) -> None:
    chain.do("DROP TRIGGER audit_loses_none", "DELETE FROM audit WHERE sequence = 3")
    ran = chain.run("verify")
    assert ran.exit_code == 1
    assert ran.stderr == (
        "The chain holds up to record 2, and not beyond: record 3 is missing: record 4 stands in its place.\n"
    )


def test_a_chain_that_was_wiped_is_found_by_an_earlier_checkpoint(chain: Chain) -> None:
    checkpoint = chain.file("checkpoint", chain("checkpoint"))
    assert chain("verify", "--checkpoint", checkpoint) == "The chain holds: 5 records.\n"
    chain.do()
    assert chain("verify", "--checkpoint", checkpoint) == "The chain holds: 10 records.\n"
    chain.do("DROP TRIGGER audit_loses_none", "DELETE FROM audit", "DELETE FROM audit_heads")
    assert "0 records" in chain("verify")
    assert "record 1 is truncated: the checkpoint tells of 5" in chain("verify", "--checkpoint", checkpoint, code=1)


def test_a_checkpoint_can_be_signed(chain: Chain) -> None:
    key, other = chain.file("key", "k" * 32), chain.file("other", "o" * 32)
    signed = chain.file("signed", chain("checkpoint", "--key-file", key))
    assert "5 records" in chain("verify", "--checkpoint", signed, "--key-file", key)
    assert "not signed by this key" in chain("verify", "--checkpoint", signed, "--key-file", other, code=2)
    plain = chain.file("plain", chain("checkpoint"))
    assert "not signed by this key" in chain("verify", "--checkpoint", plain, "--key-file", key, code=2)
    assert "no checkpoint" in chain("verify", "--checkpoint", chain.file("junk", "{}"), code=2)


def test_records_are_exported_as_lines_from_a_time_on(chain: Chain) -> None:
    lines = [json.loads(line) for line in chain("export").splitlines()]
    assert [json.loads(line["document"])["sequence"] for line in lines] == [1, 2, 3, 4, 5]
    some = chain("export", "--since", "2026-11-20T17:00:00", "--until", "2026-11-20T19:00:00").splitlines()
    assert [json.loads(line) for line in some] == lines[1:3]


def test_an_export_is_checked_by_the_program_of_the_page_alone(chain: Chain) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exported = chain("export")

    def checked(lines: str) -> tuple[int, str]:
        ran = subprocess.run(
            [sys.executable, "-I", "-c", program], input=lines, capture_output=True, text=True, check=False
        )
        return ran.returncode, ran.stdout or ran.stderr

    assert checked(exported) == (0, "5 records hold\n")
    kept = exported.splitlines(keepends=True)
    for spoiled in (exported.replace("INV-3", "INV-4"), "".join(kept[:2] + kept[3:]), "".join(reversed(kept))):
        code, told = checked(spoiled)
        assert (code, "does not hold" in told) == (1, True)


def test_who_saw_something_is_told(chain: Chain) -> None:
    assert chain("who-saw", "Invoice", "INV-3") == (
        "2026-11-20 18:00:00  ann  SERVICE  -  read  SHOWN  Invoice.balance Invoice.total  c-3\n"
    )
    assert chain("who-saw", "Invoice", "INV-3", "--since", "2026-11-20T18:00:01") == ""
    assert chain("who-saw", "Order", "INV-3") == ""


@pytest.mark.parametrize("words", [("verify",), ("export",), ("who-saw", "Invoice", "INV-1"), ("checkpoint",)])
def test_without_memory_the_setting_is_named(chain: Chain, words: tuple[str, ...]) -> None:
    chain.environ["CROSSDOCK_STORE__URL"] = "off"
    assert "CROSSDOCK_STORE__URL: is off" in chain(*words, code=2)


def test_a_demo_that_does_not_run_is_told(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert "No demo runs at port 8123" in chain("verify", "--demo", "8123", code=2)
