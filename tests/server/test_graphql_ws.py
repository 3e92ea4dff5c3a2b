"""GraphQL over WebSockets on a real socket: each rule of the protocol, who may listen, and what hostile clients get."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus

from domain.events import Subject
from domain.model import CustomerId, OrderId
from resolvers import nodes
from server.streams import Ending
from tests.domain import samples
from tests.server.live import Live, cursor, one, replicas, until
from tests.server.provider import NOW
from tests.server.speaking import ACTIVITY, ready, speaking, until_closed

VIEWER = "{ viewer { kind } }"
ORDER = "{ order(number: $n) { number } }"
IS_BUYER = {
    "data": {"viewer": {"kind": "PORTAL_USER"}},
    "extensions": {"cost": {"requested": 0, "limit": 5_000}},
}
NO_ORDER = {"data": {"order": None}, "extensions": {"cost": {"requested": 2, "limit": 5_000}}}


def codes(errors: list[dict[str, Any]]) -> list[str]:
    assert all(error["extensions"]["correlationId"] for error in errors)
    return [error["extensions"]["code"] for error in errors]


# -- the handshake -----------------------------------------------------------------------------------------------------


async def test_the_credentials_may_come_with_the_initialisation() -> None:
    async with one() as live, speaking(live) as speaker:
        assert speaker.socket.subprotocol == "graphql-transport-ws"
        assert await speaker.acknowledged(live.bearer()) == {
            "type": "connection_ack",
            "payload": {"cursor": cursor(await live.changes.head())},
        }
        assert await speaker.ask(VIEWER) == IS_BUYER


async def test_the_credentials_may_come_with_the_handshake() -> None:
    async with one() as live, speaking(live, authorization=live.bearer()) as speaker:
        await speaker.acknowledged(None)
        assert await speaker.ask(VIEWER) == IS_BUYER


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (None, "A bearer token is needed."),
        ({}, "A bearer token is needed."),
        ({"Authorization": ""}, "The bearer token is not valid."),
        ({"authorization": "Bearer a.b.c"}, "The bearer token is not valid."),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "The bearer token is not valid."),
    ],
)
async def test_without_a_good_token_the_socket_is_forbidden(payload: Any, reason: str) -> None:
    async with one() as live, speaking(live) as speaker:
        await speaker.say("connection_init", payload=payload)
        assert await speaker.closed() == (4403, reason, [])


async def test_an_expired_token_is_forbidden() -> None:
    async with one() as live, speaking(live) as speaker:
        at = int(NOW.timestamp())
        await speaker.say("connection_init", payload={"Authorization": live.bearer(iat=at - 900, exp=at - 600)})
        assert await speaker.closed() == (4403, "The bearer token has expired.", [])


async def test_two_credentials_are_forbidden() -> None:
    async with one() as live, speaking(live) as speaker:
        await speaker.say("connection_init", payload={"Authorization": live.bearer(), "authorization": live.bearer()})
        assert (await speaker.closed())[0] == 4403


@pytest.mark.parametrize("protocol", [None, "graphql-ws", "chat"])
async def test_another_protocol_is_not_acceptable(protocol: str | None) -> None:
    async with one() as live, speaking(live, protocol=protocol) as speaker:
        assert speaker.socket.subprotocol is None
        assert (await speaker.closed())[0] == 4406


async def test_a_foreign_page_opens_no_socket() -> None:
    async with one(origins=frozenset(("https://portal.example",))) as live:
        with pytest.raises(InvalidStatus) as caught:
            async with speaking(live, origin="https://evil.example", authorization=live.bearer()):
                pass
        assert caught.value.response.status_code == 403
        assert live.seen.opened == []
        (exchange,) = live.exchanges
        assert (exchange.method, exchange.status, exchange.codes) == ("WEBSOCKET", 403, ["BAD_USER_INPUT"])
        for origin in ("https://portal.example", live.url):
            async with speaking(live, origin=origin) as speaker:
                await speaker.acknowledged(live.bearer())


async def test_who_does_not_initialise_in_time_is_closed() -> None:
    async with one(limits={"initialisation": 0.05}) as live, speaking(live) as speaker:
        assert await speaker.closed() == (4408, "Connection initialisation timeout", [])


async def test_pings_do_not_put_the_initialisation_off() -> None:
    async with one(limits={"initialisation": 0.2}) as live, speaking(live) as speaker:
        await speaker.say("ping")
        await speaker.say("pong")
        assert await speaker.closed() == (4408, "Connection initialisation timeout", [{"type": "pong"}])


# -- the protocol ------------------------------------------------------------------------------------------------------


async def test_who_subscribes_before_the_acknowledgement_is_unauthorized() -> None:
    async with one() as live, speaking(live, authorization=live.bearer()) as speaker:
        await speaker.subscribe("1", VIEWER)
        assert await speaker.closed() == (4401, "Unauthorized", [])
        assert live.seen.answered == []


async def test_a_second_initialisation_is_one_too_many() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.say("connection_init", payload={"Authorization": live.bearer()})
        assert await speaker.closed() == (4429, "Too many initialisation requests", [])


async def test_a_ping_is_answered_with_its_payload() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.say("ping")
        assert await speaker.hear() == {"type": "pong"}
        await speaker.say("ping", payload={"at": 1})
        assert await speaker.hear() == {"type": "pong", "payload": {"at": 1}}
        await speaker.say("pong", payload={"at": 1})
        assert await speaker.ask(VIEWER) == IS_BUYER


async def test_an_id_in_use_cannot_be_used_again() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.subscribe("é" * 100, ACTIVITY)
        await speaker.subscribe("é" * 100, VIEWER)
        code, reason, _ = await speaker.closed()
        assert code == 4409
        assert reason.startswith("Subscriber for éé")
        await until(lambda: not live.changes.listening)


async def test_an_id_is_free_once_its_operation_is_over() -> None:
    async with one() as live, ready(live) as speaker:
        for _ in range(20):
            assert await speaker.ask(VIEWER) == IS_BUYER
        for _ in range(20):
            await speaker.subscribe("ask", ACTIVITY)
            await speaker.say("complete", id="ask")
        assert await speaker.ask(VIEWER) == IS_BUYER


async def test_what_is_completed_by_the_client_tells_no_more() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.subscribe("a", ACTIVITY)
        await speaker.subscribe("b", ACTIVITY)
        await until(lambda: live.changes.listening == 2)
        live.company.happens("SO1")
        assert {(await speaker.hear())["id"] for _ in "ab"} == {"a", "b"}
        await speaker.say("complete", id="a")
        await speaker.say("complete", id="never")
        await until(lambda: live.changes.listening == 1)
        live.company.happens("SO2")
        assert (await speaker.hear())["id"] == "b"
        await speaker.say("ping")
        assert await speaker.hear() == {"type": "pong"}


async def test_operations_run_beside_each_other() -> None:
    async with one() as live, ready(live) as speaker:
        live.company.gate = asyncio.Event()
        await speaker.subscribe("slow", 'query { order(number: "SO1") { number } }')
        await until(lambda: live.company.asking)
        assert await speaker.ask(VIEWER) == IS_BUYER
        live.company.gate.set()
        assert await speaker.hear() == {"type": "next", "id": "slow", "payload": NO_ORDER}
        assert await speaker.hear() == {"type": "complete", "id": "slow"}


async def test_a_query_that_its_client_completes_is_abandoned() -> None:
    async with one() as live, ready(live) as speaker:
        live.company.gate = asyncio.Event()
        await speaker.subscribe("slow", 'query { order(number: "SO1") { number } }')
        await until(lambda: live.company.asking)
        await speaker.say("complete", id="slow")
        assert await speaker.ask(VIEWER) == IS_BUYER
        assert live.seen.answered == [("ws", "query", [])]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "BAD_USER_INPUT"),
        ("{ nothing }", "BAD_USER_INPUT"),
        ("query A { viewer { kind } } query B { viewer { kind } }", "BAD_USER_INPUT"),
        ("query Q($n: Int!) { orders(first: $n) { nodes { number } } }", "BAD_USER_INPUT"),
        ("subscription { orderUpdated { cursor } }", "BAD_USER_INPUT"),
        ('subscription { orderUpdated(number: "1", id: "2") { cursor } }', "BAD_USER_INPUT"),
        ('subscription { customerActivity(after: "x") { cursor } }', "BAD_USER_INPUT"),
        ("subscription { customerActivity { cursor } b: customerActivity { cursor } }", "BAD_USER_INPUT"),
    ],
)
async def test_what_cannot_run_is_an_error_and_the_socket_stays(query: str, code: str) -> None:
    async with one() as live, ready(live) as speaker:
        assert codes((await speaker.ask(query))["errors"]) == [code]
        assert await speaker.ask(VIEWER) == IS_BUYER


async def test_a_subscription_without_its_scope_is_refused() -> None:
    async with one() as live, ready(live, scope="price:read") as speaker:
        (error,) = (await speaker.ask(ACTIVITY))["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN_FIELD"
        assert error["extensions"]["missingScopes"] == ["order:read"]
        assert live.changes.listening == 0


# -- limits ------------------------------------------------------------------------------------------------------------


async def test_a_query_may_not_take_longer_than_over_http() -> None:
    async with one(deadline=0.1) as live, ready(live) as speaker:
        live.company.gate = asyncio.Event()
        answer = await speaker.ask('query { order(number: "SO1") { number } }')
        assert codes(answer["errors"]) == ["SOURCE_TIMEOUT"]


async def test_a_surprise_is_told_without_its_inside() -> None:
    async with one() as live, ready(live) as speaker:
        live.company.trouble = RuntimeError("canary-7f3a")
        answer = await speaker.ask('query { order(number: "SO1") { number } }')
        assert codes(answer["errors"]) == ["INTERNAL"]
        assert "canary" not in json.dumps(answer)


async def test_a_socket_has_so_many_operations_under_way() -> None:
    async with one(limits={"limit": 3}) as live, ready(live) as speaker:
        for id_ in "abc":
            await speaker.subscribe(id_, ACTIVITY)
        assert codes((await speaker.ask(VIEWER))["errors"]) == ["RATE_LIMITED"]
        await speaker.say("complete", id="a")
        assert await speaker.ask(VIEWER) == IS_BUYER


async def test_a_caller_has_so_many_sockets() -> None:
    async with one(streams={"per_caller": 2}) as live:
        async with ready(live), ready(live), speaking(live) as third:
            await third.say("connection_init", payload={"Authorization": live.bearer()})
            assert await third.closed() == (1013, "You have too many streams open.", [])
            async with ready(live, sub="u-18") as other:
                assert await other.ask(VIEWER) == IS_BUYER
        await until(lambda: not live.streams.open)
        async with ready(live) as again:
            assert await again.ask(VIEWER) == IS_BUYER


async def test_a_message_has_so_many_bytes() -> None:
    async with one(limits={"max_message": 500}) as live, speaking(live) as speaker:
        await speaker.say("ping", payload={"é": "é" * 10})
        assert (await speaker.hear())["type"] == "pong"
        await speaker.socket.send(json.dumps({"type": "ping", "payload": {"a": "é" * 300}}, ensure_ascii=False))
        assert (await speaker.closed())[0] == 1009


async def test_a_client_that_does_not_read_is_dropped_and_nobody_waits_for_it() -> None:
    async with one(streams={"sending": 0.3}) as live, ready(live) as slow, ready(live, sub="u-18") as good:
        for speaker in (slow, good):
            await speaker.subscribe("1", ACTIVITY)
        await until(lambda: live.changes.listening == 2)
        slow.socket.transport.pause_reading()
        for _ in range(60):
            live.company.happens("SO1", after="x" * 500_000)
            assert len((await good.told())["after"]) == 500_000
        await until(lambda: ("ws", Ending.SLOW) in live.seen.endings)
        live.company.happens("SO2")
        assert (await good.told())["after"] == "SHIPPED"
        assert live.changes.listening == 1
        slow.socket.transport.abort()


# -- what ends a socket ------------------------------------------------------------------------------------------------


async def test_when_the_token_expires_the_socket_is_closed_and_nothing_later_is_told() -> None:
    async with one() as live, ready(live, exp=int(NOW.timestamp()) + 60) as speaker:
        await speaker.subscribe("1", ACTIVITY)
        await until(lambda: live.changes.listening)
        live.company.happens("SO1")
        assert (await speaker.told())["kind"] == "ORDER"
        live.now = NOW + timedelta(seconds=60)
        live.company.happens("SO2")
        assert await speaker.closed() == (4403, "The bearer token has expired.", [])
        assert live.seen.endings == [("ws", Ending.EXPIRED)]
        assert live.changes.listening == 0


async def test_a_silent_socket_is_closed_too_when_the_token_is_revoked() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.subscribe("1", ACTIVITY)
        await until(lambda: live.changes.listening)
        live.revoked.add("u-17")
        assert await speaker.closed() == (4403, "The bearer token is not valid.", [])
        assert live.seen.endings == [("ws", Ending.REVOKED)]


async def test_a_query_is_not_run_for_a_token_that_has_expired() -> None:
    async with one() as live, ready(live, exp=int(NOW.timestamp()) + 60) as speaker:
        live.now = NOW + timedelta(seconds=60)
        await speaker.subscribe("1", 'query { order(number: "SO1") { number } }')
        assert await speaker.closed() == (4403, "The bearer token has expired.", [])
        assert live.company.asking == 0


async def test_a_server_that_stops_sends_its_clients_elsewhere() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.subscribe("1", ACTIVITY)
        await until(lambda: live.changes.listening)
        closed = asyncio.create_task(speaker.closed())
        await live.streams.stop(within=10)
        assert live.streams.open == 0
        assert (await closed)[0] == 1001
        async with speaking(live) as late:
            await late.say("connection_init", payload={"Authorization": live.bearer()})
            assert (await late.closed())[0] == 1001


async def test_a_server_that_stops_lets_a_query_finish() -> None:
    async with one() as live, ready(live) as speaker:
        live.company.gate = asyncio.Event()
        await speaker.subscribe("follow", ACTIVITY)
        await speaker.subscribe("slow", 'query { order(number: "SO1") { number } }')
        await until(lambda: live.changes.listening and live.company.asking)
        stopping = asyncio.create_task(live.streams.stop(within=20))
        await speaker.say("ping")
        assert await speaker.hear() == {"type": "pong"}
        await speaker.subscribe("late", VIEWER)
        live.company.gate.set()
        code, _, said = await speaker.closed()
        assert code == 1001
        assert said == [
            {"type": "next", "id": "slow", "payload": NO_ORDER},
            {"type": "complete", "id": "slow"},
        ]
        await stopping


async def test_nothing_is_left_of_a_client_that_leaves() -> None:
    async with one() as live:
        async with ready(live) as speaker:
            live.company.gate = asyncio.Event()
            await speaker.subscribe("1", ACTIVITY)
            await speaker.subscribe("2", 'query { order(number: "SO1") { number } }')
            await until(lambda: live.changes.listening and live.company.asking)
        await until(lambda: live.exchanges)
        assert (live.changes.listening, live.streams.open) == (0, 0)
        assert live.seen.endings == [("ws", Ending.LEFT)]
        (exchange,) = live.exchanges
        assert (exchange.status, exchange.subject, exchange.method) == (101, "t:u-17", "WEBSOCKET")


async def test_a_log_that_cannot_be_read_refuses_no_query_and_sends_subscribers_back_later() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.subscribe("1", ACTIVITY)
        await until(lambda: live.changes.listening)
        live.company.log.broken = True
        assert await speaker.ask(VIEWER) == IS_BUYER
        live.company.happens("SO1")
        live.company.log.broken = False
        assert (await speaker.told())["kind"] == "ORDER"


# -- who is told what --------------------------------------------------------------------------------------------------


async def test_a_portal_user_never_hears_of_another_account() -> None:
    async with one() as live, ready(live) as ours, ready(live, sub="u-18", crossdock_account="0018") as theirs:
        for speaker in (ours, theirs):
            await speaker.subscribe("1", ACTIVITY)
        await until(lambda: live.changes.listening == 2)
        for account in ("0018", "0017", "0018"):
            live.company.happens(f"SO-{account}", customer_id=CustomerId(account))
        live.company.happens("last")
        assert [nodes.decode((await ours.told())["id"]) for _ in range(2)] == [("Order", "SO-0017"), ("Order", "last")]
        assert [nodes.decode((await theirs.told())["id"]) for _ in range(2)] == [("Order", "SO-0018")] * 2


async def test_who_loses_an_account_hears_no_later_change_of_it_nor_reads_what_it_holds() -> None:
    query = "subscription { customerActivity { id order { number } } }"
    async with one() as live, ready(live) as speaker:
        live.company.below["0017"] = {"0018"}
        live.company.orders["SO1"] = samples.order(customer_id=CustomerId("0018"))
        await speaker.subscribe("1", query)
        await until(lambda: live.changes.listening)
        live.company.happens("SO1", customer_id=CustomerId("0018"))
        assert (await speaker.told())["order"] == {"number": "SO1"}
        live.company.below.clear()
        live.company.happens("SO1", customer_id=CustomerId("0018"))
        live.company.happens("SO1")
        told = await speaker.told()
        assert (nodes.decode(told["id"]), told["order"]) == (("Order", "SO1"), None)


async def test_invoices_are_told_only_to_those_who_may_read_them() -> None:
    query = "subscription { customerActivity { kind after invoice { number } } }"
    async with one() as live, ready(live) as without, ready(live, sub="ap", scope="order:read invoice:read") as reader:
        await without.subscribe("1", "subscription { customerActivity { kind after } }")
        await reader.subscribe("1", query)
        await until(lambda: live.changes.listening == 2)
        live.company.happens("INV1", subject=Subject.INVOICE, order_id=OrderId("SO1"), after="PAID")
        live.company.happens("SO1")
        assert await reader.told() == {"kind": "INVOICE", "after": "PAID", "invoice": None}
        assert await without.told() == {"kind": "ORDER", "after": "SHIPPED"}


async def test_a_guarded_field_of_an_update_is_null_and_told_without_its_scope() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.subscribe("1", "subscription { customerActivity { kind return { rmaNumber } } }")
        await until(lambda: live.changes.listening)
        live.company.happens("SO1")
        heard = (await speaker.hear())["payload"]
        assert heard["data"] == {"customerActivity": {"kind": "ORDER", "return": None}}
        assert [error["extensions"]["missingScopes"] for error in heard["errors"]] == [["return:read"]]


async def test_a_follower_is_sent_away_while_nobody_can_say_what_it_may_see() -> None:
    async with one() as live, ready(live) as speaker:
        await speaker.subscribe("1", ACTIVITY)
        await until(lambda: live.changes.listening)
        live.company.mute = True
        live.company.happens("SO1")
        heard = await speaker.hear()
        assert (heard["type"], codes(heard["payload"])) == ("error", ["SOURCE_UNAVAILABLE"])
        assert await speaker.ask(VIEWER) == IS_BUYER


# -- from where it goes on ---------------------------------------------------------------------------------------------


async def test_a_subscription_goes_on_at_another_replica_without_loss_or_repetition() -> None:
    async with replicas(2) as (first, second):
        company, token = first.company, first.bearer()
        async with speaking(first) as speaker:
            begun = (await speaker.acknowledged(token))["payload"]["cursor"]
            company.happens("SO0")
            await speaker.subscribe("1", ACTIVITY, after=begun)
            company.happens("SO1")
            heard = [await speaker.told() for _ in range(2)]
            company.happens("SO2")
        company.happens("SO3")
        async with speaking(second) as speaker:
            await speaker.acknowledged(token)
            await speaker.subscribe("1", ACTIVITY, after=heard[-1]["cursor"])
            heard += [await speaker.told() for _ in range(2)]
            company.happens("SO4")
            heard.append(await speaker.told())
        assert [nodes.decode(each["id"]) for each in heard] == [("Order", f"SO{number}") for number in range(5)]
        assert not any(each["missed"] for each in heard)


async def test_every_replica_tells_every_change() -> None:
    async with replicas(2) as lives, ready(lives[0]) as one_, speaking(lives[1]) as other:
        await other.acknowledged(lives[0].bearer())
        for speaker in (one_, other):
            await speaker.subscribe("1", ACTIVITY)
        await until(lambda: all(live.changes.listening for live in lives))
        lives[0].company.happens("SO1")
        assert (await one_.told()) == (await other.told())


async def test_what_was_pruned_while_away_is_told_as_missed() -> None:
    async with one() as live, ready(live) as speaker:
        begun = cursor(await live.changes.head())
        for number in range(4):
            live.company.happens(f"SO{number}")
        live.company.log.prune(2)
        await speaker.subscribe("1", ACTIVITY, after=begun)
        assert [(await speaker.told())["missed"] for _ in range(2)] == [True, False]


# -- malformed frames --------------------------------------------------------------------------------------------------

MALFORMED: list[str | bytes] = [
    "",
    "{",
    "null",
    "[]",
    '"ping"',
    "17",
    "NaN",
    "{}",
    '{"type": null}',
    '{"type": 7}',
    '{"type": ["ping"]}',
    '{"type": {"a": 1}}',
    '{"type": "start", "id": "1", "payload": {"query": "{ viewer { kind } }"}}',
    '{"type": "PING"}',
    '{"type": "next", "id": "1", "payload": {}}',
    '{"type": "connection_ack"}',
    '{"type": "ping", "payload": 1}',
    '{"type": "pong", "payload": []}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{ viewer { kind } }"}}',
    '{"type": "subscribe", "id": 1, "payload": {"query": "{ viewer { kind } }"}}',
    '{"type": "subscribe", "id": "1"}',
    '{"type": "subscribe", "id": "1", "payload": null}',
    '{"type": "subscribe", "id": "1", "payload": "{ viewer { kind } }"}',
    '{"type": "subscribe", "id": "1", "payload": {}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": null}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": ["{ viewer { kind } }"]}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { kind } }", "variables": []}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { kind } }", "operationName": 1}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ viewer { kind } }", "extensions": 1}}',
    '{"type": "subscribe", "id": "\\ud800", "payload": {"query": "{ viewer { kind } }"}}',
    '{"type": "complete"}',
    '{"type": "complete", "id": {}}',
    '{"type": "complete", "id": "1", "payload": "x"}',
    "[" * 50_000,
    '{"type": "ping", "payload": ' + '{"a":' * 10_000 + "1" + "}" * 10_001,
    '{"type": "ping", "payload": {"a": 1e999999}}',
    b'{"type": "ping"}',
    b"\x00\xff",
]


async def test_a_frame_that_the_protocol_does_not_define_closes_the_socket(caplog: pytest.LogCaptureFixture) -> None:
    async with one() as live:
        for frame in MALFORMED:
            async with ready(live) as speaker:
                await speaker.socket.send(frame)
                code, _, said = await speaker.closed()
                assert (code, said) == (4400, []), frame
        assert live.seen.endings == [("ws", Ending.REFUSED)] * len(MALFORMED)
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
TYPES = st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete"])
MESSAGES = st.fixed_dictionaries(
    {"type": TYPES | JSON_VALUES},
    optional={
        "id": st.sampled_from(["1", "2"]) | JSON_VALUES,
        "payload": st.fixed_dictionaries({"query": st.sampled_from([VIEWER, ACTIVITY, "{"]) | st.text(max_size=20)})
        | JSON_VALUES,
    },
)
FRAMES = st.lists(MESSAGES.map(json.dumps) | st.text(max_size=50) | st.binary(max_size=50), min_size=1, max_size=5)
DEFINED = {4400, 4401, 4403, 4409, 4429, 1000}


async def _pelt(live: Live, frames: list[str | bytes], *, acknowledged: bool) -> tuple[int, list[dict[str, Any]]]:
    """The code with which the socket closes after ``frames``, 1000 when we close it, and what was said."""
    async with speaking(live) as speaker:
        if acknowledged:
            await speaker.acknowledged(live.bearer())
        with suppress(ConnectionClosed):
            for frame in frames:
                await speaker.socket.send(frame)
            await speaker.say("ping", payload={"last": True})
        said = []
        async for message in until_closed(speaker.socket):
            said.append(json.loads(message))
            if said[-1] == {"type": "pong", "payload": {"last": True}}:
                return 1000, said
        return speaker.socket.close_code or 0, said


@pytest.mark.parametrize("acknowledged", [True, False])
def test_whatever_frames_come_the_server_speaks_its_protocol(*, acknowledged: bool) -> None:
    with asyncio.Runner() as runner:
        opened = one(limits={"max_message": 10_000})
        live = runner.run(opened.__aenter__())

        @settings(max_examples=200, deadline=None)
        @given(frames=FRAMES)
        def run(frames: list[str | bytes]) -> None:
            code, said = runner.run(_pelt(live, frames, acknowledged=acknowledged))
            assert code in DEFINED
            assert {message["type"] for message in said} <= {"connection_ack", "pong", "next", "error", "complete"}
            assert "INTERNAL" not in json.dumps(said)

        try:
            run()
            runner.run(until(lambda: not live.streams.open))
            assert live.changes.listening == 0
            assert {ending for _, ending in live.seen.endings} <= {Ending.REFUSED, Ending.LEFT}
        finally:
            runner.run(opened.__aexit__(None, None, None))


async def test_a_get_that_is_no_upgrade_is_http() -> None:
    async with one() as live, httpx.AsyncClient(base_url=live.url) as client:
        answer = await client.get(
            "/graphql", params={"query": VIEWER}, headers={"authorization": live.bearer(), "accept": "*/*"}
        )
        assert answer.json() == IS_BUYER
