"""What every adapter of ``ReturnsSource`` must do; its own test inherits ``ReturnsContract`` and brings its site."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import pytest

from domain.access import Visibility
from domain.errors import SourceFault, SourceTimeout
from domain.model import CustomerId, OrderId, Return, ReturnId, ReturnStatus
from domain.queries import Cursor, RecordQuery
from sources.ports import ReturnsSource
from tests.contract.erp import ABSENT, UNSAYABLE, Read, Trouble, good, spoilt, stated, walk


@dataclass(frozen=True, slots=True)
class Books:
    """What the site's own books say: every return, with ``source`` as ``tests.contract.erp.SOURCE``."""

    returns: Mapping[ReturnId, Return]
    family: frozenset[CustomerId]
    """Accounts that have returned something at several places."""
    orders: frozenset[OrderId]
    """Orders of ``family``, of which some have returns and some have not; at least 50."""


class Site(Protocol):
    """Whoever owns returns, reached over a real socket. Its members are as ``tests.contract.erp.Site`` says."""

    returned: Books
    owner: ReturnsSource

    async def calls(self) -> int: ...
    def faults(self, **faults: object) -> AbstractAsyncContextManager[None]: ...
    def trouble(self, number: str, kind: Trouble) -> AbstractAsyncContextManager[None]: ...


def rank(rma: Return) -> tuple[datetime, str]:
    return rma.requested_at.at, rma.id


def position(rma: Return) -> Cursor:
    return Cursor(*rank(rma))


def mine(site: Site) -> list[Return]:
    """Newest first."""
    returns = (rma for rma in site.returned.returns.values() if rma.customer_id in site.returned.family)
    return sorted(returns, key=rank, reverse=True)


class ReturnsContract:
    """Inherit, and give a ``site`` fixture."""

    async def test_every_return_arrives_as_it_is(self, site: Site) -> None:
        found = good(await site.owner.returns([*site.returned.returns, ReturnId(ABSENT), *map(ReturnId, UNSAYABLE)]))
        assert {id_: stated(rma) for id_, rma in found.items()} == site.returned.returns
        assert {rma.stated for rma in found.values()} >= {
            ReturnStatus.REQUESTED,
            ReturnStatus.AUTHORIZED,
            ReturnStatus.PARTIALLY_RECEIVED,
            ReturnStatus.CREDITED,
        }

    async def test_returns_of_orders(self, site: Site) -> None:
        asked = [*site.returned.orders, OrderId(ABSENT), *map(OrderId, UNSAYABLE)]
        found = good(await site.owner.returns_by_order(asked))
        assert set(found) == set(asked)
        for id_, returns in found.items():
            expected = [rma for rma in site.returned.returns.values() if rma.order_id == id_]
            assert sorted(map(stated, returns), key=rank) == sorted(expected, key=rank)
        assert {len(returns) for returns in found.values()} >= {0, 1}

    async def test_fifty_keys_cost_as_many_calls_as_one(self, site: Site) -> None:
        reads: Sequence[tuple[Read, Sequence[Any]]] = (
            (site.owner.returns, list(site.returned.returns)),
            (site.owner.returns_by_order, sorted(site.returned.orders)),
        )
        for read, keys in reads:
            spent = []
            for asked in (keys[:0], keys[:1], keys[:50]):
                before = await site.calls()
                good(await read(asked))
                spent.append(await site.calls() - before)
            assert spent == [0, 1, 1]

    @pytest.mark.parametrize("limit", [1, 100])
    async def test_pages_are_complete_and_in_order(self, site: Site, limit: int) -> None:
        query = RecordQuery(Visibility(site.returned.family), limit=limit)
        rows = await walk(site.owner.return_page, query, position)
        assert [stated(row) for row in rows] == mine(site)

    async def test_pages_meet_every_condition(self, site: Site) -> None:
        some = mine(site)[0]
        bound = Visibility(site.returned.family, frozenset({some.ship_to_id or ""}))
        rows = await walk(site.owner.return_page, RecordQuery(bound, limit=2), position)
        assert [row.id for row in rows] == [e.id for e in mine(site) if bound.sees_at(e.customer_id, e.ship_to_id)]
        assert some.order_id
        of_order = RecordQuery(Visibility(None), order_ids=frozenset({some.order_id}))
        found = {row.id for row in (await site.owner.return_page(of_order)).rows}
        assert found == {rma.id for rma in site.returned.returns.values() if rma.order_id == some.order_id}
        nobody = replace(of_order, customer_ids=frozenset({CustomerId(ABSENT)}))
        assert list((await site.owner.return_page(nobody)).rows) == []

    async def test_who_sees_nothing_costs_nothing(self, site: Site) -> None:
        before = await site.calls()
        for nothing in (Visibility(frozenset()), Visibility(None, frozenset())):
            assert list((await site.owner.return_page(RecordQuery(nothing))).rows) == []
        assert await site.calls() == before

    @pytest.mark.parametrize("kind", ["error", "locked", "malformed"])
    async def test_one_record_in_trouble_spoils_no_other(self, site: Site, kind: Trouble) -> None:
        numbers = list(site.returned.returns)[:5]
        async with site.trouble(numbers[2], kind):
            spoilt(await site.owner.returns(numbers), numbers, numbers[2], kind)

    async def test_one_malformed_return_spoils_its_own_order(self, site: Site) -> None:
        returns = list(site.returned.returns.values())[:5]
        orders = list(dict.fromkeys(rma.order_id for rma in returns if rma.order_id))
        async with site.trouble(returns[2].id, "malformed"):
            assert returns[2].order_id
            spoilt(await site.owner.returns_by_order(orders), orders, returns[2].order_id, "malformed")
            with pytest.raises(SourceFault):
                await site.owner.return_page(RecordQuery(Visibility(None), order_ids=frozenset(orders)))

    async def test_a_status_nobody_knows_is_kept_and_means_nothing(self, site: Site) -> None:
        rma = next(iter(site.returned.returns.values()))
        async with site.trouble(rma.id, "odd"):
            found = good(await site.owner.returns([rma.id]))[rma.id]
        assert (found.stated, found.status_code.known) == (ReturnStatus.UNKNOWN, False)
        assert stated(replace(found, stated=rma.stated, status_code=rma.status_code)) == rma

    async def test_a_hanging_system_times_out(self, site: Site) -> None:
        async with site.faults(hang=True):
            with pytest.raises(SourceTimeout):
                await site.owner.returns(list(site.returned.returns)[:1])

    @pytest.mark.parametrize("faults", [{"malformed": True}, {"gzip_bomb": True}, {"fault_with_200": True}], ids=str)
    async def test_an_unreadable_answer_or_a_fault(self, site: Site, faults: Mapping[str, object]) -> None:
        async with site.faults(**faults):
            with pytest.raises(SourceFault):
                await site.owner.returns_by_order(list(site.returned.orders)[:1])
