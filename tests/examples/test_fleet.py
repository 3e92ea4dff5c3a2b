"""A fleet starts its simulators at once, steers them together, and leaves none behind, whatever happens."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from examples.distributor.clock import START
from examples.distributor.fleet import SIMULATORS, Fleet, FleetError

PACKAGE = "tests.examples"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(("echo", "parrot"), package=PACKAGE) as running:
        yield running


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            return bool(reply.status == 200)
    except urllib.error.URLError:
        return False


def gone(url: str, within: float = 20) -> bool:
    """Whether nobody answers at ``url`` any more after so many seconds at most."""
    end = time.monotonic() + within
    while answers(url):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_every_simulator_answers_at_its_own_address(fleet: Fleet) -> None:
    assert set(fleet.urls) == {"echo", "parrot"}
    assert len(set(fleet.urls.values())) == 2
    assert all(answers(f"{url}/hello") for url in fleet.urls.values())


def test_faults_and_calls_are_each_simulators_own(fleet: Fleet) -> None:
    fleet.reset_calls()
    fleet.fault("echo", status=503)
    assert not answers(f"{fleet.urls['echo']}/a")
    assert answers(f"{fleet.urls['parrot']}/a")
    fleet.clear_faults()
    assert answers(f"{fleet.urls['echo']}/a")
    assert (fleet.calls("echo").total, fleet.calls("parrot").total) == (2, 1)


def test_all_clocks_move_and_stop_together(fleet: Fleet) -> None:
    fleet.set_clock(START)
    fleet.freeze()
    stopped = fleet.now()
    fleet.advance(86_400)
    told = set()
    for url in fleet.urls.values():
        with urllib.request.urlopen(f"{url}/__clock", timeout=5) as reply:
            told.add(json.loads(reply.read())["now"])
    assert len(told) == 1
    assert fleet.now() == stopped + timedelta(days=1)
    fleet.thaw()
    assert fleet.now() > stopped + timedelta(days=1)


def test_all_clocks_run_at_one_rate_and_show_the_same(fleet: Fleet) -> None:
    fleet.set_clock(START)
    fleet.set_rate(600)
    told = []
    for url in fleet.urls.values():
        with urllib.request.urlopen(f"{url}/__clock", timeout=5) as reply:
            told.append(json.loads(reply.read()))
    fleet.set_rate(1)
    assert [each["rate"] for each in told] == [600, 600]
    begun = [datetime.fromisoformat(each["now"]) - timedelta(seconds=600 * each["real"]) for each in told]
    assert abs(begun[0] - begun[1]) < timedelta(milliseconds=1)
    assert fleet.now() > START


def test_an_unknown_fault_is_told(fleet: Fleet) -> None:
    with pytest.raises(FleetError, match=r"echo refused PUT /__faults: .*latency"):
        fleet.fault("echo", latency=5)


def test_a_simulator_that_ends_is_an_error_in_its_own_words() -> None:
    with pytest.raises(FleetError, match="simulator broken ended with 1:\nthe broken simulator cannot find its <data>"):
        Fleet.start(("broken",), package=PACKAGE)


def test_one_failure_leaves_no_other_running() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(FleetError, match="broken"):
        Fleet.start(("echo", "broken"), package=PACKAGE, ports={"echo": port})
    assert gone(f"http://127.0.0.1:{port}/a", within=0)


def test_a_simulator_that_is_never_ready_is_named() -> None:
    with pytest.raises(FleetError, match=r"not ready after 1 s:\nmute"):
        Fleet.start(("mute",), package=PACKAGE, deadline=1)


def test_a_busy_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(FleetError, match=f"echo: port {port} is not free"):
            Fleet.start(("echo",), package=PACKAGE, ports={"echo": port})


def test_stopped_they_answer_no_more_even_while_a_call_hangs() -> None:
    with Fleet.start(("echo",), package=PACKAGE) as fleet:
        url = fleet.urls["echo"]
        fleet.fault("echo", hang=True)
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as hanging:
            hanging.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
            fleet.stop()
            assert gone(f"{url}/__calls", within=0)


OWNER = """
import sys
from examples.distributor.fleet import Fleet
fleet = Fleet.start(("echo",), package="tests.examples")
print(fleet.urls["echo"], flush=True)
sys.stdin.read()
"""


def test_they_end_when_their_owner_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        url = owner.stdout.readline().strip()
        assert answers(f"{url}/a")
        os.kill(owner.pid, signal.SIGKILL)
    assert gone(f"{url}/a")


def test_the_whole_company_starts_at_the_same_simulated_instant() -> None:
    with Fleet.start() as company:
        assert set(company.urls) == set(SIMULATORS)
        assert all(company.calls(name).total == 0 for name in SIMULATORS)
        assert company.now() - START < timedelta(minutes=2)
