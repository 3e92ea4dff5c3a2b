"""Code tables as data: each source's codes, where they come from, and what they mean to us.

A table is a tab-separated file with the columns ``table code meaning message provenance``; lines starting with "#" are
remarks.
``meaning`` is a member of the table's enum, ``message`` is the public sentence in our own words, ``provenance`` names
the vendor's table.

Whoever runs Crossdock may lay tables of their own over a source's: ``<source>.tsv`` in a folder, and
``<source>/<account>.tsv`` for one customer's records. A row there replaces the row of the same table and code, or
is new.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Generic, TypeVar

from domain.values import Code

M = TypeVar("M", bound=StrEnum)

COLUMNS = ("table", "code", "meaning", "message", "provenance")


@dataclass(frozen=True, slots=True)
class Translation(Generic[M]):
    """``meaning`` None: the code is unknown (``code.known`` is False) and moves nothing."""

    code: Code
    meaning: M | None
    message: str


Entries = Mapping[tuple[str, str], tuple[M, str]]


class BadCodes(ValueError):
    """A file of codes cannot be used; the text says which, in which line, and why."""


@dataclass(frozen=True, slots=True)
class CodeTable(Generic[M]):
    """One source's codes, keyed by (table, code): a code means nothing without its table.

    ``customers``: by account, all that holds for its records where that differs. ``version``: the digest of all that
    was read, so that two deployments can be compared.
    """

    system: str
    entries: Entries[M]
    customers: Mapping[str, "CodeTable[M]"] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def read(cls, system: str, path: Path, meanings: type[M], own: Path | None = None) -> "CodeTable[M]":
        """Reads and checks a table; raises ``BadCodes`` naming file and line for a bad header, a duplicate, or a
        meaning that does not exist.

        ``own``: what is laid over it, ``<own>.tsv`` and ``<own>/<account>.tsv``, neither of which need be there.
        """
        texts = [path.read_bytes()]
        entries = dict(_entries(path, meanings))
        customers: dict[str, CodeTable[M]] = {}
        if own is not None:
            if (ours := own.with_name(f"{own.name}.tsv")).is_file():
                entries |= _entries(ours, meanings)
                texts.append(ours.read_bytes())
            for each in sorted(own.glob("*.tsv")):
                texts += [each.name.encode(), each.read_bytes()]
                customers[each.stem] = cls(system, {**entries, **_entries(each, meanings)})
        return cls(system, entries, customers, sha256(b"\0".join(texts)).hexdigest()[:12])

    def of(self, account: str) -> "CodeTable[M]":
        """The codes as they are meant in a customer's records."""
        return self.customers.get(account, self)

    def translate(self, table: str, raw: str, text: str | None = None) -> Translation[M]:
        """``text`` is the source's own wording, kept beside the raw code and never public."""
        found = self.entries.get((table, raw))
        code = Code(raw, f"{self.system}/{table}", text, known=found is not None)
        return Translation(code, *found) if found else Translation(code, None, "")


def _entries(path: Path, meanings: type[M]) -> Entries[M]:
    """A file's rows."""
    found: dict[tuple[str, str], tuple[M, str]] = {}
    header: tuple[str, ...] | None = None
    for number, line in enumerate(_text(path).split("\n"), 1):
        where = f"{path.name}:{number}"
        if line.startswith("#") or not line.strip():
            continue
        row = tuple(line.split("\t"))
        if header is None:
            header = row
            if row != COLUMNS:
                raise BadCodes(f"{where}: the header must be {' '.join(COLUMNS)}, with a tab between any two")
            continue
        if len(row) != len(COLUMNS):
            raise BadCodes(f"{where}: {line!r} has {len(row)} columns, not {len(COLUMNS)}")
        table, code, meaning, message, _ = row
        if (table, code) in found:
            raise BadCodes(f"{where}: {table} {code} appears twice")
        if meaning not in meanings.__members__:
            known = ", ".join(meanings.__members__)
            raise BadCodes(f"{where}: {table} {code}: {meaning!r} is not a {meanings.__name__}; give one of {known}")
        found[table, code] = (meanings[meaning], message)
    if header is None:
        raise BadCodes(f"{path.name}:1: the header must be {' '.join(COLUMNS)}, with a tab between any two")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadCodes(f"{path.name}: cannot be read: {error}") from error
