"""The comparison's gate lets no wrong value through, whatever words the two sides use."""

from decimal import Decimal
from typing import Any

import pytest

from benchmarks.contender import answers

THEIRS: dict[str, Any] = {
    "order": {
        "number": "SO-1",
        "status": "OPEN",
        "orderDate": "2026-01-05T06:00:00Z",
        "currency": "EUR",
        "total": 1500,
        "customer": {"id": "C1", "name": "Łódź", "email": "a@example.com", "segment": "MID", "country": "PL"},
        "lines": [{"lineNumber": 1, "sku": "S", "description": "D", "quantity": 3, "unitPrice": 500}],
        "shipments": [
            {
                "carrier": "DHL",
                "status": "CREATED",
                "shippedAt": "2026-01-06T07:00:00Z",
                "events": [{"timestamp": "2026-01-06T06:00:00Z", "code": "PU", "description": "Picked up"}],
            }
        ],
        "invoices": [
            {"number": "I1", "amount": 0.1, "currency": "EUR", "issuedAt": "2026-01-07T06:00:00Z", "paid": True}
        ],
    }
}


def ours() -> dict[str, Any]:
    total = {"amount": "1500.00", "currency": "EUR"}
    return {
        "order": {
            "number": "SO-1",
            "erpStatus": {"raw": "OPEN"},
            "orderDate": "2026-01-05T06:00:00Z",
            "totals": {"total": total},
            "customer": {"id": "C1", "name": "Łódź"},
            "lines": [
                {
                    "lineNumber": 1,
                    "item": {"sku": "S", "description": "D"},
                    "ordered": {"value": "3"},
                    "unitPrice": {"amount": "500.00"},
                }
            ],
            "shipments": [
                {
                    "carrier": {"name": "DHL"},
                    "stage": {"raw": "CREATED"},
                    "shippedAt": "2026-01-06T06:00:00Z",
                    "events": [
                        {"timestamp": "2026-01-06T06:00:00Z", "code": {"raw": "PU"}, "description": "Picked up"}
                    ],
                }
            ],
            "invoices": [
                {
                    "number": "I1",
                    "total": {"amount": "0.10", "currency": "EUR"},
                    "issuedAt": "2026-01-07",
                    "paid": "PAID",
                }
            ],
        }
    }


def compared(answer: dict[str, Any]) -> tuple[Any, Any]:
    return answers.canonical(answers.expected("Q1", THEIRS), {}), answers.canonical(answer, answers.RESHAPE)


def test_the_same_facts_in_our_words_are_equal() -> None:
    theirs, told = compared(ours())
    assert told == theirs
    assert told["order"]["total"] == Decimal(1500)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("totals", "total", "amount"), "1500.01"),
        (("lines", 0, "ordered", "value"), "4"),
        (("lines", 0, "item", "description"), "d"),
        (("shipments", 0, "shippedAt"), "2026-01-06T07:00:00Z"),
        (("shipments", 0, "stage", "raw"), "DELIVERED"),
        (("invoices", 0, "total", "amount"), "0.1000000000000000001"),
        (("invoices", 0, "issuedAt"), "2026-01-08"),
        (("invoices", 0, "paid"), "UNPAID"),
        (("customer", "name"), None),
        (("shipments",), []),
    ],
)
def test_any_other_value_differs(path: tuple[str | int, ...], value: object) -> None:
    answer = ours()
    place: Any = answer["order"]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    theirs, told = compared(answer)
    assert told != theirs


def test_a_payment_the_benchmark_has_no_word_for_is_no_answer() -> None:
    answer = ours()
    answer["order"]["invoices"][0]["paid"] = "PARTIALLY_PAID"
    with pytest.raises(KeyError):
        compared(answer)


def test_shipments_come_newest_first() -> None:
    assert answers.expected("Q5", {"shipments": [1, 2, 3]}) == {"shipments": [3, 2, 1]}
