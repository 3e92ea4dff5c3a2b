"""Tells an integrator what a WSDL offers: operations with their messages and faults, and types with their parts."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import TypeVar

from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.erp_soap.wsdl import Description, Fetch, OperationDescription, Part, TypeDescription, collect, describe
from sources.observer import Silence
from sources.transport import Transport

T = TypeVar("T")

LIMITS = Limits(deadline=30.0, connect_timeout=5.0)
MOST_MARKS = 2_000_000
"""Here it may take a gigabyte: no server runs beside it."""


async def read(address: str) -> Description:
    """What the WSDL at ``address`` says. It may lead to documents of its own origin only.

    Raises SourceError, ``Unreadable``, and zeep's errors for a WSDL that contradicts itself.
    """

    async def told(start: str, fetch: Fetch) -> Description:
        return describe(start, await collect(start, fetch, most=MOST_MARKS))

    return await fetched(address, told)


async def fetched(address: str, read: Callable[[str, Fetch], Awaitable[T]]) -> T:
    """What ``read`` makes of the WSDL at ``address``; it may fetch documents of that origin only."""
    async with Client() as http:
        door = Transport(SourceConfig("wsdl", address, LIMITS), http, observer=Silence(), now=lambda: datetime.now(UTC))

        async def fetch(document: str) -> bytes:
            return (await door.send("GET", document, operation="wsdl")).body

        return await read(address, fetch)


def lines(description: Description) -> Iterator[str]:
    """The description as text, indented by what belongs to what."""
    yield f"service {description.service}, port {description.port}, at {description.endpoint}"
    yield ""
    yield "operations"
    for operation in description.operations:
        yield from _operation(operation)
    for namespace, types in groupby(description.types, key=lambda each: each.namespace):
        yield ""
        yield f"types of {namespace}"
        for each in types:
            yield from _type(each)


def _operation(operation: OperationDescription) -> Iterator[str]:
    action = f"  (SOAPAction {operation.soap_action})" if operation.soap_action else ""
    yield f"  {operation.name}{action}"
    yield f"    asks    {_listed(operation.input)}"
    yield f"    answers {_listed(operation.output)}"
    if operation.faults:
        yield f"    faults  {', '.join(operation.faults)}"


def _type(each: TypeDescription) -> Iterator[str]:
    yield f"  {each.name}{': ' + ' | '.join(each.values) if each.values else ''}"
    for part in each.parts:
        yield f"    {_part(part)}"


def _listed(parts: Iterable[Part]) -> str:
    return ", ".join(map(_part, parts)) or "nothing"


def _part(part: Part) -> str:
    kind = "@" if part.attribute else ""
    return f"{kind}{part.name or 'content'} {part.type} {part.occurs}{' nillable' if part.nillable else ''}"
