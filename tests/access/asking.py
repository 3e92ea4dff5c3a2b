"""Crossdocks over a random company, asked by anybody in every way, and each answer compared with the oracle's."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
from starlette.applications import Starlette

from engine.execute import Engine
from engine.limits import Limits
from examples.distributor.environment import environment
from examples.distributor.idp_tokens import AUDIENCE, Subject
from graph import costs, schema
from graph.errors import tell
from resolvers import auditing
from server import settings
from server.app import build
from server.auth import Session
from server.telemetry import Telemetry
from store.database import Database
from store.memory import Memory
from tests.access.company import Company, Systems, served_company
from tests.access.documents import Question, Thing, lists, searches, singles
from tests.access.oracle import EVERYBODY, Caller, Facts, Verdict, allowed
from tests.e2e.conftest import PATIENT
from tests.engine.mode import MODE

PAGE: Final = 7
"""Rows of a page, so that every list has several."""

LIVE: Final = {"STORE__URL": "off"}
DOMAINS: Final = ("ORDERS", "WAREHOUSE", "TRACKING", "INVOICES", "RETURNS", "CUSTOMERS")
MEMORY: Final = {f"READS__{domain}__DETAIL": "memory" for domain in DOMAINS}
MIXED: Final = {f"READS__{domain}__BUDGET": "60" for domain in DOMAINS}
"""As it comes: lists from memory, each object from its owner, however long that takes."""

WAYS: Final[Mapping[str, Mapping[str, str]]] = {"live": LIVE, "memory": MEMORY, "mixed": MIXED}
"""Where answers come from, by settings."""

HIERARCHY: Final = 1.0
"""Seconds that a hierarchy is believed."""

COLD: Final = {
    f"LIFETIMES__{name}": "0"
    for name in ("ORDERS", "CUSTOMERS", "HIERARCHY", "RECEIVABLES", "INVOICES", "RETURNS", "WAREHOUSE", "NOT_FOUND")
}
"""Nothing that was read once is believed."""


def boundless() -> Engine:
    """Documents here are larger than anybody's may be."""
    built = schema.executable(schema.build())
    return Engine(
        built,
        format_errors=tell,
        mode=MODE,
        costs=costs.declared(built),
        watch=auditing.watched,
        limits=Limits.none(),
        cost_limit=10**12,
    )


@dataclass(slots=True)
class Crossdock:
    """One application of the company's. ``verdict``: of all that was asked of it."""

    way: str
    company: Company
    systems: Systems
    app: Starlette
    state: Mapping[str, Any]
    verdict: Verdict = field(default_factory=Verdict)
    _tokens: dict[str, str] = field(default_factory=dict)

    async def ask(self, caller: Caller, question: Question, **more: Any) -> dict[str, Any]:
        """The whole answer. Whatever went wrong but a scope that is missing is no answer."""
        answer = (await self.post(caller, question.document, {**question.variables, **more})).json()
        self.refused(caller, question.path, answer)
        found: dict[str, Any] = answer
        return found

    def refused(self, caller: Caller, path: str, answer: Mapping[str, Any]) -> None:
        """Fails for any error but of scopes that are missing."""
        for error in answer.get("errors", ()):
            told = error["extensions"]
            missing = told["code"] == "FORBIDDEN_FIELD" and not caller.scopes.issuperset(told["missingScopes"])
            assert missing, (self.way, path, caller, error)

    async def session(self, caller: Caller) -> Session:
        """Whom the product takes the caller for."""
        found: Session = await self.state["authenticator"].session([f"Bearer {self.token(caller)}"])
        return found

    async def post(self, caller: Caller, document: str, variables: Mapping[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(_with_state(self.app, self.state))
        async with httpx.AsyncClient(transport=transport, base_url="http://crossdock", timeout=120) as client:
            body = {"query": document, "variables": variables}
            return await client.post("/graphql", json=body, headers={"Authorization": f"Bearer {self.token(caller)}"})

    def token(self, caller: Caller) -> str:
        """Signed by the company's identity provider."""
        if caller.name not in self._tokens:
            who = Subject(
                caller.name,
                caller.name,
                caller.kind,
                caller.stated,
                caller.account,
                tuple(caller.ship_tos),
                tuple(caller.territories),
            )
            claims = who.claims(())
            if caller.subsidiaries is not None:
                claims |= {"crossdock_subsidiaries": sorted(caller.subsidiaries)}
            urls, keys = self.systems.urls, self.systems.provider.keys
            self._tokens[caller.name] = keys.sign(urls["idp"], AUDIENCE, claims, "at+jwt")
        return self._tokens[caller.name]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything the company has, as whoever sees all was told it, and all that can be asked of it."""

    facts: Facts
    things: Sequence[Thing]
    questions: Sequence[Question]
    pages: Sequence[tuple[str, Question]]

    def some(self, rng: Random) -> "Catalogue":
        """A quarter of the questions."""
        fewer = rng.sample(self.questions, len(self.questions) // 4)
        return replace(self, questions=fewer, pages=rng.sample(self.pages, len(self.pages) // 4))

    def under(self, facts: Facts) -> "Catalogue":
        """The same, once the company has changed."""
        return replace(self, facts=facts)


async def catalogue(crossdock: Crossdock, near: int, every: int) -> Catalogue:
    """From the lists of whoever sees all, checked against the company's books. ``near``: see ``documents.whole``; one
    in ``every`` of a kind is asked for by itself.
    """
    facts = crossdock.company.facts()
    orders = list(crossdock.company.orders)
    pages = list(lists(orders[::2], list(facts.parents)[::2], near))
    things: list[Thing] = []
    for kind in ("Order", "Shipment", "Invoice", "Return", "Customer"):
        question = next(each for of, each in pages if of == kind)
        rows = await crossdock.ask(EVERYBODY, question, first=100)
        things += [_thing(kind, row) for row in rows["data"]["page"]["nodes"]]
    known = {thing.number for thing in things if thing.kind in ("Order", "Customer")}
    assert known == {*orders, *facts.parents}
    assert {thing.kind for thing in things} == {kind for kind, _ in facts.owners}
    asked = [*singles(things, near, every), *searches(things[:: 5 * every], ["vale"])]
    return Catalogue(facts, things, asked, pages)


def _thing(kind: str, row: Mapping[str, Any]) -> Thing:
    said = {
        "Order": ("number", "poNumber"),
        "Shipment": ("trackingNumber",),
        "Invoice": ("number",),
        "Return": ("rmaNumber",),
        "Customer": ("number", "name"),
    }
    number = row["rmaNumber" if kind == "Return" else "number"]
    return Thing(kind, number, row["id"], [row[name] for name in said[kind] if row[name]])


async def compare(crossdock: Crossdock, found: Catalogue, callers: Sequence[Caller]) -> None:
    """Every question by everybody at once, so that what is read for one is there for all."""
    for question in found.questions:
        truth, *answers = await asyncio.gather(*(crossdock.ask(caller, question) for caller in (EVERYBODY, *callers)))
        for caller, answer in zip(callers, answers, strict=True):
            _judge(crossdock, found.facts, caller, question, truth["data"], answer["data"])
    for _, question in found.pages:
        there, *theirs = await asyncio.gather(
            *(everything(crossdock, caller, question) for caller in (EVERYBODY, *callers))
        )
        for caller, rows in zip(callers, theirs, strict=True):
            where = f"{crossdock.way} {caller} {question.path}"
            crossdock.verdict.compare(where, there, allowed(caller, found.facts, there), rows)


def _judge(  # noqa: PLR0917 (who asks whom what, and what is told)
    crossdock: Crossdock, facts: Facts, caller: Caller, question: Question, truth: Mapping[str, Any], told: Any
) -> None:
    """What stands at a fixed place is compared there: what is not visible is null."""
    for name, there in truth.items():
        where = f"{crossdock.way} {caller} {question.path} {name}"
        if isinstance(there, list):
            for place, (each, seen) in enumerate(zip(there, told[name], strict=True)):
                assert each is not None, (where, place)
                crossdock.verdict.compare(f"{where} {place}", each, allowed(caller, facts, each), seen)
        else:
            assert there is not None, (where, question.variables[name])
            expected = allowed(caller, facts, there) if caller.reads("Query", question.root) else None
            crossdock.verdict.compare(where, there, expected, told[name])


async def everything(crossdock: Crossdock, caller: Caller, question: Question) -> list[Any]:
    """All rows of a list, page by page: each but the last is full, and its total is that of what may be seen."""
    rows: list[Any] = []
    totals = set[int | None]()
    after = None
    while True:
        page = (await crossdock.ask(caller, question, first=PAGE, after=after))["data"]["page"]
        if page is None:
            return []
        rows += page["nodes"]
        totals.add(page.get("totalCount"))
        assert [_named(edge["node"]) for edge in page["edges"]] == [_named(node) for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        assert len(page["nodes"]) == PAGE, (question.path, caller, len(page["nodes"]))
        after = page["pageInfo"]["endCursor"]
    assert totals <= {None, len(rows)}, (question.path, caller, totals, len(rows))
    return rows


def _named(row: Mapping[str, Any]) -> Any:
    return row["rmaNumber" if row["__typename"] == "Return" else "number"]


@asynccontextmanager
async def crossdocks(
    company: Company, path: Path, ways: Sequence[str], given: Mapping[str, str] = {}
) -> AsyncIterator[list[Crossdock]]:
    """One for each way, over the same systems; their memories are full. ``given``: more settings."""
    engine = boundless()
    async with AsyncExitStack() as stack:
        systems = await stack.enter_async_context(served_company(company))
        opened = [await stack.enter_async_context(_opened(way, company, systems, engine, path, given)) for way in ways]
        yield opened


@asynccontextmanager
async def _opened(  # noqa: PLR0917 (all that a Crossdock is opened with)
    way: str, company: Company, systems: Systems, engine: Engine, path: Path, more: Mapping[str, str]
) -> AsyncIterator[Crossdock]:
    kept = f"sqlite:///{path}/{way}-{secrets.token_hex(4)}.db"
    given = PATIENT | {
        "STORE__URL": kept,
        "LIFETIMES__HIERARCHY": str(HIERARCHY),
        "INGEST__RECONCILE_HOURS": "0",
        **WAYS[way],
        **more,
    }
    if given["STORE__URL"] == "off":
        given["STORE__AUDIT_URL"] = kept
    urls = environment(systems.urls) | {f"CROSSDOCK_{name}": value for name, value in given.items()}
    app = build(settings.load(urls), engine, Telemetry())
    async with app.router.lifespan_context(app) as state:
        if "STORE__AUDIT_URL" not in given:
            await _full(kept)
        yield Crossdock(way, company, systems, app, state or {})


async def _full(url: str) -> None:
    database = await Database.open(url)
    try:
        async with asyncio.timeout(120):
            while not await Memory(database).holds_everything():  # noqa: ASYNC110 (nobody tells when)
                await asyncio.sleep(0.1)
    finally:
        await database.close()


def _with_state(app: Starlette, state: Mapping[str, Any]) -> Any:
    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return asgi
