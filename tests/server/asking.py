"""Asks the small house of ``house.py`` over a real socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from server.graphql_request import RESPONSE
from tests.server.house import House
from tests.server.serving import served_beside

Open = tuple[House, httpx.Client]
CODES = {
    "BAD_USER_INPUT",
    "UNAUTHENTICATED",
    "FORBIDDEN_FIELD",
    "SOURCE_TIMEOUT",
    "COST_LIMIT",
    "DEPTH_LIMIT",
    "INTERNAL",
}


@contextmanager
def opened(**changes: Any) -> Iterator[Open]:
    house = House(**changes)
    with served_beside(house.app) as address, httpx.Client(base_url=address, timeout=20) as asker:
        asker.headers.update(house.bearer())
        yield house, asker


def post(asker: httpx.Client, query: str, *, accept: str = RESPONSE, **more: Any) -> httpx.Response:
    return asker.post("/graphql", json={"query": query} | more, headers={"accept": accept})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer that must be nothing but errors of GraphQL's shape, with the correlation id."""
    body = answer.json()
    assert body.keys() == {"errors"}
    for error in body["errors"]:
        assert error["message"]
        assert error["extensions"]["code"] in CODES
        assert error["extensions"]["correlationId"] == answer.headers["x-correlation-id"]
    return answer.status_code, body["errors"][0]["extensions"]["code"]
