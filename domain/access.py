"""Who is asking and which rows they may see; row scope lives here, field scope lives on the schema's directives."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum

from domain.model import CustomerId


class PrincipalKind(StrEnum):
    """The kinds of caller (requirement A2)."""

    PORTAL_USER = "PORTAL_USER"
    SALES_REP = "SALES_REP"
    SERVICE = "SERVICE"
    ANALYST = "ANALYST"
    OPERATOR = "OPERATOR"
    MACHINE = "MACHINE"


SCOPES = (
    "order:read",
    "price:read",
    "invoice:read",
    "balance:read",
    "document:read",
    "return:read",
    "return:write",
    "internal:read",
    "ops:read",
    "ops:write",
    "audit:read",
    "personal:read",
)
"""Every scope a field or an operation can ask for."""


def granted(kind: PrincipalKind, stated: AbstractSet[str]) -> frozenset[str]:
    """The scopes of a caller whose token states ``stated``. Who works on orders is told whose they are and where they
    go; only an analyst, who counts them, must be given personal data by its scope's name.
    """
    implied = () if kind is PrincipalKind.ANALYST else ("personal:read",)
    return frozenset(SCOPES).intersection((*stated, *implied))


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller.

    ``account`` bounds a portal user to it and all below it, ``ship_tos`` to those places of the account itself (empty:
    all); ``territories`` bound a sales rep. Service, analyst, operator and machine principals see every account unless
    an ``account`` bounds them.
    ``subsidiaries`` bounds whoever has them further, to the accounts of those (None: of all; empty: of none).
    """

    subject: str
    kind: PrincipalKind
    scopes: frozenset[str]
    name: str | None = None
    account: CustomerId | None = None
    ship_tos: frozenset[str] = field(default_factory=frozenset)
    territories: frozenset[str] = field(default_factory=frozenset)
    subsidiaries: frozenset[str] | None = None

    def may(self, *scopes: str) -> bool:
        return self.scopes.issuperset(scopes)


@dataclass(frozen=True, slots=True)
class Visibility:
    """The rows a principal may see: ``accounts`` None means every account, an empty set none; ``ship_tos`` None means
    every ship-to.
    """

    accounts: AbstractSet[CustomerId] | None
    ship_tos: AbstractSet[str] | None = None

    def sees(self, account: CustomerId) -> bool:
        """True when a row that belongs to ``account`` as a whole is visible; what is not visible does not exist."""
        return self.accounts is None or account in self.accounts

    def sees_at(self, account: CustomerId, ship_to: str | None) -> bool:
        """True when a row of ``account`` at ``ship_to`` is visible. A caller bound to ship-tos sees no row that names
        none.
        """
        return self.sees(account) and (self.ship_tos is None or ship_to in self.ship_tos)
