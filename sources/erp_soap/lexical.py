"""What XML Schema's built-in types look like as text, and the exact values they stand for.

Every function takes the text of an element or attribute and raises ValueError for text outside its type's lexical space
(XML Schema Part 2, second edition). White space around a value that is no string means nothing; anywhere else it does.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from domain.values import Moment, Precision

LONGEST = 64
"""Characters; a longer number or date is an attack."""
LARGEST_EXPONENT = 99
REMEMBERED = 4096
"""How many texts of a kind are kept with their values; records repeat themselves."""

SPACE = " \t\r\n"
DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
DOUBLE = re.compile(DECIMAL.pattern + r"(?:[eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"[+-]?[0-9]+")
ZONE = r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
DATE = re.compile(r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})" + ZONE)
DATE_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})T(?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]+))?" + ZONE
)
MIDNIGHT_AFTER = "24:00:00"
FURTHEST_ZONE = timedelta(hours=14)
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def sayable(text: str) -> bool:
    """Whether XML 1.0 can hold ``text`` (production 2, Char); a key that it cannot is in no record."""
    return UNSAYABLE.search(text) is None


def token(text: str) -> str:
    """White space collapsed, as ``xs:token`` and what derives from it ask for."""
    return " ".join(re.split("[ \t\r\n]+", text.strip(SPACE)))


@lru_cache(REMEMBERED)
def decimal(text: str) -> Decimal:
    """The number as written, its trailing zeros too."""
    return Decimal(_matched(DECIMAL, text))


@lru_cache(REMEMBERED)
def double(text: str) -> Decimal:
    """The number as written, never through a binary float. INF and NaN are no amounts."""
    number = Decimal(_matched(DOUBLE, text))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or max(abs(exponent), abs(number.adjusted())) > LARGEST_EXPONENT:
        raise ValueError("is larger or finer than any amount")
    return Decimal(format(number, "f")) if exponent > 0 else number


def integer(text: str) -> int:
    return int(_matched(INTEGER, text))


def whole(bits: int) -> Callable[[str], int]:
    """Integers of so many bits, two's complement."""
    lowest, highest = -(1 << bits - 1), (1 << bits - 1) - 1

    @lru_cache(REMEMBERED)
    def bounded(text: str) -> int:
        value = integer(text)
        if not lowest <= value <= highest:
            raise ValueError(f"is no integer of {bits} bits")
        return value

    return bounded


def boolean(text: str) -> bool:
    value = BOOLEANS.get(text)
    if value is None:
        value = BOOLEANS.get(text.strip(SPACE))
    if value is None:
        raise ValueError("is not true, false, 1 or 0")
    return value


@lru_cache(REMEMBERED)
def day(text: str) -> date:
    """A calendar date; a zone does not make it another day."""
    found = DATE.fullmatch(text.strip(SPACE))
    if found is None or len(text) > LONGEST:
        raise ValueError("is not a date")
    _zone(found["zone"])
    return date.fromisoformat(found["date"])


def moment(text: str) -> Moment:
    """An instant with its offset; without an offset, a local time. Finer than a microsecond is cut off."""
    stated = text.strip(SPACE)
    found = DATE_TIME.fullmatch(stated)
    if found is None:
        raise ValueError("is not a date and time")
    clock, fraction, zone = found.group("time", "fraction", "zone")
    _zone(zone)
    ends_day = clock == MIDNIGHT_AFTER and not (fraction or "").strip("0")
    try:
        if ends_day:
            local = datetime.fromisoformat(stated.replace("T24", "T00")) + timedelta(days=1)
        else:
            local = datetime.fromisoformat(stated)
        if zone is None:
            return Moment(local.replace(tzinfo=UTC), None, Precision.LOCAL)
        return Moment.from_aware(local)
    except OverflowError as error:
        raise ValueError("is beyond the calendar") from error


def choice(values: frozenset[str]) -> Callable[[str], str]:
    """One of an enumeration's values."""

    def chosen(text: str) -> str:
        if text not in values:
            raise ValueError("is none of the values allowed")
        return text

    return chosen


def _matched(pattern: re.Pattern[str], text: str) -> str:
    number = text.strip(SPACE)
    if len(text) > LONGEST or not pattern.fullmatch(number):
        raise ValueError("is not a number of its type")
    return number


@lru_cache(REMEMBERED)
def _zone(text: str | None) -> None:
    """Raises ValueError for a zone further away than any is, or with more minutes than an hour has."""
    if text is None or text == "Z":
        return
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    if offset > FURTHEST_ZONE or text[4:6] > "59":
        raise ValueError("has a zone there is none of")


PARSERS: Mapping[str, tuple[type, Callable[[str], object]]] = {
    "string": (str, str),
    "normalizedString": (str, lambda text: re.sub("[\t\r\n]", " ", text)),
    "token": (str, token),
    "anyURI": (str, token),
    "decimal": (Decimal, decimal),
    "double": (Decimal, double),
    "float": (Decimal, double),
    "integer": (int, integer),
    "long": (int, whole(64)),
    "int": (int, whole(32)),
    "short": (int, whole(16)),
    "boolean": (bool, boolean),
    "date": (date, day),
    "dateTime": (Moment, moment),
}
"""By a built-in type's name, what its values are here and how they are read."""
