"""Why a status is what it is: the rule that held, the evidence it held on, and what has to come next (requirement G7).

Explanations are public: no amounts, no free text of a source, no code that speaks of what stays inside (A4).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from domain.values import Code

S = TypeVar("S", bound=StrEnum)

INSIDE = re.compile(
    r"credit(?![ _-]?memo)|collect|fraud|margin|profit|dunning|delinquen|bad[ _-]?debt|over[ _-]?due|past[ _-]?due"
    r"|bankrupt|blacklist|risk",
    re.IGNORECASE,
)
"""Words of receivables and of judgement that a customer never reads."""

WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing a source said. ``code``: its raw code, or our word for a fact that has none ("ship confirm")."""

    source: str
    code: str
    at: datetime | None

    @classmethod
    def of(cls, source: str, code: Code, at: datetime | None) -> "Evidence":
        """A source's raw code as evidence, withheld when it speaks of what stays inside ("CREDIT HOLD")."""
        return cls(source, WITHHELD if INSIDE.search(code.raw) else code.raw, at)


@dataclass(frozen=True, slots=True)
class Explanation:
    """``rule``: the one stable sentence that held. ``missing``: what the next step waits for, who could not be read."""

    rule: str
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Derived(Generic[S]):
    """A status with its reasons."""

    status: S
    explanation: Explanation


def unreadable(source: str) -> str:
    """What is missing when a source failed, by its configured name."""
    return f"{source} could not be read"


def plain(value: Decimal) -> str:
    """A count as people write it: "4", "2.5", never "4.000" or "1E+2"."""
    return format(value.normalize(), "f") if value else "0"
