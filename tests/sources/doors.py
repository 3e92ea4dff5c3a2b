"""Transports as the tests need them: short limits, every fact kept, a clock that a test may turn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.observer import BreakerMoved, CallMade, UnknownCode
from sources.transport import Transport

NO_BREAKER = 1_000_000


@dataclass
class Facts:
    """An observer that keeps everything."""

    calls: list[CallMade] = field(default_factory=list)
    moves: list[BreakerMoved] = field(default_factory=list)
    unknown: list[UnknownCode] = field(default_factory=list)

    def call_made(self, fact: CallMade) -> None:
        self.calls.append(fact)

    def breaker_moved(self, fact: BreakerMoved) -> None:
        self.moves.append(fact)

    def unknown_code(self, fact: UnknownCode) -> None:
        self.unknown.append(fact)

    @property
    def outcomes(self) -> list[str]:
        return [call.outcome for call in self.calls]


@dataclass
class Clock:
    """Seconds that pass when told to."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Door:
    send: Transport
    facts: Facts
    clock: Clock


@asynccontextmanager
async def door(url: str, *, token_url: str | None = None, earned: int = 0, **limits: Any) -> AsyncIterator[Door]:
    """A transport to ``url`` with short limits, any of which may be given. ``earned``: retries it may make at once."""
    facts, clock = Facts(), Clock()
    usual = Limits(deadline=5.0, connect_timeout=5.0, breaker_failures=NO_BREAKER)
    config = SourceConfig("src", url, replace(usual, **limits), token_url=token_url)
    async with Client(50) as pool:
        transport = Transport(config, pool, observer=facts, now=lambda: datetime.now(UTC), monotonic=clock)
        transport._budget._tokens = float(earned)
        yield Door(transport, facts, clock)
