"""One SOAP operation whose whole answer is one struct: what an adapter needs of a service that answers by record."""

from datetime import datetime
from typing import TypeVar

import msgspec
from lxml.etree import _Element

from domain.errors import SourceFault
from sources.erp_soap.soap import Service
from sources.erp_soap.tables import Tables
from sources.erp_soap.writer import Values

T = TypeVar("T", bound=msgspec.Struct)


async def ask(
    service: Service[Tables], system: str, operation: str, values: Values, struct: type[T]
) -> tuple[T, datetime]:
    """The answer, and when it was asked for (aware UTC). Raises SourceError, and ValueError for values that the WSDL
    has no place for or XML cannot hold.
    """
    contract = await service.contract()
    name = contract.output(operation)
    read = contract.prepared.message(name, struct)
    found: list[tuple[T, datetime]] = []
    broken: list[ValueError] = []

    def take(element: _Element, as_of: datetime) -> None:
        try:
            found.append((read(element), as_of))
        except ValueError as error:
            broken.append(error)

    await service.call(operation, values, record=name, take=take)
    if broken:
        raise SourceFault(system, f"{operation}: {broken[0]}") from broken[0]
    return found[0]
