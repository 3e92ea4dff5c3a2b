"""How far a return has come, by the quantities requested, received and credited; its owner's word is evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.explanation import Derived, Evidence, Explanation, plain
from domain.model import Return, ReturnStatus

NEXT: Mapping[ReturnStatus, tuple[str, ...]] = {
    ReturnStatus.REQUESTED: ("authorization",),
    ReturnStatus.AUTHORIZED: ("the goods at the warehouse",),
    ReturnStatus.PARTIALLY_RECEIVED: ("the rest of the goods at the warehouse",),
    ReturnStatus.RECEIVED: ("the refund",),
    ReturnStatus.PARTIALLY_CREDITED: ("the rest of the refund",),
    ReturnStatus.UNKNOWN: ("a status of the return's owner we can read",),
}
"""What the next step waits for."""

NOT_STARTED: Mapping[ReturnStatus, tuple[ReturnStatus, str]] = {
    ReturnStatus.REQUESTED: (ReturnStatus.REQUESTED, "requested, and not authorized yet"),
    ReturnStatus.UNKNOWN: (ReturnStatus.UNKNOWN, "the owner's status is not known to us, and nothing is received"),
}
"""What the owner's word gives while nothing is received; any further word proves the authorization, and no goods."""

AUTHORIZED = (ReturnStatus.AUTHORIZED, "authorized, and nothing received yet")
EMPTY = "no line is known; this is the owner's word alone"


@dataclass(frozen=True, slots=True)
class _Progress:
    """Whether all or any of the return is received and refunded, judged line by line in base units."""

    all_received: bool
    any_received: bool
    all_credited: bool
    any_credited: bool


def derive_return(return_: Return) -> Derived[ReturnStatus]:
    """The status that quantities prove; CANCELLED and CLOSED are the owner's to say where quantities say no more."""
    status, rule = _judge(return_, _progress(return_))
    evidence = (Evidence.of(return_.source.system, return_.status_code, return_.source.as_of), *_stated(return_))
    return Derived(status, Explanation(rule, evidence, NEXT.get(status, ())))


def _judge(return_: Return, done: _Progress) -> tuple[ReturnStatus, str]:
    stated = return_.stated
    if not return_.lines:
        return stated, EMPTY
    dropped = stated is ReturnStatus.CANCELLED and not done.any_received
    table = (
        (done.all_credited, ReturnStatus.CREDITED, "every quantity requested is refunded"),
        (dropped, ReturnStatus.CANCELLED, "cancelled by its owner, nothing received"),
        (stated is ReturnStatus.CLOSED, ReturnStatus.CLOSED, "closed by its owner before all of it was refunded"),
        (done.any_credited, ReturnStatus.PARTIALLY_CREDITED, "0 < refunded < requested"),
        (done.all_received, ReturnStatus.RECEIVED, "every quantity requested is received"),
        (done.any_received, ReturnStatus.PARTIALLY_RECEIVED, "0 < received < requested"),
    )
    return next(((status, rule) for holds, status, rule in table if holds), NOT_STARTED.get(stated, AUTHORIZED))


def _progress(return_: Return) -> _Progress:
    lines = [
        (line.requested.base_value, line.received.base_value, line.credited.base_value)
        for line in return_.lines
        if line.requested.base_value > 0
    ]
    return _Progress(
        all_received=bool(lines) and all(received >= requested for requested, received, _ in lines),
        any_received=any(line.received.base_value > 0 for line in return_.lines),
        all_credited=bool(lines) and all(credited >= requested for requested, _, credited in lines),
        any_credited=any(line.credited.base_value > 0 for line in return_.lines),
    )


def _stated(return_: Return) -> tuple[Evidence, ...]:
    requested, received = (
        plain(sum((quantity.base_value for quantity in quantities), Decimal(0)))
        for quantities in ([line.requested for line in return_.lines], [line.received for line in return_.lines])
    )
    return (Evidence(return_.source.system, f"received {received} of {requested}", return_.source.as_of),)
