"""What a follower is told: only what they asked for, may see at that moment, and may read."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from domain.access import Principal, PrincipalKind
from domain.errors import BadInput, SourceUnavailable
from domain.events import Subject
from domain.model import CustomerId, OrderId, ShipmentId
from domain.timeline import TimelineKind
from resolvers import changes, following, nodes
from resolvers.changes import Changes
from resolvers.context import Context
from resolvers.following import Following, Happening
from tests.domain import samples
from tests.server.live import PATIENCE, Company, event
from tests.server.provider import NOW

READS = frozenset(("order:read", "invoice:read", "return:read"))
LAST = "last"
Open = Callable[..., Context]


@pytest.fixture
async def company() -> Company:
    return Company()


@pytest.fixture
async def caller(company: Company) -> AsyncIterator[Open]:
    """Opens a context: a portal user's of account 0017 unless told otherwise."""
    hub, estate = Changes(company.log), company.estate()

    def opened(**given: Any) -> Context:
        facts: dict[str, Any] = {
            "subject": "t:u",
            "kind": PrincipalKind.PORTAL_USER,
            "scopes": READS,
            "account": CustomerId("0017"),
        }
        return Context(Principal(**(facts | given)), estate, now=lambda: NOW, correlation_id="c", changes=hub)

    yield opened
    await hub.close()


async def told(company: Company, source: Following) -> list[Happening]:
    """All that is told up to now."""
    company.happens(LAST)
    heard: list[Happening] = []
    async with asyncio.timeout(PATIENCE):
        async for each in source:
            if each.change.id == LAST:
                break
            heard.append(each)
    await source.aclose()
    return heard


async def hear(source: Following) -> Happening:
    async with asyncio.timeout(PATIENCE):
        return await anext(source)


def ids(heard: list[Happening]) -> list[str]:
    return [each.change.id for each in heard]


async def everything(context: Context) -> Following:
    return await following.activity(context, id=None, number=None, after=None)


async def test_a_portal_user_hears_of_their_accounts_and_of_no_other(company: Company, caller: Open) -> None:
    company.below["0017"] = {"0018"}
    source = await everything(caller())
    company.happens("SO1")
    company.happens("SO2", customer_id=CustomerId("0018"))
    company.happens("SO3", customer_id=CustomerId("0019"))
    company.happens("0019", subject=Subject.CUSTOMER, customer_id=CustomerId("0019"), order_id=None)
    assert ids(await told(company, source)) == ["SO1", "SO2"]


async def test_a_portal_user_without_an_account_hears_nothing(company: Company, caller: Open) -> None:
    source = await everything(caller(account=None))
    company.happens("SO1")
    hearing = asyncio.ensure_future(anext(source))
    listener = await everything(caller())
    company.happens("SO2")
    assert (await hear(listener)).change.id == "SO2"
    assert not hearing.done()
    hearing.cancel()


async def test_customer_service_hears_of_every_account(company: Company, caller: Open) -> None:
    source = await everything(caller(kind=PrincipalKind.SERVICE, account=None))
    company.happens("SO1")
    company.happens("SO2", customer_id=CustomerId("0019"))
    assert ids(await told(company, source)) == ["SO1", "SO2"]


async def test_who_is_bound_to_ship_tos_hears_of_those_and_of_the_account(company: Company, caller: Open) -> None:
    source = await following.activity(caller(ship_tos=frozenset("A")), id=None, number=None, after=None)
    company.happens("SO1", ship_to_id="A")
    company.happens("SO2", ship_to_id="B")
    company.happens("SO3", ship_to_id=None)
    company.happens("0017", subject=Subject.CUSTOMER, order_id=None)
    company.happens(LAST, ship_to_id="A")
    assert ids([await hear(source) for _ in range(3)]) == ["SO1", "0017", LAST]


async def test_who_loses_an_account_hears_no_more_of_it(company: Company, caller: Open) -> None:
    company.below["0017"] = {"0018"}
    source = await everything(caller())
    company.happens("SO1", customer_id=CustomerId("0018"))
    assert (await hear(source)).change.id == "SO1"
    company.below.clear()
    company.happens("SO2", customer_id=CustomerId("0018"))
    assert await told(company, source) == []


async def test_while_nobody_can_say_what_a_caller_may_see_nothing_is_told(company: Company, caller: Open) -> None:
    source = await everything(caller())
    company.mute = True
    company.happens("SO1")
    with pytest.raises(SourceUnavailable):
        await hear(source)


@pytest.mark.parametrize(
    ("subject", "scope"), [(Subject.INVOICE, "invoice:read"), (Subject.RETURN, "return:read"), (Subject.SHIPMENT, None)]
)
async def test_what_needs_a_scope_is_told_only_with_it(
    company: Company, caller: Open, subject: Subject, scope: str | None
) -> None:
    without = await everything(caller(scopes=READS - {scope or ""}))
    with_it = await everything(caller())
    company.happens("X1", subject=subject, order_id=OrderId("SO1"))
    company.happens("SO1")
    assert ids(await told(company, with_it)) == ["X1", "SO1"]
    assert ids(await told(company, without)) == (["SO1"] if scope else ["X1", "SO1"])


async def test_the_story_leaves_out_what_the_caller_may_not_read(company: Company, caller: Open) -> None:
    source = await everything(caller(scopes=frozenset(("order:read",))))
    story = (event(TimelineKind.PACKED), event(TimelineKind.INVOICED), event(TimelineKind.RETURN_REQUESTED))
    company.happens("SO1", story=story)
    company.happens("SO2", story=story[1:], before="SHIPPED", after="SHIPPED")
    company.happens("SO3", story=story[1:], before="SHIPPED", after="COMPLETED")
    heard = await told(company, source)
    assert [(each.change.id, [told.kind for told in each.events]) for each in heard] == [
        ("SO1", [TimelineKind.PACKED]),
        ("SO3", []),
    ]


async def test_an_order_is_followed_by_number_or_id_with_its_invoices_and_returns(
    company: Company, caller: Open
) -> None:
    by_number = await following.order(caller(), id=None, number="SO1", after=None)
    by_id = await following.order(caller(), id=nodes.encode("Order", "SO1"), number=None, after=None)
    for number, subject in (
        ("SO1", Subject.ORDER),
        ("I1", Subject.INVOICE),
        ("R1", Subject.RETURN),
        ("S1", Subject.SHIPMENT),
    ):
        company.happens(number, subject=subject, order_id=OrderId("SO1"))
    company.happens("SO2")
    company.happens("end", order_id=OrderId("SO1"))
    for source in (by_number, by_id):
        assert ids([await hear(source) for _ in range(4)]) == ["SO1", "I1", "R1", "end"]


async def test_an_order_that_is_not_the_callers_is_followed_in_silence(company: Company, caller: Open) -> None:
    theirs = await following.order(caller(), id=None, number="SO9", after=None)
    none = await following.order(caller(), id=nodes.encode("Shipment", "SO1"), number=None, after=None)
    hearing = [asyncio.ensure_future(anext(source)) for source in (theirs, none)]
    company.happens("SO9", customer_id=CustomerId("0019"))
    company.happens("SO1")
    listener = await everything(caller())
    company.happens("SO2")
    await hear(listener)
    assert not any(each.done() for each in hearing)
    for each in hearing:
        each.cancel()


async def test_a_shipment_is_followed_by_the_number_it_has_or_comes_to_have(company: Company, caller: Open) -> None:
    company.orders = {"SO1": samples.order(customer_id=CustomerId("0017"))}
    company.shipments = {
        "S1": samples.shipment(id=ShipmentId("S1")),
        "S2": samples.shipment(samples.package(number=None), id=ShipmentId("S2")),
        "S3": samples.shipment(samples.package(number="other"), id=ShipmentId("S3")),
    }
    source = await following.shipment(caller(), id=None, tracking_number=samples.NUMBER, after=None)
    by_id = await following.shipment(caller(), id=nodes.encode("Shipment", "S3"), tracking_number=None, after=None)

    def moves(number: str) -> None:
        company.happens(number, subject=Subject.SHIPMENT, order_id=OrderId("SO1"))

    for number in ("S1", "S2", "S3"):
        moves(number)
    company.happens("SO1")
    assert (await hear(source)).change.id == "S1"
    assert (await hear(by_id)).change.id == "S3"
    moves("S1")
    assert (await hear(source)).change.id == "S1"
    company.shipments["S2"] = samples.shipment(id=ShipmentId("S2"))
    moves("S2")
    assert (await hear(source)).change.id == "S2"


async def test_one_account_is_followed_by_number_or_id(company: Company, caller: Open) -> None:
    service: dict[str, Any] = {"kind": PrincipalKind.SERVICE, "account": None}
    by_number = await following.activity(caller(**service), id=None, number="0018", after=None)
    by_id = await following.activity(caller(**service), id=nodes.encode("Customer", "0018"), number=None, after=None)
    company.happens("SO1")
    company.happens("SO2", customer_id=CustomerId("0018"))
    for source in (by_number, by_id):
        assert (await hear(source)).change.id == "SO2"


async def test_missed_is_told_once_with_the_first_thing_that_is_told(company: Company, caller: Open) -> None:
    context = caller()
    assert context.changes
    begun = changes.cursor(context.policy.seal, context.caller, await context.changes.head())
    for number in range(5):
        company.happens(f"SO{number}")
    company.log.prune(2)
    company.log.prune(3)
    source = await following.activity(context, id=None, number=None, after=begun)
    company.happens("SO9", customer_id=CustomerId("0019"))
    heard = await told(company, source)
    assert [(each.change.id, each.missed) for each in heard] == [("SO3", True), ("SO4", False)]


async def test_a_cursor_goes_on_after_what_it_came_with(company: Company, caller: Open) -> None:
    source = await everything(caller())
    company.happens("SO1")
    company.happens("SO2")
    first = await hear(source)
    again = await following.activity(caller(), id=None, number=None, after=first.cursor)
    assert ids(await told(company, again)) == ["SO2"]


@pytest.mark.parametrize("given", ["", "x", "é", "a" * 10_000, "WyJsb2ciLDBd"])
async def test_a_cursor_that_is_not_ours_is_refused(caller: Open, given: str) -> None:
    with pytest.raises(BadInput):
        await following.activity(caller(), id=None, number=None, after=given)


async def test_a_cursor_is_good_for_whom_it_was_given_to(company: Company, caller: Open) -> None:
    company.happens("SO1")
    begun = changes.cursor(caller().policy.seal, caller().caller, 0)
    assert ids(await told(company, await following.activity(caller(), id=None, number=None, after=begun))) == ["SO1"]
    for other in ({"subject": "t:v"}, {"account": CustomerId("0018")}, {"kind": PrincipalKind.SERVICE}):
        with pytest.raises(BadInput):
            await following.activity(caller(**other), id=None, number=None, after=begun)


@pytest.mark.parametrize("given", [{}, {"id": "T3JkZXI6U08x", "number": "SO1"}])
async def test_an_order_has_exactly_one_name(caller: Open, given: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        await following.order(caller(), id=given.get("id"), number=given.get("number"), after=None)


async def test_where_nothing_is_remembered_nothing_can_be_followed(company: Company) -> None:
    portal = Principal("t:u", PrincipalKind.PORTAL_USER, READS)
    context = Context(portal, company.estate(), now=lambda: NOW, correlation_id="c")
    with pytest.raises(BadInput):
        await everything(context)
