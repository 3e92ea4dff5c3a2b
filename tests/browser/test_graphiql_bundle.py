"""The built GraphiQL page, in a real browser, against a server of its own small contract."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from graphql import build_schema, graphql_sync
from playwright.async_api import Page, expect

DIST = Path(__file__).parents[2] / "server" / "graphiql" / "dist"

SCHEMA = build_schema("""
type Query {
  "The persona the token was issued to."
  viewer: String
  "The shipment's tracking number."
  trackingNumber(shipment: ID!): String
}
""")
QUERIES = [
    {"name": "Who am I", "query": "query WhoAmI {\n  viewer\n}\n", "variables": {}},
    {
        "name": "Track a shipment",
        "query": "query Track($shipment: ID!) {\n  trackingNumber(shipment: $shipment)\n}\n",
        "variables": {"shipment": "S-0042"},
    },
]
PERSONAS = [
    {"name": "buyer", "description": "Northwind Supply, the parent account: orders, prices and invoices"},
    {"name": "stranger", "description": "Another company altogether"},
]


@dataclass
class Backend:
    """What the page's server answers, and what it was asked."""

    personas: list[dict[str, str]] = field(default_factory=lambda: PERSONAS)
    expires_in: int = 3600
    config_status: HTTPStatus = HTTPStatus.OK
    token_status: HTTPStatus = HTTPStatus.OK
    tokens: list[str] = field(default_factory=list)
    operations: list[tuple[str | None, str | None]] = field(default_factory=list)
    correlation_ids: list[str] = field(default_factory=list)
    url: str = ""

    def config(self) -> dict[str, Any]:
        return {"endpoint": "/graphql", "queries": QUERIES, "personas": self.personas}

    def token(self, persona: str) -> dict[str, Any]:
        self.tokens.append(persona)
        return {"access_token": f"{persona}/{len(self.tokens)}", "expires_in": self.expires_in}

    def execute(self, body: dict[str, Any], authorization: str | None, correlation_id: str) -> dict[str, Any]:
        self.operations.append((body.get("operationName"), authorization))
        self.correlation_ids.append(correlation_id)
        bearer = (authorization or "Bearer nobody").removeprefix("Bearer ").partition("/")[0]
        root = {"viewer": bearer, "trackingNumber": lambda _info, shipment: f"1Z-{shipment}"}
        result = graphql_sync(
            SCHEMA,
            body["query"],
            root,
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
        )
        return dict(result.formatted)


class Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, backend: Backend, *arguments: Any) -> None:
        self.backend = backend
        super().__init__(*arguments, directory=str(DIST))

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/graphiql/config.json":
            self.answer(self.backend.config(), self.backend.config_status)
        elif address.path == "/graphiql/token":
            self.answer(self.backend.token(parse_qs(address.query)["persona"][0]), self.backend.token_status)
        else:
            self.path = address.path.removeprefix("/graphiql")
            super().do_GET()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.backend.execute(body, self.headers["Authorization"], self.headers["X-Correlation-Id"])
        self.answer(answer, content_type="application/graphql-response+json")

    def answer(self, value: object, status: HTTPStatus = HTTPStatus.OK, content_type: str = "application/json") -> None:
        payload = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        pass


@pytest.fixture
def backend() -> Iterator[Backend]:
    state = Backend()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_port}/graphiql/"
        yield state
        server.shutdown()


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


def asked(backend: Backend, operation: str) -> list[str | None]:
    return [authorization for name, authorization in backend.operations if name == operation]


async def test_runs_the_first_example_as_the_first_persona(backend: Backend, browser_page: Page) -> None:
    await browser_page.goto(backend.url)
    await expect(browser_page.get_by_text(PERSONAS[0]["description"])).to_be_visible()

    await run(browser_page)

    await expect(browser_page.get_by_label("Result Window")).to_contain_text('"viewer": "buyer"')
    assert asked(backend, "WhoAmI") == ["Bearer buyer/1"]
    assert asked(backend, "IntrospectionQuery") == ["Bearer buyer/1"]
    assert len({UUID(each) for each in backend.correlation_ids}) == len(backend.operations) == 2


async def test_switching_persona_asks_again_as_the_other(backend: Backend, browser_page: Page) -> None:
    await browser_page.goto(backend.url)
    await expect(browser_page.get_by_role("button", name="Execute query")).to_be_enabled()

    await browser_page.get_by_label("Acting as").select_option("stranger")
    await expect(browser_page.get_by_text(PERSONAS[1]["description"])).to_be_visible()
    await run(browser_page)

    await expect(browser_page.get_by_label("Result Window")).to_contain_text('"viewer": "stranger"')
    assert asked(backend, "WhoAmI") == ["Bearer stranger/2"]
    assert asked(backend, "IntrospectionQuery") == ["Bearer buyer/1", "Bearer stranger/2"]

    await browser_page.reload()
    await expect(browser_page.get_by_label("Acting as")).to_have_value("stranger")


async def test_an_example_opens_in_a_tab_with_its_variables(backend: Backend, browser_page: Page) -> None:
    await browser_page.goto(backend.url)

    await browser_page.get_by_label("Example queries").select_option("Track a shipment")
    await run(browser_page)

    await expect(browser_page.get_by_label("Result Window")).to_contain_text('"trackingNumber": "1Z-S-0042"')
    await expect(browser_page.get_by_role("tab", name="Track")).to_be_visible()
    await expect(browser_page.get_by_role("tab", name="WhoAmI")).to_be_visible()


async def test_a_token_about_to_expire_is_replaced(backend: Backend, browser_page: Page) -> None:
    backend.expires_in = 20
    await browser_page.goto(backend.url)
    await expect(browser_page.get_by_role("button", name="Execute query")).to_be_enabled()
    await run(browser_page)

    await expect(browser_page.get_by_label("Result Window")).to_contain_text('"viewer": "buyer"')
    assert asked(backend, "WhoAmI") == ["Bearer buyer/2"]


async def test_says_why_there_is_no_token(backend: Backend, browser_page: Page, console: list[str]) -> None:
    backend.token_status = HTTPStatus.SERVICE_UNAVAILABLE
    await browser_page.goto(backend.url)
    await expect(browser_page.get_by_role("button", name="Execute query")).to_be_enabled()
    await run(browser_page)

    await expect(browser_page.get_by_label("Result Window")).to_contain_text(
        "No token for buyer: the server answered 503"
    )
    assert backend.operations == []
    assert {line for line in console if "503" not in line} == set()
    console.clear()


async def test_says_why_it_cannot_start(backend: Backend, browser_page: Page, console: list[str]) -> None:
    backend.config_status = HTTPStatus.NOT_FOUND
    await browser_page.goto(backend.url)

    await expect(browser_page.get_by_role("alert")).to_have_text(
        "GraphiQL cannot start: /graphiql/config.json answered 404"
    )
    assert {line for line in console if "404" not in line} == set()
    console.clear()


async def test_without_personas_a_pasted_token_is_sent(backend: Backend, browser_page: Page) -> None:
    backend.personas = []
    await browser_page.goto(backend.url)

    await browser_page.get_by_label("Bearer token").fill("pasted")
    await run(browser_page)

    await expect(browser_page.get_by_label("Result Window")).to_contain_text('"viewer": "pasted"')
    assert asked(backend, "WhoAmI") == ["Bearer pasted"]
    assert backend.tokens == []
