"""GraphQL over server-sent events: one operation to a connection, as graphql-sse's distinct connections mode has it.

https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from graphql import OperationType, StringValueNode, VariableNode
from starlette.types import Receive, Scope, Send

from domain.access import Principal
from engine.execute import Prepared
from engine.subscribe import root_field
from engine.wire import written
from server.auth import EXPIRED, REFUSED, Session
from server.exchange import Exchange, exchange_of
from server.graphql_operations import Answer, Operations, codes, kind_of, stamped, told
from server.graphql_request import EVENT_STREAM, GraphQLRequest, Refused
from server.streams import Crowded, Ending, Gone, Streams

KEEPALIVE = 15.0
"""Seconds between two signs of life, which keep proxies from closing what is silent."""

RETRY = 1000
"""Milliseconds after which a client whose stream was broken off may come back."""

TRANSPORT = "sse"
SIGN_OF_LIFE = b":\n\n"
COMPLETE = b"event: complete\ndata:\n\n"
WORDS: Mapping[Ending, str] = {Ending.EXPIRED: EXPIRED, Ending.REVOKED: REFUSED}
"""What the last error says when a token is no longer good."""

RESUME = "after"
"""The argument that says where a subscription goes on."""


class EventStream:
    """The answer to one operation, as an ASGI application. ``cursor`` tells where a stream that begins now begins.

    Raises Refused, with nothing sent, when the caller has too many streams.
    """

    def __init__(
        self,
        operations: Operations,
        streams: Streams,
        prepared: Prepared | Answer,
        request: GraphQLRequest,
        session: Session,
        *,
        last_event_id: str | None = None,
        cursor: Callable[[Principal], Awaitable[str]] | None = None,
    ) -> None:
        self._operations = operations
        self._streams = streams
        self._prepared = prepared
        self._session = session
        subscribes = kind_of(prepared, request) is OperationType.SUBSCRIPTION
        self._finishing = not subscribes
        self._request = resumed(prepared, request, last_event_id) if subscribes and last_event_id else request
        self._cursor = cursor if subscribes and after(prepared, self._request) is None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._streams.admitted(self._session):
                await self._register(exchange_of(scope), receive, send)
        except Crowded:
            raise Refused(429, "You have too many streams open.", code="RATE_LIMITED") from None

    async def _register(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        observer, ending = self._streams.observer, Ending.LEFT
        exchange.streamed = True
        observer.stream_opened(TRANSPORT)
        try:
            ending = await self._serve(exchange, receive, _Out(send, self._streams))
        except Gone as gone:
            ending = gone.ending
        finally:
            observer.stream_closed(TRANSPORT, ending)

    async def _serve(self, exchange: Exchange, receive: Receive, out: "_Out") -> Ending:
        """Tells what there is to tell until it is all told, the caller leaves, or may not stay."""
        await out.start()
        telling = asyncio.create_task(self._tell(exchange, out))
        staying = asyncio.create_task(self._streams.over(self._session, finishing=self._finishing))
        leaving = asyncio.create_task(_departure(receive))
        tasks = (telling, staying, leaving, asyncio.create_task(self._keep_alive(out)))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        ending = (telling if telling in done else done.pop()).result()
        await self._finish(ending, exchange, out)
        return ending

    async def _tell(self, exchange: Exchange, out: "_Out") -> Ending:
        kind = exchange.kind or ""
        if self._cursor is not None:
            await out.write(f"id: {await self._cursor(self._session.principal)}\n\n".encode())
        answers = self._operations.answers(
            self._prepared, self._request, self._session.principal, exchange.correlation_id
        )
        async with aclosing(answers):
            async for answer in answers:
                if ending := await self._streams.ended(self._session, finishing=self._finishing):
                    return ending
                await out.write(_next(stamped(answer, exchange.correlation_id)))
                self._streams.observer.answer_sent(TRANSPORT, kind, codes(answer))
        return Ending.COMPLETED

    async def _finish(self, ending: Ending, exchange: Exchange, out: "_Out") -> None:
        if ending in WORDS:
            refusal = told(Refused(401, WORDS[ending], code="UNAUTHENTICATED"))
            await out.write(_next(stamped(refusal, exchange.correlation_id)))
        if ending is Ending.STOPPING:
            await out.write(f"retry: {RETRY}\n\n".encode(), last=True)
        elif ending is not Ending.LEFT:
            await out.write(COMPLETE, last=True)

    async def _keep_alive(self, out: "_Out") -> Ending:
        while True:
            await asyncio.sleep(KEEPALIVE)
            await out.write(SIGN_OF_LIFE)


class _Out:
    """The way to the client. Raises Gone once it left or takes nothing."""

    def __init__(self, send: Send, streams: Streams) -> None:
        self._send = send
        self._streams = streams

    async def start(self) -> None:
        headers = {
            "content-type": f"{EVENT_STREAM}; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",  # nginx hands events on as they come
        }
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._streams.deliver(self._send({"type": "http.response.start", "status": 200, "headers": raw}))
        await self.write(SIGN_OF_LIFE)

    async def write(self, body: bytes, *, last: bool = False) -> None:
        message = {"type": "http.response.body", "body": body, "more_body": not last}
        await self._streams.deliver(self._send(message))


def _next(answer: Answer) -> bytes:
    """An answer as an event; its id is the cursor in it, where one was selected."""
    data: Mapping[str, Any] = answer.get("data") or {}
    cursors = (each.get("cursor") for each in data.values() if isinstance(each, dict))
    cursor = next((each for each in cursors if isinstance(each, str)), None)
    name = f"id: {cursor}\n" if cursor else ""
    return f"event: next\n{name}data: ".encode() + written(answer) + b"\n\n"


async def _departure(receive: Receive) -> Ending:
    while (await receive())["type"] != "http.disconnect":
        pass
    return Ending.LEFT


def after(prepared: Prepared | Answer, request: GraphQLRequest) -> object:
    """Where a subscription asks to go on, or None."""
    given = _resume(prepared, request)
    if isinstance(given, VariableNode):
        defaults = {each.variable.name.value: each.default_value for each in _variables(prepared, request)}
        return (request.variables or {}).get(given.name.value, defaults.get(given.name.value))
    return given if isinstance(given, StringValueNode) else None


def resumed(prepared: Prepared | Answer, request: GraphQLRequest, last_event_id: str) -> GraphQLRequest:
    """``request``, going on after the last event that its client has seen: a browser that reconnects repeats the
    request of its first time. Where the document holds no variable for it, it stays as it is.
    """
    given = _resume(prepared, request)
    if not isinstance(given, VariableNode):
        return request
    return replace(request, variables={**(request.variables or {}), given.name.value: last_event_id})


def _resume(prepared: Prepared | Answer, request: GraphQLRequest) -> object:
    if not isinstance(prepared, Prepared):
        return None
    field = root_field(prepared, request.operation_name)
    return next((each.value for each in field.arguments or () if each.name.value == RESUME), None)


def _variables(prepared: Prepared | Answer, request: GraphQLRequest) -> Any:
    node = prepared.operation(request.operation_name) if isinstance(prepared, Prepared) else None
    return node.variable_definitions or () if node else ()
