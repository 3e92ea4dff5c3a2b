"""The awkward cases everybody else's systems get wrong, each placed so that it is to be seen when the clock starts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from examples.distributor.clock import START
from examples.distributor.world import items, stories
from examples.distributor.world.carriers import PICKUP
from examples.distributor.world.returns import Reach
from examples.distributor.world.shipping import Way
from examples.distributor.world.stories import Story
from examples.distributor.world.warehouse import Stage
from examples.distributor.world.words import EVERYTHING

SOMETHING_ELSE = "PV-1014"
"""What a substituted item is replaced by."""


@dataclass(frozen=True, slots=True)
class Case:
    """``story`` of an order submitted ``age_days`` before the clock starts.

    ``skus``: what is ordered; empty: ``lines`` items of any kind. ``account``: where its example is placed.
    ``plain``: its number is digits with leading zeros. ``text`` is added to every text.
    """

    story: Story
    age_days: float
    lines: int = 2
    skus: tuple[str, ...] = ()
    account: str | None = None
    po_number: str | None = None
    plain: bool = False
    text: str = ""


def underway(share: float, in_hours: float, **wishes: Any) -> Way:
    """A way of so many hours of which ``share`` is behind when the clock starts; ``wishes`` are fields of Way."""
    departs_at = START - timedelta(hours=share * in_hours)
    return Way(departs_at=departs_at, arrives_at=departs_at + timedelta(hours=in_hours), **wishes)


HALF_WAY = underway(0.45, 96)
ARRIVED = underway(1.3, 72)
BY_UPS = replace(HALF_WAY, carrier="UPSN")
NEVER_CONFIRMED: dict[str, Any] = {"lag_hours": None, "itinerary": "label only"}


def by(way: Way, *, story: Callable[..., None] = stories.shipped) -> Story:
    return partial(story, way=way)


CASES: dict[str, Case] = {
    # the order
    "pending_approval": Case(stories.only_submitted, 1),
    "confirmed": Case(stories.only_approved, 1),
    "on_hold": Case(partial(stories.held, code="CREDIT"), 3),
    "held_after_shipping": Case(stories.held_after_shipping, 5),
    "partial_allocation": Case(stories.partly_allocated, 3, lines=3),
    "backorder": Case(stories.backordered_whole, 4),
    "backorder_partial": Case(stories.backordered, 5),
    "edited_after_submission": Case(by(HALF_WAY, story=stories.edited), 7),
    "substitution": Case(
        partial(stories.substituted, way=HALF_WAY, by_sku=SOMETHING_ELSE), 7, skus=("LB-1049", "PU-1042")
    ),
    "cancelled": Case(stories.cancelled, 5),
    "cancelled_short": Case(stories.cancelled_short, 14),
    "line_cancelled": Case(stories.line_cancelled, 20),
    "repeated_sku": Case(by(HALF_WAY), 7, skus=("PV-1014", "BV-1021", "PV-1014")),
    "zero_like_ids": Case(by(BY_UPS), 7, skus=(items.ZERO_LED,), account="00", po_number="00417", plain=True),
    "metacharacters": Case(by(BY_UPS), 7, account="0000419", po_number=f"PO{EVERYTHING}", text=EVERYTHING),
    "huge_amount": Case(stories.only_approved, 2, skus=(items.TURBINE,)),
    # the warehouse
    "in_warehouse": Case(by(Way(reach=Stage.PICKED, **NEVER_CONFIRMED)), 1.5),
    "picked_short": Case(by(HALF_WAY, story=stories.picked_short), 7),
    "split_shipment": Case(stories.split, 25),
    "partially_shipped": Case(partial(stories.split, way=HALF_WAY, between=(400, 420)), 7),
    "several_packages": Case(by(replace(BY_UPS, packages=4)), 7),
    "label_only": Case(by(Way(carrier="FDEG", reach=Stage.LABELLED, **NEVER_CONFIRMED)), 1.5),
    "voided_label": Case(by(replace(BY_UPS, relabelled=True)), 7),
    "voided_shipment": Case(stories.shipment_voided, 20),
    "loaded_not_shipped": Case(by(Way(carrier="ODFL", reach=Stage.LOADED, **NEVER_CONFIRMED)), 1.5),
    "shipped_pending_carrier": Case(
        by(Way(carrier="UPSN", reach=Stage.PACKED, booked_early=True, lag_hours=None)), 1.5
    ),
    # the carriers
    "unknown_to_carrier": Case(by(Way(carrier="USPS", itinerary="unknown to the carrier")), 1.5),
    "in_transit": Case(by(BY_UPS), 7),
    "out_for_delivery": Case(by(underway(0.95, 96, carrier="FDEG")), 7),
    "delivery_attempted": Case(by(underway(0.9, 96, itinerary="attempted", carrier="UPSN")), 7),
    "available_for_pickup": Case(by(underway(0.9, 96, itinerary="to a pickup point", carrier="USPS")), 7),
    "delivered": Case(by(replace(ARRIVED, carrier="UPSN")), 8),
    "partially_delivered": Case(by(underway(1.05, 96, packages=2, straggler_hours=72, carrier="UPSN")), 8),
    "late_scan_after_delivered": Case(by(replace(ARRIVED, itinerary="delivered by a late scan")), 8),
    "delayed": Case(by(underway(0.5, 96, itinerary="delayed", carrier="FDE")), 7),
    "delivery_exception": Case(by(underway(0.85, 96, itinerary="stuck", carrier="USPS")), 8),
    "returning_to_sender": Case(by(underway(0.6, 96, itinerary="returned", carrier="UPSN")), 7),
    "returned_to_sender": Case(by(underway(1.2, 96, itinerary="returned", carrier="UPSN")), 9),
    "unknown_carrier_code": Case(by(underway(0.6, 96, itinerary="through an odd code")), 7),
    "offsetless_times": Case(by(replace(HALF_WAY, offsets="none", carrier="DHLE")), 7),
    "some_times_offsetless": Case(by(replace(HALF_WAY, offsets="some", carrier="FDEG")), 7),
    "usps_parcel": Case(by(replace(HALF_WAY, carrier="USPS")), 7),
    "ltl_freight": Case(by(replace(HALF_WAY, carrier="SAIA")), 7),
    "own_fleet": Case(by(underway(0.45, 20, carrier="CDOF")), 4),
    "customer_pickup": Case(by(Way(carrier=PICKUP)), 5),
    # billing
    "credit_memo": Case(stories.credited, 40, account="0000418"),
    "rma_requested": Case(partial(stories.returned, reach=Reach.REQUESTED), 40),
    "rma_authorized": Case(partial(stories.returned, reach=Reach.AUTHORIZED), 40),
    "rma_partly_received": Case(partial(stories.returned, reach=Reach.PARTLY_RECEIVED), 40),
    "rma_partly_credited": Case(partial(stories.returned, reach=Reach.PARTLY_RECEIVED, credit_first=True), 40),
    "rma_received": Case(partial(stories.returned, reach=Reach.RECEIVED), 40),
    "rma_credited": Case(stories.returned, 40, account="0000425"),
    "rma_cancelled": Case(stories.return_called_off, 40),
}
"""By name. ``reused_tracking_number`` stands apart: see REUSED."""

REUSED = ("UPSN", "FDEG", "USPS", "UPSN")
"""Carriers of the orders of the case ``reused_tracking_number``: each number already led to someone else once."""
REUSED_AGES = (7.0, 400.0)


def reused(number: str, carrier: str) -> tuple[Case, Case]:
    """The order under way, and the old one of another customer, under one tracking number."""
    now, then = REUSED_AGES
    return (
        Case(by(replace(HALF_WAY, carrier=carrier, tracking=number, packages=1)), now),
        Case(by(Way(carrier=carrier, tracking=number, packages=1)), then),
    )
