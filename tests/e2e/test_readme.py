"""Every command in the README does what the README says."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.distributor.fleet import Fleet

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
ANSWER = re.search(r"```json\n(.*?)```", README, re.DOTALL)
PATIENCE = 60.0
CROSSDOCK = str(Path(sys.executable).with_name("crossdock"))


def block(words: str) -> str:
    found: str
    (found,) = (each for each in SHELL if words in each)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running `make demo` on a free port, and the environment to ask it from."""
    tmp_path = tmp_path_factory.mktemp("demo")
    environ = os.environ | {"PORT": "0", "RATE": "600", "XDG_RUNTIME_DIR": str(tmp_path)}
    printed = tmp_path / "printed"
    with (
        printed.open("w") as out,
        subprocess.Popen([CROSSDOCK, "demo"], env=environ, stdout=out, stderr=out) as process,
    ):
        ends = time.monotonic() + PATIENCE
        while (address := re.search(r"GraphQL +http://127.0.0.1:(\d+)", printed.read_text())) is None:
            assert time.monotonic() < ends, printed.read_text()
            time.sleep(0.1)
        try:
            yield environ | {"PORT": address[1]}
        finally:
            process.terminate()


def test_the_first_query_has_the_answer_that_stands_there(demo: dict[str, str]) -> None:
    command = block("crossdock query")
    ran = subprocess.run(["bash", "-c", command], cwd=ROOT, env=demo, capture_output=True, text=True, check=True)
    assert ANSWER is not None
    assert json.loads(ran.stdout) == json.loads(ANSWER[1])


def test_an_order_is_followed_as_it_moves(demo: dict[str, str]) -> None:
    command = block("crossdock follow").split()
    with subprocess.Popen(command, cwd=ROOT, env=demo, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        first = following.stdout.readline()
        following.terminate()
    assert re.fullmatch(r"2026-11-\d\dT[\d:]+Z  SO-108742  [A-Z_]+  .+\n", first)


def test_an_order_is_explained_from_the_demos_memory(demo: dict[str, str]) -> None:
    command = re.search(r"crossdock (order explain \S+)`", README)
    assert command is not None
    asked = [CROSSDOCK, *command[1].split(), "--demo", demo["PORT"]]
    ends = time.monotonic() + PATIENCE
    while (ran := subprocess.run(asked, env=demo, capture_output=True, text=True, check=False)).returncode:
        assert time.monotonic() < ends, ran.stderr
        time.sleep(0.5)
    assert ran.stdout.startswith("SO-108742  ")
    assert "  because  " in ran.stdout
    assert "\nTimeline\n" in ran.stdout


def test_a_token_is_all_that_is_printed(demo: dict[str, str]) -> None:
    ran = subprocess.run(["make", "-s", "token"], cwd=ROOT, env=demo, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", ran.stdout)


def test_the_settings_that_stand_there_are_complete(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    given = dict(re.findall(r"(CROSSDOCK_\w+)=(\S+)", block("CROSSDOCK_ERP__KIND")))
    files = {name: str(secret) for name in given if name.endswith("_FILE")}
    assert files
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CROSSDOCK_")}
    ran = subprocess.run(
        [CROSSDOCK, "check-config"], env=plain | given | files, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "CROSSDOCK_ERP__URL=https://erp.example.com/services/erp" in ran.stdout
    assert "s3cret" not in ran.stdout


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake (?:-s )?([a-z]+)", README))))
def test_every_make_target_exists(target: str) -> None:
    subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, check=True)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"crossdock ([a-z]+(?:-[a-z]+)?)`", README))))
def test_every_crossdock_command_exists(command: str) -> None:
    subprocess.run([CROSSDOCK, command, "--help"], capture_output=True, check=True)


def test_the_wsdl_of_the_simulated_erp_is_listed(fleet: Fleet) -> None:
    ran = subprocess.run([CROSSDOCK, "wsdl", f"{fleet.urls['erp']}/?wsdl"], capture_output=True, text=True, check=True)
    assert "getList" in ran.stdout


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:sources|tests|examples)/[\w/.]+)`", README))))
def test_every_file_exists(path: str) -> None:
    assert (ROOT / path).exists()
