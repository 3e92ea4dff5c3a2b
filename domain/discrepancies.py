"""Where what we remember differs from what its owner says now: by quantity, by cent, by name, each difference apart."""

from dataclasses import dataclass

from domain.events import Subject


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference. ``kind``: what differs; ``part``: the line, package or field of the subject, empty for all of it;
    ``remembered`` and ``told``: both values as text, None for none.
    """

    subject: Subject
    id: str
    kind: str
    part: str
    remembered: str | None
    told: str | None
