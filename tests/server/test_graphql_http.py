"""GraphQL over HTTP on a real socket: what is asked well is answered, to whom it may be, in time."""

import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from server.graphql_request import JSON, RESPONSE, Refused, negotiate
from tests.server.asking import opened, post, refusal
from tests.server.house import CANARY, House

# -- what is asked well ------------------------------------------------------------------------------------------------


def test_a_query_is_answered(asker: httpx.Client) -> None:
    answer = post(asker, "query Greet($n: String) { hello(name: $n) }", variables={"n": "Zoë"}, operationName="Greet")
    assert (answer.status_code, answer.json()) == (200, {"data": {"hello": "hello Zoë"}})
    assert answer.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_a_query_may_come_by_get(asker: httpx.Client) -> None:
    asked = {"query": "query Q($n: String) { hello(name: $n) }", "variables": '{"n":"é"}', "extensions": "null"}
    answer = asker.get("/graphql", params=asked)
    assert (answer.status_code, answer.json()) == (200, {"data": {"hello": "hello é"}})


ACCEPTED = {
    "": JSON,
    "*/*": JSON,
    "application/*": JSON,
    JSON: JSON,
    RESPONSE: RESPONSE,
    f"{RESPONSE}, {JSON};q=0.9": RESPONSE,
    f"{RESPONSE};q=0.5, {JSON}": JSON,
    f"{JSON}, {RESPONSE}": RESPONSE,
    f"{RESPONSE};q=0, */*": JSON,
    f"text/html, {RESPONSE.upper()};charset=utf-8": RESPONSE,
    "text/html,application/xhtml+xml,*/*;q=0.8": JSON,
}


@pytest.mark.parametrize(("accept", "chosen"), ACCEPTED.items())
def test_the_media_type_is_negotiated(accept: str, chosen: str) -> None:
    assert negotiate([accept] if accept else []) == chosen


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", f"{JSON};q=0", f"*/*;q=0, {JSON};q=bad", f"{JSON};q=0, */*"]
)
def test_a_client_that_takes_neither_media_type_is_told_so(accept: str) -> None:
    with pytest.raises(Refused) as caught:
        negotiate([accept])
    assert caught.value.status == 406


@pytest.mark.parametrize("query", ["{", "{ nothing }", "query Q($n: Int!) { count(number: $n) }"])
def test_a_document_that_cannot_run_is_400_or_in_the_older_media_type_200(asker: httpx.Client, query: str) -> None:
    assert refusal(post(asker, query)) == (400, "BAD_USER_INPUT")
    assert refusal(post(asker, query, accept=JSON)) == (200, "BAD_USER_INPUT")


def test_an_error_beside_data_is_200(asker: httpx.Client) -> None:
    answer = post(asker, "{ hello upstream }")
    assert answer.status_code == 200
    assert answer.json()["data"] == {"hello": "hello world", "upstream": None}
    assert answer.json()["errors"][0]["extensions"]["code"] == "SOURCE_TIMEOUT"


def test_errors_reveal_nothing_of_the_inside(asker: httpx.Client) -> None:
    answer = post(asker, "{ boom upstream }")
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["INTERNAL", "SOURCE_TIMEOUT"]
    assert "canary" not in answer.text
    assert CANARY[:6] == "canary"


# -- who asks ----------------------------------------------------------------------------------------------------------

ANONYMOUS = {
    "nobody": {},
    "another scheme": {"authorization": "Basic dXNlcjpwdw=="},
    "noise": {"authorization": "Bearer x.y.z"},
}


@pytest.mark.parametrize("headers", ANONYMOUS.values(), ids=ANONYMOUS.keys())
@pytest.mark.parametrize(
    "body", [b'{"query":"{ hello }"}', b'{"query":"{ nothingLikeThis }"}', b"{", b'{"query":"{__schema{types{name}}}"}']
)
def test_without_a_good_token_nothing_is_read(
    house: House, asker: httpx.Client, headers: dict[str, str], body: bytes
) -> None:
    address = str(asker.base_url)
    answer = httpx.post(f"{address}/graphql", content=body, headers=headers | {"content-type": JSON})
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="crossdock"')
    assert house.executed == []
    assert answer.json()["errors"][0]["message"] in {"A bearer token is needed.", "The bearer token is not valid."}


def test_an_expired_token_is_told_apart(house: House, asker: httpx.Client) -> None:
    at = 1_000_000_000
    answer = asker.post("/graphql", json={"query": "{ hello }"}, headers=house.bearer(iat=at, exp=at + 60))
    assert refusal(answer) == (401, "UNAUTHENTICATED")
    assert (
        'error="invalid_token", error_description="The bearer token has expired."' in answer.headers["www-authenticate"]
    )


# -- time --------------------------------------------------------------------------------------------------------------


def test_the_deadline_of_a_request_ends_it_with_an_error(subtests: pytest.Subtests) -> None:
    with opened(deadline=0.3) as (house, asker):
        for accept in (RESPONSE, JSON):
            with subtests.test(accept):
                assert refusal(post(asker, "{ hang }", accept=accept)) == (503, "SOURCE_TIMEOUT")
        assert house.ended == ["cancelled", "cancelled"]


def raw(asker: httpx.Client, house: House, body: bytes, length: int) -> socket.socket:
    """A connection on which ``body`` was sent as the beginning of ``length`` bytes."""
    address = urlsplit(str(asker.base_url))
    connection = socket.create_connection((address.hostname or "", address.port or 0), timeout=20)
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.token()}\r\nContent-Type: {JSON}\r\n"
    connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + body)
    return connection


def test_a_body_that_trickles_in_is_408() -> None:
    with opened(deadline=0.3) as (house, asker), raw(asker, house, b'{"query":', 500) as connection:
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"BAD_USER_INPUT" in answer


def test_a_client_who_leaves_ends_the_work() -> None:
    with opened() as (house, asker):
        body = b'{"query":"{ hang }"}'
        with raw(asker, house, body, len(body)):
            assert house.hanging.wait(10)
        ends = time.monotonic() + 10
        while len(house.exchanges) < 2 and time.monotonic() < ends:
            time.sleep(0.01)
        assert house.ended == ["cancelled"]
        assert [(exchange.route, exchange.status) for exchange in house.exchanges] == [
            ("other", 200),
            ("/graphql", 499),
        ]


# -- the schema's privacy ----------------------------------------------------------------------------------------------

SCHEMA_QUESTIONS = [
    "{ __schema { types { name } } }",
    '{ __type(name: "Query") { name } }',
    "{ a: hello ...F } fragment F on Query { __schema { description } }",
]


def test_the_schema_is_read_only_by_whom_it_is_meant_for() -> None:
    with opened(introspection="internal:read") as (house, asker):
        for question in SCHEMA_QUESTIONS:
            assert refusal(post(asker, question)) == (403, "FORBIDDEN_FIELD")
            allowed = asker.post("/graphql", json={"query": question}, headers=house.bearer(scope="internal:read"))
            assert allowed.json().keys() == {"data"}
        assert post(asker, "{ __typename }").json() == {"data": {"__typename": "Query"}}
        guess = post(asker, "{ helo }").json()["errors"][0]["message"]
        assert guess == "The document does not fit the schema."


# -- the exchange ------------------------------------------------------------------------------------------------------


def test_a_correlation_id_goes_through(asker: httpx.Client) -> None:
    answer = asker.post("/graphql", json={"query": "{ correlation }"}, headers={"x-correlation-id": "portal-17.a_B"})
    assert answer.json()["data"]["correlation"] == answer.headers["x-correlation-id"] == "portal-17.a_B"


@pytest.mark.parametrize("given_id", ["", "a" * 65, "a b", "a\tb", "<script>", "é"])
def test_a_correlation_id_that_is_unfit_is_replaced(asker: httpx.Client, given_id: str) -> None:
    headers = {"x-correlation-id": given_id.encode("latin-1")}
    answer = asker.post("/graphql", json={"query": "{ correlation }"}, headers=headers)  # type: ignore[arg-type]  # bytes are taken
    made = answer.headers["x-correlation-id"]
    assert len(made) == 32
    assert answer.json()["data"]["correlation"] == made


def test_an_exchange_knows_what_was_asked_and_by_whom_without_naming_them(house: House, asker: httpx.Client) -> None:
    post(asker, "query Greeting { hello upstream }")
    (exchange,) = house.exchanges
    assert (exchange.route, exchange.method, exchange.status) == ("/graphql", "POST", 200)
    assert (exchange.operation, exchange.kind, exchange.codes) == ("Greeting", "query", ["SOURCE_TIMEOUT"])
    assert exchange.who
    assert "u-17" not in exchange.who
