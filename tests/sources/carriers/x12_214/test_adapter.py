"""A mailbox with damaged interchanges beside whole ones, over a real socket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from domain.errors import SourceFault
from domain.model import Tracking, TrackingKey
from sources.carriers.x12_214.adapter import X12Carrier
from sources.client import Client
from sources.config import SourceConfig
from sources.observer import Silence
from sources.transport import Transport

OUTBOX = (Path(__file__).parents[3] / "fixtures/carriers/x12_214/outbox.x12").read_bytes()
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)

WHOLE, DELIVERED, BAD_TIME = (
    TrackingKey("ODFL", "04123456789"),
    TrackingKey("SAIA", "500000000001"),
    TrackingKey("SAIA", "500000000002"),
)
MISCOUNTED, BESIDE, UNKNOWN = (TrackingKey("CDOF", f"CD0000000{nth}") for nth in (3, 4, 9))


class Mailbox:
    def __init__(self) -> None:
        self.content = OUTBOX
        self.asked: list[list[str]] = []

    async def outbox(self, request: web.Request) -> web.Response:
        self.asked.append(request.query.getall("pro"))
        return web.Response(body=self.content, content_type="application/edi-x12")


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, X12Carrier]]:
    told = Mailbox()
    app = web.Application()
    app.router.add_get("/outbox/214", told.outbox)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(app))
        config = SourceConfig("ltl", str(server.make_url("/")), username="u", password="p")
        transport = Transport(config, await stack.enter_async_context(Client()), observer=Silence(), now=lambda: NOW)
        yield told, X12Carrier(config, transport)


async def test_what_is_damaged_spoils_its_own_numbers(mailbox: tuple[Mailbox, X12Carrier]) -> None:
    told, carrier = mailbox
    asked = [WHOLE, DELIVERED, BAD_TIME, MISCOUNTED, BESIDE, UNKNOWN]
    found = await carrier.tracking(asked)
    assert told.asked == [[key.number for key in asked]]
    assert [type(found.get(key)) for key in asked] == [
        Tracking,
        Tracking,
        SourceFault,
        SourceFault,
        Tracking,
        type(None),
    ]


@pytest.mark.parametrize("cut", [len(OUTBOX) - 40, len(OUTBOX) - 200, len(OUTBOX) - 400])
async def test_a_cut_answer_leaves_no_number_absent(mailbox: tuple[Mailbox, X12Carrier], cut: int) -> None:
    told, carrier = mailbox
    told.content = OUTBOX[:cut]
    found = await carrier.tracking([WHOLE, BESIDE, UNKNOWN])
    assert isinstance(found[WHOLE], Tracking)
    assert isinstance(found[BESIDE], SourceFault)
    assert isinstance(found[UNKNOWN], SourceFault)


async def test_an_interchange_that_names_no_number_leaves_none_absent(mailbox: tuple[Mailbox, X12Carrier]) -> None:
    told, carrier = mailbox
    told.content = OUTBOX.replace(b"B10*CD00000003*R-3*CDOF", b"L11*CD00000003*R-3")
    found = await carrier.tracking([WHOLE, MISCOUNTED, UNKNOWN])
    assert isinstance(found[WHOLE], Tracking)
    assert isinstance(found[MISCOUNTED], SourceFault)
    assert isinstance(found[UNKNOWN], SourceFault)


async def test_a_set_that_is_no_214_is_for_others(mailbox: tuple[Mailbox, X12Carrier]) -> None:
    told, carrier = mailbox
    told.content = OUTBOX.replace(b"ST*214*0001~B10", b"ST*997*0001~AK1")
    found = await carrier.tracking([WHOLE, DELIVERED])
    assert list(found) == [DELIVERED]


async def test_an_empty_mailbox_knows_nothing(mailbox: tuple[Mailbox, X12Carrier]) -> None:
    told, carrier = mailbox
    told.content = b"\r\n"
    assert await carrier.tracking([WHOLE]) == {}
