"""Makes up an answer in a system's own shapes, for the stub that a scaffolded adapter is first tested against."""

from collections.abc import Mapping
from typing import Any, Final

from sources.scaffold.guesses import OrderGuess
from sources.scaffold.shapes import CODE, COUNT, DAY, FLAG, MOMENT, NUMBER, SCALARS, TEXT, Field, Interface

DEEPEST: Final = 6
KNOWN: Final = "1001"
"""The number of the one order a stub knows."""
SAID: Final[Mapping[str, str]] = {
    "number": KNOWN,
    "status": "CONFIRMED",
    "customer": "4711",
    "currency": "EUR",
}
VALUES: Final[Mapping[str, Any]] = {
    TEXT: "text",
    CODE: "code",
    NUMBER: 1.5,
    COUNT: 1,
    FLAG: True,
    DAY: "2026-11-02",
    MOMENT: "2026-11-02T09:30:00Z",
    "datetime": "2026-11-02T09:30:00Z",
}


def said(interface: Interface, guess: OrderGuess, role: str) -> str:
    """What the sample order has for a role of ``guesses.ROLES``."""
    last = guess.roles[role][-1]
    if last.codes:
        listed = interface.codes[last.codes]
        return next((code for code in listed if code.upper() == SAID.get(role)), listed[0])
    if last.type == COUNT and not SAID[role].isdigit():
        return "1"
    return SAID.get(role) or str(VALUES[last.type])


def whole(interface: Interface, guess: OrderGuess) -> Mapping[str, Any]:
    """The answer that has the order."""
    return _record(interface, guess.operation.answer, _overrides(interface, guess), ())


def empty(interface: Interface, guess: OrderGuess) -> Mapping[str, Any] | None:
    """The answer that has none; None where the shapes demand one."""
    for place, field in enumerate(guess.way):
        if field.many or field.optional:
            out = tuple(each.wire for each in guess.way[: place + 1])
            return _record(interface, guess.operation.answer, {**_overrides(interface, guess), out: None}, ())
    return None


def of(interface: Interface, record: str) -> Mapping[str, Any]:
    """Any record, made up."""
    return _record(interface, record, {}, ())


def _overrides(interface: Interface, guess: OrderGuess) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for role, way in guess.roles.items():
        text = said(interface, guess, role)
        found[tuple(field.wire for field in (*guess.way, *way))] = int(text) if way[-1].type == COUNT else text
    return found


def _record(
    interface: Interface, name: str, overrides: Mapping[tuple[str, ...], Any], way: tuple[str, ...], depth: int = 0
) -> Mapping[str, Any]:
    values: dict[str, Any] = {}
    for field in interface.records[name].fields:
        here = (*way, field.wire)
        wanted = any(known[: len(here)] == here for known in overrides)
        if not wanted and depth >= (DEEPEST if field.optional else 2 * DEEPEST):
            continue
        value = overrides[here] if here in overrides else _value(interface, field, overrides, here, depth)
        if value is not None:
            values[field.wire] = [value] if field.many else value
    return values


def _value(
    interface: Interface, field: Field, overrides: Mapping[tuple[str, ...], Any], here: tuple[str, ...], depth: int
) -> Any:
    if field.type not in SCALARS:
        return _record(interface, field.type, overrides, here, depth + 1)
    return interface.codes[field.codes][0] if field.codes else VALUES[field.type]
