"""What a caller may not see does not exist: by no path, in no count, and in no difference of an answer."""

from typing import Any

import pytest

from examples.distributor.world import World
from resolvers import nodes
from tests.e2e.asking import Ask

LISTED = """query ($after: String) {
  orders(first: 100, after: $after) { nodes { number customer { number } } pageInfo { hasNextPage endCursor } }
}"""


def without_ids(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer without what differs between any two requests."""
    for error in answer.get("errors", ()):
        error.get("extensions", {}).pop("correlationId", None)
    return answer


def family(world: World, persona: str) -> set[str]:
    """The account of ``persona`` and all below it."""
    account = world.personas[persona].account
    assert account is not None
    return {account, *world.descendants(account)}


async def test_the_parent_account_sees_its_branches(ask: Ask, world: World) -> None:
    answer = await ask("buyer", LISTED)
    accounts = {node["customer"]["number"] for node in answer["data"]["orders"]["nodes"]}
    assert accounts <= family(world, "buyer")
    assert len(accounts) > 1


async def test_a_branch_sees_its_own_alone(ask: Ask, world: World) -> None:
    after, numbers = None, []
    while True:
        page = (await ask("branch", LISTED, after=after))["data"]["orders"]
        assert {node["customer"]["number"] for node in page["nodes"]} <= family(world, "branch")
        numbers += [node["number"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(numbers) == len(set(numbers)) > 0


PATHS = {
    "number": ("query ($x: String!) { order(number: $x) { number } }", "order"),
    "PO number": ("query ($x: String!) { order(poNumber: $x) { number } }", "po"),
    "id": ("query ($x: ID!) { order(id: $x) { number } }", "id"),
    "node": ("query ($x: ID!) { node(id: $x) { id ... on Order { number status } } }", "id"),
    "nodes": ("query ($x: ID!) { nodes(ids: [$x]) { id } }", "id"),
    "tracking number": ("query ($x: String!) { shipment(trackingNumber: $x) { number } }", "tracking"),
    "shipment node": ("query ($x: ID!) { node(id: $x) { id ... on Shipment { number } } }", "shipment"),
    "invoice": ("query ($x: String!) { invoice(number: $x) { number } }", "invoice"),
    "invoice node": ("query ($x: ID!) { node(id: $x) { id } }", "invoice id"),
    "account": ("query ($x: String!) { customer(number: $x) { name } }", "account"),
    "search": ("query ($x: String!) { search(text: $x) { nodes { __typename } } }", "order"),
    "search by tracking": ("query ($x: String!) { search(text: $x) { nodes { __typename } } }", "tracking"),
    "entity": (
        """query ($x: String!) {
          _entities(representations: [{__typename: "Order", number: $x}]) { ... on Order { number } }
        }""",
        "order",
    ),
    "filter": (
        "query ($x: [String!]) { orders(filter: {customerNumbers: $x}) { totalCount } }",
        "account",
    ),
}


def telling(world: World, number: str) -> bool:
    """Whether the order is the buyer's, and is known by a PO number that nobody else used."""
    order = world.orders[number]
    mine = order.account in family(world, "buyer")
    return bool(mine and order.po_number and world.orders_by_po[order.po_number] == (number,))


@pytest.fixture
def handles(world: World, ask: Ask) -> dict[str, str]:
    number = next(each for each in world.cases["delivered"] if telling(world, each))
    order = world.orders[number]
    (invoice, *_) = world.invoices_of(number, ask.now)
    warehouse = world.warehouse_order(number, ask.now)
    assert warehouse is not None
    shipment = warehouse.shipments[0]
    tracking = next(package.tracking_number for package in shipment.packages if package.tracking_number)
    return {
        "order": number,
        "po": order.po_number or "",
        "id": nodes.encode("Order", number),
        "tracking": tracking,
        "shipment": nodes.encode("Shipment", shipment.number),
        "invoice": invoice.number,
        "invoice id": nodes.encode("Invoice", invoice.number),
        "account": order.account,
    }


MISSING = {
    "id": nodes.encode("Order", "no such order"),
    "shipment": nodes.encode("Shipment", "no such shipment"),
    "invoice id": nodes.encode("Invoice", "no such invoice"),
}


@pytest.mark.parametrize("path", PATHS)
async def test_to_a_stranger_it_is_like_what_does_not_exist(ask: Ask, handles: dict[str, str], path: str) -> None:
    query, handle = PATHS[path]
    foreign = await ask("stranger", query, x=handles[handle])
    missing = await ask("stranger", query, x=MISSING.get(handle, "no such thing"))
    assert without_ids(foreign) == without_ids(missing)
    assert handles[handle] not in str((foreign["data"], foreign.get("errors")))


@pytest.mark.parametrize("path", PATHS)
async def test_to_its_owner_it_exists(ask: Ask, handles: dict[str, str], path: str) -> None:
    query, handle = PATHS[path]
    found = await ask("buyer", query, x=handles[handle])
    missing = await ask("buyer", query, x=MISSING.get(handle, "no such thing"))
    assert "errors" not in found
    assert found["data"] != missing["data"]
