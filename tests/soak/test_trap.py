"""Whatever upstreams, tokens and callers say, nothing is sent where no setting points: a trap listens for it."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from tests.e2e import personas
from tests.soak.attacks import ENVELOPE, elsewhere, told, xml
from tests.soak.doors import Door, door
from tests.soak.figures import tell
from tests.soak.forged import forged
from tests.soak.product import SECTIONS, Product, limits, product
from tests.sources.hostile import Behaviour, Hostile, hostile, raw, status

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

REDIRECTS = (300, 301, 302, 303, 305, 307, 308)
ORDER = "query ($n: String!) @maxStaleness(seconds: 0) { order(number: $n) { number shipments { events { status } } } }"
DELIVERED = World.build().examples["delivered"]
"""Its parcel is with UPS."""
SHIPMENT = "query ($n: String!) { shipment(trackingNumber: $n) { number } }"
NODE = "query ($n: ID!) { node(id: $n) { id } }"
XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'
INSIDE: dict[str, str] = {
    "entity": '<!DOCTYPE a [<!ENTITY x SYSTEM "TRAP/e">]><a>&x;</a>',
    "parameter entity": '<!DOCTYPE a [<!ENTITY % x SYSTEM "TRAP/p"> %x;]><a/>',
    "DTD": '<!DOCTYPE a SYSTEM "TRAP/d"><a/>',
    "public DTD": '<!DOCTYPE a PUBLIC "-//A//B" "TRAP/d"><a/>',
    "notation": '<!DOCTYPE a [<!NOTATION n SYSTEM "TRAP/n"><!ENTITY x SYSTEM "TRAP/x" NDATA n>]><a/>',
    "stylesheet": '<?xml-stylesheet href="TRAP/s" type="text/xsl"?><a/>',
    "schema": ENVELOPE.format(
        '<a xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:a TRAP/s"/>'
    ),
    "XInclude": ENVELOPE.format('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="TRAP/x"/>'),
}
"""XML that asks to be completed from elsewhere."""
TYPES = "<w:types><xs:schema>{}</xs:schema></w:types>"
IMPORTS: Mapping[str, str] = {
    "import": '<w:import namespace="urn:a" location="TRAP/w"/>',
    "schema import": TYPES.format('<xs:import namespace="urn:a" schemaLocation="TRAP/i"/>'),
    "include": TYPES.format('<xs:include schemaLocation="//HOST/i"/>'),
    "redefine": TYPES.format('<xs:redefine schemaLocation="OWN@HOST/i"/>'),
    "file": TYPES.format('<xs:include schemaLocation="file:///etc/passwd"/>'),
    "base": TYPES.format('<xs:include xml:base="TRAP/" schemaLocation="TRAP/i.xsd"/>'),
}
"""A WSDL that leads elsewhere."""


@pytest.fixture
async def trap() -> AsyncIterator[Hostile]:
    async with hostile() as here:
        here.on("*", told(b"{}"))
        yield here


@pytest.fixture
async def provider() -> AsyncIterator[Hostile]:
    """Identity providers, one under each path."""
    async with hostile() as here:
        here.on("*", status(404))
        yield here


def provided(provider: Hostile, trap: Hostile) -> dict[str, str]:
    """An issuer for every way to lead us elsewhere, and its settings."""
    ways: dict[str, Behaviour] = {f"R{code}": elsewhere(code, f"{trap.url}/keys") for code in REDIRECTS}
    document = json.dumps({"issuer": f"{provider.url}/jwks", "jwks_uri": f"{trap.url}/keys"})
    ways["jwks"] = told(document.encode())
    settings: dict[str, str] = {}
    for name, way in ways.items():
        provider.on(f"/{name}/.well-known/openid-configuration", way)
        provider.on(f"/{name}/keys", way)
        for number, address in enumerate((None, f"{provider.url}/{name}/keys")):
            section = f"CROSSDOCK_OIDC__{name.upper()}{number}__"
            settings[f"{section}ISSUER"] = f"{provider.url}/{name}" + ("/" if number else "")
            settings[f"{section}AUDIENCE"] = "crossdock"
            if address:
                settings[f"{section}JWKS_URL"] = address
    return settings


async def test_nothing_is_sent_elsewhere(fleet: Fleet, tmp_path: Path, trap: Hostile, provider: Hostile) -> None:
    async with AsyncExitStack() as stack:
        doors = {name: await stack.enter_async_context(door(fleet.urls[name])) for name in SECTIONS}
        wsdl = doors["erp"]
        wsdl.strike(raw(b""), "wsdl")
        proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"), trap.url)
        given = {
            **limits(deadline=5, breaker_failures=1_000_000),
            **provided(provider, trap),
            **proxies,
            "CROSSDOCK_LOG_LEVEL": "error",
        }
        urls = {**fleet.urls, **{name: each.url for name, each in doors.items()}}
        here = await stack.enter_async_context(stack.enter_context(product(urls, tmp_path, given)))
        bearer = await personas.token(fleet, "service")
        attacks = await _sources(here, bearer, doors, trap)
        attacks += await _tokens(here, fleet, trap, provider)
        attacks += await _callers(here, bearer, trap)
    heard = trap.connections
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(trap.url)
    assert trap.connections == heard + 1
    tell(15, f"{heard} connections to an address outside the allow-list in {attacks} attempts")
    assert heard == 0


async def _sources(here: Product, bearer: str, doors: Mapping[str, Door], trap: Hostile) -> int:
    attempts = 0

    async def tried(name: str, where: str, attack: Behaviour) -> None:
        nonlocal attempts
        doors[name].strike(attack, where)
        await here.ask(bearer, ORDER, n=DELIVERED)
        assert doors[name].attacked, (name, where)
        doors[name].strike(None)
        attempts += 1

    erp, host = doors["erp"], trap.url.removeprefix("http://")

    def filled(text: str) -> Behaviour:
        return xml(text.replace("TRAP", trap.url).replace("HOST", host).replace("OWN", erp.url).encode())

    documents = {
        name: f'<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" {XS}>{text}</w:definitions>'
        for name, text in IMPORTS.items()
    }
    for text in (INSIDE | documents).values():
        await tried("erp", "wsdl", filled(text))
    for code in REDIRECTS:
        await tried("erp", "wsdl", elsewhere(code, f"{trap.url}/wsdl"))
    for code in REDIRECTS:
        await tried("ups", "oauth", elsewhere(code, f"{trap.url}/token"))
    for code in REDIRECTS:
        await tried("erp", "POST", elsewhere(code, f"{trap.url}/erp"))
        await tried("wms", "", elsewhere(code, f"{trap.url}/wms"))
        await tried("ups", "", elsewhere(code, f"{trap.url}/carrier"))
    for text in INSIDE.values():
        await tried("erp", "POST", filled(text))
    return attempts


async def _tokens(here: Product, fleet: Fleet, trap: Hostile, provider: Hostile) -> int:
    """Every issuer was asked for its keys when the product began, and is asked by who brings a token of its own."""
    issuers = [fleet.urls["idp"], *(f"{provider.url}/R{code}" for code in REDIRECTS), f"{provider.url}/jwks"]
    for issuer in issuers:
        answer = await here.ask(forged(issuer, trap.url), "{ viewer { kind } }")
        assert answer["errors"][0]["extensions"]["code"] in {"UNAUTHENTICATED", "SOURCE_UNAVAILABLE"}
    asked = {seen.target.split("/")[1] for seen in provider.seen}
    assert {f"R{code}" for code in REDIRECTS} | {"jwks"} <= asked
    return len(provider.seen) + len(issuers)


async def _callers(here: Product, bearer: str, trap: Hostile) -> int:
    host = trap.url.removeprefix("http://")
    names = (
        f"{trap.url}/a",
        f"//{host}/a",
        f"@{host}/a",
        f"/..//{host}/a",
        f"\\\\{host}\\a",
        f"1Z?x=@{host}",
        f"1Z#@{host}/a",
        f"1Z\r\nHost: {host}\r\n\r\nGET / HTTP/1.1",
        f"1Z%0d%0aHost:%20{host}",
        f"<!ENTITY x SYSTEM '{trap.url}/a'>&x;",
    )
    for name in names:
        for query in (ORDER, SHIPMENT, NODE):
            await here.ask(bearer, query, n=name)
    return 3 * len(names)


async def test_a_service_that_its_wsdl_says_is_elsewhere(fleet: Fleet, tmp_path: Path, trap: Hostile) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        contract = (await client.get(f"{fleet.urls['erp']}/services/Distribution?wsdl")).content
    moved = re.sub(rb'address location="[^"]*"', f'address location="{trap.url}/erp"'.encode(), contract)
    assert moved != contract
    async with door(fleet.urls["erp"]) as erp:
        erp.strike(xml(moved), "wsdl")
        with product({**fleet.urls, "erp": erp.url}, tmp_path, {}) as process:
            async with process as here:
                answer = await here.ask(await personas.token(fleet, "service"), ORDER, n=DELIVERED)
    assert answer["data"] == {"order": None}
    assert erp.attacked
    assert trap.connections == 0
