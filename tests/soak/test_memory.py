"""The whole company in memory by the commands of the README: filled, compared, made anew."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.distributor.clock import START
from examples.distributor.environment import environment
from examples.distributor.fleet import Fleet
from examples.distributor.world import World

CROSSDOCK = str(Path(sys.executable).with_name("crossdock"))

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]


def test_memory_is_filled_equals_its_owners_and_is_made_anew(tmp_path: Path) -> None:
    with Fleet.start() as fleet:
        fleet.freeze()
        environ = os.environ | environment(fleet.urls, f"sqlite:///{tmp_path}/crossdock.db")

        def crossdock(command: str) -> str:
            fleet.advance(1)
            ran = subprocess.run([CROSSDOCK, command], env=environ, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, ran.stderr
            return ran.stdout.splitlines()[-1]

        filled = crossdock("backfill")
        assert (found := re.search(r"done, .*?(\d+) order", filled)), filled
        assert int(found[1]) == len(_placed())
        assert " 0 differences" in crossdock("reconcile")
        assert ": done, " in crossdock("rebuild")
        assert " 0 differences" in crossdock("reconcile")


def _placed() -> list[str]:
    """The orders that the ERP has when its clock starts."""
    world = World.build()
    return [number for number in world.orders if world.erp_order(number, START) is not None]
