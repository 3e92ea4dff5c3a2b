"""The /graphql endpoint: who asks is settled before the document is read, and every answer has GraphQL's shape."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from graphql import OperationType
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.errors import SourceUnavailable, Unauthenticated
from engine.execute import Context, Prepared
from server.auth import Authenticator, Session
from server.exchange import Exchange, exchange_of
from server.graphql_operations import (
    Answer,
    Operations,
    check_origin,
    codes,
    stamped,
    told,
    too_deep,
    too_long,
)
from server.graphql_request import (
    EVENT_STREAM,
    JSON,
    GraphQLRequest,
    Refused,
    check_content,
    from_body,
    from_query_string,
    negotiate,
    takes_events,
)
from server.graphql_sse import EventStream
from server.streams import Streams

FAILURES: Mapping[str, int] = {"INTERNAL": 500, "SOURCE_TIMEOUT": 503}
"""The status of an answer without data that is our fault, by its code."""


class Gone(Exception):
    """The client left before its answer."""


class GraphQLEndpoint:
    """An ASGI application for the scope "http". The deadline of ``operations`` is for reading and executing together.

    ``max_body``: bytes. ``origins``: sites whose pages may ask, beside our own. ``challenge``: the WWW-Authenticate of
    a 401. ``streams``: where event streams are registered; None: there are none. ``cursor``: where a stream that begins
    now begins.
    """

    def __init__(
        self,
        operations: Operations,
        authenticator: Authenticator,
        *,
        max_body: int,
        origins: frozenset[str] = frozenset(),
        challenge: str = 'Bearer realm="crossdock"',
        streams: Streams | None = None,
        cursor: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._operations = operations
        self._authenticator = authenticator
        self._max_body = max_body
        self._origins = origins
        self._challenge = challenge
        self._streams = streams
        self._cursor = cursor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, exchange = Headers(scope=scope), exchange_of(scope)
        media_type, extra = JSON, {}
        try:
            media_type = negotiate(headers.getlist("accept"))
            answer = await self._answer(scope, headers, receive, exchange)
            if isinstance(answer, EventStream):
                await answer(scope, receive, send)
                return
            status = _status(answer, media_type)
        except Refused as refused:
            status, extra = refused.status, dict(refused.headers)
            answer = told(refused)
        except Gone:
            return
        exchange.codes = codes(answer)
        stamped(answer, exchange.correlation_id)
        extra |= {"cache-control": "no-store"}
        kind = JSON if media_type == EVENT_STREAM else media_type
        await Response(orjson.dumps(answer), status, extra, f"{kind}; charset=utf-8")(scope, receive, send)

    async def _answer(
        self, scope: Scope, headers: Headers, receive: Receive, exchange: Exchange
    ) -> Answer | EventStream:
        ends = asyncio.get_running_loop().time() + self._operations.deadline
        if scope["method"] not in ("GET", "POST"):
            raise Refused(405, "Ask by POST, or by GET to read.", headers={"allow": "GET, POST"})
        check_origin(headers, self._origins)
        session = await self._authenticate(headers)
        exchange.subject = session.principal.subject
        request = await self._read(scope, headers, receive, ends)
        prepared = self._operations.prepare(request, session.principal)
        kind = self._note(prepared, request, exchange)
        if kind is OperationType.MUTATION and scope["method"] == "GET":
            raise Refused(405, "A GET may only read.", headers={"allow": "POST"})
        accept = headers.getlist("accept")
        if negotiate(accept) == EVENT_STREAM or (kind is OperationType.SUBSCRIPTION and takes_events(accept)):
            return self._stream(prepared, request, session, headers)
        if kind is OperationType.SUBSCRIPTION:
            raise Refused(406, f"Subscribe with Accept: {EVENT_STREAM}, or over a WebSocket.")
        if isinstance(prepared, dict):
            return prepared
        context = self._operations.context(session.principal, exchange.correlation_id)
        return await self._execute(prepared, request, context, receive, ends)

    def _note(self, prepared: Prepared | Answer, request: GraphQLRequest, exchange: Exchange) -> OperationType | None:
        operation = prepared.operation(request.operation_name) if isinstance(prepared, Prepared) else None
        if operation is not None:
            exchange.operation = operation.name.value if operation.name else None
            exchange.kind = operation.operation.value
        return operation.operation if operation else None

    def _stream(
        self, prepared: Prepared | Answer, request: GraphQLRequest, session: Session, headers: Headers
    ) -> EventStream:
        if self._streams is None:
            raise Refused(406, "There are no event streams here.")
        return EventStream(
            self._operations,
            self._streams,
            prepared,
            request,
            session,
            last_event_id=headers.get("last-event-id"),
            cursor=self._cursor,
        )

    async def _authenticate(self, headers: Headers) -> Session:
        try:
            session = await self._authenticator.session(headers.getlist("authorization"))
        except Unauthenticated as error:
            challenge = f'{self._challenge}, error="invalid_token", error_description="{error.public}"'
            raise Refused(401, error.public, code=error.code, headers={"www-authenticate": challenge}) from error
        except SourceUnavailable as error:
            retry = {"retry-after": str(int(error.retry_after or 1))}
            message = "Nobody can be signed in at the moment."
            raise Refused(503, message, code=error.code, headers=retry) from error
        if session is None:
            raise Refused(
                401,
                "A bearer token is needed.",
                code=Unauthenticated.code,
                headers={"www-authenticate": self._challenge},
            )
        return session

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

    async def _execute(
        self, prepared: Prepared, request: GraphQLRequest, context: Context, receive: Receive, ends: float
    ) -> dict[str, Any]:
        left = asyncio.Event()
        try:
            async with asyncio.timeout_at(ends) as clock:
                departure = asyncio.create_task(_departure(receive, clock, left))
                try:
                    return await self._operations.engine.execute(
                        prepared, context=context, variables=request.variables, operation_name=request.operation_name
                    )
                finally:
                    departure.cancel()
        except TimeoutError:
            if left.is_set():
                raise Gone from None
            raise too_long() from None
        except RecursionError:
            raise too_deep() from None


async def _departure(receive: Receive, clock: asyncio.Timeout, left: asyncio.Event) -> None:
    """Ends the time of an execution as soon as the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    left.set()
    clock.reschedule(asyncio.get_running_loop().time())


def _status(answer: Mapping[str, Any], media_type: str) -> int:
    if "data" in answer:
        return 200
    failures = (FAILURES[code] for code in codes(answer) if code in FAILURES)
    return next(failures, 200 if media_type == JSON else 400)
