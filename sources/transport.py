"""The one HTTP door of each source: deadline, size cap, retries, breaker and concurrency limit live here only."""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final, TypeAlias

import stamina

from domain.errors import SourceError, SourceFault, SourceTimeout, SourceUnavailable
from sources.addresses import Addresses, NotAllowed, Params, checked
from sources.bodies import ACCEPT_ENCODING, Unreadable
from sources.breaker import Breaker, Permit, Refused, State
from sources.client import Client, Foreign, Lost, Stream, patience
from sources.config import SourceConfig
from sources.observer import BreakerMoved, CallMade, Observer
from sources.retries import RetryBudget, Transient, retry_after
from sources.slots import Slots

CORRELATION_ID: ContextVar[str] = ContextVar("CORRELATION_ID")
"""The id of the client's request, sent to every source as X-Correlation-Id."""

_CALL_BEGAN: ContextVar[float] = ContextVar("_CALL_BEGAN")
"""When the adapter call in progress began (event loop time)."""

_OPERATION_ENDS: ContextVar[float] = ContextVar("_OPERATION_ENDS")
"""When the operation in progress must have what it asked for (event loop time)."""

WAITING_PER_SLOT = 64
"""How many callers may queue for each concurrency slot before the next is turned away."""

WAIT_INITIAL, WAIT_MAX, WAIT_JITTER = 0.05, 0.5, 0.1

Content: TypeAlias = bytes | Callable[[], bytes] | None

ALWAYS: Final = {"Accept-Encoding": ACCEPT_ENCODING, "User-Agent": "crossdock"}
AS_IT_IS: Final = {"Accept-Encoding": "identity"}
MISSING: Final = frozenset((HTTPStatus.NOT_FOUND, HTTPStatus.GONE))
OK, CANCELLED = "ok", "CANCELLED"
OVERLOADED = frozenset((429, 502, 503, 504))


@contextmanager
def as_one_call() -> Iterator[None]:
    """All requests sent inside share one deadline, counted from here: the token, then the pages, and their retries."""
    token = _CALL_BEGAN.set(asyncio.get_running_loop().time())
    try:
        yield
    finally:
        _CALL_BEGAN.reset(token)


@contextmanager
def as_one_operation(ends: float) -> Iterator[None]:
    """No request sent inside outlasts ``ends`` (event loop time), whatever its source's own deadline."""
    token = _OPERATION_ENDS.set(ends)
    try:
        yield
    finally:
        _OPERATION_ENDS.reset(token)


def operation_ends() -> float:
    """Infinite where no operation is in progress."""
    return _OPERATION_ENDS.get(math.inf)


@dataclass(frozen=True, slots=True)
class Reply:
    """An accepted answer, decompressed. ``headers`` ignore case; ``as_of`` (aware UTC): when the request was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """How a source has been doing: its breaker, and when a call last succeeded and failed (aware UTC)."""

    breaker: State
    last_success: datetime | None
    last_failure: datetime | None


@dataclass(slots=True)
class _Call:
    method: str
    address: str
    headers: Mapping[str, str]
    content: Content
    operation: str
    accept: Collection[int]
    overloaded: Callable[[Reply], bool] | None
    clock: asyncio.Timeout
    attempts: int = 0


class Transport:
    """The HTTP door of one source, shared by everything that calls it. ``now``: the clock that stamps its answers."""

    def __init__(
        self,
        config: SourceConfig,
        client: Client,
        *,
        observer: Observer,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source = config.name
        self._limits = config.limits
        self._client = client
        self._observer = observer
        self.now = now
        self._monotonic = monotonic
        self._addresses = Addresses(config.url, *filter(None, [config.token_url]))
        self._patience = patience(config.limits.connect_timeout)
        self._slots = Slots(config.limits.concurrency)
        self._large = asyncio.Lock()
        self._streams = asyncio.Semaphore(max(1, config.limits.concurrency // 2))
        self._budget = RetryBudget(config.limits.retry_budget)
        self._breaker = Breaker(
            failures=config.limits.breaker_failures,
            cooldown=config.limits.breaker_cooldown,
            monotonic=monotonic,
            moved=self._breaker_moved,
        )
        self._last: dict[bool, datetime] = {}

    @property
    def health(self) -> Health:
        return Health(self._breaker.state, self._last.get(True), self._last.get(False))

    async def send(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        content: Content = None,
        idempotent: bool = True,
        accept: Collection[int] = (HTTPStatus.OK,),
        overloaded: Callable[[Reply], bool] | None = None,
    ) -> Reply:
        """One call, retried within the deadline, the attempts and the budget when ``idempotent``.

        ``path`` is relative to the source's url, or absolute on its origin or its token_url's; anything else is
        refused, and redirects are never followed. ``content`` may be a function, called for each attempt, where a body
        must not arrive twice (a WS-Security nonce). ``operation`` names the call in metrics. ``overloaded`` tells an
        accepted answer that says what a 429 says (a SOAP concurrency fault). Raises

        - SourceTimeout: no complete answer within the deadline, or before the operation ends;
        - SourceUnavailable: unreachable, reset, overloaded (429, 502, 503, 504), breaker open, or too many waiting;
        - SourceFault: any other status not in ``accept``, an unreadable or too large body, an address or header that
          is not allowed.
        """
        await self.turn()
        address, sent = self._allowed(path, params, headers)
        async with self.in_time(operation) as clock:
            call = _Call(method, address, sent, content, operation, accept, overloaded, clock)
            reply = await (self._repeatedly(call) if idempotent else self._attempt(call))
        await self.turn()
        return reply

    async def turn(self) -> None:
        """Leaves the loop to others when work with this source's answers has been long enough."""
        await self._client.pace.turn(CORRELATION_ID.get(None))

    @asynccontextmanager
    async def stream(
        self, path: str, *, operation: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """The body of the answer to a GET, as it comes; None where the source answers that there is none (404, 410).

        It is not repeated, has a time and a size of its own (``Limits.document``), and may take half of the source's
        concurrency at most, so that files do not keep small calls waiting. Raises as ``send``, also while it is read.
        """
        address, sent = self._allowed(path, None, headers)
        try:
            async with asyncio.timeout(self._limits.document_deadline), self._streams:
                with self._admitted(operation) as permit:
                    asked = self._client.stream(address, {**sent, **AS_IT_IS}, patience=self._patience)
                    async with asked as answer:
                        missing = answer.status in MISSING
                        if not missing:
                            self._streamable(operation, answer)
                        yield None if missing else self._within(operation, answer.pieces)
                    permit.well = True
        except TimeoutError as error:
            detail = f"{operation}: not whole within {self._limits.document_deadline:.3g} s"
            raise SourceTimeout(self.source, detail) from error
        except Lost as error:
            raise SourceUnavailable(self.source, f"{operation}: {error}") from error
        except Foreign as error:
            raise SourceFault(self.source, f"{operation}: not an HTTP answer ({error})") from error

    @contextmanager
    def _admitted(self, operation: str) -> Iterator[Permit]:
        """A stream under the breaker's eye, its outcome told to the observer. One that takes too long in all proves
        nothing of the source: its reader may have been the slow one.
        """
        sent, started, outcome = self.now(), self._monotonic(), CANCELLED
        try:
            self._breaker.check()
        except Refused as refused:
            detail = f"{operation}: {refused}"
            raise SourceUnavailable(self.source, detail, retry_after=refused.retry_after) from refused
        with self._breaker.admit() as permit:
            try:
                yield permit
                outcome = OK
            except (SourceFault, Foreign):
                outcome, permit.well = SourceFault.code, True
                raise
            except (SourceError, Lost) as error:
                outcome, permit.well = getattr(error, "code", SourceUnavailable.code), False
                raise
            finally:
                if permit.well is not None:
                    self._last[permit.well] = sent
                self._observer.call_made(CallMade(self.source, operation, outcome, self._monotonic() - started, 1))

    def _streamable(self, operation: str, answer: Stream) -> None:
        if answer.status in OVERLOADED:
            raise SourceUnavailable(
                self.source,
                f"{operation}: HTTP {answer.status}",
                retry_after=retry_after(answer.headers, self.now()),
            )
        if answer.status != HTTPStatus.OK:
            raise SourceFault(self.source, f"{operation}: HTTP {answer.status}")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise SourceFault(self.source, f"{operation}: body in an encoding nobody asked for")

    async def _within(self, operation: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """``pieces``, while they come in time and are not too many."""
        size, pause = 0, self._limits.document_pause
        while True:
            try:
                async with asyncio.timeout(pause):
                    piece = await anext(pieces, None)
            except TimeoutError as error:
                raise SourceTimeout(self.source, f"{operation}: nothing came for {pause:.3g} s") from error
            if piece is None:
                return
            size += len(piece)
            if size > self._limits.document:
                raise SourceFault(self.source, f"{operation}: body larger than {self._limits.document} bytes")
            yield piece

    @asynccontextmanager
    async def in_time(self, operation: str) -> AsyncIterator[asyncio.Timeout]:
        """What is done inside ends with the call and the operation it is part of; raises SourceTimeout."""
        time_now = asyncio.get_running_loop().time()
        ends = min(_CALL_BEGAN.get(time_now) + self._limits.deadline, operation_ends())
        if ends <= time_now:
            raise SourceTimeout(self.source, f"{operation}: no time left to ask")
        try:
            async with asyncio.timeout_at(ends) as clock:
                yield clock
        except TimeoutError as error:
            detail = f"{operation}: no complete answer within {ends - time_now:.3g} s"
            raise SourceTimeout(self.source, detail) from error

    async def _repeatedly(self, call: _Call) -> Reply:
        """The first attempt is made outside stamina, whose machinery would double the cost of a healthy call."""
        try:
            return await self._attempt(call)
        except Transient as error:
            first = error
        async for attempt in stamina.retry_context(
            on=lambda error: self._another(error, call),
            attempts=self._limits.attempts,
            timeout=None,
            wait_initial=WAIT_INITIAL,
            wait_max=WAIT_MAX,
            wait_jitter=WAIT_JITTER,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first
                return await self._attempt(call)
        raise first

    def _another(self, error: Exception, call: _Call) -> bool | float:
        """Whether to try again: the seconds to wait if the source said how long, True for the usual backoff."""
        if not isinstance(error, Transient) or call.attempts >= self._limits.attempts:
            return False
        jitter = random.uniform(0, WAIT_JITTER)  # noqa: S311 spreads callers, guards nothing
        wait = WAIT_MAX if error.retry_after is None else error.retry_after + jitter
        ends = call.clock.when()
        if ends is None or asyncio.get_running_loop().time() + wait >= ends or not self._budget.spend():
            return False
        return error.retry_after is None or wait

    async def _attempt(self, call: _Call) -> Reply:
        try:
            self._breaker.check()
            if self._slots.waiting >= WAITING_PER_SLOT * self._limits.concurrency:
                raise SourceUnavailable(self.source, f"{call.operation}: {self._slots.waiting} calls are waiting")
            await self._slots.acquire(CORRELATION_ID.get(None))
            try:
                return await self._exchange(call)
            finally:
                self._slots.release()
        except Refused as refused:
            detail = f"{call.operation}: {refused}"
            raise SourceUnavailable(self.source, detail, retry_after=refused.retry_after) from refused

    async def _exchange(self, call: _Call) -> Reply:
        """One exchange, its outcome told to breaker and observer. A caller who leaves, or whose operation ends before
        the call's own deadline, proves nothing of the source.
        """
        sent, started = self.now(), self._monotonic()
        reply: Reply | None = None
        outcome = CANCELLED
        with self._breaker.admit() as permit:
            call.attempts += 1
            if call.attempts == 1:
                self._budget.earn()
            try:
                reply = await self._ask(call, sent)
                self._judge(call, reply)
                outcome, permit.well = OK, True
            except SourceFault as error:
                outcome, permit.well = error.code, reply is not None and reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
                raise
            except SourceError as error:
                outcome, permit.well = error.code, False
                raise
            except asyncio.CancelledError:
                if call.clock.expired():
                    outcome = SourceTimeout.code
                    permit.well = None if call.clock.when() == operation_ends() else False
                raise
            finally:
                if permit.well is not None:
                    self._last[permit.well] = sent
                seconds = self._monotonic() - started
                self._observer.call_made(CallMade(self.source, call.operation, outcome, seconds, call.attempts))
        return reply

    async def _ask(self, call: _Call, sent: datetime) -> Reply:
        """The source's answer whatever its status; its body only when accepted."""
        content = call.content() if callable(call.content) else call.content
        try:
            answer = await self._client.exchange(
                call.method,
                call.address,
                call.headers,
                content,
                accept=call.accept,
                cap=self._limits.max_body,
                large=self._large,
                patience=self._patience,
            )
        except Unreadable as error:
            raise SourceFault(self.source, f"{call.operation}: {error}") from error
        except Lost as error:
            raise Transient(self.source, f"{call.operation}: {error}") from error
        except Foreign as error:
            raise SourceFault(self.source, f"{call.operation}: not an HTTP answer ({error})") from error
        return Reply(answer.status, answer.headers, answer.body, sent)

    def _judge(self, call: _Call, reply: Reply) -> None:
        overloaded = reply.status in OVERLOADED
        if reply.status in call.accept:
            overloaded = call.overloaded is not None and call.overloaded(reply)
            if not overloaded:
                return
        detail = f"{call.operation}: HTTP {reply.status}"
        if overloaded:
            raise Transient(self.source, detail, retry_after=retry_after(reply.headers, self.now()))
        raise SourceFault(self.source, detail)

    def _allowed(
        self, path: str, params: Params | None, headers: Mapping[str, str] | None
    ) -> tuple[str, Mapping[str, str]]:
        """The address to ask and the headers to send; raises SourceFault."""
        correlation_id = CORRELATION_ID.get(None)
        own = {} if correlation_id is None else {"X-Correlation-Id": correlation_id}
        try:
            return self._addresses.resolve(path, params), {**ALWAYS, **checked({**own, **(headers or {})})}
        except NotAllowed as error:
            raise SourceFault(self.source, f"refused to send {error}") from error

    def _breaker_moved(self, state: State) -> None:
        self._observer.breaker_moved(BreakerMoved(self.source, state))
