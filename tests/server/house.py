"""A small house around the endpoint: a schema of its own, an identity provider, and a record of what was executed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo, build_schema
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from domain.access import Principal
from domain.errors import SourceTimeout
from engine.execute import Engine
from engine.resting import Rest, Turns
from graph.errors import tell
from server.auth import Authenticator, TrustedIssuer
from server.exchange import Exchange, Exchanges
from server.graphql_http import GraphQLEndpoint
from server.graphql_operations import Operations
from server.jwks import Jwks
from server.sections import Issuer
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.observer import Silence
from sources.transport import CORRELATION_ID, Transport
from tests.server.provider import AUDIENCE, NOW, Provider, claims, ec_key, jwk, sign

SCHEMA = """
type Query {
  hello(name: String): String
  count(number: Int!): Int
  deep(nest: Nest): String
  mirror(values: [ID!]): [ID!]
  correlation: String
  big(size: Int!): String
  hang: String
  boom: String
  upstream: String
}
type Mutation { touch: Boolean }
input Nest { inner: Nest, value: String }
"""
Info: TypeAlias = GraphQLResolveInfo[Any]
CANARY = "canary-7f3a: SELECT * FROM erp WHERE password='x'"


@dataclass
class Seen:
    """A context for the engine, without guards."""

    principal: Principal
    correlation_id: str
    denied: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    seen: Mapping[tuple[str, str], list[Any]] = field(default_factory=dict)
    turns: Turns = field(default_factory=Rest)

    def start(self, operation: object, guards: object) -> None:
        pass

    def deny(self, key: tuple[str, str]) -> None:
        raise AssertionError(key)

    async def release(self) -> None: ...

    def finish(self) -> Sequence[GraphQLError]:
        return []

    def close(self) -> None:
        pass


class Late:
    """The endpoint, made when the lifespan begins."""

    endpoint: GraphQLEndpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.endpoint(scope, receive, send)


@dataclass
class House:
    """``executed``: the fields that were resolved; ``ended``: "cancelled" or "done" for each hanging one."""

    key: Any = field(default_factory=ec_key)
    executed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    exchanges: list[Exchange] = field(default_factory=list)
    deadline: float = 10.0
    max_body: int = 100_000
    introspection: str = "on"
    origins: frozenset[str] = frozenset()
    issuer: str = ""

    def token(self, **changes: Any) -> str:
        return sign(claims(self.issuer, **changes), self.key, "ES256", "k1")

    def bearer(self, **changes: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**changes)}"}

    def app(self, address: str) -> Starlette:
        self.issuer = f"{address}/idp"
        provider = Provider([jwk(self.key, kid="k1")], issuer=self.issuer)
        graphql = Late()

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with AsyncExitStack() as stack:
                http = await stack.enter_async_context(Client())
                limits = Limits(attempts=1, deadline=2)
                door = Transport(SourceConfig("idp:t", self.issuer, limits), http, observer=Silence(), now=lambda: NOW)
                keys = Jwks(door, self.issuer, f"{self.issuer}/jwks")
                stack.push_async_callback(keys.close)
                trusted = TrustedIssuer("t", Issuer(issuer=self.issuer, audience=AUDIENCE), keys)
                graphql.endpoint = self._endpoint(Authenticator([trusted], now=lambda: NOW))
                yield

        return Starlette(
            routes=[Mount("/idp", provider.app()), Route("/graphql", graphql)],
            lifespan=lifespan,
            middleware=[Middleware(Exchanges, report=self.exchanges.append, routes=["/graphql"])],
        )

    def _endpoint(self, authenticator: Authenticator) -> GraphQLEndpoint:
        return GraphQLEndpoint(
            Operations(
                Engine(self._schema(), format_errors=tell),
                Seen,
                deadline=self.deadline,
                introspection=self.introspection,
            ),
            authenticator,
            max_body=self.max_body,
            origins=self.origins,
        )

    def _schema(self) -> Any:
        schema = build_schema(SCHEMA)
        resolvers = {
            "hello": lambda _, info, name="world": f"hello {name}",
            "count": lambda _, info, number: number,
            "deep": lambda _, info, nest=None: "deep",
            "mirror": lambda _, info, values=(): values,
            "correlation": lambda _, info: CORRELATION_ID.get(),
            "big": lambda _, info, size: "x" * size,
            "hang": self._hang,
            "boom": self._boom,
            "upstream": self._upstream,
            "touch": lambda _, info: True,
        }
        for kind in (schema.query_type, schema.mutation_type):
            assert kind is not None
            for name, declared in kind.fields.items():
                declared.resolve = self._noted(name, resolvers[name])
        return schema

    def _noted(self, name: str, resolve: Any) -> Any:
        def noted(source: Any, info: Info, **arguments: Any) -> Any:
            self.executed.append(name)
            return resolve(source, info, **arguments)

        return noted

    async def _hang(self, _: Any, info: Info) -> str:
        self.hanging.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        self.ended.append("done")
        return "late"

    def _boom(self, _: Any, info: Info) -> str:
        raise RuntimeError(CANARY)

    def _upstream(self, _: Any, info: Info) -> str:
        raise SourceTimeout("erp", CANARY)
