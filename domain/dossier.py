"""All that was ever said about one order, joined so that no permutation, duplication or delay of it makes a difference.

Each part is a join: records by the latest word of their owner, lists by union. So a dossier only grows, absorbing a
fact twice changes nothing, and two dossiers of one order have one union. Statuses are never part of it: they are
recomputed from the quantities in it (``domain.standing``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from domain.events import Fact, Resolved, Subject, Withdrawn
from domain.model import (
    Customer,
    Invoice,
    Order,
    OrderId,
    Package,
    ProofOfDelivery,
    Return,
    Shipment,
    Tracking,
    TrackingEvent,
    TrackingKey,
    WarehouseOrder,
    WarehouseStage,
    WarehouseTask,
)
from domain.tracking import chronological
from domain.values import Provenance

Record: TypeAlias = Order | Shipment | Invoice | Return | Customer
R = TypeVar("R", bound=Record)

STAGES = list(WarehouseStage)


@dataclass(frozen=True, slots=True)
class KeptPackage:
    """A package as last told, and when."""

    package: Package
    as_of: datetime


@dataclass(frozen=True, slots=True)
class KeptShipment:
    """A shipment as last told, without packages, and every package any record of it ever had: they merge, and are
    never replaced. ``numbers``: every tracking number it has or had; under a label since replaced carriers still speak.
    """

    header: Shipment
    packages: tuple[KeptPackage, ...]
    numbers: tuple[str, ...]

    @property
    def shipment(self) -> Shipment:
        return replace(self.header, packages=tuple(kept.package for kept in self.packages))


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is known of one order, except receivables and returns, which are records of their own.

    ``worked``: when the warehouse last spoke of it; ``tracking``: one for each consignment, its key without ship date;
    ``withdrawn``: what an owner deleted, and when; ``resolved``: exceptions that were dealt with. Every part is sorted,
    so that equal knowledge is equal bytes.
    """

    order_id: OrderId
    order: Order | None = None
    worked: Provenance | None = None
    tasks: tuple[WarehouseTask, ...] = ()
    shipments: tuple[KeptShipment, ...] = ()
    tracking: tuple[Tracking, ...] = ()
    withdrawn: tuple[Withdrawn, ...] = ()
    resolved: tuple[Resolved, ...] = ()

    @property
    def current(self) -> Order | None:
        """The order, unless its owner deleted it since."""
        return None if self.order is None or self._is_gone(Subject.ORDER, self.order) else self.order

    @property
    def warehouse(self) -> WarehouseOrder | None:
        """What the warehouse knows of it; None: it never saw the order."""
        if self.worked is None:
            return None
        made = (kept.shipment for kept in self.shipments if not self._is_gone(Subject.SHIPMENT, kept.header))
        return WarehouseOrder(self.order_id, self.tasks, tuple(made), self.worked)

    @property
    def numbers(self) -> frozenset[str]:
        """Every tracking number its shipments have or had, those of void packages too."""
        return frozenset(number for kept in self.shipments for number in kept.numbers)

    def told_by_carrier(self, shipment: Shipment) -> Mapping[str, Tracking]:
        """By number, what the shipment's carrier said under it, whichever consignment it said it of."""
        scac = shipment.carrier.scac if shipment.carrier else None
        told: dict[str, Tracking] = {}
        for tracking in self.tracking:
            if tracking.key.scac == scac and tracking.key.number in shipment.tracking_numbers:
                known = told.get(tracking.key.number)
                told[tracking.key.number] = join_tracking(known, tracking) if known else tracking
        return told

    def absorb(self, fact: Fact) -> "Dossier":
        """With ``fact``, which is about this order; facts that are no part of a dossier leave it as it is."""
        match fact:
            case Order():
                return replace(self, order=newest(self.order, fact))
            case WarehouseOrder():
                tasks = {_task_position(task): task for task in (*self.tasks, *fact.tasks)}
                known = tuple(tasks[position] for position in sorted(tasks))
                shipments = _join_shipments(self.shipments, fact.shipments)
                return replace(self, tasks=known, shipments=shipments, worked=_latest(self.worked, fact.source))
            case Shipment():
                shipments = _join_shipments(self.shipments, (fact,))
                return replace(self, shipments=shipments, worked=_latest(self.worked, fact.source))
            case Tracking():
                return self._with_tracking(fact)
            case Withdrawn():
                return self._with_withdrawal(fact)
            case Resolved():
                return self._with_resolution(fact)
            case _:
                return self

    def _with_tracking(self, told: Tracking) -> "Dossier":
        plain = replace(told, key=TrackingKey(told.key.scac, told.key.number))
        kept = {_consignment(each): each for each in self.tracking}
        name = _consignment(plain)
        known = kept.get(name)
        kept[name] = join_tracking(known, plain) if known else replace(plain, events=_union((), plain.events))
        return replace(self, tracking=tuple(kept[key] for key in sorted(kept)))

    def _with_withdrawal(self, told: Withdrawn) -> "Dossier":
        kept = {(each.subject, each.id): each for each in self.withdrawn}
        name = (told.subject, told.id)
        kept[name] = max(kept.get(name, told), told, key=lambda each: (each.at, each.source))
        return replace(self, withdrawn=tuple(kept[key] for key in sorted(kept)))

    def _with_resolution(self, told: Resolved) -> "Dossier":
        kept = {(each.kind, each.part): each for each in self.resolved}
        name = (told.kind, told.part)
        kept[name] = max(kept.get(name, told), told, key=lambda each: (each.at, repr(each)))
        return replace(self, resolved=tuple(kept[key] for key in sorted(kept)))

    def _is_gone(self, subject: Subject, record: Order | Shipment) -> bool:
        return any(
            gone.subject is subject and gone.id == record.id and gone.at >= record.source.as_of
            for gone in self.withdrawn
        )


def newest(known: R | None, told: R) -> R:
    """The record its owner told last. Total over what can differ, so that any order of arrival gives the same one."""
    if known is None:
        return told
    rank = _BY_VERSION.get(type(told), _no_version)
    before, after = (known.source.as_of, *rank(known)), (told.source.as_of, *rank(told))
    if before == after:
        before, after = (repr(known),), (repr(told),)
    return known if before > after else told


def join_tracking(known: Tracking, told: Tracking) -> Tracking:
    """One consignment: every event and document any answer had, each once; the estimate as last told; of several proofs
    the latest.

    Each part is joined by itself: what one answer has of one part says nothing of another.
    """
    proofs = [each.proof_of_delivery for each in (known, told) if each.proof_of_delivery]
    documents = {each.id: each for each in sorted((*known.documents, *told.documents), key=repr)}
    return replace(
        max(known, told, key=_estimate_position),
        events=_union(known.events, told.events),
        proof_of_delivery=max(proofs, key=_proof_position, default=None),
        documents=tuple(documents[id_] for id_ in sorted(documents)),
    )


def _estimate_position(told: Tracking) -> tuple[object, ...]:
    return told.source.as_of, repr(told.estimated_delivery), repr(told.source)


def _proof_position(proof: ProofOfDelivery) -> tuple[object, ...]:
    """A proof with a time tells more than one without."""
    return (chronological(proof.at) if proof.at else (), repr(proof))


def _no_version(_: Record) -> tuple[object, ...]:
    return ()


_BY_VERSION: Mapping[type, Callable[..., tuple[object, ...]]] = {
    Order: lambda order: (order.modified_at.at, order.revision),
    Shipment: lambda shipment: (STAGES.index(shipment.stage),),
}
"""What tells two records of one instant apart: the owner's own version of it, or how far it had come."""


def _join_shipments(known: Iterable[KeptShipment], told: Iterable[Shipment]) -> tuple[KeptShipment, ...]:
    kept = {each.header.id: each for each in known}
    for shipment in told:
        kept[shipment.id] = _keep(kept.get(shipment.id), shipment)
    return tuple(kept[id_] for id_ in sorted(kept))


def _keep(known: KeptShipment | None, told: Shipment) -> KeptShipment:
    header, as_of = replace(told, packages=()), told.source.as_of
    packages = {kept.package.id: kept for kept in known.packages} if known else {}
    for package in told.packages:
        kept = KeptPackage(package, as_of)
        packages[package.id] = max(packages.get(package.id, kept), kept, key=_package_position)
    newer = newest(known.header if known else None, header)
    numbers = {told.pro_number, *(package.tracking_number for package in told.packages)}
    numbers.update(known.numbers if known else ())
    return KeptShipment(
        newer, tuple(packages[id_] for id_ in sorted(packages)), tuple(sorted(number for number in numbers if number))
    )


def _package_position(kept: KeptPackage) -> tuple[object, ...]:
    """A void is the later of two words of one instant; so is a number of a label."""
    return kept.as_of, kept.package.voided, kept.package.tracking_number or "", repr(kept.package)


def _latest(known: Provenance | None, told: Provenance) -> Provenance:
    return told if known is None else max(known, told, key=lambda source: (source.as_of, source.system))


def _union(known: Sequence[TrackingEvent], told: Sequence[TrackingEvent]) -> tuple[TrackingEvent, ...]:
    """Each event once, by its digest. Where a corrected table reads one anew, a known code outranks an unknown one."""
    events: dict[str, TrackingEvent] = {}
    for event in (*known, *told):
        events[event.id] = max(events.get(event.id, event), event, key=_event_rank)
    return tuple(sorted(events.values(), key=lambda event: (chronological(event.occurred), event.id)))


def _event_rank(event: TrackingEvent) -> tuple[object, ...]:
    return event.code.known, repr(event)


def _consignment(tracking: Tracking) -> tuple[str, str, str]:
    return tracking.key.scac, tracking.key.number, tracking.unique_id or ""


def _task_position(task: WarehouseTask) -> tuple[Any, ...]:
    """Total: "5" and "5.0" are two words for one count, and which of them is kept must not depend on who came first."""
    done, short = task.quantity, task.short
    counted = (str(done.value), done.unit, str(done.base_value), done.base_unit)
    missed = (str(short.value), short.unit, str(short.base_value), short.base_unit) if short else ()
    return (
        chronological(task.at),
        str(task.at.offset),
        task.at.precision,
        STAGES.index(task.kind),
        task.line_key,
        (task.code.table, task.code.raw, task.code.text or "", task.code.known),
        counted,
        missed,
    )
