"""Crossdock over the shared benchmark's upstream: ``uvicorn benchmarks.contender.app:app``.

The product's own endpoint, engine, schema, resolvers, estate and transports; only the adapters are the benchmark's.
Left out because no other contender has it: token verification (every caller is ``CALLER``, who may read everything),
the access log, metrics and the audit. Environment: ``UPSTREAM`` is the simulator's address; ``CONTENDER_MEMORY=warm``
keeps answers as long as the product does, anything else keeps none.
"""

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from benchmarks.contender.carrier import Carrier
from benchmarks.contender.erp import Erp
from benchmarks.contender.warehouse import Warehouse
from domain.access import SCOPES, Principal, PrincipalKind
from domain.audit import Entry
from domain.model import OrderId, Return, ReturnId
from domain.queries import Page, RecordQuery
from graph import schema
from resolvers.context import Context, Policy
from resolvers.seals import Seal
from server.auth import Authenticator, Session
from server.exchange import Exchange, Exchanges
from server.graphql_http import GraphQLEndpoint
from server.graphql_operations import Operations
from server.running import collect_seldom
from sources.client import Client
from sources.config import Lifetimes, Limits, SourceConfig
from sources.estate import Estate
from sources.observer import Silence
from sources.ports import Batch
from sources.transport import Transport

UPSTREAM = os.environ.get("UPSTREAM", "http://127.0.0.1:9100")
COLD = Lifetimes(**{lifetime.name: 0 for lifetime in fields(Lifetimes) if lifetime.name != "entries"})
LIFETIMES = Lifetimes() if os.environ.get("CONTENDER_MEMORY") == "warm" else COLD

CALLER = Principal("benchmark", PrincipalKind.MACHINE, frozenset(SCOPES))
CONNECTIONS = 128
POLICY = Policy(seal=Seal(["cursors outlive a restart between checking and load"]))
COST_LIMIT = 10_000
"""A query for 500 orders costs 6,000."""

LIMITS = Limits(deadline=30.0, connect_timeout=30.0, concurrency=CONNECTIONS)
"""As many connections as the others have, and no deadline that a saturated core could meet."""


class Everybody(Authenticator):
    """Takes every caller for ``CALLER``."""

    def __init__(self) -> None:
        super().__init__((), now=now)

    async def session(self, authorization: Sequence[str]) -> Session | None:  # noqa: ARG002 (nobody is asked)
        return Session(CALLER, _stay)


async def _stay() -> None:
    """A caller who is never turned away."""


class Nowhere:
    """Records nothing."""

    async def append(self, entries: Sequence[Entry]) -> None: ...


class NoReturns:
    """The benchmark has no returns: none is found, and no order has any."""

    async def returns(self, ids: Collection[ReturnId]) -> Batch[ReturnId, Return]:  # noqa: ARG002 (the port's)
        return {}

    async def returns_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Return]]:
        return dict.fromkeys(ids, ())

    async def return_page(self, query: RecordQuery) -> Page[Return]:  # noqa: ARG002 (the port's)
        return Page((), more=False)


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
    collect_seldom()
    async with Client(3 * CONNECTIONS) as http:

        def door(name: str, path: str = "") -> tuple[SourceConfig, Transport]:
            config = SourceConfig(name, UPSTREAM + path, LIMITS)
            return config, Transport(config, http, observer=Silence(), now=now)

        carrier = Carrier(*door("carrier"))
        estate = Estate(
            erp=Erp(*door("erp", "/erp")),
            returns=NoReturns(),
            warehouse=Warehouse(*door("wms")),
            carriers=dict.fromkeys(Carrier.scacs, carrier),
            now=now,
            lifetimes=LIFETIMES,
            pace=http.pace,
        )

        def context(principal: Principal, correlation_id: str) -> Context:
            return Context(principal, estate, now=now, correlation_id=correlation_id, policy=POLICY, ledger=Nowhere())

        engine = schema.engine(schema.build(), cost_limit=COST_LIMIT)
        operations = Operations(engine, context, deadline=60.0)
        yield {"graphql": GraphQLEndpoint(operations, Everybody(), max_body=1024 * 1024)}


class _Graphql:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint: GraphQLEndpoint = scope["state"]["graphql"]
        await endpoint(scope, receive, send)


def _unheard(_: Exchange) -> None:
    """No access log, no metrics."""


app = Starlette(
    routes=[Route("/graphql", _Graphql())],
    lifespan=lifespan,
    middleware=[Middleware(Exchanges, report=_unheard, routes=("/graphql",))],
)
