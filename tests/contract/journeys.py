"""What the adapters of simulated carriers must make of the world's journeys, each told in its vendor's own format."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from math import ceil
from typing import ClassVar

import pytest

from domain.errors import SourceFault
from domain.model import ShipmentStatus, Tracking, TrackingEvent, TrackingKey
from domain.values import Moment, Precision
from examples.distributor.clock import START
from examples.distributor.fleet import Fleet
from examples.distributor.journeys import Journey, Scan, ScanKind
from sources.config import SourceConfig
from sources.ports import CarrierSource
from tests.contract.carrier import CarrierContract, Site, ask, carrier_at, told
from tests.contract.upstream import Upstream, status
from tests.examples.company import world

EACH = 6
"""How many journeys of each kind are looked at."""

CANONICAL: Mapping[ScanKind, ShipmentStatus] = {
    ScanKind.LABEL: ShipmentStatus.LABEL_CREATED,
    ScanKind.PICKED_UP: ShipmentStatus.SHIPPED,
    ScanKind.ARRIVED: ShipmentStatus.IN_TRANSIT,
    ScanKind.DEPARTED: ShipmentStatus.IN_TRANSIT,
    ScanKind.OUT_FOR_DELIVERY: ShipmentStatus.OUT_FOR_DELIVERY,
    ScanKind.ATTEMPTED: ShipmentStatus.DELIVERY_ATTEMPTED,
    ScanKind.AVAILABLE_FOR_PICKUP: ShipmentStatus.AVAILABLE_FOR_PICKUP,
    ScanKind.DELIVERED: ShipmentStatus.DELIVERED,
    ScanKind.DELAYED: ShipmentStatus.DELAYED,
    ScanKind.EXCEPTION: ShipmentStatus.EXCEPTION,
    ScanKind.RETURNING: ShipmentStatus.RETURNING,
    ScanKind.RETURNED: ShipmentStatus.RETURNED,
    ScanKind.VOIDED: ShipmentStatus.VOIDED,
    ScanKind.ODD: ShipmentStatus.UNKNOWN,
}


@cache
def journeys_of(scacs: tuple[str, ...]) -> Mapping[str, Sequence[Journey]]:
    """By tracking number."""
    return {number: tuple(told) for number, told in world().journeys(scacs).items()}


class JourneyContract(CarrierContract):
    """Inherit, and say which simulator tells whose journeys, and how its adapter is configured.

    ``coarse``: what the carrier's codes cannot tell apart, or tell otherwise. ``untold``: journeys with a scan of these
    kinds are not known to the carrier.
    """

    simulator: ClassVar[str]
    scacs: ClassVar[tuple[str, ...]]
    unknown: ClassVar[str]
    batch: ClassVar[int] = 1
    coarse: ClassVar[Mapping[ScanKind, Collection[ShipmentStatus]]] = {}
    untold: ClassVar[Collection[ScanKind]] = ()
    adapter: ClassVar[type]

    @classmethod
    def config(cls, url: str) -> SourceConfig:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def fleet(cls) -> Iterator[Fleet]:
        with Fleet.start((cls.simulator,)) as fleet:
            fleet.set_clock(START)
            fleet.freeze()
            yield fleet

    @pytest.fixture
    def site(self, fleet: Fleet) -> Site:
        journey = next(one for one in self.journeys() if _has(one, ScanKind.DEPARTED))
        known = key_of(journey)
        unknown = replace(known, number=self.unknown)
        return Site(self.adapter, self.config(fleet.urls[self.simulator]), known, unknown, self.batch)

    @pytest.fixture
    async def direct(self, site: Site) -> AsyncIterator[CarrierSource]:
        """The carrier without the door."""
        async with carrier_at(site, site.config.url) as carrier:
            yield carrier

    def journeys(self) -> Iterator[Journey]:
        """Those the carrier tells at the start, one a number."""
        for journey, *others in journeys_of(self.scacs).values():
            scans = journey.until(START)
            if scans and not others and not any(scan.kind in self.untold for scan in scans):
                yield journey

    def sample(self) -> Sequence[Journey]:
        """Some journeys for each kind of scan that happened to any of them."""
        chosen: dict[str, Journey] = {}
        counted = dict.fromkeys(ScanKind, 0)
        for journey in self.journeys():
            kinds = {scan.kind for scan in journey.until(START)}
            if any(counted[kind] < EACH for kind in kinds):
                chosen[journey.number] = journey
                for kind in kinds:
                    counted[kind] += 1
        return list(chosen.values())

    def expected(self, kind: ScanKind) -> Collection[ShipmentStatus]:
        return self.coarse.get(kind, (CANONICAL[kind],))

    async def tell(self, direct: CarrierSource, journeys: Sequence[Journey]) -> Mapping[str, Tracking]:
        answers = await ask(direct, *(key_of(journey) for journey in journeys))
        assert all(isinstance(answer, Tracking) for answer in answers.values())
        return {key.number: answer for key, answer in answers.items() if isinstance(answer, Tracking)}

    async def test_each_journey_is_told_scan_by_scan(self, direct: CarrierSource) -> None:
        journeys = self.sample()
        found = await self.tell(direct, journeys)
        assert len(found) == len(journeys) > EACH
        for journey in journeys:
            for scan, event in paired(journey, found[journey.number]):
                assert event.status in self.expected(scan.kind)
                assert event.location
                assert scan.city.split()[0] in event.location
                assert event.code.known == (scan.raw is None)

    async def test_times_are_as_precise_as_they_were_told(self, direct: CarrierSource) -> None:
        journeys = [*self.sample(), *(one for one in self.journeys() if _offsetless(one))][: EACH * len(ScanKind)]
        found = await self.tell(direct, journeys)
        for journey in journeys:
            for scan, event in paired(journey, found[journey.number]):
                if scan.utc_offset_minutes is None:
                    assert (event.occurred.precision, event.occurred.offset) == (Precision.LOCAL, None)
                else:
                    assert event.occurred == Moment(scan.at, timedelta(minutes=scan.utc_offset_minutes))

    async def test_a_code_in_no_table_is_kept_to_the_letter(self, direct: CarrierSource, fleet: Fleet) -> None:
        """Later than the start, where the world has more of them."""
        later = START + timedelta(days=30)
        journeys = [
            one
            for told in journeys_of(self.scacs).values()
            for one in told
            if len(told) == 1 and any(scan.kind is ScanKind.ODD for scan in one.until(later))
        ][:EACH]
        assert journeys
        fleet.set_clock(later)
        try:
            found = await self.tell(direct, journeys)
        finally:
            fleet.set_clock(START)
        for journey in journeys:
            odd = [event for event in found[journey.number].events if not event.code.known]
            assert [event.code.raw for event in odd] == [scan.raw for scan in journey.scans if scan.raw]
            assert all(event.status is ShipmentStatus.UNKNOWN for event in odd)

    async def test_what_has_not_happened_yet_is_not_told(self, direct: CarrierSource, fleet: Fleet) -> None:
        journey = next(one for one in self.journeys() if _has(one, ScanKind.DELIVERED))
        early = journey.scans[2].at + timedelta(seconds=1)
        fleet.set_clock(early)
        try:
            tracking = await told(direct, key_of(journey))
            assert len(tracking.events) == len(journey.until(early)) < len(journey.scans)
            fleet.set_clock(journey.scans[0].at - timedelta(seconds=1))
            assert await direct.tracking([key_of(journey)]) == {}
        finally:
            fleet.set_clock(START)

    async def test_reasons_stay_inside(self, direct: CarrierSource) -> None:
        reasons = {scan.reason for one in self.sample() for scan in one.until(START) if scan.reason}
        assert reasons
        for tracking in (await self.tell(direct, self.sample())).values():
            for event in tracking.events:
                assert not any(reason in event.message for reason in reasons)
                assert "redit" not in event.message

    async def test_a_stranger_is_a_fault(self, site: Site) -> None:
        stranger = replace(site.config, client_secret=site.config.client_secret and "guessed", password="guessed")
        async with carrier_at(replace(site, config=stranger), site.config.url) as carrier:
            answers = await ask(carrier, site.known)
        assert isinstance(answers[site.known], SourceFault)


class ReusedContract(JourneyContract):
    """For carriers that give numbers out again, in this world."""

    async def test_a_number_used_again_means_the_journey_of_the_ship_date(self, direct: CarrierSource) -> None:
        reused = [told for told in journeys_of(self.scacs).values() if len(told) > 1]
        assert reused
        for journeys in reused:
            for journey in journeys:
                tracking = await told(direct, key_of(journey))
                days = {event.occurred.at.date() for event in tracking.events}
                assert days == {scan.at.date() for scan in journey.until(START)}
            newest = max(journeys, key=lambda journey: journey.shipped_on)
            tracking = await told(direct, replace(key_of(newest), shipped_on=None))
            assert len(tracking.events) == len(newest.until(START))
            ids = [event.id for one in journeys for event in (await told(direct, key_of(one))).events]
            assert len(set(ids)) == len(ids)

    async def test_a_former_journey_is_not_taken_for_ours(self, direct: CarrierSource) -> None:
        journeys = next(told for told in journeys_of(self.scacs).values() if len(told) > 1)
        between = min(journey.shipped_on for journey in journeys) + timedelta(days=150)
        key = replace(key_of(journeys[0]), shipped_on=between)
        assert await direct.tracking([key]) == {}


class ProofContract(JourneyContract):
    """For carriers that tell who received a parcel."""

    async def test_who_received_it_is_proof_of_delivery(self, direct: CarrierSource) -> None:
        journeys = [one for one in self.journeys() if _has(one, ScanKind.DELIVERED)][:EACH]
        found = await self.tell(direct, journeys)
        for journey in journeys:
            delivered = next(scan for scan in journey.scans if scan.kind is ScanKind.DELIVERED)
            proof = found[journey.number].proof_of_delivery
            assert proof
            assert proof.received_by == delivered.signed_by
            assert proof.at
            assert abs(proof.at.at - delivered.at) < timedelta(hours=14)

    async def test_what_is_on_its_way_has_an_estimate_and_no_proof(self, direct: CarrierSource) -> None:
        journeys = [
            one
            for one in self.journeys()
            if one.estimated_delivery and _has(one, ScanKind.PICKED_UP) and not _has(one, ScanKind.DELIVERED)
        ][:EACH]
        assert journeys
        for tracking in (await self.tell(direct, journeys)).values():
            assert tracking.proof_of_delivery is None
            assert tracking.estimated_delivery
            assert tracking.estimated_delivery.precision is Precision.DATE


class TokenContract(JourneyContract):
    """For carriers that want a bearer token."""

    async def test_one_token_serves_many_calls(self, site: Site, direct: CarrierSource, fleet: Fleet) -> None:
        fleet.reset_calls()
        keys = [key_of(journey) for journey in self.sample()]
        await ask(direct, *keys)
        await ask(direct, site.known)
        counted = fleet.calls(self.simulator).by_operation
        assert counted == {"token": 1, "track": ceil(len(keys) / self.batch) + 1}

    async def test_a_token_that_ended_early_is_renewed_once(
        self, site: Site, direct: CarrierSource, fleet: Fleet
    ) -> None:
        await told(direct, site.known)
        fleet.reset_calls()
        fleet.set_clock(START + timedelta(days=1))
        try:
            assert (await told(direct, site.known)).events
            assert fleet.calls(self.simulator).by_operation == {"token": 1, "track": 2}
        finally:
            fleet.set_clock(START)

    async def test_a_source_that_refuses_every_token_is_a_fault(
        self, site: Site, carrier: CarrierSource, door: Upstream
    ) -> None:
        door.fault = status(401)
        answers = await ask(carrier, site.known)
        assert isinstance(answers[site.known], SourceFault)
        assert len(door.calls) == 2


def key_of(journey: Journey) -> TrackingKey:
    return TrackingKey(journey.scac, journey.number, journey.shipped_on)


def paired(journey: Journey, tracking: Tracking) -> Sequence[tuple[Scan, TrackingEvent]]:
    """Scans and events in order of time; offset-less times in these answers are placed as they happened in UTC."""
    scans = journey.until(START)
    events = sorted(tracking.events, key=lambda event: event.occurred.at)
    assert len(events) == len(scans)
    return list(zip(scans, events, strict=True))


def _has(journey: Journey, kind: ScanKind) -> bool:
    return any(scan.kind is kind for scan in journey.until(START))


def _offsetless(journey: Journey) -> bool:
    return any(scan.utc_offset_minutes is None for scan in journey.until(START))
