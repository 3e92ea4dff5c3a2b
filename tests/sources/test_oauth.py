"""One token a source: fetched once however many ask, renewed in time, dropped when refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from sources.config import SourceConfig
from sources.oauth import ClientCredentials, Style
from tests.sources.doors import Door, door
from tests.sources.hostile import Behaviour, Hostile, hang, held, hostile, slow, status


class Bench:
    """A token endpoint, a door to it and a clock of its own."""

    def __init__(self, server: Hostile, here: Door) -> None:
        self.server = server
        self.here = here
        self.later = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def credentials(self, style: Style = "form", scope: str | None = None) -> ClientCredentials:
        url = f"{self.server.url}/token"
        config = SourceConfig("src", self.server.url, client_id="me:é", client_secret="s&c=t", token_url=url)
        return ClientCredentials(self.here.send, config, now=self.now, style=style, scope=scope)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with hostile() as server, door(server.url, deadline=0.5) as here:
        yield Bench(server, here)


def token(value: str, **more: object) -> Behaviour:
    return status(200, json.dumps({"access_token": value, "token_type": "Bearer", "expires_in": 3600} | more).encode())


async def test_fifty_askers_share_one_fetch(bench: Bench) -> None:
    bench.server.on("/token", slow(0.02, token("t")))
    credentials = bench.credentials()
    headers = await asyncio.gather(*(credentials.header() for _ in range(50)))
    assert headers == [{"Authorization": "Bearer t"}] * 50
    assert await credentials.header() == {"Authorization": "Bearer t"}
    assert len(bench.server.seen) == 1


@pytest.mark.parametrize(
    ("expires_in", "kept", "renewed"),
    [(3600, 3530, 3541), ("3600", 3530, 3541), (100, 85, 91), (None, 230, 271)],
    ids=["number", "text", "short", "unstated"],
)
async def test_it_is_renewed_shortly_before_its_end(
    bench: Bench, expires_in: int | str | None, kept: int, renewed: int
) -> None:
    more = {"expires_in": expires_in}
    answers = [
        status(200, b'{"access_token":"%d"}' % n) if expires_in is None else token(str(n), **more) for n in (1, 2)
    ]
    bench.server.on("/token", *answers)
    credentials = bench.credentials()
    seen = []
    for bench.later in (timedelta(), timedelta(seconds=kept), timedelta(seconds=renewed)):
        seen.append((await credentials.header())["Authorization"])
    assert seen == ["Bearer 1", "Bearer 1", "Bearer 2"]


async def test_a_refused_token_is_fetched_anew_once(bench: Bench) -> None:
    bench.server.on("/token", token("1"), token("2"), token("3"))
    credentials = bench.credentials()
    first = await credentials.header()
    credentials.forget(first)
    second = await credentials.header()
    credentials.forget(first)
    assert await credentials.header() == second == {"Authorization": "Bearer 2"}
    credentials.forget()
    assert await credentials.header() == {"Authorization": "Bearer 3"}


def form(body: bytes) -> object:
    return dict(parse_qsl(body.decode(), strict_parsing=True))


@pytest.mark.parametrize(
    ("style", "read", "sent"),
    [
        ("form", form, {"client_id": "me:é", "client_secret": "s&c=t"}),
        ("json", json.loads, {"client_id": "me:é", "client_secret": "s&c=t"}),
        ("basic", form, {}),
    ],
    ids=["form", "json", "basic"],
)
async def test_where_the_credentials_travel(
    bench: Bench, style: Style, read: Callable[[bytes], object], sent: dict[str, str]
) -> None:
    bench.server.on("/token", token("t"))
    await bench.credentials(style, scope="track").header()
    (seen,) = bench.server.seen
    assert seen.method == "POST"
    assert read(seen.body) == {"grant_type": "client_credentials", "scope": "track"} | sent
    assert seen.headers["content-type"] == (
        "application/json" if style == "json" else "application/x-www-form-urlencoded"
    )
    basic = "Basic " + base64.b64encode(b"me%3A%C3%A9:s%26c%3Dt").decode()
    assert seen.headers.get("authorization") == (basic if style == "basic" else None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (status(200, b"<html>"), SourceFault),
        (status(200, b"{}"), SourceFault),
        (status(200, b'{"access_token":null}'), SourceFault),
        (token("t", token_type="mac"), SourceFault),
        (token("t", expires_in="soon"), SourceFault),
        (token("t", expires_in="nan"), SourceFault),
        (token("t", expires_in="1e300"), SourceFault),
        (status(401), SourceFault),
        (status(503), SourceUnavailable),
        (hang, SourceTimeout),
    ],
    ids=["html", "empty", "null", "mac", "soon", "nan", "for ever", "401", "503", "hang"],
)
async def test_no_token_is_the_sources_error_for_everyone_waiting(
    bench: Bench, answer: Behaviour, error: type[SourceError]
) -> None:
    bench.server.on("/token", answer)
    credentials = bench.credentials()
    results = await asyncio.gather(*(credentials.header() for _ in range(20)), return_exceptions=True)
    assert all(isinstance(result, error) for result in results)
    assert len(bench.server.seen) == 1
    assert "s&c=t" not in "".join(map(str, results))
    bench.server.on("/token", token("t"))
    assert await credentials.header() == {"Authorization": "Bearer t"}


async def test_who_leaves_disturbs_nobody_and_the_last_ends_the_fetch(bench: Bench) -> None:
    gate = asyncio.Event()
    bench.server.on("/token", held(gate, token("t")))
    credentials = bench.credentials()
    first, second = asyncio.create_task(credentials.header()), asyncio.create_task(credentials.header())
    await bench.server.reached(1)
    first.cancel()
    gate.set()
    assert await second == {"Authorization": "Bearer t"}
    assert first.cancelled()

    credentials.forget()
    bench.server.on("/token", hang, token("u"))
    alone = asyncio.create_task(credentials.header())
    await bench.server.reached(2)
    alone.cancel()
    await asyncio.wait([alone])
    assert await credentials.header() == {"Authorization": "Bearer u"}
    assert bench.here.facts.outcomes == ["ok", "CANCELLED", "ok"]


def test_credentials_must_be_configured(bench: Bench) -> None:
    with pytest.raises(ValueError, match="needs token_url"):
        ClientCredentials(bench.here.send, SourceConfig("src", "http://a"), now=bench.now)
