"""Two ERPs' words on one record are compared field by field."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.comparison import WHOLE, compare
from domain.model import Lifecycle, Order
from domain.values import Quantity
from tests.domain.samples import NOW, code, hold, line, moment, order, provenance

THERE = order(line("1"), line("2"), source=provenance("erp_next"))


def _lines(order: Order, **changes: Any) -> Order:
    first, *others = order.lines
    return replace(order, lines=(replace(first, **changes), *others))


@pytest.mark.parametrize(
    ("field", "here"),
    [
        ("lifecycle", replace(THERE, lifecycle=Lifecycle.RECEIVED)),
        ("po_number", replace(THERE, po_number=None)),
        ("promised_date", replace(THERE, promised_date=date(2027, 1, 1))),
        ("hold", replace(THERE, hold=hold())),
        ("placed_at", replace(THERE, placed_at=moment(-11))),
        ("lines.ordered", _lines(THERE, ordered=Quantity.of(9))),
        ("lines.promised_date", _lines(THERE, promised_date=date(2027, 1, 1))),
        ("lines", replace(THERE, lines=THERE.lines[:1])),
    ],
)
def test_a_difference_is_named_by_its_field(field: str, here: Order) -> None:
    told = compare(replace(here, source=provenance("erp")), THERE, "erp_next", NOW)
    assert (told.served_by, told.told_by, told.id) == ("erp", "erp_next", THERE.id)
    assert [each.field for each in told.differences] == [field]


def test_a_record_that_the_other_does_not_have_differs_as_a_whole() -> None:
    assert [each.field for each in compare(order(), None, "erp_next", NOW).differences] == [WHOLE]


def test_what_each_counts_by_itself_and_its_own_word_for_a_status_is_no_difference() -> None:
    here = order(status_code=code("_pendingFulfillment"), modified_at=moment(-1), revision=4)
    there = order(status_code=code("Open"), source=provenance("erp_next"))
    assert compare(here, there, "erp_next", NOW).differences == ()
    assert compare(replace(here, po_number="X"), there, "erp_next", NOW).differences[0].field == "po_number"
