"""Reads X12 interchanges strictly: separators from the ISA segment, every control number and count checked.

X12 has no escape character: a separator never occurs inside an element. An answer may hold several interchanges; a
damaged one is told as such and the others are still read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ISA_LENGTH = 106
"""The ISA segment is of fixed width: its 16 elements end at these places, its terminator is the last character."""
ISA_WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
HEADER = re.compile("ISA(.)" + r"\1".join(f".{{{width}}}" for width in ISA_WIDTHS), re.DOTALL)
"""What may be one; ``_separators`` decides."""

BETWEEN_SEGMENTS = "\r\n"

MOST_SEGMENTS = 50_000
"""In one answer: fifty shipments of fifty messages of twenty segments. What is beyond is not read."""
MOST_ELEMENTS = 99
"""In a segment; no segment has a third of them."""


class Malformed(ValueError):
    """The envelope is not what X12 asks for."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment; elements are numbered from 1, and one that was left out is empty."""

    name: str
    elements: tuple[str, ...]

    def __getitem__(self, position: int) -> str:
        return self.elements[position - 1] if position <= len(self.elements) else ""


@dataclass(frozen=True, slots=True)
class TransactionSet:
    """What stands between ST and SE. ``kind``: "214"."""

    kind: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Interchange:
    """``control_number`` as sent: "000000905"."""

    sender: str
    control_number: str
    sets: tuple[TransactionSet, ...]


@dataclass(frozen=True, slots=True)
class Damaged:
    """An interchange that cannot be believed. ``segments``: what could be told apart in it, in order.

    ``ended`` False: its end was not found, so nobody knows what else it held.
    """

    reason: str
    segments: tuple[Segment, ...]
    ended: bool


def read(data: bytes) -> Iterator[Interchange | Damaged]:
    """Every interchange in ``data``, damaged or whole; empty data holds none."""
    text = _text(data)
    position, left = _skip_space(text, 0), MOST_SEGMENTS
    while position < len(text):
        separators = _separators(text, position)
        if separators is None:
            following = _next_header(text, position + 1)
            yield Damaged("no interchange header", (), ended=False)
            position = following
        else:
            segments, position = _segments(text, position, *separators, most=max(left, 1))
            left -= len(segments)
            yield _interchange(segments)
        position = _skip_space(text, position)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _separators(text: str, position: int) -> tuple[str, str] | None:
    """Element separator and segment terminator, if an ISA segment of the right shape starts here."""
    header = text[position : position + ISA_LENGTH]
    if len(header) < ISA_LENGTH or not header.startswith("ISA"):
        return None
    element, component, terminator = header[3], header[104], header[105]
    if len({element, component, terminator}) < 3 or any(one.isalnum() or one == " " for one in (element, terminator)):
        return None
    widths = tuple(len(part) for part in header[4:-1].split(element))
    return (element, terminator) if widths == ISA_WIDTHS else None


def _next_header(text: str, position: int) -> int:
    while found := HEADER.search(text, position):
        position = found.start()
        if _separators(text, position):
            return position
        position += 1
    return len(text)


def _segments(text: str, position: int, element: str, terminator: str, *, most: int) -> tuple[tuple[Segment, ...], int]:
    """The segments from the ISA at ``position`` to its IEA, and where they end; without an IEA, to the next ISA.

    After ``most`` of them the text counts as ended.
    """
    segments: list[Segment] = []
    while len(segments) < most and (end := text.find(terminator, position)) >= 0:
        start = position
        while text[start] in BETWEEN_SEGMENTS and start < end:
            start += 1
        if segments and _separators(text, start):
            return tuple(segments), start
        name, *elements = text[start:end].split(element, MOST_ELEMENTS)
        segments.append(Segment(name, tuple(elements)))
        position = end + 1
        if name == "IEA":
            return tuple(segments), position
    return tuple(segments), len(text)


def _interchange(segments: Sequence[Segment]) -> Interchange | Damaged:
    header, inside, trailer = segments[0], segments[1:-1], segments[-1]
    ended = trailer.name == "IEA"
    if not ended:
        return Damaged("ISA without IEA", tuple(segments), ended)
    try:
        groups = list(_groups(iter(inside)))
        _agree("IEA01", trailer[1], len(groups))
        _agree("IEA02", trailer[2], header[13])
    except Malformed as error:
        return Damaged(str(error), tuple(segments), ended)
    return Interchange(header[6].strip(), header[13], tuple(one for group in groups for one in group))


def _groups(segments: Iterator[Segment]) -> Iterator[tuple[TransactionSet, ...]]:
    for segment in segments:
        if segment.name == "GS":
            yield tuple(_group(segment, segments))
        elif segment.name != "TA1":
            raise Malformed(f"{segment.name} outside a group")


def _group(header: Segment, segments: Iterator[Segment]) -> Iterator[TransactionSet]:
    for sets, segment in enumerate(segments):
        if segment.name == "GE":
            _agree("GE01", segment[1], sets)
            _agree("GE02", segment[2], header[6])
            return
        if segment.name != "ST":
            raise Malformed(f"{segment.name} outside a transaction set")
        yield _set(segment, segments)
    raise Malformed("GS without GE")


def _set(header: Segment, segments: Iterator[Segment]) -> TransactionSet:
    inside: list[Segment] = []
    for segment in segments:
        if segment.name == "SE":
            _agree("SE01", segment[1], len(inside) + 2)
            _agree("SE02", segment[2], header[2])
            return TransactionSet(header[1], tuple(inside))
        if not re.fullmatch(r"[A-Z][A-Z0-9]{1,2}", segment.name) or segment.name in ("ISA", "IEA", "GS", "GE", "ST"):
            raise Malformed(f"{segment.name!r} inside a transaction set")
        inside.append(segment)
    raise Malformed("ST without SE")


def _agree(name: str, told: str, expected: int | str) -> None:
    """Leading zeros do not matter, neither of counts nor of control numbers."""
    if not told or told.lstrip("0") != str(expected).lstrip("0"):
        raise Malformed(f"{name} is {told!r}, expected {expected!r}")
