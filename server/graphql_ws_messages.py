"""The messages of graphql-transport-ws on one socket, strictly: what the protocol does not define closes it.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import IntEnum
from typing import Any, TypeAlias

import orjson
from starlette.types import Receive, Send

from engine.wire import written
from server.streams import Ending, Gone, Streams

PROTOCOL = "graphql-transport-ws"

REASON = 123
"""Bytes that the reason of a close may have (RFC 6455 section 5.5)."""

NAMED: Mapping[str, bool] = {
    "connection_init": False,
    "ping": False,
    "pong": False,
    "subscribe": True,
    "complete": True,
}
"""What a client may say, and whether it names an operation."""

Message: TypeAlias = dict[str, Any]


class Code(IntEnum):
    """Why a connection is closed: the protocol's own codes, and RFC 6455's where it has none."""

    GOING_AWAY = 1001
    TOO_BIG = 1009
    TRY_AGAIN_LATER = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY_INITIALISATIONS = 4429


class Closing(Exception):
    """The connection ends here, and the client is told why."""

    def __init__(self, code: Code, reason: str, ending: Ending = Ending.REFUSED) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.ending = ending


class Wire:
    """The messages of one socket, both ways. Raises Gone once the client left or takes nothing."""

    def __init__(self, receive: Receive, send: Send, streams: Streams, max_message: int) -> None:
        self._receive = receive
        self._send = send
        self._streams = streams
        self._max_message = max_message

    async def accept(self, offered: Sequence[str]) -> None:
        """Opens the socket. Raises Closing when the client does not speak the protocol."""
        speaks = PROTOCOL in offered
        await self._receive()  # websocket.connect
        message = {"type": "websocket.accept", "subprotocol": PROTOCOL if speaks else None}
        await self._streams.deliver(self._send(message))
        if not speaks:
            raise Closing(Code.SUBPROTOCOL_NOT_ACCEPTABLE, f"Speak {PROTOCOL}.")

    async def read(self) -> Message:
        """The next message, of one of the protocol's types and its shape. Raises Closing for any other."""
        received = await self._receive()
        if received["type"] == "websocket.disconnect":
            raise Gone(Ending.LEFT)
        text: str | None = received.get("text")
        if text is None:
            raise Closing(Code.BAD_REQUEST, "Send text.")
        raw = text.encode()
        if len(raw) > self._max_message:
            raise Closing(Code.TOO_BIG, f"A message may have {self._max_message} bytes.")
        try:
            message = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Closing(Code.BAD_REQUEST, "The message is not JSON.") from None
        _check_shape(message)
        checked: Message = message
        return checked

    async def send(self, type_: str, **members: Any) -> None:
        text = written({"type": type_, **members}).decode()
        await self._streams.deliver(self._send({"type": "websocket.send", "text": text}))

    async def pong(self, ping: Message) -> None:
        payload = ping.get("payload")
        await self.send("pong", **({} if payload is None else {"payload": payload}))

    async def close(self, closing: Closing) -> None:
        reason = closing.reason.encode()[:REASON].decode(errors="ignore")
        message = {"type": "websocket.close", "code": closing.code, "reason": reason}
        with suppress(Gone):
            await self._streams.deliver(self._send(message))


def _check_shape(message: object) -> None:
    """Raises Closing for what the protocol does not define."""
    named = NAMED.get(str(message.get("type"))) if isinstance(message, dict) else None
    if named is None or not isinstance(message, dict):
        raise Closing(Code.BAD_REQUEST, f"A message is an object whose type is one of {', '.join(NAMED)}.")
    id_, payload = message.get("id"), message.get("payload")
    if named and not (isinstance(id_, str) and id_):
        raise Closing(Code.BAD_REQUEST, "The id must be a string that is not empty.")
    if not isinstance(payload, dict) and (payload is not None or message["type"] == "subscribe"):
        raise Closing(Code.BAD_REQUEST, "The payload must be an object.")
