"""A cursor is good for the list it came with and for whom it was given to: a foreign one is like one made up."""

import pytest

from tests.e2e.asking import Ask
from tests.e2e.conftest import Crossdock

PAGE = "{ pageInfo { endCursor } nodes { id } }"
CONNECTIONS = {
    "orders": "orders(first: 2 $)",
    "oldest orders": "orders(first: 2 $ orderBy: PLACED_AT_ASC)",
    "closed orders": "orders(first: 2 $ filter: {lifecycle: [CLOSED]})",
    "shipments": "shipments(first: 2 $)",
    "invoices": "invoices(first: 2 $)",
    "returns": "returns(first: 1 $)",
    "customers": "customers(first: 2 $)",
    "named customers": 'customers(first: 2 $ filter: {name: "e"})',
}


async def page(ask: Ask, name: str, after: str | None = None, persona: str = "service") -> tuple[str | None, list[str]]:
    """The page's last cursor and its ids; of a refused one, its codes."""
    given = f'after: "{after}"' if after else ""
    answer = await ask(persona, f"{{ {CONNECTIONS[name].replace('$', given)} {PAGE} }}")
    if "errors" in answer:
        return None, [error["extensions"]["code"] for error in answer["errors"]]
    (found,) = answer["data"].values()
    return found["pageInfo"]["endCursor"], [node["id"] for node in found["nodes"]]


async def test_every_list_goes_on_after_its_own_cursor_alone(ask: Ask) -> None:
    ends = {name: await page(ask, name) for name in CONNECTIONS}
    assert all(cursor for cursor, _ in ends.values()), ends
    for name in CONNECTIONS:
        for other, (cursor, before) in ends.items():
            _, told = await page(ask, name, cursor)
            if name == other:
                assert told
                assert not set(told) & set(before)
            else:
                assert told == ["BAD_USER_INPUT"], (name, other)


@pytest.mark.parametrize("persona", ["buyer", "branch", "stranger", "rep", "analyst"])
async def test_another_callers_cursor_is_like_one_made_up(ask: Ask, persona: str) -> None:
    cursor, _ = await page(ask, "orders")
    assert cursor
    query = f"query ($after: String!) {{ {CONNECTIONS['orders'].replace('$', 'after: $after')} {PAGE} }}"
    told = [await ask(persona, query, after=each) for each in (cursor, "made-up")]
    for each in told:
        each["errors"][0]["extensions"].pop("correlationId")
    assert told[0] == told[1]
    assert [error["extensions"]["code"] for error in told[0]["errors"]] == ["BAD_USER_INPUT"]


async def test_replicas_with_one_secret_read_each_others_cursors(crossdock: Crossdock) -> None:
    old, new = "old" * 12, "new" * 12
    async with crossdock(SECRET=old) as before, crossdock(SECRET=f"{new} {old}") as during, crossdock() as alone:
        cursor, seen = await page(before, "orders")
        _, following = await page(during, "orders", cursor)
        assert following
        assert not set(following) & set(seen)
        assert await page(alone, "orders", cursor) == (None, ["BAD_USER_INPUT"])
