from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import x12

OUTBOX = (Path(__file__).parents[1] / "fixtures/carriers/x12_214/outbox.x12").read_bytes()


def isa(control: str = "000000905", *, element: str = "*", component: str = ">", terminator: str = "~") -> str:
    elements = ("00", " " * 10, "00", " " * 10, "02", f"{'ODFL':15}", "ZZ", f"{'CROSSDOCK':15}", "261120", "1500", "U")
    return element.join(("ISA", *elements, "00401", control, "0", "P", component)) + terminator


GROUP = ("GS*QM*ODFL*CROSSDOCK*20261120*1500*905*X*004010", "ST*214*0001", "B10*1*BOL*ODFL", "SE*3*0001", "GE*1*905")
END = "IEA*1*000000905"


def one(*segments: str, start: str | None = None) -> x12.Interchange | x12.Damaged:
    (told,) = x12.read((isa() if start is None else start).encode() + "".join(f"{s}~" for s in segments).encode())
    return told


def test_separators_are_the_senders_own() -> None:
    first, second, damaged, last = x12.read(OUTBOX)
    assert isinstance(first, x12.Interchange)
    assert isinstance(second, x12.Interchange)
    assert isinstance(damaged, x12.Damaged)
    assert isinstance(last, x12.Interchange)
    assert [first.sender, second.sender, last.sender] == ["ODFL", "SAIA", "CDOF"]
    assert [len(first.sets), len(second.sets), len(last.sets)] == [1, 2, 1]
    assert first.control_number == "000000905"
    assert first.sets[0].kind == "214"
    assert first.sets[0].segments[0] == x12.Segment("B10", ("04123456789", "BOL-77", "ODFL"))
    assert first.sets[0].segments[2][2] == "HARROW & SONS <WEST>"
    assert first.sets[0].segments[2][9] == ""


def test_a_damaged_interchange_leaves_its_neighbours_whole() -> None:
    damaged = list(x12.read(OUTBOX))[2]
    assert isinstance(damaged, x12.Damaged)
    assert damaged.ended
    assert "SE01" in damaged.reason
    assert x12.Segment("B10", ("CD00000003", "R-3", "CDOF")) in damaged.segments


def test_nothing_is_no_interchange() -> None:
    assert list(x12.read(b"")) == []
    assert list(x12.read(b" \r\n\r\n")) == []


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ((*GROUP, "IEA*2*000000905"), "IEA01"),
        ((*GROUP, "IEA*1*000000906"), "IEA02"),
        ((*GROUP, "IEA*1"), "IEA02"),
        ((*GROUP[:4], "GE*2*905", END), "GE01"),
        ((*GROUP[:4], "GE*1*906", END), "GE02"),
        ((*GROUP[:3], "SE*4*0001", GROUP[4], END), "SE01"),
        ((*GROUP[:3], "SE*3*0002", GROUP[4], END), "SE02"),
        ((*GROUP[:3], "SE**0001", GROUP[4], END), "SE01"),
        ((*GROUP[:3], GROUP[4], END), "inside a transaction set"),
        ((*GROUP[:3], END), "without SE"),
        ((*GROUP[:4], END), "GS without GE"),
        ((*GROUP[1:], END), "outside a group"),
        ((GROUP[0], *GROUP[2:], END), "outside a transaction set"),
        ((GROUP[0], GROUP[1], "b10*1", *GROUP[3:], END), "inside a transaction set"),
    ],
)
def test_an_envelope_that_does_not_agree_is_damaged(segments: tuple[str, ...], reason: str) -> None:
    told = one(*segments)
    assert isinstance(told, x12.Damaged)
    assert reason in told.reason
    assert told.ended


@pytest.mark.parametrize("count", range(len(GROUP) + 1))
def test_an_interchange_that_is_cut_has_no_end(count: int) -> None:
    told = one(*GROUP[:count])
    assert isinstance(told, x12.Damaged)
    assert not told.ended
    assert len(told.segments) == count + 1


def test_a_cut_interchange_ends_where_the_next_begins() -> None:
    text = isa() + "~".join(GROUP[:3]) + "~" + isa() + "~".join((*GROUP, END)) + "~"
    cut, whole = x12.read(text.encode())
    assert isinstance(cut, x12.Damaged)
    assert not cut.ended
    assert isinstance(whole, x12.Interchange)


@pytest.mark.parametrize(
    "start",
    [
        "<html><body>please log in</body></html>",
        isa().replace("ISA*00*", "ISA*000*"),
        isa(element=" "),
        isa(element="A"),
        isa(element="~"),
        isa()[:100],
        "ISA",
        "\x00" * 200,
    ],
)
def test_what_does_not_start_like_an_interchange_is_none(start: str) -> None:
    told = list(x12.read(start.encode()))
    assert all(isinstance(part, x12.Damaged) and not part.ended for part in told)
    assert told
    after = list(x12.read((start + isa() + "~".join((*GROUP, END)) + "~").encode()))
    assert isinstance(after[-1], x12.Interchange)


def test_leading_zeros_do_not_matter() -> None:
    assert isinstance(one(*GROUP[:4], "GE*01*0905", "IEA*01*905"), x12.Interchange)


def test_text_beyond_ascii_in_either_encoding() -> None:
    segments = (*GROUP[:2], "N1*ST*MONTRÉAL", "SE*3*0001", GROUP[4], END)
    text = isa() + "".join(f"{segment}~" for segment in segments)
    for encoding in ("utf-8", "latin-1"):
        (told,) = x12.read(text.encode(encoding))
        assert isinstance(told, x12.Interchange)
        assert told.sets[0].segments[0][2] == "MONTRÉAL"


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    for told in x12.read(data):
        assert isinstance(told, x12.Damaged)


@given(st.data())
def test_no_damage_goes_unnoticed_and_none_raises(data: st.DataObject) -> None:
    """Cut anywhere, an interchange is never whole; changed anywhere, nothing raises."""
    body = (isa() + "".join(f"{segment}~" for segment in (*GROUP, END))).encode()
    cut = data.draw(st.integers(1, len(body) - 1))
    assert not any(isinstance(told, x12.Interchange) for told in x12.read(body[:cut]))
    place, byte = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 255))
    list(x12.read(body[:place] + bytes([byte]) + body[place + 1 :]))


@pytest.mark.parametrize(
    ("flood", "most"),
    [("A~" * 3 * x12.MOST_SEGMENTS, x12.MOST_SEGMENTS), (isa() * 2 * x12.MOST_SEGMENTS, x12.MOST_SEGMENTS + 1)],
    ids=["segments", "headers"],
)
def test_what_is_beyond_any_answer_is_not_read(flood: str, most: int) -> None:
    *_, last = told = list(x12.read((isa() + flood).encode()))
    assert isinstance(last, x12.Damaged)
    assert not last.ended
    assert sum(len(each.segments) for each in told if isinstance(each, x12.Damaged)) <= most


def test_a_segment_has_only_so_many_elements() -> None:
    told = one("A" + "*" * 100_000)
    assert isinstance(told, x12.Damaged)
    assert len(told.segments[1].elements) == x12.MOST_ELEMENTS
