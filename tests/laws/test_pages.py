"""What the pages on security say is there: each test they name, each setting and scope there is."""

import re
from pathlib import Path

from domain.access import SCOPES, PrincipalKind
from server.sections import Claims, Issuer

ROOT = Path(__file__).parents[2]
SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
IDENTITY = (ROOT / "docs" / "identity.md").read_text(encoding="utf-8")


def test_every_test_that_a_promise_names_exists() -> None:
    named = set(re.findall(r"`(tests/[^`]+)`", SECURITY))
    assert len(named) > 20
    assert {path for path in named if not (ROOT / path).exists()} == set()


def test_every_promise_names_a_test() -> None:
    table = SECURITY.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ") and "| test |" not in line]
    assert rows
    assert [row for row in rows if "`tests/" not in row.split("|")[2]] == []


def test_every_setting_of_an_identity_provider_is_told() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+?)(?:__[^`]*)?`", IDENTITY, re.MULTILINE))
    assert {name.upper() for section in (Issuer, Claims) for name in section.model_fields} - told == set()


def test_every_scope_and_kind_is_told() -> None:
    assert [each for each in (*SCOPES, *PrincipalKind) if f"`{each}`" not in IDENTITY] == []
