"""A system that answers from what it says of itself: the documents and the one answer that a scaffold wrote down."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.test_utils import TestServer
from lxml import etree

FAULT = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    b"<faultcode>soap:Server</faultcode><faultstring>no such record</faultstring>"
    b"</soap:Fault></soap:Body></soap:Envelope>"
)


class Stub:
    """Knows one record, by ``key``. ``public``: the origin it says it is at; ``start``: where a source begins there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._about: dict[str, Any] = json.loads((folder / "stub.json").read_bytes())
        self.key: str = self._about["key"]
        self.start: str = self._about["start"]
        self.public = ""

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            return self._soap(await request.read())
        if request.path_qs in self._about["documents"]:
            return self._document(request)
        if self.key and request.raw_path == self._about["operation"].replace("{}", quote(self.key, safe="")):
            return web.Response(body=self._read("order.json"), content_type="application/json")
        return web.json_response({"error": "no such record"}, status=404)

    def _document(self, request: web.Request) -> web.Response:
        """With the service at our address in place of its own, and what it imports too."""
        text = self._read(self._about["documents"][request.path_qs]).decode()
        text = text.replace(f'location="{self._about["endpoint"]}"', f'location="{self.public}/endpoint"')
        for origin in self._about["origins"]:
            text = re.sub(rf'(?<=ocation="){re.escape(origin)}(?=/)', self.public, text)
        return web.Response(text=text, content_type="text/xml")

    def _soap(self, body: bytes) -> web.Response:
        texts = {*etree.fromstring(body).itertext()} | {
            str(value) for element in etree.fromstring(body).iter() for value in element.attrib.values()
        }
        if self.key in texts:
            return web.Response(body=self._read("order.xml"), content_type="text/xml")
        if (self._folder / "none.xml").exists():
            return web.Response(body=self._read("none.xml"), content_type="text/xml")
        return web.Response(status=500, body=FAULT, content_type="text/xml")

    def _read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()


@asynccontextmanager
async def stub(folder: Path) -> AsyncIterator[Stub]:
    """Answers until left."""
    standing = Stub(folder)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", standing.answer)
    async with TestServer(app) as server:
        standing.public = str(server.make_url("/")).rstrip("/")
        yield standing
