"""The mutations: what operators do to memory."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry

from graph.costs import cost
from graph.directives import guarded
from graph.node import Info
from graph.order import OrderException
from resolvers import desk

OPERATORS = "ops:write"


@strawberry.input(description="Which dead letters: every condition given must hold; without any, all of them.")
class DeadLetterFilter:
    source: str | None = strawberry.field(default=None, description="The system that sent it, by its configured name.")
    external_id: str | None = strawberry.field(default=None, description="The sender's own id of it.")
    topic: str | None = strawberry.field(default=None, description="What its sender calls this kind of message.")
    reason: str | None = strawberry.field(default=None, description='How its reason begins, such as "malformed".')


@strawberry.type(description="What became of dead letters.")
class ReplayDeadLettersPayload:
    replayed: int = strawberry.field(description="How many will be worked on anew.")


@strawberry.type(description="A comparison of memory with the systems that own what it holds.")
class ReconcilePayload:
    run_id: str
    began_at: datetime
    joined: bool = strawberry.field(description="True when one was under way already.")


@strawberry.type(description="An exception that was dealt with; it returns should it stand otherwise later.")
class ResolveExceptionPayload:
    exception: OrderException


async def _replay(info: Info, filter: DeadLetterFilter | None = None) -> ReplayDeadLettersPayload:
    given = filter or DeadLetterFilter()
    replayed = await desk.replay(
        info.context,
        source=given.source,
        external_id=given.external_id,
        topic=given.topic,
        reason=given.reason,
    )
    return ReplayDeadLettersPayload(replayed=replayed)


async def _reconcile(info: Info) -> desk.Comparison:
    return await desk.reconcile(info.context)


async def _resolve(info: Info, id: strawberry.ID, note: str) -> ResolveExceptionPayload:
    settled: Any = await desk.resolve(info.context, id=id, note=note)
    return ResolveExceptionPayload(exception=settled)


def _done(resolver: Callable[..., Any], description: str) -> Any:
    return guarded(OPERATORS, resolver=resolver, description=description, costs=[cost(10)])


@strawberry.type(description="What operators do.")
class Mutation:
    replay_dead_letters: ReplayDeadLettersPayload | None = _done(
        _replay, "Lets deliveries that could not be read be tried again, once the reason is gone."
    )
    reconcile: ReconcilePayload | None = _done(
        _reconcile, "Compares all that is remembered with its owners, names each difference and repairs it."
    )
    resolve_exception: ResolveExceptionPayload | None = _done(
        _resolve, "Settles an order's exception by its id, with a note of what was done."
    )
