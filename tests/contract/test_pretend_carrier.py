"""Design law 6 and requirement S9: a carrier made up for this test is three files and one line, and keeps the contract.

The three files are in ``tests/sources/pigeon``; their line is in ``WITH_PIGEONS`` below.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from domain.errors import SourceFault
from domain.model import ShipmentStatus, Tracking, TrackingKey
from sources.config import EstateConfig, SourceConfig
from sources.observer import UnknownCode
from sources.registry import CARRIERS, open_estate
from tests.contract.carrier import CarrierContract, Site, carrier_at, told
from tests.sources import doors
from tests.sources.pigeon import adapter
from tests.sources.pigeon.adapter import PigeonCarrier

WITH_PIGEONS = {
    **CARRIERS,
    "pigeon": PigeonCarrier,
}

KNOWN, UNKNOWN, LOST = (TrackingKey("PGEN", number) for number in ("BELG 20-41", "BELG 20-4100", "BELG 20-42"))
FLIGHTS = {
    KNOWN.number: {
        "scans": [
            {"code": "UP", "at": "2026-11-19T08:00:00+01:00"},
            {"code": "LOOP", "at": "2026-11-19T08:40:00"},
            {"code": "DOWN", "at": "2026-11-19T09:15:00Z"},
        ]
    },
    LOST.number: {"scans": [{"code": "UP"}]},
}


async def fly(request: web.Request) -> web.Response:
    flight = FLIGHTS.get(request.match_info["number"])
    return web.json_response(flight) if flight else web.json_response({"error": "no such ring"}, status=404)


@pytest.fixture
async def loft() -> AsyncIterator[SourceConfig]:
    """Pigeon Post's service, over a real socket."""
    app = web.Application()
    app.router.add_get("/flights/{number}", fly)
    async with TestServer(app) as server:
        yield SourceConfig("pigeon", str(server.make_url("")).rstrip("/"))


class TestPigeonPost(CarrierContract):
    @pytest.fixture
    def site(self, loft: SourceConfig) -> Site:
        return Site(PigeonCarrier, loft, KNOWN, UNKNOWN)

    async def test_its_codes_mean_what_its_table_says(self, site: Site) -> None:
        async with carrier_at(site, site.config.url) as carrier:
            tracking = await told(carrier, KNOWN)
        assert [event.status for event in tracking.events] == [
            ShipmentStatus.IN_TRANSIT,
            ShipmentStatus.UNKNOWN,
            ShipmentStatus.DELIVERED,
        ]


def test_it_took_three_files() -> None:
    files = {path.name for path in Path(adapter.__file__).parent.iterdir() if path.is_file()}
    assert files == {"adapter.py", "wire.py", "codes.tsv"}


async def test_its_line_puts_it_in_the_estate(loft: SourceConfig) -> None:
    """The ERP and the warehouse need not be there: nothing listens where they are said to be."""
    silent = "http://127.0.0.1:9"
    config = EstateConfig(
        "soap", SourceConfig("erp", silent), "rest", SourceConfig("wms", silent), carriers=(("pigeon", loft),)
    )
    facts = doors.Facts()
    opened = open_estate(config, observer=facts, now=lambda: datetime.now(UTC), carriers=WITH_PIGEONS)
    async with opened as estate:
        answer = await estate.tracking([KNOWN, UNKNOWN, LOST])
        await estate.tracking([KNOWN])
    tracking = answer.values[KNOWN]
    assert isinstance(tracking, Tracking)
    assert (tracking.source.system, len(tracking.events)) == ("pigeon", 3)
    assert UNKNOWN not in answer.values
    assert isinstance(answer.values[LOST], SourceFault)
    assert facts.unknown == [UnknownCode("pigeon", tracking.events[1].code)]
    assert len([call for call in facts.calls if call.source == "pigeon"]) == 3
