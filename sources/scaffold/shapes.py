"""What a system says of itself, whichever way it says it: operations, the records they answer with, code lists."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

TEXT, CODE, NUMBER, COUNT, FLAG, DAY, MOMENT = "str", "RawCode", "Decimal", "int", "bool", "date", "Moment"
SCALARS: Final = frozenset({TEXT, CODE, NUMBER, COUNT, FLAG, DAY, MOMENT, "datetime"})


@dataclass(frozen=True, slots=True)
class Field:
    """``wire`` is their name, ``name`` ours; ``type`` is one of SCALARS or a record's name.

    ``codes`` names the list of codes it is one of.
    """

    wire: str
    name: str
    type: str
    many: bool = False
    optional: bool = False
    nillable: bool = False
    codes: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """``wire`` is their name, ``name`` ours. ``dropped``: their names of what no struct of ours can hold."""

    wire: str
    name: str
    fields: tuple[Field, ...]
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """``keys``: the ways to a text in what it asks for, each by their names; ``answer``: the record it answers with.

    ``element``: its qualified name with SOAP; ``path``: where it is asked with REST.
    """

    name: str
    keys: tuple[tuple[str, ...], ...]
    answer: str
    element: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """All of it. ``codes``: values by list, ``records`` by our names, each after those it is made of if that can be.

    ``documents``: by address, what it was read from, ``address`` first.
    """

    address: str
    endpoint: str
    operations: Mapping[str, Operation]
    records: Mapping[str, Record]
    codes: Mapping[str, tuple[str, ...]]
    documents: Mapping[str, bytes]

    def reached(self, roots: tuple[str, ...]) -> Mapping[str, Record]:
        """The records that ``roots`` are made of, in order."""
        found: set[str] = set()
        waiting = [root for root in roots if root in self.records]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [field.type for field in self.records[name].fields if field.type not in SCALARS]
        return {name: record for name, record in self.records.items() if name in found}

    def inside(self, root: str) -> Iterator[tuple[tuple[Field, ...], Record]]:
        """Each record in ``root`` with the way to it, the nearest first, ``root`` itself included."""
        waiting: list[tuple[tuple[Field, ...], str]] = [((), root)]
        met = {root}
        for way, name in waiting:
            yield way, self.records[name]
            for field in self.records[name].fields:
                if field.type not in SCALARS and field.type not in met:
                    met.add(field.type)
                    waiting.append(((*way, field), field.type))
