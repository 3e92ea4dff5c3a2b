"""How far a return has come, recomputed from quantities."""

import pytest

from domain.explanation import Evidence
from domain.model import Return, ReturnStatus
from domain.return_status import AUTHORIZED, EMPTY, NEXT, derive_return
from tests.domain.samples import NOW, code, return_, return_line


@pytest.mark.parametrize(
    ("about", "status"),
    [
        (return_(stated=ReturnStatus.REQUESTED), ReturnStatus.REQUESTED),
        (return_(stated=ReturnStatus.AUTHORIZED), ReturnStatus.AUTHORIZED),
        (return_(return_line(5, 2)), ReturnStatus.PARTIALLY_RECEIVED),
        (return_(return_line(5, 5), return_line(3, 0)), ReturnStatus.PARTIALLY_RECEIVED),
        (return_(return_line(5, 5)), ReturnStatus.RECEIVED),
        (return_(return_line(5, 5, 2)), ReturnStatus.PARTIALLY_CREDITED),
        (return_(return_line(5, 5, 5), return_line(3, 3, 0)), ReturnStatus.PARTIALLY_CREDITED),
        (return_(return_line(5, 5, 5)), ReturnStatus.CREDITED),
        (return_(return_line(5, 0, 5)), ReturnStatus.CREDITED),
        (return_(return_line(5, 5, 5), stated=ReturnStatus.CLOSED), ReturnStatus.CREDITED),
        (return_(return_line(5, 2, 2), stated=ReturnStatus.CLOSED), ReturnStatus.CLOSED),
        (return_(stated=ReturnStatus.CANCELLED), ReturnStatus.CANCELLED),
        (return_(return_line(5, 2), stated=ReturnStatus.CANCELLED), ReturnStatus.PARTIALLY_RECEIVED),
        (return_(stated=ReturnStatus.UNKNOWN), ReturnStatus.UNKNOWN),
        (return_(return_line(5, 5), stated=ReturnStatus.UNKNOWN), ReturnStatus.RECEIVED),
    ],
)
def test_quantities_decide(about: Return, status: ReturnStatus) -> None:
    assert derive_return(about).status is status


@pytest.mark.parametrize("stated", [ReturnStatus.RECEIVED, ReturnStatus.PARTIALLY_RECEIVED, ReturnStatus.CREDITED])
def test_the_owner_s_word_without_goods_proves_only_the_authorization(stated: ReturnStatus) -> None:
    derived = derive_return(return_(stated=stated))
    assert (derived.status, derived.explanation.rule) == AUTHORIZED
    assert derived.explanation.missing == NEXT[ReturnStatus.AUTHORIZED]


def test_the_owner_s_word_is_kept_as_evidence() -> None:
    derived = derive_return(return_(return_line(5, 2), status_code=code("_pendingReceipt")))
    assert derived.explanation.evidence == (
        Evidence("erp", "_pendingReceipt", NOW),
        Evidence("erp", "received 2 of 5", NOW),
    )


def test_without_lines_the_owner_s_word_is_all_there_is() -> None:
    derived = derive_return(return_(lines=(), stated=ReturnStatus.RECEIVED))
    assert (derived.status, derived.explanation.rule) == (ReturnStatus.RECEIVED, EMPTY)


def test_a_line_that_asks_for_nothing_holds_nothing_up() -> None:
    assert derive_return(return_(return_line(0), return_line(5, 5))).status is ReturnStatus.RECEIVED
