"""What an operation costs is told with its answer, or alone and nothing is done; what costs too much asks no source.

Every source is down here, so whatever asked one would have an error to tell.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from examples.distributor.fleet import Fleet
from tests.server.test_app import Served, serving

ORDERS = "query ($first: Int) { orders(first: $first) { nodes { number shipments { number } } } }"
DRY = {"x-cost-dry-run": "true"}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Fleet.start(names=("idp",)) as fleet, serving(fleet.urls["idp"], DOCUMENTS__COST="200") as served:
        yield served


def asked(served: Served, query: str, *, method: str = "POST", headers: dict[str, str], **given: Any) -> httpx.Response:
    bearer = {"authorization": f"Bearer {served.token('service')}"}
    if method == "GET":
        return served.asker.get("/graphql", params={"query": query} | given, headers=bearer | headers)
    return served.asker.post("/graphql", json={"query": query} | given, headers=bearer | headers)


def test_an_answer_tells_what_it_cost(served: Served) -> None:
    answer = served.ask('{ viewer { kind } order(number: "1") { number } }').json()
    assert answer["data"]["order"] is None
    assert answer["errors"]
    assert answer["extensions"] == {"cost": {"requested": 2, "limit": 200}}


@pytest.mark.parametrize("given", ["true", "TRUE"])
def test_a_dry_run_tells_the_cost_and_asks_no_source(served: Served, given: str) -> None:
    answer = asked(served, ORDERS, headers={"x-cost-dry-run": given}, variables={"first": 10})
    assert answer.status_code == 200
    assert answer.json() == {"data": None, "extensions": {"cost": {"requested": 80, "limit": 200}}}


def test_a_dry_run_may_come_by_get(served: Served) -> None:
    answer = asked(served, ORDERS, method="GET", headers=DRY, variables='{"first":10}')
    assert answer.json() == {"data": None, "extensions": {"cost": {"requested": 80, "limit": 200}}}


@pytest.mark.parametrize("headers", [{}, DRY], ids=["asked", "dry"])
def test_what_is_too_dear_is_refused_before_any_source_is_asked(served: Served, headers: dict[str, str]) -> None:
    answer = asked(served, ORDERS, headers=headers, variables={"first": 26})
    assert answer.json().keys() == {"errors"}
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "COST_LIMIT"
    cost = error["extensions"]["cost"]
    assert (cost["requested"], cost["limit"]) == (208, 200)
    assert {"OrderConnection.nodes", "Order.shipments"} <= {each["field"] for each in cost["largest"]}


def test_a_dry_mutation_does_nothing(served: Served) -> None:
    mutation = "mutation { reconcile { __typename } }"
    done = asked(served, mutation, headers={}).json()
    dry = asked(served, mutation, headers=DRY).json()
    assert "errors" in done
    assert dry.keys() == {"data", "extensions"}
    assert asked(served, mutation, method="GET", headers=DRY).status_code == 405


def test_a_dry_subscription_opens_no_stream(served: Served) -> None:
    answer = asked(served, "subscription { customerActivity { id } }", headers=DRY | {"accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["extensions"]["cost"]["limit"] == 200


@pytest.mark.parametrize("given", ["1", "yes", ""])
def test_what_may_have_meant_a_dry_run_is_refused(served: Served, given: str) -> None:
    assert asked(served, ORDERS, headers={"x-cost-dry-run": given}).status_code == 400
    assert asked(served, "{ __typename }", headers={"x-cost-dry-run": "false"}).json()["data"]


def test_each_limit_of_a_document_is_a_setting() -> None:
    with Fleet.start(names=("idp",)) as fleet, serving(fleet.urls["idp"], DOCUMENTS__DEPTH="1") as served:
        (error,) = served.ask("{ viewer { kind } }").json()["errors"]
        assert (error["extensions"]["code"], error["extensions"]["most"]) == ("DEPTH_LIMIT", 1)
        assert served.ask("{ __typename }").status_code == 200
