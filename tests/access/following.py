"""What subscribers are told: the whole log of changes, from its beginning, each caller by a stream of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from resolvers import changes
from resolvers.changes import Changes
from server.graphql_operations import Operations
from server.graphql_request import GraphQLRequest
from tests.access.asking import Crossdock
from tests.access.documents import whole
from tests.access.oracle import EVERYBODY, Caller, Facts, allowed, hears

OF_AN_ORDER: Final = ("ORDER", "INVOICE", "RETURN")
"""What an order's follower is told of."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A field of Subscription, called with ``variables`` and after a cursor."""

    root: str
    type_: str
    call: str
    variables: Mapping[str, Any]

    def document(self, near: int) -> str:
        declared = "".join(f", ${name}: {'ID' if '(id:' in self.call else 'String'}" for name in self.variables)
        return f"subscription ($after: String!{declared}) {{ {self.call} {{ {whole(self.type_, near)} }} }}"


async def follow(crossdock: Crossdock, facts: Facts, callers: Sequence[Caller], near: int) -> None:
    """All there is to follow, by everybody at once; of one account, one order and one shipment what is told of them."""
    all_of_it = Subscription("customerActivity", "Activity", "customerActivity(after: $after)", {})
    news = await _told(crossdock, [EVERYBODY, *callers], all_of_it, near)
    heard = news[0]
    _judge(crossdock, facts, callers, all_of_it, heard, news)
    order = next(each for each in heard if each["kind"] == "INVOICE")["order"]["number"]
    shipment = next(each for each in heard if each["kind"] == "SHIPMENT")["id"]
    account = next(each for each in heard if each["kind"] == "RETURN")["customer"]["number"]
    for subscription, of_it in (
        (
            Subscription("customerActivity", "Activity", "customerActivity(number: $n, after: $after)", {"n": account}),
            [each for each in heard if each["customer"]["number"] == account],
        ),
        (
            Subscription("orderUpdated", "OrderUpdate", "orderUpdated(number: $n, after: $after)", {"n": order}),
            [each for each in heard if each["kind"] in OF_AN_ORDER and each["order"]["number"] == order],
        ),
        (
            Subscription(
                "shipmentUpdated", "ShipmentUpdate", "shipmentUpdated(id: $n, after: $after)", {"n": shipment}
            ),
            [each for each in heard if each["id"] == shipment],
        ),
    ):
        _judge(
            crossdock,
            facts,
            callers,
            subscription,
            of_it,
            await _told(crossdock, [EVERYBODY, *callers], subscription, near),
        )


def _judge(
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


async def _told(
    crossdock: Crossdock, callers: Sequence[Caller], subscription: Subscription, near: int
) -> list[list[Any]]:
    """All that each is told of the log as it is now."""
    operations: Operations = crossdock.state["graphql"]._operations
    document = subscription.document(near)

    async def read(caller: Caller) -> list[Any]:
        session = await crossdock.session(caller)
        seal = operations.context(session.principal, "").policy.seal  # type: ignore[attr-defined]  # a resolvers' own
        begun = changes.cursor(seal, session.principal, 0)
        request = GraphQLRequest(document, None, dict(subscription.variables) | {"after": begun})
        prepared = operations.prepare(request, session.principal)
        told = []
        async with aclosing(operations.answers(prepared, request, session.principal, "access")) as answers:
            async for answer in answers:
                crossdock.refused(caller, subscription.root, answer)
                update = (answer.get("data") or {}).get(subscription.root)
                told += [update] if update else []
        return told

    everybody = await crossdock.session(EVERYBODY)
    hub: Changes = operations.context(everybody.principal, "").changes  # type: ignore[attr-defined]  # a resolvers' own
    reading = [asyncio.create_task(read(caller)) for caller in callers]
    await _taken(hub, reading)
    await hub.close()
    return await asyncio.gather(*reading)


async def _taken(hub: Changes, reading: Sequence[asyncio.Task[Any]]) -> None:
    """Waits until whoever listens has the whole log before it."""
    head = await hub.head()
    assert 0 < head <= changes.PAGE, head
    async with asyncio.timeout(60):
        while hub.listening < sum(not each.done() for each in reading) or any(
            listener.position < head for listener in hub._listeners
        ):
            await asyncio.sleep(0.02)
