"""A log line is one line, short, and tells no secret and nobody's name, whatever was logged."""

import io
import logging
import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from server import logs
from tests.server.provider import claims, ec_key, sign

TOKEN = sign(claims("https://id.example.com"), ec_key(), "ES256", "k1")
SECRETS = {
    "a token": TOKEN,
    "a token's beginning": TOKEN[:60],
    "a header": f"Authorization: Bearer {TOKEN}",
    "an opaque token": "authorization: bearer 0123456789abcdef0123",
    "Basic credentials": "Basic c3ZjOnMzY3IzdHMzY3IzdA==",
    "a password in a form": "grant_type=x&client_secret=s3cr3t-s3cr3t&a=b",
    "a password in JSON": '{"password": "s3cr3t-s3cr3t"}',
    "a password in an envelope": "<wsse:Password Type='#PasswordText'>s3cr3t-s3cr3t</wsse:Password>",
    "a token in an address": "https://x.example/cb?access_token=s3cr3t-s3cr3t",
    "an address of somebody": "no such user dana.buyer@corp.example.com",
}
TRACES = re.compile(r"s3cr3t|eyJ|c3Zj|0123456789abcdef|dana|corp\.example")


@pytest.fixture
def out() -> Iterator[io.BytesIO]:
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    out = io.BytesIO()
    logs.configure("info", out)
    yield out
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(out: io.BytesIO) -> list[dict[str, Any]]:
    raw = out.getvalue().splitlines(keepends=True)
    assert all(line.endswith(b"\n") and len(line) <= logs.LINE for line in raw)
    return [orjson.loads(line) for line in raw]


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_secrets_and_names_are_hidden_wherever_they_stand(out: io.BytesIO, secret: str) -> None:
    log = structlog.get_logger("t")
    log.warning("refused %s", secret, detail=secret, items=[secret], nested={"a": secret})
    logging.getLogger("lib").error("refused %s", secret)
    log.error("unexpected", exc_info=ValueError(secret))
    assert len(lines(out)) == 3
    assert not TRACES.search(out.getvalue().decode())


def test_a_line_holds_what_was_said(out: io.BytesIO) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        structlog.get_logger("t").warning("source failed", code="SOURCE_FAULT", ms=1.5, path=["order", 0], none=None)
    (line,) = lines(out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "source failed",
        "level": "warning",
        "code": "SOURCE_FAULT",
        "ms": 1.5,
        "path": "['order', 0]",
        "none": None,
        "correlation_id": "c-1",
    }


def test_a_traceback_that_came_as_text_is_told_by_its_last_line(out: io.BytesIO) -> None:
    logging.getLogger("uvicorn.error").error("Traceback (most recent call last):\n  File ...\nSourceFault: no clock\n")
    (line,) = lines(out)
    assert (line["event"], line["logger"]) == ("SourceFault: no clock", "uvicorn.error")


def test_what_is_below_the_level_is_not_written(out: io.BytesIO) -> None:
    structlog.get_logger("t").debug("quiet")
    logging.getLogger("lib").info("quiet")
    assert lines(out) == []


@pytest.mark.parametrize("text", ["a\nb", "a\r\n{}", "a\u2028b", "a\x1b[31mb", "a\x00b", "a\x85b", "\ud800"])
def test_no_text_begins_a_line_of_its_own(out: io.BytesIO, text: str) -> None:
    structlog.get_logger("t").info(text, detail=text)
    (line,) = lines(out)
    assert line["event"].isprintable()
    assert line["detail"].isprintable()
    assert len(out.getvalue().decode().splitlines()) == 1


def test_an_exception_is_told_with_its_places(out: io.BytesIO) -> None:
    def fail() -> None:
        raise RuntimeError("broken" * 100)

    try:
        fail()
    except RuntimeError:
        structlog.get_logger("t").exception("unexpected")
    (line,) = lines(out)
    assert line["error"].startswith("RuntimeError: broken")
    assert re.match(r"server/test_logs\.py:\d+ fail < server/test_logs\.py:\d+ test_", line["at"])


@given(
    st.text(),
    st.dictionaries(
        st.text(st.characters(categories=["Ll"]), min_size=1, max_size=20),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(), st.lists)
        | st.text(min_size=900),
        max_size=30,
    ),
)
def test_any_facts_make_one_short_line(event: str, facts: dict[str, Any]) -> None:
    line = logs.render(None, "info", facts | {"event": event, "level": "info", "correlation_id": "c" * 64})
    assert len(line) < logs.LINE
    assert b"\n" not in line
    told = orjson.loads(line)
    assert told["level"] == "info"
    assert told["correlation_id"] == "c" * 64
