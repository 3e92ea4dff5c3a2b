"""How an answer is compressed: as its client takes it, at the cheapest level, and only where something is gained.

An answer that holds a secret beside words of a stranger's choosing betrays it by its length (BREACH, CVE-2013-3587).
For that the stranger must make the victim's browser ask: nothing here is answered on the strength of a cookie, a page
of another site has no token to send and is refused by its Origin, and an answer repeats nothing of its request but a
variable that is refused. So answers are compressed; whoever lets a browser sign in by itself must think again.
"""

import asyncio
import zlib
from collections.abc import Callable, Mapping

import zstandard

SMALLEST = 1024
"""Bytes below which an answer goes as it is."""

APART = 262_144
"""Bytes from which it is done beside the loop, which it would hold up for 0.2 ms (zstd) or 0.9 ms (gzip); going there
and back costs 0.08 ms of CPU (``benchmarks/http_shell.py``'s machine).
"""

LEVEL = 1


def _zstd(body: bytes) -> bytes:
    """A frame's window at this level is 512 KiB, within the 8 MiB that RFC 9659 allows."""
    return zstandard.ZstdCompressor(level=LEVEL).compress(body)


def _gzip(body: bytes) -> bytes:
    return zlib.compress(body, LEVEL, wbits=zlib.MAX_WBITS | 16)


CODINGS: Mapping[str, Callable[[bytes], bytes]] = {"zstd": _zstd, "gzip": _gzip}
"""The better first."""

OTHER_NAMES = {"x-gzip": "gzip"}
"""RFC 9110 section 8.4.1.3."""


def coding(accept_encoding: str) -> str | None:
    """One of CODINGS, or None for the answer as it is, by the field's weights (RFC 9110 section 12.5.3)."""
    weights: dict[str, float] = {}
    for member in accept_encoding.lower().split(","):
        name, *parameters = (part.strip() for part in member.split(";"))
        weights[OTHER_NAMES.get(name, name)] = _weight(parameters)
    rest = weights.get("*", 0.0)
    best = max(CODINGS, key=lambda name: weights.get(name, rest))
    weight = weights.get(best, rest)
    return best if weight > 0 and weight >= weights.get("identity", 0.0) else None


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.rstrip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


async def compressed(body: bytes, name: str) -> bytes:
    """``body`` in the coding ``name``."""
    compress = CODINGS[name]
    return await asyncio.to_thread(compress, body) if len(body) >= APART else compress(body)
