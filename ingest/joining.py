"""Joins a batch of readings with what is remembered: pure, so that the transaction around it only loads and saves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from domain.changes import Change
from domain.dossier import Dossier, newest
from domain.events import SUBJECTS, Fact, Resolved, Subject, Want, Withdrawn, name_of, tracking_name
from domain.invoice_status import payment_status
from domain.model import Customer, Invoice, Order, OrderId, Return, Shipment, Tracking, WarehouseOrder, WarehouseStage
from domain.order_status import CARRIER_MEMORY
from domain.projection import Projection, project
from domain.return_status import derive_return
from domain.timeline import TimelineEvent, of_invoice, of_return
from ingest.parsing import Reading
from store.folding import Kept, KeptRecord, OrderRow

Record: TypeAlias = Invoice | Return | Customer

RECORDS: Mapping[type, Subject] = {
    kind: subject for kind, subject in SUBJECTS.items() if kind in (Invoice, Return, Customer)
}


@dataclass(frozen=True, slots=True)
class Sought:
    """What must be loaded before a batch can be joined."""

    orders: frozenset[OrderId]
    numbers: frozenset[str]
    shipments: frozenset[str]
    records: Mapping[Subject, frozenset[str]]


@dataclass(slots=True)
class Remembered:
    """What was loaded. ``by_number`` and ``by_shipment``: the orders that a number or a shipment belongs to."""

    dossiers: Mapping[OrderId, Kept[Dossier]]
    by_number: Mapping[str, frozenset[OrderId]]
    by_shipment: Mapping[str, OrderId]
    records: Mapping[Subject, Mapping[str, KeptRecord]]


@dataclass(slots=True)
class Joined:
    """What a batch comes to. ``waiting``: readings that must wait, each with what for."""

    rows: list[OrderRow] = field(default_factory=list)
    records: dict[Subject, dict[str, KeptRecord]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    arrived: set[str] = field(default_factory=set)
    waiting: dict[tuple[str, str], str] = field(default_factory=dict)
    wants: set[Want] = field(default_factory=set)


def order_key(order_id: str) -> str:
    """What a delivery waits for whose order is not known."""
    return f"order:{order_id}"


def shipment_key(shipment_id: str) -> str:
    """What a delivery waits for whose shipment is not known."""
    return f"shipment:{shipment_id}"


def number_key(number: str) -> str:
    """What a delivery waits for whose tracking number no shipment has."""
    return f"number:{number}"


def sought(readings: Iterable[Reading]) -> Sought:
    """``orders`` are those that facts name themselves; numbers and shipments lead to more."""
    orders: set[OrderId] = set()
    numbers: set[str] = set()
    shipments: set[str] = set()
    records: dict[Subject, set[str]] = {subject: set() for subject in RECORDS.values()}
    for fact in (fact for reading in readings for fact in reading.facts):
        match fact:
            case Order():
                orders.add(fact.id)
            case WarehouseOrder() | Shipment() | Resolved():
                orders.add(fact.order_id)
            case Tracking():
                numbers.add(fact.key.number)
            case Withdrawn(subject=Subject.ORDER | Subject.WORK, id=id_):
                orders.add(OrderId(id_))
            case Withdrawn(subject=Subject.SHIPMENT, id=id_):
                shipments.add(id_)
            case Withdrawn(subject=subject, id=id_):
                records.setdefault(subject, set()).add(id_)
            case _:
                records[RECORDS[type(fact)]].add(fact.id)
    named = {subject: frozenset(ids) for subject, ids in records.items() if subject in RECORDS.values()}
    return Sought(frozenset(orders), frozenset(numbers), frozenset(shipments), named)


def join(readings: Sequence[Reading], remembered: Remembered, *, now: datetime, carrier_grace: timedelta) -> Joined:
    """Each delivery's facts where they belong, whatever came first."""
    joined = Joined()
    dossiers = {id_: kept.value for id_, kept in remembered.dossiers.items()}
    known = {id_ for id_, dossier in dossiers.items() if dossier.order is not None}
    known |= {fact.id for reading in readings for fact in reading.facts if isinstance(fact, Order)}
    by_shipment = {**remembered.by_shipment, **dict(_made(readings))}
    for reading in readings:
        for order_id, fact in _of_orders(reading, by_shipment):
            if order_id is None:
                joined.waiting[reading.name] = shipment_key(name_of(fact)[1])
            elif order_id in known:
                dossiers[order_id] = dossiers.get(order_id, Dossier(order_id)).absorb(fact)
            else:
                joined.waiting[reading.name] = order_key(order_id)
                joined.wants.add(Want(Subject.ORDER, order_id))
    by_number = _numbers(dossiers.values(), remembered.by_number)
    for reading in readings:
        for fact in reading.facts:
            if isinstance(fact, Tracking):
                owners = by_number.get(fact.key.number, frozenset()) & dossiers.keys()
                for order_id in owners:
                    dossiers[order_id] = dossiers[order_id].absorb(fact)
                if not owners:
                    joined.waiting[reading.name] = number_key(fact.key.number)
    for order_id, dossier in dossiers.items():
        _finish_order(joined, remembered.dossiers.get(order_id), dossier, now, carrier_grace)
    _join_records(joined, readings, remembered, now)
    joined.wants.update(want for reading in readings for want in reading.wants)
    return joined


def review(kept: Mapping[OrderId, Kept[Dossier]], *, now: datetime, carrier_grace: timedelta) -> Sequence[OrderRow]:
    """Orders looked at again because time has passed."""
    return [
        OrderRow(each.value, project(each.value, now=now, carrier_grace=carrier_grace), each.version)
        for each in kept.values()
    ]


def _made(readings: Iterable[Reading]) -> Iterator[tuple[str, OrderId]]:
    """The shipments that this batch tells of, each with its order."""
    for fact in (fact for reading in readings for fact in reading.facts):
        if isinstance(fact, Shipment):
            yield fact.id, fact.order_id
        elif isinstance(fact, WarehouseOrder):
            yield from ((shipment.id, fact.order_id) for shipment in fact.shipments)


def _of_orders(reading: Reading, by_shipment: Mapping[str, OrderId]) -> Iterator[tuple[OrderId | None, Fact]]:
    """The facts that are of one order, each with it; None: of an order that nobody can name yet."""
    for fact in reading.facts:
        match fact:
            case Order():
                yield fact.id, fact
            case WarehouseOrder() | Shipment() | Resolved():
                yield fact.order_id, fact
            case Withdrawn(subject=Subject.ORDER | Subject.WORK, id=id_):
                yield OrderId(id_), fact
            case Withdrawn(subject=Subject.SHIPMENT, id=id_):
                yield by_shipment.get(id_), fact
            case _:
                pass


def _numbers(
    dossiers: Iterable[Dossier], loaded: Mapping[str, AbstractSet[OrderId]]
) -> Mapping[str, AbstractSet[OrderId]]:
    """Who has a number, as it stands and as this batch makes it."""
    owners: dict[str, set[OrderId]] = {number: set(ids) for number, ids in loaded.items()}
    for dossier in dossiers:
        for number in dossier.numbers:
            owners.setdefault(number, set()).add(dossier.order_id)
    return owners


def _finish_order(
    joined: Joined, kept: Kept[Dossier] | None, dossier: Dossier, now: datetime, carrier_grace: timedelta
) -> None:
    before = kept.value if kept else None
    if dossier == before:
        return
    after = project(dossier, now=now, carrier_grace=carrier_grace)
    was = project(before, now=now, carrier_grace=carrier_grace) if before else None
    joined.rows.append(OrderRow(dossier, after, kept.version if kept else 0))
    if dossier.order and not (before and before.order):
        joined.arrived.add(order_key(dossier.order_id))
    known = before or Dossier(dossier.order_id)
    joined.arrived |= {number_key(number) for number in dossier.numbers - known.numbers}
    joined.wants |= _to_track(dossier, now) - _to_track(known, now)
    made = {kept.header.id for kept in known.shipments}
    joined.arrived |= {shipment_key(kept.header.id) for kept in dossier.shipments if kept.header.id not in made}
    joined.changes.extend(_changes(was, after, now))


def _to_track(dossier: Dossier, now: datetime) -> AbstractSet[Want]:
    """The consignments that carriers can still tell something of."""
    work = dossier.warehouse if dossier.current else None
    return {
        Want(Subject.TRACKING, tracking_name(key))
        for shipment in (work.shipments if work else ())
        if shipment.stage is not WarehouseStage.VOIDED and now - shipment.created_at.at < CARRIER_MEMORY
        for key in shipment.tracking_keys
    }


def _changes(was: Projection | None, after: Projection | None, now: datetime) -> Iterator[Change]:
    """One change of the order if anything of it differs, and one of each shipment that does; ages are no difference."""
    told = after or was
    if told is None:
        return
    order = told.order
    known = {event.id: event for event in was.story} if was else {}
    news = tuple(event for event in after.story if known.get(event.id) != event) if after else ()
    shipped = list(_shipments(was, after, news, now))
    if was is None or after is None or news or shipped or _differs(was, after):
        yield Change(
            Subject.ORDER,
            order.id,
            order.id,
            order.customer_id,
            order.ship_to_id,
            now,
            was.state.status if was else None,
            after.state.status if after else None,
            news,
        )
    yield from shipped


def _differs(was: Projection, after: Projection) -> bool:
    return (
        was.state.status is not after.state.status
        or was.exceptions != after.exceptions
        or replace(was.order, source=after.order.source) != after.order
    )


def _shipments(
    was: Projection | None, after: Projection | None, news: Sequence[TimelineEvent], now: datetime
) -> Iterator[Change]:
    before = {state.shipment.id: state for state in was.shipments} if was else {}
    current = {state.shipment.id: state for state in after.shipments} if after else {}
    told = after or was
    for id_ in dict.fromkeys((*current, *before)):
        old, new = before.get(id_), current.get(id_)
        story = tuple(event for event in news if event.shipment_id == id_)
        same = old and new and replace(old.shipment, source=new.shipment.source) == new.shipment
        if told and (not same or story or (old and new and old.status is not new.status)):
            yield Change(
                Subject.SHIPMENT,
                id_,
                told.order.id,
                told.order.customer_id,
                told.order.ship_to_id,
                now,
                old.status if old else None,
                new.status if new else None,
                story,
            )


def _join_records(joined: Joined, readings: Sequence[Reading], remembered: Remembered, now: datetime) -> None:
    for fact in (fact for reading in readings for fact in reading.facts):
        if isinstance(fact, Withdrawn):
            subject, id_ = fact.subject, fact.id
        elif isinstance(fact, Invoice | Return | Customer):
            subject, id_ = RECORDS[type(fact)], fact.id
        else:
            continue
        if subject not in RECORDS.values():
            continue
        rows = joined.records.setdefault(subject, {})
        kept = rows.get(id_) or remembered.records.get(subject, {}).get(id_) or KeptRecord(None, None, 0)
        rows[id_] = _with(kept, fact)
    for subject, rows in joined.records.items():
        loaded = remembered.records.get(subject, {})
        joined.records[subject] = {id_: kept for id_, kept in rows.items() if kept != loaded.get(id_)}
        for id_, kept in joined.records[subject].items():
            joined.changes.extend(_record_change(subject, loaded.get(id_), kept, now))


def _with(kept: KeptRecord, fact: Fact) -> KeptRecord:
    if isinstance(fact, Withdrawn):
        gone = fact.at if kept.withdrawn_at is None else max(kept.withdrawn_at, fact.at)
        return replace(kept, withdrawn_at=gone)
    if isinstance(fact, Invoice | Return | Customer):
        return replace(kept, record=newest(kept.record, fact))
    return kept


def _record_change(subject: Subject, loaded: KeptRecord | None, kept: KeptRecord, now: datetime) -> Iterator[Change]:
    was, after = _current(loaded), _current(kept)
    told = after or was
    if told is None or (was and after and replace(was, source=after.source) == after):
        return
    order_id, ship_to, story = None, None, tuple[TimelineEvent, ...]()
    if isinstance(told, Invoice):
        order_id, ship_to = next(iter(told.order_ids), None), told.ship_to_id
        story = () if was or not after else (of_invoice(told),)
    elif isinstance(told, Return):
        order_id, ship_to = told.order_id, told.ship_to_id
        story = () if was or not after else (of_return(told),)
    owner = told.id if isinstance(told, Customer) else told.customer_id
    yield Change(subject, told.id, order_id, owner, ship_to, now, _status(was), _status(after), story)


def _status(record: Record | None) -> str | None:
    """The derived status of a record; an account has none."""
    match record:
        case Invoice():
            return payment_status(record)
        case Return():
            return derive_return(record).status
        case _:
            return None


def _current(kept: KeptRecord | None) -> Record | None:
    """The record, unless its owner deleted it since."""
    if kept is None or kept.record is None:
        return None
    gone = kept.withdrawn_at is not None and kept.withdrawn_at >= kept.record.source.as_of
    return None if gone else kept.record
