"""What one operation knows: who asks, the estate it may ask, its loaders, and what went wrong on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast

from graphql import GraphQLError

from domain.access import Principal, PrincipalKind, Visibility
from domain.errors import CrossdockError, Forbidden, SourceError, SourceUnavailable, StaleData
from domain.model import CustomerId
from resolvers.auditing import Audit, Recorder
from resolvers.changes import Changes
from resolvers.links import Links
from resolvers.loaders import Loaders
from resolvers.recall import First, Readings, Remembered
from resolvers.seals import Seal
from sources.estate import Answer, Estate
from sources.pace import Turns
from store.memory import Memory

if TYPE_CHECKING:
    from resolvers.desk import Desk

T = TypeVar("T")


class Identified(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Identified)

Hierarchy: TypeAlias = Mapping[Any, Collection[CustomerId]]

AMOUNT_SCOPE = "price:read"
"""Fields under this scope are the amounts of an order; they are asked of the ERP only when selected and allowed."""


HEAD = frozenset(
    (
        "id",
        "number",
        "poNumber",
        "lifecycle",
        "erpStatus",
        "placedAt",
        "modifiedAt",
        "revision",
        "requestedDate",
        "promisedDate",
        "hold",
        "customer",
        "shipTo",
        "shipToId",
        "totals",
        "payment",
        "shipments",
        "invoices",
        "returns",
        "source",
        "__typename",
    )
)
"""What of an order needs no lines; where nothing else is selected the ERP is not asked for them."""

READ_LINES = frozenset((("ShipmentLine", "orderLine"), ("ReturnLine", "orderLine")))
"""What else reads an order's lines."""


class Selection(Protocol):
    """The part of ``engine.execute.Operation`` that resolvers read."""

    @property
    def kind(self) -> str: ...

    @property
    def fields(self) -> frozenset[tuple[str, str]]: ...

    @property
    def directives(self) -> Mapping[str, Mapping[str, Any]]: ...


class ScopeTable(Protocol):
    """The part of ``engine.guards.Guards`` that resolvers read."""

    def denied(self, held: frozenset[str] | None) -> Mapping[tuple[str, str], frozenset[str]]: ...

    def scopes_of(self, fields: frozenset[tuple[str, str]]) -> frozenset[str]: ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules of the house that derivations need. ``carrier_grace``: how long a ship confirm may wait for the carrier's
    word; ``seal``: what makes the cursors we give out; ``links``: likewise links to documents, if any.
    """

    carrier_grace: timedelta = timedelta(hours=24)
    page_size: int = 20
    page_limit: int = 100
    readings: Readings = field(default_factory=Readings)
    seal: Seal = field(default_factory=Seal.fresh)
    links: Links | None = None


@lru_cache(maxsize=4096)
def _parts(fields: frozenset[tuple[str, str]], guards: ScopeTable, held: frozenset[str] | None) -> tuple[bool, bool]:
    """Whether an order's amounts and its lines are wanted by anything selected that the caller may see."""
    denied = guards.denied(held)
    selected = frozenset(field for field in fields if field not in denied)
    return AMOUNT_SCOPE in guards.scopes_of(selected), any(_reads_lines(*field) for field in selected)


def _reads_lines(kind: str, field: str) -> bool:
    return field not in HEAD if kind == "Order" else (kind, field) in READ_LINES


class Context:
    """One per operation; nothing in it outlives the answer."""

    def __init__(
        self,
        principal: Principal | None,
        estate: Estate,
        *,
        now: Callable[[], datetime],
        correlation_id: str,
        policy: Policy = Policy(),
        memory: Memory | None = None,
        changes: Changes | None = None,
        desk: "Desk | None" = None,
        ledger: Recorder | None = None,
    ) -> None:
        self.principal = principal
        self.estate: Estate = estate
        self.turns = Turns(estate.pace, correlation_id)
        self.memory = memory
        self.changes = changes
        self.desk = desk
        self.remembered = Remembered()
        self.clock = now
        self.now = now()
        self.correlation_id = correlation_id
        self.policy = policy
        self.denied: Mapping[tuple[str, str], frozenset[str]] = {}
        self.ledger = ledger
        self.audit = Audit(ledger, principal, correlation_id=correlation_id, now=now)
        self.seen: Mapping[tuple[str, str], list[Any]] = self.audit.seen
        self._guards: ScopeTable | None = None
        self.amounts: bool = False
        self.lines: bool = True
        self.max_age: float | None = None
        self.loaders = Loaders(self)
        self._refused: dict[frozenset[str], set[tuple[str, str]]] = {}
        self._troubles: dict[tuple[str, str], SourceError] = {}
        self._once: dict[Hashable, asyncio.Future[Any]] = {}
        self._each: dict[str, dict[str, tuple[asyncio.Future[Sequence[Any]], int]]] = {}

    def anew(self) -> "Context":
        """The same caller asking again, with nothing read yet."""
        return Context(
            self.principal,
            self.estate,
            now=self.clock,
            correlation_id=self.correlation_id,
            policy=self.policy,
            memory=self.memory,
            changes=self.changes,
            desk=self.desk,
            ledger=self.ledger,
        )

    # -- what the engine calls ---------------------------------------------------------------------------------------

    def start(self, operation: Selection, guards: ScopeTable) -> None:
        """Decides what is denied and which parts of an order will be asked of the ERP, before anything is read."""
        held = self.principal.scopes if self.principal else None
        self._guards, self.denied = guards, guards.denied(held)
        self.amounts, lines = _parts(operation.fields, guards, held)
        self.lines = lines or operation.kind != "query"
        freshness = operation.directives.get("maxStaleness")
        if freshness is not None:
            self.max_age = float(freshness["seconds"])
            if self.max_age < 0:
                raise GraphQLError("@maxStaleness takes a number of seconds that is not negative.")

    def deny(self, key: tuple[str, str]) -> None:
        self._refused.setdefault(self.denied[key], set()).add(key)

    def finish(self) -> Sequence[GraphQLError]:
        """One error per missing scope and one per source that was served from memory."""
        refused = [self._forbidden(scopes, fields) for scopes, fields in self._refused.items()]
        stale = [GraphQLError(error.public, original_error=error) for error in self._troubles.values()]
        return [*refused, *stale]

    async def release(self) -> None:
        """Records what was shown and done; where that fails nothing is shown."""
        if self._guards is None:
            return
        try:
            await self.audit.flush(self._guards)
        except SourceUnavailable as error:
            raise GraphQLError(error.public, original_error=error) from error

    @staticmethod
    def _forbidden(scopes: frozenset[str], fields: set[tuple[str, str]]) -> GraphQLError:
        missing, names = sorted(scopes), sorted(f"{type_}.{field}" for type_, field in fields)
        message = f"Not shown without {' and '.join(missing) or 'signing in'}: {', '.join(names)}."
        return GraphQLError(
            message, original_error=Forbidden(message), extensions={"missingScopes": missing, "fields": names}
        )

    # -- what resolvers call -----------------------------------------------------------------------------------------

    def served_stale(self, trouble: SourceError) -> None:
        """Notes that an older answer stands in for a live one; told once per source."""
        self.unread(StaleData(trouble.source, trouble))

    def unread(self, trouble: SourceError) -> None:
        """Notes a source that an answer had to do without; told once per source."""
        self._troubles.setdefault((trouble.source, trouble.code), trouble)

    def without(self, found: T | Exception) -> T | SourceError:
        """What was found, or the source's error as a value (noted), for answers that can do without."""
        if isinstance(found, SourceError):
            self.unread(found)
        elif isinstance(found, Exception):
            raise found
        return found

    async def attempt(self, work: Awaitable[T]) -> T | SourceError:
        """The result of ``work``, or the source's error as a value (noted), for answers that can do without."""
        try:
            return await work
        except SourceError as trouble:
            self.unread(trouble)
            return trouble

    def close(self) -> None:
        """Ends what nobody waits for any more."""
        for future in self._once.values():
            future.cancel()
        self.loaders.close()

    async def once(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result of ``work``, computed once per operation for ``key`` however many fields ask."""
        future = self._once.get(key)
        if future is None:
            future = self._once[key] = asyncio.ensure_future(work())
        return cast(T, future.result() if future.done() else await asyncio.shield(future))

    async def each_once(
        self, kind: str, rows: Sequence[R], work: Callable[[Sequence[R]], Awaitable[Sequence[T | Exception]]]
    ) -> Sequence[T | Exception]:
        """What ``work`` makes of each of ``rows``, which have ids: computed once per operation, all that are new at
        once. An error stands in its row's place.
        """
        known = self._each.setdefault(kind, {})
        new = [row for row in {row.id: row for row in rows}.values() if row.id not in known]
        if new:
            made = asyncio.ensure_future(work(new))
            self._once[kind, *(row.id for row in new)] = made
            known.update((row.id, (made, place)) for place, row in enumerate(new))
        for under_way in {known[row.id][0] for row in rows}:
            if not under_way.done():
                await asyncio.shield(under_way)
        return [done.result()[place] for done, place in (known[row.id] for row in rows)]

    @property
    def caller(self) -> Principal:
        if self.principal is None:
            raise CrossdockError("No caller.", detail="a resolver ran without a principal")
        return self.principal

    async def visibility(self) -> Visibility:
        """The rows the caller may see, from the ERP's account hierarchy as it stands now."""
        return await self.once("visibility", self._visibility)

    async def _visibility(self) -> Visibility:
        """Whoever has subsidiaries sees nothing beyond their accounts: a bound on what the kind of caller may see."""
        seen, subsidiaries = await self._within_hierarchy(), self.caller.subsidiaries
        if subsidiaries is None:
            return seen
        recall = partial(self.memory.accounts_in_subsidiaries, subsidiaries) if self.memory else None
        theirs = await self._accounts(self.estate.accounts_in_subsidiaries(subsidiaries, max_age=None), recall)
        return replace(seen, accounts=theirs if seen.accounts is None else theirs & seen.accounts)

    async def _within_hierarchy(self) -> Visibility:
        """Ship-tos are its account's own: a place of the same number below it is another place."""
        caller, memory = self.caller, self.memory
        if caller.kind is PrincipalKind.SALES_REP:
            theirs = self.estate.accounts_in_territories(caller.territories, max_age=None)
            recall = partial(memory.accounts_in_territories, caller.territories) if memory else None
            return Visibility(await self._accounts(theirs, recall))
        if caller.account is None:
            everything = caller.kind is not PrincipalKind.PORTAL_USER
            return Visibility(None if everything else frozenset())
        if caller.ship_tos:
            return Visibility(frozenset({caller.account}), caller.ship_tos)
        below = self.estate.descendants([caller.account], max_age=None)
        accounts = await self._accounts(below, partial(memory.descendants, [caller.account]) if memory else None)
        return Visibility(accounts | {caller.account})

    async def _accounts(
        self, live: Awaitable[Answer[Any, frozenset[CustomerId]]], recall: Callable[[], Awaitable[Hierarchy]] | None
    ) -> frozenset[CustomerId]:
        """From the ERP; while it cannot be read, from the hierarchy as it was last told."""
        found = (await live).values
        failures = [value for value in found.values() if isinstance(value, SourceError)]
        if failures and recall and await self.holds_everything():
            self.served_stale(failures[0])
            return frozenset[CustomerId]().union(*(await recall()).values())
        return frozenset[CustomerId]().union(*(self.told(value) for value in found.values()))

    async def holds_everything(self) -> bool:
        """Whether memory can answer for lists: every account and order is in it."""
        return self.memory is not None and await self.once("everything", self.memory.holds_everything)

    async def lists_from_memory(self, domain: str) -> Memory | None:
        """Memory, where this domain's pages come from it; a caller who accepts no old answers is served live."""
        wanted = self.policy.readings.of(domain).lists is First.MEMORY and self.max_age is None
        return self.memory if wanted and await self.holds_everything() else None

    @staticmethod
    def told(value: T | Exception) -> T:
        """The value, or its error raised."""
        if isinstance(value, Exception):
            raise value
        return value
