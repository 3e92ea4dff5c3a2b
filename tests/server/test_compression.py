"""An answer is compressed as the client takes it, and is what it was once it is read."""

import zlib

import pytest
import zstandard

from server.compression import APART, CODINGS, SMALLEST, coding, compressed

TAKEN = {
    "": None,
    "identity": None,
    "br, deflate": None,
    "gzip": "gzip",
    "x-gzip": "gzip",
    "GZIP": "gzip",
    "zstd": "zstd",
    "gzip, deflate, br, zstd": "zstd",
    "gzip;q=1.0, zstd;q=0.5": "gzip",
    "gzip; q=0.5 , zstd ;q = 0.8": "zstd",
    "zstd;q=0, gzip;q=0.1": "gzip",
    "gzip;q=0": None,
    "*": "zstd",
    "*;q=0": None,
    "zstd;q=0, *;q=0.5": "gzip",
    "gzip;q=0.5, *;q=0": "gzip",
    "identity, gzip;q=0.5": None,
    "identity;q=0.5, gzip;q=0.5": "gzip",
    "gzip;q=much": None,
    "gzip;q=nan": None,
    "gzip;q=-1": None,
    ",;,": None,
}

READ = {"zstd": zstandard.decompress, "gzip": lambda body: zlib.decompress(body, wbits=zlib.MAX_WBITS | 16)}


@pytest.mark.parametrize(("field", "chosen"), TAKEN.items())
def test_the_coding_is_the_clients_choice(field: str, chosen: str | None) -> None:
    assert coding(field) == chosen


@pytest.mark.parametrize("size", [SMALLEST, APART], ids=["on the loop", "beside it"])
@pytest.mark.parametrize("name", CODINGS)
async def test_what_is_compressed_can_be_read(name: str, size: int) -> None:
    body = b'{"data":"Zo\xc3\xab"}' * (size // 10)
    sent = await compressed(body, name)
    assert len(sent) < len(body) / 10
    assert READ[name](sent) == body
