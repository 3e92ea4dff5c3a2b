"""What an adapter must do that is mapped in part: what it can read it reads well, and what it cannot it says.

``ErpFirstSteps``, ``WarehouseFirstSteps`` and ``CarrierFirstSteps`` ask for the second alone; ``ErpFirstReads`` also
for orders by number. A whole adapter keeps its port's whole contract (``erp``, ``warehouse`` and ``carrier`` here).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.access import Visibility
from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from domain.model import CustomerId, Order, OrderId, TrackingKey
from domain.queries import CustomerQuery, OrderQuery, RecordQuery
from sources.client import Client
from sources.config import Limits, SourceConfig
from sources.observer import Silence
from sources.skeleton import NotMapped
from sources.transport import Transport
from tests.contract import stub, upstream
from tests.contract.upstream import Upstream

ABSENT = ("9009", "no such & <number> \"at\" 'all' %2F../?x=1#", "\x00", "")

Ask = Callable[[Any], Awaitable[object]]

ERP: Mapping[str, Ask] = {
    "orders": lambda erp: erp.orders([OrderId("1")], amounts=True),
    "orders_by_po": lambda erp: erp.orders_by_po(["1"]),
    "order_page": lambda erp: erp.order_page(OrderQuery(Visibility(None))),
    "order_count": lambda erp: erp.order_count(OrderQuery(Visibility(None))),
    "customers": lambda erp: erp.customers([CustomerId("1")]),
    "children": lambda erp: erp.children([CustomerId("1")]),
    "descendants": lambda erp: erp.descendants([CustomerId("1")]),
    "accounts_in_territories": lambda erp: erp.accounts_in_territories(["1"]),
    "accounts_in_subsidiaries": lambda erp: erp.accounts_in_subsidiaries(["1"]),
    "customer_page": lambda erp: erp.customer_page(CustomerQuery(Visibility(None))),
    "receivables": lambda erp: erp.receivables([CustomerId("1")]),
    "invoices": lambda erp: erp.invoices(["1"]),
    "invoices_by_order": lambda erp: erp.invoices_by_order([OrderId("1")]),
    "invoice_page": lambda erp: erp.invoice_page(RecordQuery(Visibility(None))),
    "returns": lambda erp: erp.returns(["1"]),
    "returns_by_order": lambda erp: erp.returns_by_order([OrderId("1")]),
    "return_page": lambda erp: erp.return_page(RecordQuery(Visibility(None))),
}
WAREHOUSE: Mapping[str, Ask] = {
    "warehouse_orders": lambda wms: wms.warehouse_orders([OrderId("1")]),
    "shipments": lambda wms: wms.shipments(["1"]),
    "shipments_by_tracking": lambda wms: wms.shipments_by_tracking(["1"]),
    "shipment_page": lambda wms: wms.shipment_page(RecordQuery(Visibility(None))),
}
CARRIER: Mapping[str, Ask] = {"tracking": lambda carrier: carrier.tracking([TrackingKey("ACME", "1")])}


@dataclass(frozen=True, slots=True)
class Expected:
    """The one order the stub has, as its own answer states it. ``placed_on``: an ISO date."""

    number: str
    status: str
    customer: str
    currency: str
    placed_on: str


@dataclass(frozen=True, slots=True)
class Site:
    """``stub``: the folder that the scaffold wrote. ``expected`` None: the stub has no order."""

    adapter: Callable[[SourceConfig, Transport], Any]
    system: str
    stub: Path
    expected: Expected | None = None


class _Steps:
    methods: Mapping[str, Ask]

    @pytest.fixture
    async def door(self, site: Site) -> AsyncIterator[Upstream]:
        """The stub behind a door that counts and misbehaves."""
        async with stub.stub(site.stub) as standing, upstream.upstream(standing.public) as door:
            standing.public = door.url
            door.address = door.url + standing.start
            yield door

    def made(self, site: Site, address: str, pool: Client, **limits: Any) -> Any:
        usual: dict[str, Any] = {"deadline": 30.0, "connect_timeout": 30.0, "attempts": 1, "breaker_failures": 10**6}
        config = SourceConfig(site.system, address, Limits(**(usual | limits)))
        return site.adapter(config, Transport(config, pool, observer=Silence(), now=lambda: datetime.now(UTC)))

    @pytest.fixture
    async def source(self, site: Site, door: Upstream) -> AsyncIterator[Any]:
        async with Client() as pool:
            yield self.made(site, door.address, pool)

    async def test_what_is_not_mapped_says_so(self, site: Site, source: Any, door: Upstream) -> None:
        for name, ask in self.methods.items():
            if name in type(source).__dict__ and name != "orders":
                continue
            with pytest.raises(NotMapped) as caught:
                await ask(source)
            assert caught.value.source == site.system
            assert caught.value.method.startswith(name)
            assert (source.looks_like.get(name) or "no operation") in str(caught.value)
        assert door.calls == []


class ErpFirstSteps(_Steps):
    """Inherit, and give a ``site``."""

    methods = ERP

    async def test_its_own_description_fits_the_shapes(self, source: Any) -> None:
        await source.warm()


class WarehouseFirstSteps(_Steps):
    methods = WAREHOUSE


class CarrierFirstSteps(_Steps):
    methods = CARRIER


async def heads(source: Any, *ids: str) -> Mapping[str, Order | SourceError]:
    found: Mapping[str, Order | SourceError] = await source.orders(ids, amounts=False, lines=False)
    return found


class ErpFirstReads(ErpFirstSteps):
    """Orders by number. Inherit, and give a ``site`` with the order that is expected."""

    async def test_a_known_order_arrives_as_it_is(self, site: Site, source: Any) -> None:
        assert site.expected
        before = datetime.now(UTC)
        order = (await heads(source, site.expected.number))[site.expected.number]
        assert isinstance(order, Order)
        told = Expected(
            order.id,
            order.status_code.raw,
            order.customer_id,
            order.currency,
            order.placed_at.at.date().isoformat(),
        )
        assert told == site.expected
        assert order.source.system == site.system
        assert before <= order.source.as_of <= datetime.now(UTC)
        assert order.status_code.table == f"{site.system}/order_status"

    async def test_what_nobody_knows_is_no_order(self, site: Site, source: Any) -> None:
        assert site.expected
        found = await heads(source, *ABSENT, site.expected.number)
        assert isinstance(found[site.expected.number], Order)
        assert not [found[key] for key in ABSENT if isinstance(found.get(key), Order)]

    async def test_each_is_asked_once_and_nothing_costs_nothing(self, site: Site, source: Any, door: Upstream) -> None:
        assert site.expected
        await source.warm()
        before = len(door.calls)
        assert await heads(source) == {}
        assert len(door.calls) == before
        await heads(source, site.expected.number, site.expected.number)
        assert len(door.calls) == before + 1

    @pytest.mark.parametrize("fault", [upstream.hang, upstream.drip])
    async def test_silence_is_a_timeout(self, site: Site, door: Upstream, fault: upstream.Fault) -> None:
        assert site.expected
        async with Client() as pool:
            source = self.made(site, door.address, pool, deadline=2.0)
            await source.warm()
            door.fault = fault
            found = await heads(source, site.expected.number)
        assert isinstance(found[site.expected.number], SourceTimeout)

    async def test_overload_is_unavailable(self, site: Site, source: Any, door: Upstream) -> None:
        assert site.expected
        await source.warm()
        door.fault = upstream.status(503, Retry_After="30")
        found = (await heads(source, site.expected.number))[site.expected.number]
        assert isinstance(found, SourceUnavailable)
        assert found.retry_after == 30

    @pytest.mark.parametrize(
        "fault",
        [
            upstream.altered(lambda told: told[: len(told) // 2]),
            upstream.bomb,
            upstream.body(b"{}"),
            upstream.body(b"<a/>"),
            upstream.body(b"<!doctype html><title>Please log in</title>"),
            upstream.status(403),
            upstream.status(302, Location="http://169.254.169.254/"),
        ],
        ids=["cut", "bomb", "no fields", "another shape", "a login page", "refused", "moved"],
    )
    async def test_an_unreadable_answer_is_a_fault(
        self, site: Site, source: Any, door: Upstream, fault: upstream.Fault
    ) -> None:
        assert site.expected
        await source.warm()
        door.fault = fault
        assert isinstance((await heads(source, site.expected.number))[site.expected.number], SourceFault)
