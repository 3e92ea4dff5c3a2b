"""XML from outside, parsed so that it can neither grow, nor fetch, nor be read in a character set nobody stated."""

import codecs
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from email.message import Message
from functools import lru_cache
from typing import Any, Final

from lxml import etree
from lxml.etree import _Element

OPTIONS: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "dtd_validation": False,
    "attribute_defaults": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
"""libxml2 then refuses more than 256 levels, texts over 10 MB, and entities that multiply."""

AT_ONCE: Final = 100_000
"""Marks ("<" and "=") in what is parsed whole, and in a single record. Each costs up to 260 bytes of tree."""
STEP: Final = 16 * 1024
"""Bytes parsed between two rests: an order or two, some 0.7 ms. Smaller steps cost time, larger ones hold others up."""

MARKS: Final = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DECLARATION: Final = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")


NAMES: Final = (
    re.compile(rb"<([^\s/>]+)"),
    re.compile(rb"\s([^\s=<>\"']+)\s*="),
    re.compile(rb"xmlns[^=<>]*=\s*[\"']([^\"']*)"),
)
"""Elements, attributes and namespaces."""
MOST_NAMES: Final = 5_000


class Unreadable(ValueError):
    """Not the XML we accept."""


def parse(body: bytes, content_type: str = "") -> _Element:
    """The document's root. ``content_type``: the HTTP header. Raises ``Unreadable``."""
    if len(body) > AT_ONCE and marks(body) > AT_ONCE:
        raise Unreadable("has more elements than any such document needs")
    with _as_unreadable():
        return _accepted(etree.fromstring(body, etree.XMLParser(**OPTIONS, encoding=_charset(body, content_type))))


def parse_records(body: bytes, content_type: str, record: str, take: Callable[[_Element], None]) -> _Element:
    """The root, after ``take`` has seen each element named ``record`` ("{namespace}name") that is in no other such.

    Raises ``Unreadable``.
    """
    root = parse(body, content_type)
    for element in root.iter(record):
        if next(element.iterancestors(record), None) is None:
            take(element)
    return root


def parse_in_pieces(
    body: bytes, content_type: str, record: str, take: Callable[[_Element], None]
) -> Generator[None, None, _Element]:
    """As ``parse_records``, with a rest after each ``STEP``. An element is gone once taken, and what lay between two.

    Raises ``Unreadable``, possibly after some were taken.
    """
    with _as_unreadable():
        parser: Any = etree.XMLPullParser(
            ("start", "end"), tag=record, **OPTIONS, encoding=_charset(body, content_type)
        )
        open_, since, kept = 0, 0, 0
        for piece in _pieces(body):
            since += marks(piece)
            if kept + since > AT_ONCE:
                raise Unreadable("has a record larger than any record is")
            parser.feed(piece)
            for event, element in parser.read_events():
                open_ += 1 if event == "start" else -1
                if event == "end" and not open_:
                    take(element)
                    if not _drop(element):
                        kept += since
                    since = 0
            yield
        return _accepted(parser.close())


@contextmanager
def _as_unreadable() -> Iterator[None]:
    try:
        yield
    except (etree.LxmlError, LookupError) as error:
        raise Unreadable(f"is not well-formed: {error}") from error


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + STEP] for at in range(0, len(body), STEP))


def _drop(element: _Element) -> bool:
    """Frees the element's content, and its siblings back to the one taken before it; False when it is the first.

    The element itself must stay while the parser stands in it, and what comes before the first is the answer's.
    """
    element.clear()
    parent = element.getparent()
    if parent is None or next(element.itersiblings(element.tag, preceding=True), None) is None:
        return False
    while (before := element.getprevious()) is not None:
        parent.remove(before)
        if before.tag == element.tag:
            break
    return True


def marks(body: bytes) -> int:
    """How many elements and attributes it has at most."""
    return body.count(b"<") + body.count(b"=")


def check_names(body: bytes) -> None:
    """Raises ``Unreadable`` for more different names than any schema has: libxml2 keeps each it ever met."""
    if sum(len(set(names.findall(body))) for names in NAMES) > MOST_NAMES:
        raise Unreadable("has more names than any schema")


def _charset(body: bytes, content_type: str) -> str | None:
    """The character set of the HTTP header (RFC 7303 section 3) where the document itself states none.

    Where both state one and they differ, nobody can know which is right.
    """
    stated = _stated_charset(content_type)
    if stated is None:
        return None
    own = _own_charset(body)
    if own and codecs.lookup(stated) != codecs.lookup(own) and not body.isascii():
        raise Unreadable(f"is {own} by its own word, {stated} by its header's")
    return None if own else stated


@lru_cache(64)
def _stated_charset(content_type: str) -> str | None:
    if "charset" not in content_type.lower():
        return None
    header = Message()
    header["Content-Type"] = content_type
    return header.get_content_charset() or None


def _own_charset(body: bytes) -> str | None:
    """What the document says by its byte order mark or its XML declaration."""
    for mark, charset in MARKS.items():
        if body.startswith(mark):
            return charset
    declared = DECLARATION.match(body)
    return declared[1].decode() if declared else None


def _accepted(root: _Element) -> _Element:
    info: Any = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise Unreadable("has a DOCTYPE, which SOAP 1.1 (section 3) forbids")
    return root
