"""Asks Crossdock as a persona of the simulated company, and counts what each answer cost its sources."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
from starlette.applications import Starlette

from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from tests.e2e import personas

SOURCES = ("erp", "wms", "ups", "fedex", "usps", "dhl", "ltl")

CONTRACT = "wsdl"
"""Reading the ERP's WSDL is once per process, not per answer."""


class Ask:
    """One running application over the fleet; its memory is as old as the test."""

    def __init__(self, app: Starlette, state: Mapping[str, Any], fleet: Fleet, world: World, now: datetime) -> None:
        self._app = app
        self._state = state
        self._fleet = fleet
        self._world = world
        self._tokens: dict[str, str] = {}
        self.now = now

    def example(self, case: str) -> str:
        """The number of an order of the buyer's company that shows ``case``."""
        return self._world.examples[case]

    async def __call__(self, persona: str, query: str, **variables: Any) -> dict[str, Any]:
        """The answer to a well-formed request."""
        response = await self.post(persona, {"query": query, "variables": variables})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def fresh(self, persona: str, query: str, **variables: Any) -> dict[str, Any]:
        """The same, accepting nothing remembered."""
        head, brace, rest = query.partition("{")
        return await self(persona, f"{head or 'query '}@maxStaleness(seconds: 0) {brace}{rest}", **variables)

    async def post(self, persona: str | None, body: Any, **headers: str) -> httpx.Response:
        authorization = {"Authorization": f"Bearer {await self.token(persona)}"} if persona else {}
        transport = httpx.ASGITransport(_with_state(self._app, self._state))
        async with httpx.AsyncClient(transport=transport, base_url="http://crossdock", timeout=60) as client:
            return await client.post("/graphql", json=body, headers=authorization | headers)

    async def token(self, persona: str) -> str:
        if persona not in self._tokens:
            self._tokens[persona] = await personas.token(self._fleet, persona)
        return self._tokens[persona]

    async def cost(self, persona: str, query: str, **variables: Any) -> dict[str, dict[str, int]]:
        """The calls that one answer cost, by source and operation."""
        await self.token(persona)
        self._fleet.reset_calls()
        await self(persona, query, **variables)
        counted = {source: dict(self._fleet.calls(source).by_operation) for source in SOURCES}
        counted["erp"].pop(CONTRACT, None)
        return counted


def _with_state(app: Starlette, state: Mapping[str, Any]) -> Any:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return asgi


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
    """The application's lifespan, and what it puts before each request."""
    async with app.router.lifespan_context(app) as state:
        yield state or {}
