"""The hook through which sources report frozen facts, so that metrics and logs are somebody else's business."""

from dataclasses import dataclass
from typing import Protocol

from domain.values import Code


@dataclass(frozen=True, slots=True)
class CallMade:
    """One upstream HTTP exchange, retries counted apart. ``seconds``: wall time. ``outcome``: "ok", the error's code,
    or "CANCELLED" when the caller left.
    """

    source: str
    operation: str
    outcome: str
    seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class BreakerMoved:
    """A source's breaker changed state: "closed", "open" or "half-open"."""

    source: str
    state: str


@dataclass(frozen=True, slots=True)
class UnknownCode:
    """A code that no table holds came in."""

    source: str
    code: Code


class Observer(Protocol):
    """Receives facts; must not block and must not raise."""

    def call_made(self, fact: CallMade) -> None: ...

    def breaker_moved(self, fact: BreakerMoved) -> None: ...

    def unknown_code(self, fact: UnknownCode) -> None: ...


class Silence:
    """An observer that keeps nothing."""

    def call_made(self, fact: CallMade) -> None:
        pass

    def breaker_moved(self, fact: BreakerMoved) -> None:
        pass

    def unknown_code(self, fact: UnknownCode) -> None:
        pass
