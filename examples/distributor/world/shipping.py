"""How a shipment goes through the warehouse and away: its stages in time, its cartons, its labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from random import Random

from examples.distributor.world.carriers import CARRIERS, CarrierFacts
from examples.distributor.world.facts import ConsignmentFacts, PackageFacts, PickFacts, ShipmentFacts
from examples.distributor.world.numbers import TRACKING, Numbering, sscc
from examples.distributor.world.warehouse import Mode, Stage

STEPS = (
    (Stage.RELEASED, 0.5, 5.0),
    (Stage.PICKED, 0.5, 3.0),
    (Stage.PACKED, 0.25, 1.0),
    (Stage.LABELLED, 0.05, 0.2),
    (Stage.LOADED, 0.5, 2.0),
    (Stage.MANIFESTED, 0.1, 0.5),
    (Stage.CONFIRMED, 0.05, 0.3),
)
"""The stages after PLANNED, each with the hours it takes at least and at most."""

UNKNOWN_TO_PICKUP = frozenset({Stage.LABELLED, Stage.MANIFESTED})
CARTON_LB = 90
MOST_CARTONS = 4
BETWEEN_PICKS = BETWEEN_CARTONS = timedelta(minutes=2)
TENTH = Decimal("0.1")
SOMETIMES_OFFSETLESS = frozenset({"FDEG", "FDE"})
"""Carriers that leave the offset off some events of a list, where others leave it off all."""


@dataclass(frozen=True, slots=True)
class Way:
    """What a story wants of a shipment; what it leaves open is usual for the weight and the destination.

    ``carrier``: SCAC or PICKUP. ``reach``: the last stage it comes to. ``short``: how much of the first line is not
    found when picking. ``straggler_hours``: how much later the last package arrives. ``relabelled``: a first label is
    voided. ``voided``: the whole shipment is, after its last stage. ``booked_early``: the ERP books it as fulfilled on
    its own, after the last stage, whatever that is. ``lag_hours``: between the ERP's fulfilment and the invoice; None:
    no invoice.
    """

    carrier: str | None = None
    packages: int | None = None
    itinerary: str = "delivered"
    departs_at: datetime | None = None
    arrives_at: datetime | None = None
    straggler_hours: float = 0.0
    tracking: str | None = None
    offsets: str | None = None
    reach: Stage = Stage.CONFIRMED
    short: Decimal = Decimal(0)
    relabelled: bool = False
    voided: bool = False
    booked_early: bool = False
    lag_hours: tuple[float, float] | None = (1.0, 12.0)


@dataclass(frozen=True, slots=True)
class Piece:
    """A quantity of an order line to ship; ``weight_lb`` is that of one unit."""

    line_key: str
    quantity: Decimal
    weight_lb: Decimal


def hours(rng: Random, low: float, high: float) -> timedelta:
    """Some whole seconds between ``low`` and ``high`` hours."""
    return timedelta(seconds=int(rng.uniform(low, high) * 3600))


class Dispatch:
    """One shipment of ``pieces`` under way: planned at ``at``, by ``carrier`` (a SCAC or PICKUP)."""

    def __init__(
        self, rng: Random, numbering: Numbering, pieces: Sequence[Piece], way: Way, *, carrier: str, at: datetime
    ) -> None:
        self.rng = rng
        self.numbering = numbering
        self.pieces = pieces
        self.way = way
        self.scac = carrier
        self.carrier = CARRIERS.get(carrier)
        self.service = rng.choice(self.carrier.services) if self.carrier else None
        self.times = self._times(at)
        self.last = max(self.times.values())
        self.voided_at = self.last + hours(rng, 0.5, 2) if way.voided else None

    def facts(self, warehouse: str) -> ShipmentFacts:
        planned_at, labelled_at = self.times[Stage.PLANNED], self.times.get(Stage.LABELLED)
        confirmed_at = self.times.get(Stage.CONFIRMED)
        booked = confirmed_at is not None or self.way.booked_early
        freight = self.carrier is not None and self.carrier.mode is not Mode.PARCEL
        return ShipmentFacts(
            number=self.numbering.shipment.next(),
            warehouse=warehouse,
            wave=f"W-{planned_at:%m%d}-{self.rng.randrange(1, 40):02d}",
            mode=self.carrier.mode if self.carrier else Mode.PICKUP,
            scac=self.scac if self.carrier else None,
            service=self.service,
            planned_at=planned_at,
            released_at=self.times.get(Stage.RELEASED),
            picked_at=self.times.get(Stage.PICKED),
            packed_at=self.times.get(Stage.PACKED),
            labelled_at=labelled_at,
            loaded_at=self.times.get(Stage.LOADED),
            manifested_at=self.times.get(Stage.MANIFESTED),
            confirmed_at=confirmed_at,
            voided_at=self.voided_at,
            fulfilled_at=self.last + hours(self.rng, 0.05, 0.4) if booked else None,
            picks=self._picks(),
            packages=tuple(self._packages(parcels=self.carrier is not None and not freight)),
            freight=self._label(labelled_at, _weight(self.pieces)) if freight and labelled_at else None,
        )

    def _times(self, at: datetime) -> dict[Stage, datetime]:
        times = {Stage.PLANNED: at}
        for stage, low, high in STEPS:
            if self.way.reach in times:
                break
            if self.carrier or stage not in UNKNOWN_TO_PICKUP:
                at += hours(self.rng, low, high)
                times[stage] = at
        return times

    def _picks(self) -> tuple[PickFacts, ...]:
        done_at = self.times.get(Stage.PICKED)
        last = len(self.pieces) - 1
        return tuple(
            PickFacts(
                piece.line_key,
                piece.quantity,
                piece.quantity - (self.way.short if nth == 0 else 0),
                done_at - BETWEEN_PICKS * (last - nth) if done_at else None,
            )
            for nth, piece in enumerate(self.pieces)
        )

    def _cartons(self) -> list[list[Piece]]:
        """What was picked, by carton: whole lines where there are enough, else the largest line spread over all."""
        first, *others = self.pieces
        picked = sorted(
            (piece for piece in (replace(first, quantity=first.quantity - self.way.short), *others) if piece.quantity),
            key=lambda piece: -piece.quantity,
        )
        wanted = self.way.packages or min(MOST_CARTONS, 1 + int(_weight(picked) / CARTON_LB))
        number_of = min(wanted, max(len(picked), int(picked[0].quantity)))
        if number_of > len(picked):
            largest, *rest = picked
            picked = [*_shares(largest, number_of), *rest]
        return [picked[nth::number_of] for nth in range(number_of)]

    def _packages(self, *, parcels: bool) -> Iterator[PackageFacts]:
        packed_at, labelled_at = self.times.get(Stage.PACKED), self.times.get(Stage.LABELLED)
        if packed_at is None:
            return
        cartons = self._cartons()
        for nth, carton in enumerate(cartons):
            last = nth == len(cartons) - 1
            package = PackageFacts(
                id=sscc(next(self.numbering.carton)),
                weight_lb=_weight(carton),
                contents=tuple((piece.line_key, piece.quantity) for piece in carton),
                packed_at=packed_at - BETWEEN_CARTONS * (len(cartons) - 1 - nth),
                labelled_at=labelled_at,
                voided_at=self.voided_at,
                consignment=None,
            )
            if not parcels or labelled_at is None:
                yield package
                continue
            if nth == 0 and self.way.relabelled:
                yield self._spoiled(package, labelled_at)
                labelled_at += 2 * BETWEEN_CARTONS
                package = replace(package, packed_at=labelled_at - BETWEEN_CARTONS, labelled_at=labelled_at)
            late = timedelta(hours=self.way.straggler_hours if last else 0)
            yield replace(package, consignment=self._label(labelled_at, package.weight_lb, late))

    def _spoiled(self, package: PackageFacts, labelled_at: datetime) -> PackageFacts:
        """The same goods in a carton whose label was voided before it left."""
        voided_at = labelled_at + BETWEEN_CARTONS
        label = self._label(labelled_at, package.weight_lb)
        return replace(
            package,
            id=sscc(next(self.numbering.carton)),
            voided_at=voided_at,
            consignment=replace(label, departs_at=None, arrives_at=None, voided_at=voided_at),
        )

    def _label(self, labelled_at: datetime, weight_lb: Decimal, late: timedelta = timedelta(0)) -> ConsignmentFacts:
        """What the carrier is told; it leaves once the shipment is confirmed."""
        carrier = CARRIERS[self.scac]
        number = self.way.tracking or TRACKING[self.scac](self.rng)
        departs_at = arrives_at = None
        if Stage.CONFIRMED in self.times and self.voided_at is None:
            departs_at = self.way.departs_at or self.last + hours(self.rng, 0.3, 3)
            arrives_at = (self.way.arrives_at or departs_at + hours(self.rng, *carrier.transit_hours)) + late
        return ConsignmentFacts(
            scac=self.scac,
            number=number,
            unique_id=f"{number}~{labelled_at:%Y%m%d}",
            service=self.service or carrier.name,
            itinerary=self.way.itinerary,
            offsets=self.way.offsets or self._offsets(carrier),
            weight_lb=weight_lb,
            labelled_at=labelled_at,
            departs_at=departs_at,
            arrives_at=arrives_at,
            voided_at=self.voided_at,
        )

    def _offsets(self, carrier: CarrierFacts) -> str:
        if self.rng.random() >= carrier.offsetless:
            return "all"
        return "some" if self.scac in SOMETIMES_OFFSETLESS else "none"


def _weight(pieces: Sequence[Piece]) -> Decimal:
    return max(TENTH, sum((piece.quantity * piece.weight_lb for piece in pieces), TENTH).quantize(TENTH))


def _shares(piece: Piece, number_of: int) -> list[Piece]:
    """``piece`` in whole units over ``number_of`` cartons, the last with the rest."""
    each = (piece.quantity / number_of).to_integral(ROUND_FLOOR)
    rest = piece.quantity - each * (number_of - 1)
    return [replace(piece, quantity=each if nth < number_of - 1 else rest) for nth in range(number_of)]
