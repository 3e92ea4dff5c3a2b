"""Serves an ASGI application on a real socket for as long as a test needs it."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def served_beside(make: Callable[[str], ASGIApp]) -> Iterator[str]:
    """As ``served``, from a thread of its own, for tests that are not asynchronous; the lifespan runs.

    ``make`` is told the address.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = make(address)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()


@asynccontextmanager
async def served(app: ASGIApp, *, lifespan: str = "off") -> AsyncIterator[str]:
    """The address of ``app``, on a free port of 127.0.0.1."""
    async with served_at(lambda _: app, lifespan=lifespan) as address:
        yield address


@asynccontextmanager
async def served_at(make: Callable[[str], ASGIApp], *, lifespan: str = "on") -> AsyncIterator[str]:
    """The same, for what must know its address; ``make`` is told it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(
                make(address),
                log_config=None,
                access_log=False,
                lifespan=lifespan,  # type: ignore[arg-type]  # a literal
                timeout_graceful_shutdown=2,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            assert not serving.done()
            await asyncio.sleep(0.01)
        try:
            yield address
        finally:
            server.should_exit = True
            await serving
