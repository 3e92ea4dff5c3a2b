"""Documents behind links: who may still have one, and its bytes, fetched once from their owner for all who ask."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from domain.errors import SourceError, SourceFault, SourceUnavailable
from domain.media import HEAD, SHAPES, TAIL
from domain.model import Document, DocumentKind, Invoice, InvoiceId, Shipment, ShipmentId
from resolvers import visible
from resolvers.context import Context
from resolvers.links import Link
from resolvers.shipments import tracking
from sources.estate import Estate
from sources.flight import Flight
from store.shelf import Kept, Shelf

log = structlog.get_logger("crossdock.documents")

SCOPE: Final = "document:read"


class Unkept(Exception):
    """There is no room for the document here; it can still be passed on."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A document as the graph offers it: of which system, and with what it belongs to, by which it is asked for."""

    document: Document
    system: str
    owner: str
    number: str

    @property
    def id(self) -> str:
        return self.document.id

    @property
    def kind(self) -> DocumentKind:
        return self.document.kind

    @property
    def title(self) -> str:
        return self.document.title

    @property
    def media_type(self) -> str:
        return self.document.media_type


def of(invoice: Invoice) -> Sequence[Offered]:
    return [Offered(document, invoice.source.system, "Invoice", invoice.id) for document in invoice.documents]


async def of_shipments(context: Context, shipments: Sequence[Shipment]) -> Sequence[Sequence[Offered]]:
    """The warehouse's of each, and its carrier's as far as the carrier can be read."""
    told = await tracking(context, shipments)
    return [
        [
            Offered(document, source.source.system, "Shipment", shipment.id)
            for source in (shipment, *each.values())
            if not isinstance(source, SourceError)
            for document in source.documents
        ]
        for shipment, each in zip(shipments, told, strict=True)
    ]


async def _of_invoice(context: Context, number: str) -> Sequence[Offered]:
    invoice = await visible.invoice(context, InvoiceId(number))
    return of(invoice) if invoice else ()


async def _of_shipment(context: Context, number: str) -> Sequence[Offered]:
    shipment = await visible.shipment(context, ShipmentId(number))
    return (await of_shipments(context, [shipment]))[0] if shipment else ()


OWNERS: Final[Mapping[str, Callable[[Context, str], Awaitable[Sequence[Offered]]]]] = {
    "Invoice": _of_invoice,
    "Shipment": _of_shipment,
}
"""What is offered with something by its number, if the caller may see it."""


def link(context: Context, offered: Offered) -> str | None:
    """Where the caller can fetch it for a while; None for a kind of file that is not handed on, or without links."""
    links = context.policy.links
    if links is None or offered.media_type not in SHAPES:
        return None
    return links.to(context.caller, offered.owner, offered.number, offered.id)


async def find(context: Context, link: Link) -> Offered | None:
    """The document, if the caller may see what it belongs to, as things stand now."""
    held = await OWNERS[link.owner](context, link.number) if link.owner in OWNERS else ()
    return next((each for each in held if each.id == link.document_id and each.media_type in SHAPES), None)


class Archive:
    """Every document there is, by the system that owns it."""

    def __init__(self, estate: Estate, shelf: Shelf) -> None:
        self._estate = estate
        self._shelf = shelf
        self._fetching: dict[str, Flight[Kept]] = {}

    async def kept(self, system: str, document: Document) -> Kept:
        """Its content, whole and looked at. Raises SourceError, and Unkept where it cannot be kept."""
        key = f"{system} {document.media_type} {document.id}"
        if found := await asyncio.to_thread(self._shelf.find, key):
            return found
        flight = self._fetching.get(key)
        if flight is None or flight.over:
            flight = self._fetching[key] = Flight(self._fetch(key, system, document), lambda: self._landed(key))
        with flight:
            return await flight.result()

    @asynccontextmanager
    async def passing(self, system: str, document: Document) -> AsyncIterator[AsyncIterator[bytes]]:
        """Its bytes as they come, looked at. Raises SourceError, also while they are read, and once they are over."""
        source = self._estate.documents_of(system)
        if source is None:
            raise SourceUnavailable(system, "gives out no documents")
        async with source.document(document.id) as pieces:
            if pieces is None:
                raise SourceFault(system, f"has no document {document.id!a}, of which it told")
            yield _looked_at(system, document, pieces)

    async def _fetch(self, key: str, system: str, document: Document) -> Kept:
        async with self.passing(system, document) as pieces:
            try:
                draft = await asyncio.to_thread(self._shelf.draft)
            except OSError as error:
                raise _unkept(error) from error
            try:
                async for piece in pieces:
                    try:
                        await asyncio.to_thread(draft.write, piece)
                    except OSError as error:
                        raise _unkept(error) from error
                try:
                    return await asyncio.to_thread(draft.keep, key)
                except OSError as error:
                    raise _unkept(error) from error
            finally:
                draft.discard()

    def _landed(self, key: str) -> None:
        if (flight := self._fetching.get(key)) and flight.over:
            del self._fetching[key]


def _unkept(error: OSError) -> Unkept:
    log.warning("a document cannot be kept", reason=error.strerror)
    return Unkept(error.strerror)


async def _looked_at(system: str, document: Document, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """``pieces``, the first of them not before it is known what they are. Raises SourceFault where they are not what
    the document's owner says.
    """
    shape = SHAPES[document.media_type]
    head = tail = b""
    begun = False
    async for piece in pieces:
        if not begun:
            head += piece
            if len(head) < HEAD:
                continue
            if not shape.begins(head):
                raise SourceFault(
                    system, f"{document.id!a} is no {document.media_type}: it begins with {head[:HEAD]!a}"
                )
            begun, piece = True, head  # noqa: PLW2901 (what was held back goes with it)
        tail = (tail + piece)[-TAIL:]
        yield piece
    if not begun or not shape.finishes(tail):
        raise SourceFault(system, f"{document.id!a} is no {document.media_type}, or not all of one")
