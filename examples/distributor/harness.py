"""What every simulator has beside its vendor's routes: counted calls, faults, a clock, and a life as a process."""

import argparse
import asyncio
import json
import os
import random
import socket
import stat
import sys
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

from examples.distributor.clock import START, SimClock
from examples.distributor.faults import FaultBox, Faults, VendorFault

CORRELATION_HEADER = b"x-correlation-id"
REMEMBERED_CORRELATIONS = 200


class Calls:
    """How often each operation was called, how many calls ran at once at most, and the last correlation ids seen."""

    def __init__(self) -> None:
        self.by_operation: Counter[str] = Counter()
        self.running = 0
        self.peak = 0
        self.correlation_ids: deque[str] = deque(maxlen=REMEMBERED_CORRELATIONS)

    def clear(self) -> None:
        self.by_operation.clear()
        self.peak = self.running
        self.correlation_ids.clear()

    def report(self) -> dict[str, object]:
        return {
            "total": self.by_operation.total(),
            "by_operation": dict(self.by_operation),
            "peak_concurrency": self.peak,
            "correlation_ids": list(dict.fromkeys(self.correlation_ids)),
        }


class ClockSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``PUT /__clock`` takes; given together they apply in the order frozen, rate, now, advance_s.

    ``rate``: simulated seconds per real second. ``real``: the machine's monotonic second from which all this holds;
    default: this one.
    """

    frozen: bool | None = None
    rate: float | None = None
    now: datetime | None = None
    advance_s: float | None = None
    real: float | None = None

    def apply(self, clock: SimClock) -> None:
        """Raises ValueError or OverflowError."""
        real = time.monotonic() if self.real is None else self.real
        if self.frozen is not None:
            (clock.freeze if self.frozen else clock.thaw)(real=real)
        if self.rate is not None:
            clock.run(self.rate, real=real)
        if self.now is not None:
            clock.set(self.now, real=real)
        if self.advance_s is not None:
            clock.advance(self.advance_s, real=real)


Operation = Callable[[Request, bytes], str]
"""(request, its whole body) to the name the call is counted under."""


def plain_fault(operation: str, status: int) -> Response:
    """The fault of a vendor that has no shape for faults."""
    return PlainTextResponse(f"{operation} failed", status)


def simulator(
    name: str,
    routes: Sequence[BaseRoute],
    *,
    operation: Operation,
    fault: VendorFault = plain_fault,
    now_start: datetime | None = None,
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """``routes`` of one vendor behind the control routes ``/__calls``, ``/__faults``, ``/__clock``.

    ``fault(operation, status)`` is the vendor's own error answer, sent by the faults ``status`` and ``fault_with_200``.
    A handler reads the time with ``clock_of(request).now()``; ``lifespan`` is what runs beside the routes.
    """
    clock = SimClock(now_start or START)
    calls = Calls()
    box = FaultBox(fault, random.Random(name))
    app = Starlette(
        routes=[*_controls(calls, box, clock), *routes],
        middleware=[Middleware(_Door, calls=calls, box=box, operation=operation)],
        lifespan=lifespan,
    )
    app.state.clock = clock
    return app


def clock_of(request: Request) -> SimClock:
    """The simulated clock of the simulator that handles ``request``."""
    clock: SimClock = request.app.state.clock
    return clock


class _Door:
    """Counts each call and lets it meet the faults in force; control routes pass untouched."""

    def __init__(self, app: ASGIApp, *, calls: Calls, box: FaultBox, operation: Operation) -> None:
        self.app = app
        self.calls = calls
        self.box = box
        self.operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/__"):
            await self.app(scope, receive, send)
            return
        body = await Request(scope, receive).body()
        operation = self.operation(Request(scope), body)
        self.calls.by_operation[operation] += 1
        self.calls.correlation_ids.extend(
            value.decode("latin-1") for key, value in scope["headers"] if key == CORRELATION_HEADER
        )
        self.calls.running += 1
        self.calls.peak = max(self.calls.peak, self.calls.running)
        try:
            await self.box.answer(operation, self.app, scope, _replay(body, receive), send)
        finally:
            self.calls.running -= 1


def _replay(body: bytes, receive: Receive) -> Receive:
    """``receive`` as it was before ``body`` was read from it."""
    unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return unread.pop() if unread else await receive()

    return replayed


def _controls(calls: Calls, box: FaultBox, clock: SimClock) -> list[BaseRoute]:
    async def read_calls(_: Request) -> Response:
        return JSONResponse(calls.report())

    async def clear_calls(_: Request) -> Response:
        calls.clear()
        return Response(status_code=204)

    async def set_faults(request: Request) -> Response:
        box.set(msgspec.json.decode(await request.body(), type=Faults))
        return Response(status_code=204)

    async def clear_faults(_: Request) -> Response:
        box.set(Faults())
        return Response(status_code=204)

    async def read_clock(_: Request) -> Response:
        real = time.monotonic()
        now = clock.now(real).isoformat()
        return JSONResponse({"now": now, "frozen": clock.frozen, "rate": clock.rate, "real": real})

    async def set_clock(request: Request) -> Response:
        msgspec.json.decode(await request.body(), type=ClockSetting).apply(clock)
        return await read_clock(request)

    return [
        Route("/__calls", read_calls, methods=["GET"]),
        Route("/__calls", clear_calls, methods=["DELETE"]),
        Route("/__faults", refusing_nonsense(set_faults), methods=["PUT"]),
        Route("/__faults", clear_faults, methods=["DELETE"]),
        Route("/__clock", read_clock, methods=["GET"]),
        Route("/__clock", refusing_nonsense(set_clock), methods=["PUT"]),
    ]


def refusing_nonsense(control: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def refusing(request: Request) -> Response:
        try:
            return await control(request)
        except (ValueError, OverflowError) as error:
            return PlainTextResponse(f"{error}\n", 400)

    return refusing


def run(app: Starlette, name: str) -> None:
    """Serve ``app`` on 127.0.0.1 at ``--port`` (default: a free one) until SIGTERM, SIGINT or the parent's end.

    Prints ``{"name": ..., "url": ...}`` on one line of stdout once it really answers. Standard input, if a pipe,
    is the parent's lifeline: its end means the parent is gone.
    """
    arguments = argparse.ArgumentParser(prog=name)
    arguments.add_argument("--port", type=int, default=0)
    port: int = arguments.parse_args().port
    # The protocol is named because asyncio turns Nagle's algorithm off only where it is.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError as error:
            sys.exit(f"{name}: port {port} is not free: {error.strerror}")
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        asyncio.run(_Process(config, name).serve([listening]))


class _Process(uvicorn.Server):
    """A server that says when it is ready, and ends when its lifeline does."""

    def __init__(self, config: uvicorn.Config, name: str) -> None:
        super().__init__(config)
        self._name = name

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets is None or self.should_exit:
            return
        if stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._lifeline)
        port = sockets[0].getsockname()[1]
        sys.stdout.write(json.dumps({"name": self._name, "url": f"http://127.0.0.1:{port}"}) + "\n")
        sys.stdout.flush()

    def _lifeline(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.should_exit = True
