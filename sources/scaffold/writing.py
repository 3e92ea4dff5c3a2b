"""Writes a scaffold's files: an adapter that runs at once, its wire shapes and codes, its test and the test's stub."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

from domain.model import Lifecycle
from sources.codes import COLUMNS
from sources.scaffold import from_openapi, from_wsdl, guesses, names, samples, wire
from sources.scaffold.guesses import OrderGuess
from sources.scaffold.shapes import Interface, Operation

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")
PORTS: Final = {"erp": "Erp", "wms": "Warehouse", "carrier": "Carrier"}
LONGEST_TITLE: Final = 28
SAFE_CODE: Final = re.compile(r"[^\t\r\n\x00-\x1f#\"][^\t\r\n\x00-\x1f]{0,79}")

Files = Mapping[str, bytes]
"""By path below the project's root."""


class Unsuitable(ValueError):
    """Nothing can be written of this; the text says why."""


def files(kind: str, name: str, interface: Interface, *, origin: str, rest: bool, orders: str | None = None) -> Files:
    """What to write for a system called ``name``. ``orders``: the operation to read orders with, in place of a guess.

    Raises ``Unsuitable``.
    """
    if not NAME.fullmatch(name):
        raise Unsuitable(f"{name!r} is no name for a source: small letters, digits and _, at most 30, a letter first")
    if orders is not None and (kind != "erp" or orders not in interface.operations):
        raise Unsuitable(f"{orders!r} is none of its operations that answer with a record")
    likely = guesses.looks_like(kind, interface)
    guess = guesses.order(interface, orders) if kind == "erp" else None
    if orders is not None and guess is None:
        lacking = ", ".join(guesses.ROLES)
        raise Unsuitable(f"{orders!r} does not ask for one key and answer with one record that has {lacking}")
    if guess:
        likely = {**likely, "orders": guess.operation.name}
    if not likely:
        raise Unsuitable(f"none of its {len(interface.operations)} operations looks like one of a {kind}'s")
    return _Scaffold(kind, name, interface, origin, rest, likely, guess).files()


def write(found: Files, root: Path) -> Sequence[Path]:
    """Writes all of them or, where one is there already, none; raises FileExistsError."""
    paths = {root / path: content for path, content in found.items()}
    for path in paths:
        if path.exists():
            raise FileExistsError(f"{path} is there already")
    for path, content in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(paths)


@dataclass(frozen=True, slots=True)
class _Scaffold:
    kind: str
    name: str
    interface: Interface
    origin: str
    rest: bool
    likely: Mapping[str, str]
    guess: OrderGuess | None

    @property
    def _operations(self) -> Sequence[Operation]:
        return [self.interface.operations[each] for each in dict.fromkeys(self.likely.values())]

    def _words(self) -> Mapping[str, str]:
        """What the templates leave open."""
        port = PORTS[self.kind]
        likely = (_fitting(f'        "{each}": {names.quoted(found)},') for each, found in self.likely.items())
        return {
            "name": self.name,
            "title": names.prose(self.origin)[:LONGEST_TITLE],
            "class_name": "".join(word.capitalize() for word in self.name.split("_")) + port,
            "port": port,
            "suite": f"{port}FirstSteps",
            "looks_like": "\n".join(likely),
            "answers": "\n".join(dict.fromkeys(map(self._answer, self._operations))),
        } | (self._about(self.guess) if self.guess else {})

    def files(self) -> Files:
        style = "rest" if self.rest else "soap"
        part = "orders" if self.guess else "bare"
        source, test = f"sources/{self.name}", f"tests/sources/{self.name}"
        roots = [operation.answer for operation in self._operations]
        told = f'"""{names.prose(self.origin)}: a skeleton, written by `crossdock scaffold`."""\n'
        return {
            f"{source}/__init__.py": told.encode(),
            f"{source}/adapter.py": self._filled(f"{style}_{part}.py.txt"),
            f"{source}/wire.py": wire.module(self.interface, roots, self.guess, rest=self.rest).encode(),
            f"{source}/codes.tsv": "".join(f"{line}\n" for line in self._codes()).encode(),
            f"{test}/test_{self.name}.py": self._filled("test_orders.py.txt" if self.guess else "test_bare.py.txt"),
            **{f"{test}/stub/{path}": content for path, content in self._stub().items()},
        }

    def _answer(self, operation: Operation) -> str:
        key = operation.name if self.rest else operation.element
        return _fitting(f"    {names.quoted(key)}: wire.{operation.answer},")

    def _about(self, guess: OrderGuess) -> dict[str, str]:
        values = "id_"
        for part in reversed(guess.key):
            values = f"{{{names.quoted(part)}: {values}}}"
        roles = {role: names.quoted(samples.said(self.interface, guess, role)) for role in guesses.ROLES}
        return {
            "operation": names.quoted(guess.operation.name),
            "answer": guess.operation.answer,
            "values": values,
            "path": names.quoted(from_openapi.address(guess.operation)),
            **roles,
        }

    def _filled(self, template: str) -> bytes:
        text = resources.files("sources.scaffold").joinpath("templates", template).read_text(encoding="utf-8")
        return _sorted_imports(Template(text).substitute(self._words())).encode()

    def _codes(self) -> Iterator[str]:
        yield "\t".join(COLUMNS)
        listed = self.guess.roles["status"][-1].codes if self.guess else ""
        reached = self.interface.reached(tuple(operation.answer for operation in self._operations))
        yield "# Move a code up from the remarks below once you know what it means."
        for code in filter(SAFE_CODE.fullmatch, self.interface.codes.get(listed, ())):
            meaning = code.upper()
            known = meaning in Lifecycle.__members__ and meaning != Lifecycle.UNKNOWN
            yield f"{'' if known else '# '}{wire.STATUS}\t{code}\t{meaning if known else '?'}\t\tguessed by its name"
        lists = {field.codes for record in reached.values() for field in record.fields if field.codes}
        for each in sorted(lists - {listed}):
            for code in filter(SAFE_CODE.fullmatch, self.interface.codes[each]):
                yield f"# {each}\t{code}\t?\t\t"

    def _stub(self) -> Files:
        named = {address: f"{place}{_extension(address)}" for place, address in enumerate(self.interface.documents)}
        about = {
            "endpoint": self.interface.endpoint,
            "documents": {_path(address): file for address, file in named.items()},
            "origins": sorted({_origin(address) for address in named}),
            "start": "" if self.rest else _path(self.interface.address),
            "operation": from_openapi.address(self.guess.operation) if self.guess else "",
            "key": samples.said(self.interface, self.guess, "number") if self.guess else "",
        }
        found = {file: self.interface.documents[address] for address, file in named.items()}
        if self.guess:
            found |= self._answers(self.guess)
        found["stub.json"] = json.dumps(about, indent=2, sort_keys=True).encode() + b"\n"
        return found

    def _answers(self, guess: OrderGuess) -> Files:
        whole, empty = samples.whole(self.interface, guess), samples.empty(self.interface, guess)
        if self.rest:
            return {"order.json": json.dumps(whole, indent=2).encode() + b"\n"}
        answers = {"order.xml": whole} | ({} if empty is None else {"none.xml": empty})
        return {file: from_wsdl.answer(self.interface, guess.operation, values) for file, values in answers.items()}


def _sorted_imports(text: str) -> str:
    """Imports in alphabetical order, whatever the adapter is called."""

    def ordered(block: re.Match[str]) -> str:
        lines = (line.split(" import ") for line in block[0].splitlines())
        return "".join(f"{home} import {_sorted_names(said)}\n" for home, said in sorted(lines))

    return re.sub(r"(?:^from \S+ import .+\n)+", ordered, text, flags=re.MULTILINE)


def _sorted_names(said: str) -> str:
    return ", ".join(sorted(said.split(", "), key=wire.import_rank))


def _fitting(line: str) -> str:
    """Their names can be longer than our lines."""
    return line if len(line) <= wire.WIDTH else f"{line}  # noqa: E501 (their name)"


def _extension(address: str) -> str:
    """What kind of document it is, from an address that may say anything."""
    found = re.search(r"\.(xsd|wsdl|json)$", urlsplit(address).path)
    return found[0] if found else ".xml"


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _path(address: str) -> str:
    parts = urlsplit(address)
    return parts.path + (f"?{parts.query}" if parts.query else "")
