"""The simulated ERP keeps to its own contract, and holds its callers to it."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import httpx
import pytest
from lxml import etree

from examples.distributor.clock import START
from examples.distributor.erp import PASSWORD, USERNAME
from examples.distributor.erp.security import PROFILE, WSSE, WSU, Guard
from examples.distributor.erp.service import CONTRACT, SOAP
from examples.distributor.fleet import Fleet
from examples.distributor.world import World
from tests.examples.company import world as company

MESSAGES = "urn:erp.example:messages:2026_1"
M = f"{{{MESSAGES}}}"
CORE = "{urn:erp.example:core:2026_1}"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
ENDPOINT = "/services/Distribution"
EVERY_TYPE = "".join(f"<type>{each}</type>" for each in ("salesOrder", "invoice", "creditMemo", "returnAuthorization"))


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(("erp",)) as fleet:
        fleet.set_clock(START)
        fleet.freeze()
        yield fleet


@pytest.fixture(scope="module")
def world() -> World:
    return company()


@pytest.fixture
async def erp(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=fleet.urls["erp"], trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    """All of the contract's schemas, in one."""
    imports = "".join(
        f'<xs:import namespace="urn:erp.example:{name}:2026_1" schemaLocation="{(CONTRACT / name).as_uri()}.xsd"/>'
        for name in ("messages", "sales", "accounts", "faults")
    )
    return etree.XMLSchema(
        etree.fromstring(f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>')
    )


def token(
    password: str = PASSWORD, *, username: str = USERNAME, created: datetime | None = None, nonce: bytes | None = None
) -> str:
    """A UsernameToken by digest."""
    made = (created or datetime.now(UTC)).isoformat()
    once = nonce or str(datetime.now(UTC)).encode()
    digest = base64.b64encode(hashlib.sha1(once + made.encode() + password.encode()).digest()).decode()
    return (
        f"<Username>{escape(username)}</Username>"
        f'<Password Type="{PROFILE}#PasswordDigest">{digest}</Password><Nonce>{base64.b64encode(once).decode()}</Nonce>'
        f'<c:Created xmlns:c="{WSU[1:-1]}">{made}</c:Created>'
    )


def in_text(password: str) -> str:
    return f'<Username>{USERNAME}</Username><Password Type="{PROFILE}#PasswordText">{escape(password)}</Password>'


def message(inner: str, credentials: str | None = None) -> bytes:
    told = token() if credentials is None else credentials
    security = f'<Security xmlns="{WSSE[1:-1]}"><UsernameToken>{told}</UsernameToken></Security>'
    head = f"<e:Header>{security}</e:Header>"
    return f'<e:Envelope xmlns:e="{SOAP}" xmlns:i="{XSI}">{head}<e:Body>{inner}</e:Body></e:Envelope>'.encode()


async def ask(erp: httpx.AsyncClient, inner: str, credentials: str | None = None) -> tuple[int, Any]:
    """Status, and the element in the answer's body."""
    reply = await erp.post(ENDPOINT, content=message(inner, credentials), headers={"SOAPAction": '"x"'})
    assert reply.headers["content-type"] == "text/xml; charset=utf-8"
    return reply.status_code, etree.fromstring(reply.content).find(f"{{{SOAP}}}Body")[0]  # type: ignore[index]  # each answer has one


def listing(*numbers: str, of: str = "salesOrder") -> str:
    refs = "".join(f'<baseRef externalId="{escape(number)}" type="{of}"/>' for number in numbers)
    return f'<getList xmlns="{MESSAGES}">{refs}</getList>'


def searching(inner: str, size: int = 100, *, of: str = "TransactionSearch") -> str:
    direction = ' direction="descending"' if of == "TransactionSearch" else ""
    return (
        f'<search xmlns="{MESSAGES}"><searchRecord i:type="{of}"{direction}>{inner}</searchRecord>'
        f"<searchPreferences><pageSize>{size}</pageSize></searchPreferences></search>"
    )


def fault_of(element: Any) -> tuple[str, str]:
    """A fault's name and code."""
    assert element.tag == f"{{{SOAP}}}Fault"
    detail = element.find("detail")[0]
    return etree.QName(detail).localname, detail[0].text


# -- what it says keeps to its schemas --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/?wsdl", "/services/Distribution?wsdl"])
async def test_its_description_is_whole(erp: httpx.AsyncClient, path: str) -> None:
    found = etree.fromstring((await erp.get(path)).content)
    address = found.find(".//{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert address is not None
    assert address.get("location") == f"{erp.base_url}{ENDPOINT}".replace("//services", "/services")
    for each in found.iter("{http://www.w3.org/2001/XMLSchema}import"):
        assert (await erp.get(str(erp.base_url.join(path).join(each.get("schemaLocation", ""))))).status_code == 200
    assert (await erp.get("/secret.xsd")).status_code == 404


async def test_every_record_keeps_to_the_schema(erp: httpx.AsyncClient, world: World, schema: etree.XMLSchema) -> None:
    awkward = [number for numbers in world.cases.values() for number in numbers]
    for inner in (
        listing(*awkward, "no such order"),
        listing(*world.accounts, "00 ", of="customer"),
        listing(*world.rma_numbers, of="returnAuthorization"),
        listing(*list(world.invoice_numbers)[-200:], of="invoice"),
        listing(*world.credit_memo_numbers, of="creditMemo"),
        listing("00", "?", of="customer").replace("getList", "getCustomerBalance"),
        searching(EVERY_TYPE, 1000),
        searching("", of="CustomerSearch"),
    ):
        status, answer = await ask(erp, inner)
        assert status == 200
        schema.assertValid(answer)
        assert len(answer[0]) > 2


async def test_what_does_not_exist_is_a_status_inside_a_200(erp: httpx.AsyncClient, world: World) -> None:
    future = next(order.number for order in world.orders.values() if order.submitted_at > START)
    order = world.examples["delivered"]
    status, answer = await ask(erp, listing(future, order, "nothing & nobody"))
    assert status == 200
    statuses = [response.find(M + "status") for response in answer.iter(M + "readResponse")]
    assert [each.get("isSuccess") for each in statuses] == ["false", "true", "false"]
    assert statuses[0].findtext(f"{CORE}statusDetail/{CORE}code") == "RCRD_DSNT_EXIST"


async def test_internal_ids_are_not_the_numbers_people_know(erp: httpx.AsyncClient, world: World) -> None:
    _, answer = await ask(erp, listing(*list(world.orders)[:20]))
    ids = {record.get("internalId"): record.get("externalId") for record in answer.iter(M + "record")}
    assert len(ids) == 20
    assert not set(ids) & set(ids.values())


async def test_a_search_goes_on_where_it_was(erp: httpx.AsyncClient) -> None:
    seen: list[str] = []
    _, answer = await ask(erp, searching("<type>returnAuthorization</type>", 50))
    result = answer[0]
    pages, search_id = int(result.findtext(M + "totalPages")), result.findtext(M + "searchId")
    for place in range(1, pages + 1):
        if place > 1:
            more = f"<searchId>{search_id}</searchId><pageIndex>{place}</pageIndex>"
            _, answer = await ask(erp, f'<searchMoreWithId xmlns="{MESSAGES}">{more}</searchMoreWithId>')
            assert answer[0].findtext(M + "pageIndex") == str(place)
        seen += [record.get("externalId") for record in answer.iter(M + "record")]
    assert len(seen) == len(set(seen)) == int(result.findtext(M + "totalRecords")) > 100
    for search, place, words in (
        (search_id, pages + 1, "INVALID_PAGE_INDEX"),
        ("WEBSERVICES_0", 1, "INVALID_SEARCH_MORE"),
    ):
        more = f"<searchId>{search}</searchId><pageIndex>{place}</pageIndex>"
        _, answer = await ask(erp, f'<searchMoreWithId xmlns="{MESSAGES}">{more}</searchMoreWithId>')
        assert words in etree.tostring(answer).decode()


# -- whom it lets in --------------------------------------------------------------------------------------------------


async def test_a_password_in_plain_text_is_taken(erp: httpx.AsyncClient) -> None:
    assert (await ask(erp, listing("x"), in_text(PASSWORD)))[0] == 200


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        f"<Username>{USERNAME}</Username>",
        in_text("wrong"),
        in_text(""),
        token("wrong"),
        token(username="somebody"),
        token(created=datetime.now(UTC) - timedelta(minutes=6)),
        token(created=datetime.now(UTC) + timedelta(hours=2)),
        token().replace("<Nonce>", "<Nonce>="),
        token().replace("Digest", "Riddle"),
        re.sub("<Nonce>..", "<Nonce>AA", token()),
    ],
    ids=["none", "a name", "wrong", "empty", "wrong digest", "unknown", "old", "early", "no nonce", "odd", "altered"],
)
async def test_nobody_else_is_let_in(erp: httpx.AsyncClient, credentials: str) -> None:
    status, answer = await ask(erp, listing("x"), credentials)
    assert (status, fault_of(answer)) == (500, ("InvalidCredentialsFault", "INVALID_LOGIN_CREDENTIALS"))


async def test_a_token_is_good_for_one_message(erp: httpx.AsyncClient) -> None:
    """The same message may be sent again, as a retry does."""
    once = token(nonce=b"once only")
    assert [(await ask(erp, listing("x"), once))[0] for _ in range(2)] == [200, 200]
    assert fault_of((await ask(erp, listing("y"), once))[1])[0] == "InvalidCredentialsFault"


def test_nonces_are_not_remembered_for_ever() -> None:
    guard = Guard(USERNAME, PASSWORD)
    for number in range(10_050):
        envelope = message(listing("x"), token(nonce=str(number).encode()))
        header = etree.fromstring(envelope).find(f"{{{SOAP}}}Header")
        assert guard.admits(header, envelope)
    assert len(guard._nonces) == 10_000


# -- what it refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inner",
    [
        f'<getList xmlns="{MESSAGES}"/>',
        f'<getList xmlns="{MESSAGES}"><baseRef number="1"/></getList>',
        f'<getList xmlns="{MESSAGES}"><baseRef type="spaceship"/></getList>',
        '<getList xmlns="urn:other"><baseRef/></getList>',
        f'<dropTables xmlns="{MESSAGES}"/>',
        searching(EVERY_TYPE, 4),
        searching(EVERY_TYPE, 1001),
        searching("<type>spaceship</type>"),
        searching('<type>invoice</type><entity operator="anyOf"/>'),
        searching("", of="SearchRecord"),
        f"{listing('x')}{listing('x')}",
        "",
    ],
    ids=[str(number) for number in range(12)],
)
async def test_a_request_must_keep_to_the_schema(erp: httpx.AsyncClient, inner: str) -> None:
    status, answer = await ask(erp, inner)
    assert (status, fault_of(answer)) == (500, ("UnexpectedErrorFault", "USER_ERROR"))


@pytest.mark.parametrize("content", [b"", b"<a>", b"<a/>", b"\xff\xfe", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])
async def test_what_is_no_envelope_is_a_fault(erp: httpx.AsyncClient, content: bytes) -> None:
    reply = await erp.post(ENDPOINT, content=content)
    assert reply.status_code == 500
    assert b"USER_ERROR" in reply.content


async def test_too_much_at_once_is_a_fault(erp: httpx.AsyncClient) -> None:
    values = "".join(f'<searchValue externalId="{number}"/>' for number in range(1001))
    for inner in (
        listing(*map(str, range(1001))),
        searching(f'<type>invoice</type><entity operator="anyOf">{values}</entity>'),
    ):
        assert fault_of((await ask(erp, inner))[1]) == ("ExceededRequestSizeFault", "MAX_RCRDS_EXCEEDED")


async def test_eight_requests_may_run_at_once(erp: httpx.AsyncClient, fleet: Fleet, schema: etree.XMLSchema) -> None:
    fleet.fault("erp", latency_ms=400)
    answers = await asyncio.gather(*(ask(erp, listing("x")) for _ in range(12)))
    fleet.clear_faults()
    assert sorted(status for status, _ in answers) == [200] * 8 + [500] * 4
    fault = next(answer for status, answer in answers if status == 500)
    assert fault_of(fault) == ("ExceededConcurrentRequestLimitFault", "WS_CONCUR_SESSION_DISALLWD")
    schema.assertValid(fault.find("detail")[0])


async def test_the_number_of_requests_is_a_control(erp: httpx.AsyncClient) -> None:
    await erp.put("/__capacity", json={"concurrency": 0})
    assert (await ask(erp, listing("x")))[0] == 500
    assert (await erp.get("/?wsdl")).status_code == 200
    await erp.delete("/__capacity")
    assert (await ask(erp, listing("x")))[0] == 200
    assert (await erp.put("/__capacity", json={"concurrency": "many"})).status_code == 400
    assert (await erp.put("/__records", json={"x": "mood"})).status_code == 400


@pytest.mark.parametrize(("faults", "status"), [({"status": 500}, 500), ({"fault_with_200": True}, 200)], ids=str)
async def test_faults_on_demand_are_soap_faults(
    erp: httpx.AsyncClient, fleet: Fleet, faults: dict[str, object], status: int
) -> None:
    fleet.fault("erp", **faults)
    told, answer = await ask(erp, listing("x"))
    fleet.clear_faults()
    assert (told, fault_of(answer)) == (status, ("UnexpectedErrorFault", "UNEXPECTED_ERROR"))


async def test_records_get_into_trouble_one_by_one(
    erp: httpx.AsyncClient, world: World, schema: etree.XMLSchema
) -> None:
    numbers = list(world.orders)[:5]
    troubles = dict(zip(numbers, ["error", "locked", "malformed", "odd"], strict=False))
    await erp.put("/__records", json=troubles)
    _, answer = await ask(erp, listing(*numbers))
    await erp.delete("/__records")
    told = [etree.tostring(response).decode() for response in answer.iter(M + "readResponse")]
    assert [('isSuccess="false"' in each, "surprise" in each, "Moonrise" in each) for each in told] == [
        (True, False, False),
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (False, False, False),
    ]
    assert not schema.validate(answer)
    schema.assertValid((await ask(erp, listing(*numbers)))[1])
