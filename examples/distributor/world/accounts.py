"""Whom the distributor sells to: accounts in hierarchies, their ship-tos, and the demo's personas."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count, islice
from random import Random

from examples.distributor.world import words
from examples.distributor.world.words import flourished

COUNT = 200
BUYER = "0000417"
BRANCH = "0000421"
STRANGER = "0000900"

BUYERS_FAMILY = (
    (BUYER, None, "Harrow & Vale Industrial", "US"),
    ("0000418", BUYER, 'Harrow & Vale "East"', "US"),
    (BRANCH, "0000418", "Harrow & Vale Branch <Pittsburgh>", "US"),
    ("00", "0000418", "Harrow & Vale Zero; -- 00", "US"),
    ("0000423", "00", " Harrow & Vale Łódź Yard ", "US"),
    ("0000419", BUYER, "Harrow & Vale West ]]> 100%_\\", "US"),
    ("0000422", "0000419", "Harrow & Vale O'Reno", "US"),
    ("0000424", "0000419", "Harrow & Vale Oakland", "US"),
    ("0000425", BUYER, "Harrow & Vale Montréal", "CA"),
)
"""Number, parent, name, subsidiary of the accounts the demo's buyer sees; a parent comes before its children."""

GROUP_SIZES = (1, 3, 1, 6, 2, 1, 4, 9, 1, 2)
"""How many accounts the other companies have, in turn."""

TERMS = (("NET30", 30), ("NET30", 30), ("NET45", 45), ("NET60", 60), ("2/10 NET30", 30), ("PREPAID", 0), ("COD", 0))
US_TERRITORIES = ("NE", "MW", "SO", "WE")
CA_TERRITORIES = ("CA-E", "CA-W")


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
    and never leaves the inside. ``due_days`` is how long after an invoice's date it falls due. ``company`` is the
    number of the account at the top.
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


PERSONAS = {
    persona.name: persona
    for persona in (
        PersonaFacts("buyer", "Purchasing at Harrow & Vale, all of its accounts", account=BUYER),
        PersonaFacts("branch", "Purchasing at one branch of Harrow & Vale", account=BRANCH),
        PersonaFacts("ap", "Accounts payable at Harrow & Vale", account=BUYER),
        PersonaFacts("rep", "Sales representative for the Midwest and the South", territories=("MW", "SO")),
        PersonaFacts("service", "Customer service desk"),
        PersonaFacts("analyst", "Analyst"),
        PersonaFacts("operator", "Integration operator"),
        PersonaFacts("stranger", "Purchasing at another company", account=STRANGER),
    )
}


Seat = tuple[str, str | None, str, str]
"""An account's place: its number, its parent, its name, its subsidiary."""


def customers(rng: Random) -> dict[str, Account]:
    """All accounts by number."""
    accounts: dict[str, Account] = {}
    for seat in islice(chain(BUYERS_FAMILY, _other_companies(rng)), COUNT):
        number, parent, *_ = seat
        company = accounts[parent].company if parent is not None else number
        accounts[number] = account(rng, 40_001 + len(accounts), seat, company)
    return accounts


def _other_companies(rng: Random) -> Iterator[Seat]:
    """Seat after seat, company after company."""
    serials = count(int(STRANGER))
    for at in count():
        name = f"{rng.choice(words.COMPANY_FIRST)} {rng.choice(words.COMPANY_SECOND)}"
        subsidiary = "CA" if at % 6 == 5 else "US"
        family: list[str] = []
        for member in range(GROUP_SIZES[at % len(GROUP_SIZES)]):
            serial = next(serials)
            number = f"C-{serial}" if at % 7 == 3 else f"{serial:07d}"
            parent = family[(member - 1) // 2] if member else None
            site = f" {rng.choice(words.CITIES)[0]}" if member else ""
            yield number, parent, flourished(rng, name + site), subsidiary
            family.append(number)


def account(rng: Random, internal_id: int, seat: Seat, company: str) -> Account:
    """Whoever sits at ``seat``: territory, terms and one to five ship-tos at random."""
    number, parent, name, subsidiary = seat
    canadian = subsidiary == "CA"
    terms, due_days = rng.choice(TERMS)
    held = rng.random() < 0.04 or number == "0000424"
    return Account(
        number=number,
        internal_id=str(internal_id),
        name=name,
        parent=parent,
        company=company,
        subsidiary=subsidiary,
        currency="CAD" if canadian and rng.random() < 0.85 else "USD",
        territory=rng.choice(CA_TERRITORIES if canadian else US_TERRITORIES),
        terms=terms,
        due_days=due_days,
        credit_limit=Decimal(rng.randrange(5, 200) * 1000),
        credit_hold="CREDIT" if held else None,
        credit_note=rng.choice(words.CREDIT_NOTES) if held else None,
        email=f"orders+{internal_id}@example.com",
        ship_tos=_ship_tos(rng, name, subsidiary, 3 if number == BRANCH else rng.randrange(1, 6)),
    )


def _ship_tos(rng: Random, name: str, country: str, number_of: int) -> tuple[ShipTo, ...]:
    cities = [city for city in words.CITIES if city[3] == country]
    return tuple(
        ShipTo(
            f"{at:02d}",
            flourished(rng, f"{name} {rng.choice(words.SITES)}"),
            (
                flourished(rng, f"{rng.randrange(1, 9900)} {rng.choice(words.STREETS)}"),
                *(("c/o Dock & Co",) * (at % 2)),
            ),
            *rng.choice(cities),
        )
        for at in range(number_of)
    )
