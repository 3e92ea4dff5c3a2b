"""Crossdock beside other GraphQL layers on the shared harness: one upstream, same answers, CPU per query in one run.

The harness is copied into a build folder that git ignores and is never changed; Crossdock joins it as one more
contender, with queries in its own words (``contender/queries``) and ``contender.answers`` to compare them.
"""

import importlib.util
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.contender import answers

ROOT = Path(__file__).resolve().parent.parent
HARNESS = ROOT.parent / "shared" / "bench"
BUILD = Path(__file__).with_name(".bench")
OWN = Path(__file__).with_name("contender")

OURS, PORT = "crossdock", 9210
RIVALS = {
    "strawberry-plain": "strawberry-plain",
    "strawberry-tuned": "strawberry-tuned",
    "mercurius-jit": "node-expert",
    "yoga-jit": "node-expert",
}
"""Contender to the folder it is installed from."""

QUERIES = ("Q1", "Q2", "Q3", "Q5")
ERROR_SIGNS = ("source failed", "unexpected error")
"""What our log says when an answer with status 200 is not whole (``graph.errors``)."""

TOOLS = {"node": "Node 20", "npm": "Node 20", "taskset": "apt-get install util-linux", "wrk": "apt-get install wrk"}
CURSORS = (
    "query($after: String) { orders(first: 100, after: $after, orderBy: PLACED_AT_ASC) { pageInfo { endCursor } } }"
)


class Unavailable(Exception):
    """Something the comparison needs is not on this machine; the message says what and how to get it."""


class Comparison:
    """The harness's copy, with Crossdock among its contenders."""

    def __init__(self) -> None:
        _copy(HARNESS, BUILD)
        _copy(OWN / "queries", BUILD / "contenders" / OURS / "queries")
        _run(["node", "contract/build.js"], BUILD)
        contenders = BUILD / "bench" / "contenders.json"
        known = json.loads(contenders.read_text())
        contenders.write_text(json.dumps(known | {OURS: _entry()}))
        self.bench = _load(BUILD / "bench" / "bench.py")
        self.bench.canon = answers.canonical
        self._theirs: Callable[[str, str], list[dict[str, Any]]] = self.bench.payloads
        self.bench.payloads = self._payloads
        self._workload: Mapping[str, Sequence[Mapping[str, Any]]] = self.bench.WORKLOAD
        self.skipped: dict[str, str] = {}

    def install(self, names: Sequence[str]) -> list[str]:
        """The names that could be installed; the others are in ``skipped`` with the reason."""
        for name in names:
            folder = BUILD / "contenders" / RIVALS[name]
            try:
                (_npm if (folder / "package.json").exists() else _pip)(folder)
            except Unavailable as reason:
                self.skipped[name] = str(reason)
        return [name for name in names if name not in self.skipped]

    def verify(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """The harness's gate for one contender: every answer equal, and by query its calls and waves.

        Raises Unavailable when an answer differs.
        """
        ours = {
            query: [{"data": answers.expected(query, row["data"])} for row in rows]
            for query, rows in self._workload.items()
        }
        self.bench.WORKLOAD = ours if name == OURS else self._workload
        try:
            wrong = self.bench.verify([name], QUERIES)
        finally:
            self.bench.WORKLOAD = self._workload
        if wrong:
            raise Unavailable(f"{wrong} of its answers differ")
        found: dict[str, dict[str, Any]] = json.loads((BUILD / "results" / "verify.json").read_text())
        return {key.partition("/")[2]: row for key, row in found.items()}

    def run(self, names: Sequence[str], *, rounds: int, seconds: int) -> Sequence[Mapping[str, Any]]:
        """Interleaved rounds under load; one row per round, contender and query."""
        if shutil.which("wrk") is None:
            self.bench.wrk = self._load
            self.skipped["wrk"] = f"{TOOLS['wrk']}; the load came from benchmarks.load"
        results = BUILD / "results" / "run-last-lat0-c32.jsonl"
        results.unlink(missing_ok=True)
        order = {"names": list(names), "queries": list(QUERIES), "rounds": rounds, "seconds": seconds}
        load = {"warmup": 2, "connections": 32, "latency": 0, "tag": "last"}
        quiet = {"foreign": 8.0, "quiet_wait": 0, "tries": 1}
        self.bench.run(Namespace(**order, **load, **quiet))
        return [json.loads(line) for line in results.read_text().splitlines()]

    def _load(self, name: str, bodies: str, connections: int, seconds: int) -> dict[str, Any]:
        return load.against(self.bench.url(name), bodies, connections, seconds, self.bench.CORE_LOAD)

    def _payloads(self, name: str, query: str) -> list[dict[str, Any]]:
        if name != OURS:
            return self._theirs(name, query)
        text = " ".join(self.bench.query_text(OURS, query).split())
        rows = self._cursors if query == "Q3" else [row["variables"] for row in self._workload[query]]
        return [{"query": text, "variables": variables} for variables in rows]

    @cached_property
    def _cursors(self) -> list[dict[str, Any]]:
        """Q3's numbered pages as a client of ours finds them: each by the cursor the one before ended with."""
        found: list[dict[str, Any]] = [{"after": None}]
        while len(found) < len(self._workload["Q3"]):
            answer, _ = self.bench.post(OURS, {"query": CURSORS, "variables": found[-1]})
            found.append({"after": answer["data"]["orders"]["pageInfo"]["endCursor"]})
        return found


def report(*, rounds: int, seconds: int) -> str:
    """The whole comparison as markdown; progress goes to stdout as the harness prints it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))  # so that the harness stops what it started
    os.environ["PATH"] += os.pathsep + str(Path(sys.executable).parent)
    if not HARNESS.exists():
        return f"Skipped: the shared harness is not beside this repository ({HARNESS.relative_to(ROOT.parent)})."
    if missing := [tool for tool in TOOLS if tool != "wrk" and shutil.which(tool) is None]:
        return "Skipped: " + "; ".join(f"no {tool} ({TOOLS[tool]})" for tool in missing)
    comparison = Comparison()
    checked = {OURS: comparison.verify(OURS)}
    for name in comparison.install(list(RIVALS)):
        try:
            checked[name] = comparison.verify(name)
        except (Unavailable, SystemExit) as reason:
            comparison.skipped[name] = str(reason)
    try:
        rows = comparison.run(list(checked), rounds=rounds, seconds=seconds)
    except Unavailable as reason:
        rows = []
        comparison.skipped["load"] = str(reason)
    memory = f"Crossdock's memory: {os.environ.get('CONTENDER_MEMORY', 'cold')}.\n"
    return "\n".join([memory, *_tables(checked, rows, rounds, seconds), *_remarks(comparison.skipped)])


def _tables(
    checked: Mapping[str, Mapping[str, Mapping[str, Any]]], rows: Sequence[Mapping[str, Any]], rounds: int, seconds: int
) -> list[str]:
    def row(head: str, cells: Sequence[str]) -> str:
        return f"| {head} | {' | '.join(cells)} |"

    def median(name: str, query: str, figure: str) -> float:
        return statistics.median(float(r[figure]) for r in rows if r["contender"] == name and r["query"] == query)

    rule = row("---", ["---:"] * len(QUERIES))
    lines = [row("upstream calls (waves) per query, one at a time", QUERIES), rule]
    lines += [
        row(name, [f"{found[query]['calls_per_query']} ({found[query]['waves']})" for query in QUERIES])
        for name, found in checked.items()
    ]
    if rows:
        cpu = {name: [median(name, query, "cpu_ms_per_query") for query in QUERIES] for name in checked}
        title = f"CPU ms per query, medians of {rounds} rounds x {seconds} s, 32 connections"
        lines += ["", row(title, QUERIES), rule]
        lines += [row(name, [f"{ms:.2f}" for ms in found]) for name, found in cpu.items()]
        lines += [
            row(f"crossdock / {name}", [f"{own / other:.2f}x" for own, other in zip(cpu[OURS], found, strict=True)])
            for name, found in cpu.items()
            if name != OURS
        ]
        failed = sum(r["errors"] for r in rows)
        log = (BUILD / "logs" / f"{OURS}.log").read_text()
        spoilt = sum(log.count(sign) for sign in ERROR_SIGNS)
        foreign = max(r["foreign_pct"] for r in rows)
        told = f"Under load {failed} answers failed, Crossdock told {spoilt} errors in its own"
        lines += ["", f"{told}; other work on the machine took at most {foreign:.0f}% of a core."]
        lines += [
            f"{row['contender']}'s {row['query']} is void: {row['bytes_per_answer']:.0f} bytes an answer under load,"
            f" {checked[row['contender']][row['query']]['response_bytes']} one at a time."
            for row in rows
            if row["bytes_per_answer"] * 2 < checked[row["contender"]][row["query"]]["response_bytes"]
        ]
    return lines


def _remarks(skipped: Mapping[str, str]) -> list[str]:
    differs = [f"- {query}: {sentence}." for query, sentence in answers.DIFFERENCES.items()]
    absent = [f"- {name} skipped: {reason}" for name, reason in skipped.items()]
    return ["", "Where our schema tells it differently (checked as such, value by value):", *differs, *absent]


def _entry() -> dict[str, Any]:
    serve = [sys.executable, "-m", "uvicorn", "benchmarks.contender.app:app", "--app-dir", str(ROOT)]
    listen = ["--host", "127.0.0.1", "--port", str(PORT), "--no-access-log", "--log-level", "warning"]
    return {"port": PORT, "dir": OURS, "cmd": [*serve, *listen], "reshape": dict(answers.RESHAPE)}


def _copy(source: Path, target: Path) -> None:
    """Contents alone: the harness's files are read-only."""
    for file in source.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)


def _load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("shared_bench", path)
    if spec is None or spec.loader is None:
        raise Unavailable(f"{path.name} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _npm(folder: Path) -> None:
    if not (folder / "node_modules" / ".package-lock.json").exists():  # which npm writes last
        _run(["npm", "install", "--no-package-lock", "--silent", "--no-audit", "--no-fund"], folder)


def _pip(folder: Path) -> None:
    venv, uv = folder / ".venv", str(ROOT / ".bootstrap" / "bin" / "uv")
    if not (venv / "bin" / "uvicorn").exists():
        _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)], folder)
        _run([uv, "pip", "install", "--quiet", "--python", str(venv), "-r", "requirements.txt"], folder)


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603 (our own words)
    except FileNotFoundError as error:
        raise Unavailable(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{' '.join(command[:3])}: {error.stderr.strip()[-300:]}") from error
