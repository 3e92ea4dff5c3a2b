"""Where the running demo can be asked: a file that only its owner reads, and what is done with it."""

import os
import stat
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import msgspec

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The demo is on this machine: never through a proxy."""

TIMEOUT = 10.0


class NoDemo(Exception):
    """Why the demo gives nothing."""


class State(msgspec.Struct, frozen=True):
    """What the demo keeps for those who want a token."""

    token_url: str
    secret: str
    personas: list[str]
    environment: dict[str, str]


class TokenAnswer(msgspec.Struct, frozen=True):
    access_token: str


def place(port: int) -> Path:
    """The state file of this user's demo at ``port``."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(folder) / f"crossdock-{os.getuid()}-{port}.json"


@contextmanager
def kept(port: int, state: State) -> Iterator[None]:
    """Keeps the state file for as long as the demo runs."""
    path = place(port)
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(msgspec.json.encode(state))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def token(persona: str, port: int) -> str:
    """A bearer token for ``persona`` from the demo at ``port``. Raises NoDemo."""
    state = _read(port)
    if persona not in state.personas:
        raise NoDemo(f"No persona {persona!r}; there are {', '.join(state.personas)}.")
    form = {"grant_type": "client_credentials", "client_id": persona, "client_secret": state.secret}
    try:
        with DIRECT.open(state.token_url, urlencode(form).encode(), TIMEOUT) as answer:
            return msgspec.json.decode(answer.read(), type=TokenAnswer).access_token
    except (OSError, ValueError) as error:
        raise NoDemo(f"The demo's identity provider does not answer ({type(error).__name__}).") from error


def ask(persona: str, query: str, port: int) -> str:
    """The answer of the demo at ``port`` to ``query``, as ``persona``, as it came. Raises NoDemo."""
    try:
        with _opened(persona, {"query": query}, port, {}) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError as refusal:
        return str(refusal.read(), "utf-8")
    except OSError as error:
        raise NoDemo(f"The demo does not answer ({type(error).__name__}).") from error


FOLLOW = """subscription ($number: String!) {
  orderUpdated(number: $number) { after events { at message } } }"""


class Event(msgspec.Struct, frozen=True):
    at: str
    message: str


class Update(msgspec.Struct, frozen=True):
    """What is told of one change of an order."""

    after: str | None
    events: list[Event]


class Data(msgspec.Struct, frozen=True, rename="camel"):
    order_updated: Update


class Told(msgspec.Struct, frozen=True):
    data: Data


def follow(persona: str, number: str, port: int) -> Iterator[str]:
    """A line for each thing that happens to an order of the demo at ``port``, as it is told, for as long as the demo
    runs. Raises NoDemo.
    """
    asked = {"query": FOLLOW, "variables": {"number": number}}
    try:
        with _opened(persona, asked, port, {"Accept": "text/event-stream"}) as stream:
            for line in stream:
                if line.startswith(b"data: {"):
                    update = msgspec.json.decode(line.removeprefix(b"data: "), type=Told).data.order_updated
                    lines = (f"{event.at}  {number}  {update.after or '-'}  {event.message}" for event in update.events)
                    yield from dict.fromkeys(lines)
    except urllib.error.HTTPError as refusal:
        raise NoDemo(str(refusal.read(), "utf-8")) from refusal
    except OSError as error:
        raise NoDemo(f"The demo does not answer ({type(error).__name__}).") from error


def _opened(persona: str, body: object, port: int, headers: Mapping[str, str]) -> HTTPResponse:
    given = {"Authorization": f"Bearer {token(persona, port)}", "Content-Type": "application/json", **headers}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", msgspec.json.encode(body), given)
    answer: HTTPResponse = DIRECT.open(request, timeout=None if headers else TIMEOUT)
    return answer


def environment(port: int) -> dict[str, str]:
    """The settings of the demo at ``port``, as environment variables. Raises NoDemo."""
    return _read(port).environment


def _read(port: int) -> State:
    path = place(port)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
                raise NoDemo(f"{path} is not ours.")
            return msgspec.json.decode(file.read(), type=State)
    except (OSError, ValueError):
        raise NoDemo(f"No demo runs at port {port}; start one with `make demo`, or give its PORT.") from None
