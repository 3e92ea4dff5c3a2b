"""What two ERPs say otherwise of one record, field by field: how a migration is rehearsed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from domain.differences import COMPARED, differences
from domain.discrepancies import Discrepancy
from domain.events import Subject, Withdrawn, name_of
from domain.model import Customer, Invoice, Order

Record: TypeAlias = Order | Invoice | Customer

ITS_OWN: Final = frozenset({"status_code", "modified_at", "revision"})
"""What each ERP has in its own words or counts by itself, so that it says nothing when it differs."""

WHOLE: Final = "*"
"""Stands for the field where the other ERP does not have the record at all."""

FIELDS: Final = frozenset(name for fields in COMPARED.values() for name in fields)


@dataclass(frozen=True, slots=True)
class Difference:
    """``field``: such as ``lifecycle``, or ``lines.ordered`` of any line; ``part``: which; both values as text, None
    for none.
    """

    field: str
    part: str
    served: str | None
    told: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A record that ``served_by`` served, and ``told_by`` was asked for; no difference: both say the same of it."""

    subject: Subject
    id: str
    served_by: str
    told_by: str
    at: datetime
    differences: tuple[Difference, ...]


def compare(served: Record, told: Record | None, told_by: str, at: datetime) -> Comparison:
    """``told``: what ``told_by`` has of the record that was served; None: nothing."""
    subject, id_ = name_of(served)
    found = differences(served, told or Withdrawn(subject, id_, told_by, at))
    return Comparison(subject, id_, served.source.system, told_by, at, tuple(_named(found)))


def _named(found: Iterable[Discrepancy]) -> Iterator[Difference]:
    for each in found:
        field = _field(each.part)
        if field not in ITS_OWN:
            yield Difference(field, each.part, each.remembered, each.told)


def _field(part: str) -> str:
    """``lines.10.ordered`` is ``lines.ordered``; a line on one side only is ``lines``."""
    if not part:
        return WHOLE
    first, *inner = part.split(".")
    return f"{first}.{inner[-1]}" if inner and inner[-1] in FIELDS else first
