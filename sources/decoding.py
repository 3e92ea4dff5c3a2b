"""JSON from outside, decoded so that a few bytes never become many objects."""

from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

MOST: Final = 100_000
"""Marks ("{", "[" and ",") in an answer. Each costs some 100 bytes once decoded; a consignment's story has hundreds."""


def decode(body: bytes, shape: type[T], *, most: int = MOST) -> T:
    """A whole answer in its shape. Raises ValueError, which msgspec's own errors are too, and RecursionError."""
    if len(body) > most and sum(map(body.count, (b"{", b"[", b","))) > most:
        raise ValueError(f"more than {most} values, which no such answer needs")
    return msgspec.json.decode(body, type=shape)
