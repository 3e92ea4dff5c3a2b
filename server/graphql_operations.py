"""Runs operations for whatever carries them: who may read the schema, how long each may take, how trouble is told."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, TypeAlias

import structlog
from graphql import GraphQLError, GraphQLSyntaxError, OperationType
from starlette.datastructures import Headers

from domain.access import Principal
from engine.execute import Context, Engine, Prepared
from engine.subscribe import subscribe
from server.graphql_request import GraphQLRequest, Refused
from server.trusted import Trusted
from sources.transport import as_one_operation

log = structlog.get_logger("crossdock.graphql")

Answer: TypeAlias = dict[str, Any]

NOT_PERSISTED = Refused(400, "PersistedQueryNotFound", code="PERSISTED_QUERY_NOT_FOUND")
"""In the words by which Apollo's clients know to send the document itself."""

ANSWERING = 0.5
"""Seconds, a tenth of an operation's time at most, that are kept for answering when a source takes all the others."""

INTROSPECTION = frozenset(("__schema", "__type", "_service"))


class Operations:
    """``context(principal, correlation_id)`` makes what resolvers see; ``deadline``: seconds an answer may take;
    ``introspection``: "on", "off", or the scope it takes; ``trusted``: what is persisted, and who may ask for more.
    """

    def __init__(
        self,
        engine: Engine,
        context: Callable[[Principal, str], Context],
        *,
        deadline: float,
        introspection: str = "on",
        trusted: Trusted = Trusted(),  # noqa: B008 (it has no state)
    ) -> None:
        self.engine = engine
        self.context = context
        self.deadline = deadline
        self._introspection = introspection
        self._trusted = trusted

    def prepare(self, request: GraphQLRequest, principal: Principal) -> Prepared | Answer:
        """The prepared document, or the answer that refuses it."""
        may_introspect = self._introspection == "on" or principal.may(self._introspection)
        text = self._trusted.text(request, principal)
        if text is None:
            return told(NOT_PERSISTED)
        prepared = self.engine.prepare(text)
        if isinstance(prepared, list):
            return self.engine.refusal(prepared if may_introspect else _discreet(prepared))
        if not may_introspect and any(name in INTROSPECTION for _, name in prepared.fields):
            raise Refused(403, "You may not read the schema.", code="FORBIDDEN_FIELD")
        return prepared

    def appraise(self, prepared: Prepared, request: GraphQLRequest) -> Answer:
        """What the operation would cost, with nothing executed; or the answer that refuses it."""
        try:
            return self.engine.appraise(prepared, request.variables, request.operation_name)
        except RecursionError:
            raise too_deep() from None

    async def answers(
        self, prepared: Prepared | Answer, request: GraphQLRequest, principal: Principal, correlation_id: str
    ) -> AsyncGenerator[Answer, None]:
        """The answers to one operation: one, or those of a subscription as they come. One without ``data`` is the
        last. Close it.
        """
        try:
            if isinstance(prepared, dict):
                yield prepared
            elif kind_of(prepared, request) is OperationType.SUBSCRIPTION:
                stream = await subscribe(
                    self.engine,
                    prepared,
                    contexts=partial(self.context, principal, correlation_id),
                    variables=request.variables,
                    operation_name=request.operation_name,
                    patience=self.deadline,
                )
                if isinstance(stream, dict):
                    yield stream
                    return
                async with aclosing(stream):
                    async for answer in stream:
                        yield answer
            else:
                yield await self._once(prepared, request, principal, correlation_id)
        except TimeoutError:
            yield told(too_long())
        except RecursionError:
            yield told(too_deep())
        except Exception:
            log.exception("unexpected error")
            yield told(Refused(500, "Something went wrong on our side.", code="INTERNAL"))

    async def _once(
        self, prepared: Prepared, request: GraphQLRequest, principal: Principal, correlation_id: str
    ) -> Answer:
        async with in_time(asyncio.get_running_loop().time() + self.deadline):
            return await self.engine.execute(
                prepared,
                context=self.context(principal, correlation_id),
                variables=request.variables,
                operation_name=request.operation_name,
            )


def _discreet(errors: Sequence[GraphQLError]) -> Sequence[GraphQLError]:
    """What whoever may not read the schema is told of a document: which of its parts do not fit would tell of it."""
    kept = [error for error in errors if isinstance(error, GraphQLSyntaxError) or "code" in (error.extensions or {})]
    return kept or [GraphQLError("The document does not fit the schema.")]


@asynccontextmanager
async def in_time(ends: float) -> AsyncIterator[asyncio.Timeout]:
    """What runs inside ends at ``ends`` (event loop time). Its sources end a little before, so that there is time left
    to answer with what the others gave. Raises TimeoutError.
    """
    left = ends - asyncio.get_running_loop().time()
    with as_one_operation(ends - min(ANSWERING, left / 10)):
        async with asyncio.timeout_at(ends) as clock:
            yield clock


def kind_of(prepared: Prepared | Answer, request: GraphQLRequest) -> OperationType | None:
    """What the operation to run is; None when none can be told."""
    node = prepared.operation(request.operation_name) if isinstance(prepared, Prepared) else None
    return node.operation if node else None


def too_long() -> Refused:
    return Refused(503, "The answer took too long.", code="SOURCE_TIMEOUT")


def too_deep() -> Refused:
    return Refused(400, "The variables are nested too deeply.")


def check_origin(headers: Headers, origins: frozenset[str]) -> None:
    """A page of another site may not ask, whatever it holds (CSRF); programs send no Origin."""
    origin = headers.get("origin")
    if origin is None or origin.lower() in origins or origin.partition("://")[2] == headers.get("host"):
        return
    raise Refused(403, "Pages of this origin may not ask.")


def told(error: Refused) -> Answer:
    """A refusal in GraphQL's shape."""
    return {"errors": [{"message": error.message, "extensions": {"code": error.code}}]}


def codes(answer: Mapping[str, Any]) -> list[str]:
    """The codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


def stamped(answer: Answer, correlation_id: str) -> Answer:
    """``answer`` with the correlation id in each error that has none yet."""
    for error in answer.get("errors", ()):
        error["extensions"].setdefault("correlationId", correlation_id)
    return answer
