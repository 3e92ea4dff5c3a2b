"""``POST /webhooks/{source}``: where source systems deliver their events; answered once they are stored, not read.

What a sender is told: 202 stored, or stored before; 401 forged; 404 no such source, or it is off; 408 the body came too
slowly; 413 it is too large; 503 it could not be stored, come again.

Business Central ends a subscription on any answer to a failure but 408, 429 and 5xx, and else tries again for 36 hours.
So what is wrong with its notifications is always answered 503: a ``clientState`` that was changed on one side only, or
a body above the cap, can be put right within those hours and nothing is lost, while 202 for what is not stored would be
a lie that nobody notices, and 401 the end of all further events. A stranger learns nothing from either.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import Final, NoReturn

from starlette.datastructures import Headers, QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from ingest.intake import Intake
from ingest.observer import Outcome
from server.exchange import exchange_of
from sources.feeds import Door

PREFIX: Final = "/webhooks"
RETRY_AFTER: Final = {"retry-after": "5"}
CLOSE: Final = {"connection": "close"}
LONGEST_TOKEN: Final = 2048
"""Characters of a handshake's token that we repeat."""

REFUSALS: Mapping[Outcome, tuple[int, str, Mapping[str, str]]] = {
    Outcome.FORGED: (401, "The signature does not verify.", {"www-authenticate": 'Signature realm="crossdock"'}),
    Outcome.OFF: (404, "There is no such source.", {}),
    Outcome.TOO_LARGE: (413, "The body is too large.", CLOSE),
    Outcome.TOO_SLOW: (408, "The body did not arrive in time.", CLOSE),
    Outcome.UNAVAILABLE: (503, "The delivery could not be stored; try again.", RETRY_AFTER),
}
FORGIVEN: Final = frozenset({408, 429, 503})
"""What an unforgiving sender may be answered."""


class Gone(Exception):
    """The sender left before its body was complete."""


class Webhooks:
    """An ASGI application for the path's ``source``. ``max_body`` in bytes; ``deadline``: seconds a body may take."""

    def __init__(self, intake: Intake, *, max_body: int, deadline: float) -> None:
        self._intake = intake
        self._max_body = max_body
        self._deadline = deadline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises HTTPException for what is refused."""
        source: str = scope["path_params"]["source"]
        door = self._intake.door(source)
        if door is None:
            _refuse(self._intake.told(source, Outcome.OFF), None)
        if door.scheme.handshake and (token := QueryParams(scope["query_string"]).get(door.scheme.handshake)):
            await self._greet(source, token)(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            outcome = await self._take(source, headers, receive, exchange_of(scope).correlation_id)
        except Gone:
            self._intake.told(source, Outcome.GONE)
            return
        if outcome in REFUSALS:
            _refuse(outcome, door)
        await Response(status_code=202)(scope, receive, send)

    def _greet(self, source: str, token: str) -> Response:
        """Anybody may ask for this, so it is never more than a short line of plain text."""
        if len(token) > LONGEST_TOKEN or not token.isprintable():
            raise HTTPException(503, "The handshake's token is not one we can repeat.", RETRY_AFTER)
        self._intake.told(source, Outcome.GREETED)
        return PlainTextResponse(token, headers={"cache-control": "no-store"})

    async def _take(self, source: str, headers: Headers, receive: Receive, correlation_id: str) -> Outcome:
        if _length(headers) > self._max_body:
            return self._intake.told(source, Outcome.TOO_LARGE)
        try:
            async with asyncio.timeout(self._deadline):
                body = await self._body(receive)
        except TimeoutError:
            return self._intake.told(source, Outcome.TOO_SLOW)
        if body is None:
            return self._intake.told(source, Outcome.TOO_LARGE)
        return await self._intake.deliver(source, headers, body, correlation_id)

    async def _body(self, receive: Receive) -> bytes | None:
        """None: larger than it may be. Raises Gone."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            body += message.get("body", b"")
            if len(body) > self._max_body:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def routes() -> list[BaseRoute]:
    """Finds the ``Webhooks`` of the running lifespan in its state, under "webhooks"."""
    return [Route(f"{PREFIX}/{{source}}", _Running(), methods=["POST"])]


class _Running:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        webhooks: Webhooks = scope["state"]["webhooks"]
        await webhooks(scope, receive, send)


def _length(headers: Headers) -> int:
    """As announced; the body itself is counted too."""
    told = headers.get("content-length", "")
    return int(told) if re.fullmatch(r"\d{1,18}", told, re.ASCII) else 0


def _refuse(outcome: Outcome, door: Door | None) -> NoReturn:
    status, message, headers = REFUSALS[outcome]
    if door and door.scheme.unforgiving and status not in FORGIVEN:
        status, headers = 503, RETRY_AFTER
    raise HTTPException(status, message, dict(headers))
