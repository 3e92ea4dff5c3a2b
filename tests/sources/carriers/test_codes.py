"""Every row of every carrier's table, and the rows of the canonical comparison in the domain's facts."""

import csv
from pathlib import Path

import pytest

from domain.model import ShipmentStatus
from sources.codes import CodeTable

CARRIERS = Path(__file__).parents[3] / "sources/carriers"
SYSTEMS = ("ups", "fedex", "usps", "dhl", "x12_214")
TABLES = {system: CodeTable.read(system, CARRIERS / system / "codes.tsv", ShipmentStatus) for system in SYSTEMS}

CANONICAL = (
    ("ups", "M", "MP DP", "LABEL_CREATED"),
    ("ups", "I", "OC PL", "LABEL_CREATED"),
    ("ups", "I", "PU PC OR", "SHIPPED"),
    ("ups", "I", "AR DP HU DS OD", "IN_TRANSIT"),
    ("ups", "I", "OT OF", "OUT_FOR_DELIVERY"),
    ("ups", "X", "48 55", "DELIVERY_ATTEMPTED"),
    ("ups", "D", "2Q", "AVAILABLE_FOR_PICKUP"),
    ("ups", "statusCode", "040", "AVAILABLE_FOR_PICKUP"),
    ("ups", "statusCode", "011", "DELIVERED"),
    ("ups", "statusCode", "046 048", "DELAYED"),
    ("ups", "X", "DL", "RETURNING"),
    ("ups", "statusCode", "035", "RETURNING"),
    ("ups", "statusCode", "034", "RETURNED"),
    ("ups", "MV", "VP", "VOIDED"),
    ("ups", "statusCode", "007", "VOIDED"),
    ("fedex", "event", "OC", "LABEL_CREATED"),
    ("fedex", "event", "PU PX", "SHIPPED"),
    ("fedex", "event", "IT AR DP FD", "IN_TRANSIT"),
    ("fedex", "event", "OD ED", "OUT_FOR_DELIVERY"),
    ("fedex", "event+exceptionCode", "DE", "DELIVERY_ATTEMPTED"),
    ("fedex", "event", "DE SE", "EXCEPTION"),
    ("fedex", "event", "HP HL", "AVAILABLE_FOR_PICKUP"),
    ("fedex", "event", "DL", "DELIVERED"),
    ("fedex", "event", "DY DD RL", "DELAYED"),
    ("fedex", "event", "RS", "RETURNING"),
    ("fedex", "event", "CA", "VOIDED"),
    ("usps", "event", "GX MA", "LABEL_CREATED"),
    ("usps", "event", "03", "SHIPPED"),
    ("usps", "event", "10 T1 TL A1 07 SF", "IN_TRANSIT"),
    ("usps", "event", "OF", "OUT_FOR_DELIVERY"),
    ("usps", "event", "01", "DELIVERED"),
    ("dhl", "statusCode", "pre-transit", "LABEL_CREATED"),
    ("dhl", "statusCode", "transit", "IN_TRANSIT"),
    ("dhl", "statusCode", "delivered", "DELIVERED"),
    ("dhl", "statusCode", "failure", "EXCEPTION"),
    ("dhl", "statusCode", "unknown", "UNKNOWN"),
    ("x12_214", "AT701", "XB", "LABEL_CREATED"),
    ("x12_214", "AT701", "AF", "SHIPPED"),
    ("x12_214", "AT701", "X6 P1 X4 X1", "IN_TRANSIT"),
    ("x12_214", "AT701", "AJ", "OUT_FOR_DELIVERY"),
    ("x12_214", "AT701", "AH AP", "DELIVERY_ATTEMPTED"),
    ("x12_214", "AT701", "AV", "AVAILABLE_FOR_PICKUP"),
    ("x12_214", "AT701", "D1", "DELIVERED"),
    ("x12_214", "AT701", "SD", "DELAYED"),
    ("x12_214", "AT701", "A7", "RETURNING"),
    ("x12_214", "AT701", "A3", "RETURNED"),
    ("x12_214", "AT701", "CA", "VOIDED"),
)


@pytest.mark.parametrize(
    ("system", "table", "code", "status"),
    [(system, table, code, status) for system, table, codes, status in CANONICAL for code in codes.split()],
)
def test_the_canonical_comparison(system: str, table: str, code: str, status: str) -> None:
    found = TABLES[system].translate(table, code)
    assert found.meaning == status
    assert found.code.known


def rows() -> list[tuple[str, dict[str, str]]]:
    found = []
    for system in SYSTEMS:
        lines = (CARRIERS / system / "codes.tsv").read_text(encoding="utf-8").splitlines()
        table = (line for line in lines if not line.startswith("#"))
        found += [(system, row) for row in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)]
    return found


@pytest.mark.parametrize(
    ("system", "row"), [pytest.param(s, row, id=f"{s}/{row['table']}/{row['code']}") for s, row in rows()]
)
def test_each_row_means_what_it_says_and_says_so_in_public(system: str, row: dict[str, str]) -> None:
    found = TABLES[system].translate(row["table"], row["code"], "the carrier's own words")
    assert found.meaning == row["meaning"]
    assert found.code.known
    assert found.code.raw == row["code"]
    assert found.code.table == f"{system}/{row['table']}"
    assert found.message == row["message"]
    assert found.message.endswith(".")
    assert found.message.isascii()
    assert row["provenance"]


def test_the_same_code_means_what_its_own_table_says() -> None:
    meanings = {table: TABLES["ups"].translate(table, "DP").meaning for table in ("I", "M", "X")}
    assert meanings == {
        "I": ShipmentStatus.IN_TRANSIT,
        "M": ShipmentStatus.LABEL_CREATED,
        "X": ShipmentStatus.EXCEPTION,
    }
    assert TABLES["ups"].translate("I", "DL").meaning is ShipmentStatus.IN_TRANSIT
    assert TABLES["ups"].translate("X", "DL").meaning is ShipmentStatus.RETURNING
    assert TABLES["fedex"].translate("event", "OF").meaning is ShipmentStatus.IN_TRANSIT
    assert TABLES["usps"].translate("event", "OF").meaning is ShipmentStatus.OUT_FOR_DELIVERY


def test_ups_type_d_is_not_always_delivered() -> None:
    meanings = {meaning for (table, _), (meaning, _) in TABLES["ups"].entries.items() if table == "D"}
    assert meanings > {
        ShipmentStatus.DELIVERED,
        ShipmentStatus.AVAILABLE_FOR_PICKUP,
        ShipmentStatus.DELIVERY_ATTEMPTED,
        ShipmentStatus.RETURNED,
    }


def test_the_public_sentences_are_few() -> None:
    sentences = {message for table in TABLES.values() for _, message in table.entries.values()}
    assert len(sentences) < 75


def test_no_reason_about_credit_or_money_may_be_shown() -> None:
    shown = {code for table, code in TABLES["x12_214"].entries if table == "AT702"}
    assert shown.isdisjoint({"C2", "C8", "C9", "AM", "AG", "BB", "C3", "BG"})
