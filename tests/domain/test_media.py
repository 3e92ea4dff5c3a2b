"""What documents must look like, and the names they are saved under."""

import pytest

from domain.media import LONGEST_NAME, SHAPES, file_name

PDF = SHAPES["application/pdf"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Invoice INV-1", "Invoice-INV-1.pdf"),
        ("Invoice INV-1.pdf", "Invoice-INV-1.pdf"),
        ("../../etc/passwd", "etc-passwd.pdf"),
        ('a"; filename="evil.exe', "a-filename-evil.exe.pdf"),
        ("line\r\nSet-Cookie: x", "line-Set-Cookie-x.pdf"),
        ("Rechnung für Ü", "Rechnung-f-r.pdf"),
        (".htaccess", "htaccess.pdf"),
        ("\u202efdp.exe", "fdp.exe.pdf"),
        ("", "document.pdf"),
        ("請求書", "document.pdf"),
    ],
    ids=["plain", "suffixed", "path", "quoted", "lines", "umlauts", "hidden", "turned round", "empty", "other letters"],
)
def test_a_name_is_one_everywhere(title: str, name: str) -> None:
    assert file_name(title, PDF) == name


def test_a_long_name_keeps_its_suffix() -> None:
    assert file_name("x" * 1000, PDF) == "x" * LONGEST_NAME + ".pdf"


def test_nothing_that_a_browser_runs_is_handed_on() -> None:
    assert not {"text/html", "image/svg+xml", "text/xml", "application/xhtml+xml"} & SHAPES.keys()
    assert not [each for each in SHAPES.values() if each.begins(b"<!doctype html>") or each.begins(b"<svg")]
