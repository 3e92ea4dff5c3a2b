"""The company's paper as files: a PDF of one page, made when it is asked for."""

from collections.abc import Iterator
from typing import Final

PIECE: Final = 64 * 1024
PAGE: Final = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
)
FONT: Final = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"


def pdf(text: str, size: int = 0) -> Iterator[bytes]:
    """A PDF 1.4 file of one page that says ``text``, with comments that make it ``size`` bytes at least."""
    drawn = b"BT /F 18 Tf 72 720 Td (%s) Tj ET" % text.encode("ascii", "replace")
    content = b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn)
    yield b"%PDF-1.4\n"
    place, places = 9, []
    for number, body in enumerate((*PAGE, content, FONT), 1):
        piece = b"%d 0 obj\n%s\nendobj\n" % (number, body)
        places.append(place)
        place += len(piece)
        yield piece
    line = b"%" + b"." * (PIECE - 2) + b"\n"
    while place < size:
        place += len(line)
        yield line
    rows = b"".join(b"%010d 00000 n \n" % each for each in places)
    count = len(places) + 1
    yield b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (
        count,
        rows,
        count,
        place,
    )
