"""The warehouse system's JSON shapes and how they become domain objects; pure, so recorded answers test it.

Shapes follow the service's own OpenAPI document, in its camel case; a value that may be null must still be there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Protocol, TypeVar

import msgspec

from domain.errors import SourceError, SourceFault, SourceUnavailable
from domain.model import (
    Carrier,
    CustomerId,
    Document,
    DocumentKind,
    OrderId,
    Package,
    Shipment,
    ShipmentId,
    ShipmentLine,
    ShipmentMode,
    WarehouseOrder,
    WarehouseStage,
    WarehouseTask,
)
from domain.values import Code, Moment, Precision, Provenance, Quantity
from sources import decoding
from sources.codes import CodeTable

Codes = CodeTable[WarehouseStage]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

MODES: Mapping[str, ShipmentMode] = {
    "Parcel": ShipmentMode.PARCEL,
    "LTL": ShipmentMode.LTL,
    "FTL": ShipmentMode.FTL,
    "OwnFleet": ShipmentMode.OWN_FLEET,
    "WillCall": ShipmentMode.PICKUP,
}
Mode = Literal["Parcel", "LTL", "FTL", "OwnFleet", "WillCall"]

PASSING_ERRORS = frozenset({"ORDER_LOCKED", "WAREHOUSE_OFFLINE"})
"""Per-order error codes that a later call may not meet; all others are faults."""

UNREADABLE = (ValueError, OverflowError, RecursionError)
"""What foreign JSON can raise: msgspec's errors and Unicode's are ValueErrors; a year beyond 1 or 9999 overflows."""

MOST = 400_000
"""Marks (``decoding.MOST``) in an answer: 500 orders of some eight shipments and packages each."""

LARGEST_EXPONENT = 99
"""Beyond this power of ten, either way, a number is an attack and not a count."""


class Record(Protocol[T_co]):
    """A record of an answer that becomes a ``T_co``."""

    def to_domain(self, codes: Codes, source: Provenance) -> T_co: ...


class Wire(msgspec.Struct, frozen=True, rename="camel"):
    """A shape of the service; fields it may add later are ignored."""


class Position(Wire, frozen=True):
    """A keyset position, newest first: the last shipment seen, its creation placed in UTC."""

    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    shipment_id: str

    @property
    def rank(self) -> tuple[datetime, str]:
        return self.created_at, self.shipment_id


class RecordError(Wire, frozen=True):
    """An error of one order inside a 200."""

    order_number: str
    code: str
    message: str

    def to_domain(self, system: str) -> SourceError:
        kind = SourceUnavailable if self.code in PASSING_ERRORS else SourceFault
        return kind(system, f"order {self.order_number}: {self.code}: {self.message}")


class OrdersReply(Wire, frozen=True):
    """Each order is decoded alone, so that a malformed one spoils no other."""

    orders: list[msgspec.Raw]
    errors: list[RecordError]


class ShipmentsReply(Wire, frozen=True):
    shipments: list[msgspec.Raw]
    next: Position | None


class LineRecord(Wire, frozen=True):
    """A quantity of an order line, by the line's key; the sku is for people."""

    order_line: str
    sku: str
    quantity: Decimal
    unit: str
    stock_quantity: Decimal
    stock_unit: str

    def counted(self) -> Quantity:
        return Quantity(_finite(self.quantity), self.unit, _finite(self.stock_quantity), self.stock_unit)

    def to_domain(self) -> ShipmentLine:
        return ShipmentLine(self.order_line, self.sku, self.counted())


class PackageRecord(Wire, frozen=True):
    """A carton or pallet by its licence plate number (LPN)."""

    lpn: str
    tracking_number: str | None
    weight: Decimal | None
    weight_unit: Literal["LB", "KG"]
    voided: bool
    contents: list[LineRecord]

    def to_domain(self) -> Package:
        weight = None if self.weight is None else Quantity.of(_finite(self.weight), self.weight_unit)
        contents = tuple(line.to_domain() for line in self.contents)
        return Package(self.lpn, self.tracking_number, weight, contents, self.voided)


class CarrierRecord(Wire, frozen=True):
    scac: str
    name: str
    service: str | None


class ShipmentRecord(Wire, frozen=True):
    """A shipment, or a part of one with many packages: parts share id and header, and each holds its own packages."""

    shipment_id: str
    order_number: str
    account: str
    ship_to: str | None
    warehouse: str
    status: str
    status_text: str | None
    mode: Mode
    carrier: CarrierRecord | None
    pro_number: str | None
    created_at: datetime
    labelled_at: datetime | None
    packed_at: datetime | None
    manifested_at: datetime | None
    confirmed_at: datetime | None
    voided_at: datetime | None
    lines: list[LineRecord]
    packages: list[PackageRecord]

    def to_domain(self, codes: Codes, source: Provenance) -> Shipment:
        stage, code = _stage(codes.of(self.account), "shipment", self.status, self.status_text)
        return Shipment(
            id=ShipmentId(self.shipment_id),
            order_id=OrderId(self.order_number),
            customer_id=CustomerId(self.account),
            ship_to_id=self.ship_to,
            warehouse=self.warehouse,
            stage=stage,
            stage_code=code,
            mode=MODES[self.mode],
            carrier=Carrier(self.carrier.scac, self.carrier.name) if self.carrier else None,
            service=self.carrier.service if self.carrier else None,
            pro_number=self.pro_number,
            created_at=_moment(self.created_at),
            labelled_at=_maybe(self.labelled_at),
            packed_at=_maybe(self.packed_at),
            manifested_at=_maybe(self.manifested_at),
            confirmed_at=_maybe(self.confirmed_at),
            voided_at=_maybe(self.voided_at),
            lines=tuple(line.to_domain() for line in self.lines),
            packages=tuple(package.to_domain() for package in self.packages),
            source=source,
            documents=self._documents(),
        )

    def _documents(self) -> tuple[Document, ...]:
        """A shipment's packing list is there from when it is packed."""
        if self.packed_at is None:
            return ()
        title = f"Packing list {self.shipment_id}"
        return (Document(self.shipment_id, DocumentKind.PACKING_LIST, title, "application/pdf"),)


class WaveRecord(Wire, frozen=True):
    """A pick wave and what of the order it asks for."""

    wave_id: str
    status: str
    created_at: datetime
    released_at: datetime | None
    pick_ticket_printed_at: datetime | None
    lines: list[LineRecord]

    def to_domain(self, codes: Codes) -> Iterator[WarehouseTask]:
        stage, code = _stage(codes, "wave", self.status)
        at = _moment(self.pick_ticket_printed_at or self.released_at or self.created_at)
        for line in self.lines:
            yield WarehouseTask(stage, code, line.order_line, line.counted(), None, at)


class TaskRecord(Wire, frozen=True):
    """Work on one order line: what was done of it and what could not be. ``quantity_short`` null: not counted yet."""

    task_id: str
    status: str
    order_line: str
    quantity_done: Decimal
    quantity_short: Decimal | None
    unit: str
    stock_quantity_done: Decimal
    stock_quantity_short: Decimal | None
    stock_unit: str
    reported_at: datetime

    def to_domain(self, codes: Codes) -> WarehouseTask:
        stage, code = _stage(codes, "task", self.status)
        done = Quantity(_finite(self.quantity_done), self.unit, _finite(self.stock_quantity_done), self.stock_unit)
        return WarehouseTask(stage, code, self.order_line, done, self._short(), _moment(self.reported_at))

    def _short(self) -> Quantity | None:
        sold, stocked = self.quantity_short, self.stock_quantity_short
        if sold is None and stocked is None:
            return None
        if sold is None or stocked is None:
            raise ValueError(f"task {self.task_id} counts what is short in one unit and not in the other")
        return Quantity(_finite(sold), self.unit, _finite(stocked), self.stock_unit)


class OrderRecord(Wire, frozen=True):
    """One warehouse's part of an order: an order worked in two warehouses comes as two records."""

    order_number: str
    warehouse: str
    waves: list[WaveRecord]
    tasks: list[TaskRecord]
    shipments: list[ShipmentRecord]

    def to_domain(self, codes: Codes, source: Provenance) -> WarehouseOrder:
        waves = (task for wave in self.waves for task in wave.to_domain(codes))
        return WarehouseOrder(
            order_id=OrderId(self.order_number),
            tasks=(*waves, *(task.to_domain(codes) for task in self.tasks)),
            shipments=merge(record.to_domain(codes, source) for record in self.shipments),
            source=source,
        )


class OrderName(Wire, frozen=True):
    """As much of a malformed order as it takes to know whose it is."""

    order_number: str


class PackageName(Wire, frozen=True):
    tracking_number: str | None = None


class ShipmentName(Wire, frozen=True):
    """As much of a malformed shipment as it takes to know whose it is."""

    shipment_id: str
    pro_number: str | None = None
    packages: list[PackageName] = []


def decode(body: bytes, shape: type[T], system: str) -> T:
    """A whole answer in its shape; raises SourceFault when it is not JSON or not that shape."""
    try:
        return decoding.decode(body, shape, most=MOST)
    except UNREADABLE as error:
        raise SourceFault(system, f"not a {shape.__name__}: {error}") from error


def read(raw: msgspec.Raw, shape: type[Record[T]], codes: Codes, source: Provenance) -> T:
    """One record of an answer in the domain's words; raises SourceFault, which is this record's alone."""
    try:
        return msgspec.json.decode(raw, type=shape).to_domain(codes, source)
    except UNREADABLE as error:
        raise SourceFault(source.system, f"not a {shape.__name__}: {error}") from error


def name(raw: msgspec.Raw, shape: type[T]) -> T | None:
    """What a malformed record still says of its own name, if anything."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except UNREADABLE:
        return None


def identity(found: Shipment | ShipmentName) -> ShipmentId:
    return found.id if isinstance(found, Shipment) else ShipmentId(found.shipment_id)


def tracking_numbers(found: Shipment | ShipmentName) -> set[str]:
    """Every number the shipment can be asked for by, those of void packages too."""
    numbers = {found.pro_number, *(package.tracking_number for package in found.packages)}
    return {number for number in numbers if number}


def merge(shipments: Iterable[Shipment]) -> tuple[Shipment, ...]:
    """One shipment per id, in order of first appearance, with the packages of all its parts, each as last told."""
    first: dict[ShipmentId, Shipment] = {}
    packages: dict[ShipmentId, dict[str, Package]] = {}
    for part in shipments:
        first.setdefault(part.id, part)
        packages.setdefault(part.id, {}).update((package.id, package) for package in part.packages)
    return tuple(replace(whole, packages=tuple(packages[id_].values())) for id_, whole in first.items())


def join(parts: Sequence[WarehouseOrder]) -> WarehouseOrder:
    """The whole of an order that several warehouses work on; ``parts`` is not empty."""
    tasks = tuple(task for part in parts for task in part.tasks)
    return replace(parts[0], tasks=tasks, shipments=merge(found for part in parts for found in part.shipments))


def _stage(codes: Codes, table: str, raw: str, text: str | None = None) -> tuple[WarehouseStage, Code]:
    found = codes.translate(table, raw, text)
    return found.meaning or WarehouseStage.UNKNOWN, found.code


def _moment(value: datetime) -> Moment:
    """A time without an offset is the warehouse's wall clock, whose zone nobody told."""
    if value.tzinfo is None:
        return Moment(value.replace(tzinfo=UTC), None, Precision.LOCAL)
    return Moment.from_aware(value)


def _maybe(value: datetime | None) -> Moment | None:
    return None if value is None else _moment(value)


def _finite(value: Decimal) -> Decimal:
    """The number as sent; ValueError for NaN, infinities and exponents no count has."""
    if not value.is_finite():
        raise ValueError(f"{value} is not a number")
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and max(abs(exponent), abs(value.adjusted())) > LARGEST_EXPONENT:
        raise ValueError(f"a number with the exponent {exponent} is not a count")
    return value
