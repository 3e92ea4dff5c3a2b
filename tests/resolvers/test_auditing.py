"""What was shown is recorded once, by entity and scope, before it goes out; where it cannot be, nothing does."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from domain.access import Principal, PrincipalKind
from domain.audit import READ, Entry, Item, Outcome
from domain.errors import SourceUnavailable
from domain.model import CustomerId
from resolvers.auditing import Audit, watched
from store.database import StoreUnavailable
from tests.domain.samples import NOW, invoice, line, order

GUARDED = {
    ("Order", "totals"): frozenset({"price:read"}),
    ("Order", "erpStatus"): frozenset({"internal:read"}),
    ("Line", "unitPrice"): frozenset({"price:read"}),
    ("Invoice", "total"): frozenset({"invoice:read"}),
    ("Invoice", "documents"): frozenset({"document:read"}),
    ("Aging", "over90"): frozenset({"balance:read"}),
}


@dataclass(frozen=True)
class Guards:
    """The scopes of GUARDED."""

    def scopes_of(self, fields: frozenset[tuple[str, str]]) -> frozenset[str]:
        return frozenset[str]().union(*(GUARDED.get(each, frozenset()) for each in fields))


@dataclass
class Book:
    """A ledger that is full once ``room`` entries are in it."""

    room: int = 100
    entries: list[Entry] = field(default_factory=list)

    async def append(self, entries: Sequence[Entry]) -> None:
        if len(self.entries) + len(entries) > self.room:
            raise StoreUnavailable("Memory is not to be had.", detail="the disk is full")
        self.entries += entries


BUYER = Principal("buyer", PrincipalKind.PORTAL_USER, frozenset({"price:read"}), account=CustomerId("C1"))


def audit(ledger: Book | None) -> Audit:
    return Audit(ledger, BUYER, correlation_id="c-1", now=lambda: NOW)


def test_what_is_guarded_by_an_audited_scope_is_watched_and_invoices_as_a_whole() -> None:
    fields = [*GUARDED, ("Invoice", "number"), ("Order", "number")]
    assert [each for each in fields if watched(each, GUARDED.get(each, frozenset()))] == [
        ("Order", "totals"),
        ("Line", "unitPrice"),
        ("Invoice", "total"),
        ("Invoice", "documents"),
        ("Invoice", "number"),
    ]


async def test_what_was_shown_is_one_record_of_entities_by_scope() -> None:
    book = Book()
    shown = audit(book)
    for number in ("SO2", "SO1", "SO2"):
        shown.seen["Order", "totals"].append(order(id=number))
        shown.seen["Line", "unitPrice"] += [line(order_id=number), line(order_id=number)]
    shown.seen["Invoice", "total"].append(invoice(id="INV-1"))
    shown.seen["Invoice", "number"].append(invoice(id="INV-1"))
    shown.seen["Invoice", "documents"].append(invoice(id="INV-1"))
    shown.saw("Customer", ["C2", "C1", "C2"], "balance:read", "Export.balance")
    await shown.flush(Guards())
    items = (
        Item("Order", "price:read", ("SO1", "SO2"), ("Line.unitPrice", "Order.totals")),
        Item("Invoice", "invoice:read", ("INV-1",), ("Invoice.number", "Invoice.total")),
        Item("Invoice", "document:read", ("INV-1",), ("Invoice.documents",)),
        Item("Customer", "balance:read", ("C1", "C2"), ("Export.balance",)),
    )
    assert book.entries == [Entry(NOW, "buyer", "PORTAL_USER", "C1", READ, items, "c-1", Outcome.SHOWN)]
    await shown.flush(Guards())
    assert len(book.entries) == 1


@pytest.mark.parametrize("ledger", [Book(), None], ids=["remembering", "remembering nothing"])
async def test_an_answer_that_shows_nothing_of_the_kind_is_not_recorded(ledger: Book | None) -> None:
    await audit(ledger).flush(Guards())
    assert ledger is None or ledger.entries == []


@pytest.mark.parametrize("ledger", [Book(room=0), None], ids=["full", "remembering nothing"])
async def test_what_cannot_be_recorded_is_not_shown(ledger: Book | None) -> None:
    shown = audit(ledger)
    shown.seen["Invoice", "total"].append(invoice())
    with pytest.raises(SourceUnavailable) as raised:
        await shown.flush(Guards())
    assert (raised.value.code, raised.value.source) == ("SOURCE_UNAVAILABLE", "audit")
    assert "disk" not in raised.value.public


async def test_what_nobody_has_a_name_for_is_not_shown_unrecorded() -> None:
    shown = audit(Book())
    shown.seen["Invoice", "total"].append(object())
    with pytest.raises(AttributeError):
        await shown.flush(Guards())


async def test_an_action_is_told_to_whoever_commits_it_and_not_again() -> None:
    book = Book()
    acting = audit(book)
    about = Item("Order", "ops:write", ("SO1",))
    with acting.acting("resolveException", about, id="x", note="called", reason=None) as entry:
        pass
    said = {"id": "x", "note": "called"}
    assert entry == Entry(NOW, "buyer", "PORTAL_USER", "C1", "resolveException", (about,), "c-1", Outcome.DONE, said)
    await acting.flush(Guards())
    assert book.entries == []


async def test_an_action_that_fails_is_recorded_as_tried() -> None:
    book = Book()
    acting = audit(book)
    with pytest.raises(ZeroDivisionError), acting.acting("reconcile"):
        raise ZeroDivisionError
    await acting.flush(Guards())
    assert [(each.action, each.outcome) for each in book.entries] == [("reconcile", Outcome.FAILED)]
