"""Who may see what, written from the words of the requirements (A2 to A4) and from nothing of the product.

A caller sees rows: a portal user those of its account and of every account below, at its ship-tos if it is bound to
some; a sales rep those of its territories; everybody else all, unless an account bounds them; and each of them only
those of its subsidiaries, if it is bound to some. Of what they see they may read what their scopes say. What is not
visible does not exist.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeAlias

Told: TypeAlias = Any
"""A part of an answer, each object with its ``__typename``."""

KINDS: Final = ("PORTAL_USER", "SALES_REP", "SERVICE", "ANALYST", "OPERATOR", "MACHINE")

READING: Final = ("order:read", "price:read", "invoice:read", "balance:read", "document:read", "return:read")
SCOPES: Final = (*READING, "internal:read", "personal:read")

NUMBERED: Final[Mapping[str, str]] = {
    "Order": "number",
    "Shipment": "number",
    "Invoice": "number",
    "Return": "rmaNumber",
    "Customer": "number",
}
"""The kinds of object that belong to somebody, and what each is known by."""

EXISTS: Final[Mapping[str, str]] = {
    "Order": "order:read",
    "Line": "order:read",
    "Shipment": "order:read",
    "Customer": "order:read",
    "Invoice": "invoice:read",
    "Return": "return:read",
}
"""The scope without which nothing of a kind exists."""

READS: Final[Mapping[str, Mapping[str, str]]] = {
    "price:read": {
        "Order": "totals",
        "OrderTotals": "subtotal freight tax total",
        "Line": "unitPrice extendedPrice",
    },
    "invoice:read": {
        "Order": "billing payment invoices",
        "Line": "invoiced",
        "Invoice": "total amountPaid balance paymentStatus statusExplanation agingBucket daysPastDue lines appliedTo",
        "InvoiceLine": "unitPrice amount",
        "Return": "creditMemos",
        "ReturnLine": "credited",
        "Customer": "invoices",
        "Activity": "invoice",
        "Query": "invoice invoices",
    },
    "balance:read": {
        "Customer": "balance overdueBalance aging",
        "Aging": "current days1To30 days31To60 days61To90 over90",
    },
    "document:read": {"Invoice": "documents", "Shipment": "proofOfDelivery documents"},
    "return:read": {"Order": "returns", "Customer": "returns", "Activity": "return", "Query": "return returns"},
    "internal:read": {
        "Order": "erpStatus",
        "Invoice": "erpStatus",
        "Hold": "code reason",
        "OrderException": "internal",
        "Customer": "territory subsidiary",
        "Line": "discrepancies",
    },
    "personal:read": {
        "Address": "name lines",
        "ShipTo": "name",
        "ProofOfDelivery": "receivedBy",
        "Hold": "reason",
        "OrderException": "internal",
    },
    "order:read": {
        "Customer": "orders parent children",
        "Invoice": "orders customer",
        "Return": "order customer",
        "ReturnLine": "orderLine",
        "Viewer": "account",
        "Query": "order orders shipment shipments customer customers search",
        "Subscription": "orderUpdated shipmentUpdated customerActivity",
    },
    "ops:write": {"Mutation": "replayDeadLetters reconcile resolveException"},
}
"""What each scope lets its holder read: fields by type."""


def _needs() -> dict[tuple[str, str], frozenset[str]]:
    needs: dict[tuple[str, str], frozenset[str]] = {}
    for scope, types in READS.items():
        for type_, names in types.items():
            for name in names.split():
                needs[type_, name] = needs.get((type_, name), frozenset()) | {scope}
    return needs


NEEDS: Final = _needs()
"""All the scopes that a field needs."""

STORY: Final[Mapping[str, str]] = {
    "INVOICED": "invoice:read",
    "INVOICE_ADJUSTED": "invoice:read",
    "RETURN_REQUESTED": "return:read",
}
"""What a timeline tells only to whom may read the thing itself."""

UNSTEADY: Final = frozenset(("asOf", "ageSeconds", "stale", "cursor", "startCursor", "endCursor", "url"))
"""Differs between any two answers, or is opaque: seen or not, but not compared. ``url`` is a document's link."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A company. ``parents``, ``territories``, ``subsidiaries`` by account; ``owners``: account and ship-to by kind and
    number.
    """

    parents: Mapping[str, str | None]
    territories: Mapping[str, str]
    subsidiaries: Mapping[str, str]
    owners: Mapping[tuple[str, str], tuple[str, str | None]]

    def below(self, account: str) -> frozenset[str]:
        """The account and every one below it."""
        return frozenset(each for each in self.parents if account in self._line(each)) | {account}

    def _line(self, account: str | None) -> Iterator[str]:
        """The account, its parent, and so on to the top."""
        while account is not None:
            yield account
            account = self.parents.get(account)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks, in the words of a token."""

    name: str
    kind: str
    stated: frozenset[str]
    account: str | None = None
    ship_tos: frozenset[str] = field(default_factory=frozenset)
    territories: frozenset[str] = field(default_factory=frozenset)
    subsidiaries: frozenset[str] | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """What its token states; whoever works on orders may read personal data, an analyst must be given it."""
        return self.stated if self.kind == "ANALYST" else self.stated | {"personal:read"}

    def accounts(self, facts: Facts) -> frozenset[str]:
        """The accounts whose rows it sees."""
        theirs = self._by_kind(facts)
        if self.subsidiaries is None:
            return theirs
        return frozenset(each for each in theirs if facts.subsidiaries.get(each) in self.subsidiaries)

    def _by_kind(self, facts: Facts) -> frozenset[str]:
        """Ship-tos are its own account's: a place of that number elsewhere is another place."""
        if self.kind == "SALES_REP":
            return frozenset(each for each, area in facts.territories.items() if area in self.territories)
        if self.account is None:
            return frozenset() if self.kind == "PORTAL_USER" else frozenset(facts.parents)
        return frozenset({self.account}) if self.ship_tos else facts.below(self.account)

    def sees(self, facts: Facts, kind: str, number: str) -> bool:
        """Whether an object that belongs to somebody exists for it. An account has no ship-to of its own."""
        if EXISTS[kind] not in self.scopes:
            return False
        account, ship_to = facts.owners.get((kind, number), ("", None))
        bound = self.ship_tos and self.kind != "SALES_REP" and kind != "Customer"
        return account in self.accounts(facts) and not (bound and ship_to not in self.ship_tos)

    def reads(self, type_: str, name: str) -> bool:
        return NEEDS.get((type_, name), frozenset()) <= self.scopes


EVERYBODY: Final = Caller("all-seeing", "SERVICE", frozenset(SCOPES))
"""Sees all there is."""


def bound(facts: Facts) -> list[Caller]:
    """One of each way to be bound: to an account that others are below, to places of it, to a territory and few scopes,
    to a subsidiary and without personal data.
    """
    above = max(facts.parents, key=lambda each: len(facts.below(each)))
    area = frozenset(sorted(set(facts.territories.values()))[:1])
    few = frozenset(("invoice:read", "return:read", "internal:read"))
    unnamed = frozenset(SCOPES) - {"personal:read"}
    return [
        Caller("above", "PORTAL_USER", frozenset(("order:read",)), above),
        Caller("place", "PORTAL_USER", frozenset(SCOPES), above, frozenset({"00", "01"})),
        Caller("rep", "SALES_REP", few, territories=area),
        Caller("analyst", "ANALYST", unnamed, subsidiaries=frozenset({"US"})),
    ]


def callers(rng: Random, facts: Facts, count: int) -> list[Caller]:
    """Of each kind in turn, with any of the scopes, bound to anything there is and to what there is not."""
    return [_caller(rng, facts, nth) for nth in range(count)]


def _caller(rng: Random, facts: Facts, nth: int) -> Caller:
    kind = KINDS[0] if nth % 2 else KINDS[nth // 2 % len(KINDS)]
    stated = frozenset(SCOPES if rng.random() < 0.3 else rng.sample(SCOPES, rng.randrange(1, len(SCOPES) + 1)))
    if rng.random() < 0.8:
        stated |= {"order:read"}
    account, ship_tos, territories, subsidiaries = None, frozenset[str](), frozenset[str](), None
    if kind == "SALES_REP":
        areas = sorted(set(facts.territories.values()))
        territories = frozenset(rng.sample([*areas, "nowhere"], rng.randrange(3)))
    elif rng.random() < (0.9 if kind == "PORTAL_USER" else 0.3):
        account = rng.choice((*facts.parents, "no such account")) if rng.random() < 0.9 else None
        if account and rng.random() < 0.4:
            ship_tos = frozenset(rng.sample(("00", "01", "02", "99"), rng.randrange(1, 3)))
    if rng.random() < 0.3:
        subsidiaries = frozenset(rng.sample(("US", "CA", "nobody's"), rng.randrange(3)))
    return Caller(f"caller-{nth}", kind, stated, account, ship_tos, territories, subsidiaries)


# -- what an answer ought to be ----------------------------------------------------------------------------------------


def allowed(caller: Caller, facts: Facts, truth: Told) -> Told:
    """What is left for ``caller`` of an answer that holds everything."""
    if isinstance(truth, list):
        return [allowed(caller, facts, each) for each in truth if each is None or _exists(caller, facts, each)]
    if not isinstance(truth, dict):
        return truth
    if not _exists(caller, facts, truth):
        return None
    type_ = truth["__typename"]
    kept = {name: allowed(caller, facts, value) if caller.reads(type_, name) else None for name, value in truth.items()}
    if type_ == "Customer" and caller.ship_tos and caller.kind != "SALES_REP" and "shipTos" in kept:
        kept["shipTos"] = [each for each in truth["shipTos"] if each["id"] in caller.ship_tos]
    if "totalCount" in kept:
        kept["totalCount"] = len(kept["nodes"] or ())
    if "pageInfo" in kept and not kept["nodes"]:
        kept["pageInfo"] = {**truth["pageInfo"], "startCursor": None, "endCursor": None}
    return kept


def _exists(caller: Caller, facts: Facts, truth: Told) -> bool:
    if not isinstance(truth, dict):
        return True
    type_ = truth["__typename"]
    if type_ in NUMBERED:
        return caller.sees(facts, type_, truth[NUMBERED[type_]])
    if type_ == "TimelineEvent":
        return STORY.get(truth["kind"], "order:read") in caller.scopes
    if type_.endswith("Edge"):
        return _exists(caller, facts, truth["node"])
    return type_ not in EXISTS or EXISTS[type_] in caller.scopes


def hears(caller: Caller, facts: Facts, activity: Told) -> bool:
    """Whether something that happened is told at all: what it is about must exist for the caller, and of a story that
    may not be told to the end there is nothing to tell.
    """
    about, story = activity[activity["kind"].lower()], activity["events"]
    silent = story and not allowed(caller, facts, story) and activity["before"] == activity["after"]
    return _exists(caller, facts, about) and not silent


@dataclass(slots=True)
class Verdict:
    """``checks``: fields that were compared, ``withheld``: those of them that are not to be seen. ``leaks``: seen and
    not to be seen; ``denied``: to be seen and not seen; ``differing``: seen, and not what it is.
    """

    checks: int = 0
    withheld: int = 0
    leaks: list[str] = field(default_factory=list)
    denied: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)

    def compare(self, where: str, truth: Told, expected: Told, told: Told) -> None:
        """``truth``: what there is, by which the fields of what must not be seen are counted."""
        if isinstance(expected, dict) and isinstance(told, dict):
            self._objects(where, truth, expected, told)
        elif isinstance(expected, list) and isinstance(told, list):
            self._lists(where, truth, expected, told)
        elif expected is None and told is not None:
            self._judge(truth, expected)
            self.leaks.append(f"{where}: {_brief(told)}")
        elif expected is not None and told is None:
            self._judge(truth, expected)
            self.denied.append(f"{where}: {_brief(expected)}")
        else:
            self._judge(truth, expected)
            if expected != told and where.rpartition(".")[2] not in UNSTEADY:
                self.differing.append(f"{where}: {_brief(told)} is not {_brief(expected)}")

    def add(self, other: "Verdict") -> None:
        self.checks += other.checks
        self.withheld += other.withheld
        self.leaks += other.leaks
        self.denied += other.denied
        self.differing += other.differing

    def _judge(self, truth: Told, expected: Told) -> None:
        """One check for a field; for an object that is not to be seen, one for each of its own fields."""
        fields = max(1, len(truth) - 1) if isinstance(truth, dict) else 1
        self.checks += fields
        self.withheld += fields if expected is None and truth is not None else 0

    def _objects(self, where: str, truth: Told, expected: Told, told: Told) -> None:
        for name in told.keys() - expected.keys():
            self.leaks.append(f"{where}.{name}: not asked for")
        for name, value in expected.items():
            if name != "__typename":
                self.compare(f"{where}.{name}", truth[name], value, told.get(name))
        if told.get("__typename") != expected["__typename"]:
            self.differing.append(f"{where}: {told.get('__typename')} is no {expected['__typename']}")

    def _lists(self, where: str, truth: Told, expected: Told, told: Told) -> None:
        whole, wanted, seen = _keyed(truth), _keyed(expected), _keyed(told)
        for key in dict.fromkeys((*whole, *seen)):
            self.compare(f"{where}[{key}]", whole.get(key), wanted.get(key), seen.get(key))
        order = [key for key in seen if key in wanted]
        if order != [key for key in wanted if key in seen]:
            self.differing.append(f"{where}: in another order")


def _keyed(rows: list[Told]) -> dict[str, Told]:
    """Rows by what they are known by, the second of a name by that and its turn, others by their place."""
    keyed: dict[str, Told] = {}
    turns: dict[str, int] = {}
    for place, row in enumerate(rows):
        key = _key(row) or str(place)
        turns[key] = turns.get(key, 0) + 1
        keyed[key if turns[key] == 1 else f"{key} ({turns[key]})"] = row
    return keyed


def _key(row: Told) -> str | None:
    if not isinstance(row, dict):
        return None
    type_ = row["__typename"]
    if type_ in NUMBERED:
        return f"{type_} {row[NUMBERED[type_]]}"
    if type_.endswith("Edge"):
        return _key(row["node"])
    if type_ in ("Activity", "OrderUpdate", "ShipmentUpdate"):
        return f"{row.get('kind')} {row.get('id')} {row['before']} {row['after']} {row['at']}"
    return f"{type_} {row['id']}" if type_ in ("TimelineEvent", "ShipTo") else None


def _brief(told: Told) -> str:
    return repr(told)[:80]
