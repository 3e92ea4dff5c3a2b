"""Code tables as data: each source's codes, where they come from, and what they mean to us.

A table is a tab-separated file with the columns ``table code meaning message provenance``; lines starting with "#" are
remarks.
``meaning`` is a member of the table's enum, ``message`` is the public sentence in our own words, ``provenance`` names
the vendor's table.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
class CodeTable(Generic[M]):
    """One source's codes, keyed by (table, code): a code means nothing without its table."""

    system: str
    entries: Mapping[tuple[str, str], tuple[M, str]]

    @classmethod
    def read(cls, system: str, path: Path, meanings: type[M]) -> "CodeTable[M]":
        """Reads and checks a table; raises ValueError naming file and line for a bad header, a duplicate, or a meaning
        that does not exist.
        """
        entries: dict[tuple[str, str], tuple[M, str]] = {}
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(
                (line for line in file if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE
            )
            if tuple(next(rows, ())) != COLUMNS:
                raise ValueError(f"{path.name}: the header must be {' '.join(COLUMNS)}")
            for row in rows:
                if len(row) != len(COLUMNS):
                    raise ValueError(f"{path.name}: {row!r} has {len(row)} columns, not {len(COLUMNS)}")
                table, code, meaning, message, _ = row
                if (table, code) in entries:
                    raise ValueError(f"{path.name}: {table} {code} appears twice")
                if meaning not in meanings.__members__:
                    raise ValueError(f"{path.name}: {table} {code}: {meaning!r} is not a {meanings.__name__}")
                entries[table, code] = (meanings[meaning], message)
        return cls(system, entries)

    def translate(self, table: str, raw: str, text: str | None = None) -> Translation[M]:
        """``text`` is the source's own wording, kept beside the raw code and never public."""
        found = self.entries.get((table, raw))
        code = Code(raw, f"{self.system}/{table}", text, known=found is not None)
        return Translation(code, *found) if found else Translation(code, None, "")
