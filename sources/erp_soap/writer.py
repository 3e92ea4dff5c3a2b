"""Writes request bodies by the WSDL's own types: what zeep's ``create_message`` writes, for a twentieth of its time.

zeep builds a value object for each element, which for 50 references takes 0.7 ms; a test holds both to the same output.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from zeep import xsd

from sources.erp_soap.lexical import sayable
from sources.erp_soap.tables import Unfit

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
CARRIAGE_RETURN: Final = {"\r": "&#13;"}

Values = Mapping[str, Any]
"""By the schema's names: text, bool, int, aware datetime, further values, or a list of any of these. None: left out."""


@dataclass(frozen=True, slots=True)
class Of:
    """Values of a type that extends the declared one; ``type_name``: "{namespace}Name"."""

    type_name: str
    values: Values


@dataclass(frozen=True, slots=True)
class _Type:
    """A complex type's parts in the schema's order: elements by name with tag and type, attributes."""

    elements: tuple[tuple[str, str, Any], ...]
    attributes: tuple[str, ...]
    names: frozenset[str]


class Writer:
    """Raises ``Unfit`` for what the schema has no place for, ValueError for text that XML cannot hold."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        self._prefixes = {
            namespace: f"n{place}" for place, namespace in enumerate(sorted(filter(None, schema.namespaces)))
        }
        self._types: dict[int, _Type] = {}
        spaces = {"xsi": XSI, **{prefix: namespace for namespace, prefix in self._prefixes.items()}}
        self._spaces = "".join(f" xmlns:{prefix}={quoteattr(space)}" for prefix, space in spaces.items())

    def message(self, element_name: str, values: Values) -> str:
        """The global element "{namespace}name" with ``values``."""
        element = self._schema.get_element(element_name)
        pieces: list[str] = []
        self._write(self._tag(element.qname), element.type, values, pieces, self._spaces)
        return "".join(pieces)

    def _write(self, tag: str, xsd_type: Any, value: Any, pieces: list[str], attributes: str = "") -> None:
        if isinstance(value, Of):
            xsd_type, value = self._schema.get_type(value.type_name), value.values
            attributes += f" xsi:type={quoteattr(self._tag(xsd_type.qname))}"
        if not isinstance(xsd_type, xsd.ComplexType):
            pieces.append(f"<{tag}{attributes}>{escape(_text(value), CARRIAGE_RETURN)}</{tag}>")
            return
        table = self._types.get(id(xsd_type)) or self._table(xsd_type)
        if not table.names.issuperset(value):
            raise Unfit(f"{tag} has no {', '.join(sorted(set(value) - table.names))}")
        attributes += "".join(
            f" {name}={quoteattr(_text(value[name]))}" for name in table.attributes if value.get(name) is not None
        )
        pieces.append(f"<{tag}{attributes}>")
        for name, child_tag, child_type in table.elements:
            child = value.get(name)
            if child is not None:
                for each in child if isinstance(child, list) else (child,):
                    self._write(child_tag, child_type, each, pieces)
        pieces.append(f"</{tag}>")

    def _table(self, xsd_type: Any) -> _Type:
        elements = tuple((name, self._tag(element.qname), element.type) for name, element in xsd_type.elements)
        attributes = tuple(attribute.name for _, attribute in xsd_type.attributes if attribute.name)
        table = _Type(elements, attributes, frozenset((*(name for name, _, _ in elements), *attributes)))
        self._types[id(xsd_type)] = table
        return table

    def _tag(self, qname: Any) -> str:
        return f"{self._prefixes[qname.namespace]}:{qname.localname}" if qname.namespace else str(qname.localname)


def _text(value: str | bool | int | datetime) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    if not sayable(text):
        raise ValueError("XML cannot hold this text")
    return text
