"""Opens everything behind the graph: the clock, the sources, and memory over them; for the server and for commands."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias

from server.demo_clock import DemoClock
from server.environment import Misconfigured, Problem, variable
from server.memory_settings import OFF
from server.remembering import Remembering, remember
from server.sections import Demo
from server.settings import Settings
from server.telemetry import Telemetry
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.estate import Estate
from sources.registry import open_estate
from sources.transport import Transport
from store.audit import Ledger
from store.database import Database, StoreError

STORE: Final = variable(("store", "url"))

Clock: TypeAlias = Callable[[], datetime]

Door: TypeAlias = Callable[[str, str], Transport]
"""A way to something that is no source, by name and address."""

OUR_LIMITS = Limits(deadline=5.0, connect_timeout=2.0, max_body=1024 * 1024, attempts=1, breaker_failures=1_000_000)
"""For what is no source: keys are fetched rarely, once and never again at once; ``jwks.PAUSE`` is their breaker."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Systems:
    """``now``: the company's time, which is ours but in the demo. ``remembering`` None: memory is off; ``ledger`` None:
    nothing can be recorded either.
    """

    now: Clock
    estate: Estate
    remembering: Remembering | None
    ledger: Ledger | None
    door: Door


async def open_systems(stack: AsyncExitStack, settings: Settings, telemetry: Telemetry) -> Systems:
    """Until ``stack`` is closed. Raises Misconfigured where memory's database is not to be had."""
    door = await _doors(stack, telemetry)
    now = await _clock(stack, settings.demo, door)
    estate = await stack.enter_async_context(open_estate(settings.estate(), observer=telemetry, now=now))
    remembering, ledger = None, None
    with usable_store():
        if settings.store.url != OFF:
            remembering = await remember(stack, settings, estate, telemetry, now)
            ledger = Ledger(remembering.database)
        elif settings.store.audit_url != OFF:
            database = await Database.open(settings.store.audit_url, settings.store.tenant)
            stack.push_async_callback(database.close)
            ledger = Ledger(database)
    if ledger:
        stack.push_async_callback(ledger.close)
    return Systems(now, estate, remembering, ledger, door)


@contextmanager
def usable_store() -> Iterator[None]:
    """Turns a database that is not to be had into a wrong setting."""
    try:
        yield
    except StoreError as error:
        raise Misconfigured([Problem(STORE, f"is not to be had: {error.detail or error.public}")]) from error


async def company_clock(stack: AsyncExitStack, settings: Settings, telemetry: Telemetry) -> Clock:
    """The clock alone."""
    return await _clock(stack, settings.demo, await _doors(stack, telemetry))


async def _doors(stack: AsyncExitStack, telemetry: Telemetry) -> Door:
    http = await stack.enter_async_context(Client())
    return lambda name, url: Transport(SourceConfig(name, url, OUR_LIMITS), http, observer=telemetry, now=wall_clock)


async def _clock(stack: AsyncExitStack, demo: Demo | None, door: Door) -> Clock:
    if demo is None or demo.clock_url is None:
        return wall_clock
    clock = DemoClock(door("clock", demo.clock_url))
    await clock.read()
    following = asyncio.create_task(clock.follow())
    stack.callback(following.cancel)
    return clock.now
