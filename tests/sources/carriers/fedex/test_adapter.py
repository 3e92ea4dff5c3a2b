"""A batch in which every number fares differently, over a real socket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from domain.errors import SourceFault, SourceUnavailable
from domain.model import Tracking, TrackingKey
from sources.carriers.fedex.adapter import FedexCarrier
from sources.client import Client
from sources.config import SourceConfig
from sources.observer import Silence
from sources.transport import Transport

TRACK = (Path(__file__).parents[3] / "fixtures/carriers/fedex/track.json").read_bytes()
NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


class Service:
    """Answers what it is told; remembers what it was asked."""

    def __init__(self) -> None:
        self.answer = TRACK
        self.asked: list[Any] = []

    async def token(self, _: web.Request) -> web.Response:
        return web.json_response({"access_token": "t", "token_type": "bearer", "expires_in": 3599})

    async def track(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t"
        self.asked.append(msgspec.json.decode(await request.read()))
        return web.Response(body=self.answer, content_type="application/json")


@pytest.fixture
async def service() -> AsyncIterator[tuple[Service, FedexCarrier]]:
    told = Service()
    app = web.Application()
    app.router.add_post("/oauth/token", told.token)
    app.router.add_post("/track/v1/trackingnumbers", told.track)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(app))
        url = str(server.make_url("")).rstrip("/")
        config = SourceConfig("fedex", url, client_id="i", client_secret="s", token_url=f"{url}/oauth/token")
        transport = Transport(config, await stack.enter_async_context(Client()), observer=Silence(), now=lambda: NOW)
        yield told, FedexCarrier(config, transport)


def key(number: str, shipped_on: date | None = None) -> TrackingKey:
    return TrackingKey("FDEG", number, shipped_on)


async def test_each_number_fares_for_itself(service: tuple[Service, FedexCarrier]) -> None:
    told, fedex = service
    numbers = ["123456789012", "128667043726", *(f"77000000000{nth}" for nth in range(1, 7))]
    found = await fedex.tracking([key(number) for number in numbers])
    assert [info["trackingNumberInfo"]["trackingNumber"] for info in told.asked[0]["trackingInfo"]] == numbers
    kinds = [type(found.get(key(number))) for number in numbers]
    assert kinds == [
        Tracking,
        type(None),
        SourceFault,
        SourceUnavailable,
        SourceFault,
        SourceFault,
        Tracking,
        SourceFault,
    ]


async def test_two_keys_of_one_number_are_one_question(service: tuple[Service, FedexCarrier]) -> None:
    told, fedex = service
    ours, former = key("123456789012", date(2026, 11, 17)), key("123456789012", date(2025, 10, 12))
    found = await fedex.tracking([ours, former])
    assert len(told.asked[0]["trackingInfo"]) == 1
    uniques = [answer.unique_id for answer in found.values() if isinstance(answer, Tracking)]
    assert uniques == ["12013~123456789012~FDEG", "11002~123456789012~FDEG"]


async def test_a_result_that_names_no_number_leaves_none_absent(service: tuple[Service, FedexCarrier]) -> None:
    told, fedex = service
    answer = msgspec.json.decode(TRACK)
    del answer["output"]["completeTrackResults"][1]["trackingNumber"]
    told.answer = msgspec.json.encode(answer)
    good, nameless = key("123456789012"), key("128667043726")
    found = await fedex.tracking([good, nameless])
    assert isinstance(found[good], Tracking)
    assert isinstance(found[nameless], SourceFault)
