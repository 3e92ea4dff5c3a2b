"""Names that a stranger's document may lend to our code: nothing in it can be more than a name or a quoted text."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Collection
from typing import Final

LONGEST: Final = 36
"""Characters of a name; a longer one is cut."""
FIELDS_TAKEN: Final = frozenset({*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "date", "datetime", "order"})
"""What a field must not hide: annotations beside it would mean the field."""
RECORDS_TAKEN: Final = frozenset(
    {*dir(builtins), *keyword.kwlist}
    | {"CustomerId", "Decimal", "Lifecycle", "Moment", "Order", "OrderId", "Provenance", "RawCode", "StrEnum", "Struct"}
    | {"Codes", "CodeTable", "Meaning", "UnsetType"}
)
WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words(text: str) -> tuple[str, ...]:
    """The words of a name in any style, in ASCII and lower case; accents are dropped, other scripts too."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return tuple(word.lower() for word in WORD.findall(plain))


def field(text: str, used: Collection[str] = ()) -> str:
    """A field's name: "Größe-Nr" is "grosse_nr", "class" is "class_", "2nd" is "n_2_nd"."""
    name = "_".join(words(text))[:LONGEST].strip("_") or "unnamed"
    name = f"n_{name}" if name[0].isdigit() else name
    return _free(f"{name}_" if name in FIELDS_TAKEN else name, used, "_")


def record(text: str, used: Collection[str] = ()) -> str:
    """A class's name: "sales-order.type" is "SalesOrderType"."""
    name = "".join(word.capitalize() for word in words(text))[:LONGEST] or "Unnamed"
    name = f"N{name}" if name[0].isdigit() else name
    return _free(f"{name}Record" if name in RECORDS_TAKEN else name, used, "")


def _free(name: str, used: Collection[str], joint: str) -> str:
    found, count = name, 1
    while found in used:
        count += 1
        found = f"{name}{joint}{count}"
    return found


def quoted(text: str) -> str:
    """A Python literal of the text, in ASCII and double quotes, as ruff writes it."""
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    """A quotation mark by its number: whichever marks a formatter puts around it, it needs none before it."""
    if letter in '"\\':
        return "\\x22" if letter == '"' else "\\\\"
    return letter.encode("unicode_escape").decode() if not letter.isascii() or not letter.isprintable() else letter


def prose(text: str) -> str:
    """The text as a docstring or a remark may have it: one line of letters, digits and a few marks."""
    return re.sub(r"[^A-Za-z0-9 ._:/?=&,-]", "?", text)[:LONGEST]
