"""Reads what a SOAP service says of itself."""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from zeep import xsd
from zeep.wsdl.bindings import Soap11Binding
from zeep.wsdl.messages import DocumentMessage

from sources.erp_soap import lexical, wsdl
from sources.erp_soap.parsing import Unreadable
from sources.erp_soap.tables import builtin, elements
from sources.erp_soap.writer import Values, Writer
from sources.scaffold import names
from sources.scaffold.shapes import CODE, Field, Interface, Operation, Record

MOST_MARKS: Final = 2_000_000
"""Here it may take a gigabyte: no server runs beside it."""
MOST_DEPTH: Final = 4
"""Elements within elements, of a request, among which its key is looked for."""
PRETENDED: Final = "http://scaffold.invalid/"
"""Where a WSDL that is a file pretends to be, so that what it imports is found beside it."""
ENVELOPE: Final = '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
ENVELOPE_END: Final = "</soap:Body></soap:Envelope>"


async def from_file(file: Path) -> Interface:
    """As ``from_web``; what it imports must lie beside it or below."""
    folder = file.parent.resolve()

    async def fetch(address: str) -> bytes:
        found = (folder / address.removeprefix(PRETENDED)).resolve()
        if not address.startswith(PRETENDED) or not found.is_relative_to(folder):
            raise Unreadable(f"refers to {address}, which is not beside it")
        return found.read_bytes()

    return await from_web(PRETENDED + file.name, fetch)


async def from_web(address: str, fetch: Callable[[str], Awaitable[bytes]]) -> Interface:
    """Raises ``Unreadable`` for what is no SOAP 1.1 service of documents, and zeep's errors for what is no WSDL."""
    documents = await wsdl.collect(address, fetch, most=MOST_MARKS)
    client = wsdl.read(address, documents)
    _, port = wsdl.soap_port(client)
    if not isinstance(port.binding, Soap11Binding):
        raise Unreadable("offers no SOAP 1.1 port")
    shelf = _Shelf(wsdl.enumerations(documents))
    operations = {
        each.name: Operation(
            each.name,
            tuple(_keys(each.input.body.type)),
            shelf.record(each.output.body.type, each.output.body.name),
            element=str(each.output.body.qname.text),
        )
        for each in sorted(_all(port.binding), key=lambda operation: str(operation.name))
        if _is_document(each)
    }
    if not operations:
        raise Unreadable("has no operation that asks and answers with a document (style document, use literal)")
    return Interface(address, port.binding_options["address"], operations, shelf.records, shelf.codes, {**documents})


def _all(binding: Any) -> Any:
    return binding.all().values()


def answer(interface: Interface, operation: Operation, values: Values) -> bytes:
    """An envelope with the operation's answer."""
    writer = Writer(wsdl.read(interface.address, interface.documents).wsdl.types)
    return f"{ENVELOPE}{writer.message(operation.element, values)}{ENVELOPE_END}".encode()


def _is_document(operation: Any) -> bool:
    messages = operation.input, operation.output
    return all(
        isinstance(message, DocumentMessage)
        and message.body is not None
        and isinstance(message.body.type, xsd.ComplexType)
        for message in messages
    )


def _keys(xsd_type: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for element, _, _ in elements(xsd_type):
        if isinstance(element.type, xsd.ComplexType):
            if len(way) < MOST_DEPTH and element.name not in way:
                yield from _keys(element.type, (*way, str(element.name)))
        elif builtin(element.type) in lexical.PARSERS and lexical.PARSERS[builtin(element.type)][0] in (str, int):
            yield *way, str(element.name)
    for _, attribute in xsd_type.attributes:
        if attribute.name and builtin(attribute.type) in lexical.PARSERS:
            yield *way, str(attribute.name)


class _Shelf:
    """The records met so far, each of zeep's types once."""

    def __init__(self, enumerations: wsdl.Enumerations) -> None:
        self._enumerations = enumerations
        self._known: dict[int, str] = {}
        self.records: dict[str, Record] = {}
        self.codes: dict[str, tuple[str, ...]] = {}

    def record(self, xsd_type: Any, called: str) -> str:
        """The name of the record that a complex type is. ``called``: what a type without a name is known by."""
        if id(xsd_type) in self._known:
            return self._known[id(xsd_type)]
        wire = str(xsd_type.qname.localname if xsd_type.qname else called)
        name = self._known[id(xsd_type)] = names.record(wire, self._known.values())
        fields: dict[str, Field] = {}
        dropped: list[str] = []
        for particle, optional, many in (*elements(xsd_type), *_attributes(xsd_type)):
            field = self._field(particle, optional, many, {each.name for each in fields.values()})
            if field is None or field.wire in fields:
                dropped.append(str(particle.name))
            else:
                fields[field.wire] = field
        self.records[name] = Record(wire, name, tuple(fields.values()), tuple(dict.fromkeys(dropped)))
        return name

    def _field(self, particle: Any, optional: bool, many: bool, used: set[str]) -> Field | None:
        wire = str(particle.name)
        ours = names.field(wire, used)
        nillable = bool(getattr(particle, "nillable", False)) and not many
        if isinstance(particle.type, xsd.ComplexType):
            if _is_text_with_attributes(particle.type):
                return None
            return Field(wire, ours, self.record(particle.type, wire), many, optional, nillable)
        kind = lexical.PARSERS.get(builtin(particle.type))
        if kind is None:
            return None
        values = self._enumerations.get(particle.type.qname.text) if particle.type.qname else None
        if values is None or kind[0] is not str:
            return Field(wire, ours, kind[0].__name__, many, optional, nillable)
        listed = "_".join(names.words(particle.type.qname.localname)) or ours
        self.codes[listed] = tuple(sorted({*self.codes.get(listed, ()), *values}))
        return Field(wire, ours, CODE, many, optional, nillable, listed)


def _attributes(xsd_type: Any) -> Iterator[tuple[Any, bool, bool]]:
    return ((attribute, not attribute.required, False) for _, attribute in xsd_type.attributes if attribute.name)


def _is_text_with_attributes(xsd_type: Any) -> bool:
    return any(name == "_value_1" and isinstance(element, xsd.Element) for name, element in xsd_type.elements)
