"""XML as the ERP writes it: values in its own forms, everything escaped."""

import datetime as dt
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final, Protocol
from xml.sax.saxutils import escape, quoteattr

from examples.distributor.world.accounts import ShipTo

NAMESPACES: Final = {
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "c": "urn:erp.example:core:2026_1",
    "s": "urn:erp.example:sales:2026_1",
    "a": "urn:erp.example:accounts:2026_1",
    "m": "urn:erp.example:messages:2026_1",
    "f": "urn:erp.example:faults:2026_1",
}
DECLARED: Final = "".join(f' xmlns:{prefix}="{namespace}"' for prefix, namespace in NAMESPACES.items())

HEADQUARTERS: Final = timezone(timedelta(hours=-6))
"""The ERP tells times with its own offset."""
CARRIAGE_RETURN: Final = {"\r": "&#13;"}


def el(tag: str, value: object) -> str:
    """An element with a simple value: text, bool, int, decimal, date, or aware datetime."""
    return f"<{tag}>{escape(_text(value), CARRIAGE_RETURN)}</{tag}>"


def nil(tag: str) -> str:
    return f'<{tag} xsi:nil="true"/>'


def maybe(tag: str, value: object | None) -> str:
    """The element, absent for None."""
    return "" if value is None else el(tag, value)


def nillable(tag: str, value: object | None) -> str:
    """The element, nil for None."""
    return nil(tag) if value is None else el(tag, value)


def attributes(**values: str) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in values.items())


def ref(tag: str, number: str, internal_id: str, name: str | None = None) -> str:
    keys = attributes(internalId=internal_id, externalId=number)
    return f"<{tag}{keys}/>" if name is None else f"<{tag}{keys}>{el('c:name', name)}</{tag}>"


def wrap(tag: str, parts: Iterable[str]) -> str:
    return f"<{tag}>{''.join(parts)}</{tag}>"


def record(type_name: str, internal_id: str, number: str, parts: Iterable[str]) -> str:
    keys = attributes(internalId=internal_id, externalId=number)
    return f'<m:record xsi:type="{type_name}"{keys}>{"".join(parts)}</m:record>'


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(HEADQUARTERS).isoformat(timespec="milliseconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)


def ship_to_id(place: ShipTo, internal_id: str) -> str:
    return f"{internal_id}.{place.id}"


def address(tag: str, place: ShipTo) -> str:
    parts = (
        el("c:addressee", place.name),
        *(el("c:addrLine", line) for line in place.lines),
        el("c:city", place.city),
        el("c:state", place.region),
        el("c:zip", place.postal_code),
        el("c:country", place.country),
    )
    return wrap(tag, parts)


class Counted(Protocol):
    """A line that counts in a unit."""

    @property
    def unit(self) -> str: ...
    @property
    def per_unit(self) -> Decimal: ...
    @property
    def base_unit(self) -> str: ...


def units(line: Counted) -> str:
    return el("s:units", line.unit) + el("s:unitConversion", line.per_unit) + el("s:baseUnits", line.base_unit)
