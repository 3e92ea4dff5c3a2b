"""A WSDL with all it imports: fetched from one origin only, read with zeep, and told as plain data."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

import zeep
from lxml.etree import QName, _Element
from zeep import xsd
from zeep.wsdl.bindings import Soap11Binding, Soap12Binding

from sources.erp_soap.parsing import Unreadable, check_names, marks, parse

XS: Final = "{http://www.w3.org/2001/XMLSchema}"
WSDL: Final = "{http://schemas.xmlsoap.org/wsdl/}"
REFERENCES: Final = {
    WSDL + "import": "location",
    XS + "import": "schemaLocation",
    XS + "include": "schemaLocation",
    XS + "redefine": "schemaLocation",
}
"""The elements that lead to another document, and the attribute that says where it is."""
MOST_DOCUMENTS: Final = 100
MOST_BYTES: Final = 8 * 1024 * 1024
MOST_MARKS: Final = 150_000
"""Each costs zeep up to half a kilobyte for good."""

Documents = Mapping[str, bytes]
"""By absolute address."""
Fetch = Callable[[str], Awaitable[bytes]]
Enumerations = Mapping[str, frozenset[str]]


async def collect(address: str, fetch: Fetch, *, most: int = MOST_MARKS) -> Documents:
    """The WSDL at ``address`` and every document it leads to. ``fetch`` decides which addresses may be read; ``most``:
    marks in all of them.

    Raises ``Unreadable`` for what is not XML, is larger or never ends, and whatever ``fetch`` raises.
    """
    documents: dict[str, bytes] = {}
    size, found, waiting = 0, 0, [address]
    while waiting:
        here = waiting.pop()
        if here in documents:
            continue
        if len(documents) == MOST_DOCUMENTS:
            raise Unreadable(f"leads to more than {MOST_DOCUMENTS} documents")
        documents[here] = await fetch(here)
        size, found = size + len(documents[here]), found + marks(documents[here])
        if size > MOST_BYTES or found > most:
            raise Unreadable("is larger than any WSDL, with all it leads to")
        check_names(documents[here])
        waiting += _references(here, parse(documents[here]))
    return documents


def _references(here: str, root: _Element) -> Iterator[str]:
    for element in root.iter(*REFERENCES):
        location = element.get(REFERENCES[str(element.tag)])
        if location:
            found = urljoin(here, urldefrag(location).url)
            if not found.startswith(("http://", "https://")):
                raise Unreadable(f"refers to {found}, which is not on the web")
            yield found


class _Shelf:
    """What zeep takes for its transport: it hands out the documents already fetched, and nothing else."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def load(self, address: str) -> bytes:
        document = self._documents.get(urldefrag(address).url)
        if document is None:
            raise Unreadable(f"refers to {address}, which was not fetched")
        return document


def read(address: str, documents: Documents) -> Any:
    """The WSDL as zeep's client understands it. Nothing is fetched; no DTD or entity is accepted."""
    settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True)
    client: Any = zeep.Client
    return client(address, transport=_Shelf(documents), settings=settings)


def enumerations(documents: Documents) -> Enumerations:
    """The values of enumerated simple types by qualified name, which zeep does not keep.

    A type without a name counts under the name of the element it is for, as with zeep; where two of one name differ,
    neither is told.
    """
    found: dict[str, set[frozenset[str]]] = {}
    for document in documents.values():
        for schema in parse(document).iter(XS + "schema"):
            for restriction in schema.iter(XS + "restriction"):
                values = frozenset(value.get("value", "") for value in restriction.iterchildren(XS + "enumeration"))
                owner = restriction.getparent()
                while owner is not None and owner.get("name") is None:
                    owner = owner.getparent()
                if values and owner is not None:
                    name = f"{{{schema.get('targetNamespace', '')}}}{owner.get('name')}"
                    found.setdefault(name, set()).add(values)
    return {name: next(iter(values)) for name, values in found.items() if len(values) == 1}


# --- told as plain data ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """An element or attribute of a type. ``occurs``: "1", "0..1", "0..n" or "1..n"."""

    name: str
    type: str
    occurs: str
    nillable: bool = False
    attribute: bool = False


@dataclass(frozen=True, slots=True)
class TypeDescription:
    """A complex type with its parts, or a simple one with the values it allows (empty: any of its kind)."""

    name: str
    namespace: str
    parts: tuple[Part, ...]
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationDescription:
    """``input`` and ``output`` are the parts of the messages' bodies."""

    name: str
    soap_action: str
    input: tuple[Part, ...]
    output: tuple[Part, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Description:
    """All a WSDL says of the service at ``endpoint``."""

    service: str
    port: str
    endpoint: str
    operations: tuple[OperationDescription, ...]
    types: tuple[TypeDescription, ...]


def describe(address: str, documents: Documents) -> Description:
    """The operations and types of any WSDL's first SOAP port, from documents already fetched (``collect``).

    Raises ``Unreadable``, and zeep's own errors for a WSDL that contradicts itself.
    """
    client = read(address, documents)
    service, port = soap_port(client)
    listed = enumerations(documents)
    operations = sorted(port.binding.all().values(), key=lambda operation: operation.name)
    types = sorted(
        (each for each in client.wsdl.types.types if each.qname is not None and each.qname.namespace != XS[1:-1]),
        key=lambda each: (each.qname.namespace or "", each.qname.localname),
    )
    return Description(
        service,
        port.name,
        port.binding_options["address"],
        tuple(
            OperationDescription(
                operation.name,
                operation.soapaction or "",
                _body(operation.input),
                _body(operation.output) if operation.output else (),
                tuple(sorted(operation.faults)),
            )
            for operation in operations
        ),
        tuple(_type(each, listed) for each in types),
    )


def soap_port(client: Any) -> tuple[str, Any]:
    """The first service's name and its first SOAP port; raises ``Unreadable`` when there is none."""
    for service in client.wsdl.services.values():
        for port in service.ports.values():
            if isinstance(port.binding, (Soap11Binding, Soap12Binding)):
                return service.name, port
    raise Unreadable("offers no SOAP port")


def _body(message: Any) -> tuple[Part, ...]:
    return _parts(message.body.type) if message.body is not None else ()


def _type(each: Any, listed: Enumerations) -> TypeDescription:
    parts = _parts(each) if isinstance(each, xsd.ComplexType) else ()
    return TypeDescription(
        each.qname.localname, each.qname.namespace or "", parts, tuple(sorted(listed.get(each.qname.text, ())))
    )


def _parts(complex_type: Any) -> tuple[Part, ...]:
    if not isinstance(complex_type, xsd.ComplexType):
        return (Part("", _name(complex_type), "1"),)
    elements = [
        Part(str(element.name), _name(element.type), _occurs(element.min_occurs, element.max_occurs), element.nillable)
        for _, element in complex_type.elements
        if isinstance(element, xsd.Element)
    ]
    attributes = [
        Part(attribute.name, _name(attribute.type), "1" if attribute.required else "0..1", attribute=True)
        for _, attribute in complex_type.attributes
        if attribute.name
    ]
    return (*elements, *attributes)


def _name(xsd_type: Any) -> str:
    return QName(xsd_type.qname).localname if xsd_type.qname is not None else "anonymous"


def _occurs(least: int, most: int | str) -> str:
    low, high = str(least), "n" if most == "unbounded" else str(most)
    return low if low == high else f"{low}..{high}"
