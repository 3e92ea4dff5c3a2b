"""Who ordered what when: eighteen months of orders, ever more of them towards the clock's start, and a few to come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from examples.distributor.clock import START
from examples.distributor.world import items, words
from examples.distributor.world.accounts import BUYER, STRANGER, Account
from examples.distributor.world.cases import CASES, REUSED, Case, reused
from examples.distributor.world.draft import Draft
from examples.distributor.world.facts import OrderFacts
from examples.distributor.world.items import Item, Unit
from examples.distributor.world.numbers import TRACKING, Numbering
from examples.distributor.world.stories import GENERAL

ORDERS = 5_000
"""How many are submitted before the clock starts."""
DAYS = 548.0
TOWARDS_NOW = 2.5
"""How much denser recent orders are: an order's age is a uniform share of all DAYS to this power."""
YOUNGEST = 0.02
"""Days."""
TO_COME = 48
FIRST_TO_COME = timedelta(hours=3)
BETWEEN_TO_COME = timedelta(minutes=90)
"""Orders submitted after the clock's start, none in its first hours."""
JITTER_HOURS = 6.0

BUYERS_WEIGHT = 3.5
"""How much more often each of the buyer's accounts orders than the average other."""

LINES = {1: 30, 2: 28, 3: 18, 4: 12, 6: 8, 10: 4}
BY_BASE_UNIT = tuple(Decimal(n) for n in (1, 2, 4, 5, 10, 12, 25, 48, 100))
BY_CONTAINER = tuple(Decimal(n) for n in ("1", "2", "3", "5", "8", "2.5", "0.5", "1.25"))
BY_CASE = tuple(Decimal(n) for n in (4, 6, 8, 12))
HUGE = Decimal(2)
REPEATED_SKU = 0.03
NO_PO = 0.04
ODD_PO = 0.06


Basket = tuple[Item, Unit, Decimal]
"""An item, the unit it is sold in, and how many of that."""


@dataclass(frozen=True, slots=True)
class Placement:
    """An order about to be told; ``name`` is what it is a case of, ``example`` that it is the one to show."""

    submitted_at: datetime
    account: Account
    case: Case
    name: str | None = None
    example: bool = False


@dataclass(slots=True)
class Orderbook:
    """Orders by number as submitted, order numbers by case, and by case the one that the buyer sees."""

    orders: dict[str, OrderFacts] = field(default_factory=dict)
    cases: dict[str, list[str]] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)


def orderbook(seed: int, accounts: Mapping[str, Account], catalogue: Mapping[str, Item]) -> Orderbook:
    """The same orders for the same seed."""
    rng, numbering, book = Random(seed), Numbering(), Orderbook()
    placements = _cases(rng, accounts)
    placements += _general(rng, tuple(accounts.values()), ORDERS - len(placements))
    for nth, placement in enumerate(sorted(placements, key=lambda placement: placement.submitted_at)):
        order = told(Random(seed * 1_000_003 + nth), numbering, placement, catalogue)
        book.orders[order.number] = order
        if placement.name is not None:
            book.cases.setdefault(placement.name, []).append(order.number)
            if placement.example:
                book.examples[placement.name] = order.number
    return book


# --- who and when ----------------------------------------------------------------------------------------------------


def _cases(rng: Random, accounts: Mapping[str, Account]) -> list[Placement]:
    """Each case twice for the buyer's accounts, the first being the example, and twice for other companies."""
    family = [account for account in accounts.values() if account.company == BUYER and account.subsidiary == "US"]
    others = [account for account in accounts.values() if account.company != BUYER and account.subsidiary == "US"]

    def placed(case: Case, account: Account, name: str, *, example: bool = False) -> Placement:
        submitted_at = START - timedelta(days=case.age_days, seconds=rng.randrange(int(JITTER_HOURS * 3600)))
        return Placement(submitted_at, account, case, name, example)

    def buyers(nth: int) -> tuple[Account, Account]:
        return family[nth % len(family)], family[(nth + 4) % len(family)]

    placements = []
    for nth, (name, case) in enumerate(CASES.items()):
        first, second = buyers(nth)
        placements += [
            placed(case, accounts[case.account] if case.account else first, name, example=True),
            placed(case, second, name),
            placed(case, accounts[STRANGER] if case.po_number else rng.choice(others), name),
            placed(case, rng.choice(others), name),
        ]
    for nth, carrier in enumerate(REUSED):
        now, then = reused(TRACKING[carrier](rng), carrier)
        account = buyers(nth)[0] if nth < 2 else rng.choice(others)
        name = "reused_tracking_number"
        placements += [placed(now, account, name, example=nth == 0), placed(then, rng.choice(others), name)]
    return placements


def _general(rng: Random, accounts: Sequence[Account], before_start: int) -> Iterator[Placement]:
    weights = [BUYERS_WEIGHT if account.company == BUYER else rng.uniform(0.3, 1.7) for account in accounts]
    ages = [YOUNGEST + DAYS * rng.random() ** TOWARDS_NOW for _ in range(before_start)]
    times = [START - timedelta(seconds=int(age * 86_400)) for age in ages]
    times += [START + FIRST_TO_COME + nth * BETWEEN_TO_COME for nth in range(TO_COME)]
    buyers = rng.choices(accounts, weights, k=len(times))
    stories = rng.choices(GENERAL, [weight for weight, _, _ in GENERAL], k=len(times))
    for submitted_at, account, (_, least, story) in zip(times, buyers, stories, strict=True):
        lines = max(least, rng.choices(tuple(LINES), tuple(LINES.values()))[0])
        yield Placement(submitted_at, account, Case(story, 0, lines=lines))


# --- what ------------------------------------------------------------------------------------------------------------


def told(rng: Random, numbering: Numbering, placement: Placement, catalogue: Mapping[str, Item]) -> OrderFacts:
    """The story of one order, sent to any of its account's ship-tos."""
    case, account = placement.case, placement.account
    draft = Draft(
        rng,
        numbering,
        account,
        rng.choice(account.ship_tos),
        items=catalogue,
        number=numbering.order.next_plain() if case.plain else numbering.order.next(),
        po_number=case.po_number or _po_number(rng),
        submitted_at=placement.submitted_at,
    )
    for item, unit, quantity in _basket(rng, placement, catalogue):
        draft.enter(item, unit, quantity, text=case.text)
    draft.memo += case.text
    case.story(draft)
    return draft.facts()


def _basket(rng: Random, placement: Placement, catalogue: Mapping[str, Item]) -> Iterator[Basket]:
    case = placement.case
    if placement.name is not None:
        for item in [catalogue[sku] for sku in case.skus] or rng.sample(_usual(catalogue), case.lines):
            yield item, item.units[0], HUGE if item.sku == items.TURBINE else rng.choice(BY_CASE)
        return
    chosen = rng.choices(_usual(catalogue), k=case.lines)
    if rng.random() < REPEATED_SKU:
        chosen.append(chosen[0])
    for item in chosen:
        unit = rng.choice(item.units)
        yield item, unit, rng.choice(BY_BASE_UNIT if unit.code == item.base_unit else BY_CONTAINER)


def _usual(catalogue: Mapping[str, Item]) -> list[Item]:
    """All items but the turbine, the last one."""
    return list(catalogue.values())[:-1]


def _po_number(rng: Random) -> str | None:
    chance = rng.random()
    if chance < NO_PO:
        return None
    if chance < NO_PO + ODD_PO:
        return rng.choice(words.ODD_POS)
    return f"{rng.choice(('PO-', '45', 'B/', ''))}{rng.randrange(10**6, 10**8)}"
