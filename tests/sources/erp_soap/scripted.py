"""An ERP that breaks its own contract, as the simulated one never does: it answers what it is told."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import etree

from domain.model import OrderId
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.erp_soap.adapter import SoapErp
from sources.observer import Silence
from sources.transport import Transport
from tests.sources.erp_soap.described import document

FIXTURES = Path(__file__).parents[2] / "fixtures/erp_soap"
ORDERS, CUSTOMERS, DOCUMENTS, RETURNS, BALANCES, FAULT, LIMIT_FAULT = (
    (FIXTURES / f"{name}.xml").read_text()
    for name in ("orders", "customers", "documents", "returns", "balances", "fault", "limit_fault")
)
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
TRICKY, ABSENT, HELD = OrderId("SO-107839"), OrderId("no such order"), OrderId("SO-108150")
BROKEN, ZERO = OrderId("SO-107855"), OrderId("0010221")
ASKED = [TRICKY, ABSENT, HELD, BROKEN, ZERO]
"""The recorded orders: one of tricky texts, one there is not, one on hold, an error, and one of a "00" account."""
PASSWORD = "<pass> & 'word'"


def opened() -> asyncio.Event:
    gate = asyncio.Event()
    gate.set()
    return gate


@dataclass
class Service:
    """Remembers what it was asked. ``gate``: while it is closed, the description hangs."""

    answers: list[str | bytes | Callable[[str], str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=opened)
    described: int = 0
    status: int = 200
    content_type: str = "text/xml; charset=utf-8"

    async def describe(self, request: web.Request) -> web.Response:
        await self.gate.wait()
        self.described += 1
        here = f"http://{request.host}/services/Distribution".encode()
        body = self.documents.get(request.path) or document(str(request.url))
        return web.Response(body=body.replace(b"http://localhost/services/Distribution", here), content_type="text/xml")

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        self.asked.append(body)
        self.headers.append(request.headers)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        told = answer(body) if callable(answer) else answer
        headers = {"Content-Type": self.content_type}
        return web.Response(status=self.status, body=told.encode() if isinstance(told, str) else told, headers=headers)

    def request(self, at: int = -1) -> Any:
        """A request's payload."""
        return etree.fromstring(self.asked[at].encode()).find("{*}Body")[0]  # type: ignore[index]  # every message has one


def body(inner: str) -> str:
    """An answer around ``inner``, with the prefixes of the recorded ones."""
    head, _, _ = ORDERS.partition("<m:getListResponse>")
    return f"{head}{inner}</soapenv:Body></soapenv:Envelope>"


def found(*records: str, total: int | None = None, pages: int = 1, page: int = 1, operation: str = "search") -> str:
    count = len(records) if total is None else total
    return body(
        f'<m:{operation}Response><m:searchResult><m:status isSuccess="true"/><m:totalRecords>{count}</m:totalRecords>'
        f"<m:pageSize>250</m:pageSize><m:totalPages>{pages}</m:totalPages><m:pageIndex>{page}</m:pageIndex>"
        f"<m:searchId>S-1 &amp; more</m:searchId><m:recordList>{''.join(records)}</m:recordList></m:searchResult>"
        f"</m:{operation}Response>"
    )


def record(number: str, *, of: str = ORDERS) -> str:
    """A recorded record by its number."""
    match = re.search(rf'<m:record [^>]*externalId="{number}">.*?</m:record>', of)
    assert match
    return match[0]


def account(number: str, parent: str | None = None) -> str:
    up = '<a:parent xsi:nil="true"/>' if parent is None else f'<a:parent internalId="1" externalId="{parent}"/>'
    ref = 'internalId="1" externalId="USD"'
    return (
        f'<m:record xsi:type="a:Customer" internalId="1" externalId="{number}"><a:companyName>x</a:companyName>{up}'
        f"<a:subsidiary {ref}/><a:currency {ref}/></m:record>"
    )


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[str]:
    """``service`` on a real socket; its address."""
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/services/Distribution", service.answer)
    app.router.add_get("/{path:.*}", service.describe)
    async with TestServer(app) as server:
        yield str(server.make_url("/"))


@asynccontextmanager
async def adapter(url: str, **limits: Any) -> AsyncIterator[SoapErp]:
    usual = Limits(**{"deadline": 2.0, "attempts": 1, "breaker_failures": 1_000_000, **limits})
    config = SourceConfig("erp", url, usual, username="crossdock", password=PASSWORD)
    async with Client() as pool:
        yield SoapErp(config, Transport(config, pool, observer=Silence(), now=lambda: NOW))
