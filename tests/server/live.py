"""A Crossdock that is only live: the real schema over a company of dictionaries and a log of changes that is a list.

Several may stand over one company, as replicas do.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, Route, WebSocketRoute

from domain.access import Principal, PrincipalKind
from domain.changes import Change, Logged
from domain.errors import SourceUnavailable
from domain.events import Subject
from domain.model import CustomerId, Order, OrderId, Shipment, ShipmentId
from domain.timeline import TimelineEvent, TimelineKind
from domain.values import Moment
from engine.execute import Engine
from graph import schema
from resolvers import changes
from resolvers.changes import Changes
from resolvers.context import Context, Policy
from server.auth import Authenticator, TrustedIssuer
from server.exchange import Exchange, Exchanges
from server.graphql_http import GraphQLEndpoint
from server.graphql_operations import Operations
from server.graphql_ws import GraphQLSocket
from server.jwks import Jwks
from server.sections import Issuer
from server.streams import Ending, Streams
from sources.client import Client
from sources.config import Lifetimes, Limits, SourceConfig
from sources.estate import Estate
from sources.observer import Silence
from sources.transport import Transport
from tests.engine.mode import MODE
from tests.server.provider import AUDIENCE, NOW, Provider, claims, ec_key, jwk, sign
from tests.server.serving import served_at

FRESH = Lifetimes(orders=0, customers=0, hierarchy=0, warehouse=0, not_found=0, stale_for=0)
"""Nothing is remembered, so that what a caller may see is what the company says now."""

PATIENCE = 20.0
"""Seconds that a test waits for what must come."""

POLICY = Policy()

ENGINE: Engine = schema.engine(schema.build(), mode=MODE)


class Log:
    """A ``resolvers.changes.ChangeLog``."""

    def __init__(self) -> None:
        self._entries: list[Logged] = []
        self._head = 0
        self.broken = False
        self.refused = 0

    def add(self, change: Change) -> None:
        self._head += 1
        self._entries.append(Logged(self._head, change))

    def prune(self, until: int) -> None:
        """Forgets all up to and including a position."""
        self._entries = [entry for entry in self._entries if entry.position > until]

    async def changes(self, after: int, limit: int) -> Sequence[Logged]:
        if self.broken:
            self.refused += 1
            raise ConnectionError("the log is away")
        return [entry for entry in self._entries if entry.position > after][:limit]

    async def head(self) -> int:
        return self._head


@dataclass
class Company:
    """What its systems say. ``gate``: answers about orders wait until set; ``mute``: nothing is said of accounts."""

    below: dict[str, set[str]] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    shipments: dict[str, Shipment] = field(default_factory=dict)
    mute: bool = False
    gate: asyncio.Event | None = None
    trouble: Exception | None = None
    asking: int = 0
    log: Log = field(default_factory=Log)

    def happens(self, number: str, **given: Any) -> None:
        """Something of an order changes: by default, the order itself, of account 0017."""
        self.log.add(change(number, **given))

    def estate(self, now: Callable[[], datetime] = lambda: NOW) -> Estate:
        source: Any = _Source(self)
        return Estate(erp=source, returns=source, warehouse=source, carriers={}, now=now, lifetimes=FRESH)


def change(number: str, **given: Any) -> Change:
    facts: dict[str, Any] = {
        "subject": Subject.ORDER,
        "id": number,
        "order_id": OrderId(number),
        "customer_id": CustomerId("0017"),
        "ship_to_id": None,
        "at": NOW,
        "before": "CONFIRMED",
        "after": "SHIPPED",
    }
    return Change(**(facts | given))


def event(kind: TimelineKind) -> TimelineEvent:
    return TimelineEvent(f"e-{kind}", Moment(NOW), kind, "erp", kind.capitalize())


def cursor(position: int) -> str:
    """A place in the log, as whoever has a token without claims of their own is given it."""
    buyer = Principal("t:u-17", PrincipalKind.PORTAL_USER, frozenset(), account=CustomerId("0017"))
    return changes.cursor(POLICY.seal, buyer, position)


class _Source:
    """Every port of the estate over the company."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        async def nothing(*_: Any, **__: Any) -> Mapping[Any, Any]:
            return {}

        return nothing

    async def orders(self, ids: Collection[OrderId], *, amounts: bool, lines: bool = True) -> Mapping[OrderId, Order]:
        company = self._company
        company.asking += 1
        if company.gate:
            await company.gate.wait()
        if company.trouble:
            raise company.trouble
        return {each: company.orders[each] for each in ids if each in company.orders}

    async def shipments(self, ids: Collection[ShipmentId]) -> Mapping[ShipmentId, Shipment]:
        return {each: self._company.shipments[each] for each in ids if each in self._company.shipments}

    async def shipments_by_tracking(self, numbers: Collection[str]) -> Mapping[str, Sequence[Shipment]]:
        known = self._company.shipments.values()
        return {number: [each for each in known if number in each.tracking_numbers] for number in numbers}

    async def descendants(self, ids: Collection[CustomerId]) -> Mapping[CustomerId, frozenset[CustomerId]]:
        below = self._company.below
        if self._company.mute:
            raise SourceUnavailable("erp", "away")
        return {each: frozenset(map(CustomerId, below.get(each, ()))) for each in ids}


@dataclass
class Seen:
    """A ``server.streams.StreamObserver`` that remembers."""

    opened: list[str] = field(default_factory=list)
    answered: list[tuple[str, str, list[str]]] = field(default_factory=list)
    endings: list[tuple[str, Ending]] = field(default_factory=list)

    def stream_opened(self, transport: str) -> None:
        self.opened.append(transport)

    def answer_sent(self, transport: str, kind: str, codes: Sequence[str]) -> None:
        self.answered.append((transport, kind, list(codes)))

    def stream_closed(self, transport: str, ending: Ending) -> None:
        self.endings.append((transport, ending))


@dataclass
class Live:
    """One Crossdock, served at ``url``. ``now`` is its clock; ``revoked`` are subjects whose tokens are turned away."""

    company: Company
    key: Any
    streams: Streams
    seen: Seen
    url: str = ""
    issuer: str = ""
    now: datetime = NOW
    revoked: set[str] = field(default_factory=set)
    exchanges: list[Exchange] = field(default_factory=list)
    origins: frozenset[str] = frozenset()
    deadline: float = 10.0
    changes: Changes = field(init=False)

    def __post_init__(self) -> None:
        self.changes = Changes(self.company.log)

    def token(self, **given: Any) -> str:
        """A portal user's of account 0017; keyword arguments are claims."""
        return sign(claims(self.issuer, **given), self.key, "ES256", "k1")

    def bearer(self, **given: Any) -> str:
        return f"Bearer {self.token(**given)}"

    @property
    def socket(self) -> str:
        return self.url.replace("http://", "ws://") + "/graphql"

    def app(self, **limits: Any) -> Starlette:
        """``limits``: of the socket."""

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[Mapping[str, Any]]:
            async with AsyncExitStack() as stack:
                http = await stack.enter_async_context(Client())
                door = Transport(
                    SourceConfig("idp", self.issuer, Limits(attempts=1)), http, observer=Silence(), now=lambda: NOW
                )
                keys = Jwks(door, self.issuer, f"{self.issuer}/jwks")
                stack.push_async_callback(keys.close)
                stack.push_async_callback(self.changes.close)
                rules = Issuer(issuer=self.issuer, audience=AUDIENCE, leeway=30)
                authenticator = Authenticator(
                    [TrustedIssuer("t", rules, keys)],
                    now=lambda: self.now,
                    revoked=lambda caller: caller.subject.removeprefix("t:") in self.revoked,
                )
                yield self._endpoints(authenticator, limits)

        async def graphql(scope: Any, receive: Any, send: Any) -> None:
            await scope["state"][scope["type"]](scope, receive, send)

        return Starlette(
            routes=[
                Mount("/idp", Provider([jwk(self.key, kid="k1")]).app()),
                Route("/graphql", _Asgi(graphql)),
                WebSocketRoute("/graphql", _Asgi(graphql)),
            ],
            lifespan=lifespan,
            middleware=[Middleware(Exchanges, report=self._note, routes=["/graphql"])],
        )

    def _note(self, exchange: Exchange) -> None:
        if exchange.route == "/graphql":
            self.exchanges.append(exchange)

    def _endpoints(self, authenticator: Authenticator, limits: Mapping[str, Any]) -> Mapping[str, Any]:
        estate = self.company.estate(lambda: self.now)

        def context(principal: Principal, correlation_id: str) -> Context:
            return Context(
                principal,
                estate,
                now=lambda: self.now,
                correlation_id=correlation_id,
                policy=POLICY,
                changes=self.changes,
            )

        async def end(principal: Principal) -> str:
            return changes.cursor(POLICY.seal, principal, await self.changes.head())

        operations = Operations(ENGINE, context, deadline=self.deadline)
        shared: dict[str, Any] = {"origins": self.origins, "cursor": end}
        return {
            "http": GraphQLEndpoint(operations, authenticator, max_body=100_000, streams=self.streams, **shared),
            "websocket": GraphQLSocket(
                operations, authenticator, self.streams, **({"max_message": 100_000} | shared | dict(limits))
            ),
        }


class _Asgi:
    """Starlette takes a class instance for an ASGI application."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


@asynccontextmanager
async def replicas(
    count: int = 1,
    *,
    streams: Mapping[str, Any] | None = None,
    limits: Mapping[str, Any] | None = None,
    **given: Any,
) -> AsyncIterator[list[Live]]:
    """So many, over one company and one identity provider. ``streams``: of the register; ``limits``: of the socket."""
    company, key = Company(), ec_key()
    async with AsyncExitStack() as stack:
        lives: list[Live] = []
        for _ in range(count):
            seen = Seen()
            live = Live(company, key, Streams(observer=seen, **(streams or {})), seen, **given)
            await stack.enter_async_context(_serving(live, lives[0].issuer if lives else None, limits or {}))
            lives.append(live)
        yield lives


@asynccontextmanager
async def _serving(live: Live, issuer: str | None, limits: Mapping[str, Any]) -> AsyncIterator[None]:
    """When the test is over, streams end before the server does, as in ``server.running``."""

    def make(address: str) -> Starlette:
        live.url = address
        live.issuer = issuer or f"{address}/idp"
        return live.app(**limits)

    async with served_at(make):
        try:
            yield
        finally:
            await live.streams.stop(within=5)


@asynccontextmanager
async def one(**given: Any) -> AsyncIterator[Live]:
    async with replicas(**given) as (live,):
        yield live


async def until(true: Callable[[], object]) -> None:
    """Waits until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 (what holds is not ours to signal)
            await asyncio.sleep(0.005)
