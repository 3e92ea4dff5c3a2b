"""The process that durability tests kill: the real webhooks, inbox and worker over one store, on a real socket.

``python -m tests.durability.site`` imports everything once and forks a site for each line it is told, an Order; so a
site is a process of its own, and starts in a tenth of a second. It ends when its input does.
"""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.events import Delivery
from ingest.intake import Intake
from ingest.observer import Silence
from ingest.parsing import OBSERVATION
from ingest.worker import Rules, Worker
from server import logs, webhooks
from server.exchange import Exchanges
from server.systems import wall_clock
from server.webhooks import Webhooks
from sources import feeds
from sources.feeds import FeedConfig
from sources.observer import Silence as Unobserved
from store.database import Database, StoreError
from store.inbox import Inbox

SECRETS: Final = {"wms": "warehouse-secret-of-ours", "ups": "ups-credential-of-ours"}
SOURCES: Final = (
    FeedConfig("wms", "rest", "wms", (SECRETS["wms"],)),
    FeedConfig("carriers", "ups", "ups", (SECRETS["ups"],)),
)
OBSERVED: Final = "observed"
"""The path under which a broker's place is taken: what we read ourselves, by its source and name."""


DIE_WITH_PARENT: Final = 1
"""Linux's PR_SET_PDEATHSIG: whatever becomes of the tests, no site outlives them."""


class Order(msgspec.Struct, frozen=True):
    """What a site is told. Seconds: ``lease``, a worker may hold a delivery; ``patience``, storing one may take."""

    url: str
    tenant: str
    lease: float = 2.0
    patience: float = 10.0


class Ready(msgspec.Struct, frozen=True):
    """What a site answers once its socket listens, which is before its store is open."""

    pid: int
    port: int


def main() -> None:
    logs.configure("INFO")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
            try:
                _be_a_site(msgspec.json.decode(line, type=Order))
            finally:
                os._exit(1)


def _be_a_site(order: Order) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        os.write(1, msgspec.json.encode(Ready(os.getpid(), listener.getsockname()[1])) + b"\n")
        os.dup2(2, 1)
        config = uvicorn.Config(_app(order), log_config=None, access_log=False, timeout_graceful_shutdown=10)
        uvicorn.Server(config).run(sockets=[listener])
    os._exit(0)


def _app(order: Order) -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            yield await _open(stack, order)

    return Starlette(
        routes=[*webhooks.routes(), Route(f"/{OBSERVED}/{{source}}/{{name:path}}", _observe, methods=["POST"])],
        lifespan=lifespan,
        middleware=[Middleware(Exchanges, report=lambda _: None, routes=())],
    )


async def _open(stack: AsyncExitStack, order: Order) -> Mapping[str, Any]:
    """In the order that the server composes and closes them."""
    database = await Database.open(order.url, order.tenant)
    stack.push_async_callback(database.close)
    inbox = Inbox(database)
    stack.push_async_callback(inbox.close)
    worker = Worker(
        database,
        inbox,
        feeds.feeds(SOURCES, Unobserved()),
        now=wall_clock,
        observer=Silence(),
        rules=Rules(lease=timedelta(seconds=order.lease)),
    )

    async def accept(batch: Sequence[Delivery]) -> int:
        new = await inbox.accept(batch)
        if new:
            worker.wake()
        return new

    intake = Intake(
        feeds.doors(SOURCES),
        accept,
        now=wall_clock,
        signed_at=wall_clock,
        observer=Silence(),
        patience=order.patience,
    )
    working = asyncio.create_task(worker.run())
    stack.push_async_callback(asyncio.wait, [working])
    stack.callback(working.cancel)
    return {"webhooks": Webhooks(intake, max_body=1 << 20, deadline=10), "accept": accept}


async def _observe(request: Request) -> Response:
    source, name = request.path_params["source"], request.path_params["name"]
    observation = Delivery(source, name, OBSERVATION, wall_clock(), await request.body())
    try:
        await request.state.accept([observation])
    except StoreError:
        return Response(status_code=503)
    return Response(status_code=202)


if __name__ == "__main__":
    main()
