"""Tracking and carton numbers have the formats and check digits their issuers define."""

import re

import pytest

from examples.distributor.world import numbers
from examples.distributor.world.carriers import CARRIERS
from tests.examples.company import all_journeys, world

FORMATS = {
    "UPSN": r"1Z58A7E003\d{8}",
    "FDEG": r"\d{12}",
    "FDE": r"\d{12}",
    "USPS": r"9400136895\d{12}",
    "DHLE": r"\d{10}",
    "ODFL": r"\d{11}",
    "SAIA": r"\d{12}",
    "CDOF": r"CD\d{8}",
}


@pytest.mark.parametrize("number", ["999AA10123456784", "5R89390357567127", "879E930346834440", "XX3150YW44070023"])
def test_ups_check_digit(number: str) -> None:
    assert numbers.ups_check_digit(number[:-1]) == int(number[-1])


@pytest.mark.parametrize("number", ["986578788855", "477179081230", "799531274483", "790535312317", "974367662710"])
def test_fedex_check_digit(number: str) -> None:
    assert numbers.fedex_check_digit(number[:-1]) == int(number[-1])


@pytest.mark.parametrize("number", ["9205590164917312751089", "9505511069605048600624", "4006381333931"])
def test_mod_10_check_digit_of_usps_and_gs1(number: str) -> None:
    assert numbers.mod_10_check_digit(number[:-1]) == int(number[-1])


CHECKS = {
    "UPSN": lambda number: numbers.ups_check_digit(number[2:-1]),
    "FDEG": lambda number: numbers.fedex_check_digit(number[:-1]),
    "FDE": lambda number: numbers.fedex_check_digit(number[:-1]),
    "USPS": lambda number: numbers.mod_10_check_digit(number[:-1]),
    "DHLE": lambda number: int(number[:-1]) % 7,
}


@pytest.mark.parametrize("scac", CARRIERS)
def test_every_number_is_in_its_carriers_format(scac: str) -> None:
    used = [number for number, told in all_journeys().items() if any(journey.scac == scac for journey in told)]
    assert used
    for number in used:
        assert re.fullmatch(FORMATS[scac], number)
        assert scac not in CHECKS or CHECKS[scac](number) == int(number[-1])


def test_cartons_are_numbered_apart_with_check_digits() -> None:
    cartons = [
        package.id for order in world().orders.values() for shipment in order.shipments for package in shipment.packages
    ]
    assert len(set(cartons)) == len(cartons)
    assert all(re.fullmatch(r"00899999\d{10}", carton) for carton in cartons)
    assert all(numbers.mod_10_check_digit(carton[:-1]) == int(carton[-1]) for carton in cartons)


def test_numbers_lead_to_one_record_each() -> None:
    orders = world().orders.values()
    for kind in ("shipments", "invoices", "credit_memos", "rmas"):
        issued = [record.number for order in orders for record in getattr(order, kind)]
        assert len(set(issued)) == len(issued)
        assert any(number.startswith("00") for number in issued)
