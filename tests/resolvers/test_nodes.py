"""Global ids are opaque, survive any text, and never raise on what a client makes up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadInput
from resolvers import nodes


@given(kind=st.sampled_from(["Order", "Invoice"]), local=st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_an_id_comes_back_as_it_went(kind: str, local: str) -> None:
    assert nodes.decode(nodes.encode(kind, local)) == (kind, local)


@given(st.text())
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = nodes.decode(text)
    assert found is None or (found[0] + found[1] and nodes.decode(nodes.encode(*found)) == found)


@pytest.mark.parametrize("text", ["", "=", "\u00e9", "T3JkZXI", nodes.encode("Order", ""), "T3JkZXI6MQ==\n", "ÿ" * 9])
def test_what_we_could_not_have_made_names_nothing(text: str) -> None:
    assert nodes.decode(text) is None


def test_an_id_of_another_kind_names_nothing() -> None:
    assert nodes.local_id("Invoice", nodes.encode("Order", "00")) is None
    assert nodes.local_id("Order", nodes.encode("Order", "00")) == "00"


@pytest.mark.parametrize("given_", [{"id": None, "number": None}, {"id": "a", "number": "b"}])
def test_exactly_one_argument_is_asked_for(given_: dict[str, str | None]) -> None:
    with pytest.raises(BadInput, match="exactly one of id, number"):
        nodes.exactly_one(**given_)
