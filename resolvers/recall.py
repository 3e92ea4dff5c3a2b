"""Memory behind live reads: the owner is asked first, for so long; then what we remember answers, at its true age."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from domain.dossier import Dossier
from domain.errors import SourceError, SourceTimeout
from domain.model import Order, OrderId, Tracking, TrackingKey
from domain.values import Provenance
from sources.caching import Answer, asked, stale

if TYPE_CHECKING:
    from resolvers.context import Context

K = TypeVar("K")

Live: TypeAlias = "Callable[[Context, list[Any]], Awaitable[Answer[Any, Any]]]"
Recall: TypeAlias = "Callable[[Context, list[Any]], Awaitable[Mapping[Any, Any]]]"


class First(StrEnum):
    """Who is asked first."""

    LIVE = "live"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a visibility domain is read. ``budget``: seconds that a live read may take before memory answers for it.

    ``lists``: where pages and search come from, once memory holds everything.
    """

    detail: First = First.LIVE
    lists: First = First.MEMORY
    budget: float = 1.5


@dataclass(frozen=True, slots=True)
class Readings:
    """Each visibility domain's policy."""

    orders: Reading = Reading()
    warehouse: Reading = Reading()
    tracking: Reading = Reading()
    invoices: Reading = Reading()
    returns: Reading = Reading()
    customers: Reading = Reading()

    def of(self, domain: str) -> Reading:
        reading: Reading = getattr(self, domain)
        return reading


@dataclass(frozen=True, slots=True)
class Read:
    """One batch read: whose domain it is, how its owner answers, and how memory does (None: memory never holds it)."""

    domain: str
    live: Live
    recall: "Recall | None" = None


@dataclass(slots=True)
class Remembered:
    """What this operation has already taken from memory, so that what belongs to it comes from there too."""

    keys: set[tuple[str, Any]] = field(default_factory=set)
    numbers: dict[tuple[str, str], Tracking] = field(default_factory=dict)


async def read(context: "Context", how: Read, keys: list[Any]) -> Answer[Any, Any]:
    """What is known of ``keys``: live within the budget or remembered, as the domain's policy says."""
    if context.memory is None or how.recall is None:
        return await how.live(context, keys)
    policy = context.policy.readings.of(how.domain)
    first = [key for key in keys if policy.detail is First.MEMORY or (how.domain, key) in context.remembered.keys]
    known = await _recalled(context, how.recall, first) if first else {}
    rest = [key for key in keys if key not in known]
    if not rest:
        return Answer(known)
    answer = await _within(context, how.live, how.recall, rest, policy.budget)
    return Answer({**known, **answer.values}, answer.trouble)


async def _within(context: "Context", live: Live, recall: Recall, keys: list[Any], budget: float) -> Answer[Any, Any]:
    """The owner's answer; where it comes late or fails, what is remembered, marked stale."""
    task = asyncio.ensure_future(live(context, keys))
    try:
        await asyncio.wait({task}, timeout=budget)
        if not task.done():
            known = await _recalled(context, recall, keys)
            if len(known) == len(keys):
                late = [SourceTimeout(system, f"not within {budget} s") for system in _systems(known.values())]
                return Answer({key: stale(value) for key, value in known.items()}, tuple(late))
        answer = await task
    finally:
        task.cancel()
    return await _mended(context, recall, answer)


async def _mended(context: "Context", recall: Recall, answer: Answer[Any, Any]) -> Answer[Any, Any]:
    """``answer`` with what memory has in place of what failed, or of what is older than what memory has."""
    failed = {key: value for key, value in answer.values.items() if isinstance(value, SourceError)}
    aged = [key for key, value in answer.values.items() if answer.trouble and key not in failed and _is_stale(value)]
    if not failed and not aged:
        return answer
    known = await _recalled(context, recall, [*failed, *aged])
    values, trouble = dict(answer.values), dict.fromkeys(answer.trouble)
    for key, value in known.items():
        if key in failed:
            trouble[failed[key]] = None
        elif _age(value) <= _age(values[key]):
            continue
        values[key] = stale(value)
    return Answer(values, tuple(trouble))


async def _recalled(context: "Context", recall: Recall, keys: list[Any]) -> Mapping[Any, Any]:
    """What memory knows of ``keys`` that is young enough for the caller."""
    known = await recall(context, keys)
    if context.max_age is None:
        return known
    oldest = context.now.timestamp() - context.max_age
    return {key: value for key, value in known.items() if (age := _age(value)) and age >= oldest}


def _age(value: object) -> float:
    """When the oldest part of ``value`` was told, in seconds since 1970; 0 where nothing says."""
    return min((at.timestamp() for at in asked(value)), default=0.0)


def _is_stale(value: object) -> bool:
    members = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    return any(getattr(getattr(member, "source", None), "stale", False) for member in members)


def _systems(values: Iterable[object]) -> Sequence[str]:
    """The sources that ``values`` are of."""
    members = (member for value in values for member in (value if isinstance(value, Sequence) else (value,)))
    sources = (getattr(member, "source", None) for member in members)
    return sorted({source.system for source in sources if isinstance(source, Provenance)})


# -- dossiers ----------------------------------------------------------------------------------------------------------


async def orders(context: "Context", keys: list[OrderId]) -> Mapping[OrderId, Order]:
    known = await dossiers(context, keys)
    return {key: dossier.current for key, dossier in known.items() if dossier.current}


async def warehouse(context: "Context", keys: list[OrderId]) -> Mapping[OrderId, Any]:
    known = await dossiers(context, keys)
    return {key: seen for key, dossier in known.items() if (seen := dossier.warehouse)}


async def tracking(context: "Context", keys: list[TrackingKey]) -> Mapping[TrackingKey, Tracking]:
    """By the shipments that have the numbers; what was remembered before is not looked for again."""
    wanted = [key for key in keys if (key.scac, key.number) not in context.remembered.numbers]
    if wanted and context.memory:
        scope = await context.visibility()
        found = await context.memory.shipments_by_number(scope, [key.number for key in wanted])
        owners = {shipment.order_id for shipments in found.values() for shipment in shipments}
        keep(context, (await dossiers(context, sorted(owners))).values())
    known = ((key, context.remembered.numbers.get((key.scac, key.number))) for key in keys)
    return {key: told for key, told in known if told}


async def dossiers(context: "Context", ids: Sequence[OrderId]) -> Mapping[OrderId, Dossier]:
    """What memory holds of each visible order, read once per operation."""
    found = await context.loaders.dossier_by_order.load_many(list(ids))
    return {id_: dossier for id_, dossier in zip(ids, found, strict=True) if isinstance(dossier, Dossier)}


def keep(context: "Context", known: Iterable[Dossier]) -> None:
    """Notes the carriers' words in ``known``, so that they are found by number."""
    for dossier in known:
        for told in dossier.tracking:
            context.remembered.numbers[told.key.scac, told.key.number] = told


def remember(context: "Context", known: Iterable[Dossier]) -> None:
    """Takes orders from memory, with all that belongs to them: nothing of them is asked of a source any more."""
    loaders = context.loaders
    for dossier in known:
        order = dossier.current
        if order is None:
            continue
        keep(context, [dossier])
        work = dossier.warehouse
        loaders.dossier_by_order.prime(order.id, dossier)
        loaders.order_by_id.prime(order.id, order)
        loaders.warehouse_by_order.prime(order.id, work)
        context.remembered.keys |= {("customers", order.customer_id), ("invoices", order.id), ("returns", order.id)}
        for shipment in work.shipments if work else ():
            loaders.shipment_by_id.prime(shipment.id, shipment)
            told = dossier.told_by_carrier(shipment)
            for key in shipment.tracking_keys:
                loaders.tracking_by_key.prime(key, told.get(key.number))
