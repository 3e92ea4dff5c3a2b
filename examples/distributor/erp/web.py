"""The ERP over HTTP: its WSDL and schemas, its one endpoint, and how many requests it takes at once."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from examples.distributor.erp.files import Drawer, Filing
from examples.distributor.erp.service import CONTRACT, Erp, Fault, Trouble
from examples.distributor.harness import clock_of, simulator
from examples.distributor.world import World

DOCUMENTS: Final = {path.name: path.read_bytes() for path in CONTRACT.iterdir()}
ENDPOINT: Final = "/services/Distribution"
NOWHERE: Final = b"http://localhost" + ENDPOINT.encode()
"""The address in the WSDL on disk."""
FILES: Final = "/services/files/"
CONCURRENCY: Final = 8
"""Requests the account may have running at once."""


class Capacity:
    """Turns away requests beyond what the account may have running at once, before anything else looks at them."""

    def __init__(self, app: ASGIApp, *, limit: "Limit") -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        if self.limit.running >= self.limit.concurrency:
            refused = Fault("ExceededConcurrentRequestLimitFault", "WS_CONCUR_SESSION_DISALLWD", self.limit.words)
            await refused.response()(scope, receive, send)
            return
        self.limit.running += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.limit.running -= 1


class Limit(msgspec.Struct, forbid_unknown_fields=True):
    """What ``PUT /__capacity`` takes, and how many requests are running."""

    concurrency: int = CONCURRENCY
    running: int = 0

    @property
    def words(self) -> str:
        return f"Only {self.concurrency} requests may be made at a time"


def operation(request: Request, _: bytes) -> str:
    """The SOAP operation, or "wsdl" for the service's description."""
    if request.method != "POST":
        return "file" if request.url.path.startswith(FILES) else "wsdl"
    return request.headers.get("soapaction", "").strip('"') or "unnamed"


def fault(name: str, status: int) -> Response:
    return Fault("UnexpectedErrorFault", "UNEXPECTED_ERROR", f"An unexpected error occurred in {name}").response(status)


def application(world: World) -> Starlette:
    erp, limit, drawer = Erp(world), Limit(), Drawer()

    async def post(request: Request) -> Response:
        try:
            return erp.answer(await request.body(), clock_of(request).now())
        except Fault as error:
            return error.response()

    async def wsdl(request: Request) -> Response:
        here = f"{request.url.scheme}://{request.url.netloc}{ENDPOINT}"
        return _document(DOCUMENTS["distribution.wsdl"].replace(b"http://localhost" + ENDPOINT.encode(), here.encode()))

    async def schema(request: Request) -> Response:
        found = DOCUMENTS.get(f"{request.path_params['name']}.xsd")
        return PlainTextResponse("there is no such document\n", 404) if found is None else _document(found)

    async def trouble(request: Request) -> Response:
        return await _set(request, dict[str, Trouble], lambda value: setattr(erp, "trouble", value), {})

    async def capacity(request: Request) -> Response:
        return await _set(request, Limit, lambda value: setattr(limit, "concurrency", value.concurrency), Limit())

    async def file(request: Request) -> Response:
        return drawer.answer(erp.index, request, clock_of(request).now())

    async def filed(request: Request) -> Response:
        return await _set(request, Filing, lambda value: setattr(drawer, "filing", value), Filing())

    routes = [
        Route("/", wsdl),
        Route(ENDPOINT, wsdl, methods=["GET"]),
        Route(ENDPOINT, post, methods=["POST"]),
        Route("/{name}.xsd", schema),
        Route("/services/{name}.xsd", schema),
        Route(FILES + "{id}", file),
        Route("/__files", filed, methods=["PUT", "DELETE"]),
        Route("/__records", trouble, methods=["PUT", "DELETE"]),
        Route("/__capacity", capacity, methods=["PUT", "DELETE"]),
    ]
    app = simulator("erp", routes, operation=operation, fault=fault)
    app.add_middleware(Capacity, limit=limit)
    return app


def _document(content: bytes) -> Response:
    return Response(content, media_type="text/xml; charset=utf-8")


async def _set(request: Request, shape: Any, put: Callable[[Any], None], default: object) -> Response:
    if request.method == "DELETE":
        put(default)
        return Response(status_code=204)
    try:
        put(msgspec.json.decode(await request.body(), type=shape))
    except ValueError as error:
        return PlainTextResponse(f"{error}\n", 400)
    return Response(status_code=204)
