"""Whatever a broken source says stays inside: no word of its errors, pages, faults or values is told in an error."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.distributor.fleet import Fleet
from tests.e2e.conftest import Crossdock
from tests.server.serving import served

CANARY = "canary-7f3a"
Spoil: TypeAlias = Callable[[Response], Response]

FAULT = f"""<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
<soap:Fault><faultcode>soap:{CANARY}</faultcode><faultstring>{CANARY} at /opt/erp/db.c:17</faultstring>
<detail><{CANARY}>{CANARY}</{CANARY}></detail></soap:Fault></soap:Body></soap:Envelope>"""
ERROR = json.dumps({"error": CANARY, "message": CANARY, "errors": [{"code": CANARY, "message": CANARY}]})
NUMBER = re.compile(rb"(?<=[>:\s\"])\d[\d.:TZ+-]*(?=[<,\s\"}])")


def spoiled(change: Callable[[bytes], bytes]) -> Spoil:
    """The good answer, changed."""
    return lambda good: Response(change(bytes(good.body)), good.status_code, media_type=good.headers["content-type"])


STYLES: Mapping[str, Spoil] = {
    "an error page": lambda _: Response(f"<h1>{CANARY}</h1><pre>{CANARY}</pre>", 500, media_type="text/html"),
    "a refusal": lambda _: Response(ERROR, 403, media_type="application/json"),
    "an error in a 200": lambda _: Response(ERROR, 200, media_type="application/json"),
    "a fault": lambda _: Response(FAULT, 500, media_type="text/xml"),
    "a fault in a 200": lambda _: Response(FAULT, 200, media_type="text/xml"),
    "a redirect": lambda _: Response(CANARY, 302, {"location": f"http://{CANARY}.example/{CANARY}"}),
    "headers": lambda _: Response("", 503, {"retry-after": CANARY, "content-type": CANARY, "x-error": CANARY}),
    "half an answer": spoiled(lambda body: body[: len(body) // 2] + CANARY.encode()),
    "words for numbers": spoiled(lambda body: NUMBER.sub(CANARY.encode(), body)),
}
DATA = frozenset(("words for numbers",))
"""Styles whose words may be taken for names and numbers of things, and be shown as such."""

QUESTIONS = {
    "detail": """query ($n: String!) { order(number: $n) { number status lines { lineNumber unitPrice { amount } }
      totals { total { amount } } shipments { number status events { status message } packages { id } }
      invoices { number total { amount } } returns { rmaNumber } customer { name balance { amount } } } }""",
    "lists": "{ orders(first: 3) { nodes { number status } } shipments(first: 3) { nodes { number status } } }",
    "receivables": "{ invoices(first: 3) { nodes { number } } returns(first: 3) { nodes { rmaNumber } } }",
    "accounts": "{ customers(first: 3) { nodes { name overdueBalance { amount } } } }",
    "search": 'query ($n: String!) { search(text: $n) { nodes { __typename } } customer(number: "0000417") { name } }',
}


@dataclass
class Between:
    """Stands between Crossdock and the simulators, and spoils what those answer. ``spoilt``: how often, by source."""

    urls: Mapping[str, str]
    spoil: Spoil = STYLES["a fault"]
    spoilt: dict[str, int] = field(default_factory=dict)
    address: str = ""

    async def answer(self, request: Request) -> Response:
        name, path = request.path_params["name"], request.path_params["path"]
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            headers = {key: each for key, each in request.headers.items() if key not in ("host", "accept-encoding")}
            url = f"{self.urls[name]}/{path}?{request.url.query}".rstrip("?")
            answer = await client.request(request.method, url, content=await request.body(), headers=headers)
        content = answer.content.replace(self.urls[name].encode(), f"{self.address}/{name}".encode())
        good = Response(content, answer.status_code, {"content-type": answer.headers.get("content-type", "")})
        contract = name == "erp" and request.method == "GET"
        if contract or path.startswith("__") or "token" in path:
            return good
        self.spoilt[name] = self.spoilt.get(name, 0) + 1
        return self.spoil(good)

    def settings(self) -> dict[str, str]:
        """Where Crossdock finds the sources; the ERP by its contract's address."""
        erp = f"{self.address}/erp/services/Distribution"
        carriers = {f"CARRIERS__{name.upper()}__URL": f"{self.address}/{name}" for name in CARRIERS}
        return {"ERP__URL": erp, "WMS__URL": f"{self.address}/wms"} | carriers


CARRIERS = ("ups", "fedex", "usps", "dhl", "ltl")


@pytest.fixture
async def between(fleet: Fleet) -> AsyncIterator[Between]:
    made = Between(fleet.urls)
    methods = ["GET", "POST", "PUT"]
    async with served(Starlette(routes=[Route("/{name}/{path:path}", made.answer, methods=methods)])) as made.address:
        yield made


@pytest.mark.parametrize("style", STYLES)
async def test_no_word_of_a_broken_source_comes_out(crossdock: Crossdock, between: Between, style: str) -> None:
    between.spoil = STYLES[style]
    errors = 0
    async with crossdock(**between.settings()) as ask:
        for persona in ("buyer", "service"):
            for query in QUESTIONS.values():
                variables = {"n": ask.example("delivered")} if "$n" in query else {}
                reply = await ask.post(persona, {"query": query, "variables": variables})
                found = reply.json().get("errors", [])
                errors += len(found)
                assert "canary" not in json.dumps(found)
                assert style in DATA or "canary" not in reply.text
                assert "canary" not in str(reply.headers)
    assert errors
    assert between.spoilt.keys() >= {"erp", "wms"}
