"""The command, as a process: what it prints, how it refuses, how it stops."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from graph import schema
from server.cli import app
from tests.server.test_app import environment

COMMAND = [sys.executable, "-m", "server.cli"]
CONTRACT = Path(__file__).parents[2] / "examples" / "distributor" / "erp" / "contract"


def crossdock(*arguments: str, **given: str) -> Result:
    return CliRunner(env=given).invoke(app, arguments)


def refused(done: Result) -> list[str]:
    """The lines of a refusal: exit status 2, nothing printed, no traceback."""
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


def test_help_needs_nothing_heavy() -> None:
    heavy = "strawberry", "graphql", "zeep", "starlette", "aiohttp", "pydantic"
    code = f"import sys, server.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_help_names_every_command() -> None:
    done = crossdock("--help")
    for command in ("serve", "demo", "token", "schema", "check-config", "wsdl"):
        assert f"\n  {command} " in done.stdout


# -- configuration -----------------------------------------------------------------------------------------------------


def test_serve_refuses_wrong_settings_one_line_each() -> None:
    lines = refused(crossdock("serve", CROSSDOCK_PORT="x", CROSSDOCK_ERP__URL="erp"))
    names = [line.partition(":")[0] for line in lines]
    assert {"CROSSDOCK_PORT", "CROSSDOCK_ERP__URL", "CROSSDOCK_ERP__KIND", "CROSSDOCK_OIDC"} <= set(names)
    assert len(names) == len(set(names))


def test_check_config_prints_the_effective_settings_without_secrets() -> None:
    done = crossdock("check-config", **environment("https://id.example.com", ERP__PASSWORD="s3cr3t"))
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert "CROSSDOCK_ERP__PASSWORD=**********" in lines
    assert "CROSSDOCK_PORT=8000" in lines
    assert "s3cr3t" not in done.stdout


def test_check_config_finds_what_an_adapter_lacks() -> None:
    (line,) = refused(crossdock("check-config", **environment("https://id.example.com", ERP__KIND="cobol")))
    assert line.startswith("CROSSDOCK_ERP__KIND: ")


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_busy_port_is_one_clear_line(taken: int) -> None:
    (line,) = refused(crossdock("serve", "--port", str(taken), **environment("https://id.example.com")))
    assert line.startswith(f"CROSSDOCK_PORT: 127.0.0.1:{taken} is not to be had (Address already in use)")


def test_a_busy_port_ends_the_demo_before_anything_starts(taken: int) -> None:
    (line,) = refused(crossdock("demo", PORT=str(taken)))
    assert line.startswith(f"PORT: 127.0.0.1:{taken} is not to be had (Address already in use)")


def test_a_token_without_a_demo_says_how_to_start_one(tmp_path: Path) -> None:
    (line,) = refused(crossdock("token", "buyer", PORT="1", XDG_RUNTIME_DIR=str(tmp_path)))
    assert line == "No demo runs at port 1; start one with `make demo`, or give its PORT."


# -- serving -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_until_it_is_told_to_stop(number: signal.Signals, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    environ = os.environ | environment("http://127.0.0.1:9", PORT=str(port))
    log = tmp_path / "log"
    with log.open("wb") as file, subprocess.Popen([*COMMAND, "serve"], env=environ, stderr=file) as process:
        assert _answers(f"http://127.0.0.1:{port}/healthz", process) == b'{"status":"ok"}'
        process.send_signal(number)
        assert process.wait(20) == 0
    lines = log.read_text().splitlines()
    assert all(line.startswith("{") and len(line) < 1024 for line in lines)
    assert any('"route":"/healthz"' in line for line in lines)


def _answers(url: str, process: subprocess.Popen[bytes]) -> bytes:
    """The first answer of a process that is starting."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: bytes = answer.read()
                return found
        except OSError:
            continue
    raise AssertionError(process.returncode)


# -- schema and WSDL ---------------------------------------------------------------------------------------------------


def test_schema_prints_what_check_compares_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = schema.sdl(schema.build())
    monkeypatch.chdir(tmp_path)
    done = crossdock("schema")
    assert (done.exit_code, done.stdout) == (0, printed)
    kept = tmp_path / "schema.graphql"
    kept.write_text(printed)
    assert crossdock("schema", "--check").exit_code == 0
    kept.write_text(printed.replace("type Viewer", "type Watcher", 1))
    done = crossdock("schema", "--check")
    assert done.exit_code == 1
    assert re.search(r"^-type Watcher", done.stdout, re.MULTILINE)
    assert re.search(r"^\+type Viewer", done.stdout, re.MULTILINE)
    assert "make schema" in done.stderr


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the standard library's name)
        pass


@pytest.fixture
def contract() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(CONTRACT))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/distribution.wsdl"
        server.shutdown()


def test_wsdl_tells_operations_and_types(contract: str) -> None:
    done = crossdock("wsdl", contract)
    assert done.exit_code == 0
    assert re.search(r"^  getList  \(SOAPAction \w+\)\n    asks    baseRef RecordRef 1\.\.n", done.stdout, re.MULTILINE)
    assert re.search(r"^  SalesOrder\n    entity RecordRef 1$", done.stdout, re.MULTILINE)


def test_what_is_no_wsdl_is_one_line(contract: str) -> None:
    done = crossdock("wsdl", f"{contract}.missing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [f"{contract}.missing cannot be read as a WSDL: wsdl: HTTP 404"]
