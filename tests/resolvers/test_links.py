"""Links to documents: what they hold, for how long, and that nothing else is one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.access import SCOPES, Principal, PrincipalKind
from domain.model import CustomerId
from resolvers.links import PATH, Links
from resolvers.seals import Seal

MADE = datetime(2026, 11, 2, 9, tzinfo=UTC)
LIFETIME = timedelta(seconds=60)
BUYER = Principal(
    "user-1",
    PrincipalKind.PORTAL_USER,
    frozenset(SCOPES),
    name="Ana Buyer",
    account=CustomerId("C-1"),
    ship_tos=frozenset({"S-1", "S-2"}),
    subsidiaries=frozenset(),
)


def links(seal: Seal, now: datetime = MADE) -> Links:
    return Links(seal, address="https://graph.example", lifetime=LIFETIME, now=lambda: now)


def test_a_link_brings_back_the_caller_with_every_bound_and_without_the_name() -> None:
    seal = Seal.fresh()
    link = links(seal).to(BUYER, "Invoice", "INV-1", "file-1")
    address, path, token = link.partition(PATH)
    assert (address, path) == ("https://graph.example", PATH)
    opened = links(seal).opened(token)
    assert opened is not None
    assert opened.principal == replace(BUYER, name=None)
    assert (opened.owner, opened.number, opened.document_id) == ("Invoice", "INV-1", "file-1")
    assert not [told for told in ("user-1", "INV-1", "file-1") if told in link]


@pytest.mark.parametrize(
    ("later", "good"),
    [(timedelta(0), True), (LIFETIME - timedelta(microseconds=1), True), (LIFETIME, False)],
    ids=["at once", "just before its end", "at its end"],
)
def test_it_is_good_until_its_end(later: timedelta, good: bool) -> None:
    seal = Seal.fresh()
    token = links(seal).to(BUYER, "Invoice", "INV-1", "file-1").partition(PATH)[2]
    assert (links(seal, MADE + later).opened(token) is not None) is good


def test_a_cursor_of_the_same_secret_is_no_link() -> None:
    seal = Seal.fresh()
    content = seal.borne("document link, 2").sealed(b"{}")
    assert links(seal).opened(content) is None
    assert links(seal).opened(seal.bound(BUYER, "orders").sealed(b"{}")) is None
    assert links(Seal.fresh()).opened(links(seal).to(BUYER, "Invoice", "INV-1", "file-1").partition(PATH)[2]) is None
