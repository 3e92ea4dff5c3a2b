"""GraphQL over WebSockets, as graphql-transport-ws has it: many operations to a connection, each under an id.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import NoReturn, cast

import structlog
from graphql import OperationType
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from domain.access import Principal
from domain.errors import SourceUnavailable, Unauthenticated
from engine.wire import written
from server.auth import EXPIRED, NEEDED, REFUSED, Authenticator, Session
from server.exchange import Exchange, exchange_of
from server.graphql_operations import Answer, Operations, check_origin, codes, kind_of, stamped, told
from server.graphql_request import JSON, GraphQLRequest, Refused, from_parameters
from server.graphql_ws_messages import Closing, Code, Message, Wire
from server.streams import Crowded, Ending, Gone, Streams

log = structlog.get_logger("crossdock.graphql")

TRANSPORT = "ws"

INITIALISATION = 5.0
"""Seconds from the handshake until a client must have said who it is."""

OPERATIONS = 50
"""How many operations one connection may have under way."""

ENDINGS: Mapping[Ending, tuple[Code, str]] = {
    Ending.EXPIRED: (Code.FORBIDDEN, EXPIRED),
    Ending.REVOKED: (Code.FORBIDDEN, REFUSED),
    Ending.STOPPING: (Code.GOING_AWAY, "The server stops; come back with your cursor."),
}
"""How a client is told that it may not stay. Clients retry all three, with a new token where theirs was no good."""


class GraphQLSocket:
    """An ASGI application for the scope "websocket".

    ``max_message``: bytes; ``origins``: sites whose pages may connect, beside our own. ``cursor`` tells where the log
    of changes ends, which the acknowledgement hands on: whoever subscribes ``after`` it misses nothing.
    ``initialisation``: seconds until a client must have said who it is; ``limit``: operations under way at a time.
    """

    def __init__(
        self,
        operations: Operations,
        authenticator: Authenticator,
        streams: Streams,
        *,
        max_message: int,
        origins: frozenset[str] = frozenset(),
        cursor: Callable[[Principal], Awaitable[str]] | None = None,
        initialisation: float = INITIALISATION,
        limit: int = OPERATIONS,
    ) -> None:
        self._operations = operations
        self._authenticator = authenticator
        self._streams = streams
        self._max_message = max_message
        self._origins = origins
        self._cursor = cursor
        self._initialisation = initialisation
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, exchange = Headers(scope=scope), exchange_of(scope)
        try:
            check_origin(headers, self._origins)
        except Refused as refused:
            answer = stamped(told(refused), exchange.correlation_id)
            exchange.codes = codes(answer)
            await Response(written(answer), refused.status, media_type=JSON)(scope, receive, send)
            return
        exchange.streamed = True
        observer, ending = self._streams.observer, Ending.LEFT
        observer.stream_opened(TRANSPORT)
        try:
            wire = Wire(receive, send, self._streams, self._max_message)
            ending = await self._serve(wire, scope["subprotocols"], headers, exchange)
        finally:
            observer.stream_closed(TRANSPORT, ending)

    async def _serve(self, wire: Wire, offered: Sequence[str], headers: Headers, exchange: Exchange) -> Ending:
        """Why it was over; the client has been told, where it can be told."""
        try:
            await wire.accept(offered)
            session = await self._initialise(wire, headers)
            exchange.subject = session.principal.subject
            with self._streams.admitted(session):
                await wire.send("connection_ack", **await self._acknowledgement(session.principal))
                connection = _Connection(
                    wire,
                    session,
                    operations=self._operations,
                    streams=self._streams,
                    limit=self._limit,
                    correlation_id=exchange.correlation_id,
                )
                await connection.run()
        except Gone as gone:
            return gone.ending
        except Crowded:
            closing = Closing(Code.TRY_AGAIN_LATER, "You have too many streams open.")
        except Closing as each:
            closing = each
        await wire.close(closing)
        return closing.ending

    async def _initialise(self, wire: Wire, headers: Headers) -> Session:
        """Who the client says it is, in the message or in the headers of the handshake."""
        try:
            async with asyncio.timeout(self._initialisation):
                while (message := await wire.read())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise Closing(Code.UNAUTHORIZED, "Unauthorized")
                    if message["type"] == "ping":
                        await wire.pong(message)
        except TimeoutError:
            raise Closing(Code.INITIALISATION_TIMEOUT, "Connection initialisation timeout") from None
        try:
            session = await self._authenticator.session(_authorization(message) or headers.getlist("authorization"))
        except Unauthenticated as error:
            raise Closing(Code.FORBIDDEN, error.public) from error
        except SourceUnavailable as error:
            raise Closing(Code.TRY_AGAIN_LATER, "Nobody can be signed in at the moment.") from error
        if session is None:
            raise Closing(Code.FORBIDDEN, NEEDED)
        return session

    async def _acknowledgement(self, principal: Principal) -> Message:
        if self._cursor is None:
            return {}
        try:
            return {"payload": {"cursor": await self._cursor(principal)}}
        except Exception as error:
            log.exception("the log of changes could not be read")
            raise Closing(Code.TRY_AGAIN_LATER, "Nothing can be followed at the moment.") from error


class _Connection:
    """An acknowledged client: its operations run beside each other until it leaves or may not stay."""

    def __init__(
        self,
        wire: Wire,
        session: Session,
        *,
        operations: Operations,
        streams: Streams,
        limit: int,
        correlation_id: str,
    ) -> None:
        self._wire = wire
        self._session = session
        self._operations = operations
        self._streams = streams
        self._limit = limit
        self._correlation_id = correlation_id
        self._running: dict[str, asyncio.Task[None]] = {}
        self._finishing: set[asyncio.Task[None]] = set()

    async def run(self) -> NoReturn:
        """Raises Closing or Gone when it is over, with no task left behind."""
        ends: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._stay())
                tasks.create_task(self._obey(tasks))
        except* (Closing, Gone) as over:
            ends.extend(over.exceptions)
        raise ends[0]

    async def _stay(self) -> NoReturn:
        """A server that stops lets queries and mutations finish."""
        ending = await self._streams.over(self._session)
        if ending is Ending.STOPPING and self._finishing:
            await asyncio.wait(self._finishing)
        raise _over(ending)

    async def _check(self, *, finishing: bool) -> None:
        if ending := await self._streams.ended(self._session, finishing=finishing):
            raise _over(ending)

    async def _obey(self, tasks: asyncio.TaskGroup) -> NoReturn:
        while True:
            message = await self._wire.read()
            await self._check(finishing=True)
            match message["type"]:
                case "subscribe" if self._streams.stopping:
                    pass  # the close that is to come answers it
                case "subscribe":
                    await self._subscribe(message["id"], message["payload"], tasks)
                case "complete":
                    await self._complete(message["id"])
                case "ping":
                    await self._wire.pong(message)
                case "connection_init":
                    raise Closing(Code.TOO_MANY_INITIALISATIONS, "Too many initialisation requests")

    async def _subscribe(self, id_: str, payload: Message, tasks: asyncio.TaskGroup) -> None:
        if id_ in self._running:
            raise Closing(Code.SUBSCRIBER_EXISTS, f"Subscriber for {id_} already exists")
        try:
            request = from_parameters(payload)
        except Refused as refused:
            raise Closing(Code.BAD_REQUEST, refused.message) from refused
        if len(self._running) < self._limit:
            self._running[id_] = tasks.create_task(self._operate(id_, request))
        else:
            crowded = told(Refused(429, "You have too many operations under way.", code="RATE_LIMITED"))
            await self._tell(id_, "", crowded)

    async def _complete(self, id_: str) -> None:
        task = self._running.pop(id_, None)
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def _operate(self, id_: str, request: GraphQLRequest) -> None:
        principal, correlation_id = self._session.principal, self._correlation_id
        try:
            prepared = self._operations.prepare(request, principal)
        except Refused as refused:
            prepared = told(refused)
        kind = kind_of(prepared, request)
        finishing = kind is not OperationType.SUBSCRIPTION
        task = cast("asyncio.Task[None]", asyncio.current_task())
        try:
            if finishing:
                self._finishing.add(task)
            answers = self._operations.answers(prepared, request, principal, correlation_id)
            async with aclosing(answers):
                async for answer in answers:
                    await self._check(finishing=finishing)
                    if "data" not in answer:
                        self._forget(id_)
                    await self._tell(id_, kind.value if kind else "", answer)
            if id_ in self._running:
                self._forget(id_)
                await self._wire.send("complete", id=id_)
        finally:
            self._finishing.discard(task)
            self._forget(id_)

    async def _tell(self, id_: str, kind: str, answer: Answer) -> None:
        """An answer without data is the last of its operation."""
        stamped(answer, self._correlation_id)
        if "data" in answer:
            await self._wire.send("next", id=id_, payload=answer)
        else:
            await self._wire.send("error", id=id_, payload=answer["errors"])
        self._streams.observer.answer_sent(TRANSPORT, kind, codes(answer))

    def _forget(self, id_: str) -> None:
        """Frees the id before the client learns that it is free."""
        if self._running.get(id_) is asyncio.current_task():
            del self._running[id_]


def _authorization(message: Message) -> list[str]:
    """The credentials in a connection_init, under whatever case of the header's name."""
    payload: Message = message.get("payload") or {}
    given = [value for name, value in payload.items() if name.lower() == "authorization"]
    if not all(isinstance(each, str) for each in given):
        raise Closing(Code.BAD_REQUEST, "Authorization must be a string.")
    return given


def _over(ending: Ending) -> Closing:
    code, reason = ENDINGS[ending]
    return Closing(code, reason, ending)
