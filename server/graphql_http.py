"""The /graphql endpoint: who asks is settled before the document is read, and every answer has GraphQL's shape."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.access import Principal
from domain.errors import SourceUnavailable, Unauthenticated
from engine.execute import Context, Engine, Prepared
from server.auth import Authenticator
from server.exchange import Exchange, exchange_of
from server.graphql_request import (
    JSON,
    GraphQLRequest,
    Refused,
    check_content,
    from_body,
    from_query_string,
    negotiate,
)

INTROSPECTION = frozenset(("__schema", "__type", "_service"))
SUGGESTION = re.compile(r" Did you mean .*", re.DOTALL)
FAILURES: Mapping[str, int] = {"INTERNAL": 500, "SOURCE_TIMEOUT": 503}
"""The status of an answer without data that is our fault, by its code."""


class Gone(Exception):
    """The client left before its answer."""


class GraphQLEndpoint:
    """An ASGI application.

    ``context(principal, correlation_id)`` makes what resolvers see. ``deadline``: seconds for reading and executing
    together; ``max_body``: bytes. ``introspection``: "on", "off", or the scope it takes. ``origins``: sites whose pages
    may ask, beside our own. ``challenge``: the WWW-Authenticate of a 401.
    """

    def __init__(
        self,
        engine: Engine,
        authenticator: Authenticator,
        context: Callable[[Principal, str], Context],
        *,
        deadline: float,
        max_body: int,
        introspection: str = "on",
        origins: frozenset[str] = frozenset(),
        challenge: str = 'Bearer realm="crossdock"',
    ) -> None:
        self._engine = engine
        self._authenticator = authenticator
        self._context = context
        self._deadline = deadline
        self._max_body = max_body
        self._introspection = introspection
        self._origins = origins
        self._challenge = challenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, exchange = Headers(scope=scope), exchange_of(scope)
        media_type, extra = JSON, {}
        try:
            media_type = negotiate(headers.getlist("accept"))
            answer = await self._answer(scope, headers, receive, exchange)
            status = _status(answer, media_type)
        except Refused as refused:
            status, extra = refused.status, dict(refused.headers)
            answer = {"errors": [{"message": refused.message, "extensions": {"code": refused.code}}]}
        except Gone:
            return
        exchange.codes = _codes(answer)
        for error in answer.get("errors", ()):
            error["extensions"].setdefault("correlationId", exchange.correlation_id)
        extra |= {"cache-control": "no-store"}
        await Response(orjson.dumps(answer), status, extra, f"{media_type}; charset=utf-8")(scope, receive, send)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, exchange: Exchange) -> dict[str, Any]:
        ends = asyncio.get_running_loop().time() + self._deadline
        if scope["method"] not in ("GET", "POST"):
            raise Refused(405, "Ask by POST, or by GET to read.", headers={"allow": "GET, POST"})
        self._check_origin(headers)
        principal = await self._authenticate(headers)
        exchange.subject = principal.subject
        request = await self._read(scope, headers, receive, ends)
        prepared = self._prepare(request, principal)
        if isinstance(prepared, dict):
            return prepared
        operation = prepared.operation(request.operation_name)
        if operation is not None:
            exchange.operation = operation.name.value if operation.name else None
            exchange.kind = operation.operation.value
            if exchange.kind != "query" and scope["method"] == "GET":
                raise Refused(405, "A GET may only read.", headers={"allow": "POST"})
        context = self._context(principal, exchange.correlation_id)
        return await self._execute(prepared, request, context, receive, ends)

    def _check_origin(self, headers: Headers) -> None:
        """A page of another site may not ask, whatever it holds (CSRF); programs send no Origin."""
        origin = headers.get("origin")
        if origin is None or origin.lower() in self._origins or origin.partition("://")[2] == headers.get("host"):
            return
        raise Refused(403, "Pages of this origin may not ask.")

    async def _authenticate(self, headers: Headers) -> Principal:
        try:
            principal = await self._authenticator.principal(headers.getlist("authorization"))
        except Unauthenticated as error:
            challenge = f'{self._challenge}, error="invalid_token", error_description="{error.public}"'
            raise Refused(401, error.public, code=error.code, headers={"www-authenticate": challenge}) from error
        except SourceUnavailable as error:
            retry = {"retry-after": str(int(error.retry_after or 1))}
            message = "Nobody can be signed in at the moment."
            raise Refused(503, message, code=error.code, headers=retry) from error
        if principal is None:
            raise Refused(
                401,
                "A bearer token is needed.",
                code=Unauthenticated.code,
                headers={"www-authenticate": self._challenge},
            )
        return principal

    async def _read(self, scope: Scope, headers: Headers, receive: Receive, ends: float) -> GraphQLRequest:
        if scope["method"] == "GET":
            return from_query_string(scope["query_string"])
        check_content(headers.getlist("content-type"), headers.getlist("content-encoding"))
        try:
            async with asyncio.timeout_at(ends):
                return from_body(await self._body(receive))
        except TimeoutError:
            raise Refused(408, "The body did not arrive in time.", headers={"connection": "close"}) from None

    async def _body(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body += message.get("body", b"")
            if len(body) > self._max_body:
                raise Refused(413, f"The body may have {self._max_body} bytes.", headers={"connection": "close"})
            if not message.get("more_body", False):
                return bytes(body)

    def _prepare(self, request: GraphQLRequest, principal: Principal) -> Prepared | dict[str, Any]:
        """The prepared document, or the answer that refuses it."""
        may_introspect = self._introspection == "on" or principal.may(self._introspection)
        prepared = self._engine.prepare(request.query)
        if isinstance(prepared, list):
            refusal = self._engine.refusal(prepared)
            if not may_introspect:
                for error in refusal["errors"]:
                    error["message"] = SUGGESTION.sub("", error["message"])
            return refusal
        if not may_introspect and any(name in INTROSPECTION for _, name in prepared.fields):
            raise Refused(403, "You may not read the schema.", code="FORBIDDEN_FIELD")
        return prepared

    async def _execute(
        self, prepared: Prepared, request: GraphQLRequest, context: Context, receive: Receive, ends: float
    ) -> dict[str, Any]:
        left = asyncio.Event()
        try:
            async with asyncio.timeout_at(ends) as clock:
                departure = asyncio.create_task(_departure(receive, clock, left))
                try:
                    return await self._engine.execute(
                        prepared, context=context, variables=request.variables, operation_name=request.operation_name
                    )
                finally:
                    departure.cancel()
        except TimeoutError:
            if left.is_set():
                raise Gone from None
            raise Refused(503, "The answer took too long.", code="SOURCE_TIMEOUT") from None
        except RecursionError:
            raise Refused(400, "The variables are nested too deeply.") from None


async def _departure(receive: Receive, clock: asyncio.Timeout, left: asyncio.Event) -> None:
    """Ends the time of an execution as soon as the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    left.set()
    clock.reschedule(asyncio.get_running_loop().time())


def _status(answer: Mapping[str, Any], media_type: str) -> int:
    if "data" in answer:
        return 200
    failures = (FAILURES[code] for code in _codes(answer) if code in FAILURES)
    return next(failures, 200 if media_type == JSON else 400)


def _codes(answer: Mapping[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", ())]
