"""The estate is opened from configuration alone, and a new carrier costs three files and one line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import SourceFault, SourceTimeout
from domain.model import ShipmentStatus, Tracking, TrackingKey
from sources.config import EstateConfig, Limits, SourceConfig
from sources.registry import CARRIERS, ERPS, WAREHOUSES, open_estate
from tests.sources.doors import Facts
from tests.sources.hostile import Hostile, hang, hostile, status
from tests.sources.pigeon.adapter import PigeonCarrier

WITH_PIGEONS = {
    **CARRIERS,
    "pigeon": PigeonCarrier,
}
FLIGHT = b'{"scans":[{"code":"UP","at":"2026-11-20T10:00:00Z"},{"code":"LOOP","at":"2026-11-20T11:00:00Z"}]}'
OAUTH: dict[str, Any] = {"client_id": "id", "client_secret": "secret"}


def now() -> datetime:
    return datetime.now(UTC)


class Site:
    """A server per source, the configuration that reaches them all, and what was observed."""

    def __init__(self, **servers: Hostile) -> None:
        self.servers = servers
        self.facts = Facts()
        limits = Limits(deadline=0.5, concurrency=4)
        sources = {
            name: SourceConfig(name, server.url, limits, token_url=f"{server.url}/token", **OAUTH)
            for name, server in servers.items()
        }
        carriers = tuple((name, sources[name]) for name in ("ups", "fedex", "usps", "dhl", "x12_214", "pigeon"))
        self.config = EstateConfig("soap", sources["erp"], "rest", sources["wms"], carriers)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        names = ("erp", "wms", *WITH_PIGEONS)
        servers = {name: await stack.enter_async_context(hostile()) for name in names}
        for server in servers.values():
            server.on("*", hang)
        yield Site(**servers)


async def test_a_carrier_is_three_files_and_one_line(site: Site) -> None:
    site.servers["pigeon"].on("/flights/7", status(200, FLIGHT))
    site.servers["pigeon"].on("/flights/8", status(404))
    site.servers["pigeon"].on("/flights/9", status(200, b'{"scans":[{"code":"UP"}]}'))
    keys = [TrackingKey("PGEN", number) for number in "789"]
    async with open_estate(site.config, observer=site.facts, now=now, carriers=WITH_PIGEONS) as estate:
        answer = await estate.tracking(keys)
        health = estate.health()
    known = answer.values[keys[0]]
    assert isinstance(known, Tracking)
    assert [(one.status, one.message) for one in known.events] == [
        (ShipmentStatus.IN_TRANSIT, "It is in the air."),
        (ShipmentStatus.UNKNOWN, "The carrier sent an update that has no translation yet."),
    ]
    assert keys[1] not in answer.values
    assert isinstance(answer.values[keys[2]], SourceFault)
    assert [(fact.source, fact.code.raw) for fact in site.facts.unknown] == [("pigeon", "LOOP")]
    assert set(health) == {"erp", "wms", *WITH_PIGEONS}
    assert health["pigeon"].last_success
    assert health["ups"].last_success is None


async def test_sources_that_all_hang_do_not_slow_the_one_that_answers(site: Site) -> None:
    site.servers["pigeon"].on("*", status(200, FLIGHT))
    stuck = [TrackingKey(scac, str(n)) for scac in ("UPSN", "FDEG", "USPS", "DHLE") for n in range(20)]
    quick = [TrackingKey("PGEN", str(n)) for n in range(50)]
    async with open_estate(site.config, observer=site.facts, now=now, carriers=WITH_PIGEONS) as estate:
        waiting = asyncio.create_task(estate.tracking(stuck))
        await asyncio.gather(*(site.servers[name].reached(1) for name in ("ups", "fedex", "usps", "dhl")))
        answer = await estate.tracking(quick)
        assert all(isinstance(value, Tracking) for value in answer.values.values())
        assert len(answer.values) == 50
        assert not waiting.done()
        failed = await waiting
    assert set(failed.values) == set(stuck)
    assert {type(value) for value in failed.values.values()} == {SourceTimeout}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"erp_kind": "cobol"}, f"erp: unknown kind 'cobol'; known are {', '.join(sorted(ERPS))}"),
        ({"wms_kind": "paper"}, f"wms: unknown kind 'paper'; known are {', '.join(sorted(WAREHOUSES))}"),
        ({"carriers": (("owl", SourceConfig("owl", "http://owl")),)}, "owl: unknown kind 'owl'; known are dhl, fedex"),
    ],
    ids=["erp", "wms", "carrier"],
)
async def test_an_unknown_kind_is_refused_and_the_known_are_named(
    site: Site, change: dict[str, object], complaint: str
) -> None:
    config = replace(site.config, **change)  # type: ignore[arg-type]  # one field of it
    with pytest.raises(ValueError, match=complaint):
        async with open_estate(config, observer=site.facts, now=now):
            pass


async def test_two_sources_of_one_name_are_refused(site: Site) -> None:
    config = replace(site.config, wms=replace(site.config.wms, name="erp"))
    with pytest.raises(ValueError, match="two sources share a name"):
        async with open_estate(config, observer=site.facts, now=now, carriers=WITH_PIGEONS):
            pass


async def test_two_carriers_of_one_scac_are_refused(site: Site) -> None:
    again = ("dhl", SourceConfig("dhl-east", "http://dhl"))
    config = replace(site.config, carriers=(*site.config.carriers, again))
    with pytest.raises(ValueError, match="dhl-east: another carrier answers for DHLE already"):
        async with open_estate(config, observer=site.facts, now=now, carriers=WITH_PIGEONS):
            pass
