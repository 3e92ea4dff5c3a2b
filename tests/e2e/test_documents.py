"""Documents from their owner to a client over real sockets: who gets one, for how long, whole or not at all."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.audit import DOWNLOAD, Entry, record
from domain.model import CustomerId
from engine.execute import Engine
from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.journeys import ScanKind
from examples.distributor.world import World
from resolvers.links import PATH, Links
from resolvers.seals import Seal
from server import settings
from server.app import build
from server.telemetry import Telemetry
from store.audit import Trail
from store.database import Database
from tests.e2e import personas
from tests.e2e.conftest import PATIENT
from tests.server.serving import served

INVOICES = """query ($n: String!) { order(number: $n) { invoices { id number
  documents { id title mediaType url } } } }"""
SHIPMENTS = """query ($n: String!) { order(number: $n) { shipments { number status
  documents { id kind title mediaType url } } } }"""
BY_FEDEX = frozenset(("FDEG", "FDE"))
MIB = 1024 * 1024


@dataclass(frozen=True)
class Office:
    """A Crossdock on a real socket, over the fleet. ``number``: of an order that is invoiced; ``by_fedex``: of one that
    FedEx delivered.
    """

    client: httpx.AsyncClient
    fleet: Fleet
    number: str
    by_fedex: str
    folder: Path
    database: str

    async def bearer(self, persona: str) -> dict[str, str]:
        return {"authorization": f"Bearer {await personas.token(self.fleet, persona)}"}

    async def document(self, persona: str = "buyer") -> dict[str, Any]:
        """The first document of the order's first invoice, with a link made now."""
        body = {"query": INVOICES, "variables": {"n": self.number}}
        answer = (await self.client.post("/graphql", json=body, headers=await self.bearer(persona))).json()
        document: dict[str, Any] = answer["data"]["order"]["invoices"][0]["documents"][0]
        return document

    async def of_shipments(self, persona: str = "service") -> dict[str, dict[str, Any]]:
        """A document of each kind that the shipments have, with the shipment's number and status."""
        body = {"query": SHIPMENTS, "variables": {"n": self.by_fedex}}
        answer = (await self.client.post("/graphql", json=body, headers=await self.bearer(persona))).json()
        return {
            document["kind"]: document | {"shipment": shipment["number"], "status": shipment["status"]}
            for shipment in answer["data"]["order"]["shipments"]
            for document in shipment["documents"]
        }

    async def url(self) -> str:
        return str((await self.document())["url"])

    async def entries(self) -> list[Entry]:
        database = await Database.open(self.database)
        try:
            return [record(link.document).entry async for link in Trail(database).links()]
        finally:
            await database.close()

    def fetched(self) -> int:
        return self.fleet.calls("erp").by_operation.get("file", 0)


def delivered_by_fedex(world: World) -> str:
    """The number of an order."""
    return next(
        journey.order_number
        for journeys in world.journeys(BY_FEDEX).values()
        for journey in journeys
        if any(scan.kind is ScanKind.DELIVERED for scan in journey.until(START))
    )


Opened = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def opened(fleet: Fleet, world: World, engine: Engine, tmp_path: Path) -> Iterator[Opened]:
    fleet.clear_faults()
    fleet.thaw()
    fleet.set_clock(START)
    fleet.files()

    @asynccontextmanager
    async def office(**given: str) -> AsyncIterator[Office]:
        database, folder = f"sqlite:///{tmp_path}/audit.db", tmp_path / "documents"
        own = {"STORE__AUDIT_URL": database, "DOWNLOADS__FOLDER": str(folder)} | PATIENT | given
        told = environment(fleet.urls) | {f"CROSSDOCK_{name}": value for name, value in own.items()}
        app = build(settings.load(told), engine, Telemetry())
        fleet.reset_calls()
        async with (
            served(app, lifespan="on") as address,
            httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client,
        ):
            yield Office(client, fleet, world.examples["delivered"], delivered_by_fedex(world), folder, database)

    yield office
    fleet.clear_faults()
    fleet.files()


@pytest.fixture
async def office(opened: Opened) -> AsyncIterator[Office]:
    async with opened() as open_:
        yield open_


async def test_a_link_gives_the_owners_file_as_a_download_that_no_browser_runs(office: Office) -> None:
    document = await office.document()
    reply = await office.client.get(document["url"])
    assert reply.status_code == 200
    assert reply.content.startswith(b"%PDF-")
    assert reply.content.endswith(b"%%EOF\n")
    headers = reply.headers
    assert headers["content-type"] == document["mediaType"] == "application/pdf"
    assert headers["content-length"] == str(len(reply.content))
    assert headers["content-disposition"] == f'attachment; filename="{document["title"].replace(" ", "-")}.pdf"'
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox;")
    assert headers["cache-control"] == "private, no-store"
    assert headers["etag"] == f'"{hashlib.sha256(reply.content).hexdigest()}"'


async def test_the_warehouse_has_packing_lists_and_a_carrier_proofs_of_delivery(office: Office) -> None:
    found = await office.of_shipments()
    assert found.keys() == {"PACKING_LIST", "PROOF_OF_DELIVERY"}
    assert found["PROOF_OF_DELIVERY"]["status"] == "DELIVERED"
    for document in found.values():
        reply = await office.client.get(document["url"])
        assert (reply.status_code, reply.headers["content-type"]) == (200, document["mediaType"])
        assert document["title"].rpartition(" ")[2].encode() in reply.content
        foreign = await office.client.get(document["url"], headers=await office.bearer("stranger"))
        assert foreign.status_code == 404
    entries = [entry for entry in await office.entries() if entry.action == DOWNLOAD]
    assert [[(item.type, item.ids) for item in entry.items if item.type == "Shipment"] for entry in entries] == [
        [("Shipment", (document["shipment"],))] for document in found.values()
    ]
    calls = {name: office.fleet.calls(name).by_operation.get("file", 0) for name in ("wms", "fedex")}
    assert calls == {"wms": 1, "fedex": 1}


async def test_a_carrier_that_is_down_leaves_the_warehouses_documents(office: Office) -> None:
    office.fleet.fault("fedex", status=503)
    assert (await office.of_shipments()).keys() == {"PACKING_LIST"}


async def test_it_is_recorded_when_asked_for_and_when_downloaded(office: Office) -> None:
    document = await office.document()
    await office.client.get(document["url"])
    asked, downloaded = await office.entries()
    assert any(item.ids == (document["id"],) and "Document.url" in item.fields for item in asked.items)
    assert downloaded.action == DOWNLOAD
    assert (downloaded.actor, downloaded.account) == (asked.actor, asked.account)
    assert (document["id"],) in [item.ids for item in downloaded.items]


async def test_what_cannot_be_recorded_is_not_handed_out(opened: Opened) -> None:
    async with opened() as office:
        url = await office.url()
        database = await Database.open(office.database)
        async with database.writing() as connection:
            await connection.exec_driver_sql("DROP TABLE audit_heads")
        await database.close()
        reply = await office.client.get(url)
        assert reply.status_code == 503
        assert reply.json()["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"


async def test_a_link_serves_its_caller_and_who_holds_it_but_no_other_caller(office: Office) -> None:
    url = await office.url()
    own = await office.client.get(url, headers=await office.bearer("buyer"))
    foreign = await office.client.get(url, headers=await office.bearer("stranger"))
    unsigned = await office.client.get(url, headers={"authorization": "Bearer nonsense"})
    assert [own.status_code, foreign.status_code, unsigned.status_code] == [200, 404, 401]


async def test_altered_links_and_what_never_was_one_are_alike(office: Office) -> None:
    url = await office.url()
    middle = len(url) // 2
    altered = url[:middle] + ("A" if url[middle] != "A" else "B") + url[middle + 1 :]
    replies = [await office.client.get(each) for each in (altered, url[:-4], "/documents/x", "/documents/", url + "/x")]
    bodies = [reply.json()["errors"][0] for reply in replies]
    assert {reply.status_code for reply in replies} == {404}
    assert {(body["message"], body["extensions"]["code"]) for body in bodies} == {
        ("There is no such document, or its link has ended.", "NOT_FOUND")
    }
    assert office.fetched() == 0


async def test_a_link_ends(opened: Opened) -> None:
    async with opened(DOWNLOADS__LINK_SECONDS="1") as office:
        url = await office.url()
        await asyncio.sleep(1.1)
        assert (await office.client.get(url)).status_code == 404


async def test_a_link_of_another_secret_is_none_and_of_the_one_before_still_is(opened: Opened) -> None:
    before, after = "a" * 32, "b" * 32
    async with opened(SECRET=before) as office:
        url = await office.url()
    async with opened(SECRET=f"{after} {before}") as office:
        assert (await office.client.get(url)).status_code == 200
    async with opened(SECRET=after) as office:
        assert (await office.client.get(url)).status_code == 404


async def test_rows_are_asked_for_again_when_a_link_is_used(opened: Opened) -> None:
    secret = "s" * 32
    links = Links(Seal([secret]), address="", lifetime=timedelta(minutes=1), now=lambda: datetime.now(UTC))
    async with opened(SECRET=secret) as office:
        body = {"query": INVOICES, "variables": {"n": office.number}}
        answer = (await office.client.post("/graphql", json=body, headers=await office.bearer("buyer"))).json()
        invoice = answer["data"]["order"]["invoices"][0]
        number, document = invoice["number"], invoice["documents"][0]["id"]
        buyer = links.opened(invoice["documents"][0]["url"].removeprefix(PATH))
        assert buyer is not None
        moved = replace(buyer.principal, account=CustomerId("no such account"))
        asked = {
            "as it was": links.to(buyer.principal, "Invoice", number, document),
            "another account's": links.to(moved, "Invoice", number, document),
            "another document": links.to(buyer.principal, "Invoice", number, "file-0"),
            "another invoice": links.to(buyer.principal, "Invoice", "INV-0", document),
            "of something else": links.to(buyer.principal, "Shipment", number, document),
            "of nothing there is": links.to(buyer.principal, "Order", number, document),
        }
        told = {name: (await office.client.get(url)).status_code for name, url in asked.items()}
        assert told == {name: 200 if name == "as it was" else 404 for name in asked}


async def test_a_head_tells_the_size_and_sends_nothing(office: Office) -> None:
    url = await office.url()
    head = await office.client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len((await office.client.get(url)).content))
    assert (await office.client.post(url)).status_code == 405


async def test_ranges_are_given_and_what_is_had_already_is_not_sent_again(office: Office) -> None:
    url = await office.url()
    whole = (await office.client.get(url)).content
    part = await office.client.get(url, headers={"range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, whole[5:10])
    assert part.headers["content-range"] == f"bytes 5-9/{len(whole)}"
    last = await office.client.get(url, headers={"range": "bytes=-6"})
    assert last.content == b"%%EOF\n"
    beyond = await office.client.get(url, headers={"range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    for odd in ("bytes=0-1,3-4", "bytes=9-5x", "lines=1-2", "bytes=" + "0-1," * 5000):
        assert (await office.client.get(url, headers={"range": odd[:4000]})).content == whole
    etag = part.headers["etag"]
    known = await office.client.get(url, headers={"if-none-match": etag})
    assert (known.status_code, known.content) == (304, b"")
    changed = await office.client.get(url, headers={"range": "bytes=5-9", "if-range": '"other"'})
    assert changed.content == whole
    assert office.fetched() == 1


async def test_many_at_once_are_fetched_from_the_owner_once(office: Office) -> None:
    office.fleet.files(size=2 * MIB)
    url = await office.url()
    replies = await asyncio.gather(*(office.client.get(url) for _ in range(10)))
    assert {(reply.status_code, hashlib.sha256(reply.content).hexdigest()) for reply in replies} == {
        (200, replies[0].headers["etag"].strip('"'))
    }
    assert office.fetched() == 1
    assert len(list((office.folder / "contents").iterdir())) == 1
    assert list((office.folder / "drafts").iterdir()) == []


@pytest.mark.parametrize("trouble", ["disguised", "cut"])
async def test_what_is_not_a_whole_pdf_is_refused_before_its_first_byte(office: Office, trouble: str) -> None:
    office.fleet.files(size=2 * MIB, trouble=trouble)
    reply = await office.client.get(await office.url())
    assert reply.status_code in (502, 503)
    assert reply.json()["errors"][0]["extensions"]["code"] in ("SOURCE_FAULT", "SOURCE_UNAVAILABLE")
    assert b"script" not in reply.content
    assert [path for path in office.folder.rglob("*") if path.is_file()] == []
    assert [entry.action for entry in await office.entries()] == ["read"]


async def test_a_pdf_whose_end_is_missing_is_refused(office: Office) -> None:
    office.fleet.fault("erp", malformed="truncate", operations=["file"])
    reply = await office.client.get(await office.url())
    assert (reply.status_code, reply.json()["errors"][0]["extensions"]["code"]) == (502, "SOURCE_FAULT")


async def test_one_that_never_ends_is_cut_off_at_the_cap(opened: Opened) -> None:
    async with opened(ERP__LIMITS__DOCUMENT=str(MIB)) as office:
        office.fleet.files(trouble="endless")
        reply = await office.client.get(await office.url())
        assert (reply.status_code, reply.json()["errors"][0]["extensions"]["code"]) == (502, "SOURCE_FAULT")


@pytest.mark.parametrize(
    "given", [{"DOCUMENT_DEADLINE": "0.5"}, {"DOCUMENT_PAUSE": "0.005"}], ids=["in all", "between bytes"]
)
async def test_a_slow_owner_is_waited_for_only_so_long(opened: Opened, given: dict[str, str]) -> None:
    async with opened(**{f"ERP__LIMITS__{name}": value for name, value in given.items()}) as office:
        office.fleet.fault("erp", drip=True, operations=["file"])
        reply = await office.client.get(await office.url())
        assert (reply.status_code, reply.headers["retry-after"]) == (504, "5")


async def test_where_nothing_can_be_kept_documents_are_passed_on(opened: Opened, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("no folder")
    async with opened(DOWNLOADS__FOLDER=str(taken)) as office:
        office.fleet.files(size=2 * MIB)
        url = await office.url()
        reply = await office.client.get(url)
        assert (reply.status_code, reply.content[:5], reply.content[-6:]) == (200, b"%PDF-", b"%%EOF\n")
        assert [entry.action for entry in await office.entries()] == ["read", DOWNLOAD]
        office.fleet.files(trouble="disguised")
        assert (await office.client.get(url)).status_code == 502


async def test_an_owner_that_dies_midway_leaves_a_transfer_seen_to_be_cut(opened: Opened, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("no folder")
    async with opened(DOWNLOADS__FOLDER=str(taken)) as office:
        office.fleet.files(size=4 * MIB, trouble="cut")
        with pytest.raises(httpx.RemoteProtocolError):
            await office.client.get(await office.url())


async def test_a_disk_that_fills_up_leaves_nothing_behind(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def full(descriptor: int) -> None:
        if "drafts" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    reply = await office.client.get(await office.url())
    assert (reply.status_code, reply.content[-6:]) == (200, b"%%EOF\n")
    assert [path for path in office.folder.rglob("*") if path.is_file()] == []
