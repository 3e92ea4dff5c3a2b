"""Gives browser tests a page that fails its test when it complains or reaches beyond this machine."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import ConsoleMessage, Page, Request, async_playwright

from tests.browser.chromium import launch_options
from tests.npm.node import NODE

LOCAL_SCHEMES = {"blob", "data"}


@pytest.fixture
def console() -> list[str]:
    """Errors and warnings the page wrote to its console; a test that expects some removes them."""
    return []


@pytest.fixture
async def browser_page(monkeypatch: pytest.MonkeyPatch, console: list[str]) -> AsyncIterator[Page]:
    monkeypatch.setenv(
        "PLAYWRIGHT_NODEJS_PATH", str(NODE)
    )  # Playwright's own Node needs libatomic, which Debian may lack
    strays: list[str] = []

    def on_request(request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in LOCAL_SCHEMES and address.hostname != "127.0.0.1":
            strays.append(request.url)

    def on_console(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            console.append(message.text)

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(**launch_options())
        context = await browser.new_context(viewport={"width": 1440, "height": 900})
        page = await context.new_page()
        context.on("request", on_request)
        context.on("console", on_console)
        page.on("pageerror", lambda error: console.append(str(error)))
        yield page
        await browser.close()
    assert strays == []
    assert console == []
