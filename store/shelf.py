"""Documents on disk for a while: each content once, under its SHA-256, and for each document which content it has.

A file is there whole or not at all, whatever ends the process: it is written beside, flushed, and renamed. Any number
of processes may share the folder. What is here can always be fetched again, so nothing is lost with it.
"""

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, cast

ABANDONED: Final = 3600.0
"""Seconds after which what a dead process was writing is cleared away, and content that no document has any more."""
SWEEP_EVERY: Final = 300.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A document's content. ``digest``: its SHA-256 in hexadecimal; ``size`` in bytes."""

    path: Path
    digest: str
    size: int


class Shelf:
    """``lifetime``: seconds that a document is kept; ``clock``: the machine's, as files are stamped by it.

    Everything here waits for the disk: call it in a thread. Raises OSError where a file cannot be written.
    """

    def __init__(self, folder: Path, lifetime: float, clock: Callable[[], float] = time.time) -> None:
        self._contents, self._names, self._drafts = (folder / part for part in ("contents", "names", "drafts"))
        self._lifetime = lifetime
        self._clock = clock
        self._swept = -SWEEP_EVERY

    def find(self, key: str) -> Kept | None:
        """What is kept of the document ``key``; None where that is nothing, too old, or damaged."""
        name = self._name(key)
        try:
            if name.stat().st_mtime + self._lifetime <= self._clock():
                return None
            digest, size = name.read_text("ascii").split()
            kept = Kept(self._content(digest), digest, int(size))
            return kept if kept.path.stat().st_size == kept.size else None
        except (OSError, ValueError):
            return None

    def draft(self) -> "Draft":
        """A new content, to be written and then kept or discarded."""
        self._drafts.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Draft(self, *tempfile.mkstemp(dir=self._drafts))

    def sweep(self) -> None:
        """Clears away what is too old."""
        now = self._clock()
        self._swept = now
        for folder, age in (
            (self._names, self._lifetime),
            (self._contents, self._lifetime + ABANDONED),
            (self._drafts, ABANDONED),
        ):
            for path in folder.glob("*"):
                with suppress(FileNotFoundError):
                    if path.stat().st_mtime + age <= now:
                        path.unlink()

    def _keep(self, key: str, draft: Path, digest: str, size: int) -> Kept:
        """Content that is there already is taken again, with its time renewed."""
        kept = Kept(self._content(digest), digest, size)
        self._place(draft, kept.path)
        name, text = tempfile.mkstemp(dir=self._drafts)
        with os.fdopen(name, "w") as file:
            file.write(f"{digest} {size}")
            file.flush()
            os.fsync(file.fileno())
        self._place(Path(text), self._name(key))
        if self._clock() >= self._swept + SWEEP_EVERY:
            self.sweep()
        return kept

    def _place(self, draft: Path, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = self._clock()
        os.utime(draft, (now, now))
        draft.replace(path)

    def _content(self, digest: str) -> Path:
        return self._contents / digest

    def _name(self, key: str) -> Path:
        return self._names / sha256(key.encode()).hexdigest()


class Draft:
    """A content under way; nobody else writes to it."""

    def __init__(self, shelf: Shelf, descriptor: int, path: str) -> None:
        self._shelf = shelf
        self._file = cast(BinaryIO, os.fdopen(descriptor, "wb", buffering=0))
        self._path = Path(path)
        self._digest = sha256()
        self._size = 0

    def write(self, piece: bytes) -> None:
        left = memoryview(piece)
        while left:
            left = left[self._file.write(left) :]
        self._digest.update(piece)
        self._size += len(piece)

    def keep(self, key: str) -> Kept:
        os.fsync(self._file.fileno())
        self._file.close()
        return self._shelf._keep(key, self._path, self._digest.hexdigest(), self._size)  # noqa: SLF001 (its own shelf)

    def discard(self) -> None:
        """Whatever became of it; what was kept is not touched."""
        self._file.close()
        self._path.unlink(missing_ok=True)
