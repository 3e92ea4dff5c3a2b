"""Documents on disk: each content once, whole or not at all, and only for a while."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from store.shelf import ABANDONED, Kept, Shelf

LIFETIME = 900.0


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(tmp_path: Path, clock: Clock) -> Shelf:
    return Shelf(tmp_path / "shelf", LIFETIME, clock)


def keep(shelf: Shelf, key: str, *pieces: bytes) -> Kept:
    draft = shelf.draft()
    for piece in pieces:
        draft.write(piece)
    kept = draft.keep(key)
    draft.discard()
    return kept


def files(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.rglob("*") if path.is_file())


def test_what_was_kept_is_found_by_any_process_and_nothing_else_is(shelf: Shelf, tmp_path: Path, clock: Clock) -> None:
    kept = keep(shelf, "erp file-1", b"a" * 100, b"b")
    assert (kept.digest, kept.size) == (sha256(b"a" * 100 + b"b").hexdigest(), 101)
    assert Shelf(tmp_path / "shelf", LIFETIME, clock).find("erp file-1") == kept
    assert kept.path.read_bytes() == b"a" * 100 + b"b"
    assert shelf.find("erp file-2") is None


def test_the_same_content_stands_there_once(shelf: Shelf, tmp_path: Path) -> None:
    assert keep(shelf, "one", b"same") == keep(shelf, "two", b"same")
    assert files(tmp_path) == ["contents", "names", "names"]


def test_it_ends_and_its_content_stays_for_who_still_reads_it(shelf: Shelf, tmp_path: Path, clock: Clock) -> None:
    kept = keep(shelf, "one", b"content")
    clock.now += LIFETIME
    assert shelf.find("one") is None
    shelf.sweep()
    assert kept.path.exists()
    clock.now += ABANDONED
    shelf.sweep()
    assert files(tmp_path) == []


def test_content_taken_again_lives_as_long_as_its_last_document(shelf: Shelf, clock: Clock) -> None:
    keep(shelf, "one", b"content")
    clock.now += LIFETIME + ABANDONED - 1
    kept = keep(shelf, "two", b"content")
    clock.now += LIFETIME - 1
    shelf.sweep()
    assert shelf.find("two") == kept


def test_what_a_dead_process_left_is_never_found_and_cleared_away(shelf: Shelf, tmp_path: Path) -> None:
    dead = shelf.draft()
    dead.write(b"half of")
    assert shelf.find("one") is None
    assert files(tmp_path) == ["drafts"]
    later = Shelf(tmp_path / "shelf", LIFETIME, lambda: 4_000_000_000.0)
    later.sweep()
    assert files(tmp_path) == []
    dead.discard()


def test_damaged_content_is_not_found(shelf: Shelf) -> None:
    kept = keep(shelf, "one", b"content")
    kept.path.write_bytes(b"cont")
    assert shelf.find("one") is None
