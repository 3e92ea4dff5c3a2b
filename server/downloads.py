"""Hands out documents by their links: whole and looked at, in constant memory, and recorded before the first byte."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.access import Principal
from domain.audit import DOWNLOAD, Item
from domain.errors import CrossdockError, SourceError, SourceTimeout, SourceUnavailable, Unauthenticated
from domain.media import SHAPES, file_name
from domain.model import Document
from resolvers import documents
from resolvers.auditing import AUDIT
from resolvers.context import Context
from resolvers.documents import Archive, Offered, Unkept
from resolvers.links import PATH, Link, Links
from server.auth import Authenticator
from server.exchange import exchange_of
from server.graphql_request import Refused
from sources.transport import as_one_operation
from store.database import StoreError
from store.shelf import Kept

log = structlog.get_logger("crossdock.documents")

POLICY: Final = {
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
}
"""Kept by no cache, and never a page of ours in a browser."""

STATUS: Final[Mapping[type[SourceError], int]] = {SourceUnavailable: 503, SourceTimeout: 504}
"""Of a document that its owner does not give out just now; any other failure is a 502."""

NO_SUCH = "There is no such document, or its link has ended."
RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")
"""The ranges we give (RFC 9110 section 14.1.2): one of bytes. Any other is answered with the whole, as it allows."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """``context(principal, correlation_id)`` makes what resolvers see; ``deadline``: seconds to find a document in."""

    links: Links
    archive: Archive
    authenticator: Authenticator
    context: Callable[[Principal, str], Context]
    deadline: float

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A transfer that fails once it has begun is left without its end, so that nobody takes it for whole."""
        exchange, begun = exchange_of(scope), False
        try:
            async with AsyncExitStack() as stack:
                response = await self._response(scope, stack)
                begun = True
                await response(scope, receive, send)
                return
        except Refused as error:
            refused = error
        except SourceError as error:
            log.warning("a document cannot be had", source=error.source, code=error.code, reason=error.detail)
            again = {"retry-after": "5"} if type(error) in STATUS else {}
            refused = Refused(STATUS.get(type(error), 502), error.public, code=error.code, headers=again)
        exchange.codes = [refused.code]
        if not begun:
            await _refusal(refused, exchange.correlation_id)(scope, receive, send)

    async def _response(self, scope: Scope, stack: AsyncExitStack) -> ASGIApp:
        """What is opened for it stays open until ``stack`` is closed. Raises Refused and SourceError."""
        headers, exchange = Headers(scope=scope), exchange_of(scope)
        if scope["method"] not in ("GET", "HEAD"):
            raise Refused(405, "A document is fetched by GET.", headers={"allow": "GET, HEAD"})
        link = await self._link(scope["path"].removeprefix(PATH), headers)
        exchange.subject = link.principal.subject
        context = self.context(link.principal, exchange.correlation_id)
        stack.callback(context.close)
        found = await self._found(context, link)
        document = found.document
        try:
            kept = await self.archive.kept(found.system, document)
        except Unkept:
            passing = await stack.enter_async_context(self.archive.passing(found.system, document))
            first = await anext(passing)
            await self._record(context, link, document)
            return _Passed(document, first, passing)
        if _tag(kept) in headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"etag": _tag(kept)})
        await self._record(context, link, document)
        return _file(scope, document, kept)

    async def _link(self, token: str, headers: Headers) -> Link:
        """A link needs no bearer token; one that comes with it must be of the caller it was made for."""
        link = self.links.opened(token)
        try:
            bearer = await self.authenticator.principal(headers.getlist("authorization"))
        except CrossdockError as error:
            status = 401 if isinstance(error, Unauthenticated) else 503
            raise Refused(status, error.public, code=error.code) from error
        if link is None or (bearer and _who(bearer) != _who(link.principal)):
            raise Refused(404, NO_SUCH, code="NOT_FOUND")
        return link

    async def _found(self, context: Context, link: Link) -> Offered:
        with as_one_operation(asyncio.get_running_loop().time() + self.deadline):
            found = await documents.find(context, link)
        if found is None:
            raise Refused(404, NO_SUCH, code="NOT_FOUND")
        return found

    async def _record(self, context: Context, link: Link, document: Document) -> None:
        """No audit, no data."""
        if context.ledger is None:
            raise SourceUnavailable(AUDIT, "nothing is remembered here, so nothing can be recorded")
        items = (
            Item("Document", documents.SCOPE, (document.id,), ("Document.url",)),
            Item(link.owner, documents.SCOPE, (link.number,), (f"{link.owner}.documents",)),
        )
        with context.audit.acting(DOWNLOAD, *items) as entry:
            try:
                await context.ledger.append([entry])
            except StoreError as error:
                raise SourceUnavailable(AUDIT, f"the download cannot be recorded: {error}") from error


def _who(principal: Principal) -> tuple[object, ...]:
    return principal.kind, principal.subject, principal.account


def _tag(kept: Kept) -> str:
    return f'"{kept.digest}"'


def _headers(document: Document) -> dict[str, str]:
    name = file_name(document.title, SHAPES[document.media_type])
    return {**POLICY, "content-disposition": f'attachment; filename="{name}"'}


def _file(scope: Scope, document: Document, kept: Kept) -> Response:
    asked = Headers(scope=scope).get("range")
    if asked is not None and not RANGE.fullmatch(asked):
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"range"]
    headers = {**_headers(document), "etag": _tag(kept)}
    return FileResponse(kept.path, headers=headers, media_type=document.media_type)


@dataclass(frozen=True, slots=True)
class _Passed:
    """Passes a document on as it comes. Without a length: where it ends early, the last chunk of it never comes."""

    document: Document
    first: bytes
    rest: AsyncIterator[bytes]

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        headers = Headers(
            {**_headers(self.document), "accept-ranges": "none", "content-type": self.document.media_type}
        )
        await send({"type": "http.response.start", "status": HTTPStatus.OK, "headers": headers.raw})
        if scope["method"] == "GET":
            await send({"type": "http.response.body", "body": self.first, "more_body": True})
            async for piece in self.rest:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})


def _refusal(refused: Refused, correlation_id: str) -> Response:
    extensions = {"code": refused.code, "correlationId": correlation_id}
    body = {"errors": [{"message": refused.message, "extensions": extensions}]}
    return JSONResponse(body, refused.status, {**refused.headers, "cache-control": "no-store"})
