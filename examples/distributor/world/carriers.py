"""Who carries the distributor's goods, in what proportion, and how long they take."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from examples.distributor.world.warehouse import Mode

PICKUP = "PICKUP"
"""In place of a SCAC: the customer fetches the goods, no carrier is involved."""
FREIGHT_FROM_LB = Decimal(150)
"""A shipment of more pounds than this mostly goes by freight."""


@dataclass(frozen=True, slots=True)
class CarrierFacts:
    """``transit_hours``: shortest and longest usual way. ``offsetless``: share of consignments told without offsets."""

    name: str
    mode: Mode
    services: tuple[str, ...]
    transit_hours: tuple[int, int]
    offsetless: float = 0.0


CARRIERS = {
    "UPSN": CarrierFacts("UPS", Mode.PARCEL, ("UPS Ground", "UPS 2nd Day Air"), (20, 110)),
    "FDEG": CarrierFacts("FedEx Ground", Mode.PARCEL, ("FedEx Ground", "FedEx Home Delivery"), (20, 120), 0.2),
    "FDE": CarrierFacts("FedEx Express", Mode.PARCEL, ("FedEx Priority Overnight", "FedEx 2Day"), (14, 50), 0.2),
    "USPS": CarrierFacts("USPS", Mode.PARCEL, ("USPS Ground Advantage", "Priority Mail"), (30, 130)),
    "DHLE": CarrierFacts("DHL", Mode.PARCEL, ("DHL Parcel International", "DHL Express Worldwide"), (40, 160), 0.3),
    "ODFL": CarrierFacts("Old Dominion Freight Line", Mode.LTL, ("LTL Standard",), (30, 130), 0.3),
    "SAIA": CarrierFacts("Saia LTL Freight", Mode.LTL, ("LTL Standard", "LTL Guaranteed"), (30, 130), 0.3),
    "CDOF": CarrierFacts("Company fleet", Mode.OWN_FLEET, ("Route truck",), (3, 26), 0.3),
}
"""By SCAC; CDOF is the distributor's own fleet."""

LIGHT = {"UPSN": 40, "FDEG": 24, "FDE": 6, "USPS": 12, "DHLE": 2, "CDOF": 10, PICKUP: 6}
HEAVY = {"UPSN": 10, "FDEG": 6, "ODFL": 36, "SAIA": 22, "CDOF": 18, PICKUP: 8}
CANADA = {"UPSN": 40, "FDEG": 15, "DHLE": 33, "CDOF": 8, PICKUP: 4}


def usual_carrier(rng: Random, weight_lb: Decimal, country: str) -> str:
    """A SCAC, or PICKUP, that suits the shipment."""
    mix = HEAVY if weight_lb > FREIGHT_FROM_LB else CANADA if country == "CA" else LIGHT
    return rng.choices(tuple(mix), tuple(mix.values()))[0]
