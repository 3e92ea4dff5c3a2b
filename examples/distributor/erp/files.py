"""The ERP's file cabinet: the PDF of each invoice and credit memo, made when it is asked for."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from examples.distributor.erp import PASSWORD, USERNAME
from examples.distributor.erp.index import Index

LOGIN: Final = f"Basic {b64encode(f'{USERNAME}:{PASSWORD}'.encode()).decode()}"
PIECE: Final = 64 * 1024
PAGE: Final = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
)
FONT: Final = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
LOGIN_PAGE: Final = b"<!doctype html><script>alert(1)</script><title>Your session has ended</title>%%EOF"


class Filing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``PUT /__files`` takes. ``size``: bytes that each file has at least; ``trouble``: the connection is lost in
    the middle, or a page comes in the file's place, or its end never does.
    """

    size: int = 0
    trouble: Literal["cut", "disguised", "endless"] | None = None


class Drawer:
    """Where the files are."""

    def __init__(self) -> None:
        self.filing = Filing()

    def answer(self, index: Index, request: Request, now: datetime) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), LOGIN.encode()):
            return PlainTextResponse("who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="files"'})
        number = request.path_params["id"].removeprefix("file-")
        if not any(index.find(kind, number, now) for kind in ("invoice", "creditMemo")):
            return PlainTextResponse("there is no such file\n", 404)
        if self.filing.trouble == "disguised":
            return Response(LOGIN_PAGE, media_type="application/pdf")
        parts = list(pdf(f"Crossdock Supply Co. {number}", self.filing.size))
        length = {"Content-Length": str(sum(map(len, parts)))} if self.filing.trouble != "endless" else {}
        return StreamingResponse(self._sent(parts), headers=length, media_type="application/pdf")

    async def _sent(self, parts: list[bytes]) -> AsyncIterator[bytes]:
        for at, part in enumerate(parts):
            if self.filing.trouble == "cut" and at >= len(parts) // 2:
                raise ConnectionError("the file cabinet is locked")
            yield part
        while self.filing.trouble == "endless":
            yield bytes(PIECE)
            await asyncio.sleep(0)


def pdf(text: str, size: int = 0) -> Iterator[bytes]:
    """A PDF 1.4 file of one page that says ``text``, with comments that make it ``size`` bytes at least."""
    drawn = b"BT /F 18 Tf 72 720 Td (%s) Tj ET" % text.encode("ascii", "replace")
    content = b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn)
    yield b"%PDF-1.4\n"
    place, places = 9, []
    for number, body in enumerate((*PAGE, content, FONT), 1):
        piece = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        places.append(place)
        place += len(piece)
        yield piece
    line = b"%" + b"." * (PIECE - 2) + b"\n"
    while place < size:
        place += len(line)
        yield line
    rows = b"".join(b"%010d 00000 n \n" % each for each in places)
    count = len(places) + 1
    yield b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        rows,
        count,
        place,
    )
