"""GraphQL over HTTP on a real socket: what is asked well is answered, everything else is refused with a reason."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.graphql_request import JSON, RESPONSE, Refused, negotiate
from tests.server.house import CANARY, House
from tests.server.serving import served_beside

Open = tuple[House, httpx.Client]
CODES = {"BAD_USER_INPUT", "UNAUTHENTICATED", "FORBIDDEN_FIELD", "SOURCE_TIMEOUT", "INTERNAL"}


@contextmanager
def opened(**changes: Any) -> Iterator[Open]:
    house = House(**changes)
    with served_beside(house.app) as address, httpx.Client(base_url=address, timeout=20) as asker:
        asker.headers.update(house.bearer())
        yield house, asker


@pytest.fixture(scope="module")
def shared() -> Iterator[Open]:
    with opened() as both:
        yield both


@pytest.fixture
def house(shared: Open) -> House:
    shared[0].executed.clear()
    shared[0].exchanges.clear()
    return shared[0]


@pytest.fixture
def asker(shared: Open, house: House) -> httpx.Client:
    return shared[1]


def post(asker: httpx.Client, query: str, *, accept: str = RESPONSE, **more: Any) -> httpx.Response:
    return asker.post("/graphql", json={"query": query} | more, headers={"accept": accept})


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer that must be nothing but errors of GraphQL's shape, with the correlation id."""
    body = answer.json()
    assert body.keys() == {"errors"}
    for error in body["errors"]:
        assert error["message"]
        assert error["extensions"]["code"] in CODES
        assert error["extensions"]["correlationId"] == answer.headers["x-correlation-id"]
    return answer.status_code, body["errors"][0]["extensions"]["code"]


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


# -- what is refused ---------------------------------------------------------------------------------------------------

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a string": b'"{ hello }"',
    "a number": b"1",
    "a batch": b'[{"query":"{ hello }"}]',
    "no query": b'{"notquery":"{ hello }"}',
    "a null query": b'{"query":null}',
    "an object as query": b'{"query":{}}',
    "a number as query": b'{"query":0}',
    "a list as operation name": b'{"query":"{ hello }","operationName":[]}',
    "false as operation name": b'{"query":"{ hello }","operationName":false}',
    "a string as variables": b'{"query":"{ hello }","variables":"{}"}',
    "a list as variables": b'{"query":"{ hello }","variables":[]}',
    "a number as extensions": b'{"query":"{ hello }","extensions":0}',
    "cut short": b'{"query":"{ hello }"',
    "more than JSON": b'{"query":"{ hello }"} {}',
    "invalid UTF-8": b'{"query":"{ hello } \xff"}',
    "UTF-16": '{"query":"{ hello }"}'.encode("utf-16"),
    "a lone surrogate": b'{"query":"{ hello(name: \\"\\ud800\\") }"}',
    "a byte order mark": b'\xef\xbb\xbf{"query":"{ hello }"}',
    "NaN": b'{"query":"{ hello }","variables":{"x":NaN}}',
    "nested lists": b"[" * 90_000,
    "nested objects": b'{"a":' * 18_000,
    "a document of 5,000 digits": b'{"query":"{ count(number: ' + b"9" * 5000 + b') }"}',
    "a variable of 5,000 digits": b'{"query":"query($n:Int!){ count(number:$n) }","variables":{"n":'
    + b"9" * 5000
    + b"}}",
    "deep selections": b'{"query":"' + b"{a" * 4000 + b'"}',
    "deep values": b'{"query":"{ deep(nest: ' + b"{inner:" * 4000 + b'"}',
    "deep lists": b'{"query":"{ mirror(values: ' + b"[" * 4000 + b'"}',
    "deep types": b'{"query":"query($a:' + b"[" * 4000 + b"Int" + b"]" * 4000 + b'){hello}"}',
    "a mutation type as a variable": b'{"query":"query($a:Mutation){hello}"}',
    "two operations and no name": b'{"query":"query A{hello} query B{hello}"}',
    "an unknown operation": b'{"query":"query A{hello}","operationName":"B"}',
    "no operation": b'{"query":"fragment F on Query{hello}"}',
    "an empty document": b'{"query":""}',
    "a schema": b'{"query":"type T { a: Int }"}',
    "a subscription": b'{"query":"subscription { hello }"}',
    "a fragment cycle": b'{"query":"{...A} fragment A on Query{...B} fragment B on Query{...A}"}',
    "many tokens": b'{"query":"{' + b" hello" * 15_000 + b'}"}',
    "control characters": b'{"query":"{ \\u0000hello }"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_cannot_be_used_is_400(house: House, asker: httpx.Client, body: bytes) -> None:
    answer = asker.post("/graphql", content=body, headers={"content-type": JSON, "accept": RESPONSE})
    assert refusal(answer) == (400, "BAD_USER_INPUT")
    assert house.executed == []


def test_variables_nested_deeply_are_no_failure_of_ours(asker: httpx.Client) -> None:
    nested: dict[str, Any] = {}
    for _ in range(900):
        nested = {"inner": nested}
    answer = post(asker, "query($n: Nest) { deep(nest: $n) }", variables={"n": nested})
    assert answer.status_code in (200, 400)


CONTENT = {
    "none": {},
    "a form": {"content-type": "application/x-www-form-urlencoded"},
    "a multipart form": {"content-type": "multipart/form-data; boundary=x"},
    "plain text": {"content-type": "text/plain"},
    "plain text that says JSON": {"content-type": "text/plain; application/json"},
    "GraphQL": {"content-type": "application/graphql"},
    "another charset": {"content-type": "application/json; charset=utf-16"},
    "compressed": {"content-type": JSON, "content-encoding": "gzip"},
    "noise": {"content-type": ";;;"},
}


@pytest.mark.parametrize("headers", CONTENT.values(), ids=CONTENT.keys())
def test_only_json_is_taken(house: House, asker: httpx.Client, headers: dict[str, str]) -> None:
    answer = asker.post("/graphql", content=b'{"query":"mutation { touch }"}', headers=headers)
    assert refusal(answer) == (415, "BAD_USER_INPUT")
    assert house.executed == []


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", 'Application/JSON; charset="utf-8"'])
def test_json_may_name_its_charset(asker: httpx.Client, kind: str) -> None:
    answer = asker.post("/graphql", content=b'{"query":"{ hello }"}', headers={"content-type": kind})
    assert answer.json() == {"data": {"hello": "hello world"}}


def test_a_mutation_by_get_is_not_executed(house: House, asker: httpx.Client) -> None:
    answer = asker.get("/graphql", params={"query": "query A { hello } mutation B { touch }", "operationName": "B"})
    assert refusal(answer) == (405, "BAD_USER_INPUT")
    assert answer.headers["allow"] == "POST"
    assert house.executed == []
    assert asker.post("/graphql", json={"query": "mutation { touch }"}).json() == {"data": {"touch": True}}


STRINGS = {
    "nothing": "",
    "no query": "variables={}",
    "twice": "query={hello}&query={hello}",
    "variables that are not JSON": "query={hello}&variables=x",
    "variables that are a list": "query={hello}&variables=[]",
    "invalid UTF-8": "query=%ff",
    "too many": "query={hello}" + "&x=1" * 50,
}


@pytest.mark.parametrize("string", STRINGS.values(), ids=STRINGS.keys())
def test_a_query_string_that_cannot_be_used_is_400(asker: httpx.Client, string: str) -> None:
    assert refusal(asker.get(f"/graphql?{string}", headers={"accept": RESPONSE})) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405(asker: httpx.Client, method: str) -> None:
    answer = asker.request(method, "/graphql")
    assert refusal(answer) == (405, "BAD_USER_INPUT")
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://[", ""])
def test_a_page_of_another_site_may_not_ask(house: House, asker: httpx.Client, origin: str) -> None:
    answer = asker.post("/graphql", json={"query": "mutation { touch }"}, headers={"origin": origin})
    assert refusal(answer) == (403, "BAD_USER_INPUT")
    assert house.executed == []


def test_our_own_pages_may_ask(asker: httpx.Client) -> None:
    own = {"origin": str(asker.base_url).rstrip("/")}
    assert asker.post("/graphql", json={"query": "{ hello }"}, headers=own).status_code == 200


def test_a_body_above_the_cap_is_413(asker: httpx.Client) -> None:
    answer = asker.post("/graphql", content=b"x" * 100_001, headers={"content-type": JSON})
    assert refusal(answer) == (413, "BAD_USER_INPUT")


def test_a_body_without_end_is_cut_at_the_cap(asker: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" " * 10_000

    answer = asker.post("/graphql", content=endless(), headers={"content-type": JSON})
    assert refusal(answer) == (413, "BAD_USER_INPUT")


# -- noise -------------------------------------------------------------------------------------------------------------

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=9), inner, max_size=5),
    max_leaves=20,
)
REQUESTS = st.fixed_dictionaries(
    {
        "query": st.text()
        | ANY_JSON
        | st.sampled_from(["{ hello }", "query($n:Int!){count(number:$n)}", "{__typename}"])
    },
    optional={"variables": ANY_JSON, "operationName": ANY_JSON, "extensions": ANY_JSON},
)
BODY = (
    st.binary(max_size=500)
    | ANY_JSON.map(lambda value: json.dumps(value).encode())
    | REQUESTS.map(lambda value: json.dumps(value).encode())
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODY, accept=st.sampled_from([RESPONSE, JSON, "*/*"]))
def test_no_body_makes_us_fail(shared: Open, body: bytes, accept: str) -> None:
    answer = shared[1].post("/graphql", content=body, headers={"content-type": JSON, "accept": accept})
    assert answer.status_code in (200, 400)
    json.loads(answer.content)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(
            ["accept", "content-type", "origin", "x-correlation-id", "authorization", "host", "content-encoding"]
        ),
        st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=60).map(
            lambda text: text.strip()
        ),
        min_size=1,
    )
)
def test_no_header_makes_us_fail(shared: Open, headers: dict[str, str]) -> None:
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = shared[1].post("/graphql", content=b'{"query":"{ hello }"}', headers={"content-type": JSON} | encoded)  # type: ignore[arg-type]  # bytes are taken
    assert answer.status_code in (200, 400, 401, 403, 406, 415)


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
        assert guess == "Cannot query field 'helo' on type 'Query'."


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
