"""The simulated company's identity provider: OpenID Connect by code and PKCE, client credentials, keys that rotate.

``POST /__rotate`` makes the next key sign. In the demo a persona's token is had by client credentials, the persona's
name as ``client_id``.
"""

import base64
import hashlib
import hmac
import html
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.distributor.harness import run, simulator
from examples.distributor.idp_tokens import AUDIENCE, FEED, LIFETIME, SUBJECTS, Keys, Subject

DEMO_SECRET: Final = "demo-only"
"""What every persona's client_secret is."""

PUBLIC_CLIENTS: Final = frozenset(("portal", "mobile"))
"""Browser and mobile apps: no secret, PKCE required, any port of this machine to return to (RFC 8252 section 7.3)."""

MACHINES: Final[Mapping[str, tuple[str, Subject]]] = {"feed": ("feed-secret", FEED)}
CODE_LIFETIME: Final = 60.0
REPEATED: Final = (
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "response_type",
    "code_challenge",
    "code_challenge_method",
)
OPERATIONS: Final = {
    "/.well-known/openid-configuration": "discovery",
    "/jwks": "jwks",
    "/authorize": "authorize",
    "/token": "token",
    "/userinfo": "userinfo",
}
ANYWHERE = {"access-control-allow-origin": "*", "cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code stands for. ``until``: on the monotonic clock."""

    client_id: str
    redirect_uri: str
    challenge: str
    subject: Subject
    scope: tuple[str, ...]
    nonce: str | None
    until: float


class OAuthError(Exception):
    """An error of RFC 6749, by its name there."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


class Provider:
    """Codes that were given out, and the keys that sign what they are exchanged for."""

    def __init__(self) -> None:
        self.keys = Keys()
        self._codes: dict[str, Grant] = {}

    def app(self) -> Starlette:
        return simulator(
            "idp",
            [
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/jwks", self._jwks),
                Route("/authorize", self._ask, methods=["GET"]),
                Route("/authorize", self._authorize, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
                Route("/__rotate", self._rotate, methods=["POST"]),
            ],
            operation=lambda request, _: OPERATIONS.get(request.url.path, "unknown"),
            fault=lambda _, status: JSONResponse({"error": "temporarily_unavailable"}, status),
        )

    # -- what anybody may know ---------------------------------------------------------------------------------------

    async def _discovery(self, request: Request) -> Response:
        issuer = issuer_of(request)
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "client_credentials"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "subject_types_supported": ["public"],
                "authorization_response_iss_parameter_supported": True,
            },
            headers=ANYWHERE,
        )

    async def _jwks(self, _: Request) -> Response:
        return JSONResponse(self.keys.jwks(), headers=ANYWHERE)

    async def _rotate(self, _: Request) -> Response:
        self.keys.rotate()
        return JSONResponse({"kid": self.keys.signing.kid})

    # -- signing in --------------------------------------------------------------------------------------------------

    async def _ask(self, request: Request) -> Response:
        """The page on which one says who one is."""
        return self._checked(dict(request.query_params)) or HTMLResponse(
            _page(request.query_params),
            headers={
                "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
            },
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        refusal = self._checked(asked)
        if refusal:
            return refusal
        subject = SUBJECTS.get(asked.get("persona", ""))
        if subject is None:
            return _back(asked, {"error": "access_denied"}, issuer_of(request))
        code = secrets.token_urlsafe(32)
        self._codes[code] = Grant(
            asked["client_id"],
            asked["redirect_uri"],
            asked["code_challenge"],
            subject,
            tuple(asked.get("scope", "").split()),
            asked.get("nonce"),
            time.monotonic() + CODE_LIFETIME,
        )
        return _back(asked, {"code": code}, issuer_of(request))

    def _checked(self, asked: Mapping[str, str]) -> Response | None:
        """What is wrong with an authorization request; told here unless client and address are good, then there."""
        if asked.get("client_id") not in PUBLIC_CLIENTS or not LOOPBACK.fullmatch(asked.get("redirect_uri", "")):
            return HTMLResponse("<p>Unknown client or address to return to.", 400)
        if asked.get("response_type") != "code":
            return _back(asked, {"error": "unsupported_response_type"}, None)
        if not asked.get("code_challenge") or asked.get("code_challenge_method") != "S256":
            return _back(asked, {"error": "invalid_request"}, None)
        return None

    # -- tokens ------------------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        try:
            answer = self._granted(_form(await request.body()), request)
        except OAuthError as error:
            challenge = {"www-authenticate": "Basic"} if error.status == 401 else {}
            return JSONResponse({"error": error.error}, error.status, ANYWHERE | challenge)
        return JSONResponse(answer, headers=ANYWHERE)

    def _granted(self, form: Mapping[str, str], request: Request) -> dict[str, Any]:
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form, issuer_of(request))
            case "client_credentials":
                return self._credentials(form, request)
        raise OAuthError("unsupported_grant_type")

    def _exchange(self, form: Mapping[str, str], issuer: str) -> dict[str, Any]:
        """A code for tokens, once (RFC 6749 section 4.1.3, RFC 7636 section 4.6)."""
        grant = self._codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if (
            grant is None
            or time.monotonic() > grant.until
            or form.get("client_id") != grant.client_id
            or form.get("redirect_uri") != grant.redirect_uri
            or not hmac.compare_digest(digest, grant.challenge)
        ):
            raise OAuthError("invalid_grant")
        answer = self._access(grant.subject, grant.scope, issuer)
        if "openid" in grant.scope:
            claims = {"sub": grant.subject.id, "name": grant.subject.name} | (
                {"nonce": grant.nonce} if grant.nonce else {}
            )
            answer["id_token"] = self.keys.sign(issuer, grant.client_id, claims, "JWT")
        return answer

    def _credentials(self, form: Mapping[str, str], request: Request) -> dict[str, Any]:
        """Client credentials, of a machine or, in the demo, of a persona."""
        client, secret = _client(form, request.headers.get("authorization", ""))
        known = MACHINES.get(client) or ((DEMO_SECRET, SUBJECTS[client]) if client in SUBJECTS else None)
        if known is None or not hmac.compare_digest(secret.encode(), known[0].encode()):
            raise OAuthError("invalid_client", 401)
        return self._access(known[1], tuple(form.get("scope", "").split()), issuer_of(request))

    def _access(self, subject: Subject, asked: tuple[str, ...], issuer: str) -> dict[str, Any]:
        claims = subject.claims(asked)
        return {
            "access_token": self.keys.sign(issuer, AUDIENCE, claims, "at+jwt"),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "scope": claims["scope"],
        }

    async def _userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = self.keys.read(token, issuer_of(request))
        except jwt.PyJWTError:
            return JSONResponse({"error": "invalid_token"}, 401, ANYWHERE | {"www-authenticate": "Bearer"})
        return JSONResponse({name: claims[name] for name in ("sub", "name")}, headers=ANYWHERE)


def issuer_of(request: Request) -> str:
    """Where we listen, whatever the request calls us."""
    host, port = request.scope["server"]
    return f"http://{host}:{port}"


def _client(form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    """Id and secret, from HTTP Basic or the form (RFC 6749 section 2.3.1)."""
    if authorization.startswith("Basic "):
        try:
            pair = base64.b64decode(authorization[6:], validate=True).decode()
        except ValueError as error:
            raise OAuthError("invalid_client", 401) from error
        name, _, secret = pair.partition(":")
        return name, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _form(body: bytes) -> Mapping[str, str]:
    """A form in which each field stands once (RFC 6749 section 3.2)."""
    pairs = parse_qsl(body.decode("utf-8", "replace"))
    if len(dict(pairs)) != len(pairs):
        raise OAuthError("invalid_request")
    return dict(pairs)


LOOPBACK: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost)(?::\d{1,5})?(?:/[!-~]*)?")


def _back(asked: Mapping[str, str], outcome: Mapping[str, str], issuer: str | None) -> Response:
    """Back to the client, with its state and our name (RFC 9207)."""
    extra = {name: value for name, value in (("state", asked.get("state")), ("iss", issuer)) if value}
    address = asked["redirect_uri"]
    return RedirectResponse(f"{address}{'&' if '?' in address else '?'}{urlencode(dict(outcome) | extra)}", 303)


def _page(asked: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(asked[name])}">' for name in REPEATED if name in asked
    )
    buttons = "".join(
        f'<button name="persona" value="{name}"><b>{name}</b> {html.escape(who.name)}</button>'
        for name, who in SUBJECTS.items()
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in</title>
<style>
body {{ font: 16px system-ui; max-width: 32rem; margin: 4rem auto }}
button {{ display: block; width: 100%; margin: .5rem 0; padding: .75rem; text-align: left }}
</style>
<h1>Who are you today?</h1><p>{html.escape(asked["client_id"])} asks you to sign in.</p>
<form method="post" action="/authorize">{hidden}{buttons}</form></html>"""


if __name__ == "__main__":
    run(Provider().app(), "idp")
