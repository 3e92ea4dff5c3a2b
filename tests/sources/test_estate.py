"""The estate asks each source as little as it can, remembers all it hears, and counts what no table knows."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar

import pytest

from domain.access import Visibility
from domain.errors import SourceError, SourceTimeout, SourceUnavailable
from domain.events import Subject
from domain.model import (
    Customer,
    CustomerId,
    Invoice,
    InvoiceId,
    Order,
    OrderId,
    Receivables,
    Return,
    ReturnId,
    Shipment,
    ShipmentId,
    ShipmentStatus,
    Tracking,
    TrackingKey,
    WarehouseOrder,
)
from domain.queries import CustomerQuery, OrderQuery, Page, RecordQuery
from domain.values import Provenance
from sources.config import Lifetimes
from sources.estate import Estate
from sources.ports import Batch
from tests.domain.samples import NOW, code, event, hold, invoice, order, return_, shipment, task, warehouse
from tests.sources.doors import Facts

ALL = Visibility(None)
SO1, SO2 = OrderId("SO1"), OrderId("SO2")
K = TypeVar("K")
V = TypeVar("V")


@dataclass
class Books:
    """Everything a source knows, what it was asked, and whether it answers at all."""

    now: "Clock"
    asked: list[tuple[object, ...]] = field(default_factory=list)
    down: SourceError | None = None
    orders: dict[OrderId, Order] = field(default_factory=dict)
    customers: dict[CustomerId, Customer] = field(default_factory=dict)
    invoices: dict[InvoiceId, Invoice] = field(default_factory=dict)
    returns: dict[ReturnId, Return] = field(default_factory=dict)
    shipments: dict[ShipmentId, Shipment] = field(default_factory=dict)
    work: dict[OrderId, WarehouseOrder] = field(default_factory=dict)
    tracking: dict[TrackingKey, Tracking] = field(default_factory=dict)

    async def ask(self, *what: object) -> None:
        self.asked.append(what)
        await asyncio.sleep(0)
        if self.down:
            raise self.down

    def source(self, system: str) -> Provenance:
        return Provenance(system, self.now())


@dataclass
class Clock:
    seconds: float = 0

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)


def among(rows: Mapping[K, V], keys: Collection[K]) -> dict[K, V]:
    return {key: rows[key] for key in keys if key in rows}


class Erp:
    def __init__(self, books: Books) -> None:
        self.books = books

    async def orders(self, ids: Collection[OrderId], *, amounts: bool, lines: bool = True) -> Batch[OrderId, Order]:
        await self.books.ask("orders", *ids, amounts, *([] if lines else ["no lines"]))
        found = among(self.books.orders, ids)
        return {key: self._shown(row, amounts=amounts) for key, row in found.items()}

    def _shown(self, row: Order, *, amounts: bool) -> Order:
        return replace(row, totals=row.totals if amounts else None, source=self.books.source("erp"))

    async def orders_by_po(self, po_numbers: Collection[str]) -> Batch[str, Sequence[OrderId]]:
        await self.books.ask("orders_by_po", *po_numbers)
        rows = self.books.orders.values()
        return {po: tuple(row.id for row in rows if row.po_number == po) for po in po_numbers}

    async def order_page(self, query: OrderQuery) -> Page[Order]:
        await self.books.ask("order_page", query.amounts)
        return Page([self._shown(row, amounts=query.amounts) for row in self.books.orders.values()], more=False)

    async def order_count(self, query: OrderQuery) -> int:
        await self.books.ask("order_count", query.limit)
        return len(self.books.orders)

    async def customers(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Customer]:
        await self.books.ask("customers", *ids)
        return among(self.books.customers, ids)

    async def children(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Sequence[CustomerId]]:
        await self.books.ask("children", *ids)
        rows = self.books.customers.values()
        return {key: tuple(row.id for row in rows if row.parent_id == key) for key in ids}

    async def descendants(self, ids: Collection[CustomerId]) -> Batch[CustomerId, frozenset[CustomerId]]:
        await self.books.ask("descendants", *ids)
        return dict.fromkeys(ids, frozenset({CustomerId("C101")}))

    async def accounts_in_territories(self, territories: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        await self.books.ask("accounts_in_territories", *territories)
        return dict.fromkeys(territories, frozenset({CustomerId("C100")}))

    async def accounts_in_subsidiaries(self, subsidiaries: Collection[str]) -> Batch[str, frozenset[CustomerId]]:
        await self.books.ask("accounts_in_subsidiaries", *subsidiaries)
        return dict.fromkeys(subsidiaries, frozenset({CustomerId("C101")}))

    async def customer_page(self, query: CustomerQuery) -> Page[Customer]:
        await self.books.ask("customer_page", query.name)
        return Page(list(self.books.customers.values()), more=False)

    async def receivables(self, ids: Collection[CustomerId]) -> Batch[CustomerId, Receivables]:
        await self.books.ask("receivables", *ids)
        return {}

    async def invoices(self, ids: Collection[InvoiceId]) -> Batch[InvoiceId, Invoice]:
        await self.books.ask("invoices", *ids)
        return among(self.books.invoices, ids)

    async def invoices_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Invoice]]:
        await self.books.ask("invoices_by_order", *ids)
        return {key: tuple(row for row in self.books.invoices.values() if key in row.order_ids) for key in ids}

    async def invoice_page(self, query: RecordQuery) -> Page[Invoice]:
        await self.books.ask("invoice_page", query.limit)
        return Page(list(self.books.invoices.values()), more=False)

    async def returns(self, ids: Collection[ReturnId]) -> Batch[ReturnId, Return]:
        await self.books.ask("returns", *ids)
        return among(self.books.returns, ids)

    async def returns_by_order(self, ids: Collection[OrderId]) -> Batch[OrderId, Sequence[Return]]:
        await self.books.ask("returns_by_order", *ids)
        return {key: tuple(row for row in self.books.returns.values() if row.order_id == key) for key in ids}

    async def return_page(self, query: RecordQuery) -> Page[Return]:
        await self.books.ask("return_page", query.limit)
        return Page(list(self.books.returns.values()), more=False)


class Wms:
    def __init__(self, books: Books) -> None:
        self.books = books

    async def warehouse_orders(self, ids: Collection[OrderId]) -> Batch[OrderId, WarehouseOrder]:
        await self.books.ask("warehouse_orders", *ids)
        return among(self.books.work, ids)

    async def shipments(self, ids: Collection[ShipmentId]) -> Batch[ShipmentId, Shipment]:
        await self.books.ask("shipments", *ids)
        return among(self.books.shipments, ids)

    async def shipments_by_tracking(self, numbers: Collection[str]) -> Batch[str, Sequence[Shipment]]:
        await self.books.ask("shipments_by_tracking", *numbers)
        return {n: tuple(row for row in self.books.shipments.values() if n in row.tracking_numbers) for n in numbers}

    async def shipment_page(self, query: RecordQuery) -> Page[Shipment]:
        await self.books.ask("shipment_page", query.limit)
        return Page(list(self.books.shipments.values()), more=False)


class Parcels:
    scacs: ClassVar[frozenset[str]] = frozenset({"UPSN", "UPSZ"})

    def __init__(self, books: Books) -> None:
        self.books = books

    async def tracking(self, keys: Collection[TrackingKey]) -> Batch[TrackingKey, Tracking]:
        await self.books.ask("tracking", *(key.number for key in keys))
        return among(self.books.tracking, keys)


class Freight(Parcels):
    scacs: ClassVar[frozenset[str]] = frozenset({"FXFE"})


class Company:
    """An estate over four sources whose books the test writes."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.facts = Facts()
        self.erp, self.wms, self.ups, self.ltl = (Books(self.clock) for _ in range(4))
        parcels, freight = Parcels(self.ups), Freight(self.ltl)
        back_office = Erp(self.erp)
        self.estate = Estate(
            erp=back_office,
            returns=back_office,
            warehouse=Wms(self.wms),
            carriers={scac: carrier for carrier in (parcels, freight) for scac in carrier.scacs},
            lifetimes=Lifetimes(),
            observer=self.facts,
            now=self.clock,
            monotonic=lambda: self.clock.seconds,
        )
        self.erp.orders = {key: order(id=key, po_number=f"PO-{key}") for key in (SO1, SO2)}


@pytest.fixture
def company() -> Company:
    return Company()


# -- orders and their amounts ----------------------------------------------------------------------------------------


async def test_orders_are_asked_for_together_and_once(company: Company) -> None:
    for _ in range(2):
        answer = await company.estate.orders([SO1, SO2, OrderId("none")], amounts=False)
        assert set(answer.values) == {SO1, SO2}
    assert company.erp.asked == [("orders", "SO1", "SO2", "none", False)]


async def test_an_order_with_amounts_serves_who_asks_without_and_not_the_other_way(company: Company) -> None:
    await company.estate.orders([SO1], amounts=True)
    await company.estate.orders([SO1], amounts=False)
    await company.estate.orders([SO2], amounts=False)
    await company.estate.orders([SO2], amounts=True)
    assert company.erp.asked == [("orders", "SO1", True), ("orders", "SO2", False), ("orders", "SO2", True)]


async def test_a_priced_order_stands_in_for_a_plain_one_when_the_erp_is_down(company: Company) -> None:
    await company.estate.orders([SO1], amounts=True)
    company.clock.seconds, company.erp.down = 100, SourceUnavailable("erp", "down")
    for amounts in (True, False):
        answer = await company.estate.orders([SO1], amounts=amounts)
        served = answer.values[SO1]
        assert isinstance(served, Order)
        assert served.source == Provenance("erp", NOW, stale=True)
        assert answer.trouble == (company.erp.down,)


# -- pages feed the memory -------------------------------------------------------------------------------------------


async def test_an_order_with_lines_serves_who_asks_without_and_not_the_other_way(company: Company) -> None:
    await company.estate.orders([SO1], amounts=False, lines=False)
    await company.estate.orders([SO1], amounts=False)
    await company.estate.orders([SO2], amounts=True)
    await company.estate.orders([SO1, SO2], amounts=False, lines=False)
    await company.estate.orders([SO1], amounts=True, lines=False)
    assert company.erp.asked == [
        ("orders", "SO1", False, "no lines"),
        ("orders", "SO1", False),
        ("orders", "SO2", True),
        ("orders", "SO1", True, "no lines"),
    ]


@pytest.mark.parametrize("amounts", [True, False])
async def test_a_page_of_orders_is_remembered_by_id(company: Company, amounts: bool) -> None:
    page = await company.estate.order_page(OrderQuery(ALL, amounts=amounts))
    assert [row.id for row in page.rows] == [SO1, SO2]
    await company.estate.orders([SO1, SO2], amounts=False)
    await company.estate.orders([SO1], amounts=True)
    assert company.erp.asked[1:] == ([] if amounts else [("orders", "SO1", True)])


async def test_other_pages_are_remembered_too(company: Company) -> None:
    account = Customer(
        CustomerId("C100"), "Acme", None, (), None, None, None, "USD", None, None, Provenance("erp", NOW)
    )
    company.erp.customers = {account.id: account}
    company.erp.invoices = {InvoiceId("INV1"): invoice()}
    company.erp.returns = {ReturnId("RMA1"): return_()}
    company.wms.shipments = {ShipmentId("SH1"): shipment()}
    estate = company.estate
    await estate.customer_page(CustomerQuery(ALL))
    await estate.invoice_page(RecordQuery(ALL))
    await estate.return_page(RecordQuery(ALL))
    await estate.shipment_page(RecordQuery(ALL))
    assert (await estate.customers([account.id])).values == {account.id: account}
    assert (await estate.invoices([InvoiceId("INV1")])).values == {"INV1": invoice()}
    assert (await estate.returns([ReturnId("RMA1")])).values == {"RMA1": return_()}
    assert (await estate.shipments([ShipmentId("SH1")])).values == {"SH1": shipment()}
    assert len(company.erp.asked) == 3
    assert len(company.wms.asked) == 1


async def test_pages_and_counts_are_always_live(company: Company) -> None:
    for _ in range(2):
        await company.estate.order_page(OrderQuery(ALL))
        assert await company.estate.order_count(OrderQuery(ALL)) == 2
    assert len(company.erp.asked) == 4
    company.erp.down = SourceUnavailable("erp", "down")
    with pytest.raises(SourceUnavailable):
        await company.estate.order_page(OrderQuery(ALL))


# -- what comes with something else ----------------------------------------------------------------------------------


async def test_entities_inside_an_answer_are_remembered_by_their_own_id(company: Company) -> None:
    company.erp.invoices = {InvoiceId("INV1"): invoice()}
    company.erp.returns = {ReturnId("RMA1"): return_()}
    company.wms.work = {SO1: warehouse(shipment())}
    other = shipment(id=ShipmentId("SH2"))
    company.wms.shipments = {other.id: other}
    estate = company.estate
    assert (await estate.invoices_by_order([SO1, SO2])).values == {SO1: (invoice(),), SO2: ()}
    assert (await estate.returns_by_order([SO1])).values == {SO1: (return_(),)}
    await estate.warehouse_orders([SO1])
    await estate.shipments_by_tracking([other.tracking_numbers[0]])
    asked = len(company.erp.asked), len(company.wms.asked)
    assert (await estate.invoices([InvoiceId("INV1")])).values
    assert (await estate.returns([ReturnId("RMA1")])).values
    assert set((await estate.shipments([ShipmentId("SH1"), other.id])).values) == {"SH1", "SH2"}
    assert (len(company.erp.asked), len(company.wms.asked)) == asked


async def test_the_hierarchy_is_asked_once(company: Company) -> None:
    estate, account = company.estate, CustomerId("C100")
    for _ in range(2):
        assert (await estate.descendants([account])).values == {account: frozenset({"C101"})}
        assert (await estate.accounts_in_territories(["WEST"])).values == {"WEST": frozenset({"C100"})}
        assert (await estate.accounts_in_subsidiaries(["CA"])).values == {"CA": frozenset({"C101"})}
        assert (await estate.children([account])).values == {account: ()}
        assert (await estate.orders_by_po(["PO-SO2"])).values == {"PO-SO2": (SO2,)}
        assert (await estate.receivables([account])).values == {}
    assert len(company.erp.asked) == 6


async def test_everything_served_from_a_dead_warehouse_says_so(company: Company) -> None:
    company.wms.work = {SO1: warehouse(shipment())}
    await company.estate.warehouse_orders([SO1])
    company.clock.seconds, company.wms.down = 100, SourceTimeout("wms", "hangs")
    answer = await company.estate.warehouse_orders([SO1, SO2])
    work = answer.values[SO1]
    assert isinstance(work, WarehouseOrder)
    assert (work.source.stale, work.shipments[0].source.stale) == (True, True)
    assert answer.values[SO2] is company.wms.down
    assert answer.trouble == (company.wms.down,)


# -- carriers --------------------------------------------------------------------------------------------------------


def consignment(scac: str, number: str, *statuses: ShipmentStatus) -> Tracking:
    events = tuple(event(status, day=-5 + index) for index, status in enumerate(statuses))
    return Tracking(TrackingKey(scac, number), None, events, None, None, Provenance("carrier", NOW))


def known(*consignments: Tracking) -> dict[TrackingKey, Tracking]:
    return {one.key: one for one in consignments}


async def test_each_key_goes_to_its_carrier(company: Company) -> None:
    company.ups.tracking = known(consignment("UPSN", "1"), consignment("UPSZ", "2"))
    company.ltl.tracking = known(consignment("FXFE", "3"))
    keys = [TrackingKey(*key) for key in (("UPSN", "1"), ("FXFE", "3"), ("UPSZ", "2"), ("NONE", "4"), ("UPSN", "5"))]
    answer = await company.estate.tracking(keys)
    assert answer.values == company.ups.tracking | company.ltl.tracking
    assert company.ups.asked == [("tracking", "1", "2", "5")]
    assert company.ltl.asked == [("tracking", "3")]


async def test_a_dead_carrier_fails_only_its_own_keys(company: Company) -> None:
    company.ups.tracking = known(consignment("UPSN", "1"))
    company.ltl.tracking = known(consignment("FXFE", "3"))
    company.ltl.down = SourceUnavailable("ltl", "down")
    answer = await company.estate.tracking([*company.ups.tracking, *company.ltl.tracking])
    assert answer.values == company.ups.tracking | dict.fromkeys(company.ltl.tracking, company.ltl.down)


async def test_final_tracking_is_believed_for_longer(company: Company) -> None:
    done = consignment("UPSN", "done", ShipmentStatus.IN_TRANSIT, ShipmentStatus.DELIVERED)
    back = consignment("UPSN", "back", ShipmentStatus.DELIVERED, ShipmentStatus.RETURNING)
    none = consignment("UPSN", "none")
    company.ups.tracking = known(done, back, none)
    await company.estate.tracking(company.ups.tracking)
    company.clock.seconds = 121
    await company.estate.tracking(company.ups.tracking)
    assert company.ups.asked[1:] == [("tracking", "back", "none")]


# -- events ----------------------------------------------------------------------------------------------------------


async def test_what_an_event_says_has_changed_is_asked_anew(company: Company) -> None:
    company.erp.orders, company.wms.work = {SO1: order()}, {SO1: warehouse(shipment())}
    company.erp.invoices, company.erp.returns = {InvoiceId("INV1"): invoice()}, {ReturnId("RMA1"): return_()}
    key = shipment().tracking_keys[0]
    company.ups.tracking = known(replace(consignment("UPSN", key.number), key=key))
    estate = company.estate

    async def everything() -> int:
        await estate.orders([SO1], amounts=True)
        await estate.warehouse_orders([SO1])
        await estate.invoices_by_order([SO1])
        await estate.returns_by_order([SO1])
        await estate.tracking([key])
        return len(company.erp.asked) + len(company.wms.asked) + len(company.ups.asked)

    assert await everything() == 5
    assert await everything() == 5
    estate.forget(Subject.ORDER, SO1, SO1)
    assert await everything() == 9
    estate.forget(Subject.SHIPMENT, "SH1", SO1)
    assert await everything() == 14
    for subject, name in ((Subject.INVOICE, "INV1"), (Subject.RETURN, "RMA1"), (Subject.CUSTOMER, "C100")):
        estate.forget(subject, name)
    assert await everything() == 14
    await estate.invoices([InvoiceId("INV1")])
    await estate.returns([ReturnId("RMA1")])
    assert [asked[0] for asked in company.erp.asked[-2:]] == ["invoices", "returns"]


async def test_an_account_that_changed_takes_every_hierarchy_with_it(company: Company) -> None:
    estate = company.estate

    async def hierarchies() -> int:
        await estate.descendants([CustomerId("C100")])
        await estate.children([CustomerId("C100")])
        await estate.accounts_in_territories(["WEST"])
        await estate.accounts_in_subsidiaries(["CA"])
        return len(company.erp.asked)

    assert await hierarchies() == await hierarchies() == 4
    estate.forget(Subject.CUSTOMER, "C7")
    assert await hierarchies() == 8


# -- unknown codes ---------------------------------------------------------------------------------------------------


async def test_unknown_codes_are_counted_wherever_they_come_in(company: Company) -> None:
    strange = {name: code(name, known=False) for name in ("status", "hold", "stage", "task", "event", "invoice", "rma")}
    held = replace(hold(), code=strange["hold"])
    company.erp.orders = {SO1: order(status_code=strange["status"], hold=held), SO2: order(id=SO2)}
    odd = shipment(stage_code=strange["stage"])
    company.wms.work = {SO1: replace(warehouse(odd), tasks=(task(code=strange["task"]), task()))}
    scanned = replace(event(ShipmentStatus.UNKNOWN), code=strange["event"])
    lost = Tracking(TrackingKey("UPSN", "1"), None, (scanned,), None, None, Provenance("ups", NOW))
    company.ups.tracking = known(lost)
    company.erp.invoices = {InvoiceId("INV1"): invoice(status_code=strange["invoice"])}
    company.erp.returns = {ReturnId("RMA1"): return_(status_code=strange["rma"])}
    estate = company.estate
    for _ in range(2):
        await estate.orders([SO1, SO2], amounts=False)
        await estate.warehouse_orders([SO1])
        await estate.tracking([lost.key])
        await estate.invoices_by_order([SO1])
    await estate.return_page(RecordQuery(ALL))
    assert [(fact.source, fact.code.raw) for fact in company.facts.unknown] == [
        ("erp", "status"),
        ("erp", "hold"),
        ("wms", "task"),
        ("wms", "stage"),
        ("ups", "event"),
        ("erp", "invoice"),
        ("erp", "rma"),
    ]
