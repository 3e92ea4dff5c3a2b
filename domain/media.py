"""What a document's bytes must look like to be handed on as what its owner says it is, and under which name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HEAD: Final = 8
"""Bytes that tell what a file is."""
TAIL: Final = 1024
"""Bytes at its end among which a PDF's last marker stands (ISO 32000-1, annex H, note 3 of H.3)."""
LONGEST_NAME: Final = 100

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Shape:
    """``starts``: how it may begin; ``ends``: what stands near its end; ``suffix``: of its file's name."""

    starts: tuple[bytes, ...]
    suffix: str
    ends: bytes = b""

    def begins(self, head: bytes) -> bool:
        return head.startswith(self.starts)

    def finishes(self, tail: bytes) -> bool:
        return self.ends in tail[-TAIL:]


SHAPES: Final[Mapping[str, Shape]] = {
    "application/pdf": Shape((b"%PDF-",), ".pdf", b"%%EOF"),
    "image/jpeg": Shape((b"\xff\xd8\xff",), ".jpg", b"\xff\xd9"),
    "image/png": Shape((b"\x89PNG\r\n\x1a\n",), ".png", b"IEND"),
    "image/tiff": Shape((b"II*\x00", b"MM\x00*"), ".tif"),
}
"""What is handed on at all, by media type; none of these runs in a browser."""


def file_name(title: str, shape: Shape) -> str:
    """A name that is one everywhere: letters, digits and ``._-`` only, no dot in front."""
    plain = _UNSAFE.sub("-", title.removesuffix(shape.suffix)).strip(".-_")[:LONGEST_NAME]
    return (plain or "document") + shape.suffix
