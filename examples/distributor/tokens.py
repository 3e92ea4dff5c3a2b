"""Bearer tokens of a simulated carrier: OAuth 2.0 client credentials (RFC 6749 section 4.4), valid by its own clock."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
from starlette.requests import Request

from examples.distributor.harness import clock_of


class Tokens:
    """The tokens one simulator has issued, each good for ``lifetime``."""

    def __init__(self, client_id: str, client_secret: str, lifetime: timedelta) -> None:
        self._client = f"{client_id}:{client_secret}"
        self._lifetime = lifetime
        self._ends: dict[str, datetime] = {}

    def issue(self, request: Request, client: str) -> str | None:
        """A new token for ``client`` ("id:secret"), or None when nobody knows that client."""
        if not hmac.compare_digest(client.encode(), self._client.encode()):
            return None
        token = secrets.token_urlsafe(32)
        self._ends[token] = clock_of(request).now() + self._lifetime
        return token

    @property
    def seconds(self) -> int:
        return int(self._lifetime.total_seconds())

    def admits(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        ends = self._ends.get(token)
        return scheme.lower() == "bearer" and ends is not None and clock_of(request).now() < ends


def basic_client(request: Request) -> str:
    """Who the Authorization header says it is, by HTTP Basic: "id:secret", each unquoted (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return ""
    return ":".join(unquote(part) for part in pair.split(":", 1))


def form(body: bytes) -> Mapping[str, str]:
    """A form's fields, the first of each; empty when it is none."""
    try:
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    except ValueError:
        return {}


def json_fields(body: bytes) -> Mapping[str, Any]:
    """A JSON object's fields; empty when it is none."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except ValueError:
        return {}


def client_of(fields: Mapping[str, Any]) -> str:
    """Who a request's own fields say it is, if it asks for client credentials."""
    if fields.get("grant_type") != "client_credentials":
        return ""
    return f"{fields.get('client_id')}:{fields.get('client_secret')}"
