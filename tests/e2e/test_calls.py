"""No example query costs its sources more calls than its budget (benchmarks/calls.json)."""

from collections.abc import Mapping
from typing import Any

from benchmarks import calls
from examples.distributor.fleet import Fleet
from tests.e2e.conftest import Crossdock


async def test_no_document_costs_more_than_its_budget(crossdock: Crossdock, fleet: Fleet) -> None:
    async def ask(persona: str, document: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        async with crossdock() as asking:
            return await asking(persona, document, **variables)

    assert calls.grown(await calls.count(fleet, ask), calls.budgets()) == []
