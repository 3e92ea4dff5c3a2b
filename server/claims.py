"""Turns a verified token's claims into a Principal, as the issuer's settings say which claim means what."""

from collections.abc import Mapping
from typing import Any

from domain.access import Principal, PrincipalKind, granted
from domain.model import CustomerId
from server.sections import Issuer
from server.tokens import InvalidToken

CLIENT = ("azp", "client_id")
"""Who a token was issued to (OpenID Connect Core 1.0 section 2, RFC 9068 section 2.2)."""


def understand(claims: Mapping[str, Any], issuer: str, rules: Issuer) -> Principal:
    """What a verified token's claims mean. Raises InvalidToken when one that bounds what may be seen is malformed."""
    names = rules.claims
    subject = subject_of(claims)
    account, kind = _text(claims, names.account), _kind(claims, subject, rules)
    return Principal(
        subject=f"{issuer}:{subject}",
        kind=kind,
        scopes=granted(kind, _words(claims, names.scope)),
        name=_text(claims, names.name),
        account=CustomerId(account) if account else None,
        ship_tos=_words(claims, names.ship_tos),
        territories=_words(claims, names.territories),
        subsidiaries=None if found(claims, names.subsidiaries) is None else _words(claims, names.subsidiaries),
    )


def subject_of(claims: Mapping[str, Any]) -> str:
    """``sub``, as the issuer gives it."""
    subject = _text(claims, "sub")
    if not subject:
        raise InvalidToken("no subject")
    return subject


def found(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at ``path``: names within names, separated by dots, as in ``realm_access.roles``; None: there is none.

    A name may hold dots itself, as in ``https://example.com/claims.account``: the longest that is there is meant.
    """
    if path in claims:
        return claims[path]
    end = path.rfind(".")
    while end > 0:
        inner = claims.get(path[:end])
        if isinstance(inner, Mapping):
            return found(inner, path[end + 1 :])
        end = path.rfind(".", 0, end)
    return None


def _kind(claims: Mapping[str, Any], subject: str, rules: Issuer) -> PrincipalKind:
    """The kind stated. What a client was given for itself, its own subject (RFC 9068 section 5), is a machine's."""
    client = _client(claims, rules)
    stated = _stated_kind(found(claims, rules.claims.kind), rules)
    if client == subject:
        if stated not in (None, PrincipalKind.MACHINE):
            raise InvalidToken("a client's own, that states a person's kind")
        return PrincipalKind.MACHINE
    kind = stated or rules.default_kind
    if kind is None:
        raise InvalidToken("states no kind of caller")
    return kind


def _client(claims: Mapping[str, Any], rules: Issuer) -> str | None:
    given = {_text(claims, name) for name in CLIENT} - {None}
    if len(given) > 1:
        raise InvalidToken("issued to two clients")
    client = given.pop() if given else None
    if rules.clients and client not in rules.clients:
        raise InvalidToken("issued to a client that is not allowed")
    return client


def _stated_kind(stated: Any, rules: Issuer) -> PrincipalKind | None:
    """One word must be known. Of a list of roles, many of them other applications', only the configured count."""
    translated = {theirs.lower(): ours for theirs, ours in rules.kinds.items()}
    if stated is None:
        return None
    if isinstance(stated, str):
        kind = translated.get(stated.lower()) or PrincipalKind.__members__.get(stated.upper())
        if kind is None:
            raise InvalidToken("states an unknown kind of caller")
        return kind
    if not isinstance(stated, list) or not all(isinstance(role, str) for role in stated):
        raise InvalidToken("states its kind neither as a string nor as a list of them")
    kinds = {translated[role.lower()] for role in stated if role.lower() in translated}
    if len(kinds) > 1:
        raise InvalidToken("states several kinds of caller")
    return kinds.pop() if kinds else None


def _text(claims: Mapping[str, Any], path: str) -> str | None:
    value = found(claims, path)
    if not isinstance(value, str | None):
        raise InvalidToken(f"{path} is not a string")
    return value


def _words(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """A claim of several values, as a list or separated by spaces (RFC 8693 section 4.2)."""
    value = found(claims, path)
    words = value.split() if isinstance(value, str) else [] if value is None else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InvalidToken(f"{path} is no list of strings")
    return frozenset(words)
