"""Speaks SOAP 1.1 through the source's one HTTP door: the WSDL read once, envelopes signed, faults told apart."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, Generic, TypeVar, cast

from lxml import etree
from lxml.etree import QName, _Element
from zeep.wsdl.bindings import Soap11Binding
from zeep.wsse.username import UsernameToken

from domain.errors import SourceFault, SourceTimeout, SourceUnavailable
from sources.config import SourceConfig
from sources.erp_soap import wsdl
from sources.erp_soap.parsing import Unreadable, check_names, parse, parse_in_pieces, parse_records
from sources.erp_soap.tables import Tables
from sources.erp_soap.writer import Values, Writer
from sources.flight import Flight
from sources.transport import Reply, Transport

P = TypeVar("P")
R = TypeVar("R")

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
OVERLOADED: Final = frozenset(
    {"ExceededConcurrentRequestLimitFault", "ExceededRequestLimitFault", "ExceededUsageLimitFault"}
)
"""Faults that a later call may not meet (SuiteTalk's names)."""
LIMIT_FAULT: Final = b"LimitFault"
"""Part of all those names: answers without it need not be parsed twice."""
SMALL: Final = 16 * 1024
"""Bytes of an answer up to which it is read at once: an order or two, or 1 ms."""
LARGE: Final = 64 * 1024
"""Bytes of an answer beyond which it is the only one of its source that is being read."""
FAULT_TEXT: Final = 200
"""Characters of a fault's own words that our error repeats."""


class Fault(Unreadable):
    """What the service says when it cannot answer."""


@dataclass(frozen=True, slots=True)
class Contract(Generic[P]):
    """A WSDL, ready for use. ``prepared`` is what the adapter compiled from it, mostly readers."""

    endpoint: str
    binding: Any
    writer: Writer
    prepared: P

    def input(self, operation: str) -> str:
        """The qualified name of an operation's request element."""
        return str(self.binding.get(operation).input.body.qname.text)

    def output(self, operation: str) -> str:
        return str(self.binding.get(operation).output.body.qname.text)

    def soap_action(self, operation: str) -> str:
        return str(self.binding.get(operation).soapaction or "")


class Service(Generic[P]):
    """One SOAP service. ``config.url`` is its address, with the WSDL at "?wsdl", or the address of the WSDL itself.

    ``prepare`` compiles, off the event loop, what the adapter needs of the WSDL's types; what it raises means that the
    WSDL does not fit. A WSDL that cannot be had is asked for again by the next call.
    """

    def __init__(self, config: SourceConfig, transport: Transport, prepare: Callable[[Tables], P]) -> None:
        self._source = config.name
        self._transport = transport
        self._address = config.url if "?" in config.url or config.url.endswith(".wsdl") else f"{config.url}?wsdl"
        self._credentials = config.username, config.password
        self._prepare = prepare
        self._contract: Contract[P] | None = None
        self._flight: Flight[Contract[P]] | None = None
        self._large = asyncio.Lock()
        self._suspect = False
        self._waiting = 0
        self._most_waiting = config.limits.max_body

    async def contract(self) -> Contract[P]:
        """Within the time of a call. Raises SourceTimeout, or SourceUnavailable for any other reason why the WSDL
        cannot be used.
        """
        if self._contract is not None:
            return self._contract
        async with self._transport.in_time("wsdl"):
            return await self.read_contract()

    async def read_contract(self) -> Contract[P]:
        """Likewise, however long it takes: each of its documents has the time of a call."""
        if self._contract is None:
            if self._flight is None or self._flight.over:
                self._flight = Flight(self._load())
            with self._flight as flight:
                self._contract = await flight.result()
        return self._contract

    async def call(
        self, operation: str, values: Values, *, record: str, take: Callable[[_Element, datetime], None]
    ) -> _Element:
        """One request, and the element in its answer's body after ``take`` has seen each one named ``record`` in it.

        ``take`` is also told when the request was sent (aware UTC). Raises SourceError: SourceUnavailable for limits
        exceeded, SourceFault for any other fault or an unreadable answer.
        """
        contract = await self.contract()
        reply = await self._transport.send(
            "POST",
            contract.endpoint,
            operation=operation,
            headers={
                "Content-Type": "text/xml; charset=utf-8",
                "Accept": "text/xml",
                "SOAPAction": f'"{contract.soap_action(operation)}"',
            },
            content=partial(self._envelope, contract.writer.message(contract.input(operation), values)),
            accept=(HTTPStatus.OK, HTTPStatus.INTERNAL_SERVER_ERROR),
            overloaded=_overloaded,
        )
        try:
            async with self._transport.in_time(operation):
                root = await self._take(reply, record, lambda found: take(found, reply.as_of))
            return _body(root, contract.output(operation))
        except Unreadable as error:
            self._suspect |= not isinstance(error, Fault)
            detail = f"{operation}: the answer (HTTP {reply.status}) {error}"
            raise SourceFault(self._source, detail) from error

    async def _take(self, reply: Reply, record: str, take: Callable[[_Element], None]) -> _Element:
        """The answer's root. A large one is read in pieces, one such answer at a time, and others work in between.

        Once an answer could not be read, the next are looked at before they are; that costs a tenth of the reading.
        While as many bytes wait for that as one answer may have, more are turned away (SourceUnavailable).

        Not in a thread: mapping holds the GIL, so threads would only fight over it (four answers: twice the CPU).
        """
        if len(reply.body) <= SMALL:
            self._look_closer(reply)
            return parse_records(reply.body, _content_type(reply), record, take)
        if len(reply.body) <= LARGE:
            self._look_closer(reply)
            return await self._in_turns(parse_in_pieces(reply.body, _content_type(reply), record, take))
        if self._waiting + len(reply.body) > self._most_waiting:
            raise SourceUnavailable(self._source, f"{self._waiting} bytes of answers wait to be read already")
        self._waiting += len(reply.body)
        try:
            async with self._large:
                self._look_closer(reply)
                return await self._in_turns(parse_in_pieces(reply.body, _content_type(reply), record, take))
        finally:
            self._waiting -= len(reply.body)

    async def _in_turns(self, reading: Generator[None, None, R]) -> R:
        """What ``reading`` returns, after a turn of the loop between any two steps, and in its own when others wait."""
        with closing(reading) as steps:
            while True:
                await self._transport.turn()
                try:
                    next(steps)
                except StopIteration as end:
                    return cast(R, end.value)
                await asyncio.sleep(0)

    def _look_closer(self, reply: Reply) -> None:
        if self._suspect:
            check_names(reply.body)

    async def _load(self) -> Contract[P]:
        try:
            documents = await wsdl.collect(self._address, self._fetch)
            return await asyncio.to_thread(self._read, documents)
        except SourceTimeout:
            raise
        except Exception as error:  # zeep and a foreign WSDL can fail in any way, and none may end us
            raise SourceUnavailable(
                self._source, f"its WSDL cannot be used: {type(error).__name__}: {error}"
            ) from error

    async def _fetch(self, address: str) -> bytes:
        return (await self._transport.send("GET", address, operation="wsdl")).body

    def _read(self, documents: wsdl.Documents) -> Contract[P]:
        client = wsdl.read(self._address, documents)
        _, port = wsdl.soap_port(client)
        if not isinstance(port.binding, Soap11Binding):
            raise Unreadable("offers no SOAP 1.1 port")
        tables = Tables(client.wsdl.types, wsdl.enumerations(documents))
        return Contract(port.binding_options["address"], port.binding, Writer(client.wsdl.types), self._prepare(tables))

    def _envelope(self, payload: str) -> bytes:
        body = f"{self._security()}<soap:Body>{payload}</soap:Body>"
        return f'{DECLARATION}<soap:Envelope xmlns:soap="{SOAP[1:-1]}">{body}</soap:Envelope>'.encode()

    def _security(self) -> str:
        """The header with a WS-Security UsernameToken (OASIS profile 1.1) by digest: no password on the wire.

        Its creation time is the machine's, as zeep takes it: freshness between machines, not of any record.
        """
        username, password = self._credentials
        if not username:
            return ""
        envelope = etree.Element(SOAP + "Envelope", nsmap={"soap": SOAP[1:-1]})
        token: Any = UsernameToken
        token(username, password or "", use_digest=True, zulu_timestamp=True).apply(envelope, {})
        return etree.tostring(envelope[0], encoding="unicode")


def _overloaded(reply: Reply) -> bool:
    if LIMIT_FAULT not in reply.body:
        return False
    try:
        fault = parse(reply.body, _content_type(reply)).find(f"{SOAP}Body/{SOAP}Fault")
    except Unreadable:
        return False
    return fault is not None and any(name in OVERLOADED for name in _fault_names(fault))


def _fault_names(fault: _Element) -> list[str]:
    """What the fault is called: by its detail, and by its code."""
    names = [QName(detail).localname for detail in fault.iterfind("detail/*")]
    return [*names, (fault.findtext("faultcode") or "").rpartition(":")[2]]


def _body(root: _Element, expected: str) -> _Element:
    """The element in the body; raises ``Unreadable`` for a fault and for anything that was not asked for."""
    if root.tag != SOAP + "Envelope":
        raise Unreadable("is no SOAP 1.1 envelope")
    body = root.find(SOAP + "Body")
    content = body[0] if body is not None and len(body) else None
    if content is None:
        raise Unreadable("has an empty body")
    if content.tag == SOAP + "Fault":
        words = (content.findtext("faultstring") or "").strip()[:FAULT_TEXT]
        raise Fault(f"is a fault: {' '.join(_fault_names(content))}: {words}")
    if content.tag != expected:
        raise Unreadable(f"is {content.tag}, not {expected}")
    return content


def _content_type(reply: Reply) -> str:
    return reply.headers.get("content-type", "")
