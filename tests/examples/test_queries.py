"""The example queries fit the schema, and their variables name things that the simulated company really has."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, parse, validate
from graphql.execution.values import get_variable_values

from engine.execute import Engine, Prepared
from examples.distributor.world import World
from examples.distributor.world.accounts import BUYER
from graph import schema
from resolvers.context import Policy
from tests.examples.company import shipments, world

FOLDER = Path(__file__).parents[2] / "examples/queries"
DOCUMENTS = sorted(FOLDER.glob("*.graphql"))


def _number_of(case: str) -> Callable[[World], str]:
    return lambda company: company.examples[case]


def _tracking_number(company: World) -> str:
    """The delivered example's first."""
    packages = shipments(company.examples["delivered"])[0].packages
    return next(package.tracking_number for package in packages if package.tracking_number)


VARIABLES: Mapping[str, Mapping[str, object]] = {
    "1-order": {"number": _number_of("backorder_partial")},
    "2-shipment": {"trackingNumber": _tracking_number},
    "3-orders": {"first": 20},
    "4-exceptions": {"first": 20},
    "5-invoices": {"first": 20},
    "6-returns": {"first": 20},
    "7-accounts": {"number": BUYER},
    "8-search": {"text": lambda company: company.orders[company.examples["in_transit"]].po_number, "first": 10},
    "9-freshness": {"number": _number_of("in_transit")},
    "follow": {"number": _number_of("moving")},
}
"""What each document is asked with; callables look it up in the world. Every one is the buyer's to see."""


def variables(name: str) -> Mapping[str, object]:
    return {key: value(world()) if callable(value) else value for key, value in VARIABLES[name].items()}


@pytest.fixture(scope="module")
def executable() -> GraphQLSchema:
    return schema.executable(schema.build())


@pytest.fixture(scope="module")
def engine() -> Engine:
    return schema.engine(schema.build())


def test_each_query_has_its_variables_beside_it() -> None:
    assert {path.stem for path in DOCUMENTS} == set(VARIABLES) == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
class TestDocument:
    def test_it_opens_with_its_title(self, path: Path) -> None:
        title, second, *_ = path.read_text().splitlines()
        assert title.startswith("# ")
        assert len(title) > len("# ")
        assert second.startswith(("query ", "subscription "))

    def test_it_fits_the_schema(self, path: Path, executable: GraphQLSchema) -> None:
        assert validate(executable, parse(path.read_text())) == []

    def test_its_largest_page_is_allowed_by_default(self, path: Path, engine: Engine) -> None:
        given = dict(variables(path.stem))
        asked = given | ({"first": Policy().page_limit} if "first" in given else {})
        prepared = engine.prepare(path.read_text())
        assert isinstance(prepared, Prepared)
        assert engine.appraise(prepared, asked, None).keys() == {"data", "extensions"}

    def test_its_variables_are_the_worlds(self, path: Path) -> None:
        assert json.loads(path.with_suffix(".json").read_text()) == variables(path.stem)

    def test_its_variables_are_what_it_declares(self, path: Path, executable: GraphQLSchema) -> None:
        operation = parse(path.read_text()).definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        declared = operation.variable_definitions or ()
        given = dict(variables(path.stem))
        assert not isinstance(get_variable_values(executable, declared, given), list)
        assert set(given) <= {each.variable.name.value for each in declared}
