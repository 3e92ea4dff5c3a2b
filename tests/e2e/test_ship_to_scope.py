"""A caller bound to ship-tos sees what belongs to them and nothing else, although the account is the same."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from domain.access import Principal, PrincipalKind
from domain.model import CustomerId
from engine.execute import Engine, Prepared
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from resolvers import nodes
from resolvers.context import Context
from server import settings
from server.systems import wall_clock
from sources.observer import Silence
from sources.registry import open_estate
from store.audit import Ledger
from store.database import Database

Asked = Callable[..., Awaitable[dict[str, Any]]]
SCOPES = frozenset({"order:read", "invoice:read", "return:read", "balance:read", "price:read"})


@pytest.fixture
def account(world: World) -> str:
    """An account of the buyer's company that ordered to several places."""
    buyer = world.personas["buyer"].account
    assert buyer is not None
    places: dict[str, set[str]] = {}
    for order in world.orders.values():
        places.setdefault(order.account, set()).add(order.ship_to_id)
    return next(each for each in (buyer, *sorted(world.descendants(buyer))) if len(places.get(each, ())) > 1)


@pytest.fixture
def bound(world: World, account: str) -> str:
    return next(order.ship_to_id for order in world.orders.values() if order.account == account)


@pytest.fixture
async def ask(fleet: Fleet, engine: Engine, account: str, bound: str, tmp_path: Path) -> AsyncIterator[Asked]:
    fleet.clear_faults()
    principal = Principal(
        "demo:bound", PrincipalKind.PORTAL_USER, SCOPES, account=CustomerId(account), ship_tos=frozenset({bound})
    )
    estate_config = settings.load(environment(fleet.urls)).estate()
    database = await Database.open(f"sqlite:///{tmp_path}/audit.db")
    ledger = Ledger(database)
    async with open_estate(estate_config, observer=Silence(), now=wall_clock) as estate:

        async def asked(query: str, **variables: Any) -> dict[str, Any]:
            prepared = engine.prepare(query)
            assert isinstance(prepared, Prepared), prepared
            context = Context(principal, estate, now=wall_clock, correlation_id="ship-to", ledger=ledger)
            return await engine.execute(prepared, context=context, variables=variables, operation_name=None)

        yield asked
    await ledger.close()
    await database.close()


async def test_lists_hold_the_places_own_rows(ask: Asked, bound: str) -> None:
    answer = await ask("""{
      orders(first: 50) { nodes { number shipToId } }
      invoices(first: 50) { nodes { number orders { shipToId } } }
      returns(first: 50) { nodes { rmaNumber order { shipToId } } }
      shipments(first: 50) { nodes { number order { shipToId } } }
    }""")
    assert "errors" not in answer, answer["errors"]
    data = answer["data"]
    assert data["orders"]["nodes"]
    assert {order["shipToId"] for order in data["orders"]["nodes"]} == {bound}
    assert {order["shipToId"] for each in data["invoices"]["nodes"] for order in each["orders"]} <= {bound}
    assert {each["order"]["shipToId"] for each in data["returns"]["nodes"]} <= {bound}
    assert data["shipments"]["nodes"]
    assert {each["order"]["shipToId"] for each in data["shipments"]["nodes"]} == {bound}


async def test_an_order_to_another_place_does_not_exist(ask: Asked, world: World, account: str, bound: str) -> None:
    other = next(each for each in world.orders.values() if each.account == account and each.ship_to_id != bound)
    query = "query ($n: String!, $id: ID!) { order(number: $n) { number } node(id: $id) { id } }"
    answer = await ask(query, n=other.number, id=nodes.encode("Order", other.number))
    assert answer["data"] == {"order": None, "node": None}


async def test_an_account_shows_the_place_alone(ask: Asked, account: str, bound: str) -> None:
    answer = await ask("query ($n: String!) { customer(number: $n) { shipTos { id } } }", n=account)
    assert answer["data"] == {"customer": {"shipTos": [{"id": bound}]}}


async def test_a_place_of_that_number_below_the_account_is_another(fleet: Fleet, world: World) -> None:
    below = next(each for each in world.orders.values() if world.accounts[each.account].parent)
    parent = world.accounts[below.account].parent
    assert parent
    principal = Principal(
        "demo:above",
        PrincipalKind.PORTAL_USER,
        SCOPES,
        account=CustomerId(parent),
        ship_tos=frozenset({below.ship_to_id}),
    )
    async with open_estate(
        settings.load(environment(fleet.urls)).estate(), observer=Silence(), now=wall_clock
    ) as estate:
        context = Context(principal, estate, now=wall_clock, correlation_id="ship-to")
        scope = await context.visibility()
    assert not scope.sees_at(CustomerId(below.account), below.ship_to_id)
    assert scope.sees_at(CustomerId(parent), below.ship_to_id)
