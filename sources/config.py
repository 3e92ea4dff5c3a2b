"""What a source needs to be reached, as plain values handed in by the composition root."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one source may cost us and we may cost it. Times in seconds, sizes in bytes after decompression.

    ``deadline`` bounds a whole call, retries and drip-fed bodies included; ``retry_budget`` is the share of calls that may be retries.
    """

    deadline: float = 3.0
    connect_timeout: float = 1.0
    max_body: int = 16 * 1024 * 1024
    concurrency: int = 8
    attempts: int = 3
    retry_budget: float = 0.1
    breaker_failures: int = 5
    breaker_cooldown: float = 10.0


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One configured source: its name in errors and metrics, where it is, who we are there, and its limits.

    Unused credentials stay None; ``token_url`` is absolute.
    """

    name: str
    url: str
    limits: Limits = field(default_factory=Limits)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    token_url: str | None = None
