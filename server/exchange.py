"""Every exchange has one correlation id, a safe answer to every surprise, and is reported once when it is over."""

import hashlib
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from secrets import token_hex

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sources.transport import CORRELATION_ID

log = structlog.get_logger("crossdock.access")

HEADER = b"x-correlation-id"
ACCEPTABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Answers that set their own keep it."""

SECURED = frozenset(name for name, _ in SECURITY)

CLIENT_GONE = 499
SWITCHING = 101
UNEXPECTED = 1011
"""The close code of a socket that met a surprise (RFC 6455 section 7.4.1)."""

SOCKET = "WEBSOCKET"
STARTS = frozenset(("http.response.start", "websocket.accept", "websocket.http.response.start"))
"""The messages that begin an answer."""


@dataclass(slots=True)
class Exchange:
    """What is known of one exchange, filled in on its way. ``codes``: those of the errors told to the client.

    ``streamed``: it stays open, so ``seconds`` counts until it began to answer. A socket's status is 101 once it is
    open.
    """

    correlation_id: str
    method: str
    route: str
    operation: str | None = None
    kind: str | None = None
    subject: str | None = None
    codes: list[str] = field(default_factory=list)
    status: int = CLIENT_GONE
    seconds: float = 0.0
    streamed: bool = False

    @property
    def who(self) -> str | None:
        """The caller under a name that tells nobody who it is."""
        return self.subject and hashlib.sha256(self.subject.encode()).hexdigest()[:16]


def exchange_of(scope: Scope) -> Exchange:
    exchange: Exchange = scope["crossdock"]
    return exchange


class Exchanges:
    """The outermost ASGI middleware. ``report`` receives each exchange when it is over.

    ``routes``: the first segments of the paths we serve; an exchange elsewhere counts as "other".
    """

    def __init__(self, app: ASGIApp, *, report: Callable[[Exchange], None], routes: Collection[str]) -> None:
        self._app = app
        self._report = report
        self._routes = frozenset(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        route = "/" + scope["path"].split("/", 2)[1]
        exchange = Exchange(
            correlation_id=_asked(scope) or token_hex(16),
            method=scope.get("method", SOCKET),
            route=route if route in self._routes else "other",
        )
        scope["crossdock"] = exchange
        CORRELATION_ID.set(exchange.correlation_id)
        structlog.contextvars.bind_contextvars(correlation_id=exchange.correlation_id)
        began, started = time.perf_counter(), False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] in STARTS:
                started, exchange.status = True, message.get("status", SWITCHING)
                exchange.seconds = time.perf_counter() - began
                headers = message.get("headers", ())
                given = SECURED.intersection([name for name, _ in headers])
                own = [pair for pair in SECURITY if pair[0] not in given] if given else SECURITY
                message["headers"] = [*headers, *own, (HEADER, exchange.correlation_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:  # whatever surprises us, the client is told nothing of it
            log.exception("unexpected error")
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": UNEXPECTED})
            elif not started:
                await _apologize(exchange, sending)
        finally:
            if not exchange.streamed:
                exchange.seconds = time.perf_counter() - began
            self._report(exchange)


def _asked(scope: Scope) -> str | None:
    """The correlation id that the client gave, if it may stand in our log."""
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == HEADER), "")
    return given if ACCEPTABLE.fullmatch(given) else None


async def _apologize(exchange: Exchange, send: Send) -> None:
    exchange.codes = ["INTERNAL"]
    extensions = {"code": "INTERNAL", "correlationId": exchange.correlation_id}
    body = orjson.dumps({"errors": [{"message": "Something went wrong on our side.", "extensions": extensions}]})
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})
