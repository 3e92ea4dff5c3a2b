"""XML from outside, parsed so that it can neither grow, nor fetch, nor be read in a character set nobody stated."""

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
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
"""Marks ("<" and "=") in an answer that is parsed whole. Each costs up to 260 bytes of tree; beyond, records are parsed
and dropped one by one, which takes a fifth more time, and a single record may not have more.
"""
STEP: Final = 64 * 1024

MARKS: Final = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DECLARATION: Final = re.compile(rb"""<\?xml\s[^>]*?\bencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]*)["']""")


class Unreadable(ValueError):
    """Not the XML we accept."""


def parse(body: bytes, content_type: str = "") -> _Element:
    """The document's root. ``content_type``: the HTTP header. Raises ``Unreadable``."""
    if _marks(body) > AT_ONCE:
        raise Unreadable("has more elements than any such document needs")
    with _as_unreadable():
        return _accepted(etree.fromstring(body, etree.XMLParser(**OPTIONS, encoding=_charset(body, content_type))))


def parse_records(body: bytes, content_type: str, record: str, take: Callable[[_Element], None]) -> _Element:
    """The root, after ``take`` has seen each element named ``record`` ("{namespace}name") that is in no other such.

    In a large document an element is gone once taken. Raises ``Unreadable``, possibly after some were taken.
    """
    if _marks(body) <= AT_ONCE:
        root = parse(body, content_type)
        for element in root.iter(record):
            if next(element.iterancestors(record), None) is None:
                take(element)
        return root
    with _as_unreadable():
        return _pulled(body, content_type, record, take)


def _pulled(body: bytes, content_type: str, record: str, take: Callable[[_Element], None]) -> _Element:
    parser: Any = etree.XMLPullParser(("start", "end"), tag=record, **OPTIONS, encoding=_charset(body, content_type))
    open_, since = 0, 0
    for piece in _pieces(body):
        since += _marks(piece)
        if since > AT_ONCE:
            raise Unreadable("has a record larger than any record is")
        parser.feed(piece)
        for event, element in parser.read_events():
            open_ += 1 if event == "start" else -1
            if event == "end" and not open_:
                take(element)
                _drop(element)
                since = 0
    return _accepted(parser.close())


@contextmanager
def _as_unreadable() -> Iterator[None]:
    try:
        yield
    except (etree.LxmlError, LookupError) as error:
        raise Unreadable(f"is not well-formed: {error}") from error


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + STEP] for at in range(0, len(body), STEP))


def _drop(element: _Element) -> None:
    """Frees the element's content and what came before it; itself must stay while the parser stands in it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _marks(body: bytes) -> int:
    return body.count(b"<") + body.count(b"=")


def _charset(body: bytes, content_type: str) -> str | None:
    """The character set of the HTTP header (RFC 7303 section 3) where the document itself states none.

    Where both state one and they differ, nobody can know which is right.
    """
    if "charset" not in content_type.lower():
        return None
    header = Message()
    header["Content-Type"] = content_type
    stated, own = header.get_content_charset(), _own_charset(body)
    if stated and own and codecs.lookup(stated) != codecs.lookup(own) and not body.isascii():
        raise Unreadable(f"is {own} by its own word, {stated} by its header's")
    return None if own else stated


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
