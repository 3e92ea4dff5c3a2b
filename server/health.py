"""Whether Crossdock lives, whether it can serve, and, for operators, how each source does."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from domain.access import Principal
from domain.errors import SourceUnavailable, Unauthenticated
from server.auth import Authenticator, TrustedIssuer
from sources.transport import Health

OPERATORS = "ops:read"


async def alive(_: Request) -> Response:
    """200 as long as the process answers; nothing outside it is asked."""
    return JSONResponse({"status": "ok"})


class Readiness:
    """Ready once somebody can be signed in: sources may be down, since a partial answer is an answer.

    While nobody can, each question makes an issuer's keys be fetched again. How sources and memory do is told to
    callers with ops:read only.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        issuers: Sequence[TrustedIssuer],
        sources: Callable[[], Mapping[str, Health]],
        memory: Callable[[], Mapping[str, Any]] | None = None,
    ) -> None:
        self._authenticator = authenticator
        self._issuers = issuers
        self._sources = sources
        self._memory = memory

    async def __call__(self, request: Request) -> Response:
        ready = any(issuer.keys.current for issuer in self._issuers)
        if not ready:
            for issuer in self._issuers:
                issuer.keys.start()
        answer: dict[str, Any] = {"status": "ready" if ready else "not ready"}
        if await may_operate(self._authenticator, request):
            answer["issuers"] = {issuer.name: {"keys": len(issuer.keys.current)} for issuer in self._issuers}
            answer["sources"] = {name: _told(health) for name, health in self._sources().items()}
            if self._memory:
                answer["memory"] = self._memory()
        return JSONResponse(answer, 200 if ready else 503)


async def may_operate(authenticator: Authenticator, request: Request) -> bool:
    """Whether the request proves a caller with ops:read."""
    try:
        caller: Principal | None = await authenticator.principal(request.headers.getlist("authorization"))
    except (Unauthenticated, SourceUnavailable):
        return False
    return caller is not None and caller.may(OPERATORS)


def _told(health: Health) -> dict[str, Any]:
    return {
        "breaker": health.breaker,
        "lastSuccess": _instant(health.last_success),
        "lastFailure": _instant(health.last_failure),
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
