"""How one carrier's events apply: once each, by occurrence, never a step back; any order of arrival tells one story."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from domain.model import ShipmentStatus, TrackingEvent
from domain.values import Moment, Precision

RANK: Mapping[ShipmentStatus, int] = {
    ShipmentStatus.PLANNED: 0,
    ShipmentStatus.LABEL_CREATED: 1,
    ShipmentStatus.PACKED: 2,
    ShipmentStatus.MANIFESTED: 3,
    ShipmentStatus.SHIPPED: 4,
    ShipmentStatus.IN_TRANSIT: 5,
    ShipmentStatus.OUT_FOR_DELIVERY: 6,
    ShipmentStatus.AVAILABLE_FOR_PICKUP: 6,
    ShipmentStatus.DELIVERY_ATTEMPTED: 6,
    ShipmentStatus.DELIVERED: 7,
    ShipmentStatus.RETURNING: 8,
    ShipmentStatus.RETURNED: 9,
}
"""Steps only go up. The last mile is one rank: an attempt, a pickup point and a new round follow each other any way."""

DEPARTED = RANK[ShipmentStatus.SHIPPED]
"""From here on a step is a physical scan: the goods have left."""

CONDITIONS = frozenset({ShipmentStatus.DELAYED, ShipmentStatus.EXCEPTION})
CLAIMS = CONDITIONS | {ShipmentStatus.LOST}
"""What a carrier says without moving anything; the next physical scan proves it over."""

ENDED = frozenset({ShipmentStatus.DELIVERED, ShipmentStatus.RETURNED, ShipmentStatus.VOIDED})
"""Where a journey ends: no delay, exception or loss applies any more."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where one consignment stands by its carrier's own word.

    ``status`` None: no event says. ``decisive``: the event that gave it. ``events``: in order of occurrence, each with
    whether it moved or confirmed anything.
    """

    status: ShipmentStatus | None
    conditions: frozenset[ShipmentStatus]
    events: tuple[tuple[TrackingEvent, bool], ...]
    decisive: TrackingEvent | None
    departed_at: Moment | None
    delivered_at: Moment | None


def chronological(moment: Moment) -> tuple[date, bool, datetime]:
    """Sorts by occurrence in UTC; within a day bare dates and local times come first: none outranks an instant."""
    return moment.at.date(), moment.precision is Precision.INSTANT, moment.at


def follow(events: Iterable[TrackingEvent]) -> Course:
    """The course that ``events`` of one consignment tell, whatever their order and however often each came."""
    told = tuple(_once(events))
    scans = [event for event in told if RANK.get(event.status, -1) >= DEPARTED]
    status: ShipmentStatus | None = None
    decisive: TrackingEvent | None = None
    claims: dict[ShipmentStatus, TrackingEvent] = {}
    story: list[tuple[TrackingEvent, bool]] = []
    for event in told:
        step = _step(event, status)
        rank, reached = RANK.get(step, -1), RANK.get(status, -1) if status else -1
        applied = False
        if step in CLAIMS and status not in ENDED:
            claims[step] = event
            applied = True
        elif step is ShipmentStatus.VOIDED and not scans:
            status, decisive, applied = step, event, True
            claims.clear()
        elif step in RANK and status is not ShipmentStatus.VOIDED:
            applied = rank >= reached or (rank >= DEPARTED and bool(claims))
            if rank >= DEPARTED:
                claims.clear()
            if rank >= reached:
                status, decisive = step, event
        story.append((event, applied))
    if lost := claims.get(ShipmentStatus.LOST):
        status, decisive = ShipmentStatus.LOST, lost
    return Course(
        status=status,
        conditions=frozenset(claims) & CONDITIONS,
        events=tuple(story),
        decisive=decisive,
        departed_at=scans[0].occurred if scans else None,
        delivered_at=decisive.occurred if decisive and status is ShipmentStatus.DELIVERED else None,
    )


def _step(event: TrackingEvent, status: ShipmentStatus | None) -> ShipmentStatus:
    """What goes back is not delivered to the customer: a delivery after the return began is the return's own."""
    going_back = status is ShipmentStatus.RETURNING and event.status is ShipmentStatus.DELIVERED
    return ShipmentStatus.RETURNED if going_back else event.status


def _once(events: Iterable[TrackingEvent]) -> Iterable[TrackingEvent]:
    seen: set[str] = set()
    for event in sorted(events, key=_position):
        if event.id not in seen:
            seen.add(event.id)
            yield event


def _position(event: TrackingEvent) -> tuple[object, ...]:
    """Total, so that the sort forgets how the events came; at one instant steps go up, then what is said about them."""
    return (
        chronological(event.occurred),
        RANK.get(event.status, len(RANK)),
        event.id,
        event.code.table,
        event.code.raw,
        event.code.text or "",
        event.message,
        event.status,
        event.location or "",
    )
