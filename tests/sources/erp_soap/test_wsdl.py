"""Any WSDL is read from its own origin alone, and told as plain data."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.errors import SourceFault
from sources.erp_soap import wsdl
from sources.erp_soap.parsing import Unreadable
from tests.sources.doors import door
from tests.sources.erp_soap.described import ADDRESS, documents
from tests.sources.hostile import Hostile, hostile, status

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def definitions(inner: str) -> bytes:
    return f'<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" {XS}>{inner}</wsdl:definitions>'.encode()


def importing(location: str) -> bytes:
    types = f'<xs:schema><xs:import namespace="urn:a" schemaLocation="{location}"/></xs:schema>'
    return definitions(f"<wsdl:types>{types}</wsdl:types>")


@pytest.fixture
async def server() -> AsyncIterator[Hostile]:
    async with hostile() as here:
        yield here


async def collected(server: Hostile) -> wsdl.Documents:
    async with door(server.url) as through:

        async def fetch(address: str) -> bytes:
            return (await through.send.send("GET", address, operation="wsdl")).body

        return await wsdl.collect(f"{server.url}/erp?wsdl", fetch)


async def test_imports_are_followed_once(server: Hostile) -> None:
    server.on("/erp", status(200, importing("types/a.xsd")))
    server.on("/types/a.xsd", status(200, f'<xs:schema {XS}><xs:include schemaLocation="b.xsd"/></xs:schema>'.encode()))
    again = '<xs:include schemaLocation="a.xsd"/><xs:redefine schemaLocation="/c.xsd#frag"/>'
    server.on("/types/b.xsd", status(200, f"<xs:schema {XS}>{again}</xs:schema>".encode()))
    server.on("/c.xsd", status(200, f"<xs:schema {XS}/>".encode()))
    found = await collected(server)
    assert sorted(found) == sorted(
        server.url + path for path in ("/erp?wsdl", "/types/a.xsd", "/types/b.xsd", "/c.xsd")
    )
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/secret.xsd",
        "//127.0.0.1:{port}/secret.xsd",
        "http://user@127.0.0.1:{port}/secret.xsd",
        "http://169.254.169.254/latest/meta-data",
        "ftp://127.0.0.1:{port}/secret.xsd",
        "file:///etc/passwd",
    ],
)
async def test_nothing_of_another_origin_is_read(server: Hostile, location: str) -> None:
    async with hostile() as other:
        other.on("/secret.xsd", status(200, b"<secret/>"))
        server.on("/erp", status(200, importing(location.format(port=other.url.rpartition(":")[2]))))
        with pytest.raises((SourceFault, Unreadable)):
            await collected(server)
        assert other.seen == []
        assert [seen.target for seen in server.seen if "secret" in seen.target] == []


async def test_a_redirect_is_not_followed(server: Hostile) -> None:
    async with hostile() as other:
        other.on("/x.xsd", status(200, b"<secret/>"))
        server.on("/erp", status(302, b"", Location=f"{other.url}/x.xsd"))
        with pytest.raises(SourceFault, match="302"):
            await collected(server)
        assert other.seen == []


async def test_endless_imports_end(server: Hostile) -> None:
    count = 0

    async def fetch(_: str) -> bytes:
        nonlocal count
        count += 1
        return importing(f"{count}.xsd")

    with pytest.raises(Unreadable, match="more than 100"):
        await wsdl.collect("http://erp.example/", fetch)
    assert count == wsdl.MOST_DOCUMENTS


@pytest.mark.parametrize("padding", ["<a/>" * 1000, "x" * 100_000], ids=["marks", "bytes"])
async def test_many_small_documents_are_not_more_than_one_large(padding: str) -> None:
    count = size = 0

    async def fetch(_: str) -> bytes:
        nonlocal count, size
        count += 1
        document = importing(f"{count}.xsd").replace(b"<wsdl:types>", f"<wsdl:types><b>{padding}</b>".encode())
        size += len(document)
        return document

    with pytest.raises(Unreadable, match="larger than any WSDL"):
        await wsdl.collect("http://erp.example/", fetch, most=50_000)
    assert count < wsdl.MOST_DOCUMENTS
    assert size < wsdl.MOST_BYTES + 200_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>log in</html",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd"><a/>',
        b"<a>" * 1000,
    ],
)
async def test_what_is_no_xml_is_unreadable(server: Hostile, body: bytes) -> None:
    server.on("/erp", status(200, body))
    with pytest.raises(Unreadable):
        await collected(server)


def test_what_was_not_fetched_is_not_read() -> None:
    known = dict(documents())
    missing = next(address for address in known if address.endswith("core.xsd"))
    del known[missing]
    with pytest.raises(Unreadable, match="not fetched"):
        wsdl.read(ADDRESS, known)


def test_a_description_tells_operations_and_types() -> None:
    found = wsdl.describe(ADDRESS, documents())
    assert (found.service, found.port) == ("DistributionService", "DistributionPort")
    assert found.endpoint == "http://localhost/services/Distribution"
    assert [operation.name for operation in found.operations] == [
        "getCustomerBalance",
        "getList",
        "search",
        "searchMoreWithId",
    ]
    listing = found.operations[1]
    assert [(part.name, part.type, part.occurs) for part in listing.input] == [
        ("baseRef", "RecordRef", "1..n"),
        ("preferences", "Preferences", "0..1"),
    ]
    assert [part.name for part in listing.output] == ["readResponseList"]
    assert listing.soap_action == "getList"
    assert len(listing.faults) == 12
    types = {each.name: each for each in found.types}
    order = {part.name: part for part in types["SalesOrder"].parts}
    assert (order["otherRefNum"].occurs, order["otherRefNum"].nillable) == ("0..1", True)
    assert (order["externalId"].attribute, order["externalId"].occurs) == (True, "1")
    assert "_pendingFulfillment" in types["SalesOrderOrderStatus"].values
    assert types["SalesOrder"].namespace == "urn:erp.example:sales:2026_1"
    assert {part.name: part.occurs for part in types["TransactionSearch"].parts}["tranDate"] == "0..2"


def test_a_wsdl_without_a_soap_port_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no SOAP port"):
        wsdl.describe("http://erp.example/", {"http://erp.example/": definitions("")})


def test_enumerations_are_kept_where_they_are_sure() -> None:
    values = wsdl.enumerations(documents())
    assert values["{urn:erp.example:core:2026_1}StatusDetailType"] == {"ERROR", "WARN", "INFO"}
    inline = '<xs:element name="size"><xs:simpleType><xs:restriction>{}</xs:restriction></xs:simpleType></xs:element>'
    one, two = (inline.format(f'<xs:enumeration value="{value}"/>') for value in ("S", "L"))
    for inner, expected in ((one, {"{urn:a}size": {"S"}}), (one + one, {"{urn:a}size": {"S"}}), (one + two, {})):
        schema = f'<xs:schema {XS} targetNamespace="urn:a">{inner}</xs:schema>'.encode()
        assert wsdl.enumerations({"a": schema}) == expected


def test_collecting_is_given_the_addresses_alone() -> None:
    asked: list[str] = []

    async def fetch(address: str) -> bytes:
        asked.append(address)
        return importing("") if len(asked) == 1 else b"<a/>"

    assert list(asyncio.run(wsdl.collect("http://erp.example/x?wsdl", fetch))) == asked == ["http://erp.example/x?wsdl"]
