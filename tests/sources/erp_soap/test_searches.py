"""Searches are asked in the ERP's words, read to their end, and never show more than was asked for."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from lxml import etree

from domain.access import Visibility
from domain.errors import SourceError, SourceFault
from domain.model import CustomerId, InvoiceId, Lifecycle
from domain.queries import Cursor, CustomerQuery, OrderFilter, OrderQuery, RecordQuery
from sources.erp_soap.adapter import MOST_VALUES, SoapErp
from tests.contract.erp import good
from tests.sources.erp_soap.described import MESSAGES
from tests.sources.erp_soap.scripted import DOCUMENTS, TRICKY, Service, account, found, record


async def test_a_search_is_read_to_its_last_page(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    more = "searchMoreWithId"
    service.answers = [
        found(account("1"), account("2", "1"), total=4, pages=3),
        found(account("3", "2"), total=4, pages=3, page=2, operation=more),
        found(account("4", "9"), total=4, pages=3, page=3, operation=more),
    ]
    below = await erp.descendants([CustomerId("1"), CustomerId("9"), CustomerId("8")])
    assert good(below) == {"1": {"2", "3"}, "9": {"4"}, "8": frozenset()}
    assert [service.request(at).findtext(MESSAGES + "searchId") for at in (1, 2)] == ["S-1 & more"] * 2
    assert [service.request(at).findtext(MESSAGES + "pageIndex") for at in (1, 2)] == ["2", "3"]


@pytest.mark.parametrize(
    "answers",
    [
        [found(account("1"), total=2)],
        [found(account("1"), account("2"), total=1)],
        [found(account("1"), total=2, pages=2), found(total=2, pages=2, page=2, operation="searchMoreWithId")],
        [found(account("1"), total=2, pages=2), found(account("2"), total=2, pages=2, operation="searchMoreWithId")],
        [found(account("1")).replace("<m:totalRecords>1</m:totalRecords>", "")],
        [found(account("1")).replace('isSuccess="true"', 'isSuccess="false"')],
        [found(account("1")).replace("searchResponse", "getListResponse")],
        [found(account("1")).replace("<m:totalPages>1", "<m:totalPages>many")],
    ],
    ids=[
        "one short",
        "one more",
        "an empty page",
        "the first page again",
        "no total",
        "failed",
        "another",
        "no number",
    ],
)
async def test_a_search_that_contradicts_itself_is_a_fault(told: tuple[Service, SoapErp], answers: list[str]) -> None:
    service, erp = told
    service.answers = [*answers]
    with pytest.raises(SourceFault):
        await erp.children([CustomerId("1")])


async def test_an_account_that_is_its_own_ancestor_ends(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [found(account("1", "2"), account("2", "1"))]
    assert good(await erp.descendants([CustomerId("1")])) == {"1": {"2"}}


async def test_a_malformed_account_hides_no_family(told: tuple[Service, SoapErp]) -> None:
    """Nobody can say who is below whom when one of them cannot be read."""
    service, erp = told
    service.answers = [found(account("2", "1"), account("3", "1").replace("externalId", "surprise", 1))]
    asked = [CustomerId("1"), CustomerId("8")]
    assert {type(answer) for answer in (await erp.descendants(asked)).values()} == {SourceFault}
    children = await erp.children(asked)
    assert isinstance(children[CustomerId("1")], SourceFault)
    assert children[CustomerId("8")] == ()


async def test_a_record_that_does_not_say_whose_it_is_makes_no_key_absent(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    whole = [match[0] for match in re.finditer("<m:record .*?</m:record>", DOCUMENTS)]
    nameless = re.sub(' externalId="[^"]*"', "", whole[0], count=1)
    service.answers = [found(nameless, whole[1])]
    known = re.search('externalId="([^"]+)"', whole[1])
    assert known
    documents = await erp.invoices([InvoiceId(known[1]), InvoiceId("another")])
    assert not isinstance(documents[InvoiceId(known[1])], SourceError)
    assert isinstance(documents[InvoiceId("another")], SourceFault)


async def test_more_accounts_than_a_condition_takes_are_merged(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    accounts = frozenset(CustomerId(f"{number:05d}") for number in range(MOST_VALUES + 2))
    first, last = "00000", f"{MOST_VALUES + 1:05d}"

    def answer(request: str) -> str:
        assert request.count("<n4:searchValue ") <= MOST_VALUES
        mine = first if f'"{first}"' in request else last
        day = {first: ("17", "13"), last: ("19", "12")}[mine]
        rows = (
            record(TRICKY)
            .replace(f'externalId="{TRICKY}"', f'externalId="O-{at}"')
            .replace('externalId="0000419"', f'externalId="{mine}"')
            .replace("2026-11-13T04:50:32", f"2026-11-{at}T00:00:00")
            for at in day
        )
        return found(*rows, total=9)

    service.answers = [lambda request: answer(request).replace("<m:totalRecords>9", "<m:totalRecords>2")]
    query = OrderQuery(Visibility(accounts), limit=3)
    page = await erp.order_page(query)
    assert [row.id for row in page.rows] == ["O-19", "O-17", "O-13"]
    assert page.more
    assert await erp.order_count(query) == 4
    whole = await erp.order_page(replace(query, limit=4))
    assert ([row.id for row in whole.rows], whole.more) == (["O-19", "O-17", "O-13", "O-12"], False)


async def test_a_page_never_shows_what_was_not_asked_for(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [found(record(TRICKY))]
    assert len((await erp.order_page(OrderQuery(Visibility(None)))).rows) == 1
    for narrower in (Visibility(frozenset({CustomerId("1")})), Visibility(None, frozenset({"elsewhere"}))):
        with pytest.raises(SourceFault, match="was not asked for"):
            await erp.order_page(OrderQuery(narrower))
    service.answers = [found(account("1").replace("</m:record>", "<a:addressbookList/></m:record>"))]
    with pytest.raises(SourceFault, match="was not asked for"):
        await erp.customer_page(CustomerQuery(Visibility(frozenset({CustomerId("2")}))))


async def test_a_page_asks_in_the_erps_words(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [found()]
    given = OrderFilter(
        lifecycles=frozenset({Lifecycle.CANCELLED, Lifecycle.CLOSED}),
        placed_after=datetime(2026, 1, 1, tzinfo=UTC),
        customer_ids=frozenset({CustomerId("2"), CustomerId("3")}),
        sku="A&B",
    )
    seen = Visibility(frozenset({CustomerId("1"), CustomerId("2")}), frozenset({"01"}))
    after = Cursor(datetime(2026, 11, 19, 15, 0, 0, 250_000, tzinfo=UTC), "00")
    await erp.order_page(OrderQuery(seen, given, after=after, limit=7, ascending=True))
    search = service.request()[0]
    assert search.get("direction") == "ascending"
    conditions = {
        etree.QName(part).localname: [*part.itertext()] or [v.get("externalId") for v in part] for part in search
    }
    assert conditions == {
        "type": ["salesOrder"],
        "entity": ["2"],
        "shipAddress": ["01"],
        "status": ["_cancelled", "_closed"],
        "item": ["A&B"],
        "tranDate": ["2026-01-01T00:00:00+00:00"],
        "startAfter": ["2026-11-19T15:00:00.250000+00:00", "00"],
    }
    assert service.request().findtext(f".//{MESSAGES}pageSize") == "7"
    await erp.return_page(RecordQuery(seen, limit=1))
    assert service.request().findtext(f".//{MESSAGES}pageSize") == "5"
    assert service.request()[0][0].text == "returnAuthorization"
