"""Reads response bodies in bounded steps: a few compressed bytes never become more memory than was granted."""

import zlib
from collections.abc import Iterator

STEP = 64 * 1024
ACCEPT_ENCODING = "gzip, deflate"


class Unreadable(Exception):
    """The body is larger than allowed, encoded in a way nobody asked for, or damaged."""


class Inflater:
    """Undoes gzip (RFC 1952, of several members too) or deflate (RFC 1950, or bare RFC 1951 as some servers send)."""

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding == "gzip"
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yields at most ``STEP`` bytes at a time; raises ``zlib.error``."""
        full = False
        while data or full:
            if self._stream is None or (self._stream.eof and data and self._gzip):
                self._stream = zlib.decompressobj(self._window(data[0]))
            elif self._stream.eof and data:
                raise zlib.error("data after the end of the stream")
            piece = self._stream.decompress(data, STEP)
            yield piece
            full = len(piece) == STEP and not self._stream.eof
            data = self._stream.unconsumed_tail or self._stream.unused_data

    def _window(self, first: int) -> int:
        """A zlib header starts with the method DEFLATED and a window of at most 32 KiB; a bare stream does not."""
        if self._gzip:
            return zlib.MAX_WBITS | 16
        return zlib.MAX_WBITS if first & 0x8F == zlib.DEFLATED else -zlib.MAX_WBITS

    @property
    def complete(self) -> bool:
        return self._stream is None or self._stream.eof


class Body:
    """A body as it arrives: at most ``cap`` bytes, both as sent and after decompression.

    ``encoding`` is the Content-Encoding header. Raises ``Unreadable``, having held ``cap`` and one chunk, or ``STEP``,
    at most.
    """

    def __init__(self, *, encoding: str, cap: int) -> None:
        self._encoding = encoding
        self._cap = cap
        self._inflater = _inflater(encoding) if encoding else None
        self._received = 0
        self._decoded = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._received += len(chunk)
        try:
            for piece in self._inflater.feed(chunk) if self._inflater else (chunk,):
                self._decoded += piece
                if len(self._decoded) > self._cap:
                    raise Unreadable(f"body larger than {self._cap} bytes")
        except zlib.error as error:
            raise Unreadable(f"damaged {self._encoding} body: {error}") from error
        if self._received > self._cap:
            raise Unreadable(f"body larger than {self._cap} bytes as sent")

    @property
    def size(self) -> int:
        """How many bytes it holds by now."""
        return len(self._decoded)

    def whole(self) -> bytes:
        """All of it, once everything sent was fed."""
        if self._inflater and not self._inflater.complete:
            raise Unreadable(f"{self._encoding} body cut short")
        return bytes(self._decoded)


def _inflater(encoding: str) -> Inflater | None:
    name = encoding.strip().lower().removeprefix("x-")
    if name in ("", "identity"):
        return None
    if name in ("gzip", "deflate"):
        return Inflater(name)
    raise Unreadable("body in an encoding nobody asked for")
