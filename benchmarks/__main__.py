"""What an answer costs: ``python -m benchmarks [SECTION ...]``; without names, every section.

``--record`` keeps the report in ``results.md``. ``--rounds`` and ``--seconds`` bound the load of the comparison.
"""

import argparse
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path

from benchmarks import calls, side_by_side

RESULTS = Path(__file__).with_name("results.md")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks")
    arguments.add_argument(
        "sections", nargs="*", help="calls, soap, engine, growth, shell, door, neighbour, side; none: all"
    )
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--seconds", type=int, default=4)
    arguments.add_argument("--record", action="store_true")
    asked = arguments.parse_args()
    sections: Mapping[str, tuple[str, Callable[[], str]]] = {
        "calls": ("Upstream calls per example query, nothing remembered", lambda: calls.table(calls.measure())),
        "soap": ("SOAP answers: table-driven mapper against zeep", lambda: _printed("benchmarks.soap_mapping")),
        "shell": ("HTTP shell against the same bytes precomputed", lambda: _printed("benchmarks.http_shell")),
        "engine": ("The engine alone", lambda: _printed("benchmarks.engine_alone")),
        "growth": ("How the engine's costs grow", lambda: _printed("benchmarks.engine_growth")),
        "door": ("HTTP door against bare aiohttp", lambda: _printed("benchmarks.http_door")),
        "neighbour": ("A small query beside a large one", lambda: _printed("benchmarks.busy_neighbour")),
        "side": (
            "Side by side on the shared harness",
            lambda: side_by_side.report(rounds=asked.rounds, seconds=asked.seconds),
        ),
    }
    if unknown := set(asked.sections) - sections.keys():
        arguments.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(sections)}")
    chosen = [sections[name] for name in asked.sections or sections]
    report = "\n".join([_heading(), *(f"\n## {title}\n\n{measure()}" for title, measure in chosen)]) + "\n"
    print(report)
    if asked.record:
        RESULTS.write_text(report)


def _heading() -> str:
    command = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    return f"# Benchmarks\n\n{datetime.now(UTC):%Y-%m-%d} · `{command}` · {machine()}"


def machine() -> str:
    cpus = Path("/proc/cpuinfo")
    named = [line.partition(":")[2].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")]
    return f"{cpu_count()} x {named[0] if named else platform.machine()}, Python {platform.python_version()}"


def _printed(module: str) -> str:
    """What a benchmark prints that wants a process of its own."""
    command = [sys.executable, "-m", module]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603 (our own module)


if __name__ == "__main__":
    main()
