"""Several processes serve as one: any of them answers, one that dies is replaced, and all stop without dropping any."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from examples.distributor import environment as company
from examples.distributor.fleet import SIMULATORS, Fleet
from examples.distributor.idp import DEMO_SECRET
from examples.distributor.signing import signed
from examples.distributor.world import World
from server import settings
from server.environment import Misconfigured
from server.processes import portion

COMMAND = [sys.executable, "-m", "server.cli", "serve"]
PROCESSES = 3
PATIENCE = 60.0
NOWHERE = "http://127.0.0.1:9"
GIVEN = {
    "CROSSDOCK_INGEST__BACKFILL": "false",
    "CROSSDOCK_INGEST__RECONCILE_HOURS": "0",
    "CROSSDOCK_READS__ORDERS__BUDGET": "30",
    "CROSSDOCK_DEADLINE": "60",
    "CROSSDOCK_ERP__LIMITS__DEADLINE": "30",
    "CROSSDOCK_ERP__LIMITS__CONCURRENCY": "60",
    "CROSSDOCK_METRICS_TOKEN": "scraper",
}


def until(look: Callable[[], Any], what: str) -> Any:
    """What ``look`` finds, once it finds anything."""
    ends = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < ends, what
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Fleet.start(names=("idp", "erp")) as fleet:
        yield fleet


@dataclass
class Serving:
    """``crossdock serve --workers 3`` as a process, and what it wrote so far."""

    main: subprocess.Popen[bytes]
    address: str
    printed: Path
    idp: str

    def lines(self, event: str) -> list[dict[str, Any]]:
        told = (json.loads(line) for line in self.printed.read_text().splitlines() if line.endswith("}"))
        return [line for line in told if line["event"] == event]

    def pids(self) -> Mapping[int, int]:
        """Who serves in each place now, or did last."""
        return {line["process"]: line["pid"] for line in self.lines("serving")}

    def token(self, persona: str = "buyer") -> str:
        form = {"grant_type": "client_credentials", "client_id": persona, "client_secret": DEMO_SECRET}
        found: str = httpx.post(f"{self.idp}/token", data=form).json()["access_token"]
        return found

    def ask(self, query: str, bearer: str, **headers: str) -> httpx.Response:
        """On a connection of its own."""
        given = {"authorization": f"Bearer {bearer}"} | headers
        return httpx.post(f"{self.address}/graphql", json={"query": query}, headers=given, timeout=PATIENCE)

    def metric(self, sample: str) -> float:
        told = httpx.get(f"{self.address}/metrics", headers={"authorization": "Bearer scraper"}).text
        found = re.search(rf"^crossdock_{re.escape(sample)} (\S+)$", told, re.MULTILINE)
        return float(found[1]) if found else 0.0


@contextmanager
def serving(fleet: Fleet, folder: Path, **given: str) -> Iterator[Serving]:
    urls = dict.fromkeys(SIMULATORS, NOWHERE) | dict(fleet.urls)
    store = f"sqlite:///{folder}/crossdock.db"
    environ = {**os.environ, "TMPDIR": str(folder), **company.environment(urls, store), **GIVEN, **given}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    printed = folder / "printed"
    command = [*COMMAND, "--workers", str(PROCESSES), "--port", str(port)]
    with printed.open("wb") as out, subprocess.Popen(command, env=environ, stderr=out) as main:
        here = Serving(main, f"http://127.0.0.1:{port}", printed, fleet.urls["idp"])
        children: list[psutil.Process] = []
        try:
            until(lambda: len(here.pids()) == PROCESSES or main.poll() is not None, "all serve")
            assert main.poll() is None, printed.read_text()
            children = psutil.Process(main.pid).children()
            yield here
        finally:
            main.terminate()
            try:
                main.wait(PATIENCE)
            finally:
                main.kill()
                for child in children:
                    with suppress(psutil.NoSuchProcess):
                        child.kill()


@pytest.fixture(scope="module")
def shared(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(fleet, tmp_path_factory.mktemp("several")) as here:
        yield here


# -- as one ------------------------------------------------------------------------------------------------------------


def test_any_of_them_answers_and_metrics_tell_of_all(shared: Serving) -> None:
    bearer, before = shared.token(), shared.metric('graphql_operations_total{kind="query"}')
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shared.ask("{ viewer { kind } }", bearer), range(60)))
    assert {str(answer.json()["data"]) for answer in answers} == {"{'viewer': {'kind': 'PORTAL_USER'}}"}
    answered = [line["process"] for line in shared.lines("request") if line["route"] == "/graphql"]
    assert len(answered) >= 60
    assert len(set(answered)) > 1
    for _ in range(6):
        assert shared.metric('graphql_operations_total{kind="query"}') == before + 60
    assert shared.metric("processes") == PROCESSES


def test_one_that_is_killed_is_replaced_later_each_time_and_what_it_counted_is_kept(shared: Serving) -> None:
    bearer = shared.token()
    counted = shared.metric('graphql_operations_total{kind="query"}')
    for _ in range(2):
        _replaced(shared, 1)
    ended = shared.lines("a process has ended")
    assert [(line["process"], line["status"], line["again_in"]) for line in ended] == [(1, -9, 0.5), (1, -9, 1.0)]
    assert shared.metric('graphql_operations_total{kind="query"}') == counted
    assert shared.metric("processes") == PROCESSES
    assert all(shared.ask("{ __typename }", bearer).status_code == 200 for _ in range(12))


def test_one_that_is_told_to_stop_alone_leaves_the_port_to_the_others(shared: Serving) -> None:
    bearer, told = shared.token(), shared.pids()[2]
    os.kill(told, signal.SIGTERM)
    until(lambda: shared.pids()[2] != told, "another serves in its place")
    assert all(shared.ask("{ __typename }", bearer).status_code == 200 for _ in range(12))


def test_who_takes_the_first_ones_place_works_on_deliveries(shared: Serving) -> None:
    def deliver(id_: str) -> None:
        body = json.dumps({"nothing like this": id_}).encode()
        headers = signed("wms", id_, body, datetime.now(UTC)) | {"content-type": "application/json"}
        assert httpx.post(f"{shared.address}/webhooks/wms", content=body, headers=headers).status_code == 202

    def dead() -> float:
        told = httpx.get(f"{shared.address}/metrics", headers={"authorization": "Bearer scraper"}).text
        return sum(map(float, re.findall(r"^crossdock_dead_letters_total\{.*\} (\S+)$", told, re.MULTILINE)))

    deliver("first")
    until(lambda: dead() == 1, "the first is worked on")
    _replaced(shared, 0)
    deliver("second")
    until(lambda: dead() == 2, "the second is worked on by whoever came after")


def _replaced(here: Serving, place: int) -> None:
    """Kills who serves in a place, and waits until another does."""
    killed = here.pids()[place]
    os.kill(killed, signal.SIGKILL)
    until(lambda: here.pids()[place] != killed, "another serves in its place")


# -- stopping ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_requests_under_way_are_answered_before_all_stop(fleet: Fleet, number: signal.Signals, tmp_path: Path) -> None:
    first, *numbers = sorted({each for each in World.build().examples.values() if each.startswith("SO-")})[:7]
    with serving(fleet, tmp_path) as here:
        bearer, children = here.token(), psutil.Process(here.main.pid).children()
        until(lambda: _each_asked_the_erp(here, bearer, first), "each has read the ERP's contract")
        fleet.reset_calls()
        fleet.fault("erp", latency_ms=1500)
        try:
            with ThreadPoolExecutor(len(numbers)) as pool:
                asked = [
                    pool.submit(here.ask, f'{{ order(number: "{each}") {{ number }} }}', bearer, **_named(each, number))
                    for each in numbers
                ]
                expected = {_named(each, number)["x-correlation-id"] for each in numbers}
                until(lambda: expected <= set(fleet.calls("erp").correlation_ids), "all are under way")
                here.main.send_signal(number)
                answers = [each.result() for each in asked]
        finally:
            fleet.clear_faults()
        assert [each.json()["data"] for each in answers] == [{"order": {"number": each}} for each in numbers]
        assert here.main.wait(PATIENCE) == 0
        assert sorted(line["process"] for line in here.lines("stopped")) == [*range(PROCESSES)]
        assert not any(child.is_running() for child in children)
    assert "Traceback" not in here.printed.read_text()
    assert not list(tmp_path.glob("crossdock-metrics-*"))


def _named(order: str, number: signal.Signals) -> dict[str, str]:
    return {"x-correlation-id": f"{number.name}-{order}"}


def _each_asked_the_erp(here: Serving, bearer: str, order: str) -> bool:
    here.ask(f'query @maxStaleness(seconds: 0) {{ order(number: "{order}") {{ number }} }}', bearer)
    asked = {line["process"] for line in here.lines("request") if line["route"] == "/graphql" and line["kind"]}
    return len(asked) == PROCESSES


def test_whoever_had_connected_is_answered_or_never_was_let_in(fleet: Fleet, tmp_path: Path) -> None:
    with serving(fleet, tmp_path) as here:
        cut: list[Exception] = []
        answered = 0

        def knock() -> int:
            taken = 0
            while True:
                try:
                    taken += httpx.get(f"{here.address}/healthz", timeout=PATIENCE).status_code == 200
                except httpx.ConnectError:
                    return taken
                except httpx.HTTPError as error:
                    cut.append(error)
                    return taken

        with ThreadPoolExecutor(8) as pool:
            knocking = [pool.submit(knock) for _ in range(8)]
            until(lambda: len(here.lines("request")) > 100, "there is load")
            here.main.send_signal(signal.SIGTERM)
            answered = sum(each.result() for each in knocking)
        assert here.main.wait(PATIENCE) == 0
        assert cut == []
        assert answered == len([line for line in here.lines("request") if line["route"] == "/healthz"])


def test_none_outlives_the_one_that_began_them(fleet: Fleet, tmp_path: Path) -> None:
    with serving(fleet, tmp_path) as here:
        children = psutil.Process(here.main.pid).children()
        assert len(children) == PROCESSES
        here.main.kill()
        gone, alive = psutil.wait_procs(children, timeout=PATIENCE)
        assert (len(gone), alive) == (PROCESSES, [])


def test_what_cannot_start_ends_it_with_the_same_status(fleet: Fleet, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    environ = {**os.environ, **company.environment(dict.fromkeys(SIMULATORS, NOWHERE) | dict(fleet.urls))}
    given = {"CROSSDOCK_STORE__URL": f"sqlite:///{occupied}/below.db", "CROSSDOCK_PORT": "0", "CROSSDOCK_WORKERS": "2"}
    done = subprocess.run(COMMAND, env=environ | given, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 3
    assert "CROSSDOCK_STORE__URL: is not to be had" in done.stderr
    assert "a process has ended" not in done.stderr


# -- what each goes by -------------------------------------------------------------------------------------------------

ENVIRONMENT = company.environment(dict.fromkeys(SIMULATORS, "http://127.0.0.1:1"))


def test_what_a_source_allows_is_shared_out_and_one_alone_works_on_deliveries() -> None:
    given = {"CROSSDOCK_WORKERS": "3", "CROSSDOCK_ERP__LIMITS__CONCURRENCY": "8"}
    whole = settings.load(ENVIRONMENT | given)
    portions = [portion(whole, number) for number in range(3)]
    assert [each.erp.limits.concurrency for each in portions] == [3, 3, 2]
    for path, source in whole.sources():
        shares = [dict(each.sources())[path] for each in portions]
        assert sum(each.limits.concurrency for each in shares) == source.limits.concurrency
        assert {each.url for each in shares} == {source.url}
    assert [each.ingest.worker for each in portions] == [True, False, False]
    assert len({each.secret.get_secret_value() for each in portions}) == 1


def test_where_deliveries_are_left_to_the_worker_none_works_on_them() -> None:
    whole = settings.load(ENVIRONMENT | {"CROSSDOCK_WORKERS": "2", "CROSSDOCK_INGEST__WORKER": "false"})
    assert [portion(whole, number).ingest.worker for number in range(2)] == [False, False]


def test_a_source_that_allows_fewer_calls_than_there_are_processes_is_told() -> None:
    given = {"CROSSDOCK_WORKERS": "3", "CROSSDOCK_CARRIERS__UPS__LIMITS__CONCURRENCY": "2"}
    with pytest.raises(Misconfigured) as caught:
        settings.load(ENVIRONMENT | given)
    assert str(caught.value) == (
        "CROSSDOCK_CARRIERS__UPS__LIMITS__CONCURRENCY: is 2, too few for 3 processes to share; lower CROSSDOCK_WORKERS"
    )
