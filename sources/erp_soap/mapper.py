"""Reads records from XML into structs by tables made of the WSDL's own types: lossless, strict, and cheap.

A struct names the elements and attributes it wants in snake case; the schema says how often they come, whether they may
be nil and how they are written. What the schema knows and the struct does not want is passed over; what the schema does
not know, lacks or cannot read is ``Malformed``. Absent is ``UNSET``, ``xsi:nil`` is None, and empty text is "". The
order of elements is not judged: no value depends on it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import (
    Any,
    Final,
    Generic,
    NamedTuple,
    NewType,
    NoReturn,
    TypeVar,
    cast,
)

import msgspec
from lxml.etree import QName, _Element
from msgspec import UNSET

from sources.erp_soap import lexical

T = TypeVar("T", bound=msgspec.Struct)

RawCode = NewType("RawCode", str)
"""A code kept as sent although the schema lists its values: what a new one means is a code table's business."""

XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
XSI_NIL, XSI_TYPE = XSI + "nil", XSI + "type"
XSI_KNOWN: Final = frozenset({XSI_NIL, XSI_TYPE, XSI + "schemaLocation", XSI + "noNamespaceSchemaLocation"})
EXCERPT = 80
"""Characters of a bad value that an error repeats."""

Parse = Callable[[str], object]


class Malformed(ValueError):
    """An element breaks the schema. ``path`` leads to the place, from the record down."""

    def __init__(self, why: str, *path: str) -> None:
        super().__init__(why)
        self.why = why
        self.path = path

    def below(self, step: str) -> "Malformed":
        return Malformed(self.why, step, *self.path)

    def __str__(self) -> str:
        return f"{'/'.join(self.path)}: {self.why}"


class Field(NamedTuple):
    """One element: where its value goes, whether it must come, may come often, may be nil, and who reads it.

    ``parse`` is for text, ``read`` for elements with elements or attributes inside: one of them is there.
    """

    name: str
    slot: int
    required: bool
    many: bool
    nillable: bool
    parse: Parse | None = None
    read: "Reader[Any] | None" = None


class Attribute(NamedTuple):
    name: str
    slot: int
    required: bool
    parse: Parse


class Reader(Generic[T]):
    """Reads the elements of one schema type. Built by ``tables.Tables``; raises ``Malformed``."""

    def __init__(self, struct: type[T], type_name: str) -> None:
        self.type_name = type_name
        self._struct = struct
        self._fields: dict[str, tuple[int, Parse | None, bool, Field] | None] = {}
        self._attributes: dict[str, Attribute | None] = {}
        self._blank: list[Any] = []
        self._lists: tuple[Field, ...] = ()
        self._required = 0

    def fill(self, fields: Mapping[str, Field | None], attributes: Mapping[str, Attribute | None]) -> None:
        """Takes its tables; apart from construction, because schema types may contain themselves."""
        self._fields.update(
            (tag, field and (field.slot, field.parse, field.required, field)) for tag, field in fields.items()
        )
        self._attributes.update({**dict.fromkeys(XSI_KNOWN), **attributes})
        self._blank = [UNSET] * len(msgspec.structs.fields(self._struct))
        self._lists = tuple(field for field in fields.values() if field and field.many)
        self._required = sum(field.required for field in fields.values() if field and not field.many)
        self._required += sum(attribute.required for attribute in attributes.values() if attribute)

    def __call__(self, element: _Element) -> T:
        values = self._blank.copy()
        for field in self._lists:
            values[field.slot] = []
        came = self._read_attributes(element, values)
        if len(element):
            came += self._read_children(element, values)
        if came < self._required:
            raise Malformed(f"lacks {', '.join(self._lacking(values))}")
        for field in self._lists:
            if field.required and not values[field.slot]:
                raise Malformed(f"lacks {field.name}")
            values[field.slot] = tuple(values[field.slot])
        return self._struct(*values)

    def _read_children(self, element: _Element, values: list[Any]) -> int:
        """How many of those came that must come once."""
        fields, child, came = self._fields, element, 0
        try:
            for child in element[:]:  # type: ignore[index]  # faster than iterating; lxml-stubs know no slices
                known = fields[child.tag]
                if known is None:
                    continue
                slot, parse, required, field = known
                value = _value(child, field) if parse is None or child.keys() or len(child) else parse(child.text or "")
                if values[slot] is UNSET:
                    values[slot] = value
                    came += required
                elif field.many:
                    values[slot].append(value)
                else:
                    _refuse("comes twice")
        except KeyError:
            raise Malformed("is not in the schema", _step(child)) from None
        except Malformed as error:
            raise error.below(_step(child)) from None
        except ValueError as error:
            raise Malformed(f"{_excerpt(child.text)} {error}", _step(child)) from None
        return came

    def _read_attributes(self, element: _Element, values: list[Any]) -> int:
        """How many required ones came."""
        attributes, name, text, came = self._attributes, "", "", 0
        try:
            for name, text in cast("Sequence[tuple[str, str]]", element.items()):
                known = attributes[name]
                if known is not None:
                    _, slot, required, parse = known
                    values[slot] = parse(text)
                    came += required
        except KeyError:
            raise Malformed("is not in the schema", f"@{name}") from None
        except ValueError as error:
            raise Malformed(f"{_excerpt(text)} {error}", f"@{name}") from None
        return came

    def _lacking(self, values: list[Any]) -> Iterator[str]:
        fields = (known and known[-1] for known in self._fields.values())
        for part in (*fields, *self._attributes.values()):
            if part and part.required and values[part.slot] is UNSET:
                yield part.name


def type_of(element: _Element) -> str | None:
    """The type an element says it has by ``xsi:type``, as "{namespace}Name"."""
    stated = element.get(XSI_TYPE)
    if stated is None:
        return None
    prefix, _, name = stated.strip(lexical.SPACE).rpartition(":")
    return f"{{{element.nsmap.get(prefix or None, '')}}}{name}"


def _value(element: _Element, field: Field) -> object:
    """The value of an element that has attributes, or elements inside."""
    attributes = cast("Sequence[str]", element.keys())
    if XSI_NIL in attributes and _is_nil(element, field):
        return None
    if field.read is not None:
        return field.read(element)
    for name in attributes:
        if name not in XSI_KNOWN:
            raise Malformed("is not in the schema", f"@{name}")
    if len(element):
        raise Malformed("is not in the schema", _step(element[0]))
    return field.parse(element.text or "") if field.parse else None


def _is_nil(element: _Element, field: Field) -> bool:
    if not lexical.boolean(element.get(XSI_NIL, "")):
        return False
    if not field.nillable:
        raise Malformed("may not be nil")
    if element.text or len(element):
        raise Malformed("is nil, and yet has content")
    return True


def _refuse(why: str) -> NoReturn:
    raise Malformed(why)


def _step(element: _Element) -> str:
    """The element's place among its like: "item" or "item[3]"."""
    name = QName(element).localname
    place = sum(1 for _ in element.itersiblings(element.tag, preceding=True)) + 1
    return f"{name}[{place}]" if place > 1 else name


def _excerpt(text: str | None) -> str:
    return repr((text or "")[:EXCERPT])
