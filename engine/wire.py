"""How an answer is written: JSON, in which instants are UTC as RFC 3339 writes them (2026-03-01T19:03:00Z)."""

from collections.abc import Mapping
from typing import Any

import orjson


def written(answer: Mapping[str, Any]) -> bytes:
    """``answer`` may hold aware datetimes in UTC besides what JSON has."""
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)
