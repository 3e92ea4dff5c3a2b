"""Serves with several processes that share a port, a memory and what the sources allow, and keeps them all alive.

They are forked from this one once everything is loaded, so they start at once and share what is never written to. All
accept from one socket: whoever is idle takes the next connection, and none is lost with the process that died.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from prometheus_client.multiprocess import mark_process_dead

from engine.execute import Engine
from server import running, telemetry
from server.environment import Misconfigured
from server.sections import Source
from server.settings import Settings
from server.telemetry import Telemetry

STOP = frozenset((signal.SIGINT, signal.SIGTERM))
HEEDED = STOP | {signal.SIGCHLD}

PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds until a process that ended is begun again, doubled each time up to the longest."""

STEADY = 60.0
"""Seconds after which a process has proven itself."""

CANNOT_START = frozenset((2, 3))
"""Exit statuses of a process that could not start: told of a wrong setting, and of anything else."""

SPARE = 10.0
"""Seconds beyond what requests and streams may take to end, after which a process that still runs is killed."""


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serves with ``settings.workers`` processes until SIGINT or SIGTERM, then lets requests under way finish.

    Raises SystemExit when they cannot start. It is the last thing a process does: signals stay blocked.
    """
    engine = running.prepared(settings)
    portions = [portion(settings, number) for number in range(settings.workers)]
    with TemporaryDirectory(prefix="crossdock-metrics-") as folder:
        processes = _Processes(portions, listener, engine, Path(folder))
        signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)
        try:
            processes.keep()
        finally:
            processes.stop()


def portion(settings: Settings, number: int) -> Settings:
    """What process ``number`` of all goes by: a share of each source's calls at once; the first alone works on
    deliveries, and so does whoever takes its place.
    """
    ingest = settings.ingest.model_copy(update={"worker": settings.ingest.worker and number == 0})
    shares = {path: _share(source, number, settings.workers) for path, source in settings.sources()}
    return settings.model_copy(
        update={
            "ingest": ingest,
            "erp": shares["erp",],
            "coexistence": settings.coexistence.model_copy(update={"erp": shares.get(("coexistence", "erp"))}),
            "wms": shares["wms",],
            "carriers": {name: shares["carriers", name] for name in settings.carriers},
        }
    )


def _share(source: Source, number: int, of: int) -> Source:
    each, left = divmod(source.limits.concurrency, of)
    limits = source.limits.model_copy(update={"concurrency": each + (number < left)})
    return source.model_copy(update={"limits": limits})


@dataclass(slots=True)
class _Place:
    """One of the processes, whichever holds it now. ``due``: when the next is begun, by the monotonic clock."""

    number: int
    settings: Settings
    process: BaseProcess | None = None
    began: float = 0.0
    starts: int = 0
    pause: float = PAUSE
    due: float = 0.0


class _Processes:
    def __init__(self, portions: Sequence[Settings], listener: socket.socket, engine: Engine, folder: Path) -> None:
        self._places = [_Place(number, settings) for number, settings in enumerate(portions)]
        self._listener = listener
        self._engine = engine
        self._folder = folder
        self._lifeline, self._held = os.pipe()
        self._log = structlog.get_logger("crossdock")

    def keep(self) -> None:
        """Begins each, and again whenever it ends, until a signal says to stop. Raises SystemExit."""
        while True:
            now = time.monotonic()
            for place in self._places:
                if place.process and place.process.exitcode is not None:
                    self._ended(place, place.process.exitcode, now)
                if place.process is None and now >= place.due:
                    self._begin(place, now)
            waits = [max(place.due - now, 0.0) for place in self._places if place.process is None]
            heard = signal.sigtimedwait(HEEDED, min(waits)) if waits else signal.sigwaitinfo(HEEDED)
            if heard and heard.si_signo in STOP:
                return

    def stop(self) -> None:
        """Tells each to stop, and waits until it has."""
        running.hang_up(self._listener)
        self._listener.close()
        alive = [place.process for place in self._places if place.process]
        for process in alive:
            process.terminate()
        grace = self._places[0].settings.shutdown_grace
        ends = time.monotonic() + 2 * grace + SPARE
        for process in alive:
            process.join(max(ends - time.monotonic(), 0.0))
            if process.exitcode is None:
                self._log.error("a process would not stop and is killed", pid=process.pid)
                process.kill()
                process.join()
        os.close(self._held)
        os.close(self._lifeline)

    def _begin(self, place: _Place, now: float) -> None:
        place.process = multiprocessing.get_context("fork").Process(target=self._serve, args=(place,))
        place.began, place.starts = now, place.starts + 1
        place.process.start()

    def _ended(self, place: _Place, status: int, now: float) -> None:
        if place.starts == 1 and status in CANNOT_START:
            raise SystemExit(status)
        if now - place.began >= STEADY:
            place.pause = PAUSE
        pid = place.process and place.process.pid
        self._log.warning("a process has ended", process=place.number, pid=pid, status=status, again_in=place.pause)
        mark_process_dead(place.number, str(self._folder))  # type: ignore[no-untyped-call]  # it has no types
        place.process, place.due = None, now + place.pause
        place.pause = min(2 * place.pause, LONGEST_PAUSE)

    def _serve(self, place: _Place) -> None:
        """What each process does. It stops by itself when the lifeline, which only this one's parent holds, ends."""
        os.close(self._held)
        signal.signal(signal.SIGTERM, running.leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
        structlog.contextvars.bind_contextvars(process=place.number)
        telemetry.share(self._folder, place.number)
        try:
            running.run(place.settings, self._listener, self._engine, Telemetry(self._folder), lifeline=self._lifeline)
        except Misconfigured as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(2)
