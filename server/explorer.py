"""Serves GraphiQL from our own files, with the saved queries and, in the demo alone, a token for each persona."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from domain.errors import SourceError
from server.environment import Misconfigured, Problem
from server.sections import LOOPBACK, Demo
from sources.transport import Transport

DIST = Path(__file__).parent / "graphiql" / "dist"
PATH = "/graphiql"
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""GraphiQL's editor writes its styles and starts its workers as it runs; everything else comes from our files."""

FORM = {"content-type": "application/x-www-form-urlencoded"}


class Page(StaticFiles):
    """The built page: assets are named by their content and kept for ever, the page itself is asked for each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = path.startswith("assets/")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        response.headers["content-security-policy"] = POLICY
        return response


def saved_queries(folder: Path) -> list[dict[str, Any]]:
    """The documents in ``folder``, as GraphiQL offers them: in order of file name, the first to whoever comes first."""
    return [_saved(path) for path in sorted(folder.glob("*.graphql"))]


def _saved(path: Path) -> dict[str, Any]:
    """A document, named by the remark on its first line, with the variables of the .json file beside it."""
    text, beside = path.read_text(encoding="utf-8"), path.with_suffix(".json")
    first = text.partition("\n")[0]
    return {
        "name": first.lstrip("# ") if first.startswith("#") else path.stem,
        "query": text,
        "variables": orjson.loads(beside.read_bytes()) if beside.exists() else {},
    }


def routes(queries: Path, demo: Demo | None) -> list[BaseRoute]:
    """What GraphiQL needs; the token route reads its transport from the lifespan's state.

    Raises Misconfigured when the page was not built.
    """
    if not (DIST / "index.html").is_file():
        raise Misconfigured([Problem("CROSSDOCK_GRAPHIQL", "its page is not built; run `make web`, or give false")])
    personas = [{"name": name, "description": sentence} for name, sentence in demo.personas.items()] if demo else []
    config = orjson.dumps({"endpoint": "/graphql", "queries": saved_queries(queries), "personas": personas})
    tag = f'"{hashlib.sha256(config).hexdigest()[:16]}"'

    async def configuration(request: Request) -> Response:
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(config, headers=headers, media_type="application/json")

    async def slash(_: Request) -> Response:
        return RedirectResponse(f"{PATH}/", 308)

    return [
        Route(PATH, slash),
        Route(f"{PATH}/config.json", configuration),
        *([Route(f"{PATH}/token", Personas(demo).token)] if demo else []),
        Mount(PATH, Page(directory=DIST, html=True)),
    ]


class Personas:
    """Tokens of the demo's personas, for pages of this machine only."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo

    async def token(self, request: Request) -> Response:
        persona = request.query_params.get("persona", "")
        if persona not in self._demo.personas:
            raise HTTPException(404, f"The personas are {', '.join(self._demo.personas)}.")
        if not _from_here(request.headers):
            raise HTTPException(403, "Tokens of the demo are for pages of this machine.")
        transport: Transport = request.state.personas
        try:
            reply = await transport.send(
                "POST", "", operation="persona", headers=FORM, content=token_form(persona, self._demo), idempotent=False
            )
        except SourceError as error:
            raise HTTPException(503, "The demo's identity provider does not answer.") from error
        return Response(reply.body, media_type="application/json", headers={"cache-control": "no-store"})


def token_form(persona: str, demo: Demo) -> bytes:
    """The form that asks the demo's identity provider for a persona's token."""
    fields: Mapping[str, str] = {
        "grant_type": "client_credentials",
        "client_id": persona,
        "client_secret": demo.secret.get_secret_value(),
    }
    return urlencode(fields).encode()


def _from_here(headers: Headers) -> bool:
    """Whether a page of ours asks, under a name of this machine (no page elsewhere, no name that was rebound)."""
    host = headers.get("host", "").rsplit(":", 1)[0]
    return host in LOOPBACK and headers.get("sec-fetch-site", "none") in ("none", "same-origin")
