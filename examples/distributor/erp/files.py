"""The ERP's file cabinet: the PDF of each invoice and credit memo, made when it is asked for."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from examples.distributor.erp import PASSWORD, USERNAME
from examples.distributor.erp.index import Index
from examples.distributor.paper import PIECE, pdf

LOGIN: Final = f"Basic {b64encode(f'{USERNAME}:{PASSWORD}'.encode()).decode()}"
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
