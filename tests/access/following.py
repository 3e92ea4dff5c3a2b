"""What subscribers are told: the whole log of changes, from its beginning, each caller by a stream of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from domain.access import Principal
from domain.changes import Change, Logged
from domain.events import Subject
from domain.model import CustomerId, OrderId
from domain.timeline import TimelineEvent, TimelineKind
from domain.values import Moment
from engine.execute import Context
from examples.distributor.clock import START
from resolvers import changes
from resolvers.changes import Changes
from server.graphql_operations import Operations
from server.graphql_request import GraphQLRequest
from tests.access.asking import Catalogue, Crossdock
from tests.access.company import Company
from tests.access.documents import Thing, whole
from tests.access.oracle import EVERYBODY, Caller, Facts, allowed, hears

OF_AN_ORDER: Final = ("ORDER", "INVOICE", "RETURN")
"""What an order's follower is told of."""


AFTER: Final = {"Order": "SHIPPED", "Shipment": "DELIVERED"}
"""How the schema names a status."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A field of Subscription as it is called, after the cursor ``$after``."""

    root: str
    type_: str
    call: str

    def document(self, near: int) -> str:
        return f"subscription ($after: String!) {{ {self.call} {{ {whole(self.type_, near)} }} }}"


async def follow(crossdock: Crossdock, found: Catalogue, callers: Sequence[Caller], near: int) -> None:
    """All there is to follow, by everybody at once; of one account, one order and one shipment what is told of them."""
    news = news_of(crossdock.company, found.things)
    everything = Subscription("customerActivity", "Activity", "customerActivity(after: $after)")
    told = await _told(crossdock, news, [EVERYBODY, *callers], everything, near)
    heard = told[0]
    assert len(heard) == len(news)
    _judge(crossdock, found.facts, callers, everything, heard, told)
    order = next(each for each in heard if each["kind"] == "INVOICE")["order"]["number"]
    shipment = next(each for each in heard if each["kind"] == "SHIPMENT")["id"]
    account = next(each for each in heard if each["kind"] == "RETURN")["customer"]["number"]
    ways: Mapping[Subscription, list[Any]] = {
        Subscription("customerActivity", "Activity", f'customerActivity(number: "{account}", after: $after)'): [
            each for each in heard if each["customer"]["number"] == account
        ],
        Subscription("orderUpdated", "OrderUpdate", f'orderUpdated(number: "{order}", after: $after)'): [
            each for each in heard if each["kind"] in OF_AN_ORDER and each["order"]["number"] == order
        ],
        Subscription("shipmentUpdated", "ShipmentUpdate", f'shipmentUpdated(id: "{shipment}", after: $after)'): [
            each for each in heard if each["id"] == shipment
        ],
    }
    for subscription, activity in ways.items():
        told = await _told(crossdock, news, [EVERYBODY, *callers], subscription, near)
        _judge(crossdock, found.facts, callers, subscription, activity, told)


def _judge(  # noqa: PLR0917 (as in asking)
    crossdock: Crossdock,
    facts: Facts,
    callers: Sequence[Caller],
    subscription: Subscription,
    activity: Sequence[Any],
    news: Sequence[list[Any]],
) -> None:
    """``activity``: the same news as activity, which says what each is about; ``news``: of whoever hears all, and of
    ``callers``.
    """
    truth, *told = news
    assert truth
    assert [each["at"] for each in truth] == [each["at"] for each in activity]
    for caller, theirs in zip(callers, told, strict=True):
        expected = [
            allowed(caller, facts, each)
            for each, about in zip(truth, activity, strict=True)
            if caller.reads("Subscription", subscription.root) and hears(caller, facts, about)
        ]
        where = f"{crossdock.way} {caller} {subscription.root}"
        crossdock.verdict.compare(where, truth, expected, theirs)


def news_of(company: Company, things: Sequence[Thing]) -> list[Change]:
    """Something new of each of ``things``, and of every order something else that only invoices tell."""
    orders = company.belongings()
    news = []
    for thing in things:
        order = orders.get((thing.kind, thing.number))
        told = Change(
            Subject[thing.kind.upper()],
            thing.number,
            OrderId(order.number) if order else None,
            CustomerId(order.account if order else thing.number),
            order.ship_to_id if order else None,
            START,
            None,
            AFTER.get(thing.kind, "OPEN"),
        )
        news.append(told)
        if thing.kind == "Order":
            event = TimelineEvent("e", Moment(START), TimelineKind.INVOICED, "erp", "Invoiced.")
            news.append(replace(told, before=told.after, story=(event,)))
    return news


class Log:
    """A log that holds these changes."""

    def __init__(self, news: Sequence[Change]) -> None:
        self._entries = [Logged(position, change) for position, change in enumerate(news, 1)]

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        return self._entries[after:][:limit]

    async def head(self) -> int:
        return len(self._entries)


async def _told(
    crossdock: Crossdock, news: Sequence[Change], callers: Sequence[Caller], subscription: Subscription, near: int
) -> list[list[Any]]:
    """What each is told of the news."""
    own: Operations = crossdock.state["graphql"]._operations
    hub, document = Changes(Log(news)), subscription.document(near)

    def context(principal: Principal, correlation_id: str) -> Context:
        opened: Any = own.context(principal, correlation_id)
        opened.changes = hub
        found: Context = opened
        return found

    operations = Operations(own.engine, context, deadline=own.deadline)

    async def read(caller: Caller) -> list[Any]:
        session = await crossdock.session(caller)
        seal = operations.context(session.principal, "").policy.seal  # type: ignore[attr-defined]  # a resolvers' own
        begun = changes.cursor(seal, session.principal, 0)
        request = GraphQLRequest(document, None, {"after": begun})
        prepared = operations.prepare(request, session.principal)
        told = []
        async with aclosing(operations.answers(prepared, request, session.principal, "access")) as answers:
            async for answer in answers:
                crossdock.refused(caller, subscription.root, answer)
                update = (answer.get("data") or {}).get(subscription.root)
                told += [update] if update else []
        return told

    async with asyncio.TaskGroup() as group:
        reading = [group.create_task(read(caller)) for caller in callers]
        await _taken(hub, reading)
        await hub.close()
    return [each.result() for each in reading]


async def _taken(hub: Changes, reading: Sequence[asyncio.Task[Any]]) -> None:
    """Waits until whoever listens has the whole log before it."""
    head = await hub.head()
    assert 0 < head <= changes.PAGE, head
    async with asyncio.timeout(60):
        while not _all_have(hub, head, sum(not each.done() for each in reading)):  # noqa: ASYNC110 (nobody tells when)
            await asyncio.sleep(0.02)


def _all_have(hub: Changes, head: int, streams: int) -> bool:
    return hub.listening == streams and all(listener.position >= head for listener in hub._listeners)
