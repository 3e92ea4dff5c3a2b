"""Starts the simulated company's systems as processes, and steers their clocks and faults from outside."""

import json
import selectors
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import IO, Any, Self, TypeAlias, cast

TELLER = "events"
"""Tells what happens in all the others, so it hears last of a clock that moved."""
SIMULATORS = ("erp", "wms", "ups", "fedex", "usps", "dhl", "ltl", "idp", TELLER)
PACKAGE = "examples.distributor"
START_DEADLINE = 60.0
"""Seconds until every simulator must have said it is ready."""
STOP_DEADLINE = 5.0
"""Seconds a simulator may take to end before it is killed."""
CONTROL_TIMEOUT = 10.0
LOG_TAIL = 2000
"""How many characters of a failed simulator's log its error repeats."""


Sent: TypeAlias = Mapping[str, Mapping[str, Mapping[str, int]]]
"""What was told, by source, kind and what became of it: the fields of ``sending.Counts``."""


class FleetError(Exception):
    """A simulator did not start, or refused a control request."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What one simulator counted since the last reset; ``correlation_ids`` are the distinct ones it saw last."""

    total: int
    by_operation: Mapping[str, int]
    peak_concurrency: int
    correlation_ids: Sequence[str]


class Fleet:
    """Running simulators; ``urls`` by name. A context manager that stops them on the way out.

    Each is a session of its own, so that Ctrl-C reaches only who started the fleet, and each holds a pipe from here:
    when this process dies, however it dies, they end too.
    """

    def __init__(self, processes: Mapping[str, "_Simulator"]) -> None:
        self._processes = processes
        self.urls: Mapping[str, str] = {name: process.url for name, process in processes.items()}

    @classmethod
    def start(
        cls,
        names: Collection[str] = SIMULATORS,
        *,
        package: str = PACKAGE,
        ports: Mapping[str, int] | None = None,
        deadline: float = START_DEADLINE,
    ) -> Self:
        """Start ``python -m <package>.<name>`` for each name at once; returns when all answer.

        ``ports`` fixes some ports, the others are free ones. Raises FleetError, with the simulator's own words, when
        one ends or is not ready within ``deadline`` seconds; then none is left running.
        """
        processes: dict[str, _Simulator] = {}
        try:
            for name in names:
                processes[name] = _Simulator(name, f"{package}.{name}", (ports or {}).get(name, 0))
            _await_ready(processes, deadline)
        except BaseException:
            _stop(processes.values())
            raise
        fleet = cls(processes)
        fleet.set_clock(fleet.now())
        return fleet

    def stop(self) -> None:
        _stop(self._processes.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- faults and calls ---------------------------------------------------------------------------------------------

    def fault(self, name: str, **knobs: object) -> None:
        """Put the faults in ``knobs`` (fields of ``faults.Faults``) in force in one simulator, replacing any others."""
        self._ask(name, "PUT", "/__faults", knobs)

    def clear_faults(self) -> None:
        self._ask_all("DELETE", "/__faults")

    def files(self, **filing: object) -> None:
        """How the ERP's files are from now on (fields of ``erp.files.Filing``)."""
        self._ask("erp", "PUT", "/__files", filing)

    def calls(self, name: str) -> Calls:
        return Calls(**self._ask(name, "GET", "/__calls"))

    def reset_calls(self) -> None:
        self._ask_all("DELETE", "/__calls")

    # -- the clock ----------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The simulated instant, as the first simulator tells it."""
        return datetime.fromisoformat(self._ask(next(iter(self.urls)), "GET", "/__clock")["now"])

    def set_clock(self, now: datetime) -> None:
        self._turn(now=now.isoformat())

    def set_rate(self, rate: float) -> None:
        """From now on so many simulated seconds pass in a real one."""
        self._turn(rate=rate)

    def advance(self, seconds: float) -> None:
        self._turn(advance_s=seconds)

    def freeze(self) -> None:
        """Stop every clock at the same instant."""
        self._turn(now=self.now().isoformat(), frozen=True)

    def thaw(self) -> None:
        self._turn(frozen=False)

    def _turn(self, **setting: object) -> None:
        """Every clock, as of the same real second."""
        setting["real"] = time.monotonic()
        self._ask_all("PUT", "/__clock", setting, names=[name for name in self.urls if name != TELLER])
        self._ask_all("PUT", "/__clock", setting, names=[name for name in self.urls if name == TELLER])

    # -- events -------------------------------------------------------------------------------------------------------

    def subscribe(
        self, url: str | None = None, *, nats: str | None = None, subject: str = "erp.events", settle: float = 1.5
    ) -> None:
        """From now on what happens is posted to ``url``/<source>, the ERP's events to a JetStream subject if ``nats``.

        After the clocks were set, ``settle`` real seconds pass before anything is told: as long as whoever follows them
        may take to notice.
        """
        self._ask(TELLER, "PUT", "/__subscriber", {"url": url, "nats": nats, "subject": subject, "settle": settle})

    def unsubscribe(self) -> None:
        """Nothing is told any more, neither what waits to be told again."""
        self._ask(TELLER, "DELETE", "/__subscriber")

    def chaos(self, **knobs: object) -> None:
        """Put ``knobs`` (fields of ``chaos.Chaos``) in force for what happens from now on, replacing any others."""
        self._ask(TELLER, "PUT", "/__chaos", knobs)

    def sent(self) -> Sent:
        return cast(Sent, self._ask(TELLER, "GET", "/__sent"))

    def flush(self, within: float = 60.0) -> Sent:
        """Wait until all that has happened is told and acknowledged. Raises FleetError after ``within`` seconds."""
        path = f"/__flush?within={within:g}"
        return cast(Sent, self._ask(TELLER, "POST", path, timeout=within + CONTROL_TIMEOUT))

    # -- control requests ---------------------------------------------------------------------------------------------

    def _ask_all(self, method: str, path: str, body: object = None, *, names: Iterable[str] | None = None) -> None:
        with ThreadPoolExecutor(max_workers=len(self.urls)) as pool:
            list(pool.map(lambda name: self._ask(name, method, path, body), self.urls if names is None else names))

    def _ask(self, name: str, method: str, path: str, body: object = None, timeout: float = CONTROL_TIMEOUT) -> Any:
        request = urllib.request.Request(  # noqa: S310 - our own simulator's address
            self.urls[name] + path, None if body is None else json.dumps(body).encode(), method=method
        )
        try:
            with _DIRECT.open(request, timeout=timeout) as reply:
                return json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            raise FleetError(f"{name} refused {method} {path}: {error.read().decode().strip()}") from error


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Simulators are on this machine: never through a proxy."""


class _Simulator:
    """One simulator's process; its standard error is kept in a file, to be told if it fails."""

    def __init__(self, name: str, module: str, port: int) -> None:
        self.name = name
        self.url = ""
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, "--port", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )
        self.stdin, self.stdout = cast(IO[bytes], self.process.stdin), cast(IO[bytes], self.process.stdout)

    def read_ready_line(self) -> None:
        """Take the address from the ready line. Raises FleetError when the process ended instead."""
        line = self.stdout.readline()
        if not line:
            raise FleetError(f"simulator {self.name} ended with {self.process.wait()}:\n{self.log()}")
        try:
            self.url = json.loads(line)["url"]
        except (ValueError, KeyError, TypeError) as error:
            raise FleetError(f"simulator {self.name} said {line!r} instead of where it is") from error

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-LOG_TAIL:].strip()

    def stop(self, deadline: float) -> None:
        """Wait for the end until ``deadline`` (monotonic), then kill."""
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.stdin, self.stdout, self._log):
            pipe.close()


def _await_ready(processes: Mapping[str, _Simulator], deadline: float) -> None:
    end = time.monotonic() + deadline
    with selectors.DefaultSelector() as waiting:
        for process in processes.values():
            waiting.register(process.stdout, selectors.EVENT_READ, process)
        while waiting.get_map():
            ready = waiting.select(end - time.monotonic())
            if not ready:
                late = [process for process in processes.values() if not process.url]
                words = "\n".join(f"{process.name}: {process.log()}" for process in late)
                raise FleetError(f"not ready after {deadline:g} s:\n{words}")
            for key, _ in ready:
                key.data.read_ready_line()
                waiting.unregister(key.fileobj)


def _stop(processes: Collection[_Simulator]) -> None:
    for process in processes:
        process.process.terminate()
    deadline = time.monotonic() + STOP_DEADLINE
    for process in processes:
        process.stop(deadline)
