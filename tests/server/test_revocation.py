"""A token that was revoked is good for nothing more, wherever the list is kept and whatever becomes of it."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import SourceUnavailable, Unauthenticated
from server.revocation import EVERY, LARGEST, FileListing, Grant, Revocations, WebListing
from server.sections import Issuer
from server.streams import PULSE, Ending, Streams
from server.systems import OUR_LIMITS
from sources.client import Client
from sources.config import SourceConfig
from sources.observer import Silence
from sources.transport import Transport
from tests.server.authenticating import AT, bench
from tests.server.provider import AUDIENCE, NOW
from tests.server.serving import served

GRANT = Grant("corp", "u-17", "t-1", AT)


def of_file(path: Path) -> Revocations:
    return Revocations({"corp": FileListing("idp:corp", path)}, every=0.01)


def write(path: Path, **listed: Any) -> None:
    """As a file should be replaced: at once."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(listed))
    fresh.replace(path)


LISTS: dict[str, tuple[dict[str, Any], bool]] = {
    "nobody": ({}, False),
    "this token": ({"tokens": ["t-0", "t-1"]}, True),
    "another token": ({"tokens": ["t-2"]}, False),
    "the subject, later": ({"subjects": {"u-17": (NOW + timedelta(hours=1)).isoformat()}}, True),
    "the subject, in the same second": ({"subjects": {"u-17": NOW.isoformat()}}, True),
    "the subject, in another zone": ({"subjects": {"u-17": "2026-11-20T16:00:01+01:00"}}, True),
    "the subject, before": ({"subjects": {"u-17": (NOW - timedelta(seconds=1)).isoformat()}}, False),
    "another subject": ({"subjects": {"u-1": (NOW + timedelta(hours=1)).isoformat()}}, False),
}


@pytest.mark.parametrize(("listed", "revoked"), LISTS.values(), ids=LISTS.keys())
async def test_a_list_names_tokens_and_subjects(tmp_path: Path, listed: dict[str, Any], *, revoked: bool) -> None:
    write(tmp_path / "list", **listed)
    revocations = of_file(tmp_path / "list")
    await revocations.read()
    assert revocations.revoked(GRANT) is revoked


async def test_a_list_is_of_its_issuer_only(tmp_path: Path) -> None:
    write(tmp_path / "list", tokens=["t-1"])
    revocations = of_file(tmp_path / "list")
    await revocations.read()
    assert not revocations.revoked(Grant("partner", "u-17", "t-1", AT))


async def test_a_token_without_an_id_is_not_the_one_that_is_listed(tmp_path: Path) -> None:
    write(tmp_path / "list", tokens=["t-1"])
    revocations = of_file(tmp_path / "list")
    await revocations.read()
    assert not revocations.revoked(Grant("corp", "u-17", None, AT))


UNREADABLE = {
    "empty": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "tokens as text": b'{"tokens": "t-1"}',
    "a misspelt name": b'{"token": ["t-1"]}',
    "an instant in no zone": b'{"subjects": {"u-17": "2026-11-20T15:00:00"}}',
    "an instant that is none": b'{"subjects": {"u-17": "soon"}}',
    "deep": b'{"tokens": ' + b"[" * 100_000,
    "too large": b'{"tokens": []}' + b" " * LARGEST,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_list_that_cannot_be_understood_leaves_the_last_one(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "list"
    write(path, tokens=["t-1"])
    revocations = of_file(path)
    await revocations.read()
    path.unlink()
    path.write_bytes(body)
    await revocations.read()
    assert revocations.revoked(GRANT)
    path.unlink()
    await revocations.read()
    assert revocations.revoked(GRANT)
    write(path, tokens=[])
    await revocations.read()
    assert not revocations.revoked(GRANT)


async def test_until_the_first_list_is_had_nothing_can_be_said(tmp_path: Path) -> None:
    revocations = of_file(tmp_path / "list")
    async with bench(revoked=revocations.revoked) as it:
        token = it.token(jti="t-1")
        await revocations.read()
        with pytest.raises(SourceUnavailable):
            await it.ask(token)
        write(tmp_path / "list", tokens=[])
        await revocations.read()
        assert await it.ask(token)


# -- what it does to callers -------------------------------------------------------------------------------------------


async def test_a_remembered_token_is_turned_away_once_it_is_revoked(tmp_path: Path) -> None:
    write(tmp_path / "list")
    revocations = of_file(tmp_path / "list")
    await revocations.read()
    async with bench(revoked=revocations.revoked) as it:
        token, other = it.token(jti="t-1"), it.token(jti="t-2")
        assert await it.ask(token)
        write(tmp_path / "list", tokens=["t-1"])
        await revocations.read()
        with pytest.raises(Unauthenticated, match="revoked"):
            await it.ask(token)
        assert await it.ask(other)
        write(tmp_path / "list", subjects={"u-17": datetime.fromtimestamp(AT - 10, UTC).isoformat()})
        await revocations.read()
        with pytest.raises(Unauthenticated):
            await it.ask(other)
        assert await it.ask(it.token(iat=AT - 9))


async def test_a_stream_ends_when_its_token_is_revoked(tmp_path: Path) -> None:
    assert EVERY + PULSE < 5
    write(tmp_path / "list")
    revocations = of_file(tmp_path / "list")
    await revocations.start()
    streams = Streams()
    async with bench(revoked=revocations.revoked) as it:
        session = await it.auth.session([f"Bearer {it.token(jti='t-1')}"])
        assert session is not None
        assert await streams.ended(session) is None
        write(tmp_path / "list", tokens=["t-1"])
        assert await streams.over(session) is Ending.REVOKED
    await revocations.close()


async def test_an_id_that_is_no_string_is_refused() -> None:
    async with bench() as it:
        with pytest.raises(Unauthenticated):
            await it.ask(it.token(jti=7))


# -- over the network --------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """Who keeps a list and answers with it. ``answers``: the statuses it gave."""

    listed: dict[str, Any] = field(default_factory=dict)
    up: bool = True
    answers: list[int] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/revoked", self._answer)])

    async def _answer(self, request: Request) -> Response:
        body = json.dumps(self.listed)
        tag = f'"{hash(body)}"'
        status = 503 if not self.up else 304 if request.headers.get("if-none-match") == tag else 200
        self.answers.append(status)
        return Response(body if status == 200 else None, status, {"etag": tag})


@asynccontextmanager
async def over_the_network(desk: Desk) -> AsyncIterator[Revocations]:
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(desk.app()))
        http = await stack.enter_async_context(Client())
        config = SourceConfig("idp:corp", f"{address}/revoked", OUR_LIMITS)
        door = Transport(config, http, observer=Silence(), now=lambda: NOW)
        yield Revocations({"corp": WebListing(door, f"{address}/revoked")})


async def test_a_list_that_has_not_changed_is_not_sent_again() -> None:
    desk = Desk({"tokens": ["t-1"]})
    async with over_the_network(desk) as revocations:
        for _ in range(2):
            await revocations.read()
            assert revocations.revoked(GRANT)
        desk.listed = {}
        await revocations.read()
        assert not revocations.revoked(GRANT)
    assert desk.answers == [200, 304, 200]


async def test_while_its_keeper_is_down_the_last_list_holds() -> None:
    desk = Desk({"tokens": ["t-1"]})
    async with over_the_network(desk) as revocations:
        await revocations.read()
        desk.up = False
        await revocations.read()
        assert revocations.revoked(GRANT)
        desk.up, desk.listed = True, {}
        await revocations.read()
        assert not revocations.revoked(GRANT)
    assert desk.answers == [200, 503, 200]


WRONG = {
    "http://id.example.com/revoked": "must be https",
    "https://user:pw@id.example.com/revoked": "must hold no user",
    "ftp://id.example.com/revoked": "is not an http or https address",
    "/nowhere/at/all": "is neither an address nor a file that is there",
}


@pytest.mark.parametrize("place", WRONG)
def test_a_place_that_cannot_be_is_told_at_start(place: str) -> None:
    with pytest.raises(ValidationError, match=WRONG[place]):
        Issuer(issuer="https://id.example.com", audience=AUDIENCE, revocations=place)
