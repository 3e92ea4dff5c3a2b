"""The commands about codes, over a memory of their own."""

import asyncio
from pathlib import Path

import pytest

from tests.domain.samples import code, order
from tests.server.test_memory_cli import Desk, desk
from tests.store.telling import tell

__all__ = ["desk"]

HEADER = "table\tcode\tmeaning\tmessage\tprovenance\n"


@pytest.fixture
def told(desk: Desk) -> Desk:
    """One order with a status that no table holds."""

    async def fill() -> None:
        database = await desk.open()
        await tell(database, order(status_code=code("_odd", "erp/order_status", known=False)))
        await database.close()

    asyncio.run(fill())
    return desk


def own(folder: Path, name: str, meaning: str) -> Path:
    path = folder / "codes" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}order_status\t_odd\t{meaning}\tOdd.\tours\n")
    return folder / "codes"


def test_a_code_that_no_table_holds_is_listed_until_one_does(told: Desk, tmp_path: Path) -> None:
    assert "erp  order_status  _odd  such as in SO1" in told("codes", "unmapped")
    told.environ["CROSSDOCK_CODES"] = str(own(tmp_path, "erp.tsv", "CANCELLED"))
    assert told("codes", "unmapped") == ""


@pytest.mark.parametrize(("name", "changes"), [("erp.tsv", True), ("erp/C100.tsv", True), ("erp/C200.tsv", False)])
def test_a_change_is_told_before_it_is_made(told: Desk, tmp_path: Path, name: str, changes: bool) -> None:
    said = told("codes", "preview", str(own(tmp_path, name, "CANCELLED")))
    assert ("lifecycle: UNKNOWN -> CANCELLED  such as SO1" in said) is changes
    assert "1 orders looked at" in said


@pytest.mark.parametrize(
    ("name", "meaning", "why"),
    [
        ("erp.tsv", "NONSENSE", "erp.tsv:2: order_status _odd: 'NONSENSE' is not a Meaning"),
        ("erp.tsv", "HELD", "erp.tsv: order_status _odd cannot mean HELD"),
        ("fax.tsv", "CLOSED", "there is no source 'fax'"),
        ("ups/C1.tsv", "DELIVERED", "a carrier's records tell no account"),
    ],
)
def test_what_cannot_be_is_told_by_file_and_line(told: Desk, tmp_path: Path, name: str, meaning: str, why: str) -> None:
    told.environ["CROSSDOCK_CODES"] = str(own(tmp_path, name, meaning))
    said = told("codes", "unmapped", code=2)
    assert "CROSSDOCK_CODES: " in said
    assert why in said
