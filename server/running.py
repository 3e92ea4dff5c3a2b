"""Runs the application in this process, on a port taken before anything else is started."""

import gc
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import stamina.instrumentation
import structlog
import uvicorn

from graph import schema
from server import logs
from server.app import build
from server.environment import Misconfigured, Problem, variable
from server.settings import Settings
from server.streams import Streams
from server.telemetry import Telemetry

BACKLOG = 2048
UNTAKEN = 30_000
"""Milliseconds that what was sent may stay unacknowledged until the connection is dropped, where the system can."""
COLLECT_AFTER = (50_000, 20, 100)
"""The collector's thresholds (``gc.set_threshold``)."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at the address. Raises Misconfigured when the address is not to be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        name = "host" if isinstance(error, socket.gaierror) else "port"
        reason = f"{host}:{port} is not to be had ({error.strerror}); stop what listens there, or give another"
        raise Misconfigured([Problem(variable((name,)), reason)]) from error
    return listener


def serve(settings: Settings, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Serves until SIGINT or SIGTERM, then lets requests under way finish. ``ready`` is called once it answers.

    Raises Misconfigured for what only shows when the application is composed, SystemExit when it cannot start.
    """
    logs.configure(settings.log_level)
    stamina.instrumentation.set_on_retry_hooks([])  # our observer tells of attempts
    log = structlog.get_logger("crossdock")
    host, port, *_ = listener.getsockname()
    signal.signal(signal.SIGTERM, _leave)
    app = build(settings, schema.engine(schema.build(), mode=settings.engine), Telemetry())
    collect_seldom()
    config = uvicorn.Config(
        app,
        lifespan="on",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=settings.max_body,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.shutdown_grace),
    )

    def answering() -> None:
        log.info("serving", host=host, port=port)
        ready()

    server = _Server(config, answering, settings.shutdown_grace)
    try:
        server.run(sockets=[listener])
    except (KeyboardInterrupt, SystemExit):  # the signal that stopped the server, raised again once it has stopped
        log.info("stopped")
    if not server.started:
        sys.exit(3)


class _Server(uvicorn.Server):
    """``grace``: seconds that streams may take to say farewell when it stops."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], grace: float) -> None:
        super().__init__(config)
        self._ready = ready
        self._grace = grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams end first, each with a word to come back with its cursor; else they would hold up the rest."""
        streams: Streams | None = self.lifespan.state.get("streams")
        if streams:
            await streams.stop(within=self._grace)
        await super().shutdown(sockets)


def collect_seldom() -> None:
    """Spares the collector what it would look through in vain: answers under way are many objects that all die soon.

    With 32 requests in flight the usual thresholds cost a third of our CPU (the shared benchmark's Q2 in process: 40 ms
    as it comes, 27 ms so). What is loaded by now is never looked through again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def _leave(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM outside of the server's own handling: leave by the way that closes everything."""
    sys.exit(0)
