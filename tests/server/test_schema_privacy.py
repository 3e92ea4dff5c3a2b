"""Whoever may not read the schema cannot have it guessed for them: no answer names what its question did not."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from examples.distributor.fleet import Fleet
from graph import schema
from tests.server.test_app import Served, serving
from tests.server.test_trusted import over_socket


def words() -> frozenset[str]:
    """All that the schema calls by a name of its own."""
    found: set[str] = set()
    for type_ in schema.executable(schema.build()).type_map.values():
        found.add(type_.name)
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            found |= type_.fields.keys() | {name for field in type_.fields.values() for name in field.args}
        elif isinstance(type_, GraphQLInputObjectType):
            found |= type_.fields.keys()
        elif isinstance(type_, GraphQLEnumType):
            found |= type_.values.keys()
    return frozenset(found - COMMON)


COMMON = frozenset(
    ("code", "message", "locations", "document", "order", "data", "value", "type", "name", "field", "of", "status")
)
"""Words of any answer, and of any English sentence."""

PROBES: Mapping[str, dict[str, Any]] = {
    "a field": {"query": "{ shipment { trakingNumber } }"},
    "a root field": {"query": "{ custmers { id } }"},
    "many fields": {"query": "{ invoces oders viewr shipmnts retrns }"},
    "a field of an interface": {"query": '{ node(id: "x") { numbr } }'},
    "an argument": {"query": '{ invoice(numbr: "1") { id } }'},
    "a missing argument": {"query": "{ node { id } }"},
    "a type": {"query": "{ ...F } fragment F on Qery { viewer { kind } }"},
    "a type of a variable": {"query": "query ($f: ShipmentFilte) { viewer { kind } }"},
    "a fragment that cannot be": {"query": "{ ...F } fragment F on Invoice { id }"},
    "an enum's value": {"query": "{ orders(orderBy: PLACED_AT_DES) { nodes { id } } }"},
    "a field of an input": {"query": "{ orders(filter: {placedAftr: 1}) { nodes { id } } }"},
    "a value of another type": {"query": '{ orders(first: "1") { nodes { id } } }'},
    "a directive": {"query": "query @maxStalenes(seconds: 1) { viewer { kind } }"},
    "a selection too few": {"query": "{ viewer }"},
    "a selection too many": {"query": "{ viewer { kind { a } } }"},
    "a mutation": {"query": "mutation { replayDeadLetter { a } }"},
    "a subscription": {"query": "subscription { ordrUpdated { cursor } }"},
    "an enum's value in a variable": {
        "query": "query ($by: OrderOrder!) { orders(orderBy: $by) { nodes { id } } }",
        "variables": {"by": "PLACED_AT_DES"},
    },
    "a field of an input in a variable": {
        "query": "query ($filter: OrderFilter) { orders(filter: $filter) { nodes { id } } }",
        "variables": {"filter": {"placedAftr": 1}},
    },
    "the schema": {"query": "{ __schema { queryType { name } } }"},
    "the SDL": {"query": "{ _service { sdl } }"},
    "a type by its name": {"query": '{ __type(name: "Oder") { name } }'},
}


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Fleet.start(names=("idp",)) as fleet, serving(fleet.urls["idp"], INTROSPECTION="internal:read") as served:
        yield served


@pytest.fixture(scope="module")
def secrets() -> frozenset[str]:
    return words()


def ask(served: Served, persona: str | None, body: Mapping[str, Any], method: str = "POST") -> httpx.Response:
    headers = {"authorization": f"Bearer {served.token(persona)}"} if persona else {}
    if method == "GET":
        return served.asker.get("/graphql", params={"query": body["query"]}, headers=headers)
    return served.asker.post("/graphql", json=body, headers=headers)


def betrayed(told: str, body: Mapping[str, Any], secrets: frozenset[str]) -> set[str]:
    """The names that ``told`` says and ``body`` did not."""
    return (set(re.findall(r"\w+", told)) & secrets) - set(re.findall(r"\w+", json.dumps(body)))


@pytest.mark.parametrize("name", PROBES)
def test_no_answer_names_what_its_question_did_not(served: Served, secrets: frozenset[str], name: str) -> None:
    body = PROBES[name]
    over_http = ask(served, "buyer", body)
    told = [over_http.text, json.dumps(over_socket(served, body)["payload"])]
    if "mutation" not in body["query"] and "variables" not in body:
        told.append(ask(served, "buyer", body, "GET").text)
    for each in told:
        assert "errors" in over_http.json()
        assert "Did you mean" not in each
        assert betrayed(each, body, secrets) == set(), each


def test_which_of_many_guesses_is_right_is_not_told(served: Served) -> None:
    wrong = ask(served, "buyer", {"query": "{ viewr invoces }"}).json()["errors"][0]
    partly = ask(served, "buyer", {"query": "{ viewer { kind } invoces }"}).json()["errors"][0]
    for error in (wrong, partly):
        del error["extensions"]["correlationId"]
        assert error == {"message": "The document does not fit the schema.", "extensions": {"code": "BAD_USER_INPUT"}}


@pytest.mark.parametrize("name", PROBES)
def test_nobody_in_particular_learns_nothing_at_all(served: Served, name: str) -> None:
    answer = ask(served, None, PROBES[name])
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["message"] == "A bearer token is needed."


def test_whoever_may_read_the_schema_is_helped(served: Served) -> None:
    error = ask(served, "service", {"query": "{ viewr { kind } }"}).json()["errors"][0]
    assert error["message"] == "Cannot query field 'viewr' on type 'Query'. Did you mean 'viewer'?"
    assert ask(served, "service", {"query": "{ __schema { queryType { name } } }"}).json()["data"]
