"""A caller bound to subsidiaries sees their accounts and what belongs to those; nothing else exists, read live or from
memory.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.access import Principal, PrincipalKind, Visibility
from domain.changes import Change, Logged
from domain.events import Subject
from domain.model import CustomerId, OrderId
from engine.execute import Engine
from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from ingest import observer
from ingest.backfill import Backfill
from ingest.worker import Worker
from resolvers import changes, nodes
from resolvers.changes import Changes
from resolvers.context import Context, Policy
from server import settings
from server.graphql_operations import Operations
from server.graphql_request import GraphQLRequest
from server.systems import wall_clock
from sources.estate import Estate
from sources.observer import Silence
from sources.registry import open_estate
from store.audit import Ledger
from store.database import Database
from store.inbox import Inbox
from store.memory import Memory

Asked = Callable[..., Awaitable[dict[str, Any]]]
POLICY = Policy()
SCOPES = frozenset({"order:read", "invoice:read", "return:read"})
TOP, CANADIAN, AMERICAN = CustomerId("0000417"), CustomerId("0000425"), CustomerId("0000421")
"""The buyer's company: its top, and an account of each of its two subsidiaries."""

EVERYONE = Principal("demo:desk", PrincipalKind.SERVICE, SCOPES)
BUYER = Principal("demo:buyer", PrincipalKind.PORTAL_USER, SCOPES, account=TOP)
BOUND = {
    "the desk of one": (replace(EVERYONE, subsidiaries=frozenset({"CA"})), "CA"),
    "a buyer in one": (replace(BUYER, subsidiaries=frozenset({"CA"})), "CA"),
    "a buyer in the other": (replace(BUYER, subsidiaries=frozenset({"US"})), "US"),
}

LISTS = """{
  orders(first: 100) { nodes { customer { number } shipments { order { customer { number } } } } totalCount }
  invoices(first: 100) { nodes { customer { number } orders { customer { number } } } }
  returns(first: 100) { nodes { customer { number } } }
  shipments(first: 100) { nodes { order { customer { number } } } }
  customers(first: 100) { nodes { number parent { number } children { number } } }
}"""

PATHS = """query ($n: String!, $id: ID!, $a: String!) {
  order(number: $n) { number } node(id: $id) { id } nodes(ids: [$id]) { id } customer(number: $a) { name }
  search(text: $n) { nodes { __typename } }
  _entities(representations: [{__typename: "Order", number: $n}]) { ... on Order { number } }
  orders(filter: {customerNumbers: [$a]}) { totalCount nodes { number } }
}"""


@pytest.fixture(params=["live", "memory"])
async def ask(request: pytest.FixtureRequest, fleet: Fleet, engine: Engine, tmp_path: Path) -> AsyncIterator[Asked]:
    """Asks as a principal; given ``news``, follows the activity of all accounts that it sees."""
    fleet.clear_faults()
    database = await Database.open(f"sqlite:///{tmp_path}/crossdock.db")
    ledger, memory = Ledger(database), Memory(database) if request.param == "memory" else None
    async with open_estate(
        settings.load(environment(fleet.urls)).estate(), observer=Silence(), now=wall_clock
    ) as estate:
        if memory:
            await fill(database, estate)
            assert await memory.holds_everything()

        async def asked(
            principal: Principal, query: str, news: Sequence[Change] = (), **variables: Any
        ) -> dict[str, Any]:
            hub = Changes(_Log(news))

            def context(caller: Principal, correlation_id: str) -> Any:
                return Context(
                    caller,
                    estate,
                    now=wall_clock,
                    correlation_id=correlation_id,
                    ledger=ledger,
                    policy=POLICY,
                    memory=memory,
                    changes=hub,
                )

            operations = Operations(engine, context, deadline=60)
            request = GraphQLRequest(query, None, variables)
            prepared = operations.prepare(request, principal)
            async with aclosing(operations.answers(prepared, request, principal, "subsidiary")) as answers:
                found: dict[str, Any] = await anext(answers)
            await hub.close()
            return found

        yield asked
    await ledger.close()
    await database.close()


async def fill(database: Database, estate: Estate) -> None:
    accounts, inbox = Visibility(frozenset({TOP, CANADIAN, AMERICAN})), Inbox(database)
    worker = Worker(database, inbox, {}, now=wall_clock, observer=observer.Silence())
    working = asyncio.create_task(worker.run())
    try:
        await Backfill(database, inbox, estate, now=wall_clock, scope=accounts, delivered=worker.wake).run()
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


class _Log:
    """A log that holds these changes."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._entries = [Logged(position, change) for position, change in enumerate(changes, 1)]

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        return self._entries[after:][:limit]

    async def head(self) -> int:
        return len(self._entries)


def numbers(data: Any) -> set[str]:
    """Every account number in an answer that names nothing else so."""
    if isinstance(data, list):
        return {found for each in data for found in numbers(each)}
    if not isinstance(data, dict):
        return set()
    own = {data["number"]} if "number" in data else set()
    return own | {found for each in data.values() for found in numbers(each)}


@pytest.mark.parametrize("who", BOUND)
async def test_lists_hold_the_subsidiarys_own_rows(ask: Asked, world: World, who: str) -> None:
    principal, subsidiary = BOUND[who]
    answer = await ask(principal, LISTS)
    assert "errors" not in answer, answer["errors"]
    data = answer["data"]
    assert {world.accounts[number].subsidiary for number in numbers(data)} == {subsidiary}
    assert data["orders"]["nodes"]
    assert data["shipments"]["nodes"]
    assert data["customers"]["nodes"]


async def test_what_is_anothers_is_like_what_does_not_exist(ask: Asked, world: World) -> None:
    foreign = next(order for order in world.orders.values() if order.account == AMERICAN and order.submitted_at < START)
    names = {"n": foreign.number, "id": nodes.encode("Order", foreign.number), "a": foreign.account}
    missing = {"n": "no such", "id": nodes.encode("Order", "no such"), "a": "no such"}
    found = await ask(replace(EVERYONE, subsidiaries=frozenset({"US"})), PATHS, **names)
    nothing = await ask(EVERYONE, PATHS, **missing)
    assert "errors" not in found
    assert all(found["data"][path] != nothing["data"][path] for path in nothing["data"])
    for bound in (frozenset({"CA"}), frozenset({"nobody's"}), frozenset[str]()):
        assert await ask(replace(EVERYONE, subsidiaries=bound), PATHS, **names) == nothing


FOLLOW = "subscription ($after: String!) { customerActivity(after: $after) { cursor customer { number } } }"


async def test_a_subscriber_is_told_of_the_subsidiarys_alone(ask: Asked) -> None:
    news = [
        Change(Subject.CUSTOMER, account, OrderId("SO"), account, None, START, None, "OPEN")
        for account in (AMERICAN, TOP, CANADIAN)
    ]
    desk = BOUND["the desk of one"][0]
    answer = await ask(desk, FOLLOW, news, after=changes.cursor(POLICY.seal, desk, 0))
    assert answer["data"]["customerActivity"]["customer"] == {"number": CANADIAN}
