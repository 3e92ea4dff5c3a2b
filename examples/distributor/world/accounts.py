"""Whom the distributor sells to: accounts in hierarchies, their ship-tos, and the demo's personas."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class ShipTo:
    """A place an account receives goods. ``utc_offset_minutes``: its standard time."""

    id: str
    name: str
    lines: tuple[str, ...]
    city: str
    region: str
    postal_code: str
    country: str
    utc_offset_minutes: int


@dataclass(frozen=True, slots=True)
class Account:
    """``number`` is the account number everyone knows, ``internal_id`` the ERP's row id.

    ``credit_hold`` is None or the ERP's code for why credit is stopped; ``credit_note`` is what credit wrote about it
    and never leaves the inside. ``due_days`` is how long after an invoice's date it falls due.
    """

    number: str
    internal_id: str
    name: str
    parent: str | None
    company: str
    subsidiary: str
    currency: str
    territory: str
    terms: str
    due_days: int
    credit_limit: Decimal
    credit_hold: str | None
    credit_note: str | None
    email: str
    ship_tos: tuple[ShipTo, ...]


@dataclass(frozen=True, slots=True)
class PersonaFacts:
    """Who a demo persona is. ``account`` bounds a portal user, ``ship_tos`` (empty: all) too; ``territories`` a rep."""

    name: str
    title: str
    account: str | None = None
    ship_tos: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
