"""Writes the wire shapes of an adapter: a struct for each record, and how one of them becomes an order."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sources.scaffold import names
from sources.scaffold.guesses import OrderGuess, Way
from sources.scaffold.shapes import CODE, COUNT, SCALARS, TEXT, Field, Interface, Record

WIDTH: Final = 120
LONGEST_WIRE: Final = 60
UNSAYABLE: Final = re.compile(r'[\\"\x00-\x1f]')
"""What msgspec has no field for."""
MOST_TOLD: Final = 80
"""Characters of a remark."""

HOMES: Final[Mapping[str, str]] = {
    "Decimal": "decimal",
    "date": "datetime",
    "datetime": "datetime",
    "Moment": "domain.values",
    "RawCode": "sources.erp_soap.mapper",
}
ORDER_IMPORTS: Final[Sequence[tuple[str, str]]] = (
    ("domain.model", "CustomerId"),
    ("domain.model", "Lifecycle"),
    ("domain.model", "Order"),
    ("domain.model", "OrderId"),
    ("domain.values", "Provenance"),
    ("sources.codes", "CodeTable"),
    ("sources.skeleton", "when"),
)
STATUS: Final = "order_status"
"""The table of codes that an order's status is looked up in."""


def module(interface: Interface, roots: Sequence[str], guess: OrderGuess | None, *, rest: bool) -> str:
    """All of ``wire.py``."""
    records = interface.reached(tuple(roots))
    body = list(_structs(records, rest=rest))
    imports = {("msgspec", "Struct")}
    for field in (field for record in records.values() for field in record.fields):
        if _alias(field, records) is not None:
            if (kind := _scalar(field, rest=rest)) in HOMES:
                imports.add((HOMES[kind], kind))
            if field.optional and not field.many:
                imports |= {("msgspec", "UnsetType")} | ({("msgspec", "UNSET")} if rest else set())
            if field.wire != field.name:
                imports.add(("msgspec", "field"))
    if guess:
        body += ["", *_order_in(guess), "", "", *_to_order(guess)]
        imports |= {*ORDER_IMPORTS}
        said = "\n".join(body)
        imports |= {("sources.skeleton", name) for name in ("given", "needed") if f"{name}(" in said}
    remark = (
        "What the system's records look like, and what they are to us: field by field as its own description has it."
    )
    return "\n".join([f'"""{remark}"""', "", *_imports(imports), "", *body]).rstrip("\n") + "\n"


def _imports(wanted: Iterable[tuple[str, str]]) -> Iterator[str]:
    modules: dict[str, list[str]] = {}
    for home, name in wanted:
        modules.setdefault(home, []).append(name)
    for group in (("decimal", "datetime"), ("msgspec",), None):
        homes = sorted(modules if group is None else modules.keys() & set(group))
        for home in homes:
            yield f"from {home} import {', '.join(sorted(modules.pop(home), key=import_rank))}"
        if homes and modules:
            yield ""


def import_rank(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _structs(records: Mapping[str, Record], *, rest: bool) -> Iterator[str]:
    known: set[str] = set()
    traits = "frozen=True, gc=False, kw_only=True" if rest else "frozen=True, gc=False"
    for record in records.values():
        left_out = [*record.dropped, *(field.wire for field in record.fields if _alias(field, records) is None)]
        told = names.prose(f"Not read: {', '.join(left_out)}"[:MOST_TOLD]) if left_out else ""
        yield from ("", f"class {record.name}(Struct, {traits}):")
        yield f'    """Their {names.prose(record.wire)}.{f" {told}." if told else ""}"""'
        lines = [_field(field, known, rest=rest) for field in record.fields if _alias(field, records)]
        yield from (("", *lines) if lines else ())
        yield ""
        known.add(record.name)


def _alias(field: Field, records: Mapping[str, Record]) -> str | None:
    """The field's type; None for a field that cannot be had."""
    if len(field.wire) > LONGEST_WIRE or UNSAYABLE.search(field.wire):
        return None
    if field.type not in SCALARS and field.type not in records:
        return None
    return field.type


def _scalar(field: Field, *, rest: bool) -> str:
    """A code is told from text only where a schema would refuse one that is new."""
    return TEXT if rest and field.type == CODE else field.type


def _field(field: Field, known: set[str], *, rest: bool) -> str:
    kind = _scalar(field, rest=rest)
    kind = f"tuple[{kind}, ...]" if field.many else kind
    kind += " | UnsetType" if field.optional and not field.many else ""
    kind += " | None" if field.nillable else ""
    if field.type not in SCALARS and field.type not in known:
        kind = f'"{kind}"'
    default = ("()" if field.many else "UNSET") if rest and field.optional else ""
    if field.wire == field.name:
        return f"    {field.name}: {kind}{f' = {default}' if default else ''}"
    default = f"default={default}, " if default else ""
    line = f"    {field.name}: {kind} = field({default}name={names.quoted(field.wire)})"
    if len(line) <= WIDTH:
        return line
    head, _, inside = line.partition(" = field(")
    return f"{head} = field(\n        {inside[:-1]}\n    )"


# --- an order ---------------------------------------------------------------------------------------------------------


def _order_in(guess: OrderGuess) -> Iterator[str]:
    yield f"def order_in(answer: {guess.operation.answer}) -> {guess.record.name} | None:"
    yield '    """The order in the answer, if there is one."""'
    holder = "answer"
    for place, field in enumerate(guess.way, 1):
        value = f"{holder}.{field.name}"
        if place == len(guess.way):
            yield f"    return {_last(field, value)}"
            return
        holder = f"part_{place}"
        if field.many:
            yield f"    if not {value}:"
            yield "        return None"
            yield f"    {holder} = {value}[0]"
        elif field.optional or field.nillable:
            yield f"    {holder} = given({value})"
            yield f"    if {holder} is None:"
            yield "        return None"
        else:
            yield f"    {holder} = {value}"
    yield "    return answer"


def _last(field: Field, value: str) -> str:
    if field.many:
        return f"{value}[0] if {value} else None"
    return f"given({value})" if field.optional or field.nillable else value


def _to_order(guess: OrderGuess) -> Iterator[str]:
    yield f"def to_order(record: {guess.record.name}, source: Provenance, codes: CodeTable[Lifecycle]) -> Order:"
    yield '    """Raises ValueError for what an order must have and this one has not. Check each line: a guess."""'
    for role, way in guess.roles.items():
        yield from _steps(role, way)
    yield f'    translated = codes.translate("{STATUS}", status)'
    yield from (
        "    return Order(",
        "        id=OrderId(number),",
        "        po_number=None,",
        "        customer_id=CustomerId(customer),",
        "        ship_to_id=None,",
        "        ship_to=None,",
        "        lifecycle=translated.meaning or Lifecycle.UNKNOWN,",
        "        status_code=translated.code,",
        "        placed_at=when(placed),",
        "        modified_at=when(placed),",
        "        revision=0,",
        "        requested_date=None,",
        "        promised_date=None,",
        "        hold=None,",
        "        currency=currency,",
        "        totals=None,",
        "        lines=(),",
        "        source=source,",
        "    )",
    )


def _steps(role: str, way: Way) -> Iterator[str]:
    holder = "record"
    for place, field in enumerate(way, 1):
        target = role if place == len(way) else f"{role}_{place}"
        value = f"{holder}.{field.name}"
        if field.optional or field.nillable:
            value = f'needed({value}, "{role}")'
        yield f"    {target} = {f'str({value})' if field.type == COUNT else value}"
        holder = target
