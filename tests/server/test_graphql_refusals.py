"""What cannot be used is refused with a reason, never executed, and never a failure of ours."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.graphql_request import JSON, RESPONSE
from tests.server.asking import Open, post, refusal
from tests.server.house import House

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


LIMITED: Mapping[str, str] = {
    "deep selections": "DEPTH_LIMIT",
    "deep values": "DEPTH_LIMIT",
    "deep lists": "DEPTH_LIMIT",
    "deep types": "DEPTH_LIMIT",
    "many tokens": "COST_LIMIT",
    "nested lists": "COST_LIMIT",
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_used_is_400(house: House, asker: httpx.Client, name: str) -> None:
    answer = asker.post("/graphql", content=BODIES[name], headers={"content-type": JSON, "accept": RESPONSE})
    assert refusal(answer) == (413 if name == "nested lists" else 400, LIMITED.get(name, "BAD_USER_INPUT"))
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


@pytest.mark.parametrize("accept", [JSON, RESPONSE, "text/event-stream", "*/*"])
def test_a_mutation_by_get_is_not_executed(house: House, asker: httpx.Client, accept: str) -> None:
    both = {"query": "query A { hello } mutation B { touch }", "operationName": "B"}
    answer = asker.get("/graphql", params=both, headers={"accept": accept})
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
