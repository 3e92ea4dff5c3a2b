"""A scaffold runs as it is written: its suite passes against its stub, its code is clean, no foreign name is code."""

import ast
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.model import Lifecycle
from server.cli import app
from sources.codes import CodeTable
from sources.scaffold import from_openapi, from_wsdl, names, writing
from sources.scaffold.shapes import Interface

ROOT = Path(__file__).parents[3]
KONTOR = ROOT / "examples" / "kontor" / "kontor.wsdl"
WMS = ROOT / "examples" / "distributor" / "wms.openapi.json"
LINT = (("check", "-q"), ("format", "--check", "-q"))

SHOP = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://shop.example/api"}],
    "paths": {
        "/orders/{number}": {
            "get": {
                "operationId": "getOrder",
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}}}
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Answer": {
                "type": "object",
                "required": ["data"],
                "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}},
            },
            "Status": {"type": "string", "enum": ["NEW", "CLOSED"]},
            "Order": {
                "allOf": [
                    {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
                    {
                        "type": "object",
                        "properties": {
                            "status": {"$ref": "#/components/schemas/Status"},
                            "account": {"type": "object", "properties": {"code": {"type": ["string", "null"]}}},
                            "created-at": {"type": "string", "format": "date-time"},
                            "currency": {"type": "string"},
                            "total": {"type": "number", "nullable": True},
                            "replaces": {"$ref": "#/components/schemas/Order"},
                            "anything": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
                        },
                    },
                ]
            },
        }
    },
}

OWNED = '__import__("os").environ.__setitem__("OWNED", "1")'
HOSTILE = (
    f'x"\n{OWNED}\n#',
    f'"""\n{OWNED}\n"""',
    f"{{{OWNED}}}",
    f'\\" + {OWNED} + "',
    "$name${class_name}",
    "class",
    "__init__",
    "__struct_fields__",
    "",
    "2nd",
    "Größe",
    "Grosse",
    "数量",
    "\u202ereversed",
    "a\x00b",
    "self",
    "date",
    "str",
    "x" * 500,
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project to write into: ours by reference."""
    for name in ("domain", "examples", "server", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("sources", "tests"):
        (tmp_path / name).mkdir()
        for part in (ROOT / name).iterdir():
            if part.name not in {"sources", "__pycache__"}:
                (tmp_path / name / part.name).symlink_to(part)
    return tmp_path


def scaffold(tree: Path, *arguments: str) -> None:
    done = CliRunner().invoke(app, ["scaffold", *arguments, "--into", str(tree)])
    assert done.exit_code == 0, done.stderr


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["scaffold", *arguments])
    assert done.exit_code == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def run(tree: Path, *command: str) -> str:
    """What a command prints in the tree; it must succeed."""
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=tree, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shop(tree: Path) -> str:
    (tree / "shop.json").write_text(json.dumps(SHOP))
    return str(tree / "shop.json")


def clean(tree: Path, *systems: str) -> None:
    written = [f"{where}{name}" for name in systems for where in ("sources/", "tests/sources/")]
    for arguments in LINT:
        run(tree, "ruff", *arguments, "--no-cache", *written)


def passed(tree: Path, system: str) -> int:
    """How many of the system's tests pass, which must be all."""
    told = run(tree, "pytest", "-n0", "-q", "-p", "no:cacheprovider", f"tests/sources/{system}").splitlines()[-1]
    assert "skipped" not in told
    return int(told.split()[0])


def test_a_large_contract_is_scaffolded_and_keeps_its_suite(tree: Path) -> None:
    interface = asyncio.run(from_wsdl.from_file(KONTOR))
    assert len(interface.operations) >= 40
    scaffold(tree, "erp", "kontor", "--wsdl", str(KONTOR))
    assert passed(tree, "kontor") == 15
    clean(tree, "kontor")


def test_a_rest_service_is_scaffolded_and_keeps_its_suite(tree: Path) -> None:
    scaffold(tree, "erp", "shop", "--openapi", shop(tree))
    assert passed(tree, "shop") == 15
    clean(tree, "shop")


@pytest.mark.parametrize("kind", ["wms", "carrier"])
def test_a_warehouse_and_a_carrier_say_what_is_not_mapped(tree: Path, kind: str) -> None:
    told = WMS.read_text().replace("queryShipments", "trackShipments")
    (tree / "depot.json").write_text(told)
    scaffold(tree, kind, "depot", "--openapi", str(tree / "depot.json"))
    assert passed(tree, "depot") == 1
    clean(tree, "depot")


@pytest.mark.soak
def test_what_is_written_is_typed(tree: Path) -> None:
    scaffold(tree, "erp", "kontor", "--wsdl", str(KONTOR))
    scaffold(tree, "erp", "shop", "--openapi", shop(tree))
    scaffold(tree, "wms", "depot", "--openapi", str(WMS))
    written = [f"{where}{name}" for name in ("kontor", "shop", "depot") for where in ("sources/", "tests/sources/")]
    run(tree, "mypy", *written)


def test_the_suite_sees_a_contract_that_drifts(tree: Path) -> None:
    scaffold(tree, "erp", "kontor", "--wsdl", str(KONTOR))
    contract = tree / "tests" / "sources" / "kontor" / "stub" / "0.wsdl"
    text = contract.read_text()
    contract.write_text(text.replace('name="CurrencyCode" type="xs:string"', 'name="CurrencyCode" type="xs:int"'))
    with pytest.raises(AssertionError, match="CurrencyCode is"):
        run(tree, "pytest", "-n0", "-q", "-p", "no:cacheprovider", "-k", "fits_the_shapes", "tests/sources/kontor")


# --- a stranger's names -----------------------------------------------------------------------------------------------


def hostile() -> Interface:
    """The shop's description with hostile names wherever it may have one."""
    order = {text: {"type": "string"} for text in HOSTILE} | {
        f"{text} record": {"type": "object", "title": text, "properties": {text: {"type": "string", "enum": [text]}}}
        for text in HOSTILE
    }
    document = json.loads(json.dumps(SHOP))
    document["components"]["schemas"]["Order"]["allOf"][1]["properties"] |= order
    document["components"]["schemas"]["Status"]["enum"] += HOSTILE
    item = document["paths"].pop("/orders/{number}")
    item["get"]["operationId"] = f"get order {HOSTILE[0]}"
    document["paths"][f"/orders/{{number}}/{HOSTILE[0]}"] = item
    return from_openapi.read(json.dumps(document).encode())


def test_no_name_becomes_code(tree: Path) -> None:
    interface = hostile()
    orders = next(iter(interface.operations))
    writing.write(writing.files("erp", "evil", interface, origin=HOSTILE[0], rest=True, orders=orders), tree)
    harmless(tree)
    clean(tree, "evil")


def test_a_wsdls_names_are_no_code(tree: Path) -> None:
    """Those that no element has: lxml refuses the others."""
    escaped = OWNED.replace('"', "&quot;")
    (tree / "evil.wsdl").write_text(
        KONTOR.read_text().replace("Wrong item", f"&#10;&quot;&quot;&quot;&#10;{escaped}&#10;&quot;&quot;&quot;")
    )
    scaffold(tree, "erp", "evil", "--wsdl", str(tree / "evil.wsdl"))
    harmless(tree)
    clean(tree, "evil")


def harmless(tree: Path) -> None:
    """Nothing of a stranger's runs, nor could."""
    for path in (*tree.glob("sources/evil/*.py"), *tree.glob("tests/sources/evil/*.py")):
        said = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert not said & {"__import__", "os"}, path
    CodeTable.read("evil", tree / "sources" / "evil" / "codes.tsv", Lifecycle)
    run(tree, "sources.evil.adapter")


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_every_name_is_a_name_and_every_text_a_text(text: str) -> None:
    field, record = names.field(text), names.record(text)
    assert field.isidentifier()
    assert field.isascii()
    assert record.isidentifier()
    assert record[0].isupper()
    assert names.field(text, {field}) != field
    assert ast.literal_eval(names.quoted(text)) == text
    assert "\n" not in names.prose(text)
    assert '"' not in names.prose(text)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("erp", "kontor"), "Give one of"),
        (("wms", "kontor", "--wsdl", str(KONTOR)), "is for an ERP"),
        (("erp", "Kontor; rm", "--wsdl", str(KONTOR)), "no name for a source"),
        (("erp", "../up", "--wsdl", str(KONTOR)), "no name for a source"),
        (("erp", "kontor", "--wsdl", str(KONTOR), "--orders", "Ping"), "does not ask for one key"),
        (("erp", "kontor", "--wsdl", str(KONTOR), "--orders", "Nothing"), "none of its operations"),
        (("erp", "kontor", "--wsdl", str(WMS)), "well-formed"),
        (("erp", "kontor", "--openapi", str(KONTOR)), "is not JSON"),
        (("carrier", "kontor", "--openapi", str(WMS)), "looks like one of a carrier's"),
        (("erp", "wms", "--wsdl", str(KONTOR), "--into", str(ROOT)), "is there already"),
    ],
    ids=range(10),
)
def test_what_cannot_be_is_one_line(arguments: Sequence[str], why: str) -> None:
    said = refused(*arguments)
    assert why in said
    assert len(said.splitlines()) == 1
