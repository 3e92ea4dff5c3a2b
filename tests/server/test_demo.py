"""The demo as a person meets it: what it prints works, what dies is told, what stops leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from examples.distributor.fleet import SIMULATORS
from examples.distributor.world.accounts import PERSONAS

COMMAND = [sys.executable, "-m", "server.cli"]
READY = "Ctrl-C stops everything."
ASK = ".venv/bin/crossdock query"
PATIENCE = 60.0


def until(log: Path, words: str) -> str:
    """What was printed once ``words`` are in it."""
    ends = time.monotonic() + PATIENCE
    while words not in (printed := log.read_text()):
        assert time.monotonic() < ends, printed
        time.sleep(0.1)
    return printed


def test_the_demo_from_start_to_stop(tmp_path: Path) -> None:
    log = tmp_path / "printed"
    environ = os.environ | {"PORT": "0", "XDG_RUNTIME_DIR": str(tmp_path)}
    with log.open("w") as out, subprocess.Popen([*COMMAND, "demo"], env=environ, stdout=out, stderr=out) as demo:
        try:
            printed = until(log, READY)
            assert all(f"  {name} " in printed for name in (*PERSONAS, *SIMULATORS))

            pasted = printed[printed.index(ASK) - len("PORT=00000 ") :].partition("\n\n")[0]
            asked = ["bash", "-c", pasted.replace(ASK, f"{sys.executable} -m server.cli query")]
            answer = subprocess.run(asked, env=environ, capture_output=True, text=True, check=True)
            assert '"status":' in answer.stdout
            assert '"errors"' not in answer.stdout

            systems = psutil.Process(demo.pid).children()
            assert len(systems) == len(SIMULATORS)
            next(each for each in systems if "examples.distributor.dhl" in each.cmdline()).kill()
            until(log, "The simulated system dhl has ended")

            demo.send_signal(signal.SIGINT)
            assert demo.wait(PATIENCE) == 0
        finally:
            demo.kill()
    assert "Traceback" not in log.read_text()
    assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in systems)
    assert [path.name for path in tmp_path.iterdir()] == ["printed"]
