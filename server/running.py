"""Runs the application in this process, on a port taken before anything else is started."""

import asyncio
import ctypes
import gc
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable
from types import FrameType

import stamina.instrumentation
import structlog
import uvicorn

from engine.execute import Engine
from graph import schema
from server import logs, trusted
from server.app import build
from server.environment import Misconfigured, Problem, variable
from server.settings import Settings
from server.streams import Streams
from server.telemetry import Telemetry

BACKLOG = 2048
UNTAKEN = 30_000
"""Milliseconds that what was sent may stay unacknowledged until the connection is dropped, where the system can."""
LINGER = 0.25
"""Seconds in which whoever had connected before a stop is taken in and gets to say what they ask."""

SO_ATTACH_FILTER = 26
"""Linux's ``asm-generic/socket.h``."""

NO_SYN = (
    (0x30, 0, 0, 13),  # load the byte of flags (RFC 9293 section 3.1)
    (0x45, 0, 1, 0x02),  # unless it has SYN, go on after the next
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFFFFFF),  # take all of it
)
"""A socket filter (Linux's ``networking/filter.rst``) that lets no new connection through, and all other packets."""

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


def hang_up(listener: socket.socket) -> None:
    """Lets nobody else connect, while those who did can still be accepted; where the system cannot, nothing changes.

    Closing alone would reset whoever waits to be accepted. So the kernel is made to pass over new connections, which
    are refused once it is closed.
    """
    if sys.platform == "linux":
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in NO_SYN))
        program = struct.pack("HP", len(NO_SYN), ctypes.addressof(code))
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def serve(settings: Settings, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Serves until SIGINT or SIGTERM, then lets requests under way finish. ``ready`` is called once it answers.

    Raises Misconfigured for what only shows when the application is composed, SystemExit when it cannot start.
    """
    run(settings, listener, prepared(settings), Telemetry(), ready)


def prepared(settings: Settings) -> Engine:
    """Sets this process up, and makes what takes long and serves any number of applications."""
    logs.configure(settings.log_level)
    stamina.instrumentation.set_on_retry_hooks([])  # our observer tells of attempts
    signal.signal(signal.SIGTERM, leave)
    made = engine(settings)
    collect_seldom()
    return made


def engine(settings: Settings) -> Engine:
    """What runs the operations of these settings. Raises Misconfigured for persisted documents that could not run."""
    documents = settings.documents
    made = schema.engine(schema.build(), mode=settings.engine, limits=documents.limits(), cost_limit=documents.cost)
    trusted.warm(made, trusted.read(settings.persisted))
    return made


def run(
    settings: Settings,
    listener: socket.socket,
    engine: Engine,
    telemetry: Telemetry,
    ready: Callable[[], None] = lambda: None,
    *,
    lifeline: int | None = None,
) -> None:
    """As ``serve``, with what it takes. ``lifeline``: a descriptor whose end, too, is a word to stop."""
    log = structlog.get_logger("crossdock")
    host, port, *_ = listener.getsockname()
    app = build(settings, engine, telemetry)
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
        log.info("serving", host=host, port=port, pid=os.getpid())
        ready()

    server = _Server(config, answering, settings.shutdown_grace, lifeline)
    try:
        server.run(sockets=[listener])
    except (KeyboardInterrupt, SystemExit):  # the signal that stopped the server, raised again once it has stopped
        log.info("stopped")
    if not server.started:
        sys.exit(3)


class _Server(uvicorn.Server):
    """``grace``: seconds that streams may take to say farewell when it stops."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], grace: float, lifeline: int | None = None
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._grace = grace
        self._lifeline = lifeline

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._lifeline is not None:
            asyncio.get_running_loop().add_reader(self._lifeline, self._alone, self._lifeline)
        if not self.should_exit:
            self._ready()

    def _alone(self, lifeline: int) -> None:
        """Whoever held its other end is gone."""
        asyncio.get_running_loop().remove_reader(lifeline)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams end first, each with a word to come back with its cursor; else they would hold up the rest."""
        if self._lifeline is None:  # else others still answer on it
            for listener in sockets or ():
                hang_up(listener)
        await asyncio.sleep(LINGER)
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


def leave(_number: int, _frame: FrameType | None) -> None:
    """SIGTERM outside of the server's own handling: leave by the way that closes everything."""
    sys.exit(0)
