"""Bodies come out as they went in, however they are packed and cut, and never larger than allowed."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.bodies import STEP, Body, Unreadable


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(data[half:])


PACKED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("", bytes),
    "identity": ("Identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "gzip of two members": ("gzip", members),
    "deflate": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare),
}


def read(data: bytes, encoding: str, *, cap: int = 10 * STEP, cut: int = 16 * 1024) -> bytes:
    body = Body(encoding=encoding, cap=cap)
    for start in range(0, len(data), cut):
        body.feed(data[start : start + cut])
    return body.whole()


DATA = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda unit, size: (unit * size)[:size], st.binary(min_size=1, max_size=9), st.integers(1, 4 * STEP)),
    st.sampled_from([bytes(size) for size in (STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP + 258)]),
)


@pytest.mark.parametrize(("encoding", "pack"), PACKED.values(), ids=PACKED)
@settings(max_examples=25, deadline=None)
@given(data=DATA, cut=st.integers(1, 5000))
def test_what_was_packed_is_read(encoding: str, pack: Callable[[bytes], bytes], data: bytes, cut: int) -> None:
    packed = pack(data)
    assert read(packed, encoding, cut=max(cut, len(packed) // 200)) == data


@pytest.mark.parametrize(("encoding", "pack"), PACKED.values(), ids=PACKED)
def test_the_cap_is_exact(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert len(read(pack(bytes(2 * STEP)), encoding, cap=2 * STEP)) == 2 * STEP
    with pytest.raises(Unreadable, match="larger than"):
        read(pack(bytes(2 * STEP + 1)), encoding, cap=2 * STEP)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_an_empty_body_needs_no_packing(encoding: str) -> None:
    assert read(b"", encoding) == b""


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (gzip.compress(b"data", mtime=0)[:-1], "gzip"),
        (gzip.compress(b"data", mtime=0)[:-5] + b"\0" + gzip.compress(b"data", mtime=0)[-4:], "gzip"),
        (gzip.compress(b"data", mtime=0) + b"more", "gzip"),
        (zlib.compress(b"data")[:-1], "deflate"),
        (zlib.compress(b"data") + b"more", "deflate"),
        (bare(b"data" * 100)[:-3], "deflate"),
        (b"\xff\xff\xff", "deflate"),
        (b"plain", "gzip"),
        (b"plain", "br"),
        (gzip.compress(gzip.compress(b"data", mtime=0), mtime=0), "gzip, gzip"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[-9:].hex(),
)
def test_a_damaged_or_foreign_body_is_refused(packed: bytes, encoding: str) -> None:
    with pytest.raises(Unreadable):
        read(packed, encoding)
