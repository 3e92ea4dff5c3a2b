from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SourceFault, SourceUnavailable
from domain.model import Carrier, Shipment, ShipmentMode, WarehouseOrder, WarehouseStage
from domain.values import Moment, Precision, Provenance, Quantity
from sources.codes import CodeTable
from sources.wms import wire

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests/fixtures/wms"
CODES = CodeTable.read("wms", ROOT / "sources/wms/codes.tsv", WarehouseStage)
SOURCE = Provenance("wms", datetime(2026, 11, 20, 15, tzinfo=UTC))
CST = timedelta(hours=-6)


def orders_reply() -> wire.OrdersReply:
    return wire.decode((FIXTURES / "orders.json").read_bytes(), wire.OrdersReply, "wms")


def orders() -> list[WarehouseOrder]:
    return [wire.read(orders_reply().orders[place], wire.OrderRecord, CODES, SOURCE) for place in (0, 1)]


def whole() -> WarehouseOrder:
    return wire.join(orders())


def record(**changes: object) -> msgspec.Raw:
    """The first recorded shipment as sent, changed."""
    answer = wire.decode((FIXTURES / "shipments.json").read_bytes(), wire.ShipmentsReply, "wms")
    fields: dict[str, object] = msgspec.json.decode(answer.shipments[0])
    return msgspec.Raw(msgspec.json.encode(fields | changes))


def read(raw: msgspec.Raw) -> Shipment:
    return wire.read(raw, wire.ShipmentRecord, CODES, SOURCE)


def line(**changes: object) -> Mapping[str, object]:
    told = {"orderLine": "1", "sku": "A-1", "quantity": "1", "unit": "EA", "stockQuantity": "1", "stockUnit": "EA"}
    return told | changes


def test_a_wave_is_work_released_on_every_line_it_names() -> None:
    printed, other, released = whole().tasks[:3]
    assert (printed.kind, printed.code.raw, printed.code.table) == (WarehouseStage.RELEASED, "PRT", "wms/wave")
    assert printed.quantity == Quantity(Decimal(10), "CS", Decimal(120), "EA")
    assert printed.at == Moment(datetime(2026, 11, 17, 13, 15, 40, tzinfo=UTC), CST)
    assert other.line_key == "3"
    assert (released.line_key, released.code.raw) == ("2", "REL")
    assert released.at == Moment(datetime(2026, 11, 18, 13, 0, tzinfo=UTC), CST)
    assert released.short is None


def test_a_task_keeps_what_was_done_and_what_was_short() -> None:
    picked, packed, _ = whole().tasks[3:6]
    assert picked.kind is WarehouseStage.PICKED
    assert picked.quantity == Quantity(Decimal(8), "CS", Decimal(96), "EA")
    assert picked.short == Quantity(Decimal(2), "CS", Decimal(24), "EA")
    assert packed.kind is WarehouseStage.PACKED
    assert packed.short is None
    assert packed.at.precision is Precision.LOCAL
    assert packed.at.local is None


def test_nothing_short_is_not_a_short_nobody_counted() -> None:
    assert whole().tasks[5].short == Quantity.of(0)


def test_unknown_codes_are_kept_raw_and_mean_nothing() -> None:
    task = whole().tasks[5]
    assert (task.kind, task.code.raw, task.code.known) == (WarehouseStage.UNKNOWN, "437", False)
    shipment = whole().shipments[1]
    assert shipment.stage is WarehouseStage.UNKNOWN
    assert (shipment.stage_code.raw, shipment.stage_code.text) == ("7Q", "Awaiting <b>customs</b>")
    assert not shipment.stage_code.known


def test_two_warehouses_parts_are_one_order() -> None:
    order = whole()
    assert order.order_id == "0010042"
    assert [shipment.warehouse for shipment in order.shipments] == ["01", "02"]
    assert len(order.tasks) == 7


def test_the_packages_of_a_shipments_parts_merge() -> None:
    shipment = whole().shipments[0]
    assert shipment.id == "00"
    assert [package.id for package in shipment.packages] == ["LPN0001", "LPN0002", "LPN0003", "LPN0004"]
    assert shipment.tracking_numbers == ("1Z999AA10123456784", "1Z999AA10123456793")
    assert [found.line_key for found in shipment.lines] == ["1", "3"]
    assert len({found.sku for found in shipment.lines}) == 1


def test_a_package_told_again_is_as_last_told() -> None:
    shipment = whole().shipments[0]
    voided = replace(shipment, packages=(replace(shipment.packages[0], voided=True),))
    merged = wire.merge((shipment, voided))[0]
    assert [package.voided for package in merged.packages] == [True, False, False, True]


def test_a_shipment_keeps_every_value_as_it_was_sent() -> None:
    parcel, freight = whole().shipments
    assert parcel.stage is WarehouseStage.CONFIRMED
    assert parcel.ship_to_id == ""
    assert parcel.service == 'Ground <&> "Saver"'
    assert parcel.confirmed_at == Moment(datetime(2026, 11, 17, 22, 30, 12, 250_000, tzinfo=UTC), CST)
    assert parcel.packed_at is not None
    assert parcel.packed_at.precision is Precision.LOCAL
    assert str(parcel.packages[0].weight and parcel.packages[0].weight.value) == "41.250"
    assert parcel.packages[1].weight is None
    assert parcel.packages[2].weight == Quantity.of(0, "KG")
    assert parcel.packages[3].weight == Quantity.of(0, "LB")
    assert freight.ship_to_id is None
    assert freight.mode is ShipmentMode.LTL
    assert freight.carrier == Carrier("CDXF", "Ünited & Søns \\ Freight")
    assert freight.tracking_numbers == ("00123456",)
    assert freight.lines[0].quantity.value == freight.lines[0].quantity.base_value
    assert str(freight.lines[0].quantity.value) == "123456789012345678901234567890.123456789"


def test_a_malformed_order_still_says_whose_it_is() -> None:
    raw = orders_reply().orders[2]
    with pytest.raises(SourceFault, match="OrderRecord") as caught:
        wire.read(raw, wire.OrderRecord, CODES, SOURCE)
    assert caught.value.source == "wms"
    assert wire.name(raw, wire.OrderName) == wire.OrderName("0010043")


def test_a_malformed_shipment_still_says_its_numbers() -> None:
    answer = wire.decode((FIXTURES / "shipments.json").read_bytes(), wire.ShipmentsReply, "wms")
    named = wire.name(answer.shipments[1], wire.ShipmentName)
    assert named is not None
    assert wire.identity(named) == "S-000803"
    assert wire.tracking_numbers(named) == {"1Z999AA10123456784"}


def test_an_order_without_work_is_not_an_error() -> None:
    order = wire.read(orders_reply().orders[3], wire.OrderRecord, CODES, SOURCE)
    assert (order.tasks, order.shipments) == ((), ())


def test_an_orders_own_error_says_whether_it_may_pass() -> None:
    fault, locked = (error.to_domain("wms") for error in orders_reply().errors)
    assert type(fault) is SourceFault
    assert type(locked) is SourceUnavailable
    assert "Line 3 has no item" in str(fault)
    assert "Line 3" not in fault.public


def test_own_fleet_and_void_shipments() -> None:
    answer = wire.decode((FIXTURES / "shipments.json").read_bytes(), wire.ShipmentsReply, "wms")
    shipment = read(answer.shipments[2])
    assert (shipment.mode, shipment.carrier, shipment.service) == (ShipmentMode.OWN_FLEET, None, None)
    assert shipment.stage is WarehouseStage.VOIDED
    assert shipment.voided_at is not None
    assert answer.next == wire.Position(datetime(2025, 8, 2, 14, tzinfo=UTC), "S-000100")


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("20", WarehouseStage.LABELLED),
        ("30", WarehouseStage.LOADED),
        ("50", WarehouseStage.CONFIRMED),
        ("0", WarehouseStage.UNKNOWN),
    ],
)
def test_a_label_or_a_load_is_no_ship_confirm(status: str, stage: WarehouseStage) -> None:
    assert read(record(status=status)).stage is stage


@pytest.mark.parametrize(
    "changes",
    [
        {"orderNumber": 10031},
        {"orderNumber": None},
        {"account": None},
        {"status": 50},
        {"mode": "Drone"},
        {"createdAt": None},
        {"createdAt": "2026-11-19"},
        {"createdAt": "0001-01-01T00:00:00+14:00"},
        {"confirmedAt": ""},
        {"lines": line()},
        {"lines": [line(quantity="")]},
        {"lines": [line(quantity="NaN")]},
        {"lines": [line(stockQuantity="Infinity")]},
        {"lines": [line(quantity="1e1000000")]},
        {"lines": [line(quantity=None)]},
        {"lines": [line(orderLine=1)]},
        {
            "packages": [
                {"lpn": "L", "trackingNumber": None, "weight": "", "weightUnit": "LB", "voided": False, "contents": []}
            ]
        },
        {
            "packages": [
                {"lpn": "L", "trackingNumber": None, "weight": "1", "weightUnit": "ST", "voided": False, "contents": []}
            ]
        },
    ],
    ids=str,
)
def test_what_breaks_the_contract_is_a_fault(changes: Mapping[str, object]) -> None:
    with pytest.raises(SourceFault, match="ShipmentRecord"):
        read(record(**changes))


@pytest.mark.parametrize("field", ["shipTo", "confirmedAt", "carrier", "createdAt", "packages"])
def test_a_missing_value_is_not_a_null_one(field: str) -> None:
    fields: dict[str, object] = msgspec.json.decode(record())
    del fields[field]
    with pytest.raises(SourceFault, match="missing required field"):
        read(msgspec.Raw(msgspec.json.encode(fields)))


def test_a_short_counted_in_one_unit_only_is_a_fault() -> None:
    fields = msgspec.json.decode(orders_reply().orders[0])
    fields["tasks"][0]["stockQuantityShort"] = None
    with pytest.raises(SourceFault, match="short in one unit"):
        wire.read(msgspec.Raw(msgspec.json.encode(fields)), wire.OrderRecord, CODES, SOURCE)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"orders":[]}', b'{"orders":[{]}', b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_answer_is_a_fault(body: bytes) -> None:
    with pytest.raises(SourceFault):
        wire.decode(body, wire.OrdersReply, "wms")


def test_bytes_that_are_no_text_spoil_one_record() -> None:
    body = (FIXTURES / "orders.json").read_bytes().replace(b'"Ground <&>', b'"Ground \xff')
    answer = wire.decode(body, wire.OrdersReply, "wms")
    with pytest.raises(SourceFault):
        wire.read(answer.orders[0], wire.OrderRecord, CODES, SOURCE)
    assert wire.read(answer.orders[1], wire.OrderRecord, CODES, SOURCE).order_id == "0010042"


TEXT = st.text(st.characters(codec="utf-8"))


@given(identity=TEXT, name=TEXT, ship_to=st.none() | TEXT, number=st.none() | TEXT)
def test_text_is_kept_character_by_character(identity: str, name: str, ship_to: str | None, number: str | None) -> None:
    carrier = {"scac": identity, "name": name, "service": name}
    shipment = read(
        record(shipmentId=identity, account=name, shipTo=ship_to, carrier=carrier, proNumber=number, packages=[])
    )
    assert (shipment.id, shipment.customer_id, shipment.ship_to_id) == (identity, name, ship_to)
    assert shipment.carrier == Carrier(identity, name)
    assert (shipment.service, shipment.pro_number) == (name, number)


COUNTS = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=Decimal("-1e30"), max_value=Decimal("1e30"), places=6
)


@given(sold=COUNTS, stocked=COUNTS, bare=st.booleans())
def test_decimals_are_kept_digit_by_digit(sold: Decimal, stocked: Decimal, bare: bool) -> None:
    told = record(lines=[line(quantity="sold", stockQuantity="stocked")])
    quote = "" if bare else '"'
    body = bytes(told).decode().replace('"sold"', f"{quote}{sold:f}{quote}").replace('"stocked"', f'"{stocked:f}"')
    quantity = read(msgspec.Raw(body.encode())).lines[0].quantity
    assert quantity.value.as_tuple() == sold.as_tuple()
    assert quantity.base_value.as_tuple() == stocked.as_tuple()


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001 the offset follows
def test_an_instant_keeps_its_offset(wall: datetime, minutes: int) -> None:
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    shipment = read(record(createdAt=f"{wall.isoformat()}{sign}{size // 60:02}:{size % 60:02}"))
    assert shipment.created_at.offset == timedelta(minutes=minutes)
    assert shipment.created_at.local == wall
    assert shipment.created_at.precision is Precision.INSTANT


@given(st.binary(max_size=200))
def test_foreign_bytes_are_a_fault_or_an_answer(body: bytes) -> None:
    try:
        answer = wire.decode(body, wire.ShipmentsReply, "wms")
    except SourceFault:
        return
    assert isinstance(answer, wire.ShipmentsReply)
