"""What a source needs to be reached, as plain values handed in by the composition root."""

from dataclasses import dataclass, field
from pathlib import Path

from domain.ownership import Wave


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one source may cost us and we may cost it. Times in seconds, sizes in bytes after decompression.

    ``document`` and ``document_deadline`` are of a document fetched as a file; ``document_pause`` is how long its next
    bytes may be awaited.

    ``deadline`` bounds a whole call, retries and drip-fed bodies included; ``retry_budget`` is the share of calls that
    may be retries. The breaker opens after ``breaker_failures`` in a row, for ``breaker_cooldown``.
    """

    deadline: float = 3.0
    connect_timeout: float = 1.0
    max_body: int = 8 * 1024 * 1024
    concurrency: int = 8
    attempts: int = 3
    retry_budget: float = 0.1
    breaker_failures: int = 5
    breaker_cooldown: float = 10.0
    document: int = 64 * 1024 * 1024
    document_deadline: float = 120.0
    document_pause: float = 10.0


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One configured source: its name in errors and metrics, where it is, who we are there, and its limits.

    Unused credentials stay None; ``token_url`` is absolute. ``codes``: what ``CodeTable.read`` lays over its codes.
    """

    name: str
    url: str
    limits: Limits = field(default_factory=Limits)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    token_url: str | None = None
    codes: Path | None = None


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """For how many seconds answers count as fresh, by visibility domain.

    ``tracking_final`` is for consignments whose last event ends the matter, ``not_found`` for keys a source does not
    know. ``stale_for``: how old an answer may be that stands in for a failed read. ``entries``: how many are
    remembered of each kind.
    """

    orders: float = 15
    customers: float = 300
    hierarchy: float = 300
    receivables: float = 60
    invoices: float = 60
    returns: float = 60
    warehouse: float = 15
    tracking: float = 120
    tracking_final: float = 86_400
    not_found: float = 5
    stale_for: float = 86_400
    entries: int = 5_000


@dataclass(frozen=True, slots=True)
class Following:
    """The ERP that takes over from the one there is, and what it has taken over. ``shadow``: the share of what either
    serves that is compared with the other's word, 0 to 1.
    """

    kind: str
    source: SourceConfig
    waves: tuple[Wave, ...] = ()
    shadow: float = 0.0


@dataclass(frozen=True, slots=True)
class EstateConfig:
    """All configured sources, each with the kind of system it is (``sources.registry`` names the kinds)."""

    erp_kind: str
    erp: SourceConfig
    wms_kind: str
    wms: SourceConfig
    carriers: tuple[tuple[str, SourceConfig], ...]
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    following: Following | None = None
