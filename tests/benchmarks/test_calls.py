"""Every example query has a budget of upstream calls; tests/e2e/test_calls.py holds each to it."""

from benchmarks import calls

KEPT = {"orders": {"erp": {"search": 1}, "ups": {"track": 3}}}


def test_every_document_has_an_asker_and_a_budget() -> None:
    assert calls.documents().keys() == calls.ASKED_BY.keys() == calls.budgets().keys()


def test_fewer_calls_are_welcome() -> None:
    assert calls.grown({"orders": {"erp": {"search": 1}, "ups": {"track": 2}}}, KEPT) == []


def test_each_count_above_its_budget_is_told() -> None:
    counts = {"orders": {"erp": {"search": 2, "getList": 1}, "ups": {"track": 3}}, "new": {"wms": {"orders.query": 1}}}
    assert calls.grown(counts, KEPT) == [
        "orders: erp search 2 > 1",
        "orders: erp getList 1 > 0",
        "new: wms orders.query 1 > 0",
    ]
