"""What the graph shows of invoices, prices, balances and documents is recorded, whatever runs it, or is not shown."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from domain.audit import Item, Outcome, record
from domain.model import OrderId
from engine.execute import Engine, Mode
from graph import schema
from resolvers.auditing import AUDIT
from store.audit import Trail
from store.database import Database
from tests.e2e.asking import Ask
from tests.e2e.conftest import Crossdock

ORDER = """query ($n: String!, $prices: Boolean = true) { order(number: $n) {
  number status totals @include(if: $prices) { total { amount } }
  lines { lineNumber unitPrice @include(if: $prices) { amount } }
  invoices { number documents { title } } shipments { proofOfDelivery { __typename } } } }"""

ALL = """query ($n: String!) {
  viewer { name }
  order(number: $n) {
    customer { balance { amount } aging { over90 { amount } } }
    invoices { balance { amount } } returns { creditMemos { number } } }
  search(text: $n) { edges { node { ... on Order { number totals { total { amount } } } } } }
  invoices(first: 3) { edges { node { id } } } }"""


@pytest.fixture(params=list(Mode))
def engine(request: pytest.FixtureRequest) -> Engine:
    return schema.engine(schema.build(), mode=request.param)


@pytest.fixture
async def kept(crossdock: Crossdock, tmp_path: Path) -> AsyncIterator[tuple[Ask, Database]]:
    async with crossdock() as ask:
        database = await Database.open(f"sqlite:///{tmp_path}/audit.db")
        yield ask, database
        await database.close()


async def items(database: Database) -> list[list[Item]]:
    _, found = await Trail(database).verify()
    assert found is None
    links = [link async for link in Trail(database).links()]
    return [sorted(record(link.document).entry.items, key=str) for link in links]


async def test_every_entity_shown_is_recorded_with_its_fields(kept: tuple[Ask, Database]) -> None:
    ask, database = kept
    number = ask.example("delivered")
    answers: list[Any] = [await ask("buyer", ORDER, n=number) for _ in range(3)]
    order = answers[0]["data"]["order"]
    invoices = tuple(sorted(each["number"] for each in order["invoices"]))
    found = await items(database)
    assert found[0] == found[1] == found[2]
    by_scope = {(item.type, item.scope): item for item in found[0]}
    priced = by_scope["Order", "price:read"]
    assert (priced.ids, priced.fields) == ((number,), ("Line.unitPrice", "Order.totals"))
    assert by_scope["Order", "invoice:read"].fields == ("Order.invoices",)
    assert invoices
    assert by_scope["Invoice", "invoice:read"].ids == invoices
    assert by_scope["Invoice", "document:read"].fields == ("Invoice.documents",)


async def test_what_is_left_out_or_denied_is_not_recorded(kept: tuple[Ask, Database]) -> None:
    ask, database = kept
    number = ask.example("delivered")
    query = """query ($n: String!, $p: Boolean!) {
      order(number: $n) { number totals @include(if: $p) { total { amount } } } }"""
    for prices in (False, True, False, True):
        await ask("buyer", query, n=number, p=prices)
    assert [[item.fields for item in each] for each in await items(database)] == [[("Order.totals",)]] * 2


async def test_every_kind_is_recorded_the_same_by_whatever_runs_it(kept: tuple[Ask, Database]) -> None:
    ask, database = kept
    for _ in range(2):
        assert "errors" not in await ask("buyer", ALL, n=ask.example("delivered"))
    first, second = await items(database)
    assert first == second
    fields = {(item.type, field) for item in first for field in item.fields}
    assert {("Customer", "Customer.balance"), ("Customer", "Customer.aging"), ("Invoice", "Invoice.id")} <= fields


async def test_what_cannot_be_recorded_is_not_shown(kept: tuple[Ask, Database]) -> None:
    ask, database = kept
    number = OrderId(ask.example("delivered"))
    async with database.writing() as connection:
        await connection.execute(text("DROP TABLE audit_heads"))
    answer = await ask("buyer", ORDER, n=number)
    assert "data" not in answer
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["SOURCE_UNAVAILABLE"]
    assert AUDIT in answer["errors"][0]["message"]
    plain = await ask("buyer", "query ($n: String!) { order(number: $n) { number } }", n=number)
    assert plain["data"] == {"order": {"number": number}}


async def test_where_nothing_can_be_kept_nothing_of_the_kind_is_shown(crossdock: Crossdock) -> None:
    async with crossdock(STORE__AUDIT_URL="off") as ask:
        answer = await ask("buyer", ORDER, n=ask.example("delivered"))
        assert "data" not in answer
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["SOURCE_UNAVAILABLE"]


async def test_what_operators_do_is_recorded_with_it(crossdock: Crossdock, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crossdock.db"
    async with crossdock(STORE__URL=url, INGEST__BACKFILL="false", INGEST__RECONCILE_HOURS="0") as ask:
        await ask("operator", 'mutation { replayDeadLetters(filter: {source: "wms"}) { replayed } }')
        await ask("operator", "mutation { reconcile { joined } }")
        await ask("operator", 'mutation { resolveException(id: "b3RoZXI6MQ==", note: "x") { exception { id } } }')
        await ask("buyer", "mutation { replayDeadLetters { replayed } }")
        database = await Database.open(url)
        found = [record(link.document).entry async for link in Trail(database).links()]
        await database.close()
    assert [(each.action, each.outcome, dict(each.said)) for each in found] == [
        ("replayDeadLetters", Outcome.DONE, {"source": "wms"}),
        ("reconcile", Outcome.DONE, {}),
    ]
