"""Asks Crossdock as a persona of the simulated company, and counts what each answer cost its sources."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
from starlette.applications import Starlette

from domain.access import Principal
from domain.changes import Change, Logged
from domain.events import Subject
from domain.model import CustomerId
from engine.execute import Context
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from resolvers import changes
from resolvers.changes import Changes
from server.graphql_operations import Operations
from server.graphql_request import GraphQLRequest
from tests.e2e import personas

SOURCES = ("erp", "wms", "ups", "fedex", "usps", "dhl", "ltl")

CONTRACT = "wsdl"
"""Reading the ERP's WSDL is once per process, not per answer."""


LAST = 2
"""Where a log of two changes ends."""


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

    async def follow(self, persona: str, query: str, news: Change, account: str) -> dict[str, Any]:
        """What the persona is told of ``news`` by a query that goes on ``$after`` a cursor; no data when it is told
        nothing. ``account`` is one that it sees.
        """
        log = _Log(news, replace(news, subject=Subject.CUSTOMER, id=account, customer_id=CustomerId(account)))
        hub = Changes(log)
        session = await self._state["authenticator"].session([f"Bearer {await self.token(persona)}"])
        operations: Operations = self._state["graphql"]._operations

        def context(principal: Principal, correlation_id: str) -> Context:
            made: Any = operations.context(principal, correlation_id)
            made.changes = hub
            opened: Context = made
            return opened

        following = Operations(operations.engine, context, deadline=operations.deadline)
        seal = operations.context(session.principal, "").policy.seal  # type: ignore[attr-defined]  # it is a resolvers' own
        begun, last = (changes.cursor(seal, session.principal, each) for each in (0, LAST))
        request = GraphQLRequest(query, None, {"after": begun})
        prepared = following.prepare(request, session.principal)
        told: dict[str, Any] = {"data": {}}
        async with aclosing(following.answers(prepared, request, session.principal, "e2e")) as answers:
            async for answer in answers:
                update = (answer.get("data") or {}).get("customerActivity") or {}
                if update.get("cursor") == last:
                    break
                told = {"data": {}} | answer
        await hub.close()
        return told

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


class _Log:
    """A log of changes that holds these."""

    def __init__(self, *changes: Change) -> None:
        self._entries = [Logged(position, change) for position, change in enumerate(changes, 1)]

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        return self._entries[after:][:limit]

    async def head(self) -> int:
        return len(self._entries)


def _with_state(app: Starlette, state: Mapping[str, Any]) -> Any:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return asgi


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
    """The application's lifespan, and what it puts before each request."""
    async with app.router.lifespan_context(app) as state:
        yield state or {}
