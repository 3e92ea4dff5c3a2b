"""Webhooks over HTTP: what each sender is answered, and that 202 is never said of what is not stored."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.events import Delivery
from ingest.intake import Intake
from ingest.observer import Outcome
from server.environment import Misconfigured
from server.exchange import Exchange, Exchanges
from server.settings import load, masked
from server.webhooks import Webhooks, routes
from sources.feeds import FeedConfig, doors
from tests.senders import NOW, SENDERS, Message, Sender, Shelf
from tests.server.serving import served

ERP, WMS, FEDEX, UPS, CENTRAL = SENDERS
NAMED = {"erp": ERP, "wms": WMS, "fedex": FEDEX, "ups": UPS, "cloud": CENTRAL}
KINDS = {
    "erp": ("erp", "soap"),
    "wms": ("wms", "rest"),
    "fedex": ("carriers", "fedex"),
    "ups": ("carriers", "ups"),
    "cloud": ("erp", "soap"),
}
EVERY = pytest.mark.parametrize(("name", "sender"), NAMED.items(), ids=NAMED)
FORGED = {name: 503 if sender is CENTRAL else 401 for name, sender in NAMED.items()}
MAX_BODY = 10_000


class State:
    """What the lifespan of the whole application would put there."""

    def __init__(self, app: ASGIApp, webhooks: Webhooks) -> None:
        self._app, self._webhooks = app, webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "state": {"webhooks": self._webhooks}}, receive, send)


@dataclass
class House:
    """Every source with its newest secret, one whose door is shut, and a clock that a test may set."""

    shelf: Shelf = field(default_factory=Shelf)
    exchanges: list[Exchange] = field(default_factory=list)
    secrets: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {name: (sender.secret,) for name, sender in NAMED.items()}
    )
    accept: Callable[[Sequence[Delivery]], Awaitable[int]] | None = None
    now: datetime = NOW
    deadline: float = 10

    def app(self) -> ASGIApp:
        configs = [
            FeedConfig(*KINDS[name], name, secrets, NAMED[name].scheme) for name, secrets in self.secrets.items()
        ]
        shut = FeedConfig("carriers", "x12_214", "shut")
        accept = self.accept or self.shelf.accept
        intake = Intake(
            doors([*configs, shut]), accept, now=lambda: self.now, signed_at=lambda: self.now, observer=self.shelf
        )
        webhooks = Webhooks(intake, max_body=MAX_BODY, deadline=self.deadline)
        exchanges = Middleware(Exchanges, report=self.exchanges.append, routes=["/webhooks"])
        return State(Starlette(routes=routes(), middleware=[exchanges]), webhooks)

    async def post(self, name: str, message: Message, **query: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app()), base_url="http://test") as http:
            return await http.post(f"/webhooks/{name}", content=message.body, headers=message.headers, params=query)

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for _, outcome in self.shelf.outcomes]


# -- what each scheme accepts and refuses ------------------------------------------------------------------------------


@EVERY
async def test_a_genuine_message_is_stored_and_then_acknowledged(name: str, sender: Sender) -> None:
    house, message = House(), sender.message()
    answer = await house.post(name, message)
    assert (answer.status_code, answer.content) == (202, b"")
    (kept,) = house.shelf.kept
    assert (kept.source, kept.body, kept.received_at) == (name, message.body, NOW)
    assert kept.correlation_id == answer.headers["x-correlation-id"]


@EVERY
async def test_it_is_given_to_the_store_before_the_answer_begins(name: str, sender: Sender) -> None:
    house, entered, opened = House(), asyncio.Event(), asyncio.Event()

    async def accept(deliveries: Sequence[Delivery]) -> int:
        entered.set()
        await opened.wait()
        return await house.shelf.accept(deliveries)

    house.accept = accept
    posting = asyncio.create_task(house.post(name, sender.message()))
    await entered.wait()
    assert house.exchanges == []
    opened.set()
    assert (await posting).status_code == 202
    assert len(house.shelf.kept) == 1


@EVERY
async def test_a_forgery_is_refused_and_nothing_is_stored(name: str, sender: Sender) -> None:
    house = House()
    answer = await house.post(name, sender.message(secret=sender.older))
    assert answer.status_code == FORGED[name]
    assert house.shelf.kept == []
    assert house.outcomes == [Outcome.FORGED]


@EVERY
async def test_one_byte_altered_on_the_way_is_refused(name: str, sender: Sender) -> None:
    house, message = House(), sender.message()
    if sender.signs:
        altered = Message(message.headers, message.body.replace(b"first", b"girst"))
    elif sender.where:
        altered = Message({**message.headers, sender.where: sender.secret[:-1] + "x"}, message.body)
    else:
        altered = Message(message.headers, message.body.replace(b"client-state", b"client_state", 1))
    assert altered != message
    assert (await house.post(name, altered)).status_code == FORGED[name]
    assert house.shelf.kept == []


@EVERY
async def test_a_message_without_its_headers_is_refused(name: str, sender: Sender) -> None:
    house, message = House(), sender.message()
    bare = Message({}, message.body if sender.where else b"{}")
    assert (await house.post(name, bare)).status_code == FORGED[name]
    assert (await house.post(name, Message({}, b""))).status_code == FORGED[name]
    assert house.shelf.kept == []


@EVERY
async def test_another_sources_genuine_message_is_none_of_ours(name: str, sender: Sender) -> None:
    house = House()
    for other, theirs in NAMED.items():
        if other != name:
            assert (await house.post(name, theirs.message())).status_code == FORGED[name]
    assert house.shelf.kept == []


@EVERY
async def test_an_older_secret_holds_during_a_rotation_and_not_after(name: str, sender: Sender) -> None:
    during, after = House(), House()
    during.secrets[name] = (sender.secret, sender.older)
    assert (await during.post(name, sender.message("new"))).status_code == 202
    assert (await during.post(name, sender.message("old", secret=sender.older))).status_code == 202
    assert (await after.post(name, sender.message("new"))).status_code == 202
    assert (await after.post(name, sender.message("old", secret=sender.older))).status_code == FORGED[name]
    assert (len(during.shelf.kept), len(after.shelf.kept)) == (2, 1)


@EVERY
async def test_a_duplicate_is_acknowledged_and_changes_nothing(name: str, sender: Sender) -> None:
    house = House()
    answers = [(await house.post(name, sender.message(word))).status_code for word in ("a", "b", "a", "a")]
    assert answers == [202] * 4
    assert len(house.shelf.kept) == 2
    assert house.outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REPEATED, Outcome.REPEATED]


@EVERY
async def test_a_replay_is_refused_where_its_time_is_signed_and_else_a_duplicate(name: str, sender: Sender) -> None:
    house, message = House(), sender.message()
    assert (await house.post(name, message)).status_code == 202
    house.now = NOW + timedelta(minutes=5, seconds=1)
    assert (await house.post(name, message)).status_code == (401 if sender.dates else 202)
    assert len(house.shelf.kept) == 1


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 202), (300, 202), (301, 401)])
async def test_five_minutes_are_forgiven_either_way_and_no_more(seconds: int, status: int) -> None:
    house = House()
    answer = await house.post("erp", ERP.message(at=NOW + timedelta(seconds=seconds)))
    assert answer.status_code == status
    assert len(house.shelf.kept) == (status == 202)


@pytest.mark.parametrize(
    "signature", ["", " ", "v1", "v1,", "v1,é", "v1,AAAA " * 400, "A" * 5000, "\t", "v1," + "=" * 44]
)
async def test_a_malformed_signature_is_refused_like_any_other(signature: str) -> None:
    house = House()
    for name, sender in NAMED.items():
        if sender.where:
            message = sender.message()
            headers = httpx.Headers({**message.headers, sender.where: signature}, encoding="latin-1")
            async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app()), base_url="http://test") as http:
                answer = await http.post(f"/webhooks/{name}", content=message.body, headers=headers)
            assert answer.status_code == 401
    assert house.shelf.kept == []


async def test_a_refusal_says_how_to_prove_oneself_and_nothing_of_why() -> None:
    house = House()
    answer = await house.post("erp", ERP.message(at=NOW - timedelta(hours=1)))
    assert answer.headers["www-authenticate"] == 'Signature realm="crossdock"'
    assert answer.text == "The signature does not verify."


# -- who is there ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shut", "nobody", "erp%2F..%2Fwms", "%00", "é", "x" * 5000])
async def test_a_source_that_is_off_cannot_be_told_from_one_that_is_not_there(name: str) -> None:
    house = House()
    answer = await house.post(name, ERP.message())
    assert (answer.status_code, answer.text) in ((404, "There is no such source."), (404, "Not Found"))
    assert house.shelf.kept == []
    assert {source for source, _ in house.shelf.outcomes} <= {"other"}


async def test_off_and_unknown_answer_alike_to_the_byte() -> None:
    house = House()
    off, unknown = await house.post("shut", ERP.message()), await house.post("nobody", ERP.message())
    assert (
        (off.status_code, off.content) == (unknown.status_code, unknown.content) == (404, b"There is no such source.")
    )
    assert off.headers.keys() == unknown.headers.keys()
    greeted = await house.post("shut", ERP.message(), validationToken="token")
    assert (greeted.status_code, greeted.content) == (404, off.content)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_webhook_is_posted(method: str) -> None:
    house = House()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app()), base_url="http://test") as http:
        for name in ("erp", "nobody"):
            assert (await http.request(method, f"/webhooks/{name}")).status_code == 405


# -- what goes wrong on our side, or on the way ------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("failure", [OSError("disk full"), RuntimeError("a bug")])
async def test_what_the_store_refuses_is_to_be_sent_again(name: str, sender: Sender, failure: Exception) -> None:
    house = House(Shelf(failure=failure))
    answer = await house.post(name, sender.message())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert str(failure) not in answer.text
    house.shelf.failure = None
    assert (await house.post(name, sender.message())).status_code == 202


@pytest.mark.parametrize("body", [b"\xff\xfe\x00\x01", b"\x00", "Łódź".encode("utf-16")])
async def test_a_signed_body_that_is_no_utf_8_is_stored_byte_for_byte(body: bytes) -> None:
    house = House()
    assert (await house.post("wms", WMS.write(WMS.secret, body, NOW, "1"))).status_code == 202
    assert [kept.body for kept in house.shelf.kept] == [body]


@EVERY
async def test_a_body_of_the_greatest_size_is_taken_and_one_byte_more_is_not(name: str, sender: Sender) -> None:
    house = House()
    empty = len(sender.write(sender.secret, b"", NOW, "1").body)
    room = MAX_BODY - empty if sender.where else (MAX_BODY - empty) // 2
    fits = sender.write(sender.secret, b"x" * room, NOW, "1")
    over = sender.write(sender.secret, b"x" * (room + 2), NOW, "2")
    assert (await house.post(name, fits)).status_code == 202
    assert (await house.post(name, over)).status_code == (503 if sender is CENTRAL else 413)
    assert house.outcomes == [Outcome.ACCEPTED, Outcome.TOO_LARGE]


# -- Business Central --------------------------------------------------------------------------------------------------


async def test_business_centrals_handshake_gets_its_token_back_as_plain_text() -> None:
    house = House()
    answer = await house.post("cloud", Message({}, b""), validationToken="f5a8 <b>/+=é")
    assert (answer.status_code, answer.text) == (200, "f5a8 <b>/+=é")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert house.shelf.kept == []
    assert house.outcomes == [Outcome.GREETED]


@pytest.mark.parametrize("token", ["x" * 2049, "line\nfeed", "\x00", "\x1b[2J"])
async def test_a_token_that_nobody_should_repeat_is_not_repeated(token: str) -> None:
    house = House()
    answer = await house.post("cloud", Message({}, b""), validationToken=token)
    assert answer.status_code == 503
    assert token not in answer.text


async def test_only_business_central_is_greeted() -> None:
    house = House()
    for name in ("erp", "wms", "fedex", "ups"):
        assert (await house.post(name, Message({}, b""), validationToken="token")).status_code == 401
    assert (await house.post("erp", ERP.message(), validationToken="token")).status_code == 202


async def test_an_empty_token_is_no_handshake() -> None:
    house = House()
    assert (await house.post("cloud", CENTRAL.message(), validationToken="")).status_code == 202
    assert len(house.shelf.kept) == 1


async def test_one_notification_without_our_client_state_spoils_them_all_and_the_subscription_lives() -> None:
    house = House()
    value = [{"clientState": CENTRAL.secret}, {"clientState": "strange"}]
    answer = await house.post("cloud", Message({}, json.dumps({"value": value}).encode()))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert house.shelf.kept == []
    assert house.outcomes == [Outcome.FORGED]


# -- the wire ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def connected(house: House) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with served(house.app()) as address, asyncio.timeout(30):
        parts = urlsplit(address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            yield reader, writer
        finally:
            writer.close()


def head(message: Message, *more: str) -> bytes:
    lines = ["POST /webhooks/erp HTTP/1.1", "host: t", *(f"{name}: {value}" for name, value in message.headers.items())]
    return "\r\n".join([*lines, *more, "", ""]).encode("latin-1")


async def outcome(house: House) -> Outcome:
    """What became of the one message, once it is known."""
    async with asyncio.timeout(20):
        while not house.outcomes:  # noqa: ASYNC110 (the observer is the only one to tell)
            await asyncio.sleep(0.01)
    (only,) = house.outcomes
    return only


async def test_a_sender_that_leaves_in_the_middle_of_its_body_has_delivered_nothing() -> None:
    house, message = House(), ERP.message()
    async with connected(house) as (_, writer):
        writer.write(head(message, f"content-length: {len(message.body)}") + message.body[:-1])
        await writer.drain()
        writer.close()
        assert await outcome(house) is Outcome.GONE
    assert house.shelf.kept == []
    assert [exchange.status for exchange in house.exchanges] == [499]


async def test_a_body_that_comes_too_slowly_is_given_up_and_its_connection_closed() -> None:
    house, message = House(deadline=0.05), ERP.message()
    async with connected(house) as (reader, writer):
        writer.write(head(message, f"content-length: {len(message.body)}") + message.body[:-1])
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert house.shelf.kept == []
    assert house.outcomes == [Outcome.TOO_SLOW]


async def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent() -> None:
    house = House()
    async with connected(house) as (reader, writer):
        writer.write(head(ERP.message(), f"content-length: {MAX_BODY + 1}"))
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert house.outcomes == [Outcome.TOO_LARGE]


async def test_a_body_of_no_announced_size_is_counted_as_it_comes() -> None:
    house = House()
    async with connected(house) as (reader, writer):
        writer.write(head(ERP.message(), "transfer-encoding: chunked"))
        for _ in range(11):
            writer.write(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert house.outcomes == [Outcome.TOO_LARGE]
    assert house.shelf.kept == []


async def test_a_body_in_many_small_pieces_is_one_message() -> None:
    house, message = House(), ERP.message()
    async with connected(house) as (reader, writer):
        writer.write(head(message, "transfer-encoding: chunked", "connection: close"))
        for place in range(len(message.body)):
            writer.write(b"1\r\n" + message.body[place : place + 1] + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert [kept.body for kept in house.shelf.kept] == [message.body]


async def test_several_senders_share_a_connection_one_after_another() -> None:
    house = House()
    async with served(house.app()) as address, httpx.AsyncClient(base_url=address) as http:
        for word in ("a", "b", "c"):
            message = ERP.message(word)
            answer = await http.post("/webhooks/erp", content=message.body, headers=message.headers)
            assert answer.status_code == 202
    assert len(house.shelf.kept) == 3


async def test_an_exchange_is_known_by_its_route_and_never_by_its_source() -> None:
    house = House()
    await house.post("erp", ERP.message())
    await house.post("nobody", ERP.message())
    assert [(exchange.route, exchange.status) for exchange in house.exchanges] == [
        ("/webhooks", 202),
        ("/webhooks", 404),
    ]


# -- settings ----------------------------------------------------------------------------------------------------------

GIVEN = {
    "CROSSDOCK_OIDC__CORP__ISSUER": "https://id.example.com",
    "CROSSDOCK_OIDC__CORP__AUDIENCE": "crossdock",
    "CROSSDOCK_ERP__KIND": "soap",
    "CROSSDOCK_ERP__URL": "https://erp.example.com/soap?wsdl",
    "CROSSDOCK_WMS__KIND": "rest",
    "CROSSDOCK_WMS__URL": "https://wms.example.com",
    "CROSSDOCK_CARRIERS__BROWN__KIND": "ups",
    "CROSSDOCK_CARRIERS__BROWN__URL": "https://ups.example.com",
    "CROSSDOCK_CARRIERS__POST__KIND": "usps",
    "CROSSDOCK_CARRIERS__POST__URL": "https://usps.example.com",
}


def configured(**more: str) -> dict[str, FeedConfig]:
    settings = load(GIVEN | {f"CROSSDOCK_{name}": value for name, value in more.items()})
    return {config.name: config for config in settings.feeds()}


def problems(**more: str) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        configured(**more)
    return [str(problem) for problem in caught.value.problems]


def test_every_door_is_shut_until_a_secret_is_given() -> None:
    given = configured(ERP__WEBHOOK_SECRET="", CARRIERS__BROWN__WEBHOOK_SECRET=" ")
    assert set(given) == {"erp", "wms", "brown", "post"}
    assert doors(list(given.values())) == {}


def test_a_secret_opens_the_door_of_its_source_alone() -> None:
    given = configured(CARRIERS__BROWN__WEBHOOK_SECRET=UPS.secret)
    assert given["brown"] == FeedConfig("carriers", "ups", "brown", (UPS.secret,))
    assert set(doors(list(given.values()))) == {"brown"}
    assert UPS.secret not in repr(given["brown"])


def test_several_secrets_are_separated_by_spaces_the_newest_first() -> None:
    assert configured(ERP__WEBHOOK_SECRET=f"{ERP.secret}  {ERP.older}")["erp"].secrets == (ERP.secret, ERP.older)


def test_secrets_may_stand_in_a_file_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"{ERP.secret}\n{ERP.older}\n")
    assert configured(ERP__WEBHOOK_SECRET_FILE=str(file))["erp"].secrets == (ERP.secret, ERP.older)
    file.write_text("\n")
    assert configured(ERP__WEBHOOK_SECRET_FILE=str(file))["erp"].secrets == ()


def test_a_source_may_sign_otherwise_than_its_kind() -> None:
    given = configured(WMS__WEBHOOK_SECRET=ERP.secret, WMS__WEBHOOK_SCHEME="standard")
    message = ERP.message()
    doors([given["wms"]])["wms"].verify(message.headers, message.body, NOW)


def test_a_scheme_nobody_knows_is_named_with_those_we_know() -> None:
    (told,) = problems(WMS__WEBHOOK_SCHEME="shopify")
    assert told == (
        "CROSSDOCK_WMS__WEBHOOK_SCHEME: is no way to sign that we know; "
        "give how it signs its webhooks, one of standard shiphero fedex ups business_central; unset: as its kind does"
    )


def test_secrets_that_cannot_be_used_are_all_told_by_setting_and_never_shown() -> None:
    told = problems(
        ERP__WEBHOOK_SECRET=f"{ERP.secret} MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        WMS__WEBHOOK_SECRET="tooshort",
        CARRIERS__POST__WEBHOOK_SECRET="a-secret-that-nobody-needs",
    )
    assert told == [
        "CROSSDOCK_ERP__WEBHOOK_SECRET: secret 2 of 2 cannot be used; give whsec_ and the base64 of 24 to 64 bytes",
        "CROSSDOCK_WMS__WEBHOOK_SECRET: secret 1 of 1 cannot be used; give 16 characters of ASCII or more",
        "CROSSDOCK_CARRIERS__POST__WEBHOOK_SECRET: systems of kind usps send no events; remove it",
    ]


def test_the_effective_settings_show_that_there_is_a_secret_and_not_which() -> None:
    shown = masked(load(GIVEN | {"CROSSDOCK_ERP__WEBHOOK_SECRET": ERP.secret}))
    assert shown["CROSSDOCK_ERP__WEBHOOK_SECRET"] == "**********"
    assert "CROSSDOCK_WMS__WEBHOOK_SECRET" not in shown
