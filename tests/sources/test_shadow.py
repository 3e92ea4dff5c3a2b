"""Shadow mode finds every difference there is, and whoever is served notices nothing of it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from domain.access import Visibility
from domain.comparison import Comparison
from domain.model import CustomerId, Order, OrderId
from domain.queries import OrderQuery
from examples.distributor.clock import START
from examples.distributor.world.facts import OrderFacts
from sources.shadow import ROOM, Shadow
from tests.contract.erp import good
from tests.domain.samples import order
from tests.examples.company import erp as erp_view
from tests.examples.company import world
from tests.sources.coexisting import Part, TwoErps, two_erps

DAY = timedelta(days=1)

SEEDED: dict[str, Callable[[OrderFacts], OrderFacts]] = {
    "lifecycle": lambda facts: replace(facts, approved_at=None),
    "po_number": lambda facts: replace(facts, po_number=f"{facts.po_number}-2"),
    "requested_date": lambda facts: replace(facts, requested_date=(facts.requested_date or START.date()) + DAY),
    "promised_date": lambda facts: replace(facts, promised_date=(facts.promised_date or START.date()) + DAY),
    "placed_at": lambda facts: replace(facts, submitted_at=facts.submitted_at - timedelta(minutes=1)),
    "lines": lambda facts: replace(facts, lines=facts.lines[:-1], shipments=(), invoices=(), credit_memos=(), rmas=()),
    "totals": lambda facts: replace(facts, freight=facts.freight + 1),
}
"""What is otherwise in the other ERP, by field. "lifecycle" is the flip of "Open": released here, a draft there."""


def released() -> list[OrderFacts]:
    """Orders that nothing has left the warehouse of: whether they are released shows in their status alone."""
    return [
        facts
        for facts in world().newest_first
        if facts.submitted_at <= START
        and facts.approved_at
        and erp_view_of(facts) == "_pendingFulfillment"
        and len(facts.lines) > 1
    ]


def erp_view_of(facts: OrderFacts) -> str:
    return erp_view(facts.number).status


def by_field(comparisons: list[Comparison]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for each in comparisons:
        for difference in each.differences:
            found[difference.field].add(each.id)
    return dict(found)


async def compared(shadow: Shadow, count: int) -> list[Comparison]:
    """What is compared, once all of it is."""
    done: list[Comparison] = []
    running = asyncio.create_task(shadow.run())
    while len(done) + shadow.left_out < count:
        assert not running.done()
        await asyncio.sleep(0.01)
        done += shadow.take()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return done


def shadow_of(erps: TwoErps) -> Shadow:
    return Shadow({"erp": erps.present, "erp_next": erps.following}, lambda: True, now=lambda: START)


async def test_every_seeded_difference_is_found_by_its_field_and_no_other() -> None:
    orders = released()
    seeds = {facts.number: field for facts, field in zip(orders, list(SEEDED) * 3, strict=False)}
    same = {facts.number for facts in orders[len(seeds) : len(seeds) + 20]}
    missing = orders[len(seeds) + 20].number
    everything = [*seeds, *same, missing]

    def changed(facts: OrderFacts) -> OrderFacts:
        return SEEDED[seeds[facts.number]](facts) if facts.number in seeds else facts

    present = Part(lambda facts: facts.number in everything)
    following = Part(lambda facts: facts.number in everything and facts.number != missing, changed)
    async with two_erps(present, following) as erps:
        shadow = shadow_of(erps)
        for served in good(await erps.both().orders([*map(OrderId, everything)], amounts=True)).values():
            assert served.source.system == "erp"
            shadow.served(served)
        found = by_field(await compared(shadow, len(everything)))
        assert shadow.left_out == 0
    for field in SEEDED:
        assert found[field] >= {number for number, seeded in seeds.items() if seeded == field}, field
    for field in SEEDED.keys() - {"totals"}:
        assert found[field] == {number for number, seeded in seeds.items() if seeded == field}, field
    assert found["*"] == {missing}
    assert not same & {number for ids in found.values() for number in ids}


async def test_who_serves_after_the_cut_over_is_compared_with_the_one_before() -> None:
    (facts, *_) = released()
    async with two_erps(
        Part(lambda each: each.number == facts.number),
        Part(lambda each: each.number == facts.number, SEEDED["po_number"]),
    ) as erps:
        shadow = shadow_of(erps)
        number = OrderId(facts.number)
        shadow.served(good(await erps.following.orders([number], amounts=False, lines=False))[number])
        (told,) = await compared(shadow, 1)
    assert (told.served_by, told.told_by) == ("erp_next", "erp")
    assert [(each.field, each.served, each.told) for each in told.differences] == [
        ("po_number", f"{facts.po_number}-2", facts.po_number)
    ], "lines and amounts were not served, so they are not compared"


async def test_an_erp_that_is_down_is_left_out_and_what_waits_is_bounded() -> None:
    facts = released()[0]
    one = Part(lambda each: each.number == facts.number)
    async with two_erps(one, Part(lambda _: False)) as erps:
        shadow = shadow_of(erps)
        page = await erps.present.order_page(OrderQuery(Visibility(frozenset({CustomerId(facts.account)}))))
        (served,) = page.rows
        shadow.served(served)
        async with erps.broken("erp_next"):
            assert await compared(shadow, 1) == []
        assert shadow.left_out == 1
    for number in range(ROOM + 10):
        shadow.served(replace(served, id=OrderId(str(number))))
    assert shadow.left_out == 11


def test_what_no_erp_served_is_not_compared() -> None:
    shadow = Shadow({}, lambda: True, now=lambda: START)
    shadow.served(order())
    shadow.served("nothing of ours")
    assert shadow.take() == []
    assert isinstance(order(), Order)
