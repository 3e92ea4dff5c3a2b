"""Tells a subscriber what happens in the company's systems while the clock moves, as their webhooks would.

``PUT /__subscriber`` (``subscription.Subscriber``) says who is told, from then on; DELETE ends it. ``PUT /__chaos``
(``chaos.Chaos``) says what goes wrong on the way. ``GET /__sent`` answers what became of it all (``sending.Counts`` by
source and kind); ``POST /__flush?within=60`` the same, once all that has happened is acknowledged, or 504 when the
seconds are over.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from examples.distributor.chaos import Chaos
from examples.distributor.harness import clock_of, refusing_nonsense, run, simulator
from examples.distributor.subscription import TICK, Subscriber, Subscription
from examples.distributor.world import World

FLUSH_WITHIN: Final = 60.0
"""Seconds."""


class Teller:
    """Whoever subscribed last is told."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chaos = Chaos()
        self._subscription: Subscription | None = None

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(self._look())
        yield
        looking.cancel()
        await self._end()

    async def _look(self) -> None:
        while True:
            if self._subscription is not None:
                self._subscription.look(self._chaos)
            await asyncio.sleep(TICK)

    async def _end(self) -> None:
        ended, self._subscription = self._subscription, None
        if ended is not None:
            await ended.close()

    async def subscribe(self, request: Request) -> Response:
        subscriber = msgspec.json.decode(await request.body(), type=Subscriber)
        await self._end()
        self._subscription = Subscription(subscriber, self._world, clock_of(request))
        return Response(status_code=204)

    async def unsubscribe(self, _: Request) -> Response:
        await self._end()
        return Response(status_code=204)

    async def set_chaos(self, request: Request) -> Response:
        self._chaos = msgspec.json.decode(await request.body(), type=Chaos)
        return Response(status_code=204)

    async def sent(self, _: Request) -> Response:
        counts = self._subscription.counts if self._subscription else {}
        return JSONResponse(
            {source: {kind: asdict(each) for kind, each in kinds.items()} for source, kinds in counts.items()}
        )

    async def flush(self, request: Request) -> Response:
        within = float(request.query_params.get("within", FLUSH_WITHIN))
        if self._subscription is not None:
            try:
                async with asyncio.timeout(within):
                    await self._subscription.flush()
            except TimeoutError:
                return PlainTextResponse(f"not all is acknowledged after {within:g} s\n", 504)
        return await self.sent(request)


def routes(teller: Teller) -> list[Route]:
    return [
        Route("/__subscriber", refusing_nonsense(teller.subscribe), methods=["PUT"]),
        Route("/__subscriber", teller.unsubscribe, methods=["DELETE"]),
        Route("/__chaos", refusing_nonsense(teller.set_chaos), methods=["PUT"]),
        Route("/__sent", teller.sent, methods=["GET"]),
        Route("/__flush", refusing_nonsense(teller.flush), methods=["POST"]),
    ]


def operation(request: Request, _: bytes) -> str:
    return request.url.path


if __name__ == "__main__":
    telling = Teller(World.build())
    run(simulator("events", routes(telling), operation=operation, lifespan=telling.lifespan), "events")
