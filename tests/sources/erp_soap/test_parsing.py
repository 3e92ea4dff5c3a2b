"""XML from outside can neither grow, nor fetch, nor change its letters."""

from collections.abc import Callable, Iterator

import psutil
import pytest
from lxml.etree import _Element

from sources.erp_soap.parsing import STEP, Unreadable, parse, parse_in_pieces, parse_records
from tests.sources.xml_attacks import ATTACKS, UNREAD

MIB = 1024 * 1024


def in_pieces(body: bytes, content_type: str, record: str, take: Callable[[_Element], None]) -> _Element:
    steps = parse_in_pieces(body, content_type, record, take)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            root: _Element = end.value
            return root


READS = pytest.mark.parametrize("read", [parse_records, in_pieces], ids=["whole", "in pieces"])


@READS
@pytest.mark.parametrize("name", [*ATTACKS, *UNREAD])
def test_attacks_are_unreadable(name: str, read: Callable[..., _Element]) -> None:
    attack = ATTACKS[name].encode() if name in ATTACKS else UNREAD[name]
    before = psutil.Process().memory_info().rss
    with pytest.raises(Unreadable):
        parse(attack)
    with pytest.raises(Unreadable):
        read(attack, "", "a", lambda _: None)
    assert psutil.Process().memory_info().rss - before < 64 * MIB


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("<a>é</a>".encode(), "", "é"),
        ("<a>é</a>".encode(), "text/xml; charset=utf-8", "é"),
        ("<a>é</a>".encode("utf-8-sig"), "text/xml", "é"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"), "text/xml", "é"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1"), 'text/xml; charset="latin1"', "é"),
        ('<?xml version="1.0"?><a>é</a>'.encode("latin-1"), "text/xml; charset=iso-8859-1", "é"),
        ("<a>€</a>".encode("cp1252"), "TEXT/XML;CHARSET=windows-1252", "€"),
        ('<?xml version="1.0" encoding="UTF-16"?><a>é東</a>'.encode("utf-16"), "text/xml; charset=utf-16", "é東"),
        (b'<?xml version="1.0" encoding="UTF-8"?><a>e</a>', "text/xml; charset=ISO-8859-1", "e"),
    ],
)
def test_the_stated_character_set_is_used(body: bytes, content_type: str, text: str) -> None:
    assert parse(body, content_type).text == text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<a>é</a>".encode("latin-1"), ""),
        ('<?xml version="1.0" encoding="UTF-8"?><a>é</a>'.encode("latin-1"), ""),
        ('<?xml version="1.0" encoding="UTF-8"?><a>é</a>'.encode(), "text/xml; charset=ISO-8859-1"),
        ("<a>é</a>".encode("utf-8-sig"), "text/xml; charset=ISO-8859-1"),
        ("<a>é</a>".encode(), "text/xml; charset=us-ascii"),
        ("<a>é</a>".encode(), "text/xml; charset=no-such-set"),
        (b'<?xml version="1.0" encoding="no-such-set"?><a/>', ""),
        ("<a>é</a>".encode("utf-16-le"), ""),
    ],
)
def test_letters_nobody_can_be_sure_of_are_unreadable(body: bytes, content_type: str) -> None:
    with pytest.raises(Unreadable):
        parse(body, content_type)


def test_comments_and_sections_do_not_split_a_text() -> None:
    assert parse(b"<a>5<!-- five -->0<?and more?>1<![CDATA[<2>]]></a>").text == "501<2>"


def document(records: int, parts: int) -> Iterator[str]:
    yield '<e xmlns="urn:x"><head>1</head><list><first/>'
    for number in range(records):
        yield f"<r n='{number}'>" + "".join(f"<p>{part}</p>" for part in range(parts)) + "</r>"
    yield "</list><tail>2</tail></e>"


@READS
@pytest.mark.parametrize("records", [3, 2_000])
def test_records_are_told_one_by_one(records: int, read: Callable[..., _Element]) -> None:
    """The second is larger than a piece."""
    body = "".join(document(records, 10)).encode()
    assert (len(body) > STEP) is (records > 3)
    seen: list[tuple[str | None, int, str | None]] = []

    def take(record: _Element) -> None:
        seen.append((record.get("n"), len(record), record[-1].text))

    root = read(body, "", "{urn:x}r", take)
    assert seen == [(str(number), 10, "9") for number in range(records)]
    assert [child.text for child in root if child.tag != "{urn:x}list"] == ["1", "2"]
    assert root[1][0].tag == "{urn:x}first"


@READS
@pytest.mark.parametrize("padding", [0, STEP])
def test_a_record_within_a_record_is_its_part(padding: int, read: Callable[..., _Element]) -> None:
    """The second is larger than a piece."""
    parts: list[int] = []
    body = f'<e xmlns="urn:x"><r><r><p/></r></r>{"<r/>" * padding}</e>'.encode()
    read(body, "", "{urn:x}r", lambda record: parts.append(len(record)))
    assert parts == [1] + [0] * padding


def test_a_large_answer_takes_no_more_memory_than_its_records() -> None:
    body = "".join(document(40_000, 10)).encode()
    before = psutil.Process().memory_info().rss
    in_pieces(body, "", "{urn:x}r", lambda _: None)
    assert psutil.Process().memory_info().rss - before < 64 * MIB


@pytest.mark.parametrize("around", ["<l>{}</l>", "<l><b/><b/>{}<b/></l>"])
def test_what_is_around_records_is_bounded_too(around: str) -> None:
    body = f"<e>{around.format('<r/>') * (4 * MIB // len(around))}</e>".encode()
    before = psutil.Process().memory_info().rss
    with pytest.raises(Unreadable, match="larger than any"):
        in_pieces(body, "", "r", lambda _: None)
    assert psutil.Process().memory_info().rss - before < 64 * MIB


@pytest.mark.parametrize("inside", ["<b/>", "<b>x</b>", '<b c="1"/>'])
def test_a_record_larger_than_any_is_unreadable(inside: str) -> None:
    body = f'<e xmlns="urn:x"><r>{inside * (8 * MIB // len(inside))}</r></e>'.encode()
    before = psutil.Process().memory_info().rss
    with pytest.raises(Unreadable, match="larger than any"):
        in_pieces(body, "", "{urn:x}r", lambda _: None)
    assert psutil.Process().memory_info().rss - before < 64 * MIB
