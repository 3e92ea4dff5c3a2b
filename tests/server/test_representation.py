"""An answer leaves compressed as its client takes it, and only once while it stays the same, if it was asked by GET."""

import httpx
import pytest

from server.graphql_request import JSON, RESPONSE
from tests.server.asking import post
from tests.server.house import House
from tests.server.test_compression import READ

SMALL, LARGE = "{ hello }", "{ big(size: 5000) }"


def get(asker: httpx.Client, query: str, **headers: str) -> httpx.Response:
    """With ``accept_encoding`` for ``accept-encoding``."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return asker.get("/graphql", params={"query": query}, headers={"accept-encoding": "identity"} | given)


# -- asked again -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("taken", ["identity", "gzip", "zstd"])
def test_who_has_the_answer_already_is_not_sent_it_again(
    house: House, asker: httpx.Client, query: str, taken: str
) -> None:
    first = get(asker, query, accept_encoding=taken)
    assert first.headers["cache-control"] == "private, no-cache"
    again = get(asker, query, accept_encoding=taken, if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert "content-type" not in again.headers
    assert [again.headers[name] for name in ("etag", "cache-control", "vary")] == [
        first.headers[name] for name in ("etag", "cache-control", "vary")
    ]
    assert len(house.executed) == 2
    assert [each.status for each in house.exchanges if each.route == "/graphql"] == [200, 304]


KNOWN = {
    "weakly": "W/{tag}",
    "among others": '"x", {tag} ,W/"y"',
    "whatever it is": "*",
}


@pytest.mark.parametrize("field", KNOWN.values(), ids=KNOWN.keys())
def test_a_client_may_name_what_it_has_in_several_ways(asker: httpx.Client, field: str) -> None:
    tag = get(asker, SMALL).headers["etag"]
    assert get(asker, SMALL, if_none_match=field.format(tag=tag)).status_code == 304


def test_each_representation_has_a_tag_of_its_own(asker: httpx.Client) -> None:
    answers = [
        get(asker, LARGE),
        get(asker, LARGE, accept=RESPONSE),
        get(asker, LARGE, accept_encoding="gzip"),
        get(asker, LARGE, accept_encoding="zstd"),
        get(asker, "{ big(size: 5001) }"),
    ]
    tags = [answer.headers["etag"] for answer in answers]
    assert len(set(tags)) == len(tags)
    for tag in tags[1:]:
        assert get(asker, LARGE, if_none_match=tag).status_code == 200


def test_what_holds_an_error_is_kept_by_nobody(asker: httpx.Client) -> None:
    for query in ("{ hello upstream }", "{ nothing }", "{", "mutation { touch }"):
        answer = get(asker, query, if_none_match="*")
        assert answer.json()["errors"]
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


def test_what_was_posted_is_kept_by_nobody(asker: httpx.Client) -> None:
    for query in (SMALL, "mutation { touch }"):
        answer = asker.post("/graphql", json={"query": query}, headers={"if-none-match": "*"})
        assert answer.status_code == 200
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


def test_who_may_not_ask_is_told_so_whatever_they_have(asker: httpx.Client) -> None:
    tag = get(asker, SMALL).headers["etag"]
    answer = get(asker, SMALL, if_none_match=tag, authorization="Bearer x.y.z")
    assert answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"


# -- compressed --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [5_000, 600_000], ids=["on the loop", "beside it"])
@pytest.mark.parametrize(("taken", "coding"), [("gzip", "gzip"), ("gzip, zstd", "zstd"), ("zstd;q=0, gzip", "gzip")])
def test_a_large_answer_is_compressed_as_the_client_takes_it(
    asker: httpx.Client, taken: str, coding: str, size: int
) -> None:
    body = {"query": f"{{ big(size: {size}) }}"}
    with asker.stream("POST", "/graphql", json=body, headers={"accept-encoding": taken}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == coding
    assert answer.headers["content-type"] == f"{JSON}; charset=utf-8"
    assert int(answer.headers["content-length"]) == len(raw) < size / 10
    assert READ[coding](raw) == b'{"data":{"big":"%s"}}' % (b"x" * size)


def test_a_small_answer_and_an_unwilling_client_get_it_as_it_is(asker: httpx.Client) -> None:
    assert "content-encoding" not in get(asker, SMALL, accept_encoding="zstd, gzip").headers
    for taken in ("identity", "br", "gzip;q=0", ""):
        answer = get(asker, LARGE, accept_encoding=taken)
        assert "content-encoding" not in answer.headers
        assert len(answer.content) > 5000


def test_every_answer_says_what_it_depends_on(asker: httpx.Client) -> None:
    for answer in (post(asker, SMALL), post(asker, "{"), get(asker, LARGE), asker.post("/graphql", content=b"x")):
        assert answer.headers["vary"] == "accept, accept-encoding"
