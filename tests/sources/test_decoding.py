"""What is decoded of an answer is bounded by what it holds, not by what it weighs."""

import pytest

from sources.decoding import MOST, decode


def test_an_answer_in_its_shape() -> None:
    assert decode(b'{"a": [1, 2]}', dict[str, list[int]]) == {"a": [1, 2]}


@pytest.mark.parametrize("value", ["{}", "[]", "0", '""', "[[],{}]"])
def test_more_values_than_any_answer_has_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="more than 100000 values"):
        decode(f"[{','.join([value] * (MOST + 1))}]".encode(), list[object])


def test_weight_alone_is_no_reason() -> None:
    assert decode(b'["%s"]' % (b"x" * 10 * MOST), list[str]) == ["x" * 10 * MOST]


def test_what_needs_more_may_have_more() -> None:
    assert len(decode(b"[%s]" % b",".join([b"1"] * 2 * MOST), list[int], most=3 * MOST)) == 2 * MOST
