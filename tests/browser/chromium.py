"""Finds the browser that tests drive: Debian's chromium where present, else the one `make` unpacked from its lock."""

from pathlib import Path
from typing import Any

DEBIAN = Path("/usr/bin/chromium")
UNPACKED = Path(__file__).parent / ".chromium"

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",  # root in a container has no user namespace to confine the browser with
)


def launch_options() -> dict[str, Any]:
    """Arguments for Playwright's ``chromium.launch``; raises FileNotFoundError where `make browser` has not run."""
    options: dict[str, Any] = {"headless": True, "args": list(FLAGS)}
    if DEBIAN.exists():
        return options | {"executable_path": DEBIAN}
    executable = UNPACKED / "chromium"
    if not executable.exists():
        raise FileNotFoundError(f"No browser: neither {DEBIAN} nor {executable}; run `make browser`.")
    return options | {
        "executable_path": executable,
        "env": {"LD_LIBRARY_PATH": str(UNPACKED / "al2023/lib"), "FONTCONFIG_PATH": str(UNPACKED / "fonts")},
    }
