"""Which operation looks like which method of a port, and which of a record's fields like an order's: by their names.

A guess is written into the adapter as plain code, for a person to check.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from sources.scaffold import names
from sources.scaffold.shapes import CODE, COUNT, DAY, MOMENT, SCALARS, TEXT, Field, Interface, Operation, Record

WORDS: Final = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
READS, MANY, CHANGES = (frozenset(WORDS[name].split()) for name in ("reads", "many", "changes"))
PORTS: Final[Mapping[str, Mapping[str, tuple[str, bool]]]] = {
    "erp": {
        "orders": ("order", False),
        "orders_by_po": ("order po", True),
        "order_page": ("order", True),
        "customers": ("customer", False),
        "children": ("customer child", True),
        "customer_page": ("customer", True),
        "receivables": ("balance", False),
        "invoices": ("invoice", False),
        "invoices_by_order": ("invoice order", True),
        "invoice_page": ("invoice", True),
        "returns": ("return", False),
        "returns_by_order": ("return order", True),
        "return_page": ("return", True),
    },
    "wms": {
        "warehouse_orders": ("order", False),
        "shipments": ("shipment", False),
        "shipments_by_tracking": ("shipment tracking", True),
        "shipment_page": ("shipment", True),
    },
    "carrier": {"tracking": ("track", False)},
}
"""By method: the nouns its operation's name must have, and whether it answers with many."""

TEXTS: Final = frozenset({TEXT, CODE, COUNT})
ROLES: Final[Mapping[str, tuple[frozenset[str], tuple[str, ...]]]] = {
    role: (frozenset({MOMENT, DAY, "datetime"}) if role == "placed" else TEXTS, tuple(called.split()))
    for role, called in WORDS["order"].items()
}
"""What an order must have: the types it may come as, and what it is called, the likeliest first."""
KEY: Final = ("number", "no", "id", "externalid", "code", "key", "value")
"""What a reference to a record names it by."""
MOST_LOOKED_AT: Final = 200
"""Records in an answer that are compared with an order."""

Way = tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class OrderGuess:
    """``key``: the way to the order's number in what ``operation`` asks for; ``way``: to ``record`` in its answer.

    ``roles``: the way to each of ROLES in the record.
    """

    operation: Operation
    key: tuple[str, ...]
    way: Way
    record: Record
    roles: Mapping[str, Way]


def looks_like(kind: str, interface: Interface) -> Mapping[str, str]:
    """The likeliest operation of each method that has one."""
    found = {method: next(_likely(interface, *wish), None) for method, wish in PORTS[kind].items()}
    return {method: operation.name for method, operation in found.items() if operation}


def order(interface: Interface, named: str | None = None) -> OrderGuess | None:
    """How orders are read by number. ``named``: the operation to read them with, in place of the likeliest."""
    likely = [interface.operations[named]] if named else _likely(interface, *PORTS["erp"]["orders"])
    return next((guess for operation in likely if (guess := _order_from(interface, operation))), None)


def _likely(interface: Interface, nouns: str, many: bool) -> Iterator[Operation]:
    ranked: list[tuple[int, str]] = []
    for name in interface.operations:
        said = names.words(name)
        plain = {word.removesuffix("s") for word in said}
        if CHANGES.isdisjoint(said) and plain.issuperset(nouns.split()):
            is_many = not MANY.isdisjoint(said) or any(word == f"{noun}s" for noun in nouns.split() for word in said)
            extra = len(plain - set(nouns.split()) - READS)
            ranked.append((2 * extra + 3 * (is_many is not many) + READS.isdisjoint(said), name))
    return (interface.operations[name] for _, name in sorted(ranked))


def _order_from(interface: Interface, operation: Operation) -> OrderGuess | None:
    key = _key(operation)
    if key is None:
        return None
    for way, record in islice(interface.inside(operation.answer), MOST_LOOKED_AT):
        roles = {role: _role(interface, record, *wish) for role, wish in ROLES.items()}
        if all(roles.values()):
            return OrderGuess(operation, key, way, record, {role: way for role, way in roles.items() if way})
    return None


def _key(operation: Operation) -> tuple[str, ...] | None:
    if operation.path and len(operation.keys) != 1:
        return None
    wishes = (*ROLES["number"][1], *KEY)
    called = {way: "".join(names.words(way[-1])) for way in operation.keys}
    ranked = [(wishes.index(said), len(way), way) for way, said in called.items() if said in wishes]
    if ranked:
        return min(ranked)[2]
    return operation.keys[0] if len(operation.keys) == 1 else None


def _role(interface: Interface, record: Record, types: frozenset[str], wishes: Sequence[str]) -> Way | None:
    by_name = {"".join(names.words(field.wire)): field for field in record.fields if not field.many}
    for wish in wishes:
        field = by_name.get(wish)
        if field and field.type in types:
            return (field,)
        if field and field.type not in SCALARS and wishes is not KEY:
            inner = _role(interface, interface.records[field.type], types, KEY)
            if inner:
                return (field, *inner)
    return None
