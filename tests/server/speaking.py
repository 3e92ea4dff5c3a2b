"""Speaks graphql-transport-ws to a live Crossdock, and listens to its event streams."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from tests.server.live import PATIENCE, Live

PROTOCOL = "graphql-transport-ws"
ACTIVITY = """subscription Follow($after: String) {
  customerActivity(after: $after) { cursor kind id before after missed events { kind } }
}"""


class Speaker:
    """One socket, from its client's side."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, type_: str, **members: Any) -> None:
        await self.socket.send(json.dumps({"type": type_, **members}))

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            heard: dict[str, Any] = json.loads(await self.socket.recv())
        return heard

    async def acknowledged(self, authorization: str | None) -> dict[str, Any]:
        """The acknowledgement of who we say we are."""
        await self.say("connection_init", payload={"Authorization": authorization} if authorization else None)
        heard = await self.hear()
        assert heard["type"] == "connection_ack", heard
        return heard

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        await self.say("subscribe", id=id_, payload={"query": query, "variables": variables})

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The answer to a query, or its errors."""
        await self.subscribe("ask", query, **variables)
        heard = await self.hear()
        if heard["type"] == "error":
            return {"errors": heard["payload"]}
        assert (await self.hear()) == {"type": "complete", "id": "ask"}
        answer: dict[str, Any] = heard["payload"]
        return answer

    async def told(self, field: str = "customerActivity") -> dict[str, Any]:
        """The next update."""
        heard = await self.hear()
        assert heard["type"] == "next", heard
        assert "errors" not in heard["payload"], heard
        update: dict[str, Any] = heard["payload"]["data"][field]
        return update

    async def closed(self) -> tuple[int, str, list[dict[str, Any]]]:
        """The code and the reason with which the server closes, and what it says before."""
        async with asyncio.timeout(PATIENCE):
            said = [json.loads(message) async for message in until_closed(self.socket)]
        code, reason = self.socket.close_code, self.socket.close_reason
        assert code is not None
        return code, reason or "", said


async def until_closed(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    """What the server says until it closes."""
    with suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


@asynccontextmanager
async def speaking(
    live: Live, *, protocol: str | None = PROTOCOL, origin: str | None = None, **headers: str
) -> AsyncIterator[Speaker]:
    """An open socket, not initialised."""
    async with connect(
        live.socket,
        subprotocols=[Subprotocol(protocol)] if protocol else None,
        origin=Origin(origin) if origin else None,
        additional_headers=headers,
        compression=None,
        close_timeout=5,
    ) as socket:
        yield Speaker(socket)


@asynccontextmanager
async def ready(live: Live, **claims: Any) -> AsyncIterator[Speaker]:
    """An acknowledged socket."""
    async with speaking(live) as speaker:
        await speaker.acknowledged(live.bearer(**claims))
        yield speaker


class Listener:
    """One event stream, from its client's side."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def event(self) -> dict[str, str]:
        """The next event by its fields; one with no more than an id too. Empty when the stream has ended."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif not line and fields:
                    break
        return fields

    async def told(self, field: str = "customerActivity") -> dict[str, Any]:
        """The next update."""
        heard = await self.event()
        assert heard.get("event") == "next", heard
        answer = json.loads(heard["data"])
        assert "errors" not in answer, answer
        assert heard["id"] == answer["data"][field]["cursor"]
        update: dict[str, Any] = answer["data"][field]
        return update

    async def rest(self) -> list[dict[str, str]]:
        """All that is told until the end."""
        events = []
        while heard := await self.event():
            events.append(heard)
        return events


@asynccontextmanager
async def listening(
    live: Live, query: str = ACTIVITY, *, authorization: str | None = None, last_event_id: str = "", **variables: Any
) -> AsyncIterator[Listener]:
    """An event stream; where none was asked for, its beginning has told where it begins."""
    headers = {"accept": "text/event-stream", "authorization": authorization or live.bearer()}
    if last_event_id:
        headers["last-event-id"] = last_event_id
    async with (
        httpx.AsyncClient(base_url=live.url, timeout=PATIENCE) as client,
        client.stream("POST", "/graphql", json={"query": query, "variables": variables}, headers=headers) as response,
    ):
        yield Listener(response)
