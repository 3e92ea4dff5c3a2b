"""The running demo is found by its owner alone, and only where it really is."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from examples.distributor.fleet import Fleet
from examples.distributor.idp import DEMO_SECRET
from server import demo_state
from server.demo_state import NoDemo, State

PORT = 8123
NOWHERE = State("http://127.0.0.1:9/token", DEMO_SECRET, ["buyer"], {})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def idp() -> Iterator[str]:
    with Fleet.start(names=("idp",)) as fleet:
        yield fleet.urls["idp"]


def test_a_token_of_the_running_demo_is_printed_as_the_provider_gives_it(idp: str, folder: Path) -> None:
    with demo_state.kept(PORT, State(f"{idp}/token", DEMO_SECRET, ["buyer", "rep"], {})):
        assert demo_state.token("rep", PORT).count(".") == 2
        assert demo_state.place(PORT).stat().st_mode & 0o777 == 0o600
        with pytest.raises(NoDemo, match="No persona 'root'; there are buyer, rep"):
            demo_state.token("root", PORT)
    assert list(folder.iterdir()) == []


def test_without_a_demo_one_is_told_how_to_start_it() -> None:
    with pytest.raises(NoDemo, match="No demo runs at port 8123; start one with `make demo`"):
        demo_state.token("buyer", PORT)


def test_a_demo_that_died_does_not_answer() -> None:
    with (
        demo_state.kept(PORT, NOWHERE),
        pytest.raises(NoDemo, match="does not answer"),
    ):
        demo_state.token("buyer", PORT)


def test_a_state_file_left_behind_is_replaced_and_what_it_links_to_is_not_touched(folder: Path) -> None:
    elsewhere = folder / "precious"
    elsewhere.write_text("{}")
    demo_state.place(PORT).symlink_to(elsewhere)
    with pytest.raises(NoDemo):
        demo_state.token("buyer", PORT)
    with demo_state.kept(PORT, NOWHERE):
        assert msgspec.json.decode(demo_state.place(PORT).read_bytes(), type=State) == NOWHERE
    assert elsewhere.read_text() == "{}"


@pytest.mark.parametrize("text", ["", "x", "[]"])
def test_a_state_file_that_is_none_is_no_demo(text: str) -> None:
    demo_state.place(PORT).write_text(text)
    with pytest.raises(NoDemo):
        demo_state.token("buyer", PORT)


def test_somebody_elses_file_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    us = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: us + 1)
    demo_state.place(PORT).write_bytes(msgspec.json.encode(NOWHERE))
    with pytest.raises(NoDemo, match="is not ours"):
        demo_state.token("buyer", PORT)
