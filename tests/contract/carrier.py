"""What every adapter of ``CarrierSource`` must do. A carrier's test inherits ``CarrierContract`` and brings a ``site``.

All it has to know of its carrier is where it answers and two tracking numbers: one it knows, one it does not.
"""

import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from typing import Any

import pytest

from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from domain.model import ShipmentStatus, Tracking, TrackingKey
from domain.values import Precision
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.observer import Silence
from sources.ports import CarrierSource
from sources.transport import Transport
from tests.contract import upstream
from tests.contract.upstream import Upstream

METACHARACTERS = "no such & <number> \"at\" 'all' %2F../?x=1#\\ é"

Answers = Mapping[TrackingKey, Tracking | SourceError]

UNREADABLE: Mapping[str, upstream.Fault] = {
    "cut": upstream.altered(lambda told: told[: len(told) // 2]),
    "garbled": upstream.altered(lambda told: bytes(0xFF if at % 7 == 3 else byte for at, byte in enumerate(told))),
    "bomb": upstream.bomb,
    "no fields": upstream.body(b"{}"),
    "another shape": upstream.body(b'[{"trackingNumber":1}]'),
    "a login page": upstream.body(b"<!doctype html><title>Please log in</title>"),
    "deep": upstream.body(b'{"a":' * 20_000),
    "a null byte": upstream.body(b"\x00"),
    "internal error": upstream.status(500),
    "refused": upstream.status(403),
    "moved": upstream.status(302, Location="http://169.254.169.254/"),
    "a teapot": upstream.status(418),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A carrier's system to test against, reached over a real socket at ``config.url``.

    ``known`` has at least one event, ``unknown`` was never given out. ``batch``: how many numbers one call may ask for.
    """

    adapter: Callable[[SourceConfig, Transport], CarrierSource]
    config: SourceConfig
    known: TrackingKey
    unknown: TrackingKey
    batch: int = 1


@asynccontextmanager
async def carrier_at(site: Site, url: str, **limits: Any) -> AsyncIterator[CarrierSource]:
    """The site's adapter, sent to ``url`` in place of the site's own; it tries nothing twice."""
    usual = Limits(
        deadline=30.0, connect_timeout=30.0, attempts=1, breaker_failures=1_000_000, max_body=4 * 1024 * 1024
    )
    config = replace(site.config, url=url, limits=replace(usual, **limits))
    async with Client() as pool:
        yield site.adapter(config, Transport(config, pool, observer=Silence(), now=lambda: datetime.now(UTC)))


async def ask(carrier: CarrierSource, *keys: TrackingKey) -> Answers:
    """A call that fails as a whole fails for each key."""
    try:
        return await carrier.tracking(keys)
    except SourceError as error:
        return dict.fromkeys(keys, error)


async def told(carrier: CarrierSource, key: TrackingKey) -> Tracking:
    answer = (await ask(carrier, key))[key]
    if isinstance(answer, SourceError):
        raise answer
    return answer


def invented(site: Site, count: int) -> Sequence[TrackingKey]:
    """Numbers nobody has given out."""
    return [replace(site.unknown, number=f"{site.unknown.number}{nth:03}") for nth in range(count)]


class CarrierContract:
    """Inherit, and give a ``site`` fixture."""

    @pytest.fixture
    async def door(self, site: Site) -> AsyncIterator[Upstream]:
        """The site behind a door that counts and misbehaves."""
        async with upstream.upstream(site.config.url) as door:
            yield door

    @pytest.fixture
    async def carrier(self, site: Site, door: Upstream) -> AsyncIterator[CarrierSource]:
        async with carrier_at(site, door.url) as carrier:
            yield carrier

    async def test_it_says_whose_numbers_it_answers_for(self, site: Site, carrier: CarrierSource) -> None:
        assert site.known.scac in carrier.scacs
        assert all(scac.isupper() for scac in carrier.scacs)

    async def test_a_known_number_has_events(self, site: Site, carrier: CarrierSource) -> None:
        before = datetime.now(UTC)
        tracking = await told(carrier, site.known)
        assert tracking.key == site.known
        assert tracking.source.system == site.config.name
        assert before <= tracking.source.as_of <= datetime.now(UTC)
        assert not tracking.source.stale
        assert tracking.events
        assert any(event.status is not ShipmentStatus.UNKNOWN for event in tracking.events)

    async def test_every_event_is_whole(self, site: Site, carrier: CarrierSource) -> None:
        for event in (await told(carrier, site.known)).events:
            assert event.occurred.at.tzinfo is UTC
            assert event.occurred.offset is None or event.occurred.precision is Precision.INSTANT
            assert event.code.raw
            assert event.code.table
            assert event.code.known or event.status is ShipmentStatus.UNKNOWN
            assert event.message
            assert event.message != event.code.text
            assert event.location is None or event.location.strip()

    async def test_the_same_event_has_the_same_id(self, site: Site, carrier: CarrierSource) -> None:
        first, second = await told(carrier, site.known), await told(carrier, site.known)
        assert [event.id for event in first.events] == [event.id for event in second.events]
        kinds = {(event.code, event.occurred, event.location) for event in first.events}
        assert len({event.id for event in first.events}) == len(kinds)

    async def test_a_number_nobody_gave_out_is_absent(self, site: Site, carrier: CarrierSource) -> None:
        assert await carrier.tracking([site.unknown]) == {}

    async def test_one_number_sinks_no_other(self, site: Site, carrier: CarrierSource) -> None:
        strange = replace(site.unknown, number=METACHARACTERS)
        answers = await ask(carrier, site.unknown, strange, site.known)
        assert isinstance(answers[site.known], Tracking)
        assert site.unknown not in answers
        assert not isinstance(answers.get(strange), Tracking)

    async def test_a_failed_call_fails_its_own_numbers_only(
        self, site: Site, carrier: CarrierSource, door: Upstream
    ) -> None:
        await told(carrier, site.known)
        keys = (site.known, *invented(site, site.batch))
        door.fault = upstream.once(upstream.status(500))
        answers = await ask(carrier, *keys)
        failed = [answer for answer in answers.values() if isinstance(answer, SourceFault)]
        assert len(failed) in {site.batch, len(keys) % site.batch} - {0}
        assert len(answers) <= len(failed) + 1

    async def test_numbers_cost_as_many_calls_as_the_carrier_must_have(
        self, site: Site, carrier: CarrierSource, door: Upstream
    ) -> None:
        keys = (site.known, *invented(site, site.batch + 2), site.known)
        await ask(carrier, *keys)
        assert len(door.calls) == ceil(len(set(keys)) / site.batch)

    async def test_nothing_asked_costs_nothing(self, carrier: CarrierSource, door: Upstream) -> None:
        assert await carrier.tracking([]) == {}
        assert door.calls == []

    @pytest.mark.parametrize("fault", [upstream.hang, upstream.drip])
    async def test_silence_is_a_timeout(self, site: Site, door: Upstream, fault: upstream.Fault) -> None:
        async with carrier_at(site, door.url, deadline=0.8) as carrier:
            await told(carrier, site.known)
            door.fault = fault
            answers = await ask(carrier, site.known, site.unknown)
        assert set(answers) == {site.known, site.unknown}
        assert all(isinstance(answer, SourceTimeout) for answer in answers.values())

    @pytest.mark.parametrize("code", [429, 503])
    async def test_overload_is_unavailable(self, site: Site, carrier: CarrierSource, door: Upstream, code: int) -> None:
        door.fault = upstream.status(code, Retry_After="30")
        answers = await ask(carrier, site.known, site.unknown)
        assert set(answers) == {site.known, site.unknown}
        for answer in answers.values():
            assert isinstance(answer, SourceUnavailable)
            assert answer.retry_after == 30
            assert answer.source == site.config.name

    async def test_nobody_at_home_is_unavailable(self, site: Site) -> None:
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            async with carrier_at(site, f"http://127.0.0.1:{reserved.getsockname()[1]}") as carrier:
                answers = await ask(carrier, site.known)
        assert isinstance(answers[site.known], SourceUnavailable)

    @pytest.mark.parametrize("fault", UNREADABLE.values(), ids=UNREADABLE)
    async def test_an_unreadable_answer_is_a_fault(
        self, site: Site, carrier: CarrierSource, door: Upstream, fault: upstream.Fault
    ) -> None:
        await told(carrier, site.known)
        door.fault = fault
        before = len(door.calls)
        answers = await ask(carrier, site.known)
        assert isinstance(answers[site.known], SourceFault)
        assert len(door.calls) - before == 1
