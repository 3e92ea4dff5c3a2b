"""When a failed call may be tried again: only while the budget lasts, so that retries never become the outage."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from domain.errors import SourceUnavailable

BURST = 3.0
"""How many retries a budget can hold back for a bad moment."""


class Transient(SourceUnavailable):
    """A failure that the same call a moment later may not meet: refused connection, reset, 429, 502, 503, 504."""


class RetryBudget:
    """A token bucket: each first attempt earns ``share`` of a retry, each retry costs one.

    It starts empty, so retries never exceed that share of all calls.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._tokens = 0.0

    def earn(self) -> None:
        self._tokens = min(self._tokens + self._share, BURST)

    def spend(self) -> bool:
        """True when one retry was affordable, and is now paid for."""
        if self._tokens < 1.0 - 1e-9:
            return False
        self._tokens -= 1.0
        return True


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that Retry-After asks for, by count or date (RFC 9110 section 10.2.3); None: absent or unreadable."""
    raw = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", raw):
        return float(raw)
    try:
        when = parsedate_to_datetime(raw)
    except ValueError:
        return None
    return max((when.replace(tzinfo=when.tzinfo or UTC) - now).total_seconds(), 0.0)
