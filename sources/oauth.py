"""OAuth 2.0 client credentials (RFC 6749 section 4.4): one token a source, shared until shortly before its end."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from domain.errors import SourceFault
from sources.config import SourceConfig
from sources.decoding import decode
from sources.flight import Flight
from sources.transport import Transport

Style = Literal["basic", "form", "json"]
FORM = "application/x-www-form-urlencoded"

LIFETIME_UNSTATED = 300.0
"""Seconds a token is trusted when its issuer does not say (``expires_in`` is only recommended)."""

MARGIN = 60.0
"""Seconds before its end at which a token is renewed, or a tenth of its life if that is less."""


class TokenAnswer(msgspec.Struct, frozen=True):
    """RFC 6749 section 5.1. Some carriers send the number as a string."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 the scheme's name
    expires_in: float | str = LIFETIME_UNSTATED


class ClientCredentials:
    """The bearer token of one source. ``style``: id and secret travel in HTTP Basic, in the form, or in a JSON body.

    ``now``: the transport's clock unless given.
    """

    def __init__(
        self,
        transport: Transport,
        config: SourceConfig,
        *,
        now: Callable[[], datetime] | None = None,
        style: Style = "form",
        scope: str | None = None,
    ) -> None:
        if not (config.token_url and config.client_id and config.client_secret):
            raise ValueError(f"{config.name}: OAuth 2.0 needs token_url, client_id and client_secret")
        self._transport = transport
        self._url = config.token_url
        self._now = now or transport.now
        self._headers, self._content = _token_request(config.client_id, config.client_secret, style, scope)
        self._header: dict[str, str] | None = None
        self._renew_at = self._now()
        self._flight: Flight[dict[str, str]] | None = None

    async def header(self) -> dict[str, str]:
        """The Authorization header; raises SourceError when no token can be had."""
        if self._header and self._now() < self._renew_at:
            return dict(self._header)
        if self._flight is None or self._flight.over:
            self._flight = Flight(self._fetch())
        with self._flight as flight:
            return dict(await flight.result())

    def forget(self, refused: Mapping[str, str] | None = None) -> None:
        """Call after a 401. ``refused``: the header that met it, so that late news does not drop a newer token."""
        if refused is None or refused == self._header:
            self._header = None

    async def _fetch(self) -> dict[str, str]:
        reply = await self._transport.send(
            "POST", self._url, operation="token", headers=self._headers, content=self._content
        )
        try:
            answer = decode(reply.body, TokenAnswer)
            lifetime = float(answer.expires_in)
            renew_at = reply.as_of + timedelta(seconds=lifetime - min(MARGIN, lifetime / 10))
        except (ValueError, OverflowError) as error:
            raise SourceFault(self._transport.source, f"token: unreadable answer ({type(error).__name__})") from error
        if answer.token_type.lower() != "bearer":
            raise SourceFault(self._transport.source, "token: not a bearer token")
        self._header = {"Authorization": f"Bearer {answer.access_token}"}
        self._renew_at = renew_at
        return self._header


def _token_request(client_id: str, secret: str, style: Style, scope: str | None) -> tuple[dict[str, str], bytes]:
    """The headers and body of the token request. Basic quotes id and secret as RFC 6749 section 2.3.1 asks."""
    fields = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    if style == "basic":
        pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return {"Authorization": basic, "Content-Type": FORM}, urlencode(fields).encode()
    fields |= {"client_id": client_id, "client_secret": secret}
    if style == "form":
        return {"Content-Type": FORM}, urlencode(fields).encode()
    return {"Content-Type": "application/json"}, msgspec.json.encode(fields)
