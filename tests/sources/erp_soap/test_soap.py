"""Envelopes, faults with 200 and 500, answers that are none, and a description that comes late or never."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from lxml import etree
from lxml.etree import _Element

from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from domain.model import CustomerId, Order
from examples.distributor.erp import security
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.erp_soap import queries
from sources.erp_soap.adapter import SoapErp
from sources.erp_soap.parsing import STEP
from sources.erp_soap.soap import LARGE
from sources.erp_soap.soap import Service as SoapService
from sources.observer import Silence
from sources.transport import Transport
from tests.sources.erp_soap.described import MESSAGES, document
from tests.sources.erp_soap.scripted import (
    ASKED,
    FAULT,
    LIMIT_FAULT,
    NOW,
    ORDERS,
    PASSWORD,
    TRICKY,
    Service,
    account,
    adapter,
    found,
    serving,
)


async def test_every_request_is_signed_anew_and_tells_no_password(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [found()]
    for _ in range(2):
        await erp.children([CustomerId("1")])
    nonces = set()
    for message in service.asked:
        token = etree.fromstring(message.encode()).find(f".//{security.WSSE}UsernameToken")
        assert token is not None
        nonce = base64.b64decode(token.findtext(f"{security.WSSE}Nonce", ""))
        created = token.findtext(f"{security.WSU}Created", "")
        digest = hashlib.sha1(nonce + created.encode() + PASSWORD.encode()).digest()
        assert token.findtext(f"{security.WSSE}Password") == base64.b64encode(digest).decode()
        assert "word" not in message.replace("Password", "")
        assert abs(datetime.now(UTC) - datetime.fromisoformat(created)) < timedelta(minutes=1)
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (FAULT, SourceFault),
        (LIMIT_FAULT, SourceUnavailable),
        (LIMIT_FAULT.replace("Concurrent", ""), SourceUnavailable),
        (LIMIT_FAULT.replace("ExceededConcurrentRequestLimitFault", "InvalidCredentialsFault"), SourceFault),
        (re.sub("<detail>.*</detail>", "", LIMIT_FAULT), SourceFault),
        (
            re.sub("<detail>.*</detail>", "", LIMIT_FAULT).replace(
                "soapenv:Server", "soapenv:Server.ExceededRequestLimitFault"
            ),
            SourceFault,
        ),
        (re.sub("soapenv:Server", "f:ExceededRequestLimitFault", LIMIT_FAULT), SourceUnavailable),
    ],
    ids=["other", "concurrency", "requests", "credentials", "unnamed", "a code alike", "by code"],
)
async def test_faults_with_200_and_500(
    told: tuple[Service, SoapErp], status: int, answer: str, error: type[SourceError]
) -> None:
    service, erp = told
    service.answers, service.status = [answer], status
    with pytest.raises(error) as caught:
        await erp.orders([TRICKY], amounts=True)
    assert isinstance(caught.value, SourceUnavailable) is (error is SourceUnavailable)
    assert caught.value.public.startswith("The source system erp")


async def test_the_name_of_a_fault_in_a_text_is_no_fault(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [ORDERS.replace("<s:memo>", "<s:memo>ExceededConcurrentRequestLimitFault ")]
    assert isinstance((await erp.orders(ASKED, amounts=True))[TRICKY], Order)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "<html><body>Please log in</body></html>",
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + ORDERS.partition("?>")[2],
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>',
        "<a>" * 10_000,
        ORDERS[:-40],
        ORDERS.encode("utf-16"),
        ORDERS.replace("UTF-8", "ISO-8859-1", 1),
        ORDERS.replace("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
        ORDERS.replace("getListResponse", "getEverythingResponse"),
        ORDERS.replace("readResponseList", "readResponses"),
        re.sub("<soapenv:Body>.*</soapenv:Body>", "<soapenv:Body/>", ORDERS, flags=re.DOTALL),
        re.sub("<soapenv:Body>.*</soapenv:Body>", "", ORDERS, flags=re.DOTALL),
        ORDERS.replace('<m:readResponseList><m:status isSuccess="true"/>', "<m:readResponseList>"),
    ],
    ids=[
        "empty",
        "html",
        "external entity",
        "entities",
        "deep",
        "cut",
        "utf-16",
        "another charset",
        "soap 1.2",
        "another answer",
        "no list",
        "empty body",
        "no body",
        "no status",
    ],
)
async def test_an_answer_that_is_none_is_a_fault(told: tuple[Service, SoapErp], answer: str | bytes) -> None:
    service, erp = told
    service.answers = [answer]
    with pytest.raises(SourceFault):
        await erp.orders(ASKED, amounts=True)


# -- the description --------------------------------------------------------------------------------------------------


async def test_the_description_is_read_once_for_all(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [found()]
    await asyncio.gather(*(erp.children([CustomerId(str(n))]) for n in range(10)))
    await erp.children([CustomerId("1")])
    assert service.described == 6


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/", b""),
        ("/", b"<html/>"),
        ("/core.xsd", b"<!DOCTYPE a><a/>"),
        (
            "/sales.xsd",
            document("/sales.xsd").replace(b'name="lineUniqueKey" type="xs:string"', b'name="key" type="xs:int"'),
        ),
        ("/messages.xsd", document("/messages.xsd").replace(b'name="getList"', b'name="fetchList"')),
        (
            "/",
            document("/").replace(b"http://schemas.xmlsoap.org/wsdl/soap/", b"http://schemas.xmlsoap.org/wsdl/soap12/"),
        ),
    ],
    ids=["empty", "html", "doctype", "another field", "another operation", "soap 1.2"],
)
async def test_a_description_that_cannot_be_used_is_asked_for_again(
    told: tuple[Service, SoapErp], path: str, content: bytes
) -> None:
    service, erp = told
    service.answers = [found()]
    service.documents = {path: content or b" "}
    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="WSDL cannot be used"):
            await erp.children([CustomerId("1")])
    assert service.asked == []
    service.documents = {}
    assert await erp.children([CustomerId("1")]) == {"1": ()}


async def test_a_service_on_another_origin_is_not_asked(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.documents = {"/": document("/").replace(b"http://localhost/", b"http://localhost.invalid/")}
    with pytest.raises(SourceFault, match="refused"):
        await erp.children([CustomerId("1")])
    assert service.asked == []


async def test_a_caller_who_leaves_does_not_end_the_others_wait() -> None:
    service = Service(answers=[found()])
    service.gate.clear()
    async with serving(service) as url, adapter(url) as erp:
        first = asyncio.create_task(erp.children([CustomerId("1")]))
        second = asyncio.create_task(erp.children([CustomerId("2")]))
        await asyncio.sleep(0.05)
        first.cancel()
        service.gate.set()
        assert await second == {"2": ()}
        with pytest.raises(asyncio.CancelledError):
            await first


async def test_a_description_that_hangs_times_out_and_is_asked_for_again() -> None:
    service = Service(answers=[found()])
    service.gate.clear()
    async with serving(service) as url, adapter(url, deadline=0.3) as erp:
        with pytest.raises(SourceTimeout):
            await erp.children([CustomerId("1")])
        service.gate.set()
        assert await erp.children([CustomerId("1")]) == {"1": ()}


@asynccontextmanager
async def speaking(service: Service, **limits: int) -> AsyncIterator[SoapService[None]]:
    async with serving(service) as url, Client() as pool:
        config = SourceConfig("erp", url, Limits(**limits))
        yield SoapService(config, Transport(config, pool, observer=Silence(), now=lambda: NOW), lambda _: None)


async def searched(soap: SoapService[None], take: Callable[[object, datetime], None]) -> _Element:
    search = queries.customers_by("parent", ["1"])
    values = {"searchRecord": search, "searchPreferences": {"pageSize": 5}}
    return await soap.call("search", values, record=MESSAGES + "record", take=take)


@pytest.mark.parametrize("records", [1, 2500])
async def test_a_large_answer_gives_way_to_other_work(records: int) -> None:
    """The second is larger than ``LARGE``. Each record asks for a turn of the loop, and is told how many came first."""
    service = Service(answers=[found(*[account(str(number)) for number in range(records)])])
    assert (len(str(service.answers[0])) > LARGE) is (records > 1)
    loop = asyncio.get_running_loop()
    read: list[datetime] = []
    waited: list[int] = []

    def take(_: object, as_of: datetime) -> None:
        place = len(read)
        read.append(as_of)
        loop.call_soon(lambda: waited.append(len(read) - place))

    async with speaking(service) as soap:
        answer = await searched(soap, take)
        await asyncio.sleep(0)
    assert answer.tag == MESSAGES + "searchResponse"
    assert read == [NOW] * records
    assert len(waited) == records
    assert max(waited) <= max(1, STEP * records // len(str(service.answers[0])) + 2)


async def test_large_answers_are_read_one_at_a_time_and_no_further_than_somebody_waits() -> None:
    """The first caller leaves when its first record is read."""
    answer = found(*[account(str(number)) for number in range(2500)])
    loop = asyncio.get_running_loop()
    told: list[str] = []
    async with speaking(Service(answers=[answer] * 3)) as soap:

        def leave(_: object, __: datetime) -> None:
            if "left" not in told:
                loop.call_soon(leaving.cancel)
            told.append("left")

        leaving = asyncio.create_task(searched(soap, leave))
        await asyncio.wait([leaving])
        assert leaving.cancelled()
        assert 0 < len(told) < 2500
        told.clear()
        await asyncio.gather(
            searched(soap, lambda _, __: told.append("a")), searched(soap, lambda _, __: told.append("b"))
        )
    assert sorted(told) == ["a"] * 2500 + ["b"] * 2500
    assert sum(one != other for one, other in pairwise(told)) == 1


async def test_large_answers_that_wait_are_bounded_together() -> None:
    """While one is read another may wait; where four come at once, two are too many."""
    answer = found(*[account(str(number)) for number in range(2500)])
    async with speaking(Service(answers=[answer] * 4), max_body=int(2.5 * len(answer))) as soap:
        told = await asyncio.gather(*(searched(soap, lambda _, __: None) for _ in range(4)), return_exceptions=True)
    refused = [each for each in told if isinstance(each, SourceUnavailable)]
    assert 1 <= len(refused) <= 2
    assert "wait to be read already" in str(refused[0])


async def test_names_without_end_are_met_once() -> None:
    """What libxml2 has met it keeps; a fault is no reason to look closer."""
    floods = [f"<a>{''.join(f'<{letter}{number}/>' for number in range(60_000))}</a>" for letter in "xyz"]
    told: list[str] = []
    async with speaking(Service(answers=[*floods, found(account("1"))])) as soap:
        for _ in floods:
            with pytest.raises(SourceFault) as caught:
                await searched(soap, lambda _, __: None)
            told.append("more names" if "has more names than any schema" in str(caught.value) else "other")
        await searched(soap, lambda _, __: told.append("read"))
    assert told == ["other", "more names", "more names", "read"]
