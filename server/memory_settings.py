"""The groups of settings about memory: where it is kept, how it is read, how deliveries are worked on."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from ingest.worker import Rules
from resolvers.recall import First, Reading, Readings
from server.sections import Section

OFF = "off"
SHARED = "postgresql://"
"""How the address of a memory begins that several replicas can share."""

SCHEMES = ("sqlite:///", SHARED)


def _url(value: str) -> str:
    if value != OFF and not value.startswith(SCHEMES):
        raise ValueError("is neither off nor an address of SQLite or PostgreSQL")
    return value


class Store(Section):
    """Where memory is kept."""

    url: Annotated[str, AfterValidator(_url)] = Field(
        "sqlite:///crossdock.db",
        description="sqlite:///path/to/file.db, postgresql://user:password@host/database, or off to remember nothing",
    )
    audit_url: Annotated[str, AfterValidator(_url)] = Field(
        OFF,
        description="where the audit chain is kept while url is off; off as well: then no invoice, price, balance or"
        " document is shown",
    )
    tenant: str = Field("main", min_length=1, max_length=64, description="the name our rows bear in a shared database")


class Domain(Section):
    """How one visibility domain is read."""

    detail: First = Field(First.LIVE, description="who answers for a single object first: live or memory")
    lists: First = Field(First.MEMORY, description="where pages and search come from: memory or live")
    budget: float = Field(1.5, gt=0, le=60, description="seconds a live read may take before memory answers for it")

    def reading(self) -> Reading:
        return Reading(self.detail, self.lists, self.budget)


class Reads(Section):
    """Each visibility domain's policy; what is not given is live with memory behind it, lists from memory."""

    orders: Domain = Domain()
    warehouse: Domain = Domain()
    tracking: Domain = Domain()
    invoices: Domain = Domain()
    returns: Domain = Domain()
    customers: Domain = Domain()

    def readings(self) -> Readings:
        return Readings(**{name: domain.reading() for name, domain in self})


class Ingest(Section):
    """How deliveries are worked on."""

    worker: bool = Field(True, description="whether this process works on deliveries too; `--no-worker` turns it off")
    attempts: int = Field(8, ge=1, le=100, description="how often a delivery that fails is tried")
    park_hours: float = Field(72, gt=0, description="hours a delivery may wait for an order nobody has told of yet")
    keep_days: float = Field(
        400, ge=7, description="days a settled delivery is kept, 7 at least, for replay and rebuild"
    )
    keep_changes_days: float = Field(
        30, ge=1, description="days the log of changes goes back, for subscribers that come again"
    )
    carrier_grace_hours: float = Field(
        24, gt=0, description="hours goods may be stated as shipped before a carrier must know them"
    )
    reconcile_hours: float = Field(
        24, ge=0, description="hours between two reconciliations with the sources; 0: only on demand"
    )
    backfill: bool = Field(True, description="whether an empty memory is filled from the sources at start")

    @property
    def carrier_grace(self) -> timedelta:
        return timedelta(hours=self.carrier_grace_hours)

    def rules(self) -> Rules:
        return Rules(
            attempts=self.attempts, park_for=timedelta(hours=self.park_hours), carrier_grace=self.carrier_grace
        )
