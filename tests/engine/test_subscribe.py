"""Subscriptions through the engine, over a schema of its own: each event is an operation with its own context."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from strawberry.federation import Schema

from engine.execute import Engine, Operation, Prepared
from engine.guards import FieldKey, Guards
from engine.resting import Rest, Turns
from engine.subscribe import Stream, subscribe


class Caller:
    """Whoever subscribes: their scopes may change, and each operation gets a context that knows them as they are."""

    def __init__(self, *scopes: str) -> None:
        self.scopes = frozenset(scopes)
        self.contexts: list[Recorder] = []
        self.closed = 0

    def __call__(self) -> "Recorder":
        self.contexts.append(Recorder(self))
        return self.contexts[-1]


class Recorder:
    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.denied: Mapping[FieldKey, frozenset[str]] = {}
        self.seen: Mapping[FieldKey, list[Any]] = {}
        self.turns: Turns = Rest()
        self.reached: list[FieldKey] = []
        self.closed = False

    def start(self, operation: Operation, guards: Guards) -> None:
        self.denied = guards.denied(self.caller.scopes)

    def deny(self, key: FieldKey) -> None:
        self.reached.append(key)

    async def release(self) -> None: ...

    def finish(self) -> Sequence[GraphQLError]:
        return [GraphQLError(f"denied {sorted(set(self.reached))}")] if self.reached else []

    def close(self) -> None:
        self.closed = True


Info = strawberry.Info[Recorder, None]


def _secret() -> str:
    return "42"


@strawberry.type
class Tick:
    number: int
    secret: str | None = strawberry.federation.field(resolver=_secret, requires_scopes=[["secret:read"]])

    @strawberry.field
    def inverse(self) -> float | None:
        return 1 / self.number


async def _ticks(info: Info, count: int = 3) -> AsyncGenerator[Tick, None]:
    try:
        for number in range(count):
            yield Tick(number=number)
    finally:
        info.context.caller.closed += 1


async def _breaking(info: Info) -> AsyncGenerator[Tick, None]:
    yield Tick(number=1)
    raise RuntimeError("inside")


async def _refusing(info: Info) -> AsyncGenerator[Tick, None]:
    raise GraphQLError("not you")


async def _silent(info: Info) -> AsyncGenerator[Tick, None]:
    await asyncio.sleep(3600)
    yield Tick(number=0)


async def _never(info: Info) -> AsyncGenerator[Tick, None]:
    await asyncio.sleep(3600)
    return _ticks(info)


async def _plain() -> AsyncGenerator[int, None]:
    yield 1


@strawberry.type
class Query:
    hello: str = "hello"


def _told(resolver: Any, **more: Any) -> Any:
    field: Any = strawberry.federation.field
    return field(resolver=resolver, is_subscription=True, **more)


@strawberry.type
class Subscription:
    ticks: Tick | None = _told(_ticks)
    breaking: Tick | None = _told(_breaking)
    refusing: Tick | None = _told(_refusing)
    silent: Tick | None = _told(_silent)
    never: Tick | None = _told(_never)
    plain: int = _told(_plain)
    guarded: Tick | None = _told(_ticks, requires_scopes=[["tick:read"]])


def tell(errors: Sequence[GraphQLError], _: Any) -> list[dict[str, Any]]:
    return [{"message": error.message, "path": error.path} for error in errors]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Schema(query=Query, subscription=Subscription, federation_version="2.9")._schema, format_errors=tell)


async def opened(engine: Engine, query: str, caller: Caller | None = None, **more: Any) -> Stream | dict[str, Any]:
    prepared = engine.prepare(query)
    assert isinstance(prepared, Prepared), prepared
    given: dict[str, Any] = {"variables": None, "operation_name": None} | more
    return await subscribe(engine, prepared, contexts=caller or Caller(), **given)


async def answers(stream: Stream | dict[str, Any]) -> list[dict[str, Any]]:
    assert isinstance(stream, Stream), stream
    async with aclosing(stream):
        return [answer async for answer in stream]


async def test_each_event_is_answered_as_it_comes(engine: Engine) -> None:
    told = await answers(await opened(engine, "subscription { t: ticks(count: 2) { number } }"))
    assert told == [{"data": {"t": {"number": 0}}}, {"data": {"t": {"number": 1}}}]


async def test_the_operation_is_picked_by_its_name_and_takes_variables(engine: Engine) -> None:
    query = """
    query Q { hello }
    subscription S($n: Int!) { ...F }
    fragment F on Subscription { ... on Subscription { ticks(count: $n) { number } } }"""
    stream = await opened(engine, query, variables={"n": 1}, operation_name="S")
    assert await answers(stream) == [{"data": {"ticks": {"number": 0}}}]


async def test_an_error_in_one_event_does_not_end_the_stream(engine: Engine) -> None:
    first, second = await answers(await opened(engine, "subscription { ticks(count: 2) { inverse } }"))
    assert first["data"] == {"ticks": {"inverse": None}}
    assert first["errors"][0]["path"] == ["ticks", "inverse"]
    assert second == {"data": {"ticks": {"inverse": 1.0}}}


async def test_each_event_has_a_context_of_its_own_and_every_context_is_closed(engine: Engine) -> None:
    caller = Caller()
    await answers(await opened(engine, "subscription { ticks(count: 3) { number } }", caller))
    assert len(caller.contexts) == 4
    assert all(context.closed for context in caller.contexts)


async def test_what_a_caller_may_read_is_decided_for_each_event(engine: Engine) -> None:
    caller = Caller("secret:read")
    stream = await opened(engine, "subscription { ticks(count: 2) { secret } }", caller)
    assert isinstance(stream, Stream)
    assert await anext(stream) == {"data": {"ticks": {"secret": "42"}}}
    caller.scopes = frozenset()
    assert await anext(stream) == {
        "data": {"ticks": {"secret": None}},
        "errors": [{"message": "denied [('Tick', 'secret')]", "path": None}],
    }
    await stream.aclose()


async def test_a_guarded_subscription_does_not_open_its_source(engine: Engine) -> None:
    caller = Caller()
    refusal = await opened(engine, "subscription { g: guarded { number } }", caller)
    assert refusal == {"errors": [{"message": "denied [('Subscription', 'guarded')]", "path": None}]}
    assert caller.closed == 0
    assert all(context.closed for context in caller.contexts)


async def test_a_caller_who_loses_the_subscription_itself_is_told_and_hears_no_more(engine: Engine) -> None:
    caller = Caller("tick:read")
    stream = await opened(engine, "subscription { guarded { number } }", caller)
    assert isinstance(stream, Stream)
    assert await anext(stream) == {"data": {"guarded": {"number": 0}}}
    caller.scopes = frozenset()
    rest = await answers(stream)
    assert rest == [{"errors": [{"message": "denied [('Subscription', 'guarded')]", "path": None}]}]
    assert caller.closed == 1


async def test_a_source_that_breaks_ends_with_its_error(engine: Engine) -> None:
    told = await answers(await opened(engine, "subscription { breaking { number } }"))
    assert told == [{"data": {"breaking": {"number": 1}}}, {"errors": [{"message": "inside", "path": ["breaking"]}]}]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("subscription { refusing { number } }", "not you"),
        ("subscription S($n: Int!) { ticks(count: $n) { number } }", "Variable '$n' has invalid value"),
        ("subscription A { plain } subscription B { plain }", "Name the operation to run"),
    ],
)
async def test_what_cannot_begin_is_one_answer(engine: Engine, query: str, message: str) -> None:
    caller = Caller()
    refusal = await opened(engine, query, caller)
    assert isinstance(refusal, dict)
    assert refusal.keys() == {"errors"}
    assert refusal["errors"][0]["message"].startswith(message)
    assert all(context.closed for context in caller.contexts)


async def test_closing_closes_the_source(engine: Engine) -> None:
    caller = Caller()
    stream = await opened(engine, "subscription { ticks(count: 100) { number } }", caller)
    assert isinstance(stream, Stream)
    assert await anext(stream)
    await stream.aclose()
    assert caller.closed == 1
    assert await answers(stream) == []


async def test_waiting_for_an_event_takes_as_long_as_it_takes_but_opening_does_not(engine: Engine) -> None:
    stream = await opened(engine, "subscription { silent { number } }", patience=0.05)
    assert isinstance(stream, Stream)
    waiting = asyncio.ensure_future(anext(stream))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await stream.aclose()
    caller = Caller()
    with pytest.raises(TimeoutError):
        await opened(engine, "subscription { never { number } }", caller, patience=0.05)
    assert all(context.closed for context in caller.contexts)


async def test_an_event_that_takes_too_long_to_answer_ends_the_stream() -> None:
    async def slowly() -> str:
        await asyncio.sleep(3600)
        return ""

    @strawberry.type
    class Slow:
        slow: str = strawberry.field(resolver=slowly)

    @strawberry.type
    class Slowly:
        @strawberry.subscription
        async def tick(self) -> AsyncGenerator[Slow, None]:
            yield Slow()

    slow = Engine(Schema(query=Query, subscription=Slowly, federation_version="2.9")._schema, format_errors=tell)
    caller = Caller()
    stream = await opened(slow, "subscription { tick { slow } }", caller, patience=0.05)
    with pytest.raises(TimeoutError):
        await answers(stream)
    assert all(context.closed for context in caller.contexts)
