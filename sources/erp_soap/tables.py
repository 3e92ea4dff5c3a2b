"""Compiles readers from the types zeep read from a WSDL: what a struct asks for against what the schema gives."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UnsetType
from zeep import xsd
from zeep.exceptions import Error as ZeepError
from zeep.xsd.elements.indicators import OrderIndicator

from sources.erp_soap import lexical
from sources.erp_soap.mapper import Attribute, Field, Parse, RawCode, Reader

T = TypeVar("T", bound=msgspec.Struct)

Enumerations = Mapping[str, frozenset[str]]
"""The values of each enumerated simple type, by its qualified name; zeep does not keep them."""


class Unfit(ValueError):
    """The schema cannot give what a struct asks for."""


class Tables:
    """Compiles readers from the types zeep read from a WSDL, each once."""

    def __init__(self, schema: Any, enumerations: Enumerations) -> None:
        self._schema = schema
        self._enumerations = enumerations
        self._readers: dict[tuple[str, type], Reader[Any]] = {}

    def reader(self, type_name: str, struct: type[T]) -> Reader[T]:
        """``type_name``: "{namespace}Name". Raises ``Unfit``."""
        known = self._readers.get((type_name, struct))
        if known is not None:
            return known
        try:
            found = self._schema.get_type(type_name)
        except ZeepError as error:
            raise Unfit(f"the schema has no type {type_name}") from error
        return self._compiled(found, struct)

    def message(self, element_name: str, struct: type[T]) -> Reader[T]:
        """The same for a global element, "{namespace}name"."""
        try:
            found = self._schema.get_element(element_name)
        except ZeepError as error:
            raise Unfit(f"the schema has no element {element_name}") from error
        return self._compiled(found.type, struct)

    def _compiled(self, schema_type: Any, struct: type[T]) -> Reader[T]:
        name = schema_type.qname.text if schema_type.qname else struct.__name__
        known = self._readers.get((name, struct))
        if known is not None:
            return known
        reader = self._readers[name, struct] = Reader(struct, name)
        hints = get_type_hints(struct)
        wanted = {
            field.encode_name: (slot, _Wish(hints[field.name]))
            for slot, field in enumerate(msgspec.structs.fields(struct))
        }
        fields: dict[str, Field | None] = {}
        for element, optional, many in elements(schema_type):
            if fields.get(element.qname.text) is not None:
                raise Unfit(f"{name} has {element.name} in two places")
            fields[element.qname.text] = self._field(element, optional, many, wanted.pop(element.name, None), name)
        attributes = {
            attribute.qname.text: self._attribute(attribute, wanted.pop(attribute.name, None), name)
            for _, attribute in schema_type.attributes
            if attribute.name
        }
        if wanted:
            raise Unfit(f"{name} has no {', '.join(wanted)}")
        reader.fill(fields, attributes)
        return reader

    def _field(
        self, element: Any, optional: bool, many: bool, wish: "tuple[int, _Wish] | None", owner: str
    ) -> Field | None:
        if wish is None:
            return None
        slot, wanted = wish
        if many is not wanted.many:
            raise Unfit(f"{owner}/{element.name} comes {'often' if many else 'once'}")
        required = not (optional and (many or wanted.unset))
        nillable = element.nillable and wanted.none
        if isinstance(wanted.kind, type) and issubclass(wanted.kind, msgspec.Struct):
            read = self._compiled(element.type, wanted.kind)
            return Field(element.name, slot, required, many, nillable, read=read)
        return Field(element.name, slot, required, many, nillable, self._parser(element, wanted, owner))

    def _attribute(self, attribute: Any, wish: "tuple[int, _Wish] | None", owner: str) -> Attribute | None:
        if wish is None:
            return None
        slot, wanted = wish
        required = attribute.required or not wanted.unset
        return Attribute(f"@{attribute.name}", slot, required, self._parser(attribute, wanted, owner))

    def _parser(self, particle: Any, wanted: "_Wish", owner: str) -> Parse:
        kind, parse = lexical.PARSERS.get(builtin(particle.type), (None, None))
        if kind is not (str if wanted.kind is RawCode else wanted.kind) or parse is None:
            raise Unfit(f"{owner}/{particle.name} is {particle.type}, not {wanted.kind}")
        values = self._enumerations.get(particle.type.qname.text)
        if values is not None and wanted.kind is not RawCode:
            return lexical.choice(values)
        return parse


class _Wish:
    """What a struct's annotation asks for."""

    def __init__(self, annotation: Any) -> None:
        options = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
        self.unset = UnsetType in options
        self.none = types.NoneType in options
        (kind,) = (option for option in options if option not in (UnsetType, types.NoneType))
        self.many = get_origin(kind) is tuple
        self.kind: Any = get_args(kind)[0] if self.many else kind


def builtin(xsd_type: Any) -> str:
    """The name of the built-in type that a simple type is, or narrows; the nearest that can be read, if any can."""
    lineage: Sequence[Any] = type(xsd_type).__mro__
    names = [each._default_qname.localname for each in lineage if each.__module__ == "zeep.xsd.types.builtins"]  # noqa: SLF001 zeep tells it nowhere else
    return next((name for name in names if name in lexical.PARSERS), next(iter(names), ""))


def elements(schema_type: Any) -> Iterator[tuple[Any, bool, bool]]:
    """Each element of a complex type with whether it may be missing and whether it may come often, groups unfolded."""

    def unfold(particle: Any, optional: bool, many: bool) -> Iterator[tuple[Any, bool, bool]]:
        optional = optional or particle.min_occurs == 0
        many = many or particle.max_occurs == "unbounded" or particle.max_occurs > 1
        if isinstance(particle, xsd.Element):
            yield particle, optional, many
        elif isinstance(particle, xsd.Group):
            yield from unfold(particle.child, optional, many)
        elif isinstance(particle, OrderIndicator):
            for part in particle:
                yield from unfold(part, optional or isinstance(particle, xsd.Choice), many)

    for _, particle in schema_type.elements_nested:
        yield from unfold(particle, False, False)
