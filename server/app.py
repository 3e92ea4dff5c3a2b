"""Composes the application: settings in, sources and keys open for its lifetime, one route to each thing it offers."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.access import SCOPES, Principal
from engine.execute import Engine
from ingest.intake import Intake
from resolvers import changes
from resolvers.context import Context, Policy
from resolvers.documents import Archive
from resolvers.links import PATH, Links
from resolvers.seals import Seal
from server import explorer, webhooks
from server.auth import Authenticator, TrustedIssuer
from server.compression import LEVEL, SMALLEST
from server.crew import muster
from server.downloads import Downloads
from server.exchange import Exchanges, exchange_of
from server.graphql_http import DRY_RUN, GraphQLEndpoint
from server.graphql_operations import Operations
from server.graphql_ws import GraphQLSocket
from server.health import Readiness, alive, may_operate
from server.jwks import Jwks
from server.memory_settings import OFF
from server.remembering import Remembering
from server.revocation import Revocations, listing
from server.settings import Settings
from server.streams import Streams
from server.systems import Clock, open_systems, wall_clock
from server.telemetry import Telemetry
from server.webhooks import Webhooks
from sources import feeds
from store.shelf import Shelf

RESOURCE = "/.well-known/oauth-protected-resource"
"""Where clients learn who signs callers in (RFC 9728)."""

FIRST_SEGMENTS = ("/graphql", "/documents", "/webhooks", "/graphiql", "/healthz", "/readyz", "/metrics", "/.well-known")
CODES = {401: "UNAUTHENTICATED", 404: "NOT_FOUND", 503: "SOURCE_UNAVAILABLE"}
"""The code of an HTTP error by its status; all others are the client's."""

GRAPHQL = ("/graphql", "/graphql/")


def build(settings: Settings, engine: Engine, telemetry: Telemetry) -> Starlette:
    """The application; its lifespan opens the sources and closes them."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        async with AsyncExitStack() as stack:
            yield await _open(stack, settings, engine, telemetry)

    routes = _routes(settings, telemetry)
    cors = Middleware(
        CORSMiddleware,
        allow_origins=sorted(settings.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type", "if-none-match", DRY_RUN, "x-correlation-id"],
        expose_headers=["etag", "retry-after", "x-correlation-id"],
        max_age=600,
    )
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(Exchanges, report=telemetry.report, routes=FIRST_SEGMENTS),
            *([cors] if settings.origins else []),
            Middleware(_Direct),
            Middleware(GZipMiddleware, minimum_size=SMALLEST, compresslevel=LEVEL),
        ],
        exception_handlers={HTTPException: _tell},
    )


async def _open(stack: AsyncExitStack, settings: Settings, engine: Engine, telemetry: Telemetry) -> Mapping[str, Any]:
    """What requests find in ``request.state``."""
    systems = await open_systems(stack, settings, telemetry)
    remembering = systems.remembering
    muster(stack, systems, settings.ingest, telemetry)
    issuers = [
        TrustedIssuer(
            name, rules, Jwks(systems.door(f"idp:{name}", rules.jwks_url or rules.issuer), rules.issuer, rules.jwks_url)
        )
        for name, rules in settings.oidc.items()
    ]
    for issuer in issuers:
        stack.push_async_callback(issuer.keys.close)
    await asyncio.gather(*(issuer.keys.refresh() for issuer in issuers))
    revocations = Revocations(
        {
            name: listing(f"idp:{name}", rules.revocations, systems.door)
            for name, rules in settings.oidc.items()
            if rules.revocations
        }
    )
    stack.push_async_callback(revocations.close)
    await revocations.start()
    authenticator = Authenticator(issuers, now=wall_clock, revoked=revocations.revoked)
    seal = Seal(settings.secret.get_secret_value().split())
    links = Links(
        seal,
        address=(settings.public_url or "").rstrip("/"),
        lifetime=timedelta(seconds=settings.downloads.link_seconds),
        now=wall_clock,
    )
    policy = Policy(
        carrier_grace=settings.ingest.carrier_grace, readings=settings.reads.readings(), seal=seal, links=links
    )

    def context(principal: Principal, correlation_id: str) -> Context:
        return Context(
            principal,
            systems.estate,
            now=systems.now,
            correlation_id=correlation_id,
            policy=policy,
            memory=remembering.memory if remembering else None,
            changes=remembering.changes if remembering else None,
            desk=remembering.desk if remembering else None,
            ledger=systems.ledger,
        )

    streams = Streams(observer=telemetry)
    operations = Operations(
        engine,
        context,
        deadline=settings.deadline,
        introspection=settings.introspection,
        trusted=settings.trusted(),
    )
    origins = settings.origins | {_origin(settings.public_url)}
    cursor = partial(_end_of_log, remembering.changes, seal) if remembering else None
    return {
        "authenticator": authenticator,
        "readiness": Readiness(
            authenticator, issuers, systems.estate.health, remembering.health if remembering else None
        ),
        "personas": systems.door("idp:demo", settings.demo.token_url) if settings.demo else None,
        "webhooks": remembering and _webhooks(settings, remembering, telemetry, systems.now),
        "streams": streams,
        "graphql": GraphQLEndpoint(
            operations,
            authenticator,
            max_body=settings.max_body,
            origins=origins,
            challenge=_challenge(settings),
            streams=streams,
            cursor=cursor,
        ),
        "documents": Downloads(
            links,
            Archive(systems.estate, Shelf(settings.downloads.folder, settings.downloads.keep_seconds)),
            authenticator,
            context,
            settings.deadline,
        ),
        "socket": GraphQLSocket(
            operations, authenticator, streams, max_message=settings.max_body, origins=origins, cursor=cursor
        ),
    }


async def _end_of_log(log: changes.Changes, seal: Seal, principal: Principal) -> str:
    return changes.cursor(seal, principal, await log.head())


def _webhooks(settings: Settings, remembering: Remembering, telemetry: Telemetry, now: Clock) -> Webhooks:
    """Signatures are made by the world's clock, whatever time it is in the company."""
    intake = Intake(
        feeds.doors(settings.feeds()), remembering.accept, now=now, signed_at=wall_clock, observer=telemetry
    )
    return Webhooks(intake, max_body=settings.max_body, deadline=settings.deadline)


# -- routes ------------------------------------------------------------------------------------------------------------


def _routes(settings: Settings, telemetry: Telemetry) -> list[BaseRoute]:
    async def ready(request: Request) -> Response:
        readiness: Readiness = request.state.readiness
        return await readiness(request)

    async def metrics(request: Request) -> Response:
        token = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
        given = request.headers.get("authorization", "")
        scraper = bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
        if not scraper and not await may_operate(request.state.authenticator, request):
            raise HTTPException(401, "Metrics are for operators.", {"www-authenticate": _challenge(settings)})
        return Response(telemetry.exposition(), media_type=CONTENT_TYPE_LATEST)

    async def resource(_: Request) -> Response:
        return JSONResponse(
            {
                "resource": settings.public_url,
                "authorization_servers": [rules.issuer for rules in settings.oidc.values()],
                "scopes_supported": list(SCOPES),
                "bearer_methods_supported": ["header"],
            }
        )

    async def home(_: Request) -> Response:
        return RedirectResponse(f"{explorer.PATH}/", 307)

    return [
        WebSocketRoute("/graphql", _Socket()),
        *(webhooks.routes() if settings.store.url != OFF else []),
        Route("/healthz", alive),
        Route("/readyz", ready),
        Route("/metrics", metrics),
        *([Route(RESOURCE, resource)] if settings.public_url else []),
        *([Route("/", home), *explorer.routes(settings.queries, settings.demo)] if settings.graphiql else []),
    ]


class _Direct:
    """The endpoints of the running lifespan, for every method, by the shortest way; all else goes on to ``app``.

    By the rest's way, through its compression and the router, a small answer costs a fifth more. A document must not be
    compressed on its way: ranges of it are asked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in GRAPHQL:
            endpoint: GraphQLEndpoint = scope["state"]["graphql"]
            await endpoint(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(PATH):
            downloads: Downloads = scope["state"]["documents"]
            await downloads(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Socket:
    """The same for sockets."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket: GraphQLSocket = scope["state"]["socket"]
        await socket(scope, receive, send)


async def _tell(request: Request, error: Exception) -> Response:
    """An HTTP error in the shape of every other error."""
    if not isinstance(error, HTTPException):
        raise TypeError(type(error).__name__)
    exchange = exchange_of(request.scope)
    code = CODES.get(error.status_code, "BAD_USER_INPUT")
    exchange.codes = [code]
    extensions = {"code": code, "correlationId": exchange.correlation_id}
    body = {"errors": [{"message": error.detail, "extensions": extensions}]}
    return JSONResponse(body, error.status_code, error.headers)


def _challenge(settings: Settings) -> str:
    """The WWW-Authenticate of a 401 (RFC 6750 section 3, RFC 9728 section 5.1)."""
    learn = f', resource_metadata="{settings.public_url.rstrip("/")}{RESOURCE}"' if settings.public_url else ""
    return f'Bearer realm="crossdock"{learn}'


def _origin(url: str | None) -> str:
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}".lower()
