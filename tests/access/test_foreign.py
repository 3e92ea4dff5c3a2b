"""Promise 9: what is another's and what does not exist cannot be told apart, neither by the answer nor by the work."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from resolvers import nodes
from tests.access.asking import COLD, Crossdock, crossdocks
from tests.access.company import Company
from tests.access.documents import KEYED, ROOTS
from tests.access.oracle import EVERYBODY, SCOPES, Caller, Facts
from tests.access.test_matrix import SEED


def stranger(facts: Facts, way: str) -> Caller:
    """Somebody who may read everything of what they see, which is next to nothing."""
    if way == "memory":
        return Caller("rep", "SALES_REP", frozenset(SCOPES), territories=frozenset({"nowhere"}))
    leaf = next(each for each in facts.parents if len(facts.below(each)) == 1)
    return Caller("place", "PORTAL_USER", frozenset(SCOPES), leaf, frozenset({"99"}))


def paths(kind: str, number: str, known: str) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """Each way to ask for one object. ``known``: what people call it."""
    root, argument = ROOTS[kind]
    on_kind = f"{{ ... on {kind} {{ id source {{ system }} }} }}"
    id_, found = nodes.encode(kind, number), "{ id source { system } }"
    ways: dict[str, tuple[str, Mapping[str, Any]]] = {
        "node": (f"query ($x: ID!) {{ node(id: $x) {on_kind} }}", {"x": id_}),
        "nodes": (f"query ($x: [ID!]!) {{ nodes(ids: $x) {on_kind} }}", {"x": [id_]}),
        "id": (f"query ($x: ID!) {{ {root}(id: $x) {found} }}", {"x": id_}),
        "name": (f"query ($x: String!) {{ {root}({argument}: $x) {found} }}", {"x": known}),
        "search": (f"query ($x: String!) {{ search(text: $x) {{ nodes {on_kind} }} }}", {"x": known}),
        "entity": (
            f"query ($x: [_Any!]!) {{ _entities(representations: $x) {on_kind} }}",
            {"x": [{"__typename": kind, "id": id_}]},
        ),
    }
    if kind in KEYED:
        query, _ = ways["entity"]
        ways["entity by number"] = query, {"x": [{"__typename": kind, argument: number}]}
    return ways


def unknown(name: str) -> str:
    """A name of the same form that nothing has."""
    return re.sub(r"\d", "9", name)


async def things(crossdock: Crossdock) -> list[tuple[str, str, str]]:
    """One object of each kind by its number, with what people call it."""
    answer = (await crossdock.post(EVERYBODY, FIRST, {})).json()["data"]
    rows = {kind: answer[kind]["nodes"] for kind in ROOTS}
    found = []
    for kind, (_, argument) in ROOTS.items():
        row = next(each for each in rows[kind] if each[argument] and re.search(r"[1-8].{2}", each[argument]))
        found.append((kind, row["rmaNumber" if kind == "Return" else "number"], row[argument]))
    return found


ONE_MORE = "live", "Shipment", "search"
"""Where memory cannot answer searches, a parcel's number costs one read of an order more if it is another's."""

FIRST = """{
  Order: orders { nodes { number } } Shipment: shipments { nodes { number trackingNumber } }
  Invoice: invoices { nodes { number } } Return: returns { nodes { rmaNumber } }
  Customer: customers { nodes { number } }
}"""


@pytest.mark.parametrize("way", ["live", "memory"])
async def test_what_is_anothers_is_like_what_does_not_exist(tmp_path: Path, way: str) -> None:
    company = Company.founded(SEED, accounts=5, orders=0)
    caller, compared, differing = stranger(company.facts(), way), 0, []
    async with crossdocks(company, tmp_path, [way], COLD) as (crossdock,):
        sought = await things(crossdock)
        await crossdock.systems.calls()
        for kind, number, known in sought:
            assert not caller.sees(company.facts(), kind, number)
            missing = paths(kind, unknown(number), unknown(known))
            for path, (document, variables) in paths(kind, number, known).items():
                told, work = [], []
                for asked in (variables, missing[path][1]):
                    told.append((await crossdock.post(caller, document, asked)).content)
                    work.append(await crossdock.systems.calls())
                compared += 1
                if told[0] != told[1] or (work[0] != work[1] and (way, kind, path) != ONE_MORE):
                    differing.append((kind, path, told, work))
    assert compared >= 30
    assert differing == []
