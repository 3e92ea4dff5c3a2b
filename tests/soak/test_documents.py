"""Twenty clients take a 20 MB document each at once: what the process holds does not grow with what it hands on."""

import asyncio
from pathlib import Path

import httpx
import pytest

from examples.distributor.clock import START
from examples.distributor.fleet import Fleet
from tests.e2e import personas
from tests.soak.product import limits, product

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

QUERY = "query { invoices(first: 20) { edges { node { documents { url } } } } }"
AT_ONCE = 20
SIZE = 20_000_000
GROWTH = 48 * 1024 * 1024
"""Bytes the process may grow by; the documents together have eight times as many."""


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "passed on"])
async def test_many_large_documents_pass_in_constant_memory(tmp_path: Path, kept: bool) -> None:
    folder = tmp_path / "documents"
    if not kept:
        folder.write_text("no folder")
    given = limits(deadline=30) | {
        "CROSSDOCK_DOWNLOADS__FOLDER": str(folder),
        "CROSSDOCK_DOWNLOADS__LINK_SECONDS": "600",
    }
    with Fleet.start() as fleet, product(fleet.urls, tmp_path, given) as serving:
        fleet.set_clock(START)
        async with serving as here:
            answer = await here.ask(await personas.token(fleet, "service"), QUERY)
            urls = [edge["node"]["documents"][0]["url"] for edge in answer["data"]["invoices"]["edges"]][:AT_ONCE]
            assert len(urls) == AT_ONCE
            async with httpx.AsyncClient(base_url=here.address, timeout=500, trust_env=False) as client:
                await _size(client, urls[0])
                fleet.files(size=SIZE)
                before = here.memory()
                sizes = await asyncio.gather(*(_size(client, url) for url in urls[1:] + urls[1:2]))
            peak = here.peak()
    how = "kept" if kept else "passed on"
    print(f"\n{AT_ONCE} x {SIZE} bytes {how}: RSS {before / 2**20:.0f} -> {peak / 2**20:.0f} MiB")  # noqa: T201 (the figure)
    assert min(sizes) >= SIZE
    assert peak - before < GROWTH


async def _size(client: httpx.AsyncClient, url: str) -> int:
    async with client.stream("GET", url) as reply:
        assert reply.status_code == 200
        return sum([len(piece) async for piece in reply.aiter_raw()])
