"""The /graphql endpoint: who asks is settled before the document is read, and every answer has GraphQL's shape."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from graphql import OperationType
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from domain.access import Principal
from domain.errors import SourceUnavailable, Unauthenticated
from engine.execute import Context, Prepared
from engine.wire import written
from server.auth import Authenticator, Session
from server.exchange import Exchange, exchange_of
from server.graphql_operations import (
    Answer,
    Operations,
    check_origin,
    codes,
    in_time,
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
from server.representation import Fields, Representation, fields_of
from server.streams import Streams

FAILURES: Mapping[str, int] = {"INTERNAL": 500, "SOURCE_TIMEOUT": 503}
"""The status of an answer without data that is our fault, by its code."""


DRY_RUN = "x-cost-dry-run"
"""The header by which a client asks what an operation would cost, and has nothing executed."""

UNWATCHED = 0.05
"""Seconds of an execution in which nobody looks whether the client is still there: most answers come sooner."""

PLAIN: tuple[Sequence[str], Sequence[str]] = ([JSON], [])
"""The Content-Type and Content-Encoding that nearly every body has."""

REMEMBERED, LONGEST = 64, 256
"""How many Accept fields are understood once for all, and the letters of the longest of them."""


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
        cursor: Callable[[Principal], Awaitable[str]] | None = None,
    ) -> None:
        self._operations = operations
        self._authenticator = authenticator
        self._max_body = max_body
        self._origins = origins
        self._challenge = challenge
        self._streams = streams
        self._cursor = cursor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields, exchange = fields_of(scope), exchange_of(scope)
        media_type, extra = JSON, {}
        try:
            media_type, _ = _wishes(fields["accept"])
            answer = await self._answer(scope, fields, receive, exchange)
            if isinstance(answer, EventStream):
                await answer(scope, receive, send)
                return
            status = _status(answer, media_type)
        except Refused as refused:
            status, extra = refused.status, dict(refused.headers)
            answer = told(refused)
        except Gone:
            return
        failed = "errors" in answer
        if failed:
            exchange.codes = codes(answer)
            stamped(answer, exchange.correlation_id)
        kind = JSON if media_type == EVENT_STREAM else media_type
        kept = scope["method"] == "GET" and not failed
        await Representation(written(answer), status, kind, extra, kept=kept).send(fields, send)

    async def _answer(self, scope: Scope, fields: Fields, receive: Receive, exchange: Exchange) -> Answer | EventStream:
        ends = asyncio.get_running_loop().time() + self._operations.deadline
        if scope["method"] not in ("GET", "POST"):
            raise Refused(405, "Ask by POST, or by GET to read.", headers={"allow": "GET, POST"})
        if fields["origin"]:
            check_origin(Headers(scope=scope), self._origins)
        session = await self._authenticate(fields)
        exchange.subject = session.principal.subject
        request = await self._read(scope, fields, receive, ends)
        prepared = self._operations.prepare(request, session.principal)
        kind = self._note(prepared, request, exchange)
        if kind is OperationType.MUTATION and scope["method"] == "GET":
            raise Refused(405, "A GET may only read.", headers={"allow": "POST"})
        if _dry(fields):
            return prepared if isinstance(prepared, dict) else self._operations.appraise(prepared, request)
        media_type, events = _wishes(fields["accept"])
        if media_type == EVENT_STREAM or (kind is OperationType.SUBSCRIPTION and events):
            return self._stream(prepared, request, session, fields)
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
        self, prepared: Prepared | Answer, request: GraphQLRequest, session: Session, fields: Fields
    ) -> EventStream:
        if self._streams is None:
            raise Refused(406, "There are no event streams here.")
        return EventStream(
            self._operations,
            self._streams,
            prepared,
            request,
            session,
            last_event_id=next(iter(fields["last-event-id"]), None),
            cursor=self._cursor,
        )

    async def _authenticate(self, fields: Fields) -> Session:
        try:
            session = await self._authenticator.session(fields["authorization"])
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

    async def _read(self, scope: Scope, fields: Fields, receive: Receive, ends: float) -> GraphQLRequest:
        if scope["method"] == "GET":
            return from_query_string(scope["query_string"])
        content = (fields["content-type"], fields["content-encoding"])
        if content != PLAIN:
            check_content(*map(list, content))
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
        departure = None
        try:
            async with in_time(ends) as clock:
                departure = _Departure(receive, clock)
                try:
                    return await self._operations.engine.execute(
                        prepared, context=context, variables=request.variables, operation_name=request.operation_name
                    )
                finally:
                    departure.stop()
        except TimeoutError:
            if departure and departure.noticed:
                raise Gone from None
            raise too_long() from None
        except RecursionError:
            raise too_deep() from None


class _Departure:
    """Ends the time of an execution as soon as the client is seen to have left."""

    def __init__(self, receive: Receive, clock: asyncio.Timeout) -> None:
        self.noticed = False
        self._receive = receive
        self._clock = clock
        self._watch: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._unwatched = self._loop.call_later(UNWATCHED, self._begin)

    def stop(self) -> None:
        self._unwatched.cancel()
        if self._watch:
            self._watch.cancel()

    def _begin(self) -> None:
        self._watch = self._loop.create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.noticed = True
        self._clock.reschedule(self._loop.time())


def _wishes(accept: Sequence[str]) -> tuple[str, bool]:
    """The media type to answer with, and whether events are taken. Raises Refused as ``negotiate``."""
    brief = sum(map(len, accept)) <= LONGEST
    return _understood(tuple(accept)) if brief else _understood.__wrapped__(tuple(accept))


def _dry(fields: Fields) -> bool:
    """Whether only the cost is asked for. What cannot be understood is refused: it might have been meant so."""
    given = fields[DRY_RUN]
    if not given:
        return False
    if len(given) > 1 or given[0].lower() not in ("true", "false"):
        raise Refused(400, f"{DRY_RUN} is true or false.")
    return given[0].lower() == "true"


@lru_cache(REMEMBERED)
def _understood(accept: tuple[str, ...]) -> tuple[str, bool]:
    return negotiate(accept), takes_events(accept)


def _status(answer: Mapping[str, Any], media_type: str) -> int:
    if "data" in answer:
        return 200
    failures = (FAILURES[code] for code in codes(answer) if code in FAILURES)
    return next(failures, 200 if media_type == JSON else 400)
