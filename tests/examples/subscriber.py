"""A subscriber as the tests need it: a real server that keeps every delivery and answers as it is told to."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Delivered:
    source: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[Delivered], int]


def accepted(_: Delivered) -> int:
    return 202


@dataclass
class Subscriber:
    """``taken``: what was answered 2xx, in order of arrival. ``answer`` may be changed at any time."""

    url: str = ""
    answer: Answer = accepted
    taken: list[Delivered] = field(default_factory=list)
    refused: list[Delivered] = field(default_factory=list)

    def take(self, delivered: Delivered) -> int:
        status = self.answer(delivered)
        (self.taken if status < 300 else self.refused).append(delivered)
        return status


@contextmanager
def subscriber() -> Iterator[Subscriber]:
    told = Subscriber()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            source = self.path.removeprefix("/webhooks/")
            self.send_response(told.take(Delivered(source, dict(self.headers.items()), body)))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}/webhooks"
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield told
        finally:
            server.shutdown()
            serving.join()
