"""Lives of an order as its systems tell them, with every awkward turn real ones take, for laws about the telling."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st

from domain.events import Fact, Resolved, Subject, Withdrawn
from domain.model import (
    Lifecycle,
    Line,
    Order,
    Package,
    Shipment,
    ShipmentId,
    ShipmentMode,
    Tracking,
    TrackingEvent,
    WarehouseOrder,
    WarehouseStage,
)
from domain.model import ShipmentStatus as S
from domain.values import Code, Precision, Quantity
from tests.domain import strategies
from tests.domain.samples import NOW, event, hold, line, moment, order, package, provenance, shipment, task, tracking

EDITS = (
    "hold",
    "release",
    "backorder",
    "allocate",
    "cancel a line",
    "cancel the rest",
    "substitute",
    "edit",
    "close",
    "nothing",
)
TURNS = ("split package", "void package", "void shipment", "relabel", "confirm late", "nothing")
SCANS = (S.LABEL_CREATED, S.IN_TRANSIT, S.DELAYED, S.EXCEPTION, S.OUT_FOR_DELIVERY, S.DELIVERY_ATTEMPTED, S.DELIVERED)
ODD_SCANS = (S.UNKNOWN, S.RETURNING, S.RETURNED, S.LOST, S.VOIDED, S.SHIPPED, S.AVAILABLE_FOR_PICKUP)
WAY = (
    WarehouseStage.RELEASED,
    WarehouseStage.PICKING,
    WarehouseStage.PACKED,
    WarehouseStage.LABELLED,
    WarehouseStage.MANIFESTED,
    WarehouseStage.CONFIRMED,
)


@dataclass(frozen=True)
class Life:
    """``facts`` in the order they happened; ``retold``: the same, shuffled, some of them twice."""

    facts: Sequence[Fact]
    retold: Sequence[Fact]


def _at(day: float, system: str) -> dict[str, object]:
    return {"source": provenance(system, NOW + timedelta(days=day))}


def _edited(known: Order, edit: str, day: float) -> Order:
    first, *rest = known.lines
    moved = replace(known, modified_at=moment(day), source=provenance("erp", NOW + timedelta(days=day)))
    ordered = first.ordered
    half = Quantity.of(int(ordered.value) // 2)
    match edit:
        case "hold":
            return replace(moved, hold=hold())
        case "release":
            return replace(moved, hold=None, lifecycle=Lifecycle.CONFIRMED)
        case "backorder":
            lines: list[Line] = [replace(first, backordered=half), *rest]
        case "allocate":
            lines = [replace(each, allocated=each.ordered, backordered=Quantity.of(0)) for each in known.lines]
        case "cancel a line":
            lines = [replace(first, cancelled=ordered, closed=True), *rest]
        case "cancel the rest":
            return replace(moved, lifecycle=Lifecycle.CANCELLED)
        case "substitute":
            other = line("9", int(ordered.value), substitution_of=first.key)
            lines = [replace(first, cancelled=ordered, substituted_by="9"), *rest, other]
        case "edit":
            lines = [replace(first, ordered=Quantity.of(int(ordered.value) + 3)), *rest]
            moved = replace(moved, revision=known.revision + 1)
        case "close":
            return replace(moved, lifecycle=Lifecycle.CLOSED)
        case _:
            return moved
    return replace(moved, lines=tuple(lines))


@st.composite
def _erp(draw: st.DrawFn) -> list[Fact]:
    told = order(line("1", 10), line("2", 4), lifecycle=Lifecycle.RECEIVED, **_at(-9, "erp"))
    versions: list[Fact] = [told]
    for step, edit in enumerate(draw(st.lists(st.sampled_from(EDITS), max_size=5))):
        told = _edited(told, edit, -8 + step)
        versions.append(told)
    return versions


def _turned(made: Shipment, turn: str, day: float) -> Shipment:
    first, *rest = made.packages
    match turn:
        case "split package":
            packages: tuple[Package, ...] = (package("P8", "1Z8", {"1": 1}),)
        case "void package":
            packages = (replace(first, voided=True), *rest)
        case "relabel":
            packages = (replace(first, tracking_number="1Z9"), *rest)
        case "void shipment":
            return replace(made, stage=WarehouseStage.VOIDED, voided_at=moment(day), packages=())
        case "confirm late":
            return replace(made, stage=WarehouseStage.CONFIRMED, confirmed_at=moment(day))
        case _:
            packages = made.packages
    return replace(made, packages=packages)


@st.composite
def _wms(draw: st.DrawFn) -> list[Fact]:
    """Up to three shipments, each told at every stage, as the whole of an order or by itself."""
    told: list[Fact] = []
    for nth in range(draw(st.integers(0, 3))):
        mode = draw(st.sampled_from((ShipmentMode.PARCEL, ShipmentMode.PARCEL, ShipmentMode.PICKUP, ShipmentMode.LTL)))
        share = {"1": draw(st.integers(1, 5)), "2": draw(st.integers(0, 2))}
        boxes = (package(f"P{nth}", f"1Z{nth}", share),)
        for step, stage in enumerate(WAY[: draw(st.integers(1, len(WAY)))]):
            day = -4 + nth / 2 + step / 10
            confirmed = moment(day) if stage is WarehouseStage.CONFIRMED else None
            made = shipment(
                *boxes, id=ShipmentId(f"SH{nth}"), stage=stage, mode=mode, confirmed_at=confirmed, **_at(day, "wms")
            )
            done = (task(stage, "1", share["1"], at=moment(day)),)
            whole = WarehouseOrder(made.order_id, done, (made,), made.source)
            told.append(whole if draw(st.booleans()) else made)
        for step, turn in enumerate(draw(st.lists(st.sampled_from(TURNS), max_size=2))):
            day = -2 + nth / 2 + step / 10
            again = shipment(*boxes, id=ShipmentId(f"SH{nth}"), mode=mode, **_at(day, "wms"))
            told.append(_turned(again, turn, day))
    return told


@st.composite
def _carrier(draw: st.DrawFn) -> Iterator[Fact]:
    """Every number's journey, told event by event or as a whole, by one or two consignments of the same number."""
    told: list[Tracking] = []
    for number in ("1Z0", "1Z1", "1Z2", "1Z8", "1Z9"):
        scans = draw(st.lists(st.sampled_from((*SCANS, *SCANS, *ODD_SCANS)), max_size=5))
        events: list[TrackingEvent] = []
        for step, status in enumerate(scans):
            day = -2 + step / 4
            scan = event(status, day, key=f"{number}:{step}", precision=draw(st.sampled_from(Precision)))
            if draw(st.booleans()):
                scan = replace(scan, code=Code("QQ", "ups/activity", None, known=False), status=S.UNKNOWN)
            events.append(scan)
            so_far = draw(st.sampled_from(((scan,), tuple(events))))
            told.append(replace(tracking(*so_far, number=number), **_at(day, "ups")))  # type: ignore[arg-type]
    return iter(told)


@st.composite
def _withdrawals(draw: st.DrawFn) -> list[Fact]:
    gone: list[Fact] = []
    if draw(st.integers(0, 5)) == 0:
        gone.append(Withdrawn(Subject.ORDER, "SO1", "erp", NOW + timedelta(days=draw(st.integers(-9, 0)))))
    if draw(st.integers(0, 3)) == 0:
        gone.append(Withdrawn(Subject.SHIPMENT, "SH1", "wms", NOW + timedelta(days=draw(st.integers(-4, 0)))))
    return gone


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """A life, and any permutation and duplication of its telling."""
    facts = [*draw(_erp()), *draw(_wms()), *draw(_carrier()), *draw(_withdrawals())]
    again = draw(st.lists(st.sampled_from(facts), max_size=6))
    return Life(facts, draw(st.permutations([*facts, *again])))


@st.composite
def odd_facts(draw: st.DrawFn) -> list[Fact]:
    """Whatever sources might say of one order, sound or not, at whatever time."""
    days = st.integers(-20, 5)

    def told(fact: Fact) -> Fact:
        if isinstance(fact, Withdrawn | Resolved):
            return fact
        stamped = provenance(fact.source.system, NOW + timedelta(days=draw(days)))
        return replace(fact, source=stamped)

    seen = st.builds(
        WarehouseOrder,
        st.just(order().id),
        st.lists(strategies.tasks, max_size=3).map(tuple),
        st.lists(strategies.shipments(), max_size=2).map(tuple),
        st.just(provenance("wms")),
    )
    any_fact = st.one_of(strategies.orders(), strategies.shipments(), seen, strategies.trackings("1Z1"))
    return [told(fact) for fact in draw(st.lists(any_fact, max_size=8))]
