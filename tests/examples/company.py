"""The simulated company, built once for all tests that look at it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from examples.distributor.clock import START
from examples.distributor.journeys import Journey, Scan
from examples.distributor.world import World
from examples.distributor.world.accounts import BUYER
from examples.distributor.world.carriers import CARRIERS
from examples.distributor.world.erp import ErpOrderView
from examples.distributor.world.facts import OrderFacts, ShipmentFacts
from examples.distributor.world.warehouse import ShipmentView


@cache
def world() -> World:
    return World.build()


@cache
def all_journeys() -> Mapping[str, Sequence[Journey]]:
    return world().journeys(CARRIERS)


def buyers_accounts() -> frozenset[str]:
    return world().descendants(BUYER) | {BUYER}


def erp(number: str) -> ErpOrderView:
    """The ERP's view at the start of an order that is there."""
    view = world().erp_order(number, START)
    assert view is not None
    return view


def shipments(number: str) -> tuple[ShipmentView, ...]:
    """The warehouse's shipments of an order at the start; none when it has not heard of it."""
    view = world().warehouse_order(number, START)
    return view.shipments if view else ()


def journeys(order: OrderFacts) -> Iterator[tuple[ShipmentFacts, Journey]]:
    """Each consignment's journey with the shipment it belongs to, whoever else used the number."""
    told = all_journeys()
    for shipment in order.shipments:
        for consignment in shipment.consignments:
            for journey in told[consignment.number]:
                if journey.unique_id == consignment.unique_id:
                    yield shipment, journey


def scans(number: str) -> list[Scan]:
    """All scans of an order's consignments up to the start, in order of time."""
    happened = [scan for _, journey in journeys(world().orders[number]) for scan in journey.until(START)]
    return sorted(happened, key=lambda scan: scan.at)
