"""Crossdock as one subgraph of several: the supergraph composes, and a gateway in front resolves our entities."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
import uvicorn
from strawberry.asgi import GraphQL
from strawberry.federation import Schema

from examples.distributor.clock import START
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from examples.distributor.world.erp import LineView
from graph import schema as graph_schema
from tests.e2e import personas
from tests.npm.node import NODE, PEERS

GATEWAY_START_SECONDS = 60


@strawberry.federation.type(keys=["number"])
class Order:
    """An order as a colleague's subgraph extends it."""

    number: str

    @strawberry.field
    def note(self) -> str:
        return f"note on {self.number}"


def _noted(numbers: list[str]) -> list[Order]:
    return [Order(number=number) for number in numbers]


@strawberry.type
class Query:
    noted: list[Order] = strawberry.field(resolver=_noted)


async def compose(subgraphs: list[dict[str, str]]) -> str:
    process = await asyncio.create_subprocess_exec(
        NODE,
        PEERS / "compose.mjs",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate(json.dumps(subgraphs).encode())
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def test_the_schema_composes_and_keeps_its_scopes() -> None:
    sdl = graph_schema.sdl(graph_schema.build())
    supergraph = await compose([{"name": "crossdock", "url": "http://127.0.0.1:1/graphql", "sdl": sdl}])
    assert 'requiresScopes(scopes: [["price:read"]])' in supergraph
    assert "authenticated" in supergraph


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
async def notes() -> AsyncIterator[tuple[str, str]]:
    """A colleague's subgraph on a real socket, and its SDL."""
    schema = Schema(query=Query, federation_version="2.9")
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(GraphQL(schema), port=port, log_config=None, ws="none", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn tells it by this flag alone)
        await asyncio.sleep(0.05)
    yield f"http://127.0.0.1:{port}/", schema.as_str()
    server.should_exit = True
    await serving


@pytest.fixture
async def gateway(served: str, notes: tuple[str, str], tmp_path: Path) -> AsyncIterator[str]:
    """Hive Gateway over both subgraphs."""
    sdl = graph_schema.sdl(graph_schema.build())
    ours = {"name": "crossdock", "url": f"{served}/graphql", "sdl": sdl}
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(await compose([ours, {"name": "notes", "url": notes[0], "sdl": notes[1]}]))
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        NODE,
        "node_modules/.bin/hive-gateway",
        "supergraph",
        str(supergraph),
        *("-c", "gateway.config.mjs", "--host", "127.0.0.1", "--port", str(port), "--disable-websockets"),
        cwd=PEERS,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        await _await_ready(process, f"{address}/readiness")
        yield f"{address}/graphql"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _await_ready(process: asyncio.subprocess.Process, url: str) -> None:
    async with asyncio.timeout(GATEWAY_START_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            assert process.returncode is None, "the gateway has ended"
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.2)


async def ask(gateway: str, bearer: str, query: str, **variables: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        reply = await client.post(
            gateway, json={"query": query, "variables": variables}, headers={"Authorization": f"Bearer {bearer}"}
        )
    answer: dict[str, Any] = reply.json()
    return answer


def erp_lines(world: World, number: str) -> Sequence[LineView]:
    view = world.erp_order(number, START)
    assert view is not None
    return view.lines


NOTED = "query ($n: [String!]!) { noted(numbers: $n) { number note poNumber lines { lineNumber item { sku } } } }"


async def test_a_gateway_resolves_our_entities_in_the_callers_name(gateway: str, fleet: Fleet, world: World) -> None:
    numbers = [world.examples[case] for case in ("delivered", "backorder", "zero_like_ids")]
    fleet.reset_calls()
    found = await ask(gateway, await personas.token(fleet, "buyer"), NOTED, n=numbers)
    assert "errors" not in found, found
    orders = found["data"]["noted"]
    assert [order["note"] for order in orders] == [f"note on {number}" for number in numbers]
    assert [order["poNumber"] for order in orders] == [world.orders[number].po_number for number in numbers]
    assert all(order["lines"] for order in orders)

    strange = await ask(gateway, await personas.token(fleet, "stranger"), NOTED, n=numbers)
    assert all(order is None or order["poNumber"] is None for order in (strange["data"] or {}).get("noted") or [])
    texts = [line.description for number in numbers for line in erp_lines(world, number)]
    assert not any(text and text in str(strange) for text in texts)


async def test_a_gateway_passes_our_own_root_fields_on(gateway: str, fleet: Fleet, world: World) -> None:
    number = world.examples["delivered"]
    query = "query ($n: String!) { order(number: $n) { number note status shipments { trackingNumber status } } }"
    found = await ask(gateway, await personas.token(fleet, "buyer"), query, n=number)
    assert found["data"]["order"]["note"] == f"note on {number}"
    assert found["data"]["order"]["status"] in {"DELIVERED", "COMPLETED"}
