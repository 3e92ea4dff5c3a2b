"""GraphiQL as `crossdock serve` serves it, over the simulated distributor, in a real browser."""

import asyncio
import contextlib
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Request, TimeoutError, expect  # noqa: A004 (Playwright's own)

from examples.distributor.clock import START
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from tests.e2e.conftest import fleet, served

__all__ = ["fleet", "served"]

TITLE = "Where is my order, and why?"
VARIABLES = Path(__file__).parents[2] / "examples/queries/1-order.json"
FOLLOWED: str = json.loads(VARIABLES.with_name("follow.json").read_text())["number"]
NUMBER: str = json.loads(VARIABLES.read_text())["number"]
PATIENCE_MS = 60_000
"""A busy machine takes its time over a first answer."""

CLICKS, CLICK_MS = 6, 10_000

TURN, TURNS = 3_000, 60
"""The wheel's turn that moves an editor by less than what is in sight, and as many as end the longest answer."""


@pytest.fixture
async def graphiql(served: str, browser_page: Page) -> Page:
    browser_page.set_default_timeout(PATIENCE_MS)
    await browser_page.goto(f"{served}/graphiql/")
    return browser_page


def asks_an_example(request: Request) -> bool:
    """Unlike introspection, every example has variables."""
    return bool((request.post_data_json or {}).get("variables"))


async def answer(page: Page) -> Any:
    """What the server says when the open document is run.

    A click that meets GraphiQL taking up another persona's schema is lost; a person would click again.
    """
    for _ in range(CLICKS):
        with contextlib.suppress(TimeoutError):
            async with page.expect_response(lambda reply: asks_an_example(reply.request), timeout=CLICK_MS) as replied:
                await page.get_by_role("button", name="Execute query").click()
            return await (await replied.value).json()
    raise AssertionError("the document was not run")


async def shows(page: Page, text: str) -> None:
    """Scrolls the answer, of which only the lines in sight are in the page, down to ``text``."""
    results = page.get_by_label("Result Window")
    await results.hover()
    for _ in range(TURNS):
        if text in " ".join((await results.inner_text()).split()):
            return
        await page.mouse.wheel(0, TURN)
        await page.evaluate("() => new Promise(requestAnimationFrame)")
    raise AssertionError(f"The answer nowhere shows {text}")


async def test_a_newcomer_runs_the_first_example_as_the_buyer(graphiql: Page) -> None:
    await expect(graphiql.get_by_role("heading", name="Crossdock")).to_be_visible()
    await expect(graphiql.get_by_label("Acting as")).to_have_value("buyer")
    await expect(graphiql.get_by_label("Operation Editor")).to_contain_text(TITLE.replace(" ", "\xa0"))
    await expect(graphiql.get_by_label("Variables")).to_contain_text(NUMBER)

    order = (await answer(graphiql))["data"]["order"]

    tracking = [each["trackingNumber"] for each in order["shipments"]]
    assert order["number"] == NUMBER
    assert order["status"] == "PARTIALLY_SHIPPED"
    assert tracking
    assert all(tracking)
    await shows(graphiql, f'"status": "{order["status"]}"')
    await shows(graphiql, f'"trackingNumber": "{tracking[0]}"')


async def test_a_stranger_is_told_of_no_such_order(graphiql: Page) -> None:
    assert (await answer(graphiql))["data"]["order"]["number"] == NUMBER

    await graphiql.get_by_label("Acting as").select_option("stranger")
    told = await answer(graphiql)

    assert told["data"] == {"order": None}
    await shows(graphiql, '"order": null')


async def test_the_schema_is_there_to_read(graphiql: Page) -> None:
    await graphiql.get_by_role("button", name="Show Documentation Explorer").click()
    await graphiql.get_by_role("link", name="Query", exact=True).click()
    await graphiql.get_by_role("link", name="order", exact=True).click()

    await expect(graphiql.get_by_role("link", name="Order", exact=True)).to_be_visible()


async def test_a_reader_who_comes_back_finds_the_documents_and_their_variables(graphiql: Page) -> None:
    await expect(graphiql.get_by_label("Variables")).to_contain_text(NUMBER)
    await graphiql.reload()
    await expect(graphiql.get_by_label("Variables")).to_contain_text(NUMBER)
    await expect(graphiql.get_by_role("tab", name="WhereIsMyOrder")).to_have_count(1)

    assert (await answer(graphiql))["data"]["order"]["number"] == NUMBER


async def test_every_example_is_answered_at_once(graphiql: Page, served: str) -> None:
    config = await (await graphiql.request.get(f"{served}/graphiql/config.json")).json()
    names = [each["name"] for each in config["queries"] if "\nsubscription " not in each["query"]]
    assert names[0] == TITLE
    for name in names:
        await graphiql.get_by_label("Example queries").select_option(name)
        told = await answer(graphiql)
        assert "errors" not in told, name
        assert all(told["data"].values()), name


async def test_an_order_is_followed_as_its_warehouse_works_on_it(graphiql: Page, served: str, fleet: Fleet) -> None:
    released = next(
        each.at for each in World.build().happenings(START, START + timedelta(days=1))
        if each.order == FOLLOWED and each.kind == "Order Released"
    )  # fmt: skip
    await graphiql.get_by_label("Example queries").select_option("Follow an order as it moves")
    async with graphiql.expect_request(lambda request: "orderUpdated" in (request.post_data or "")):
        await graphiql.get_by_role("button", name="Execute query").click()
    try:
        await asyncio.to_thread(fleet.set_clock, released - timedelta(minutes=1))
        await asyncio.to_thread(fleet.subscribe, f"{served}/webhooks")
        await asyncio.to_thread(fleet.set_clock, released + timedelta(minutes=1))
        await asyncio.to_thread(fleet.flush)
        await expect(graphiql.get_by_label("Result Window")).to_contain_text("IN_WAREHOUSE")
        await shows(graphiql, f'"number": "{FOLLOWED}"')
    finally:
        fleet.unsubscribe()
        fleet.set_clock(START)
    await graphiql.screenshot(path=os.environ.get("SCREENSHOT"))
    await graphiql.get_by_role("button", name="Stop query").click()
