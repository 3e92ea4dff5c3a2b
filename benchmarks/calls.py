"""What every example query costs in upstream calls, on the simulated distributor with nothing remembered.

``calls.json`` holds the budgets; a test fails when a count grows. ``python -m benchmarks.calls`` counts; with
``--keep`` it makes the counts the budgets.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from starlette.types import Receive, Scope, Send

from engine.execute import Mode
from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.idp import DEMO_SECRET
from graph import schema
from server import logs, settings
from server.app import build
from server.telemetry import Telemetry

DOCUMENTS: Final = Path(__file__).resolve().parent.parent / "examples" / "queries"
BUDGETS: Final = Path(__file__).with_name("calls.json")

Counts = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Calls by document, source and operation."""

Ask = Callable[[str, str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""(persona, document, variables) to the answer of a Crossdock that remembers nothing yet."""

SOURCES: Final = ("erp", "wms", "ups", "fedex", "usps", "dhl", "ltl")
SET_UP: Final = frozenset({"token", "wsdl"})
"""Operations made once in a server's life and not for each query."""

ASKED_BY: Final[Mapping[str, str]] = {
    "1-order": "buyer",
    "2-shipment": "buyer",
    "3-orders": "buyer",
    "4-exceptions": "buyer",
    "5-invoices": "ap",
    "6-returns": "buyer",
    "7-accounts": "ap",
    "8-search": "buyer",
    "9-freshness": "buyer",
}
"""The persona who asks each document; its variables stand beside it."""


@dataclass(frozen=True, slots=True)
class Document:
    query: str
    variables: Mapping[str, Any]


def documents() -> Mapping[str, Document]:
    """The example queries by name; what a subscription costs depends on what happens."""
    return {
        path.stem: Document(text, json.loads(path.with_suffix(".json").read_text()))
        for path in sorted(DOCUMENTS.glob("*.graphql"))
        if "\nsubscription " not in (text := path.read_text())
    }


async def count(fleet: Fleet, ask: Ask) -> Counts:
    """The calls of every document in ``examples/queries``, each at the instant the simulated clock starts."""
    return {name: await _count(name, document, fleet, ask) for name, document in documents().items()}


async def _count(name: str, document: Document, fleet: Fleet, ask: Ask) -> Mapping[str, Mapping[str, int]]:
    if name not in ASKED_BY:
        raise LookupError(f"{name}: say in benchmarks.calls.ASKED_BY who asks it")
    await asyncio.to_thread(fleet.set_clock, START)
    await asyncio.to_thread(fleet.reset_calls)
    answer = await ask(ASKED_BY[name], document.query, document.variables)
    if answer.get("errors") or not all(answer["data"].values()):
        raise ValueError(f"{name}: {json.dumps(answer)[:500]}")
    return {source: made for source in SOURCES if (made := dict(await asyncio.to_thread(_made, fleet, source)))}


def _made(fleet: Fleet, source: str) -> Iterator[tuple[str, int]]:
    for operation, calls in sorted(fleet.calls(source).by_operation.items()):
        if operation not in SET_UP:
            yield operation, calls


def budgets() -> Counts:
    """What each document may cost."""
    kept: Counts = json.loads(BUDGETS.read_text())
    return kept


def grown(counts: Counts, kept: Counts) -> list[str]:
    """Each count above its budget in ``kept``; a document without a budget has none to spend."""
    return [
        f"{document}: {source} {operation} {calls} > {allowed}"
        for document, by_source in counts.items()
        for source, by_operation in by_source.items()
        for operation, calls in by_operation.items()
        if calls > (allowed := kept.get(document, {}).get(source, {}).get(operation, 0))
    ]


def table(counts: Counts) -> str:
    lines = ["| document | asked by | calls | by source and operation |", "|---|---|---:|---|"]
    for document, by_source in counts.items():
        total = sum(calls for made in by_source.values() for calls in made.values())
        told = "; ".join(
            f"{source}: " + ", ".join(f"{operation} {calls}" for operation, calls in made.items())
            for source, made in by_source.items()
        )
        lines.append(f"| {document} | {ASKED_BY[document]} | {total} | {told} |")
    return "\n".join(lines)


# -- a Crossdock of its own --------------------------------------------------------------------------------------------


@asynccontextmanager
async def cold(urls: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """A Crossdock just started over the simulators at ``urls``."""
    app = build(settings.load(environment(urls)), schema.engine(schema.build(), mode=Mode.COMPILED), Telemetry())
    async with app.router.lifespan_context(app) as state:

        async def started(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(started)
        async with httpx.AsyncClient(transport=transport, base_url="http://crossdock", trust_env=False) as client:
            yield client


async def ask_cold(urls: Mapping[str, str], persona: str, document: str, variables: Mapping[str, Any]) -> Any:
    """The answer of a Crossdock started for this question."""
    form = {"grant_type": "client_credentials", "client_id": persona, "client_secret": DEMO_SECRET}
    async with httpx.AsyncClient(trust_env=False) as idp:
        token = (await idp.post(f"{urls['idp']}/token", data=form)).json()["access_token"]
    async with cold(urls) as client:
        headers = {"Authorization": f"Bearer {token}"}
        body = {"query": document, "variables": variables}
        return (await client.post("/graphql", json=body, headers=headers)).json()


def measure() -> Counts:
    """The calls of every document, on simulators started for it."""
    logs.configure("warning")
    with Fleet.start() as fleet:

        async def ask(persona: str, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
            answer: Mapping[str, Any] = await ask_cold(fleet.urls, persona, document, variables)
            return answer

        return asyncio.run(count(fleet, ask))


def main() -> None:
    counts = measure()
    print(table(counts))
    if "--keep" in sys.argv[1:]:
        BUDGETS.write_text(json.dumps(counts, indent=2) + "\n")
    elif above := grown(counts, budgets()):
        sys.exit("\n".join(["above budget:", *above]))


if __name__ == "__main__":
    main()
