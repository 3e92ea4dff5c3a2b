"""One record in trouble is its own key's error, whatever is wrong with it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from domain.access import Visibility
from domain.errors import SourceError, SourceFault, SourceUnavailable
from domain.model import CustomerId, InvoiceType, Lifecycle, Order, OrderId, ReturnId, ReturnStatus
from domain.queries import OrderQuery
from domain.values import Moment, Precision
from sources.erp_soap.adapter import BATCH, SoapErp
from tests.sources.erp_soap.described import MESSAGES
from tests.sources.erp_soap.scripted import (
    ASKED,
    BALANCES,
    BROKEN,
    CUSTOMERS,
    DOCUMENTS,
    HELD,
    NOW,
    ORDERS,
    RETURNS,
    TRICKY,
    ZERO,
    Service,
    body,
    found,
    record,
)


async def test_each_key_gets_its_own_answer(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [ORDERS]
    orders = await erp.orders([*ASKED, TRICKY], amounts=True)
    assert list(orders) == [TRICKY, HELD, BROKEN, ZERO]
    assert isinstance(orders[BROKEN], SourceFault)
    refs = service.request().findall(MESSAGES + "baseRef")
    assert [ref.attrib for ref in refs] == [{"externalId": number, "type": "salesOrder"} for number in ASKED]
    assert service.headers[0]["SOAPAction"] == '"getList"'
    order = orders[TRICKY]
    assert isinstance(order, Order)
    assert order.source.as_of == NOW
    assert order.po_number == "PO & < > \" ' ]]> ; -- % _ \\ &lt; {{7*7}} Ünïcødé łódź 東京 "
    assert order.placed_at == Moment(datetime(2026, 11, 13, 10, 50, 32, tzinfo=UTC), timedelta(hours=-6))
    zero = orders[ZERO]
    assert isinstance(zero, Order)
    assert zero.customer_id == "00"


async def test_amounts_are_not_asked_for_unless_wanted(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [ORDERS]
    for amounts in (True, False):
        orders = await erp.orders(ASKED, amounts=amounts)
        asked = service.request().findtext(f"{MESSAGES}preferences/{MESSAGES}includeAmounts")
        assert asked == str(amounts).lower()
        order = orders[TRICKY]
        assert isinstance(order, Order)
        assert (order.totals is not None) is amounts
        assert all((line.unit_price is not None) is amounts for line in order.lines)
        await erp_page(service, erp, amounts=amounts)
        assert service.request().findtext(f".//{MESSAGES}includeAmounts") == asked


async def erp_page(service: Service, erp: SoapErp, *, amounts: bool) -> None:
    kept, service.answers = service.answers, [found(record(TRICKY))]
    await erp.order_page(OrderQuery(Visibility(None), amounts=amounts))
    service.answers = kept


@pytest.mark.parametrize("element", ["rate", "amount", "subTotal", "shippingCost", "taxTotal", "total"])
async def test_amounts_that_do_not_come_are_that_orders_fault(told: tuple[Service, SoapErp], element: str) -> None:
    service, erp = told
    whole = record(TRICKY)
    service.answers = [ORDERS.replace(whole, re.sub(f"<s:{element}>[^<]*</s:{element}>", "", whole))]
    orders = await erp.orders(ASKED, amounts=True)
    assert [key for key, order in orders.items() if isinstance(order, SourceError)] == [TRICKY, BROKEN]
    assert f"{element} was asked for" in str(orders[TRICKY])
    assert isinstance((await erp.orders(ASKED, amounts=False))[TRICKY], Order)


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("<s:quantity>", "<s:quantity>1,", "item/quantity: '1,4' is not a number"),
        ("<s:units>PR</s:units>", "", "item: lacks units"),
        ("<s:revision>0</s:revision>", "<s:revision/>", "revision: '' is not a number"),
        ("<s:revision>0</s:revision>", '<s:revision xsi:nil="true"/>', "revision: may not be nil"),
        ("<s:memo>", "<s:surprise/><s:memo>", "surprise: is not in the schema"),
        ("-06:00</s:tranDate>", "-99:00</s:tranDate>", "tranDate"),
        ('externalId="USD"', 'externalId="Dollars"', "'Dollars' is no currency"),
        ('xsi:type="s:SalesOrder"', 'xsi:type="s:Invoice"', "is of the type"),
        ('xsi:type="s:SalesOrder"', 'xsi:type="s:Mystery"', "is of the type"),
        ("<s:itemList>", "<s:itemList>" * 300, ""),
        (f'externalId="{TRICKY}"', 'externalId="SO-1"', "another record came"),
        ("<s:isClosed>false", "<s:isClosed>no", "is not true"),
    ],
)
async def test_a_malformed_record_is_its_keys_fault(
    told: tuple[Service, SoapErp], was: str, now: str, words: str
) -> None:
    service, erp = told
    whole = record(TRICKY)
    assert was in whole
    service.answers = [ORDERS.replace(whole, whole.replace(was, now, 1))]
    if not words:
        with pytest.raises(SourceFault, match="not well-formed"):
            await erp.orders(ASKED, amounts=True)
        return
    orders = await erp.orders(ASKED, amounts=True)
    assert [key for key, order in orders.items() if isinstance(order, SourceError)] == [TRICKY, BROKEN]
    assert words in str(orders[TRICKY])
    assert type(orders[TRICKY]) is SourceFault


@pytest.mark.parametrize(
    ("code", "error"),
    [("UNEXPECTED_ERROR", SourceFault), ("ACCT_TEMP_UNAVAILABLE", SourceUnavailable), ("NEWS_TO_US", SourceFault)],
)
async def test_a_records_status_tells_what_kind_of_error(
    told: tuple[Service, SoapErp], code: str, error: type[SourceError]
) -> None:
    service, erp = told
    service.answers = [ORDERS.replace("UNEXPECTED_ERROR", code)]
    orders = await erp.orders(ASKED, amounts=True)
    assert type(orders[BROKEN]) is error
    assert "0010042" in str(orders[BROKEN])


async def test_codes_nobody_knows_are_kept(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    odd = record(HELD).replace("_pendingApproval", "_awaitingMoonrise").replace("<s:holdCode>", "<s:holdCode>X-")
    service.answers = [ORDERS.replace(record(HELD), odd)]
    order = (await erp.orders(ASKED, amounts=True))[HELD]
    assert isinstance(order, Order)
    assert order.lifecycle is Lifecycle.UNKNOWN
    assert (order.status_code.raw, order.status_code.known) == ("_awaitingMoonrise", False)
    assert order.hold
    assert not order.hold.code.known
    assert order.hold.message == "On hold. Please contact customer service."
    assert order.hold.reason
    service.answers = [CUSTOMERS.replace('<a:creditHold xsi:nil="true"/>', "<a:creditHold>MOON</a:creditHold>", 1)]
    customer = (await erp.customers([CustomerId(n) for n in ("00", "C-905", "nobody")]))[CustomerId("00")]
    assert not isinstance(customer, SourceError)
    assert customer.notice == "Please contact customer service about this account."
    assert customer.credit_hold
    assert (customer.credit_hold.raw, customer.credit_hold.known) == ("MOON", False)


async def test_the_other_records_as_recorded(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [CUSTOMERS, BALANCES, DOCUMENTS, RETURNS]
    accounts = await erp.customers([CustomerId(number) for number in ("00", "C-905", "nobody")])
    assert list(accounts) == ["00", "C-905"]
    owed = (await erp.receivables([CustomerId("00")]))[CustomerId("00")]
    assert not isinstance(owed, SourceError)
    assert str(owed.balance.amount) == "234890.62"
    assert service.headers[1]["SOAPAction"] == '"getCustomerBalance"'
    order = OrderId("SO-106929")
    documents = (await erp.invoices_by_order([order]))[order]
    assert not isinstance(documents, SourceError)
    assert {each.type for each in documents} == set(InvoiceType)
    memo = next(each for each in documents if each.type is InvoiceType.CREDIT_MEMO)
    assert memo.applied_to
    assert memo.amount_paid.amount + memo.balance.amount == memo.total.amount
    number = re.search(r'ReturnAuthorization" internalId="\d+" externalId="([^"]+)"', RETURNS)
    assert number
    rma = (await erp.returns([ReturnId(number[1])]))[ReturnId(number[1])]
    assert not isinstance(rma, SourceError)
    assert rma.stated is ReturnStatus.PARTIALLY_RECEIVED


async def test_a_time_without_offset_is_local(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [ORDERS.replace(".000-06:00</s:tranDate>", "</s:tranDate>")]
    order = (await erp.orders(ASKED, amounts=False))[TRICKY]
    assert isinstance(order, Order)
    assert order.placed_at.precision is Precision.LOCAL


async def test_answers_that_do_not_pair_with_the_keys_are_a_fault(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [ORDERS]
    for asked in (ASKED[:4], [*ASKED, OrderId("one more")]):
        with pytest.raises(SourceFault, match="answers to"):
            await erp.orders(asked, amounts=True)


async def test_more_keys_than_a_batch_are_several_calls(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    missing = re.search(r'<m:readResponse><m:status isSuccess="false">.*?</m:readResponse>', ORDERS)
    assert missing
    refusal = missing[0]
    assert "RCRD_DSNT_EXIST" in refusal

    def nothing(request: str) -> str:
        responses = refusal * request.count("baseRef ")
        status = '<m:status isSuccess="true"/>'
        return body(
            f"<m:getListResponse><m:readResponseList>{status}{responses}</m:readResponseList></m:getListResponse>"
        )

    service.answers = [nothing]
    asked = [OrderId(str(number)) for number in range(2 * BATCH + 1)]
    assert await erp.orders(asked, amounts=False) == {}
    assert sorted(request.count("baseRef ") for request in service.asked) == [1, BATCH, BATCH]


async def test_a_balance_of_another_account_is_a_fault(told: tuple[Service, SoapErp]) -> None:
    service, erp = told
    service.answers = [BALANCES]
    owed = await erp.receivables([CustomerId("000")])
    assert "another record came: '00'" in str(owed[CustomerId("000")])
