"""What happens to orders: each story is told with the verbs of a draft, and each leads into another kind of trouble."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from examples.distributor.world.draft import Draft
from examples.distributor.world.returns import Reach, call_off, send_back
from examples.distributor.world.shipping import Way
from examples.distributor.world.warehouse import Stage

Story = Callable[[Draft], None]
USUAL = Way()
TROUBLES = {
    "delivered": 168,
    "attempted": 8,
    "to a pickup point": 4,
    "delayed": 10,
    "stuck": 2,
    "returned": 2,
    "through an odd code": 2,
    "delivered by a late scan": 2,
}
"""How often consignments travel on which itinerary."""


def shipped(draft: Draft, way: Way = USUAL) -> None:
    """Everything in one shipment: most orders are like this."""
    draft.approve()
    draft.allocate()
    draft.ship(way=way)


def mostly_shipped(draft: Draft) -> None:
    """As ``shipped``, but the carrier has its troubles."""
    shipped(draft, Way(itinerary=draft.rng.choices(tuple(TROUBLES), tuple(TROUBLES.values()))[0]))


def split(draft: Draft, way: Way = USUAL, *, between: tuple[float, float] = (20, 90)) -> None:
    """Some of it ships at once, the rest later: two shipments, two invoices."""
    draft.approve()
    draft.allocate()
    draft.ship(draft.half_open(), way)
    draft.wait(*between)
    draft.ship()


def partly_allocated(draft: Draft, *, wait_days: float = 6) -> None:
    """Stock for a part only; the warehouse waits until all is there."""
    draft.approve()
    draft.allocate(draft.half_open())
    draft.wait(wait_days * 24)
    short = [(line, line.open - sum(quantity for _, quantity in line.allocated)) for line, _ in draft.all_open()]
    draft.allocate([(line, quantity) for line, quantity in short if quantity])
    draft.ship()


def backordered(draft: Draft, way: Way = USUAL, *, days: float = 12) -> None:
    """A part ships, the rest is backordered with a date, and comes a little late."""
    draft.approve()
    pieces = draft.allocate(draft.half_open())
    draft.backorder(*(line for line, _ in draft.all_open()), days=days)
    draft.ship(pieces, way)
    draft.wait(days * 24, days * 24 + 40)
    draft.allocate()
    draft.ship()


def backordered_whole(draft: Draft, *, days: float = 15) -> None:
    """Nothing is in stock."""
    draft.approve()
    draft.backorder(*draft.lines, days=days)
    draft.wait(days * 24, days * 24 + 40)
    draft.allocate()
    draft.ship()


def picked_short(draft: Draft, way: Way = USUAL) -> None:
    """The shelf holds less than the books say; what is missing is closed short."""
    draft.approve()
    pieces = draft.allocate()
    missing = (pieces[0][1] / 3).to_integral()
    draft.ship(pieces, replace(way, short=missing))
    draft.wait(2, 8)
    draft.close()


def substituted(draft: Draft, way: Way = USUAL, *, by_sku: str | None = None) -> None:
    """One item is gone for good; another goes in its place."""
    draft.approve()
    draft.allocate(draft.all_open()[1:])
    draft.wait(1, 4)
    instead = draft.substitute(draft.lines[0], by_sku or draft.rng.choice(tuple(draft.items)))
    draft.allocate([(instead, instead.open)])
    draft.ship(way=way)


def edited(draft: Draft, way: Way = USUAL) -> None:
    """The customer changes quantities after submission, once before and once after approval."""
    draft.wait(0.2, 1)
    draft.edit(draft.lines[0], Decimal(2))
    draft.approve()
    draft.edit(draft.lines[-1], Decimal(-1) if draft.lines[-1].open > 1 else Decimal(1))
    draft.allocate()
    draft.ship(way=way)


def cancelled(draft: Draft) -> None:
    draft.approve()
    draft.wait(1, 10)
    draft.cancel()


def cancelled_short(draft: Draft) -> None:
    """A part ships; the customer will not wait for the rest."""
    draft.approve()
    pieces = draft.allocate(draft.half_open())
    draft.backorder(*(line for line, _ in draft.all_open()), days=20)
    draft.ship(pieces)
    draft.wait(24, 72)
    draft.close()


def line_cancelled(draft: Draft) -> None:
    """One line is taken off, the others ship."""
    draft.approve()
    draft.wait(0.2, 1)
    draft.cancel(draft.lines[-1])
    draft.edits.append(draft.at)
    draft.allocate()
    draft.ship()


def held(draft: Draft, *, code: str | None = None, days: float = 9) -> None:
    """Somebody inside stops it for days."""
    draft.hold(code or draft.rng.choice(("CREDIT", "CREDIT", "ADDRESS", "PRICE", "FRAUD", "CUSTOMER")))
    draft.wait(days * 24, days * 24 + 12)
    draft.release()
    shipped(draft)


def held_after_shipping(draft: Draft, *, days: float = 9) -> None:
    """A part has shipped already when credit stops the rest."""
    draft.approve()
    draft.allocate()
    draft.ship(draft.half_open())
    draft.hold("CREDIT")
    draft.wait(days * 24)
    draft.release()
    draft.ship()


def returned(draft: Draft, reach: Reach = Reach.CREDITED, *, credit_first: bool = False) -> None:
    shipped(draft)
    send_back(draft, reach, credit_first=credit_first)


def return_called_off(draft: Draft) -> None:
    returned(draft, Reach.AUTHORIZED)
    call_off(draft)


def credited(draft: Draft) -> None:
    """Billed too much: a credit memo without a return."""
    shipped(draft)
    draft.at = draft.invoices[0].issued_at
    draft.wait(24, 90)
    line = max(draft.invoices[0].lines, key=lambda line: line.amount)
    draft.credit(line.line_key, min(Decimal(1), line.quantity), memo="INTERNAL: goodwill & <late truck>")


def shipment_voided(draft: Draft) -> None:
    """Labelled, then taken back; a second shipment carries the goods."""
    draft.approve()
    draft.allocate()
    draft.ship(way=Way(reach=Stage.LABELLED, carrier="UPSN", voided=True, itinerary="label only"))
    draft.ship(way=Way(carrier="UPSN"))


def only_submitted(draft: Draft) -> None:
    draft.wait(60)
    draft.approve()


def only_approved(draft: Draft) -> None:
    draft.approve()


GENERAL: tuple[tuple[int, int, Story], ...] = (
    (600, 1, mostly_shipped),
    (80, 1, split),
    (30, 1, partly_allocated),
    (50, 1, backordered),
    (15, 1, backordered_whole),
    (20, 1, picked_short),
    (20, 1, substituted),
    (40, 1, edited),
    (25, 1, cancelled),
    (25, 1, cancelled_short),
    (15, 2, line_cancelled),
    (35, 1, held),
    (10, 1, held_after_shipping),
    (30, 1, returned),
    (6, 1, return_called_off),
    (14, 1, credited),
    (5, 1, shipment_voided),
)
"""How often each story happens by itself, the lines it needs, and the story."""
